//! What a person asks for, carried out the same by the service and by the command line without one.

use std::path::Path;

use crate::blocking::{Failed, contained};
use crate::clock;
use crate::config::Config;
use crate::discovery::eligibility::Eligibility;
use crate::error_chain::chain;
use crate::katalon::run::lifecycle::RunState;
use crate::outbox::new_run::{Occasion, RecordOutcome};
use crate::outbox::request::{Answer, Request};
use crate::outbox::submission::{SubmissionState, SubmissionSummary};
use crate::outbox::{Outbox, StoreError};
use crate::record::commands;
use crate::record::copies::{Files, copy};
use crate::record::finished::{take_ended, take_finished};
use crate::record::recorder::verdict;
use crate::record::store::store;
use crate::spool::Used;

mod retry;

use retry::{Wish, retry};

/// Whether all of these are submitted, as far as there is anything to submit.
fn all_submitted(rows: &[SubmissionSummary]) -> bool {
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
        Eligibility::Ignore(reason) => Occasion::Ignored {
            reason,
            aborted: state == RunState::Aborted,
        },
        Eligibility::Submit | Eligibility::Remember => Occasion::Asked { again: false },
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

async fn taken_on(
    outbox: &Outbox,
    folder: &Path,
    recorded: &RecordOutcome,
) -> Result<Answer, StoreError> {
    let submissions = recorded.submissions().to_vec();
    let (ids, folder) = (submissions.clone(), folder.display());
    let rows = outbox
        .with(move |store| store.summaries(Some(&ids)))
        .await?;
    let note = match (recorded, rows.last()) {
        (RecordOutcome::PartOf(_), Some(SubmissionSummary { id, suite, .. })) => format!(
            "the run in `{folder}` was submitted already, as part of run {id} (collection `{suite}`); `--again` submits it \
             once more by itself"
        ),
        _ => format!("the run in `{folder}` was submitted already; `--again` submits it once more"),
    };
    let known = !matches!(recorded, RecordOutcome::New(_)) && all_submitted(&rows);
    Ok(Answer::Taken {
        submissions,
        note: known.then_some(note),
    })
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
