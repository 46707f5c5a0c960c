//! The project's settings for Azure DevOps:
//! `settings/external/com.kms.katalon.integration.azure.properties`.
//!
//! Source: the keys of `behaviour.md` §5 and the settings of the corpus, of all generations from
//! the first preview (8.0) to 11.1.2; the largest has 112 kB.
//!
//! Katalon rewrites the whole file in place once per changed key, so it can be met empty or cut.
//! Reading always gives what can be understood; [`AzureSettings::damage`] tells that something
//! stands there which cannot, so that whoever has good settings can keep them.
//! [`AzureSettings::cut`] tells that the file surely lacks its end, so that nothing is decided by
//! it, and [`AzureSettings::doubt`] that it may.

mod cut;
mod lost_rows;
mod read;
mod write;

pub use write::{
    NewFile, NoSettings, PlanForm, RowChoice, SettingsChoices, StoredPlan, StoredProject,
    TokenChoice, with_choices,
};

use cut::{LAST_KEY, SWITCH};
use serde::{Deserialize, Serialize};

use crate::katalon::damage::{Damage, DamageKind};
use crate::katalon::run::FileKind;
use crate::katalon::secret::ProjectToken;
use crate::katalon::status::Status;

/// The file, below the project.
pub(crate) const FILE: &str = "settings/external/com.kms.katalon.integration.azure.properties";

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
    /// Whether rows of it are missing there: the file has more than are read, or not their end.
    pub lost_rows: bool,
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
    /// `submitOptions.enableIncludeAttachment`; Katalon's default is on. Also off where what the
    /// file says of attachments is lost: nobody knows then what was to stay here.
    pub include_attachments: Option<bool>,
    /// `submitOptions.attachmentSendingType`.
    pub sending: Option<SendingRule>,
    /// `submitOptions.attachFileTypes`.
    pub attachment_kinds: Vec<FileKind>,
    /// What could not be read, each with the key it concerns.
    pub warnings: Vec<String>,
    /// The first value that is cut or cannot be read. Unknown keys and an empty file are no damage.
    pub damage: Option<Damage>,
    /// Where the file ends in the middle of its last line, or that it lacks what decides about
    /// everything else; it is among the warnings and the damage.
    pub cut: Option<String>,
    /// What the file lacks that each of Katalon's has at its end. A file edited by hand may be
    /// whole without it, so it is no damage.
    pub doubt: Option<String>,
    /// Whether there is no such file: nobody set the integration up, or it was not checked out.
    pub is_missing: bool,
    /// Whether the file is there and says nothing, as Katalon leaves it where nobody filled in its
    /// dialog.
    pub is_blank: bool,
    /// Whether it is there without the first key of Katalon's and without the last one.
    pub is_piece: bool,
    /// Whether the file says if the integration is on.
    pub says_enabled: bool,
}

impl AzureSettings {
    /// The settings of a project without the file.
    pub(crate) fn missing() -> Self {
        Self {
            is_missing: true,
            ..Self::default()
        }
    }

    /// Takes note that test cases have ids of the integration, which nobody enters before it is set
    /// up: then a file that says nothing of it was cut off.
    pub(crate) fn note_ids(&mut self) {
        if !self.is_piece || self.cut.is_some() {
            return;
        }

        let lacks = if self.is_blank {
            "it is empty".to_owned()
        } else {
            format!("it has neither `{SWITCH}` nor `{LAST_KEY}`, which Katalon always writes")
        };
        let what = format!(
            "{lacks}, although test cases have ADO ids, so it was cut off or never filled in; \
             `kado setup` fills it in as well"
        );
        self.damage = Some(Damage::of(
            FILE,
            DamageKind::UnreadableValue { what: what.clone() },
        ));
        self.warnings.push(what.clone());
        self.cut = Some(what);
    }

    /// Whether nobody knows if the integration is on: what is missing of the file may say it. That
    /// it is off would be taken for the decision of a person.
    pub(crate) const fn is_undecided(&self) -> bool {
        !self.says_enabled && self.cut.is_some()
    }

    /// Why the file is not to be acted on: it surely lacks its end.
    pub(crate) fn told_cut(&self) -> Option<String> {
        let cut = self.cut.as_ref()?;
        Some(format!("`{FILE}` lacks its end: {cut}"))
    }

    /// Why what the file does not say may be missing from it.
    pub(crate) fn told_doubt(&self) -> Option<String> {
        let doubt = self.doubt.as_ref()?;
        Some(format!("`{FILE}` may lack its end: {doubt}"))
    }
}

/// The ADO project that the Katalon project is integrated with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProjectReference {
    /// GUID of the project, when known.
    pub id: Option<String>,
    /// Name of the project.
    pub name: String,
}

impl ProjectReference {
    /// The GUID, where what stands there is one.
    pub(crate) fn guid(&self) -> Option<&str> {
        self.id.as_deref().filter(|id| is_guid(id))
    }
}

/// Whether a text is a GUID: 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12.
pub(crate) fn is_guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();

    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups
            .iter()
            .all(|group| group.bytes().all(|digit| digit.is_ascii_hexdigit()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_32_digits_in_five_groups() {
        assert!(is_guid("7f3c9a52-1111-2222-3333-44445555ABCD"));
    }

    #[test]
    fn a_name_of_the_same_length_is_no_guid() {
        for name in [
            "A project with a name of 36 letters!",
            "7f3c9a52-1111-2222-3333-4444555566",
            "Shop",
        ] {
            assert!(!is_guid(name), "{name}");
        }
    }
}
