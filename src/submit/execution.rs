//! What a step needs and may use: the submission, its connection, and how its steps are recorded.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::ado::AdoClient;
use crate::ado::attachments::Owner;
use crate::ado::wire::TestRun;
use crate::clock;
use crate::outbox::step::{Step, StepState};
use crate::outbox::submission::{StoredStep, Submission};
use crate::outbox::{Outbox, StoreError};
use crate::plan::SubmissionPlan;
use crate::plan::attachments::Target;
use crate::plan::left_out::LeftOut;
use crate::spool::Spool;
use crate::submit::stop::Stop;

/// What the step that makes the run confirms: that it made it, or found it. JSON texts.
pub(super) const CREATED: &str = "\"created\"";
pub(super) const ADOPTED: &str = "\"adopted\"";

/// A result of the ADO run and the point it belongs to; what [`Step::ReadResults`] confirms.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct ResultRef {
    /// The point.
    pub point_id: u32,
    /// The result inside the run.
    pub result_id: u32,
    /// Title of the test case, as ADO has it.
    pub title: Option<String>,
    /// Revision of the test case, as ADO has it.
    pub revision: Option<u32>,
}

/// One submission that is being carried out.
pub(super) struct Execution<'a> {
    pub(super) outbox: &'a Outbox,
    pub(super) client: &'a AdoClient,
    pub(super) submission: Submission,
    /// Whether nobody waits for it, so that it may wait for others.
    pub(super) patient: bool,
    /// Whether it had an ADO run when this attempt began: any step may have been carried out
    /// already, also one that is not even intended here, because the state folder may be a copy of
    /// an earlier day.
    pub(super) taken_up: bool,
    /// Where copies of the run's files lie.
    pub(super) spool: Spool,
}

/// What a step led to; it is recorded already.
pub(super) type Moved = Result<StoredStep, Stop>;

impl<'a> Execution<'a> {
    /// A submission whose plan is stored.
    pub(super) fn new(
        outbox: &'a Outbox,
        client: &'a AdoClient,
        spool: &Spool,
        submission: Submission,
        patient: bool,
    ) -> Self {
        let taken_up = submission.ado_run_id.is_some();
        Self {
            outbox,
            client,
            submission,
            patient,
            taken_up,
            spool: spool.clone(),
        }
    }
    /// Records that the request of a step is about to leave (invariant I4).
    pub(super) async fn intend(&self, position: usize) -> Result<(), StoreError> {
        let id = self.submission.id;
        self.outbox
            .with(move |store| store.intend(id, position))
            .await
    }

    pub(super) async fn confirm(
        &self,
        position: usize,
        step: Step,
        detail: &impl Serialize,
    ) -> Moved {
        let detail = serde_json::to_value(detail).map_err(StoreError::from)?;
        let id = self.submission.id;
        let text = detail.to_string();
        self.outbox
            .with(move |store| store.confirm(id, position, &detail, clock::now()))
            .await?;
        Ok(StoredStep {
            step,
            state: StepState::Confirmed,
            detail: Some(text),
        })
    }

    pub(super) async fn refuse(&self, position: usize, left_out: LeftOut) -> Moved {
        let (id, step) = (self.submission.id, self.submission.steps[position].step);
        tracing::warn!(id, reason = left_out.reason, "left out");
        self.outbox
            .with(move |store| store.refuse(id, position, &[left_out], clock::now()))
            .await?;
        Ok(settled(step, StepState::Refused))
    }

    /// Whether the run was there when this submission looked for one: another machine, an earlier
    /// installation or a request without an answer made it.
    pub(super) fn is_adopted(&self) -> bool {
        self.submission
            .steps
            .first()
            .is_some_and(|first| first.detail.as_deref() == Some(ADOPTED))
    }

    pub(super) fn plan(&self) -> &SubmissionPlan {
        self.submission
            .plan
            .as_ref()
            .expect("a submission is executed with its plan stored")
    }

    pub(super) fn project(&self) -> &str {
        self.submission
            .snapshot
            .options
            .project
            .as_deref()
            .unwrap_or_default()
    }

    pub(super) fn run_id(&self) -> Result<u32, Stop> {
        let missing = || {
            Stop::Park(
                "the ADO run of this submission is not known; `kado runs retry` starts anew"
                    .to_owned(),
            )
        };
        self.submission.ado_run_id.ok_or_else(missing)
    }

    /// The results of the run, as the step that read them recorded them.
    pub(super) fn result_refs(&self) -> Result<Vec<ResultRef>, Stop> {
        let read = self
            .submission
            .steps
            .iter()
            .find(|stored| stored.step == Step::ReadResults);
        let detail = read
            .and_then(|stored| stored.detail.as_deref())
            .unwrap_or("[]");
        Ok(serde_json::from_str(detail).map_err(StoreError::from)?)
    }

    pub(super) fn owner(&self, target: Target) -> Result<Owner, Stop> {
        let run = self.run_id()?;
        let Target::Point(point) = target else {
            return Ok(Owner { run, result: None });
        };
        let result = self
            .result_refs()?
            .into_iter()
            .find(|result| result.point_id == point);
        Ok(Owner {
            run,
            result: result.map(|result| result.result_id),
        })
    }

    pub(super) fn web_url(&self, run: &TestRun) -> String {
        run.web_access_url
            .clone()
            .unwrap_or_else(|| page(self.client.server().base(), self.project(), run.id))
    }
}

/// Where a person sees a run, should the server not say it.
fn page(base: &str, project: &str, run: u32) -> String {
    let mut page = Url::parse(base).expect("the base of a server is a URL");
    page.path_segments_mut()
        .expect("http URLs have segments")
        .pop_if_empty()
        .extend([project, "_testManagement", "runs"]);
    page.set_query(Some(&format!("runId={run}&_a=runCharts")));
    page.into()
}

fn settled(step: Step, state: StepState) -> StoredStep {
    StoredStep {
        step,
        state,
        detail: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_a_run_is_found_whatever_its_project_is_called() {
        let page = page(
            "https://ado.example/tfs/Shop%20Floor",
            "Net/100% #1 Größe",
            150,
        );
        let expected = "https://ado.example/tfs/Shop%20Floor/Net%2F100%25%20%231%20Gr%C3%B6%C3%9Fe/_testManagement/runs";
        assert_eq!(page, format!("{expected}?runId=150&_a=runCharts"));
    }
}
