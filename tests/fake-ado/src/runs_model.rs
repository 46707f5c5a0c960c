//! What is submitted: runs, results, sub-results, attachments.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A test run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TestRun {
    /// Its id.
    pub id: u32,
    /// The name of its project.
    pub project: String,
    /// Its name.
    pub name: String,
    /// The plan it belongs to, when it is a planned run.
    pub plan_id: Option<u32>,
    /// `Unspecified`, `NotStarted`, `InProgress`, `Completed`, `Aborted`, `Waiting`.
    pub state: String,
    /// The substate given when it was updated.
    pub substate: Option<String>,
    /// Whether it was created as an automated run.
    pub automated: bool,
    /// Its comment.
    pub comment: Option<String>,
    /// Its error message.
    pub error_message: Option<String>,
    /// When the tests started, as told by the client.
    pub started: Option<Timestamp>,
    /// When the tests ended, as told by the client.
    pub completed: Option<Timestamp>,
    /// When the server made it.
    pub created: Timestamp,
    /// When the server changed it last.
    pub updated: Timestamp,
    /// The linked build.
    pub build: Option<RunBuild>,
    /// The place in a pipeline, as it was sent.
    pub pipeline_reference: Option<serde_json::Value>,
    /// The linked release, as uri.
    pub release_uri: Option<String>,
    /// The linked stage, as uri.
    pub release_environment_uri: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Its revision.
    pub revision: u32,
    /// The points it was created with.
    pub point_ids: Vec<u32>,
    /// Its results in the order of their ids, from 100000.
    pub results: Vec<TestResult>,
    /// Attachments of the run itself.
    pub attachments: Vec<Attachment>,
}

impl TestRun {
    /// The result of a point, the first one if there are several.
    pub fn result_of_point(&self, point: u32) -> Option<&TestResult> {
        self.results
            .iter()
            .find(|result| result.point_id == Some(point))
    }

    /// A result by its id.
    pub fn result(&self, id: u32) -> Option<&TestResult> {
        self.results.iter().find(|result| result.id == id)
    }
}

/// The build that a run is linked with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunBuild {
    /// Its id, as it was sent.
    pub id: String,
}

/// A result of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TestResult {
    /// Its id inside the run, from 100000.
    pub id: u32,
    /// Its test point.
    pub point_id: Option<u32>,
    /// Its test case.
    pub test_case_id: Option<u32>,
    /// Its configuration.
    pub configuration_id: Option<u32>,
    /// The test case's title.
    pub title: String,
    /// The test case's revision.
    pub test_case_revision: u32,
    /// `Unspecified`, `Pending`, `Queued`, `InProgress`, `Paused`, `Completed`.
    pub state: String,
    /// `Unspecified`, `Passed`, `Failed`, …
    pub outcome: String,
    /// When the test started.
    pub started: Option<Timestamp>,
    /// When the test ended.
    pub completed: Option<Timestamp>,
    /// How long it took.
    pub duration_ms: Option<f64>,
    /// The error message, cut at the limit.
    pub error_message: Option<String>,
    /// The stack trace, cut at the limit.
    pub stack_trace: Option<String>,
    /// The comment.
    pub comment: Option<String>,
    /// Its failure type, such as `Known Issue`.
    pub failure_type: Option<String>,
    /// The computer's name.
    pub computer_name: Option<String>,
    /// The name of the automated test.
    pub automated_test_name: Option<String>,
    /// Where the automated test is stored.
    pub automated_test_storage: Option<String>,
    /// The type of the automated test.
    pub automated_test_type: Option<String>,
    /// `none`, `rerun`, `dataDriven`, `orderedTest`, `generic`.
    pub result_group_type: Option<String>,
    /// The priority, 255 for none.
    pub priority: Option<i64>,
    /// Its revision: how often it was changed.
    pub revision: u32,
    /// When the server changed it last.
    pub updated: Timestamp,
    /// Its sub-results; an update appends.
    pub sub_results: Vec<SubResult>,
    /// Its attachments.
    pub attachments: Vec<Attachment>,
}

/// A sub-result: an iteration or an attempt.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SubResult {
    /// Its id inside the result, from 1.
    pub id: u32,
    /// The sub-result above it.
    pub parent_id: Option<u32>,
    /// Its number, as sent.
    pub sequence_id: Option<i64>,
    /// Its name.
    pub display_name: Option<String>,
    /// Its outcome.
    pub outcome: String,
    /// When it started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub completed: Option<Timestamp>,
    /// How long it took.
    pub duration_ms: Option<i64>,
    /// The error message, cut at the limit.
    pub error_message: Option<String>,
    /// The stack trace, cut at the limit.
    pub stack_trace: Option<String>,
    /// The comment.
    pub comment: Option<String>,
    /// The computer's name.
    pub computer_name: Option<String>,
    /// Its group type.
    pub result_group_type: Option<String>,
    /// The level below.
    pub sub_results: Vec<SubResult>,
    /// Its attachments.
    pub attachments: Vec<Attachment>,
}

/// An attachment. The same name may exist many times: uploads are not idempotent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Attachment {
    /// Its id, unique in the world.
    pub id: u32,
    /// Its file name.
    pub file_name: String,
    /// Its comment.
    pub comment: Option<String>,
    /// Its type, such as `GeneralAttachment`.
    pub kind: String,
    /// How many bytes it has.
    pub size: u64,
    /// The BLAKE3 digest of its bytes, in hex.
    pub blake3: String,
    /// The bytes, empty above
    /// [`Settings::keep_attachment_bytes`](crate::Settings::keep_attachment_bytes).
    #[serde(skip)]
    pub bytes: Vec<u8>,
    /// When it arrived.
    pub created: Timestamp,
}
