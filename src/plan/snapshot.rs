//! Everything that a plan depends on besides the points: stored when a run is finished, so that
//! later edits of the project do not change work in flight (invariant I3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::katalon::run::{FileKind, SuiteRun};
use crate::katalon::settings::{ConfigurationRow, SendingRule};
use crate::katalon::status::Status;
use crate::pipeline::PipelineBuild;
use crate::plan::automation::AutomationRule;
use crate::plan::collection::Joined;
use crate::plan::katalon_upload::KatalonRule;
use crate::plan::links::{BuildChoice, ReleaseChoice};

/// A finished run together with the settings and ids of that moment. It holds no secret.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    /// The run as its folder told it.
    pub run: SuiteRun,
    /// The run folder, as a path of this machine.
    pub folder: String,
    /// Name of the Katalon project.
    pub project_name: String,
    /// Folder of the Katalon project, as a path of this machine.
    pub project_root: String,
    /// The settings that are in force for this run.
    pub options: Options,
    /// Id of the collection that the run is a member of, `Test Suites/…`.
    #[serde(default)]
    pub collection: Option<String>,
    /// `numberOfRerun` of the suite's file: how many runs may follow a failed one.
    #[serde(default)]
    pub reruns: Option<u32>,
    /// Ids of the test cases that the run executed; a test that is missing here has no `.tc` file.
    pub cases: BTreeMap<String, CaseIds>,
    /// Of a collection that is submitted as one run: its members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<Joined>,
}

/// What the `.tc` file of a test says about its ADO test cases.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CaseIds {
    /// `azure.testcase.ids` as written.
    pub azure_ids: Option<String>,
    /// Default values of the variables, as Groovy expressions.
    pub defaults: BTreeMap<String, String>,
}

/// Submission settings after all overrides: project, `kado.toml`, options of the run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Options {
    /// URL of the organization or collection; `None` when nothing says it.
    pub server_url: Option<String>,
    /// ADO project, by name or GUID.
    pub project: Option<String>,
    /// Test plans to submit to, without duplicates.
    pub plans: Vec<u32>,
    /// A plan option of the run that is not a plan id; it parks the run instead of falling back to
    /// another plan.
    pub invalid_plan: Option<String>,
    /// Why options of the run's command are not used: others ran at once, and they differ.
    #[serde(default)]
    pub unclear_options: Option<String>,
    /// Why it cannot be told which plan the run was started with; it parks the run.
    #[serde(default)]
    pub unclear_plan: Option<String>,
    /// Name of the ADO test run.
    pub run_name: RunName,
    /// ADO's outcome word for each of Katalon's; a status without an entry has its default.
    pub outcomes: BTreeMap<Status, String>,
    /// The test configuration mapping, in file order.
    pub configuration_rows: Vec<ConfigurationRow>,
    /// Whether a test case with several points gets a result for each of them.
    pub multiple_points: bool,
    /// Which files are sent.
    pub attachments: AttachmentRule,
    /// Whether the ADO run is marked as automated.
    pub automated: bool,
    /// Which build the run is linked with.
    #[serde(default)]
    pub build: Option<BuildChoice>,
    /// Which release the run is linked with.
    #[serde(default)]
    pub release: Option<ReleaseChoice>,
    /// The place in a pipeline of the job that made the run; its build is the linked one.
    #[serde(default)]
    pub pipeline: Option<PipelineBuild>,
    /// What becomes of the automation fields of the test cases; `None` leaves them alone.
    #[serde(default)]
    pub automation: Option<AutomationRule>,
    /// Tags of the ADO run.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What test cases without ids mean.
    #[serde(default)]
    pub unmapped: Unmapped,
    /// `azure.api_version` of the project's own file; the machine's is stronger.
    #[serde(default)]
    pub api_version: Option<String>,
    /// Why the project's own file cannot be used; it parks the run.
    #[serde(default)]
    pub invalid_project_file: Option<String>,
    /// Why a link that an option of the run asks for cannot be looked up: its definition is no id.
    #[serde(default)]
    pub invalid_links: Vec<String>,
    /// What is expected of Katalon's own submission; snapshots of older versions expect nothing.
    #[serde(default)]
    pub katalon: KatalonRule,
}

impl Options {
    /// Lets the run go to this plan in place of another one, as a person said.
    pub fn go_to(&mut self, plan: u32, in_place_of: Option<u32>) {
        self.plans
            .retain(|id| *id != plan && Some(*id) != in_place_of);
        self.plans.insert(0, plan);
        (self.invalid_plan, self.unclear_plan) = (None, None);
    }
}

/// What test cases without ids mean (`submit.unmapped`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmapped {
    /// They are counted.
    #[default]
    Ignore,
    /// Each is named as something that was left out.
    Fail,
}

/// Name of the ADO test run.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RunName {
    /// The text as configured.
    pub text: String,
    /// Whether `{suite}` and its like are filled in: only in names from `kado.toml`, because
    /// Katalon knows none.
    pub placeholders: bool,
    /// Whether environment variables are among them.
    #[serde(default)]
    pub environment: bool,
    /// Their values when the run was taken in; one that must not be shown is missing.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
}

/// Which files of a run are sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AttachmentRule {
    /// The kinds of files; empty sends none.
    pub kinds: Vec<FileKind>,
    /// For which runs.
    pub when: SendingRule,
    /// Largest file in bytes; a larger one is named instead.
    pub max_bytes: u64,
}
