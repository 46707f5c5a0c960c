//! The project's settings for Azure DevOps:
//! `settings/external/com.kms.katalon.integration.azure.properties`.
//!
//! Source: the keys of `behaviour.md` §5 and the settings of the corpus, of all generations from the
//! first preview (8.0) to 11.1.2; the largest has 112 kB.
//!
//! Katalon rewrites the whole file in place once per changed key, so it can be met empty or cut.
//! Reading always gives what can be understood; [`AzureSettings::damaged`] tells that something
//! stands there which cannot, so that whoever has good settings can keep them.

mod read;

use serde::{Deserialize, Serialize};

use crate::katalon::run::FileKind;
use crate::katalon::secret::ProjectToken;
use crate::katalon::status::Status;

/// The settings as the file has them; `None` and empty lists mean that the file does not say.
#[derive(Debug, Default)]
pub struct AzureSettings {
    /// `enableIntegration`; Katalon's default is off.
    pub enabled: bool,
    /// `serverUrl`, without the blanks around it.
    pub server_url: Option<String>,
    /// `token`, decrypted in memory.
    pub token: ProjectToken,
    /// `integratedProject`.
    pub project: Option<ProjectReference>,
    /// `executionStatusMappings`: Katalon's status and ADO's outcome word.
    pub status_mappings: Vec<(Status, String)>,
    /// `testConfigurationMappings`, in file order.
    pub configuration_rows: Vec<ConfigurationRow>,
    /// `submitOptions.testPlans`, else `submitOptions.testPlan`.
    pub test_plans: Vec<PlanReference>,
    /// `submitOptions.autoSubmitTestRun`; Katalon's default is on.
    pub auto_submit: Option<bool>,
    /// `submitOptions.enableSubmitMultiTestPoints`.
    pub multiple_points: Option<bool>,
    /// `submitOptions.enableOverrideExistingAutomationFields` (10.3.1 and later).
    pub override_automation_fields: Option<bool>,
    /// `submitOptions.testRunName`, exactly as written.
    pub test_run_name: Option<String>,
    /// `submitOptions.buildDefinitionId`, else the obsolete `definitionId`; −1 is none.
    pub build_definition: Option<u32>,
    /// `submitOptions.releaseDefinitionId`; −1 is none.
    pub release_definition: Option<u32>,
    /// `submitOptions.enableIncludeAttachment`; Katalon's default is on.
    pub include_attachments: Option<bool>,
    /// `submitOptions.attachmentSendingType`.
    pub sending: Option<SendingRule>,
    /// `submitOptions.attachFileTypes`.
    pub attachment_kinds: Vec<FileKind>,
    /// What could not be read, each with the key it concerns.
    pub warnings: Vec<String>,
    /// Whether a value is cut or cannot be read. Unknown keys and an empty file are no damage.
    pub damaged: bool,
}

/// The ADO project that the Katalon project is integrated with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProjectReference {
    /// GUID of the project, when known.
    pub id: Option<String>,
    /// Name of the project.
    pub name: String,
}

/// A test plan as Katalon remembers it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlanReference {
    /// Work item id of the plan.
    pub id: u32,
    /// Its name when Katalon fetched it.
    pub name: Option<String>,
}

/// A row of the test configuration mapping; `None` matches everything, as Katalon's `--Any--` does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ConfigurationRow {
    /// Operating system or device.
    pub os: Option<String>,
    /// Browser or app.
    pub platform: Option<String>,
    /// Execution profile (10.1.1 and later).
    pub profile: Option<String>,
    /// ADO's test configuration.
    pub configuration_id: u32,
}

/// For which runs attachments are sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SendingRule {
    /// `SEND_ALL`.
    All,
    /// `SEND_IF_FAILS`: only runs with a test that did not pass.
    Failed,
}
