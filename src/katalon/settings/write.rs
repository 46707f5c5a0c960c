//! From choices to the bytes of the settings file, as Katalon writes it.
//!
//! Found in the 18 files of the corpus that say something, of which each is made here again
//! (`tests/it/corpus_settings.rs`):
//!
//! * No byte order mark; LF or CR LF, as the system has it; a line end behind the last key.
//! * A first line with a date where the project's `.prj` has `timeStampInProperties` (up to 8.3,
//!   and nobody else): it is kept, and none is made.
//! * Keys in the order in which they were set for the first time. A dialog that is applied for the
//!   first time sets all of them in the order of [`entries`]; one of a project in which only the
//!   defaults had been stored adds the others in the same order behind them.
//! * Texts in quotes, Java-escaped and then escaped for properties; lists and objects as Gson's
//!   pretty form; an object or list that nobody chose is `""`.
//! * Up to 10.1 one plan (`submitOptions.testPlan`) behind the lists; from 10.2 on several
//!   (`submitOptions.testPlans`) in front of them.
//!
//! A value that says already what it is to say keeps its bytes, so a file in which no value changes
//! stays as it is. Members of rows that kado does not know are kept.

mod lists;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{AzureSettings, ConfigurationRow, FILE, SendingRule};
use crate::katalon::gson;
use crate::katalon::properties::{Properties, Value};
use crate::katalon::properties_splice::{KeyChange, LineEnd, NoKeyChange, with_keys};
use crate::katalon::run::FileKind;
use crate::katalon::secret::{ProjectToken, encrypted};
use crate::katalon::status::Status;

/// What `submitOptions.testRunName` is unless somebody chose something else.
const RUN_NAME: &str = "Run by Katalon Studio";
/// Katalon's word for no definition.
const NO_DEFINITION: i32 = -1;

/// What the settings are to say. What is `None` or empty stays as it is, and has Katalon's default
/// in a file that is made anew.
#[derive(Default)]
pub struct SettingsChoices {
    /// `enableIntegration`.
    pub enabled: Option<bool>,
    /// `serverUrl`.
    pub server_url: Option<String>,
    /// `token`.
    pub token: TokenChoice,
    /// `integratedProject`.
    pub project: Option<StoredProject>,
    /// What "Fetch Project" found: `fetchedProjectList`, from which Katalon's dialog lets people
    /// choose. Stored where the project changes to one that is not in the stored list.
    pub fetched_projects: Vec<StoredProject>,
    /// Outcomes of `executionStatusMappings`; the other statuses keep theirs.
    pub outcomes: Vec<(Status, String)>,
    /// Rows of `testConfigurationMappings`; the other rows stay.
    pub rows: Vec<RowChoice>,
    /// The test plans, all of them.
    pub plans: Option<Vec<StoredPlan>>,
    /// What "Fetch Test Plans" found, as [`SettingsChoices::fetched_projects`].
    pub fetched_plans: Vec<StoredPlan>,
    /// `submitOptions.autoSubmitTestRun`.
    pub auto_submit: Option<bool>,
    /// `submitOptions.enableSubmitMultiTestPoints`.
    pub multiple_points: Option<bool>,
    /// `submitOptions.enableOverrideExistingAutomationFields` (10.3.1 and later). In a file that is
    /// made anew it is left out unless it is chosen: where the key is there, runs fill the fields.
    pub override_automation_fields: Option<bool>,
    /// `submitOptions.testRunName`.
    pub run_name: Option<String>,
    /// `submitOptions.buildDefinitionId`; −1 is none.
    pub build_definition: Option<i32>,
    /// `submitOptions.releaseDefinitionId`; −1 is none.
    pub release_definition: Option<i32>,
    /// `submitOptions.enableIncludeAttachment`.
    pub attachments: Option<bool>,
    /// `submitOptions.attachmentSendingType`.
    pub sending: Option<SendingRule>,
    /// `submitOptions.attachFileTypes`.
    pub attachment_kinds: Option<Vec<FileKind>>,
}

/// What becomes of the token.
#[derive(Default)]
pub enum TokenChoice {
    /// It stays as it is.
    #[default]
    Keep,
    /// This one; it is stored encrypted, as Katalon does.
    Set(SecretString),
    /// There is none: it came with another server.
    Remove,
}

