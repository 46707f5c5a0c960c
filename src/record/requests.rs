//! What a person asks for (`kado submit`, `runs retry`, `runs forget`, the runs of `kado exec`),
//! carried out the same by the service and by the command line without one.

mod retry;

use std::path::Path;

use crate::clock;
use crate::config::Config;
use crate::discovery::command_of_run::KnownCommands;
use crate::discovery::eligibility::Eligibility;
use crate::discovery::filled_run::{Completion, FilledRun};
use crate::error_chain::chain;
use crate::intake::{self, FinishedRun, RunRefusal};
use crate::katalon::run::lifecycle::RunState;
use crate::outbox::new_run::{Occasion, RecordOutcome};
use crate::outbox::request::{Answer, Request};
use crate::outbox::submission::{Submission, SubmissionState, SubmissionSummary};
use crate::outbox::{Outbox, StoreError};
use crate::record::commands;
use crate::record::copies::{Files, copy};
use crate::record::disk::{DiskFailure, contained_on_disk, on_disk};
use crate::record::store::{eligibility_of, store};
use crate::shell_word::shell_word;
use crate::spool::Used;
use crate::workspace::Location;

use retry::{Retry, retry};

/// Carries out a request of a person.
///
/// # Errors
/// When the outbox fails in a way that may pass; what cannot be done is an answer.
pub(crate) async fn carry_out(
    outbox: &Outbox,
    config: &Config,
    request: Request,
) -> Result<Answer, StoreError> {
    let answer = match request {
        Request::Submit {
            folder,
            again,
            into,
        } => {
            let occasion = Occasion::Asked { again };
            record_folder(outbox, config, Path::new(&folder), occasion, into).await
        }

        Request::Claimed { folder, into } => {
            record_claimed(outbox, config, Path::new(&folder), into).await
        }
        Request::Retry {
            submission,
            plan,
            one_of_many,
        } => {
            let wanted = Retry {
                submission,
                plan,
                one_of_many,
            };

            retry_unless_sent_now(outbox, config, wanted).await
        }
        Request::Forget { submission } => forget_unless_sent_now(outbox, submission).await,
    };

    // A request that can never be carried out is answered as well: it would come up again for ever.
    match answer {
        Err(error) if !error.may_pass() => Ok(Answer::Refused(chain(&error))),
        answer => answer,
    }
}

/// Records the run of a folder because a person asked for it: neither `history` nor `runs_from` nor
/// automatic submission count, but the integration has to be switched on and the run has to be
/// over.
async fn record_folder(
    outbox: &Outbox,
    config: &Config,
    folder: &Path,
    occasion: Occasion,
    into: Option<FilledRun>,
) -> Result<Answer, StoreError> {
    let mut run = read_folder(outbox, config, folder, intake::read_requested).await?;
    if let Some(into) = into {
        run.snapshot.options.fill(into);
    }

    let Some(recorded) = copy_and_store(outbox, config, run, occasion).await? else {
        return Ok(no_record_in(folder));
    };
    if let Some(refused) = goes_elsewhere(outbox, folder, &recorded, into).await? {
        return Ok(refused);
    }
    answer_of(outbox, folder, &recorded, into).await
}

/// The answer to whoever asked for a test run to be filled, where the suite run was recorded before
/// and goes elsewhere: it is not sent twice, and what is on its way is not changed.
async fn goes_elsewhere(
    outbox: &Outbox,
    folder: &Path,
    recorded: &RecordOutcome,
    into: Option<FilledRun>,
) -> Result<Option<Answer>, StoreError> {
    let Some(into) = into else {
        return Ok(None);
    };
    if matches!(recorded, RecordOutcome::New(_)) {
        return Ok(None);
    }

    let mut elsewhere = None;
    let mut left_open = None;
    for id in recorded.submissions().to_vec() {
        let submission = outbox.with(move |store| store.load(id)).await?;
        let Some(filled) = submission.fills().filter(|filled| filled.run == into.run) else {
            elsewhere = Some(id);
            continue;
        };

        if filled.completion == Completion::Complete || into.completion == Completion::Leave {
            return Ok(None);
        }
        left_open = Some(submission);
    }

    if let Some(submission) = left_open {
        return Ok(Some(stays_open(&submission, into.run)));
    }
    Ok(elsewhere.map(|id| {
        let run = into.run;
        Answer::Refused(format!(
            "it is recorded already, as run {id} of `kado runs`, which does not go into test \
             run {run}; `kado runs forget {id}` takes back one that is not in Azure DevOps yet, \
             and `kado submit --again --into {run} {}` submits one that is there once more",
            shell_word(folder.display())
        ))
    }))
}

