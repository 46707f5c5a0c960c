//! A submission as `kado runs` lists it (product contract, section 6).

use serde::Serialize;

use crate::moment::Moment;
use crate::outbox::intake::{Cause, SubmissionState};
use crate::plan::left_out::LeftOut;

/// Who submitted a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SubmittedBy {
    /// kado did.
    Kado,
    /// Katalon did, with its own licence; kado sent nothing.
    Katalon,
}

/// One suite run and plan.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Row {
    /// Id for `kado runs show` and its like.
    pub id: i64,
    /// kado's key, as it stands in the run's comment.
    pub key: String,
    /// Name of the Katalon project.
    pub project: String,
    /// Id of the suite.
    pub suite: String,
    /// The run folder it was found in.
    pub folder: String,
    /// Start of the suite.
    pub started: Option<Moment>,
    /// End of the suite.
    pub ended: Option<Moment>,
    /// The test plan.
    pub plan_id: Option<u32>,
    /// How far it is.
    pub state: SubmissionState,
    /// The ADO test run.
    pub ado_run_id: Option<u32>,
    /// Where a person sees it.
    pub url: Option<String>,
    /// Whose test run it is, once it is submitted.
    pub submitted_by: Option<SubmittedBy>,
    /// How many results it has.
    pub results: usize,
    /// How many attachments it has.
    pub attachments: usize,
    /// What was left out, and why.
    pub skipped: Vec<LeftOut>,
    /// Why it waits, is parked or ignored.
    pub error: Option<String>,
    /// What kind of thing it waits for; only while it waits.
    #[serde(skip)]
    pub cause: Option<Cause>,
    /// When it is tried next.
    pub next_attempt: Option<Moment>,
}
