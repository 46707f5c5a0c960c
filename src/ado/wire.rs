//! What stands on the wire: the answers here, the bodies of requests in `wire::sent`, and nothing
//! else.
//!
//! Answers are open sets: only members that kado uses are named, unknown ones are ignored, and ids
//! are read as numbers or as texts, because the `test` area writes them as texts and the `testplan`
//! area as numbers.

mod sent;

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::katalon::settings::StoredProject;
use crate::moment::Moment;
use crate::server::Server;

pub(crate) use sent::*;

/// A list as most calls answer it.
#[derive(Debug, Deserialize)]
pub struct List<T> {
    #[serde(
        default = "Vec::new",
        deserialize_with = "items",
        bound(deserialize = "T: Deserialize<'de>")
    )]
    pub(crate) value: Vec<T>,
}

/// Items of one answer. The largest page that kado asks for has 200; what a server gives at once
/// without pages, such as the plans of a project, are thousands.
const MOST_ITEMS: usize = 100_000;

/// Reads the items of a list, counted while they are read: an item of two bytes takes hundreds in
/// memory.
fn items<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_seq(Items(PhantomData))
}

struct Items<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
    type Value = Vec<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a list of at most {MOST_ITEMS} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            if items.len() == MOST_ITEMS {
                return Err(de::Error::invalid_length(MOST_ITEMS + 1, &self));
            }
            items.push(item);
        }
        Ok(items)
    }
}

/// `GET _apis/connectionData`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionData {
    /// Who the token belongs to.
    pub(crate) authenticated_user: Option<User>,
}

/// Somebody.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// GUID.
    pub(crate) id: Option<String>,
    pub(crate) provider_display_name: Option<String>,
}

/// `GET _apis/projects/{project}`.
#[derive(Debug, Deserialize)]
pub struct TeamProject {
    /// GUID.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// Number of its last change.
    pub(crate) revision: Option<u64>,
    /// Where its REST interface is.
    pub(crate) url: Option<String>,
}

impl From<TeamProject> for StoredProject {
    fn from(project: TeamProject) -> Self {
        Self {
            description: project.description,
            id: project.id,
            name: project.name,
            revision: project.revision.map(|revision| revision.to_string()),
            url: project.url,
        }
    }
}

/// A test plan.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TestPlan {
    #[serde(deserialize_with = "id")]
    pub(crate) id: u32,
    #[serde(default)]
    pub(crate) name: String,
    /// `Active` or `Inactive`.
    pub(crate) state: Option<String>,
    /// Path of its area; lists have it only with details, as all that follows.
    pub(crate) area_path: Option<String>,
    /// Path of its iteration.
    pub(crate) iteration: Option<String>,
    pub(crate) start_date: Option<String>,
    pub(crate) end_date: Option<String>,
    /// The suite that holds all others.
    pub(crate) root_suite: Option<Reference>,
}

/// Something with an id and perhaps a name.
#[derive(Clone, Debug, Deserialize)]
pub struct Reference {
    #[serde(deserialize_with = "id")]
    pub(crate) id: u32,
    #[serde(default)]
    pub(crate) name: String,
}

/// A test point of the `testplan` area.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestPoint {
    /// Id; one without cannot be used, and does not make the rest of the list unreadable.
    #[serde(default, deserialize_with = "some_id")]
    pub(crate) id: Option<u32>,
    pub(crate) test_case_reference: Option<Reference>,
    pub(crate) configuration: Option<Reference>,
    /// The plan that it belongs to.
    pub(crate) test_plan: Option<Reference>,
    pub(crate) test_suite: Option<Reference>,
}

/// A test point of the `test` area, as servers before 2020 have it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SuitePoint {
    #[serde(default, deserialize_with = "some_id")]
    pub(crate) id: Option<u32>,
    /// Its test case, without a title.
    pub(crate) test_case: Option<Reference>,
    pub(crate) configuration: Option<Reference>,
    /// The plan that it belongs to.
    pub(crate) test_plan: Option<Reference>,
}

/// A suite that holds a test case.
#[derive(Debug, Deserialize)]
pub(crate) struct SuiteOfCase {
    pub(crate) plan: Option<Reference>,
}

/// A build or release definition.
#[derive(Debug, Deserialize)]
pub(crate) struct PipelineDefinition {
    #[serde(default)]
    pub(crate) name: String,
    /// Stages of a release definition.
    pub(crate) environments: Option<Vec<Named>>,
}

/// A suite of a plan, with those below it where the server nests them.
#[derive(Debug, Deserialize)]
pub(crate) struct TestSuite {
    #[serde(deserialize_with = "id")]
    pub(crate) id: u32,
    /// Suites below it.
    #[serde(default)]
    pub(crate) children: Option<Vec<TestSuite>>,
}