/// The answer to whoever wants a test run completed that is filled without that: what is planned
/// does not change.
fn stays_open(submission: &Submission, run: u32) -> Answer {
    let id = submission.id;
    let way_out = if submission.ado_run_id.is_some() {
        format!(
            "kado completes none afterwards; complete test run {run} in Azure DevOps, at the \
             address that `kado runs show {id}` names"
        )
    } else {
        format!("`kado runs forget {id}`, then the same command, completes it")
    };

    Answer::Refused(format!(
        "it is recorded already, as run {id} of `kado runs`, which fills test run {run} and leaves \
         it to whoever began it; {way_out}"
    ))
}

/// Records a run whose command, a `kado exec`, has ended; a suite without an end is aborted by now.
async fn record_claimed(
    outbox: &Outbox,
    config: &Config,
    folder: &Path,
    into: Option<FilledRun>,
) -> Result<Answer, StoreError> {
    let (mut run, state) = read_folder(outbox, config, folder, intake::read_ended).await?;

    // Without the claim its options are lost as well, and it would go to another test plan.
    if !run.terms.claimed {
        return Ok(claim_is_gone(config, folder));
    }
    if let Some(into) = into {
        run.snapshot.options.fill(into);
    }

    // Since when kado knows this machine does not matter: a claimed run is never history.
    let occasion = match eligibility_of(config, &run, state, clock::now()) {
        Eligibility::Ignore(reason) => Occasion::Ignored {
            reason,
            aborted: state == RunState::Aborted,
        },
        Eligibility::Submit | Eligibility::Remember => Occasion::Asked { again: false },
    };

    let Some(recorded) = copy_and_store(outbox, config, run, occasion).await? else {
        return Ok(no_record_in(folder));
    };
    if let Some(refused) = goes_elsewhere(outbox, folder, &recorded, into).await? {
        return Ok(refused);
    }
    Ok(Answer::Taken {
        submissions: recorded.submissions().to_vec(),
        note: None,
    })
}

/// Reads a folder with what is known of its command.
///
/// # Errors
/// When the outbox fails; [`StoreError::NotNow`] and [`StoreError::Silent`], which are answers to
/// whoever asked, when the folder cannot be read.
async fn read_folder<T: Send + 'static>(
    outbox: &Outbox,
    config: &Config,
    folder: &Path,
    read: fn(&Location, &Config, &KnownCommands) -> Result<T, RunRefusal>,
) -> Result<T, StoreError> {
    let path = folder.to_owned();
    let location = on_disk(move || Location::of(&path)).await?;
    let commands = commands::look_up(outbox, &location).await?;
    let config = config.clone();

    let read = contained_on_disk(move || read(&location, &config, &commands)).await;
    let refusal = match read {
        Ok(Ok(run)) => return Ok(run),
        Ok(Err(refusal)) => chain(&refusal),
        Err(DiskFailure::Failed(failed)) => {
            format!("`{}` cannot be read: {failed}", folder.display())
        }
        Err(DiskFailure::Store(error)) => return Err(error),
    };
    Err(StoreError::NotNow(refusal))
}

async fn copy_and_store(
    outbox: &Outbox,
    config: &Config,
    run: FinishedRun,
    occasion: Occasion,
) -> Result<Option<RecordOutcome>, StoreError> {
    // A command knows nothing of what the spool holds, so it is measured before a file is copied.
    copy(config, &run, Files::OfRun, &mut Used::default()).await?;
    store(outbox, run, occasion).await
}

