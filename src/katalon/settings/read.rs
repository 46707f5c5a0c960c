//! From the bytes of the settings file to [`AzureSettings`].

use serde_json::Value as Json;

use super::cut::{LONGEST_KEY, SWITCH, cut_of, doubt_of, is_cut, is_piece, words_for_cut};
use super::lost_rows::{CONFIGURATIONS, LONGEST_JSON, MOST_ROWS, has_lost_rows};
use super::{AzureSettings, ConfigurationRow, FILE, PlanReference, ProjectReference, SendingRule};
use crate::katalon::damage::{Damage, DamageKind};
use crate::katalon::properties::{Properties, Value};
use crate::katalon::remarks::Remarks;
use crate::katalon::run::FileKind;
use crate::katalon::secret::{ProjectToken, TokenForm};
use crate::katalon::status::Status;
use crate::katalon::text::head;
use crate::server::without_secrets;

/// Bytes of a text that are read.
const LONGEST_TEXT: usize = 64 * 1024;
/// Test plans of a project: each gets every run.
const MOST_PLANS: usize = 100;
/// Bytes of a wrong item that are shown.
const SHOWN: usize = 100;

/// Keys that only Katalon's dialogs use, and `buildNumber` of the first preview.
const IGNORED: [&str; 3] = [
    "fetchedProjectList",
    "fetchedTestPlanList",
    "submitOptions.buildNumber",
];

/// Keys that are read, of all generations of the file.
const KNOWN: [&str; 19] = [
    "enableIntegration",
    "serverUrl",
    "token",
    "enableAuthenticationEncryption",
    "integratedProject",
    "executionStatusMappings",
    CONFIGURATIONS,
    "submitOptions.testPlan",
    "submitOptions.testPlans",
    "submitOptions.autoSubmitTestRun",
    "submitOptions.enableSubmitMultiTestPoints",
    "submitOptions.enableOverrideExistingAutomationFields",
    "submitOptions.testRunName",
    "submitOptions.definitionId",
    "submitOptions.buildDefinitionId",
    "submitOptions.releaseDefinitionId",
    "submitOptions.enableIncludeAttachment",
    "submitOptions.attachmentSendingType",
    "submitOptions.attachFileTypes",
];

impl AzureSettings {
    /// Reads the file. Never fails: what cannot be read becomes a warning that names its key.
    pub fn read(bytes: &[u8]) -> Self {
        let mut file = SettingsFile {
            properties: Properties::read(bytes),
            warnings: Vec::new(),
            damage: None,
            cut: None,
            lost_attachments: false,
        };
        file.warn_of_the_end();
        file.warn_of_unknown_keys();
        file.warn_of_cut_values();

        let is_blank = file.properties.iter().next().is_none();
        let is_piece = is_piece(&file.properties);
        let enabled = file.bool(SWITCH);
        let mut settings = Self {
            enabled: enabled.unwrap_or(false),
            says_enabled: enabled.is_some(),
            is_missing: false,
            is_blank,
            is_piece,
            server_url: file.server_url(),
            token: file.token(),
            project: file.project(),
            status_mappings: file.status_mappings(),
            lost_rows: has_lost_rows(&file.properties),
            configuration_rows: file.configuration_rows(),
            test_plans: file.test_plans(),
            auto_submit: file.bool("submitOptions.autoSubmitTestRun"),
            multiple_points: file.bool("submitOptions.enableSubmitMultiTestPoints"),
            override_automation_fields: file
                .bool("submitOptions.enableOverrideExistingAutomationFields"),
            test_run_name: file
                .text("submitOptions.testRunName")
                .filter(|name| !name.trim().is_empty()),
            build_definition: file.build_definition(),
            release_definition: file.definition("submitOptions.releaseDefinitionId"),
            include_attachments: file.include_attachments(),
            sending: file.sending(),
            attachment_kinds: file.attachment_kinds(),
            warnings: Vec::new(),
            damage: None,
            cut: None,
            doubt: doubt_of(&file.properties),
        };

        // They are whole only when everything has been read.
        if file.lost_attachments || file.cut.is_some() {
            settings.include_attachments = Some(false);
        }
        settings.cut = file.cut;
        settings.warnings = file.warnings;
        settings.damage = file.damage;
        settings
    }
}