/// A test configuration.
#[derive(Debug, Deserialize)]
pub(crate) struct TestConfiguration {
    #[serde(deserialize_with = "id")]
    pub(crate) id: u32,
    #[serde(default)]
    pub(crate) name: String,
}

/// A work item.
#[derive(Debug, Deserialize)]
pub struct WorkItem {
    #[serde(deserialize_with = "id")]
    pub(crate) id: u32,
    #[serde(default)]
    pub(crate) rev: u32,
    /// The fields that were asked for.
    #[serde(default)]
    pub(crate) fields: WorkItemFields,
}

/// Fields of a work item.
#[derive(Debug, Default, Deserialize)]
pub struct WorkItemFields {
    /// Its type, such as `Test Case`.
    #[serde(rename = "System.WorkItemType")]
    pub(crate) kind: Option<String>,
    #[serde(rename = "System.Title")]
    pub(crate) title: Option<String>,
    #[serde(rename = "System.TeamProject")]
    pub(crate) project: Option<String>,
}

/// A build.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Build {
    #[serde(deserialize_with = "id")]
    pub(crate) id: u32,
    /// Number, as people see it.
    pub(crate) build_number: Option<String>,
}

/// A classic release.
#[derive(Debug, Deserialize)]
pub(crate) struct ReleaseAnswer {
    #[serde(deserialize_with = "id")]
    pub(crate) id: u32,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) environments: Vec<StageAnswer>,
}

/// A stage of a release.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StageAnswer {
    #[serde(deserialize_with = "id")]
    pub(crate) id: u32,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) deploy_steps: Vec<DeploymentAttempt>,
}

/// A deployment of a stage.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeploymentAttempt {
    /// When it was queued.
    pub(crate) queued_on: Option<String>,
}

/// A test case with its automation fields.
#[derive(Debug, Deserialize)]
pub(crate) struct AutomatedItem {
    #[serde(deserialize_with = "id")]
    pub(crate) id: u32,
    #[serde(default)]
    pub(crate) rev: u32,
    #[serde(default)]
    pub(crate) fields: AutomatedItemFields,
}

/// Automation fields of a test case.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct AutomatedItemFields {
    #[serde(rename = "Microsoft.VSTS.TCM.AutomationStatus")]
    pub(crate) status: Option<String>,
    #[serde(rename = "Microsoft.VSTS.TCM.AutomatedTestName")]
    pub(crate) name: Option<String>,
    #[serde(rename = "Microsoft.VSTS.TCM.AutomatedTestStorage")]
    pub(crate) storage: Option<String>,
    #[serde(rename = "Microsoft.VSTS.TCM.AutomatedTestType")]
    pub(crate) kind: Option<String>,
}

/// A test case as people who map to it know it.
#[derive(Debug, Deserialize)]
pub(crate) struct TitledItem {
    #[serde(deserialize_with = "id")]
    pub(crate) id: u32,
    #[serde(default)]
    pub(crate) fields: TitledItemFields,
}

/// What tells a test case from others.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct TitledItemFields {
    #[serde(rename = "System.WorkItemType")]
    pub(crate) kind: Option<String>,
    #[serde(rename = "System.Title")]
    pub(crate) title: Option<String>,
    #[serde(rename = "System.State")]
    pub(crate) state: Option<String>,
    #[serde(rename = "System.TeamProject")]
    pub(crate) project: Option<String>,
    #[serde(rename = "Microsoft.VSTS.TCM.AutomatedTestName")]
    pub(crate) automated_name: Option<String>,
    #[serde(rename = "Microsoft.VSTS.TCM.AutomatedTestStorage")]
    pub(crate) automated_storage: Option<String>,
}

/// What a query for work items finds.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QueryAnswer {
    #[serde(default)]
    pub(crate) work_items: Vec<Reference>,
}

/// The work item types of a category.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TypeCategory {
    #[serde(default)]
    pub(crate) work_item_types: Vec<Named>,
}

/// Something with a name.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
}

/// A test run.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestRun {
    #[serde(deserialize_with = "id")]
    pub(crate) id: u32,
    pub(crate) name: Option<String>,
    /// `NotStarted`, `InProgress`, `Completed`, `Aborted` or a word of the future.
    pub(crate) state: Option<String>,
    /// When the server made it; lists have it only with details.
    pub(crate) created_date: Option<String>,
    /// When it began, as its maker said; lists have it only with details.
    pub(crate) started_date: Option<String>,
    /// When it ended, as its maker said; lists have it only with details.
    pub(crate) completed_date: Option<String>,
    /// When something of it changed; lists have it only with details.
    pub(crate) last_updated_date: Option<String>,
    /// Comment; lists have it only with details.
    pub(crate) comment: Option<String>,
    /// How many results it has; computed late by some servers.
    pub(crate) total_tests: Option<u32>,
    /// How many of them passed; computed late by some servers.
    pub(crate) passed_tests: Option<u32>,
    /// Address of the run for people.
    pub(crate) web_access_url: Option<String>,
    /// The test plan of a planned run, as it comes: lists hold every run of the plan, and none is
    /// lost for the sake of this.
    plan: Option<serde_json::Value>,
}

