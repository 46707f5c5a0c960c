//! What stands on the wire: the answers here, the bodies of requests in `wire::sent`, and nothing
//! else.
//!
//! Answers are open sets: only members that kado uses are named, unknown ones are ignored, and ids
//! are read as numbers or as texts, because the `test` area writes them as texts and the `testplan`
//! area as numbers.

mod sent;

use serde::{Deserialize, Deserializer};

use crate::moment::Moment;

pub use sent::*;

/// A list as most calls answer it.
#[derive(Debug, Deserialize)]
pub struct List<T> {
    /// The items.
    #[serde(default = "Vec::new")]
    pub value: Vec<T>,
}

/// `GET _apis/connectionData`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionData {
    /// Who the token belongs to.
    pub authenticated_user: Option<Identity>,
}

/// Somebody.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// GUID.
    pub id: Option<String>,
    /// Name.
    pub provider_display_name: Option<String>,
}

/// `GET _apis/projects/{project}`.
#[derive(Debug, Deserialize)]
pub struct TeamProject {
    /// GUID.
    pub id: String,
    /// Name.
    pub name: String,
}

/// A test plan.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestPlan {
    /// Work item id.
    #[serde(deserialize_with = "id")]
    pub id: u32,
    /// Name.
    #[serde(default)]
    pub name: String,
    /// `Active` or `Inactive`.
    pub state: Option<String>,
    /// The suite that holds all others.
    pub root_suite: Option<Reference>,
}

/// Something with an id and perhaps a name.
#[derive(Clone, Debug, Deserialize)]
pub struct Reference {
    /// Its id.
    #[serde(deserialize_with = "id")]
    pub id: u32,
    /// Its name.
    #[serde(default)]
    pub name: String,
}

/// A test point of the `testplan` area.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestPoint {
    /// Id; one without cannot be used, and does not make the rest of the list unreadable.
    #[serde(default, deserialize_with = "some_id")]
    pub id: Option<u32>,
    /// Its test case.
    pub test_case_reference: Option<Reference>,
    /// Its configuration.
    pub configuration: Option<Reference>,
    /// The plan that it belongs to.
    pub test_plan: Option<Reference>,
    /// Its suite.
    pub test_suite: Option<Reference>,
}

/// A test point of the `test` area, as servers before 2020 have it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuitePoint {
    /// Id.
    #[serde(default, deserialize_with = "some_id")]
    pub id: Option<u32>,
    /// Its test case, without a title.
    pub test_case: Option<Reference>,
    /// Its configuration.
    pub configuration: Option<Reference>,
    /// The plan that it belongs to.
    pub test_plan: Option<Reference>,
}

/// A suite that holds a test case.
#[derive(Debug, Deserialize)]
pub struct SuiteOfCase {
    /// Its plan.
    pub plan: Option<Reference>,
}

/// A build or release definition.
#[derive(Debug, Deserialize)]
pub struct Definition {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Stages of a release definition.
    pub environments: Option<Vec<Named>>,
}

/// A suite of a plan, with those below it where the server nests them.
#[derive(Debug, Deserialize)]
pub struct TestSuite {
    /// Id.
    #[serde(deserialize_with = "id")]
    pub id: u32,
    /// Suites below it.
    #[serde(default)]
    pub children: Option<Vec<TestSuite>>,
}

/// A test configuration.
#[derive(Debug, Deserialize)]
pub struct TestConfiguration {
    /// Id.
    #[serde(deserialize_with = "id")]
    pub id: u32,
    /// Name.
    #[serde(default)]
    pub name: String,
}

/// A work item.
#[derive(Debug, Deserialize)]
pub struct WorkItem {
    /// Id.
    #[serde(deserialize_with = "id")]
    pub id: u32,
    /// Revision.
    #[serde(default)]
    pub rev: u32,
    /// The fields that were asked for.
    #[serde(default)]
    pub fields: WorkItemFields,
}

/// Fields of a work item.
#[derive(Debug, Default, Deserialize)]
pub struct WorkItemFields {
    /// Its type, such as `Test Case`.
    #[serde(rename = "System.WorkItemType")]
    pub kind: Option<String>,
    /// Its title.
    #[serde(rename = "System.Title")]
    pub title: Option<String>,
    /// Its project.
    #[serde(rename = "System.TeamProject")]
    pub project: Option<String>,
}

/// A build.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Build {
    /// Id.
    #[serde(deserialize_with = "id")]
    pub id: u32,
    /// Number, as people see it.
    pub build_number: Option<String>,
}

/// A classic release.
#[derive(Debug, Deserialize)]
pub struct Release {
    /// Id.
    #[serde(deserialize_with = "id")]
    pub id: u32,
    /// Name.
    #[serde(default)]
    pub name: String,
    /// Its stages.
    #[serde(default)]
    pub environments: Vec<ReleaseEnvironment>,
}