/// The damage of a value.
fn damage(what: String) -> Damage {
    Damage::of(FILE, DamageKind::UnreadableValue { what })
}

/// The file while it is read.
struct SettingsFile {
    properties: Properties,
    warnings: Vec<String>,
    /// The first value that cannot be read.
    damage: Option<Damage>,
    /// Where the file ends in the middle of its last line.
    cut: Option<String>,
    /// Whether something that it says of attachments cannot be read.
    lost_attachments: bool,
}

impl SettingsFile {
    /// The server as it may be shown and stored: without a user, password, query or fragment.
    fn server_url(&mut self) -> Option<String> {
        let text = self.text("serverUrl")?;
        let url = text.trim();
        if url.is_empty() {
            return None;
        }

        let clean = without_secrets(url);
        let before_query = url.split(['?', '#']).next().unwrap_or_default();
        if before_query.matches('@').count() > clean.matches('@').count() {
            self.warnings.push(
                "`serverUrl` carries a user or password, which is left out; kado signs in with the \
                 token"
                    .to_owned(),
            );
        }
        if url.contains(['?', '#']) {
            self.warnings
                .push("`serverUrl` carries a query or fragment, which is left out".to_owned());
        }
        Some(clean.into_owned())
    }

    fn warn_of_the_end(&mut self) {
        if let Some(what) = cut_of(&self.properties) {
            self.warnings.push(what.clone());
            self.damage = Some(damage(what.clone()));
            self.cut = Some(what);
        }
    }

    /// Whether a key is that of a last line which is cut, which is told once.
    fn is_cut_key(&self, key: &str) -> bool {
        let last = self.properties.unended();
        self.cut.is_some() && last.is_some_and(|line| line.key == key)
    }

    fn warn_of_unknown_keys(&mut self) {
        let mut unknown = Remarks::default();
        for (key, _) in self.properties.iter() {
            if !KNOWN.contains(&key) && !IGNORED.contains(&key) && !self.is_cut_key(key) {
                unknown.add(|| {
                    let key = head(key, LONGEST_KEY);
                    format!("`{key}` is not a setting that kado knows; it was ignored")
                });
            }
        }
        self.warnings
            .extend(unknown.into_list("more unknown setting"));
    }

    /// Where a value is cut, Katalon is writing the file and the keys behind it are missing,
    /// whatever key it is.
    fn warn_of_cut_values(&mut self) {
        let mut cut = Remarks::default();
        for (key, raw) in self.properties.iter() {
            if is_cut(raw) && !self.is_cut_key(key) {
                let what = words_for_cut(key);
                cut.add(|| format!("{what}; it was ignored"));
                self.damage.get_or_insert_with(|| damage(what));
            }
        }
        self.warnings.extend(cut.into_list("more setting"));

        if let Some(what) = self.properties.excess() {
            self.warnings.push(what.clone());
            self.damage.get_or_insert_with(|| damage(what));
        }
    }

    /// Remembers a value that cannot be read.
    fn bad(&mut self, key: &str, what: &str) {
        let what = format!("`{key}` {what}");
        self.warnings.push(format!("{what}; it was ignored"));
        self.damage.get_or_insert_with(|| damage(what));
    }

    /// Remembers a row of a list that cannot be read.
    fn bad_row(&mut self, rows: &mut Remarks, key: &str, what: &str) {
        let what = format!("`{key}` has a {what}");
        rows.add(|| format!("{what}; it was ignored"));
        self.damage.get_or_insert_with(|| damage(what));
    }

