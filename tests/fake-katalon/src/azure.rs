//! The project's settings for Azure DevOps, as Katalon's settings page stores them.

use crate::json::Json;
use crate::properties::{Setting, settings_file};
use crate::seed;

/// What `settings/external/com.kms.katalon.integration.azure.properties` is to say.
#[derive(Clone, Debug)]
pub struct AzureSettings {
    /// `enableIntegration`.
    pub enabled: bool,
    /// `serverUrl`.
    pub server_url: String,
    /// `token` and `enableAuthenticationEncryption`; `None` leaves the key out.
    pub token: Option<Token>,
    /// `integratedProject`: GUID and name.
    pub project: Option<(String, String)>,
    /// The plans, each with id and name.
    pub plans: Vec<(u32, String)>,
    /// Which key the plans are stored under.
    pub plan_generation: PlanGeneration,
    /// `submitOptions.autoSubmitTestRun`.
    pub auto_submit: bool,
    /// `submitOptions.testRunName`.
    pub run_name: String,
    /// `executionStatusMappings`: Katalon's status and ADO's outcome; empty is stored as `""`.
    pub status_mappings: Vec<(String, String)>,
    /// `testConfigurationMappings`, in order; empty leaves the key out.
    pub configuration_rows: Vec<ConfigurationRow>,
    /// `submitOptions.enableSubmitMultiTestPoints`.
    pub multiple_points: bool,
    /// `submitOptions.enableOverrideExistingAutomationFields`; `None` leaves the key out (before
    /// 10.3.1).
    pub override_automation_fields: Option<bool>,
    /// `submitOptions.enableIncludeAttachment`.
    pub attachments: bool,
    /// `submitOptions.attachmentSendingType`.
    pub sending: Sending,
    /// `submitOptions.attachFileTypes`; `None` leaves the key out.
    pub file_types: Option<Vec<String>>,
    /// `submitOptions.buildDefinitionId`; −1 is none.
    pub build_definition: i64,
    /// `submitOptions.releaseDefinitionId`; −1 is none.
    pub release_definition: i64,
}

/// How the token lies in the file.
#[derive(Clone, Debug)]
pub enum Token {
    /// In clear, with `enableAuthenticationEncryption=false`.
    Clear(String),
    /// An encrypted text, written as it is.
    Encrypted(String),
}

/// Which Katalon stored the plans.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlanGeneration {
    /// `submitOptions.testPlan`, the first plan only (8.0 – 10.1).
    One,
    /// `submitOptions.testPlans` (10.2 and later).
    Several,
    /// Both: a migrated file whose old key is stale and holds the last plan.
    Both,
}

/// `submitOptions.attachmentSendingType`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sending {
    /// `SEND_IF_FAILS`.
    IfFails,
    /// `SEND_ALL`.
    All,
}

/// A row of `testConfigurationMappings`.
#[derive(Clone, Debug)]
pub struct ConfigurationRow {
    /// `os`, for instance `Windows` or `--Any--`.
    pub os: String,
    /// `platform`, for instance `Chrome` or `--Any--`.
    pub platform: String,
    /// The execution profile (10.1.1 and later). The name of its key is not known from public
    /// files; `profile` is written.
    pub profile: Option<String>,
    /// `azureTestConfigurationId`.
    pub configuration: u32,
}

impl ConfigurationRow {
    /// A row for an operating system and a platform.
    pub fn new(os: &str, platform: &str, configuration: u32) -> Self {
        Self {
            os: os.to_owned(),
            platform: platform.to_owned(),
            profile: None,
            configuration,
        }
    }

    /// The row that matches everything.
    pub fn any(configuration: u32) -> Self {
        Self::new("--Any--", "--Any--", configuration)
    }
}

impl Default for AzureSettings {
    /// Enabled, with Katalon's defaults; server, token, project and plans are missing.
    fn default() -> Self {
        let mappings = [
            ("PASSED", "Passed"),
            ("FAILED", "Failed"),
            ("INCOMPLETE", "Aborted"),
            ("ERROR", "Error"),
            ("SKIPPED", "NotExecuted"),
        ];
        Self {
            enabled: true,
            server_url: String::new(),
            token: None,
            project: None,
            plans: Vec::new(),
            plan_generation: PlanGeneration::Several,
            auto_submit: true,
            run_name: "Run by Katalon Studio".to_owned(),
            status_mappings: mappings.map(|(k, a)| (k.to_owned(), a.to_owned())).to_vec(),
            configuration_rows: Vec::new(),
            multiple_points: false,
            override_automation_fields: None,
            attachments: true,
            sending: Sending::IfFails,
            file_types: None,
            build_definition: -1,
            release_definition: -1,
        }
    }
}

impl AzureSettings {
    /// Enabled settings for a project and one plan of it; the token stands in clear.
    pub fn connected(server_url: &str, token: &str, project: &str, plan: (u32, &str)) -> Self {
        Self {
            server_url: server_url.to_owned(),
            token: Some(Token::Clear(token.to_owned())),
            project: Some((seed::guid(project), project.to_owned())),
            plans: vec![(plan.0, plan.1.to_owned())],
            ..Self::default()
        }
    }