/// What somebody is told who asked for a run; most of all, why nothing is sent of one that was
/// submitted before.
async fn answer_of(
    outbox: &Outbox,
    folder: &Path,
    recorded: &RecordOutcome,
    into: Option<FilledRun>,
) -> Result<Answer, StoreError> {
    let ids = recorded.submissions().to_vec();
    let mut rows = outbox
        .with(move |store| store.summaries(Some(&ids)))
        .await?;
    retain_asked_for(&mut rows, into);
    let submissions = rows.iter().map(|row| row.id).collect();

    let folder = folder.display();
    let note = match (recorded, rows.last()) {
        (RecordOutcome::New(_), _) => None,
        _ if !all_submitted(&rows) => None,
        (RecordOutcome::PartOf(_), Some(SubmissionSummary { id, suite, .. })) => Some(format!(
            "the run in `{folder}` was submitted already, as part of run {id} (collection \
             `{suite}`); `--again` submits it once more by itself"
        )),
        _ => Some(format!(
            "the run in `{folder}` was submitted already; `--again` submits it once more"
        )),
    };
    Ok(Answer::Taken { submissions, note })
}

/// Leaves out what nobody asks for any more: what goes elsewhere than into the test run that is to
/// be filled, and what is parked although the same plan has the run by a later submission.
fn retain_asked_for(rows: &mut Vec<SubmissionSummary>, into: Option<FilledRun>) {
    if let Some(into) = into
        && rows.iter().any(|row| row.into == Some(into.run))
    {
        rows.retain(|row| row.into == Some(into.run));
    }

    let mut submitted = Vec::new();
    for row in rows.iter() {
        if row.state == SubmissionState::Submitted {
            submitted.push((row.plan_id, row.id));
        }
    }
    rows.retain(|row| {
        let is_replaced = submitted
            .iter()
            .any(|(plan, id)| *plan == row.plan_id && *id > row.id);
        row.state != SubmissionState::Parked || !is_replaced
    });
}

/// Whether all of these are submitted, as far as there is anything to submit.
fn all_submitted(rows: &[SubmissionSummary]) -> bool {
    let mut any = false;
    for row in rows {
        match row.state {
            SubmissionState::Submitted => any = true,
            // Of several plans those without a point of this run are ignored.
            SubmissionState::Ignored => {}
            SubmissionState::Pending | SubmissionState::Submitting | SubmissionState::Parked => {
                return false;
            }
        }
    }
    any
}

async fn retry_unless_sent_now(
    outbox: &Outbox,
    config: &Config,
    wanted: Retry,
) -> Result<Answer, StoreError> {
    let submission = wanted.submission;

    // Kept from the submitter while it is planned anew, which can take seconds.
    let Some(_in_hand) = outbox.mark_under_way(submission) else {
        // Whoever wants no other plan has what they asked for: it is being tried.
        return Ok(match wanted.plan {
            Some(_) => sent_now(submission),
            None => taken_on(submission),
        });
    };

    retry(outbox, config, wanted).await?;
    Ok(taken_on(submission))
}

async fn forget_unless_sent_now(outbox: &Outbox, submission: i64) -> Result<Answer, StoreError> {
    let Some(_in_hand) = outbox.mark_under_way(submission) else {
        return Ok(sent_now(submission));
    };

    outbox
        .with(move |store| store.forget(submission, clock::now()))
        .await?;
    Ok(taken_on(submission))
}

/// The answer to a `kado exec` whose claim this state folder does not have.
fn claim_is_gone(config: &Config, folder: &Path) -> Answer {
    Answer::Refused(format!(
        "state folder `{}` does not know its `kado exec` any more, because it was removed or \
         replaced while the command ran, and the options of the command are lost with it; `kado \
         submit {}` submits the run with the settings of its project",
        config.state_dir.display(),
        shell_word(folder.display())
    ))
}

fn no_record_in(folder: &Path) -> Answer {
    Answer::Refused(format!("the log in `{}` holds no record", folder.display()))
}

fn sent_now(submission: i64) -> Answer {
    Answer::Refused(format!(
        "run {submission} is being sent at this moment; try again a little later"
    ))
}

fn taken_on(submission: i64) -> Answer {
    Answer::Taken {
        submissions: vec![submission],
        note: None,
    }
}