/// A project of Azure DevOps as the settings store it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StoredProject {
    /// Its description, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// GUID.
    pub id: String,
    /// Name.
    pub name: String,
    /// Azure DevOps' number of its last change; Katalon stores it as a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Where its REST interface is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A test plan as the settings store it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StoredPlan {
    /// Id of the plan.
    pub id: u32,
    /// Its name.
    pub name: String,
}

/// A row of the test configuration mapping that is set or taken away.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RowChoice {
    /// The row with the conditions of this one has its configuration.
    Set(ConfigurationRow),
    /// There is no row with the conditions of this one, whatever its configuration.
    Remove(ConfigurationRow),
}

/// How Katalon stores test plans.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlanForm {
    /// One: up to 10.1.
    One,
    /// Several: 10.2 and later.
    Several,
}

impl PlanForm {
    /// The form of a version of Katalon such as `9.0.0`; of one that is not known the newer one.
    pub fn of_version(version: &str) -> Self {
        let mut numbers = version.split('.').map(|part| part.trim().parse::<u32>());
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) if (major, minor) < (10, 2) => Self::One,
            _ => Self::Several,
        }
    }
}

/// How a file is made that says nothing yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewFile {
    /// What ends its lines.
    pub line_end: LineEnd,
    /// How its plans are stored.
    pub plans: PlanForm,
}

/// Why the settings are left as they are.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoSettings {
    /// The file cannot be changed.
    #[error(transparent)]
    File(#[from] NoKeyChange),
    /// Katalon is writing the file, or was killed while it did.
    #[error(
        "`{FILE}`: {0}; wait until Katalon has written it, or save the settings again in Katalon"
    )]
    Cut(String),
    /// A list of which only some rows are to change.
    #[error("`{FILE}`: `{0}` is not JSON as Katalon writes it; enter it again in Katalon")]
    NoList(&'static str),
}

/// The settings file with these choices; `bytes` are empty for one that is not there yet.
///
/// # Errors
/// When the file is left as it is: what is damaged is not made worse.
pub fn with_choices(
    bytes: &[u8],
    choices: &SettingsChoices,
    new_file: NewFile,
) -> Result<Vec<u8>, NoSettings> {
    let stored = Stored::read(bytes)?;
    let form = stored.plan_form(choices, new_file.plans);

    let mut changes = Vec::new();
    if matches!(choices.token, TokenChoice::Remove) {
        changes.push(KeyChange {
            key: "token",
            value: None,
        });
    }
    for entry in entries(&stored, choices, form)? {
        let value = match entry.chosen {
            None if stored.is_new => entry.default,
            chosen => chosen,
        };
        if let Some(value) = value
            && !stored.says(entry.key, &value)
        {
            changes.push(KeyChange {
                key: entry.key,
                value: Some(value.write()),
            });
        }
    }
    Ok(with_keys(FILE, bytes, &changes, new_file.line_end)?)
}

/// A key, what it is to have, and what it has in a file that is made anew.
struct Entry {
    key: &'static str,
    chosen: Option<Value>,
    default: Option<Value>,
}

/// All keys in the order in which Katalon's dialog sets them.
fn entries(
    stored: &Stored,
    choices: &SettingsChoices,
    form: PlanForm,
) -> Result<Vec<Entry>, NoSettings> {
    let mut entries = vec![
        switch("enableIntegration", choices.enabled, false),
        text("serverUrl", choices.server_url.clone(), ""),
        without_default("token", stored.token(choices)),
        switch(
            "enableAuthenticationEncryption",
            stored.token(choices).map(|_| true),
            true,
        ),
        text("integratedProject", stored.project(choices), ""),
        without_default("fetchedProjectList", stored.fetched_projects(choices)),
    ];

    let plans = stored.plans(choices, form);
    let fetched_plans = stored.fetched_plans(choices);
    let mut mappings = vec![
        text("executionStatusMappings", stored.outcomes(choices)?, ""),
        without_default("testConfigurationMappings", stored.rows(choices)?),
    ];
    match form {
        PlanForm::One => {
            entries.append(&mut mappings);
            entries.push(without_default("fetchedTestPlanList", fetched_plans));
            entries.push(without_default(form.key(), plans));
        }
        PlanForm::Several => {
            entries.push(text(form.key(), plans.map(into_text), ""));
            entries.push(text(
                "fetchedTestPlanList",
                fetched_plans.map(into_text),
                "[]",
            ));
            entries.append(&mut mappings);
        }
    }

    entries.extend(submit_options(choices));
    Ok(entries)
}