    /// The text of the file.
    pub fn to_properties(&self) -> String {
        let mut entries = vec![
            ("enableIntegration", Setting::Bool(self.enabled)),
            ("serverUrl", Setting::Text(self.server_url.clone())),
        ];
        if let Some(Token::Clear(token) | Token::Encrypted(token)) = &self.token {
            entries.push(("token", Setting::Text(token.clone())));
        }

        let clear = matches!(self.token, Some(Token::Clear(_)));
        entries.push(("enableAuthenticationEncryption", Setting::Bool(!clear)));
        entries.push(("integratedProject", Setting::Text(self.project_text())));
        self.push_mappings(&mut entries);
        self.push_plans(&mut entries);
        self.push_options(&mut entries);

        settings_file(&entries)
    }

    fn project_text(&self) -> String {
        let Some((id, name)) = &self.project else {
            return String::new();
        };
        let server = self.server_url.trim_end_matches('/');
        Json::object([
            ("id", Json::text(id)),
            ("name", Json::text(name)),
            ("revision", Json::text("163")),
            ("url", Json::text(format!("{server}/_apis/projects/{id}"))),
        ])
        .gson_pretty()
    }

    fn push_mappings(&self, entries: &mut Vec<(&'static str, Setting)>) {
        let rows = self.status_mappings.iter().map(|(katalon, azure)| {
            Json::object([
                ("katalonStatus", Json::text(katalon)),
                ("azureStatus", Json::text(azure)),
            ])
        });
        entries.push(("executionStatusMappings", list_or_nothing(rows.collect())));

        if !self.configuration_rows.is_empty() {
            let rows = self.configuration_rows.iter().map(row_json).collect();
            entries.push(("testConfigurationMappings", list_or_nothing(rows)));
        }
    }

    fn push_plans(&self, entries: &mut Vec<(&'static str, Setting)>) {
        let plans: Vec<Json> = self.plans.iter().map(plan_json).collect();
        entries.push((
            "fetchedTestPlanList",
            Setting::Text(Json::List(plans.clone()).gson_pretty()),
        ));
        let one = match self.plan_generation {
            PlanGeneration::One => plans.first(),
            PlanGeneration::Both => plans.last(),
            PlanGeneration::Several => None,
        };

        if self.plan_generation != PlanGeneration::Several {
            let text = one.map(Json::gson_pretty).unwrap_or_default();
            entries.push(("submitOptions.testPlan", Setting::Text(text)));
        }

        if self.plan_generation != PlanGeneration::One {
            entries.push(("submitOptions.testPlans", list_or_nothing(plans)));
        }
    }

    fn push_options(&self, entries: &mut Vec<(&'static str, Setting)>) {
        let sending = match self.sending {
            Sending::IfFails => "SEND_IF_FAILS",
            Sending::All => "SEND_ALL",
        };
        let types = self.file_types.as_ref().map(|types| {
            let types = types.iter().map(Json::text).collect();
            Setting::Text(Json::List(types).gson_pretty())
        });
        let (bool, number) = (
            |value| Some(Setting::Bool(value)),
            |value| Some(Setting::Number(value)),
        );
        let text = |value: &str| Some(Setting::Text(value.to_owned()));
        let options = [
            ("submitOptions.autoSubmitTestRun", bool(self.auto_submit)),
            (
                "submitOptions.enableSubmitMultiTestPoints",
                bool(self.multiple_points),
            ),
            (
                "submitOptions.enableOverrideExistingAutomationFields",
                self.override_automation_fields.map(Setting::Bool),
            ),
            ("submitOptions.testRunName", text(&self.run_name)),
            (
                "submitOptions.buildDefinitionId",
                number(self.build_definition),
            ),
            (
                "submitOptions.releaseDefinitionId",
                number(self.release_definition),
            ),
            (
                "submitOptions.enableIncludeAttachment",
                bool(self.attachments),
            ),
            ("submitOptions.attachmentSendingType", text(sending)),
            ("submitOptions.attachFileTypes", types),
        ];

        entries.extend(
            options
                .into_iter()
                .filter_map(|(key, value)| Some((key, value?))),
        );
    }
}

fn row_json(row: &ConfigurationRow) -> Json {
    let mut entries = vec![
        ("os".to_owned(), Json::text(&row.os)),
        ("platform".to_owned(), Json::text(&row.platform)),
        (
            "azureTestConfigurationId".to_owned(),
            Json::Number(row.configuration.into()),
        ),
    ];

    if let Some(profile) = &row.profile {
        entries.insert(2, ("profile".to_owned(), Json::text(profile)));
    }

    Json::Object(entries)
}

fn plan_json((id, name): &(u32, String)) -> Json {
    Json::object([
        ("id", Json::Number((*id).into())),
        ("name", Json::text(name)),
    ])
}

/// An empty list is stored as an empty string.
fn list_or_nothing(items: Vec<Json>) -> Setting {
    if items.is_empty() {
        return Setting::Text(String::new());
    }
    Setting::Text(Json::List(items).gson_pretty())
}