/// A stage of a release.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseEnvironment {
    /// Id.
    #[serde(deserialize_with = "id")]
    pub id: u32,
    /// Name.
    #[serde(default)]
    pub name: String,
    /// Its deployments.
    #[serde(default)]
    pub deploy_steps: Vec<DeploymentAttempt>,
}

/// A deployment of a stage.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentAttempt {
    /// When it was queued.
    pub queued_on: Option<String>,
}

/// A test case with its automation fields.
#[derive(Debug, Deserialize)]
pub struct AutomatedItem {
    /// Id.
    #[serde(deserialize_with = "id")]
    pub id: u32,
    /// Revision.
    #[serde(default)]
    pub rev: u32,
    /// The fields.
    #[serde(default)]
    pub fields: AutomatedItemFields,
}

/// Automation fields of a test case.
#[derive(Debug, Default, Deserialize)]
pub struct AutomatedItemFields {
    /// Automation status.
    #[serde(rename = "Microsoft.VSTS.TCM.AutomationStatus")]
    pub status: Option<String>,
    /// Automated test name.
    #[serde(rename = "Microsoft.VSTS.TCM.AutomatedTestName")]
    pub name: Option<String>,
    /// Automated test storage.
    #[serde(rename = "Microsoft.VSTS.TCM.AutomatedTestStorage")]
    pub storage: Option<String>,
    /// Automated test type.
    #[serde(rename = "Microsoft.VSTS.TCM.AutomatedTestType")]
    pub kind: Option<String>,
}

/// The work item types of a category.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeCategory {
    /// The types.
    #[serde(default)]
    pub work_item_types: Vec<Named>,
}

/// Something with a name.
#[derive(Debug, Deserialize)]
pub struct Named {
    /// Its name.
    pub name: String,
}

/// A test run.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestRun {
    /// Id.
    #[serde(deserialize_with = "id")]
    pub id: u32,
    /// Name.
    pub name: Option<String>,
    /// `NotStarted`, `InProgress`, `Completed`, `Aborted` or a word of the future.
    pub state: Option<String>,
    /// When the server made it; lists have it only with details.
    pub created_date: Option<String>,
    /// When it began, as its maker said; lists have it only with details.
    pub started_date: Option<String>,
    /// When it ended, as its maker said; lists have it only with details.
    pub completed_date: Option<String>,
    /// When something of it changed; lists have it only with details.
    pub last_updated_date: Option<String>,
    /// Comment; lists have it only with details.
    pub comment: Option<String>,
    /// Address of the run for programs.
    pub url: Option<String>,
    /// Address of the run for people.
    pub web_access_url: Option<String>,
}

impl TestRun {
    /// Whether somebody still has to complete it.
    pub fn is_in_progress(&self) -> bool {
        self.state
            .as_deref()
            .is_some_and(|state| state.eq_ignore_ascii_case("inprogress"))
    }

    /// When something of it changed last, as far as the server tells.
    pub fn changed(&self) -> Option<Moment> {
        Moment::parse(self.last_updated_date.as_deref()?).ok()
    }
}

/// A result inside a run.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    /// Id inside the run.
    #[serde(deserialize_with = "id")]
    pub id: u32,
    /// Its point.
    pub test_point: Option<Reference>,
    /// Title of its test case.
    pub test_case_title: Option<String>,
    /// Revision of its test case.
    pub test_case_revision: Option<u32>,
    /// `Pending`, `Completed` or some other word.
    pub state: Option<String>,
    /// Outcome.
    pub outcome: Option<String>,
    /// Start, as somebody told it.
    pub started_date: Option<String>,
    /// End, as somebody told it.
    pub completed_date: Option<String>,
    /// Machine, as somebody told it.
    pub computer_name: Option<String>,
    /// When something of it changed.
    pub last_updated_date: Option<String>,
}

impl TestResult {
    /// Whether somebody filled it in.
    pub fn is_completed(&self) -> bool {
        self.state
            .as_deref()
            .is_some_and(|state| state.eq_ignore_ascii_case("completed"))
    }
}

/// An attachment.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// Id.
    #[serde(deserialize_with = "id")]
    pub id: u32,
    /// File name; lists have it.
    pub file_name: Option<String>,
    /// Comment; kado puts a digest in there.
    pub comment: Option<String>,
    /// Size in bytes.
    pub size: Option<u64>,
}

fn some_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    id(deserializer).map(Some)
}

/// An id as a number or as a text of digits.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    struct Id;
    impl serde::de::Visitor<'_> for Id {
        type Value = u32;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an id as a number or a text")
        }

        fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<u32, E> {
            u32::try_from(value).map_err(E::custom)
        }

        fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<u32, E> {
            u32::try_from(value).map_err(E::custom)
        }

        fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<u32, E> {
            value.trim().parse().map_err(E::custom)
        }
    }
    deserializer.deserialize_any(Id)
}
