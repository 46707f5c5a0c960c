//! Makes the plan of a submission, from its snapshot and what ADO says, and stores it whole before
//! the first request that writes (invariant I3); or says why there is nothing to send.

use tokio_util::sync::CancellationToken;

use crate::ado::search::FoundRuns;
use crate::ado::{AdoClient, AdoError, Missing};
use crate::clock;
use crate::config::Overtaken;
use crate::outbox::submission::Submission;
use crate::outbox::{Outbox, StoreError};
use crate::plan::history::{TestMemory, to_recall};
use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::plan::several_plans::NoResultsHere;
use crate::plan::snapshot::Snapshot;
use crate::plan::without_ids::{is_without_ids, reason_without_ids};
use crate::plan::{self, SubmissionPlan};
use crate::submit::facts::{self, WaitSoFar};
use crate::submit::probe;
use crate::submit::stop::Stop;

/// A submission with its plan, and what was seen of ADO on the way.
pub(super) struct Planned {
    pub(super) submission: Submission,
    /// What the look before its creation found, where it was taken already.
    pub(super) early_look: Option<FoundRuns>,
}

impl From<Submission> for Planned {
    fn from(submission: Submission) -> Self {
        Self {
            submission,
            early_look: None,
        }
    }
}

/// Plans a submission that has no plan yet; gives it with its plan and steps.
///
/// # Errors
/// When ADO or the outbox fails, and when nothing of the run is to be sent.
pub(super) async fn plan(
    outbox: &Outbox,
    client: &AdoClient,
    submission: &Submission,
    overtaken: Overtaken,
) -> Result<Planned, Stop> {
    let id = submission.id;
    let (plan, early_look) = make(outbox, client, submission).await?;
    if plan.results.is_empty() {
        return Err(nothing_to_send(submission, plan));
    }

    // Before the plan is stored: with a plan the submission would be sent at the next attempt.
    if overtaken == Overtaken::Park {
        refuse_overtaken(outbox, id, &plan).await?;
    }

    let submission = outbox
        .with(move |store| {
            store.store_plan(id, &plan, clock::now())?;
            store.load(id)
        })
        .await?;
    Ok(Planned {
        submission,
        early_look,
    })
}

/// Drops the plan of a submission that ADO does not take any more, so that it is made anew: since
/// it was made a point of it may have been removed. Gives the submission without a plan.
///
/// # Errors
/// `refused`, when the submission has an ADO run: what it was made for cannot change then. And when
/// the outbox fails.
pub(super) async fn drop_plan(
    outbox: &Outbox,
    id: i64,
    refused: AdoError,
) -> Result<Submission, Stop> {
    let reason = refused.to_string();
    let was_dropped = outbox
        .with(move |store| store.plan_anew(id, &reason, clock::now()))
        .await?;
    if !was_dropped {
        return Err(refused.into());
    }

    tracing::info!(id, reason = %refused, "planned anew");
    Ok(outbox.with(move |store| store.load(id)).await?)
}

/// Reads what ADO says and makes the plan.
async fn make(
    outbox: &Outbox,
    client: &AdoClient,
    submission: &Submission,
) -> Result<(SubmissionPlan, Option<FoundRuns>), Stop> {
    let snapshot = &submission.snapshot;
    let (Some(plan_id), Some(project)) = (submission.plan_id, &snapshot.options.project) else {
        return Err(Stop::NoDestination);
    };

    let id = submission.id;
    let waited = WaitSoFar {
        attempts: submission.attempts,
        since: outbox.with(move |store| store.last_event(id)).await?,
    };

    // Neither needs the other, and with a far server each turn is felt.
    let facts_are_read = CancellationToken::new();
    let (facts, early_look) = tokio::join!(
        async {
            let _end = facts_are_read.clone().drop_guard();
            facts::read(client, project, plan_id, &snapshot.options, waited).await
        },
        probe::early_look(client, project, submission, &facts_are_read)
    );

    match facts {
        Ok(facts) => {
            let memory = memory_of(outbox, snapshot).await?;
            let plan = plan::plan(snapshot, plan_id, &submission.key, &facts, &memory);
            Ok((plan, early_look))
        }
        Err(
            gone @ AdoError::Gone {
                what: Missing::Plan(missing),
                ..
            },
        ) if missing == plan_id => Err(Stop::PlanGone {
            gone,
            submission: submission.id,
            run_option: snapshot.run.options.plan.clone(),
        }),
        Err(error) => Err(error.into()),
    }
}

