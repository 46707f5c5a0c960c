//! What a step needs and may use: the submission with its plan, the connection to its server, and
//! the ways to record how far a step is.
//!
//! Steps depend on this module, and the `executor` on the steps; nothing here knows of either.
//! Every change is in the outbox before the method that makes it returns (invariant I4), so an
//! attempt may be cut off at any `await`.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use serde::{Deserialize, Serialize};

use crate::ado::AdoClient;
use crate::ado::attachments::Owner;
use crate::ado::search::FoundRuns;
use crate::ado::wire::{AdoResult, TestRun};
use crate::clock;
use crate::config::Overtaken;
use crate::locked::locked;
use crate::moment::Moment;
use crate::outbox::step::{Step, StepState};
use crate::outbox::submission::{HowMade, StoredStep, Submission};
use crate::outbox::{Outbox, StoreError};
use crate::plan::SubmissionPlan;
use crate::plan::attachments::AttachmentTarget;
use crate::plan::hidden::hide_in_left_out;
use crate::plan::left_out::LeftOut;
use crate::plan::preview;
use crate::spool::Spool;
use crate::submit::stop::Stop;
use crate::telemetry::OUTCOMES;

/// A result of the ADO run and the point it belongs to; what [`Step::ReadResults`] confirms. Stored
/// as JSON.
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

impl ResultRef {
    /// That of a result as ADO has it; `None` of one without a point.
    pub(crate) fn of(result: AdoResult) -> Option<Self> {
        Some(Self {
            point_id: result.test_point?.id,
            result_id: result.id,
            title: result.test_case_title,
            revision: result.test_case_revision,
        })
    }
}

/// A request that does not get through while its server answers everything else; what an
/// unconfirmed step holds. Stored as JSON.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct BreaksOff {
    /// Since when, in milliseconds since 1970.
    since_ms: i64,
    /// When it was given up for the time being, in milliseconds since 1970; the outbox finds it by
    /// this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    given_up_ms: Option<i64>,
}

/// On whose behalf a submission is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sender {
    /// The service. Nobody waits, so a submission may wait for Katalon or for another kado.
    Service,
    /// A command that a person or a pipeline waits for.
    Command,
}

/// Whether the request of a step may have been carried out before this attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Earlier {
    /// It was never sent.
    Never,
    /// It may have been: ADO is asked before it is sent again (invariant I5).
    Perhaps,
}

/// A step that is to be carried out now.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenStep {
    /// Its place among the steps of the submission.
    pub position: usize,
    /// What it does.
    pub step: Step,
    /// Whether it may have been carried out before.
    pub earlier: Earlier,
}

/// How a step ended: as it is recorded in the outbox by now, or why it cannot be settled.
pub(super) type StepResult = Result<StoredStep, Stop>;

/// One submission that is being carried out. Its plan is stored.
pub(super) struct Execution<'a> {
    pub(super) outbox: &'a Outbox,
    pub(super) client: &'a AdoClient,
    pub(super) submission: Submission,
    pub(super) sender: Sender,
    /// Where copies of the run's files lie.
    pub(super) spool: &'a Spool,
    /// What becomes of it where a newer run has gone ahead.
    pub(super) overtaken: Overtaken,
    /// Whether it had an ADO run when this attempt began.
    had_run: bool,
    /// The results of the run by their points, once they were read and asked for.
    results: OnceLock<HashMap<u32, u32>>,
    /// What was asked for beside something else, for the step that needs it.
    early_look: Mutex<Option<FoundRuns>>,
    early_results: Mutex<Option<Vec<AdoResult>>>,
}

impl<'a> Execution<'a> {
    /// The execution of a submission whose plan is stored.
    pub(super) fn new(
        outbox: &'a Outbox,
        client: &'a AdoClient,
        spool: &'a Spool,
        submission: Submission,
        sender: Sender,
    ) -> Self {
        let had_run = submission.ado_run_id.is_some();

        Self {
            outbox,
            client,
            had_run,
            submission,
            sender,
            spool,
            overtaken: Overtaken::default(),
            results: OnceLock::new(),
            early_look: Mutex::default(),
            early_results: Mutex::default(),
        }
    }

