//! Every settings file of real projects: written without a change, and with a value that is set and
//! set back, it has each byte that Katalon wrote; and made anew from what was chosen in it, it is
//! the same file, but for what nobody can know: the date in its first line (up to Katalon 8.3), and
//! the token, which is redacted in the corpus. One file is of Katalon 8.0, which had one key for
//! two definitions.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use kado::katalon::properties_splice::LineEnd;
use kado::katalon::run::FileKind;
use kado::katalon::settings::{
    AzureSettings, ConfigurationRow, NewFile, PlanForm, RowChoice, SendingRule, SettingsChoices,
    StoredPlan, StoredProject, TokenChoice, with_choices,
};
use kado::katalon::status::Status;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::corpus::corpus;

const NAME: &str = "com.kms.katalon.integration.azure.properties";

/// A settings file of the corpus.
struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn line_end(&self) -> LineEnd {
        if self.text.contains("\r\n") {
            LineEnd::CrLf
        } else {
            LineEnd::Lf
        }
    }

    /// The keys in the order of the file, with their values before the quotes are taken away.
    fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for line in self.text.lines().filter(|line| !line.starts_with('#')) {
            // A second opinion on the escapes.
            let read = java_properties::read(line.as_bytes()).unwrap();
            pairs.extend(read);
        }
        pairs
    }

    fn place(&self, key: &str) -> Option<usize> {
        self.pairs().iter().position(|(other, _)| other == key)
    }

    fn raw(&self, key: &str) -> Option<String> {
        let mut pairs = self.pairs().into_iter();
        pairs.find(|(other, _)| other == key).map(|(_, raw)| raw)
    }

    /// What a key that is set says; Java's escapes are JSON's, in these files.
    fn value<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let raw = self.raw(key).filter(|raw| raw != "\"\"")?;
        Some(serde_json::from_str(&raw).unwrap_or_else(|error| self.fail(key, &error)))
    }

    /// The JSON in a key.
    fn json<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let text: String = self.value(key)?;
        Some(serde_json::from_str(&text).unwrap_or_else(|error| self.fail(key, &error)))
    }

    fn fail(&self, key: &str, error: &serde_json::Error) -> ! {
        panic!("{}: {key}: {error}", self.path.display())
    }

    /// What was chosen in Katalon's dialog, so that this file was written.
    fn choices(&self) -> SettingsChoices {
        let statuses: Vec<Json> = self.json("executionStatusMappings").unwrap_or_default();
        let rows: Vec<Json> = self.json("testConfigurationMappings").unwrap_or_default();
        let kinds: Option<Vec<String>> = self.json("submitOptions.attachFileTypes");
        let sending: Option<String> = self.value("submitOptions.attachmentSendingType");
        let token = self.raw("token").map_or(TokenChoice::Keep, |_| {
            TokenChoice::Set(SecretString::from("a"))
        });
        let plan: Option<StoredPlan> = self.json("submitOptions.testPlan");

        SettingsChoices {
            enabled: self.value("enableIntegration"),
            server_url: self.value("serverUrl"),
            token,
            project: self.json::<StoredProject>("integratedProject"),
            fetched_projects: self.json("fetchedProjectList").unwrap_or_default(),
            outcomes: statuses.iter().map(outcome).collect(),
            rows: rows.iter().map(row).collect(),
            plans: plan.map(|plan| vec![plan]),
            fetched_plans: self.json("fetchedTestPlanList").unwrap_or_default(),
            auto_submit: self.value("submitOptions.autoSubmitTestRun"),
            multiple_points: self.value("submitOptions.enableSubmitMultiTestPoints"),
            override_automation_fields: self
                .value("submitOptions.enableOverrideExistingAutomationFields"),
            run_name: self.value("submitOptions.testRunName"),
            build_definition: self.value("submitOptions.buildDefinitionId"),
            release_definition: self.value("submitOptions.releaseDefinitionId"),
            attachments: self.value("submitOptions.enableIncludeAttachment"),
            sending: sending.map(|word| match word.as_str() {
                "SEND_ALL" => SendingRule::All,
                _ => SendingRule::Failed,
            }),
            attachment_kinds: kinds.map(|words| words.iter().map(|word| kind(word)).collect()),
        }
    }

    fn new_file(&self) -> NewFile {
        let plans = match self.place("submitOptions.testPlans") {
            Some(_) => PlanForm::Several,
            None => PlanForm::One,
        };
        NewFile {
            line_end: self.line_end(),
            plans,
        }
    }

    fn with(&self, bytes: &[u8], choices: &SettingsChoices) -> Vec<u8> {
        with_choices(bytes, choices, self.new_file())
            .unwrap_or_else(|error| panic!("{}: {error}", self.path.display()))
    }

    /// The file without what cannot be made again.
    fn comparable(&self) -> String {
        let end = if self.line_end() == LineEnd::CrLf {
            "\r\n"
        } else {
            "\n"
        };
        let without_date = match self.text.split_once('\n') {
            Some((first, rest)) if first.starts_with('#') => rest,
            _ => &self.text,
        };
        without_date.replace(
            &format!("submitOptions.definitionId=-1{end}"),
            &format!(
                "submitOptions.buildDefinitionId=-1{end}submitOptions.releaseDefinitionId=-1{end}"
            ),
        )
    }
}

fn outcome(row: &Json) -> (Status, String) {
    let status = Status::from_str(row["katalonStatus"].as_str().unwrap()).unwrap();
    (status, row["azureStatus"].as_str().unwrap().to_owned())
}

