//! Bodies of requests. A member that is absent stays unchanged in ADO, and one with a wrong name is
//! ignored without a word, so the names are those of the API description; the fake holds each body
//! to it.

use serde::Serialize;

use crate::pipeline::{Attempt, PipelineBuild};

/// A reference by id, as requests of the `test` area want it: as a text.
#[derive(Debug, Serialize)]
pub struct ById {
    id: String,
}

impl From<u32> for ById {
    fn from(id: u32) -> Self {
        Self { id: id.to_string() }
    }
}

/// `POST test/runs`. The dates are called `startDate` here and `startedDate` in updates; a wrong
/// name is ignored without a word.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewRun<'a> {
    /// Name.
    pub name: &'a str,
    /// Whether it is an automated run.
    pub automated: bool,
    /// The test plan.
    pub plan: ById,
    /// The points; ADO makes a result for each.
    pub point_ids: &'a [u32],
    /// `InProgress`.
    pub state: &'static str,
    /// Start, RFC 3339.
    pub start_date: String,
    /// Comment with kado's key.
    pub comment: &'a str,
    /// Tags; only servers from 2020 on know them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag<'a>>,
    /// The linked build; it has to be one of the same project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<ById>,
    /// The linked release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_uri: Option<String>,
    /// The stage of that release; without it ADO shows no release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_environment_uri: Option<String>,
    /// The pipeline's job; not known to Server 2019.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_reference: Option<PipelineReference<'a>>,
}

/// The place in a pipeline that a run belongs to. An empty one is refused (`ado/api.md` §5).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PipelineReference<'a> {
    /// The build; the same as the linked one.
    pub pipeline_id: u32,
    /// The stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage_reference: Option<StageReference<'a>>,
    /// The phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase_reference: Option<PhaseReference<'a>>,
    /// The job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_reference: Option<JobReference<'a>>,
}

/// A stage of a pipeline.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StageReference<'a> {
    /// Its name.
    pub stage_name: &'a str,
    /// From 1.
    pub attempt: u32,
}

/// A phase of a stage.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhaseReference<'a> {
    /// Its name.
    pub phase_name: &'a str,
    /// From 1.
    pub attempt: u32,
}

/// A job of a phase.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobReference<'a> {
    /// Its name.
    pub job_name: &'a str,
    /// From 1.
    pub attempt: u32,
}

impl<'a> PipelineReference<'a> {
    /// The reference to a job's place in its build.
    pub fn of(build: &'a PipelineBuild) -> Self {
        let named = |place: &'a Option<Attempt>| {
            place
                .as_ref()
                .map(|place| (place.name.as_str(), place.attempt))
        };
        Self {
            pipeline_id: build.id,
            stage_reference: named(&build.stage).map(|(stage_name, attempt)| StageReference {
                stage_name,
                attempt,
            }),
            phase_reference: named(&build.phase).map(|(phase_name, attempt)| PhaseReference {
                phase_name,
                attempt,
            }),
            job_reference: named(&build.job)
                .map(|(job_name, attempt)| JobReference { job_name, attempt }),
        }
    }
}

/// A tag of a run.
#[derive(Debug, Serialize)]
pub struct Tag<'a> {
    /// Its text.
    pub name: &'a str,
}

/// `PATCH test/runs/{id}`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunUpdate<'a> {
    /// `Completed`.
    pub state: &'static str,
    /// Start, RFC 3339.
    pub started_date: String,
    /// End, RFC 3339.
    pub completed_date: String,
    /// The final comment.
    pub comment: &'a str,
}

/// `PATCH test/runs/{id}` of a run that is ended without results of its own.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunEnd<'a> {
    /// `Aborted`.
    pub state: &'static str,
    /// Why; without a key of kado's, so that nobody takes the run for the one that counts.
    pub comment: &'a str,
    /// Whether results without an outcome go.
    pub delete_in_progress_results: bool,
}

/// A result in `PATCH test/Runs/{id}/results`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultUpdate<'a> {
    /// Id inside the run.
    pub id: u32,
    /// Its point.
    pub test_point: ById,
    /// Title as ADO knows it; some servers fail without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_case_title: Option<&'a str>,
    /// Revision as ADO knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_case_revision: Option<u32>,
    /// `Completed`; without it the outcome does not count.
    pub state: &'static str,
    /// Outcome.
    pub outcome: &'a str,
    /// Start, RFC 3339.
    pub started_date: String,
    /// End, RFC 3339.
    pub completed_date: String,
    /// Milliseconds between the two.
    pub duration_in_ms: u64,
    /// Error message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<&'a str>,
    /// Stack trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack_trace: Option<&'a str>,
    /// Comment.
    pub comment: &'a str,
    /// Machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub computer_name: Option<&'a str>,
    /// Automated test name.
    pub automated_test_name: &'a str,
    /// Automated test storage.
    pub automated_test_storage: &'a str,
    /// Automated test type.
    pub automated_test_type: &'static str,
    /// `dataDriven` or `rerun`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_group_type: Option<crate::plan::sub_results::GroupType>,
    /// Parts of the result. ADO appends them, so they must not be sent twice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sub_results: Vec<SubResultUpdate<'a>>,
}

/// A part of a result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubResultUpdate<'a> {
    /// Place among its siblings, from 1.
    pub sequence_id: usize,
    /// What people see.
    pub display_name: &'a str,
    /// Outcome.
    pub outcome: &'a str,
    /// Start, RFC 3339.
    pub started_date: String,
    /// End, RFC 3339.
    pub completed_date: String,
    /// Milliseconds between the two.
    pub duration_in_ms: u64,
    /// Error message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<&'a str>,
    /// Stack trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack_trace: Option<&'a str>,
    /// How the parts below belong together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_group_type: Option<crate::plan::sub_results::GroupType>,
    /// Parts of the part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sub_results: Vec<SubResultUpdate<'a>>,
}

/// A result that is added to a run, for points that did not fit into its creation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewResult {
    /// The point.
    pub test_point: ById,
    /// The test case.
    pub test_case: ById,
    /// Its title.
    pub test_case_title: String,
    /// Its revision.
    pub test_case_revision: u32,
    /// The configuration.
    pub configuration: ById,
    /// `Pending` until it is written.
    pub state: &'static str,
}
