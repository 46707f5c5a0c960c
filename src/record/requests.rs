//! What a person asks for, carried out the same by the service and by the command line without one.

use std::path::Path;

use crate::blocking::{Failed, contained};
use crate::clock;
use crate::config::Config;
use crate::discovery::claim::KnownCommands;
use crate::discovery::eligibility::Verdict;
use crate::error_chain::chain;
use crate::intake::collection::STILL;
use crate::intake::{self, Taken};
use crate::katalon::run::lifecycle::RunState;
use crate::outbox::intake::SubmissionState;
use crate::outbox::request::{Answer, Request};
use crate::outbox::row::Row;
use crate::outbox::step::StepState;
use crate::outbox::store::{Recorded, Submission};
use crate::outbox::{Outbox, StoreError};
use crate::plan::snapshot::Snapshot;
use crate::record::commands;
use crate::record::recorder::{Files, Occasion, copy, store, verdict};
use crate::spool::Used;
use crate::workspace::{self, JunitState};

/// Whether all of these are submitted, as far as there is anything to submit.
fn all_submitted(rows: &[Row]) -> bool {
    let any = rows
        .iter()
        .any(|row| row.state == SubmissionState::Submitted);
    // Of several plans those without a point of this run are ignored.
    any && rows.iter().all(|row| {
        matches!(
            row.state,
            SubmissionState::Submitted | SubmissionState::Ignored
        )
    })
}

/// Records the run of a folder because a person asked for it: neither `history` nor `runs_from` nor
/// automatic submission count, but the integration has to be switched on and the run has to be
/// over.
async fn record_folder(
    outbox: &Outbox,
    config: &Config,
    folder: &Path,
    again: bool,
) -> Result<Answer, StoreError> {
    let known = commands::known(outbox, folder).await?;
    let (path, owned) = (folder.to_owned(), config.clone());
    let taken = match contained(move || take_finished(&path, &owned, &known)).await? {
        Ok(Ok(taken)) => taken,
        Ok(Err(reason)) => return Ok(Answer::Refused(reason)),
        Err(failed) => return Ok(not_read(folder, &failed)),
    };
    copy(config, &taken, Files::OfRun, Used::default()).await?;
    match store(outbox, taken, Occasion::Asked { again }).await? {
        Some(recorded) => taken_on(outbox, folder, &recorded).await,
        None => Ok(Answer::Refused(format!(
            "the log in `{}` holds no record",
            folder.display()
        ))),
    }
}

/// Records a run whose command, a `kado exec`, has ended; a suite without an end is aborted by now.
async fn record_claimed(
    outbox: &Outbox,
    config: &Config,
    folder: &Path,
) -> Result<Answer, StoreError> {
    let known = commands::known(outbox, folder).await?;
    let (path, owned) = (folder.to_owned(), config.clone());
    let (mut taken, state) = match contained(move || take_ended(&path, &owned, &known)).await? {
        Ok(Ok(ended)) => ended,
        Ok(Err(reason)) => return Ok(Answer::Refused(reason)),
        Err(failed) => return Ok(not_read(folder, &failed)),
    };
    taken.standing.claimed = true;
    let occasion = match verdict(config, &taken, state, clock::now()) {
        Verdict::Ignore(reason) => Occasion::Ignored {
            reason,
            aborted: state == RunState::Aborted,
        },
        Verdict::Submit | Verdict::Remember => Occasion::Asked { again: false },
    };
    copy(config, &taken, Files::OfRun, Used::default()).await?;
    match store(outbox, taken, occasion).await? {
        Some(recorded) => Ok(Answer::Taken {
            submissions: recorded.submissions().to_vec(),
            note: None,
        }),
        None => Ok(Answer::Refused(format!(
            "the log in `{}` holds no record",
            folder.display()
        ))),
    }
}

fn not_read(folder: &Path, failed: &Failed) -> Answer {
    Answer::Refused(format!("`{}` cannot be read: {failed}", folder.display()))
}