    /// Takes in what was said of the rows of a list.
    fn warn_of_rows(&mut self, rows: Remarks) {
        self.warnings.extend(rows.into_list("more such row"));
    }

    /// A switch; `None` when the file does not say.
    fn bool(&mut self, key: &str) -> Option<bool> {
        match self.switch(key) {
            Switch::Said(said) => said,
            Switch::Bad => {
                self.bad(key, "is neither true nor false");
                None
            }
        }
    }

    /// Whether files are attached: nobody knows what a word that cannot be read was to keep here.
    fn include_attachments(&mut self) -> Option<bool> {
        let key = "submitOptions.enableIncludeAttachment";
        match self.switch(key) {
            Switch::Said(said) => said,
            Switch::Bad => {
                self.lose_attachments(&format!("`{key}` is neither true nor false"));
                Some(false)
            }
        }
    }

    fn switch(&self, key: &str) -> Switch {
        if self.is_cut_key(key) {
            return Switch::Said(None);
        }
        let raw = self.properties.raw(key).unwrap_or_default().trim();
        match raw.trim_matches('"').to_ascii_lowercase().as_str() {
            "true" => Switch::Said(Some(true)),
            "false" => Switch::Said(Some(false)),
            "" => Switch::Said(None),
            _ => Switch::Bad,
        }
    }

    /// Remembers that nothing is attached, because what the file says of it cannot be read.
    fn lose_attachments(&mut self, why: &str) {
        let what = format!("{why}, so no file is to be attached");
        self.warnings.push(what.clone());
        self.damage.get_or_insert_with(|| damage(what));
        self.lost_attachments = true;
    }

    /// The raw value of a key, unless it is not over.
    fn raw(&self, key: &str) -> Option<&str> {
        let raw = self.properties.raw(key)?;
        (!is_cut(raw) && !self.is_cut_key(key)).then_some(raw)
    }

    /// The text of a key; an empty one is `None`.
    fn text(&mut self, key: &str) -> Option<String> {
        self.text_within(key, LONGEST_TEXT)
    }

    /// The text of a key, if it has at most so many bytes.
    fn text_within(&mut self, key: &str, longest: usize) -> Option<String> {
        let raw = self.raw(key)?;
        if raw.len() > longest {
            self.bad(key, &format!("is longer than {longest} bytes"));
            return None;
        }
        let text = match Value::read(raw) {
            Value::Text(text) => text,
            Value::Bool(_) | Value::Int(_) => raw.to_owned(),
        };

        (!text.is_empty()).then_some(text)
    }

    /// The JSON in a key. `""`, `{}`, `[]`, `null` and a missing key all mean that nothing is set.
    fn json(&mut self, key: &str) -> Option<Json> {
        let text = self
            .text_within(key, LONGEST_JSON)
            .filter(|text| !text.trim().is_empty())?;
        match serde_json::from_str::<Json>(&text) {
            Ok(json) if is_unset(&json) => None,
            Ok(json) => Some(json),
            Err(_) => {
                self.bad(key, "is not JSON as Katalon writes it");
                None
            }
        }
    }