/// The last keys, which are the same in all versions.
fn submit_options(choices: &SettingsChoices) -> Vec<Entry> {
    let sending = choices.sending.map(|rule| match rule {
        SendingRule::All => "SEND_ALL".to_owned(),
        SendingRule::Failed => "SEND_IF_FAILS".to_owned(),
    });
    let kinds = choices.attachment_kinds.as_ref().map(|kinds| {
        let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
        Value::Text(gson::pretty(&words))
    });

    vec![
        switch("submitOptions.autoSubmitTestRun", choices.auto_submit, true),
        switch(
            "submitOptions.enableSubmitMultiTestPoints",
            choices.multiple_points,
            false,
        ),
        without_default(
            "submitOptions.enableOverrideExistingAutomationFields",
            choices.override_automation_fields.map(Value::Bool),
        ),
        text(
            "submitOptions.testRunName",
            choices.run_name.clone(),
            RUN_NAME,
        ),
        definition("submitOptions.buildDefinitionId", choices.build_definition),
        definition(
            "submitOptions.releaseDefinitionId",
            choices.release_definition,
        ),
        switch(
            "submitOptions.enableIncludeAttachment",
            choices.attachments,
            true,
        ),
        text(
            "submitOptions.attachmentSendingType",
            sending,
            "SEND_IF_FAILS",
        ),
        without_default("submitOptions.attachFileTypes", kinds),
    ]
}

fn switch(key: &'static str, chosen: Option<bool>, default: bool) -> Entry {
    Entry {
        key,
        chosen: chosen.map(Value::Bool),
        default: Some(Value::Bool(default)),
    }
}

fn text(key: &'static str, chosen: Option<String>, default: &str) -> Entry {
    Entry {
        key,
        chosen: chosen.map(Value::Text),
        default: Some(Value::Text(default.to_owned())),
    }
}

fn definition(key: &'static str, chosen: Option<i32>) -> Entry {
    Entry {
        key,
        chosen: chosen.map(Value::Int),
        default: Some(Value::Int(NO_DEFINITION)),
    }
}

fn without_default(key: &'static str, chosen: Option<Value>) -> Entry {
    Entry {
        key,
        chosen,
        default: None,
    }
}

fn into_text(value: Value) -> String {
    match value {
        Value::Text(text) => text,
        other => other.write(),
    }
}

impl PlanForm {
    const fn key(self) -> &'static str {
        match self {
            Self::One => "submitOptions.testPlan",
            Self::Several => "submitOptions.testPlans",
        }
    }
}

/// The file as it is.
struct Stored {
    properties: Properties,
    settings: AzureSettings,
    /// Whether it says nothing yet.
    is_new: bool,
}

impl Stored {
    fn read(bytes: &[u8]) -> Result<Self, NoSettings> {
        let properties = Properties::read(bytes);
        if let Some(what) = super::cut::cut_value(&properties) {
            return Err(NoSettings::Cut(what));
        }
        let is_new = properties.iter().next().is_none();
        Ok(Self {
            is_new,
            properties,
            settings: AzureSettings::read(bytes),
        })
    }

    /// The text of a key; none where it is not there or empty.
    fn text(&self, key: &str) -> Option<String> {
        let text = into_text(Value::read(self.properties.raw(key)?));
        (!text.trim().is_empty()).then_some(text)
    }

    /// Whether a key has this value already, however it is written.
    fn says(&self, key: &str, value: &Value) -> bool {
        let Some(raw) = self.properties.raw(key) else {
            return false;
        };
        let there = Value::read(raw);
        if there == *value {
            return true;
        }

        // Hands write JSON in other forms.
        let (Value::Text(there), Value::Text(value)) = (there, value) else {
            return false;
        };
        let there = serde_json::from_str::<serde_json::Value>(&there);
        let wanted = serde_json::from_str::<serde_json::Value>(value);
        match (there, wanted) {
            (Ok(there), Ok(wanted)) => there == wanted && (wanted.is_array() || wanted.is_object()),
            _ => false,
        }
    }