/// Takes in a run whose command has ended, and how it ended. A suite of a collection that is to be
/// one run stands for the whole.
fn take_ended(
    folder: &Path,
    config: &Config,
    known: &KnownCommands,
) -> Result<(Taken, RunState), String> {
    if let Some(whole) = intake::collection::of(folder, config) {
        return intake::collection::take_ended(&whole, config, known);
    }
    let taken = intake::take(folder, config, known).map_err(|error| chain(&error))?;
    let state = match workspace::read_junit(folder) {
        _ if taken.snapshot.run.ended.is_some() => RunState::Finished,
        JunitState::Complete => RunState::Crashed,
        JunitState::Missing | JunitState::Incomplete => RunState::Aborted,
    };
    Ok((taken, state))
}

async fn taken_on(
    outbox: &Outbox,
    folder: &Path,
    recorded: &Recorded,
) -> Result<Answer, StoreError> {
    let submissions = recorded.submissions().to_vec();
    let (ids, folder) = (submissions.clone(), folder.display());
    let rows = outbox.with(move |store| store.rows(Some(&ids))).await?;
    let note = match (recorded, rows.last()) {
        (Recorded::PartOf(_), Some(Row { id, suite, .. })) => format!(
            "the run in `{folder}` was submitted already, as part of run {id} (collection `{suite}`); `--again` submits it \
             once more by itself"
        ),
        _ => format!("the run in `{folder}` was submitted already; `--again` submits it once more"),
    };
    let known = !matches!(recorded, Recorded::New(_)) && all_submitted(&rows);
    Ok(Answer::Taken {
        submissions,
        note: known.then_some(note),
    })
}

/// Takes in a folder for a person: a run's, or with `submit.collections = "one"` that of a
/// collection or member, which stands for the whole. `known` is what is known of the command that
/// started it.
///
/// # Errors
/// Why it is not submitted, in words for that person.
pub(crate) fn take_finished(
    folder: &Path,
    config: &Config,
    known: &KnownCommands,
) -> Result<Taken, String> {
    let taken = match intake::collection::of(folder, config) {
        Some(whole) => intake::collection::take_finished(&whole, config, known)?,
        None => take_over(folder, config, known)?,
    };
    if taken.standing.enabled {
        return Ok(taken);
    }
    Err(format!(
        "the Azure DevOps integration of project {} is switched off; switch it on in Katalon under Project > Settings > \
         Integrations > Azure DevOps",
        taken.snapshot.project_name
    ))
}

/// Takes in a run that is over.
fn take_over(folder: &Path, config: &Config, known: &KnownCommands) -> Result<Taken, String> {
    let taken = intake::take(folder, config, known).map_err(|error| match workspace::collection_in(folder) {
        Ok(_) => "it is the folder of a collection; name the run folders of its suites, or set `submit.collections = \
                  \"one\"`"
            .to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => format!(
            "the report of the collection (`.rp`) cannot be read: {}; name the run folders of its suites to submit each by \
             itself",
            chain(&error)
        ),
        Err(_) => chain(&error),
    })?;
    let over =
        taken.snapshot.run.ended.is_some() || workspace::read_junit(folder) == JunitState::Complete;
    if !over {
        let listing = workspace::list_run_folder(folder).map_err(|error| chain(&error))?;
        let quiet = listing
            .newest()
            .map_or(STILL, |newest| clock::now().since(newest));
        if quiet < STILL {
            return Err(format!(
                "the run in `{}` is still being written; a run without an end is submitted as aborted when it was still for \
                 {} seconds",
                folder.display(),
                STILL.as_secs()
            ));
        }
    }
    Ok(taken)
}

/// Takes a submission up again, planned anew from the project of today where that is still there.
/// What is there and cannot be read is no reason to use the settings of then: they may be what was
/// wrong.
async fn retry(
    outbox: &Outbox,
    config: &Config,
    submission: i64,
    wish: Wish,
) -> Result<(), StoreError> {
    let stored = outbox.with(move |store| store.load(submission)).await?;
    if let Some(plan) = wish.plan.filter(|plan| stored.plan_id != Some(*plan)) {
        may_go_elsewhere(&stored, plan)?;
    }
    // What has an ADO run goes on with its plan.
    let before = stored.snapshot.clone();
    let fresh = if stored.ado_run_id.is_none() {
        take_again(outbox, config, stored.snapshot).await?
    } else {
        None
    };
    let mut snapshot = fresh.map_or(before, |taken| taken.snapshot);
    if let Some(plan) = wish.plan {
        snapshot.options.go_to(plan, stored.plan_id);
    }
    if !wish.one_of_many {
        // Whoever asks for this very run was told what that means.
        snapshot.options.unclear_plan = None;
    }
    outbox
        .with(move |store| store.retry(submission, Some(&snapshot), clock::now()))
        .await
}