    /// The JSON list in a key, at most so many items of it; a single object counts as a list of
    /// one.
    fn list(&mut self, key: &str, most: usize) -> Vec<Json> {
        match self.json(key) {
            Some(Json::Array(mut items)) => {
                if items.len() > most {
                    items.truncate(most);

                    let what = format!("`{key}` has more than {most} entries");
                    self.warnings
                        .push(format!("{what}; the others were ignored"));
                    self.damage.get_or_insert_with(|| damage(what));
                }
                items
            }
            Some(object @ Json::Object(_)) => vec![object],
            Some(_) => {
                self.bad(key, "is not a list");
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn token(&mut self) -> ProjectToken {
        // The switch was on in all 44 files that were looked at, and on is Katalon's default.
        let form = match self.bool("enableAuthenticationEncryption") {
            Some(false) => TokenForm::Clear,
            Some(true) | None => TokenForm::Encrypted,
        };
        let token = match self.text("token") {
            Some(value) => ProjectToken::read(&value, form),
            None => ProjectToken::Unset,
        };

        // This is no damage that passes: a value that Katalon is still writing lacks its closing
        // quote.
        self.warnings.extend(token.warning());
        token
    }

    fn project(&mut self) -> Option<ProjectReference> {
        let project = self.json("integratedProject")?;
        let Some(name) = word(&project, "name") else {
            self.bad("integratedProject", "has no name");
            return None;
        };

        Some(ProjectReference {
            id: word(&project, "id"),
            name,
        })
    }

    fn status_mappings(&mut self) -> Vec<(Status, String)> {
        let key = "executionStatusMappings";
        let mut mappings = Vec::new();
        let mut rows = Remarks::default();
        for row in self.list(key, MOST_ROWS) {
            let katalon = word(&row, "katalonStatus");
            match (
                katalon.as_deref().map(str::parse),
                word(&row, "azureStatus"),
            ) {
                (Some(Ok(status)), Some(outcome)) => mappings.push((status, outcome)),
                (Some(Err(error)), _) => rows.add(|| format!("`{key}`: {error}")),
                _ => self.bad_row(&mut rows, key, "row without status"),
            }
        }

        self.warn_of_rows(rows);
        mappings
    }

    fn configuration_rows(&mut self) -> Vec<ConfigurationRow> {
        let key = CONFIGURATIONS;
        let mut rows = Vec::new();
        let mut remarks = Remarks::default();
        for row in self.list(key, MOST_ROWS) {
            let configuration_id = match positive(row.get("azureTestConfigurationId")) {
                Number::Positive(id) => id,
                // Real files have such rows: a row was added, and nothing chosen for it.
                Number::NotChosen => {
                    remarks.add(|| {
                        format!("`{key}` has a row without a chosen configuration; it was ignored")
                    });
                    continue;
                }

                Number::Bad => {
                    self.bad_row(&mut remarks, key, "row with an invalid configuration id");
                    continue;
                }
            };

            rows.push(ConfigurationRow {
                os: condition(&row, "os"),
                platform: condition(&row, "platform"),
                profile: profile(&row),
                configuration_id,
            });
        }

        self.warn_of_rows(remarks);
        rows
    }

    fn test_plans(&mut self) -> Vec<PlanReference> {
        let plans = self.plans("submitOptions.testPlans");
        if !plans.is_empty() {
            return plans;
        }

        // A migrated file keeps the key of the older version, which is stale then.
        self.plans("submitOptions.testPlan")
    }

    fn plans(&mut self, key: &str) -> Vec<PlanReference> {
        let mut plans: Vec<PlanReference> = Vec::new();
        let mut rows = Remarks::default();
        for plan in self.list(key, MOST_PLANS) {
            // Katalon writes objects; hands write a list of numbers.
            let id = if plan.is_object() {
                plan.get("id")
            } else {
                Some(&plan)
            };

            match positive(id) {
                Number::Positive(id) if plans.iter().any(|plan| plan.id == id) => {}
                Number::Positive(id) => plans.push(PlanReference {
                    id,
                    name: word(&plan, "name"),
                }),
                Number::NotChosen | Number::Bad => {
                    self.bad_row(&mut rows, key, "plan without a valid id");
                }
            }
        }

        self.warn_of_rows(rows);
        plans
    }

    fn build_definition(&mut self) -> Option<u32> {
        let key = "submitOptions.buildDefinitionId";
        // The obsolete key stays behind in migrated files; it counts only where there is no newer
        // one.
        let key = if self.properties.raw(key).is_some() {
            key
        } else {
            "submitOptions.definitionId"
        };
        self.definition(key)
    }

    fn definition(&mut self, key: &str) -> Option<u32> {
        let text = self.text(key)?;
        let Ok(id) = text.trim().parse::<i64>() else {
            self.bad(key, "is not a number");
            return None;
        };
        // -1 is Katalon's word for none.
        if id < 1 {
            return None;
        }

        let id = u32::try_from(id).ok();
        if id.is_none() {
            self.bad(key, "is too large for an id");
        }
        id
    }

    fn sending(&mut self) -> Option<SendingRule> {
        let key = "submitOptions.attachmentSendingType";
        match self.text(key)?.trim() {
            "SEND_ALL" => Some(SendingRule::All),
            "SEND_IF_FAILS" => Some(SendingRule::Failed),
            _ => {
                self.bad(key, "is neither SEND_ALL nor SEND_IF_FAILS");
                None
            }
        }
    }

    fn attachment_kinds(&mut self) -> Vec<FileKind> {
        let key = "submitOptions.attachFileTypes";
        let mut kinds = Vec::new();
        let mut rows = Remarks::default();
        for item in self.list(key, MOST_ROWS) {
            let word = item.as_str().unwrap_or_default().trim();
            let kind = FileKind::SENDABLE
                .into_iter()
                .find(|kind| word.eq_ignore_ascii_case(kind.word()));
            match kind {
                Some(kind) if kinds.contains(&kind) => {}
                Some(kind) => kinds.push(kind),
                None => rows.add(|| {
                    let item = item.to_string();
                    let item = head(&item, SHOWN);
                    format!("`{key}`: {item} is not a file type that can be attached")
                }),
            }
        }

        self.warn_of_rows(rows);
        if kinds.is_empty() && !self.says_nothing(key) {
            self.lose_attachments(&format!("`{key}` names no file type that can be read"));
        }
        kinds
    }

    /// Whether the list in a key is empty or not there, as opposed to not readable.
    fn says_nothing(&self, key: &str) -> bool {
        let Some(raw) = self.properties.raw(key) else {
            return true;
        };
        let Value::Text(text) = Value::read(raw) else {
            return false;
        };

        text.trim().is_empty()
            || serde_json::from_str::<Json>(&text).is_ok_and(|json| is_unset(&json))
    }
}

/// A switch of the file.
enum Switch {
    /// What it says; `None` when it is not there or empty.
    Said(Option<bool>),
    /// Neither true nor false.
    Bad,
}

/// Whether JSON says that nothing is set.
fn is_unset(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::Object(object) => object.is_empty(),
        Json::Array(array) => array.is_empty(),
        Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
    }
}

/// A text member that is not blank, without the blanks around it.
fn word(object: &Json, name: &str) -> Option<String> {
    let text = object.get(name)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A column of the configuration mapping; `None` where it matches everything.
fn condition(row: &Json, name: &str) -> Option<String> {
    word(row, name).filter(|value| !value.eq_ignore_ascii_case("--Any--"))
}

/// The key of the profile column was never seen in public, so every key that speaks of a profile
/// counts.
fn profile(row: &Json) -> Option<String> {
    let (name, _) = row
        .as_object()?
        .iter()
        .find(|(key, _)| key.to_ascii_lowercase().contains("profile"))?;
    condition(row, name)
}

/// An id in JSON.
enum Number {
    Positive(u32),
    /// 0, −1 or missing: Katalon's "not chosen".
    NotChosen,
    /// Anything else.
    Bad,
}

fn positive(value: Option<&Json>) -> Number {
    let number = match value {
        None | Some(Json::Null) => return Number::NotChosen,
        Some(Json::Number(number)) => number.as_i64(),
        Some(Json::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };

    match number {
        Some(0 | -1) => Number::NotChosen,
        Some(id) => u32::try_from(id).map_or(Number::Bad, Number::Positive),
        None => Number::Bad,
    }
}

#[cfg(test)]
mod tests;