    /// What a look before its creation found, where it was taken already.
    pub(super) fn with_early_look(self, early_look: Option<FoundRuns>) -> Self {
        Self {
            early_look: Mutex::new(early_look),
            ..self
        }
    }

    /// What becomes of it where a newer run has gone ahead.
    pub(super) fn with_overtaken(self, overtaken: Overtaken) -> Self {
        Self { overtaken, ..self }
    }

    /// What was found of runs that are there before there was a plan; once.
    pub(super) fn take_early_look(&self) -> Option<FoundRuns> {
        locked(&self.early_look).take()
    }

    /// The results of the run were read beside something else.
    pub(super) fn keep_early_results(&self, results: Vec<AdoResult>) {
        *locked(&self.early_results) = Some(results);
    }

    /// The results that were read beside something else; once.
    pub(super) fn take_early_results(&self) -> Option<Vec<AdoResult>> {
        locked(&self.early_results).take()
    }

    /// The step at a position, with whether it may have been carried out before.
    pub(super) fn open_step(&self, position: usize) -> OpenStep {
        let stored = &self.submission.steps[position];

        // The request of an intended step may have left before a crash. In a run that was there
        // before this attempt any step may have been carried out, also one that is not even
        // intended here: the state folder may be a copy of an earlier day, or another kado may have
        // been at work. That a create had no answer outlives a plan that is made anew.
        let may_have_happened = stored.state == StepState::Intended
            || self.had_run
            || self.is_adopted()
            || (stored.step == Step::CreateRun && self.submission.create_unclear);

        OpenStep {
            position,
            step: stored.step,
            earlier: if may_have_happened {
                Earlier::Perhaps
            } else {
                Earlier::Never
            },
        }
    }

    /// Whether the run was there when this submission looked for one: another machine, an earlier
    /// installation or a request without an answer made it.
    fn is_adopted(&self) -> bool {
        matches!(
            self.submission.how_made(),
            Some(HowMade::Adopted | HowMade::Live)
        )
    }

    /// Whether it was a live run.
    pub(super) fn is_live(&self) -> bool {
        self.submission.how_made() == Some(HowMade::Live)
    }

    /// Whether a result holds what a submission wrote, and not only a preview.
    pub(super) fn is_filled_in(&self, result: &AdoResult) -> bool {
        if !self.is_live() {
            return result.is_completed();
        }

        let is_preview = match &result.comment {
            Some(comment) => preview::is_preview(comment),
            // A list that leaves comments out has the machine, which a preview does not name.
            None => result.computer_name.is_none(),
        };
        result.is_completed() && !is_preview
    }

    /// Records that the request of a step is about to leave. A crash from here on finds the step
    /// intended, and the next attempt asks ADO first.
    pub(super) async fn intend(&self, open: OpenStep) -> Result<(), StoreError> {
        let id = self.submission.id;
        self.outbox
            .with(move |store| store.intend(id, open.position))
            .await
    }

    /// Since when the request of a step does not get through while its server answers everything
    /// else. The first time is recorded, and is `now`.
    pub(super) async fn breaks_off_since(
        &self,
        open: OpenStep,
        now: Moment,
    ) -> Result<Moment, StoreError> {
        let detail = self.submission.steps[open.position].detail.as_deref();
        if let Some(BreaksOff { since_ms, .. }) =
            detail.and_then(|text| serde_json::from_str(text).ok())
        {
            return Ok(Moment::from_millis(since_ms));
        }

        let breaks_off = BreaksOff {
            since_ms: now.millis(),
            given_up_ms: None,
        };
        self.note(open, breaks_off).await?;
        Ok(now)
    }

    /// Records that the request of a step is given up now, to be tried again later.
    pub(super) async fn note_given_up(
        &self,
        open: OpenStep,
        now: Moment,
    ) -> Result<(), StoreError> {
        let breaks_off = BreaksOff {
            since_ms: self.breaks_off_since(open, now).await?.millis(),
            given_up_ms: Some(now.millis()),
        };
        self.note(open, breaks_off).await
    }

    async fn note(&self, open: OpenStep, breaks_off: BreaksOff) -> Result<(), StoreError> {
        let id = self.submission.id;
        let detail = serde_json::to_string(&breaks_off)?;
        self.outbox
            .with(move |store| store.note_unconfirmed(id, open.position, &detail))
            .await
    }