    /// A file keeps its form, unless it cannot hold what was chosen.
    fn plan_form(&self, choices: &SettingsChoices, new: PlanForm) -> PlanForm {
        let are_several = choices.plans.as_ref().is_some_and(|plans| plans.len() > 1);
        if are_several || self.properties.raw(PlanForm::Several.key()).is_some() {
            return PlanForm::Several;
        }
        if self.properties.raw(PlanForm::One.key()).is_some() {
            return PlanForm::One;
        }
        new
    }

    fn token(&self, choices: &SettingsChoices) -> Option<Value> {
        let TokenChoice::Set(token) = &choices.token else {
            return None;
        };
        if let ProjectToken::Set(stored) = &self.settings.token
            && stored.expose_secret() == token.expose_secret()
        {
            return None;
        }
        Some(Value::Text(encrypted(token).expose_secret().to_owned()))
    }

    fn project(&self, choices: &SettingsChoices) -> Option<String> {
        let project = choices.project.as_ref()?;
        // Katalon stores the revision of the day; a newer one is no other project.
        let is_there = self.settings.project.as_ref().is_some_and(|stored| {
            stored.name == project.name && stored.id.as_deref().is_none_or(|id| id == project.id)
        });
        (!is_there).then(|| gson::pretty(project))
    }

    fn fetched_projects(&self, choices: &SettingsChoices) -> Option<Value> {
        let chosen = choices.project.as_ref()?;
        if choices.fetched_projects.is_empty() || self.project(choices).is_none() {
            return None;
        }

        let stored: Vec<StoredProject> = self.cached("fetchedProjectList");
        let is_known = stored.iter().any(|stored| stored.id == chosen.id);
        (!is_known).then(|| Value::Text(gson::pretty(&choices.fetched_projects)))
    }

    fn plans(&self, choices: &SettingsChoices, form: PlanForm) -> Option<Value> {
        let plans = choices.plans.as_ref()?;
        if self.has_plans(plans) {
            return None;
        }
        Some(Value::Text(match (form, plans.as_slice()) {
            (PlanForm::One, [plan, ..]) => gson::pretty(plan),
            (_, []) => String::new(),
            (PlanForm::Several, plans) => gson::pretty(&plans),
        }))
    }

    fn has_plans(&self, plans: &[StoredPlan]) -> bool {
        let stored = self.settings.test_plans.iter().map(|plan| plan.id);
        stored.eq(plans.iter().map(|plan| plan.id))
    }

    fn fetched_plans(&self, choices: &SettingsChoices) -> Option<Value> {
        let chosen = choices.plans.as_ref()?;
        if choices.fetched_plans.is_empty() || self.has_plans(chosen) {
            return None;
        }

        let stored: Vec<StoredPlan> = self.cached("fetchedTestPlanList");
        let is_known = chosen
            .iter()
            .all(|plan| stored.iter().any(|stored| stored.id == plan.id));
        (!is_known).then(|| Value::Text(gson::pretty(&choices.fetched_plans)))
    }

    /// A list that Katalon's dialog keeps; one that cannot be read has nothing to lose.
    fn cached<T: for<'de> Deserialize<'de>>(&self, key: &str) -> Vec<T> {
        let text = self.text(key).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn outcomes(&self, choices: &SettingsChoices) -> Result<Option<String>, NoSettings> {
        const KEY: &str = "executionStatusMappings";
        let text = self.text(KEY);
        let is_used = choices.enabled == Some(true) || !choices.outcomes.is_empty();
        if !is_used || (text.is_some() && choices.outcomes.is_empty()) {
            return Ok(None);
        }
        lists::with_outcomes(text.as_deref(), &choices.outcomes)
            .map(Some)
            .ok_or(NoSettings::NoList(KEY))
    }

    fn rows(&self, choices: &SettingsChoices) -> Result<Option<Value>, NoSettings> {
        const KEY: &str = "testConfigurationMappings";
        if choices.rows.is_empty() {
            return Ok(None);
        }
        let text = self.text(KEY);
        match lists::with_rows(text.as_deref(), &choices.rows) {
            // Nothing is no list that Katalon would have written.
            Some(list) if text.is_none() && list == "[]" => Ok(None),
            Some(list) => Ok(Some(Value::Text(list))),
            None => Err(NoSettings::NoList(KEY)),
        }
    }
}

#[cfg(test)]
mod tests;