/// What a person wants of a retry.
#[derive(Clone, Copy)]
struct Wish {
    /// The test plan that the run is to go to.
    plan: Option<u32>,
    /// It is one of many, and nobody looked at it.
    one_of_many: bool,
}

/// Whether a submission can go to another test plan: not when something of it is in ADO, or may be.
fn may_go_elsewhere(stored: &Submission, plan: u32) -> Result<(), StoreError> {
    let submission = stored.id;
    if let Some(run) = stored.ado_run_id {
        return Err(StoreError::NotNow(format!(
            "run {submission} has test run {run} in Azure DevOps already, and cannot go to test plan {plan} any more"
        )));
    }
    let creating = stored
        .steps
        .first()
        .is_some_and(|step| step.state == StepState::Intended);
    if stored.create_unclear || creating {
        return Err(StoreError::NotNow(format!(
            "it is not known whether run {submission} has a test run in Azure DevOps already, because an answer was lost; \
             `kado runs retry {submission}` finds out"
        )));
    }
    Ok(())
}

async fn take_again(
    outbox: &Outbox,
    config: &Config,
    snapshot: Snapshot,
) -> Result<Option<Taken>, StoreError> {
    let folder = snapshot.folder.clone();
    let known = commands::known(outbox, Path::new(&folder)).await?;
    let owned = config.clone();
    let reason = match contained(move || intake::take_again(&snapshot, &owned, &known)).await? {
        Ok(Ok(taken)) => return Ok(taken),
        Ok(Err(reason)) => reason,
        Err(failed) => failed.to_string(),
    };
    Err(StoreError::NotNow(format!(
        "the run in `{folder}` cannot be read anew: {reason}; try again when it can, or move it away to use what was read before"
    )))
}

/// Carries out a request of a person.
///
/// # Errors
/// When the outbox fails; what cannot be done is an answer.
pub(crate) async fn carry_out(
    outbox: &Outbox,
    config: &Config,
    request: Request,
) -> Result<Answer, StoreError> {
    let done = match request {
        Request::Submit { folder, again } => {
            record_folder(outbox, config, Path::new(&folder), again).await
        }
        Request::Claimed { folder } => record_claimed(outbox, config, Path::new(&folder)).await,
        // Held while it is planned anew, which can take seconds: nobody may begin to send it
        // meanwhile.
        Request::Retry {
            submission,
            plan,
            one_of_many,
        } => match outbox.begin(submission) {
            Some(_held) => {
                let wish = Wish { plan, one_of_many };
                retry(outbox, config, submission, wish)
                    .await
                    .map(|()| taken(submission))
            }
            // It goes to the plan that it was planned for.
            None if plan.is_some() => Ok(under_way(submission)),
            None => Ok(taken(submission)),
        },
        Request::Forget { submission } => match outbox.begin(submission) {
            Some(_held) => outbox
                .with(move |store| store.forget(submission, clock::now()))
                .await
                .map(|()| taken(submission)),
            None => Ok(under_way(submission)),
        },
    };
    // A request that can never be carried out is answered as well, or it would come up again for
    // ever.
    done.or_else(|error| {
        if error.may_pass() {
            Err(error)
        } else {
            Ok(Answer::Refused(chain(&error)))
        }
    })
}

fn under_way(submission: i64) -> Answer {
    Answer::Refused(format!(
        "run {submission} is being sent at this moment; try again a little later"
    ))
}

fn taken(submission: i64) -> Answer {
    Answer::Taken {
        submissions: vec![submission],
        note: None,
    }
}