fn row(row: &Json) -> RowChoice {
    let column = |name: &str| {
        let text = row[name].as_str().unwrap();
        (text != "--Any--").then(|| text.to_owned())
    };
    RowChoice::Set(ConfigurationRow {
        os: column("os"),
        platform: column("platform"),
        profile: None,
        configuration_id: row["azureTestConfigurationId"]
            .as_u64()
            .unwrap()
            .try_into()
            .unwrap(),
    })
}

fn kind(word: &str) -> FileKind {
    let mut kinds = FileKind::SENDABLE.into_iter();
    kinds.find(|kind| kind.word() == word).unwrap()
}

/// Every settings file below a folder.
fn find(folder: &Path, found: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            find(&path, found);
        } else if path.ends_with(NAME) {
            let text = fs::read_to_string(&path).unwrap();
            found.push(File { path, text });
        }
    }
}

/// All of them, those first that say something.
fn all() -> Option<Vec<File>> {
    let mut found = Vec::new();
    find(&corpus()?, &mut found);

    assert!(found.len() > 30, "only {} files", found.len());
    Some(found)
}

/// Those that say something.
fn filled() -> Option<Vec<File>> {
    let mut files = all()?;
    files.retain(|file| !file.text.is_empty());

    assert!(files.len() > 15, "only {} files", files.len());
    Some(files)
}

/// What of a file may be attached: whether anything, and which types; none are named where the file
/// leaves that open.
fn may_attach(settings: &AzureSettings, kind: FileKind) -> bool {
    let kinds = &settings.attachment_kinds;
    settings.include_attachments != Some(false) && (kinds.is_empty() || kinds.contains(&kind))
}

#[test]
fn a_real_file_is_whole_and_its_beginnings_attach_no_more_or_are_known_as_such() {
    let Some(files) = filled() else { return };

    for file in &files {
        let whole = AzureSettings::read(file.text.as_bytes());
        assert_eq!(whole.cut, None, "{}", file.path.display());
        assert_eq!(whole.doubt, None, "{}", file.path.display());

        // All have the keys in question at their end, and the largest would take a minute.
        if file.text.len() > 10_000 {
            continue;
        }
        for end in (file.text.len().saturating_sub(1500).max(1)..file.text.len()).step_by(3) {
            let part = &file.text.as_bytes()[..end];
            let settings = AzureSettings::read(part);

            let is_known = settings.cut.is_some() || settings.doubt.is_some();
            let is_no_more = FileKind::SENDABLE
                .into_iter()
                .all(|kind| may_attach(&whole, kind) || !may_attach(&settings, kind));
            // A file that ends before a key which Katalon need not write is whole by itself.
            let is_whole = part.ends_with(b"\r") || part.ends_with(b"\n");
            let shown = String::from_utf8_lossy(part);
            assert!(is_known || is_no_more || is_whole, "{shown}");
        }
    }
}

#[test]
fn a_real_file_without_a_change_keeps_every_byte() {
    let Some(files) = filled() else { return };

    for file in &files {
        // The token is redacted, so it is no token that could be the same.
        let same = SettingsChoices {
            token: TokenChoice::Keep,
            ..file.choices()
        };

        for choices in [&SettingsChoices::default(), &same] {
            let new = file.with(file.text.as_bytes(), choices);
            assert_eq!(
                String::from_utf8(new).unwrap(),
                file.text,
                "{}",
                file.path.display()
            );
        }
    }
}

#[test]
fn values_that_are_set_and_set_back_leave_every_byte_of_a_real_file() {
    let Some(files) = filled() else { return };
    let other = SettingsChoices {
        server_url: Some("https://dev.azure.com/Other & more".to_owned()),
        outcomes: vec![(Status::Error, "Inconclusive".to_owned())],
        run_name: Some("é: other".to_owned()),
        multiple_points: Some(true),
        auto_submit: Some(false),
        attachments: Some(false),
        ..SettingsChoices::default()
    };

    for file in &files {
        let before = file.choices();
        if before.outcomes.is_empty() {
            continue;
        }
        let back = SettingsChoices {
            server_url: before.server_url,
            outcomes: before.outcomes,
            run_name: before.run_name,
            multiple_points: before.multiple_points,
            auto_submit: before.auto_submit,
            attachments: before.attachments,
            ..SettingsChoices::default()
        };

        let there = file.with(file.text.as_bytes(), &other);
        let again = file.with(&there, &back);

        assert_ne!(there, file.text.as_bytes());
        assert_eq!(
            String::from_utf8(again).unwrap(),
            file.text,
            "{}",
            file.path.display()
        );
    }
}

#[test]
fn a_file_that_is_made_anew_from_the_same_choices_is_the_one_that_katalon_wrote() {
    let Some(files) = filled() else { return };

    for file in &files {
        let mut begin = Vec::new();
        let token = file.place("token");
        if token > file.place("submitOptions.attachmentSendingType") {
            // Katalon had stored its defaults before anybody opened the dialog.
            begin = file.with(b"", &SettingsChoices::default());
        }

        let new = String::from_utf8(file.with(&begin, &file.choices())).unwrap();

        // What this test's token is, encrypted.
        let new = new.replace("\"J7R4ejOak4Y\\=\"", "REDACTED");
        assert_eq!(new, file.comparable(), "{}", file.path.display());
    }
}