impl TestRun {
    /// Where a person sees it.
    pub(crate) fn page(&self, server: &Server, project: &str) -> String {
        match &self.web_access_url {
            Some(url) => url.clone(),
            None => server.run_page(project, self.id),
        }
    }

    /// Whether somebody still has to complete it.
    pub(crate) fn is_in_progress(&self) -> bool {
        is_state(self.state.as_deref(), "InProgress")
    }

    /// Whether nobody began to fill it.
    pub(crate) fn is_not_started(&self) -> bool {
        let state = self.state.as_deref();
        is_state(state, "NotStarted")
            || is_state(state, "Unspecified")
            || is_state(state, "Waiting")
    }

    /// Whether it takes no results any more. One that says nothing of its state may.
    pub(crate) fn is_over(&self) -> bool {
        self.state.is_some() && !self.is_in_progress() && !self.is_not_started()
    }

    /// Its test plan.
    pub(crate) fn plan(&self) -> Option<u32> {
        let id = self.plan.as_ref()?.get("id")?;
        let id = match id.as_str() {
            Some(text) => text.parse().ok()?,
            None => u32::try_from(id.as_u64()?).ok()?,
        };
        (id > 0).then_some(id)
    }

    /// When whoever began it said that it began.
    pub(crate) fn started(&self) -> Option<Moment> {
        moment(self.started_date.as_deref())
    }

    /// Bytes of memory that its texts take.
    pub(super) fn text_bytes(&self) -> usize {
        let texts = [
            &self.name,
            &self.state,
            &self.created_date,
            &self.started_date,
            &self.completed_date,
            &self.last_updated_date,
            &self.comment,
            &self.web_access_url,
        ];
        texts.into_iter().flatten().map(String::len).sum()
    }

    /// When something of it changed last, as far as the server tells.
    pub(crate) fn changed(&self) -> Option<Moment> {
        moment(self.last_updated_date.as_deref())
    }
}

/// The test case of a result; one of no test plan has a name alone.
#[derive(Debug, Deserialize)]
pub(crate) struct ResultCase {
    #[serde(default, deserialize_with = "some_id")]
    pub(crate) id: Option<u32>,
}

/// A result inside a run.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdoResult {
    #[serde(deserialize_with = "id")]
    pub(crate) id: u32,
    pub(crate) test_point: Option<Reference>,
    pub(crate) test_case: Option<ResultCase>,
    /// Title of its test case.
    pub(crate) test_case_title: Option<String>,
    /// Revision of its test case.
    pub(crate) test_case_revision: Option<u32>,
    /// `Pending`, `Completed` or some other word.
    pub(crate) state: Option<String>,
    pub(crate) outcome: Option<String>,
    /// Start, as somebody told it.
    pub(crate) started_date: Option<String>,
    /// End, as somebody told it.
    pub(crate) completed_date: Option<String>,
    /// Machine, as somebody told it.
    pub(crate) computer_name: Option<String>,
    pub(crate) comment: Option<String>,
    /// When something of it changed.
    pub(crate) last_updated_date: Option<String>,
}

impl AdoResult {
    /// Whether somebody filled it in.
    pub(crate) fn is_completed(&self) -> bool {
        is_state(self.state.as_deref(), "Completed")
    }
}

/// An attachment.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    #[serde(deserialize_with = "id")]
    pub(crate) id: u32,
    /// File name; lists have it.
    pub(crate) file_name: Option<String>,
    /// Comment; kado puts a digest in there.
    pub(crate) comment: Option<String>,
}

/// A time that somebody set. ADO writes one that nobody set as the year 1, sometimes without an
/// offset (`ado/api.md` §12).
pub(crate) fn moment(text: Option<&str>) -> Option<Moment> {
    Moment::parse(text?)
        .ok()
        .filter(|moment| moment.millis() > 0)
}

/// Servers do not agree on the case of their words.
fn is_state(state: Option<&str>, word: &str) -> bool {
    state.is_some_and(|state| state.eq_ignore_ascii_case(word))
}

/// An id that may be absent; an answer that has it holds a number or a text.
fn some_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    id(deserializer).map(Some)
}

/// An id as a number or as a text of digits.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    deserializer.deserialize_any(IdVisitor)
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id as a number or a text")
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<u32, E> {
        u32::try_from(value).map_err(E::custom)
    }

    // Of numbers below zero, which are no ids.
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<u32, E> {
        u32::try_from(value).map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<u32, E> {
        value.trim().parse().map_err(E::custom)
    }
}
