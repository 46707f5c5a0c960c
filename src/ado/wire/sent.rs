//! Bodies of requests. A member that is absent stays unchanged in ADO, and one with a wrong name is
//! ignored without a word, so the names are those of the API description; the fake holds each body
//! to it.

use serde::Serialize;

use crate::pipeline::PipelineBuild;
use crate::plan::history::FailureType;
use crate::plan::sub_results::GroupType;

/// A reference by id, as requests of the `test` area want it: as a text.
#[derive(Debug, Serialize)]
pub(crate) struct ById {
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
pub(crate) struct RunCreation<'a> {
    pub(crate) name: &'a str,
    /// Whether it is an automated run.
    pub(crate) automated: bool,
    pub(crate) plan: ById,
    /// The points; ADO makes a result for each.
    pub(crate) point_ids: &'a [u32],
    /// `InProgress`.
    pub(crate) state: &'static str,
    /// Start, RFC 3339.
    pub(crate) start_date: String,
    /// Comment with kado's key.
    pub(crate) comment: &'a str,
    /// Tags; only servers from 2020 on know them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<Tag<'a>>,
    /// The linked build; it has to be one of the same project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) build: Option<ById>,
    /// The linked release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) release_uri: Option<String>,
    /// The stage of that release; without it ADO shows no release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) release_environment_uri: Option<String>,
    /// The pipeline's job; not known to Server 2019.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pipeline_reference: Option<PipelineReference<'a>>,
}

/// The place in a pipeline that a run belongs to. An empty one is refused (`ado/api.md` §5).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PipelineReference<'a> {
    /// The build; the same as the linked one.
    pub(crate) pipeline_id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stage_reference: Option<StageReference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phase_reference: Option<PhaseReference<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_reference: Option<JobReference<'a>>,
}

/// A stage of a pipeline.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StageReference<'a> {
    pub(crate) stage_name: &'a str,
    /// From 1.
    pub(crate) attempt: u32,
}

/// A phase of a stage.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PhaseReference<'a> {
    pub(crate) phase_name: &'a str,
    /// From 1.
    pub(crate) attempt: u32,
}

/// A job of a phase.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobReference<'a> {
    pub(crate) job_name: &'a str,
    /// From 1.
    pub(crate) attempt: u32,
}

impl<'a> PipelineReference<'a> {
    /// The reference to a job's place in its build.
    pub(crate) fn of(build: &'a PipelineBuild) -> Self {
        Self {
            pipeline_id: build.id,
            stage_reference: build.stage.as_ref().map(|stage| StageReference {
                stage_name: &stage.name,
                attempt: stage.attempt,
            }),
            phase_reference: build.phase.as_ref().map(|phase| PhaseReference {
                phase_name: &phase.name,
                attempt: phase.attempt,
            }),
            job_reference: build.job.as_ref().map(|job| JobReference {
                job_name: &job.name,
                attempt: job.attempt,
            }),
        }
    }
}

/// A tag of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Tag<'a> {
    pub(crate) name: &'a str,
}

/// `PATCH test/runs/{id}`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunUpdate<'a> {
    /// `Completed`.
    pub(crate) state: &'static str,
    /// Start, RFC 3339.
    // Sent again at the end: a run that was completed without it has lasted since the year 1
    // (`ado/api.md` §5).
    pub(crate) started_date: String,
    /// End, RFC 3339.
    pub(crate) completed_date: String,
    /// The final comment.
    pub(crate) comment: &'a str,
    /// What a live run could not know yet.
    #[serde(flatten)]
    pub(crate) at_end: Option<KnownAtEnd<'a>>,
}

/// What is known of a run only when its suite is over.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KnownAtEnd<'a> {
    pub(crate) name: &'a str,
    /// The linked build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) build: Option<ById>,
    /// The linked release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) release_uri: Option<String>,
    /// Its stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) release_environment_uri: Option<String>,
}

/// `PATCH test/runs/{id}` of a run that somebody else began.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunComment<'a> {
    pub(crate) comment: &'a str,
    /// `InProgress` of a run that nobody began to fill.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<&'static str>,
}

/// `PATCH test/runs/{id}` of a run that is ended without results of its own.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunEnd<'a> {
    /// `Aborted`; `Completed` for one that somebody completed.
    pub(crate) state: &'static str,
    /// Why; without a key of kado's, so that nobody takes the run for the one that counts.
    pub(crate) comment: &'a str,
    /// Whether results without an outcome go.
    pub(crate) delete_in_progress_results: bool,
}

/// A result in `PATCH test/Runs/{id}/results`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResultUpdate<'a> {
    pub(crate) id: u32,
    pub(crate) test_point: ById,
    /// Title as ADO knows it; some servers fail without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) test_case_title: Option<&'a str>,
    /// Revision as ADO knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) test_case_revision: Option<u32>,
    /// `Completed`; without it the outcome does not count.
    pub(crate) state: &'static str,
    pub(crate) outcome: &'a str,
    /// Start, RFC 3339.
    pub(crate) started_date: String,
    /// End, RFC 3339.
    pub(crate) completed_date: String,
    /// Milliseconds between the two.
    // ADO may go by the dates alone, so all three say the same (`ado/api.md` §12).
    pub(crate) duration_in_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stack_trace: Option<&'a str>,
    pub(crate) comment: &'a str,
    /// `New Issue` or `Known Issue`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure_type: Option<FailureType>,
    /// Machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) computer_name: Option<&'a str>,
    pub(crate) automated_test_name: &'a str,
    pub(crate) automated_test_storage: &'a str,
    pub(crate) automated_test_type: &'static str,
    /// `dataDriven` or `rerun`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result_group_type: Option<GroupType>,
    /// Parts of the result. ADO appends them, so they must not be sent twice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) sub_results: Vec<SubResultUpdate<'a>>,
}

/// A result of which nothing but its outcome is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OutcomeUpdate<'a> {
    pub(crate) id: u32,
    pub(crate) test_point: ById,
    /// Title as ADO knows it; some servers fail without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) test_case_title: Option<&'a str>,
    /// Revision as ADO knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) test_case_revision: Option<u32>,
    /// `Completed`; without it the outcome does not count.
    pub(crate) state: &'static str,
    pub(crate) outcome: &'a str,
    pub(crate) comment: &'a str,
}

/// A part of a result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubResultUpdate<'a> {
    /// Place among its siblings, from 1.
    pub(crate) sequence_id: usize,
    /// What people see.
    pub(crate) display_name: &'a str,
    // Parts have no state of their own beside it (`ado/api.md` §8).
    pub(crate) outcome: &'a str,
    /// Start, RFC 3339.
    pub(crate) started_date: String,
    /// End, RFC 3339.
    pub(crate) completed_date: String,
    /// Milliseconds between the two.
    pub(crate) duration_in_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stack_trace: Option<&'a str>,
    /// How the parts below belong together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result_group_type: Option<GroupType>,
    /// Parts of the part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) sub_results: Vec<SubResultUpdate<'a>>,
}

/// A result that is added to a run, for points that did not fit into its creation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewResult {
    pub(crate) test_point: ById,
    pub(crate) test_case: ById,
    // Newer servers want title and revision of a result that is added (`ado/api.md` §6).
    pub(crate) test_case_title: String,
    /// Its revision.
    pub(crate) test_case_revision: u32,
    pub(crate) configuration: ById,
    /// `Pending` until it is written.
    pub(crate) state: &'static str,
}