    /// Records that ADO carried a step out, with what is to be known of it later.
    pub(super) async fn confirm(&self, open: OpenStep, detail: &impl Serialize) -> StepResult {
        let id = self.submission.id;
        let detail = serde_json::to_value(detail).map_err(StoreError::from)?;

        Ok(self
            .outbox
            .with(move |store| store.confirm(id, open.position, &detail, clock::now()))
            .await?)
    }

    /// Records the run of this submission together with the step that made or found it: one
    /// transaction, because a confirmed step without its run could never be carried on.
    pub(super) async fn confirm_run(
        &self,
        open: OpenStep,
        run: &TestRun,
        how_made: HowMade,
    ) -> StepResult {
        let id = self.submission.id;
        let run_id = run.id;
        let url = self.page_of(run);

        Ok(self
            .outbox
            .with(move |store| {
                store.confirm_run(id, open.position, run_id, &url, how_made, clock::now())
            })
            .await?)
    }

    /// Records that a step cannot be carried out, now or later; the run's comment will name what it
    /// was for (invariant I7).
    pub(super) async fn refuse(&self, open: OpenStep, mut left_out: LeftOut) -> StepResult {
        let id = self.submission.id;
        hide_in_left_out(&mut left_out, &self.submission.snapshot.hidden);
        tracing::warn!(target: OUTCOMES, id, reason = left_out.reason, "left out");

        Ok(self
            .outbox
            .with(move |store| store.refuse(id, open.position, &[left_out], clock::now()))
            .await?)
    }

    /// Records single items of a step that ADO does not take while the rest of the step goes
    /// through; the run's comment will name them (invariant I7).
    pub(super) async fn leave_out(&self, mut items: Vec<LeftOut>) -> Result<(), StoreError> {
        if items.is_empty() {
            return Ok(());
        }

        let id = self.submission.id;
        for item in &mut items {
            hide_in_left_out(item, &self.submission.snapshot.hidden);
            tracing::warn!(target: OUTCOMES, id, reason = item.reason, "left out");
        }

        self.outbox
            .with(move |store| store.leave_out(id, &items))
            .await
    }

    pub(super) fn plan(&self) -> &SubmissionPlan {
        self.submission
            .plan
            .as_ref()
            .expect("a submission is executed with its plan stored")
    }

    /// The ADO project. A submission without one is parked before it has a plan.
    pub(super) fn project(&self) -> &str {
        self.submission
            .snapshot
            .options
            .project
            .as_deref()
            .unwrap_or_default()
    }

    /// The ADO run, which every step but the first one needs.
    pub(super) fn run_id(&self) -> Result<u32, Stop> {
        self.submission.ado_run_id.ok_or(Stop::RunUnknown)
    }

    /// The results of the run, as the step that read them recorded them.
    pub(super) fn result_refs(&self) -> Result<Vec<ResultRef>, Stop> {
        for stored in &self.submission.steps {
            if stored.step == Step::ReadResults
                && let Some(detail) = &stored.detail
            {
                return Ok(serde_json::from_str(detail).map_err(StoreError::from)?);
            }
        }
        Ok(Vec::new())
    }

    /// What a file is attached to: the run, or its result for a point.
    pub(super) fn owner(&self, target: AttachmentTarget) -> Result<Owner, Stop> {
        let run = self.run_id()?;
        let AttachmentTarget::Point(point) = target else {
            return Ok(Owner { run, result: None });
        };

        // A result that is not known leaves the file with the run: better there than nowhere.
        Ok(Owner {
            run,
            result: self.results_by_point()?.get(&point).copied(),
        })
    }

    /// The results of the run by their points: each of thousands of files asks for one.
    fn results_by_point(&self) -> Result<&HashMap<u32, u32>, Stop> {
        if let Some(results) = self.results.get() {
            return Ok(results);
        }

        let mut results = HashMap::new();
        for result in self.result_refs()? {
            results.entry(result.point_id).or_insert(result.result_id);
        }
        Ok(self.results.get_or_init(|| results))
    }

    /// Where a person sees a run.
    pub(super) fn page_of(&self, run: &TestRun) -> String {
        run.page(self.client.server(), self.project())
    }
}