/// What is remembered of the tests of a run that failed.
async fn memory_of(outbox: &Outbox, snapshot: &Snapshot) -> Result<TestMemory, StoreError> {
    let tests = to_recall(snapshot);
    if tests.is_empty() {
        return Ok(TestMemory::default());
    }

    let end = snapshot.ended();
    outbox.with(move |store| store.memory_of(&tests, end)).await
}

/// An older run whose points have a newer result is left to a person: ADO would show the older
/// outcome as the latest.
///
/// # Errors
/// [`Stop::Overtaken`] for such a run, and when the outbox fails.
pub(super) async fn refuse_overtaken(
    outbox: &Outbox,
    id: i64,
    plan: &SubmissionPlan,
) -> Result<(), Stop> {
    let asked = plan.clone();
    let overtaken = outbox
        .with(move |store| store.overtaken_by(id, &asked, clock::now()))
        .await?;

    match overtaken {
        Some((newer, point)) => Err(Stop::Overtaken {
            submission: id,
            newer,
            point,
            plan: Box::new(plan.clone()),
        }),
        None => Ok(()),
    }
}

/// What becomes of a plan without results.
fn nothing_to_send(submission: &Submission, plan: SubmissionPlan) -> Stop {
    if is_without_ids(&submission.snapshot) {
        return Stop::WithoutIds {
            reason: reason_without_ids(&submission.snapshot, submission.id),
            plan: Box::new(plan),
        };
    }

    let plan_id = plan.plan_id;
    let reason = match plan.none_here {
        Some(NoResultsHere::GoTo(other)) => {
            return Stop::Elsewhere {
                other,
                plan: Box::new(plan),
            };
        }

        // Nothing is lost by waiting: there is nothing to send to this plan.
        Some(NoResultsHere::Unread(other)) => {
            return Stop::Ado(AdoError::unavailable(format!(
                "no test of this run has a test point in test plan {plan_id}, and test plan \
                 {other} cannot be read"
            )));
        }

        Some(NoResultsHere::ToldWith(other)) => format!(
            "no result can be submitted: no test of this run has a test point in test plan \
             {plan_id}, and none in the others; see its submission to test plan {other}"
        ),
        None => reason_for_nothing(&plan)
            .unwrap_or_else(|| reason_without_ids(&submission.snapshot, submission.id)),
    };

    Stop::NothingToSend {
        reason,
        plan: Box::new(plan),
    }
}

/// Why a plan has no results, in words: of each kind of reason that counts the first, and how many
/// there are beside it.
fn reason_for_nothing(plan: &SubmissionPlan) -> Option<String> {
    let mut reasons: Vec<(&LeftOut, usize)> = Vec::new();
    for left_out in &plan.skipped {
        let is_about_results = left_out.azure_id.is_some()
            || left_out.test.is_some()
            || left_out.kind == LeftOutKind::Reading;
        if is_about_results && left_out.kind.counts() {
            match reasons
                .iter_mut()
                .find(|(first, _)| first.kind == left_out.kind)
            {
                Some((_, more)) => *more += 1,
                None => reasons.push((left_out, 0)),
            }
        }
    }
    if let ([(first, more)], Some(into)) = (reasons.as_slice(), plan.into)
        && first.kind == LeftOutKind::Filled
    {
        return Some(into.nothing_left(more + 1));
    }

    let mut told = Vec::new();
    for (first, more) in reasons {
        told.push(match more {
            0 => first.reason.clone(),
            more => format!("{} (and {})", first.reason, first.kind.more(more)),
        });
    }
    (!told.is_empty()).then(|| format!("no result can be submitted: {}", told.join("; ")))
}
