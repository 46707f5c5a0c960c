//! Finds suite runs that kado had sent already when Katalon submitted them as well. They cannot be
//! mended; that Katalon submits runs of the project is learned from them.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::ado::wire::TestRun;
use crate::clock;
use crate::outbox::StoreError;
use crate::outbox::store::Overlap;
use crate::plan::SubmissionPlan;
use crate::plan::katalon_upload::{ForeignRun, Likeness, compare, is_part};
use crate::submit::execution::Execution;
use crate::submit::katalon_upload::foreign_run;
use crate::submit::stop::Stop;

/// Suite runs of kado that may have been submitted twice: those that ended this long before.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Compares the runs that appeared since the last look with what kado sent; gives whether any is
/// one that kado had sent. `already_read` are runs that were read a moment ago, `project` is the
/// key by which the Katalon project is remembered.
///
/// # Errors
/// When ADO or the outbox fails.
pub(super) async fn find(
    execution: &Execution<'_>,
    others: &[TestRun],
    mut already_read: Vec<(u32, ForeignRun)>,
    project: &str,
) -> Result<bool, Stop> {
    let key = project.to_owned();
    let compared = execution
        .outbox
        .with(move |store| store.katalon_compared(&key))
        .await?;

    let new: Vec<&TestRun> = others
        .iter()
        .filter(|run| run.id > compared)
        .take(foreign_run::MOST)
        .collect();

    // What was sent is read as a whole, so only where there is something to compare it with.
    if new.is_empty() {
        return Ok(false);
    }

    let plan_id = execution.plan().plan_id;
    let since = execution.plan().completed.minus(DAY);
    let sent = execution
        .outbox
        .with(move |store| store.sent_to_plan(plan_id, since))
        .await?;
    if sent.is_empty() {
        return Ok(false);
    }

    let mut doubled_submissions = BTreeSet::new();
    for run in &new {
        let foreign = match already_read.iter().position(|(id, _)| *id == run.id) {
            Some(index) => already_read.swap_remove(index).1,
            None => match foreign_run::read(execution, run).await? {
                Some(foreign) => foreign,
                None => continue,
            },
        };
        let Some((submission, overlap)) = sent_as_well(execution, &sent, &foreign).await? else {
            continue;
        };

        // Of a collection there is a run for each suite; one is enough to be noted.
        if doubled_submissions.insert(submission) {
            note(execution, submission, run.id, overlap, project).await?;
        }
    }

    // One that still grows is compared again.
    let newest_over = new
        .iter()
        .filter(|run| foreign_run::is_over(run))
        .map(|run| run.id)
        .max();
    if let Some(newest) = newest_over {
        let key = project.to_owned();
        execution
            .outbox
            .with(move |store| store.katalon_compared_to(&key, newest))
            .await?;
    }

    Ok(!doubled_submissions.is_empty())
}

/// Which of kado's submissions a foreign run stands for as well: all of it, a suite of it where it
/// is a collection, or some of its results where it was broken off.
async fn sent_as_well(
    execution: &Execution<'_>,
    sent: &[(i64, SubmissionPlan)],
    foreign: &ForeignRun,
) -> Result<Option<(i64, Overlap)>, StoreError> {
    for (submission, plan) in sent {
        if compare(plan, foreign) == Likeness::Same {
            return Ok(Some((*submission, Overlap::Whole)));
        }
    }

    for (submission, plan) in sent {
        if !is_part(plan, foreign) {
            continue;
        }
        let id = *submission;
        let snapshot = execution
            .outbox
            .with(move |store| store.load(id))
            .await?
            .snapshot;
        // Katalon uploads each suite of a collection by itself, so a part of it is a whole upload.
        if snapshot.joined.is_some() {
            return Ok(Some((id, Overlap::Whole)));
        }
        if foreign.over {
            return Ok(Some((id, Overlap::Part)));
        }
    }

    Ok(None)
}

async fn note(
    execution: &Execution<'_>,
    submission: i64,
    run: u32,
    overlap: Overlap,
    project: &str,
) -> Result<(), StoreError> {
    let project = project.to_owned();
    let is_new = execution
        .outbox
        .with(move |store| store.doubled(submission, run, overlap, &project, clock::now()))
        .await?;

    if is_new {
        tracing::warn!(
            id = submission,
            ado_run = run,
            "Katalon submitted {} as well, after kado: there are two test runs of it. kado waits \
             for Katalon from now on (`submit.katalon_wait`)",
            match overlap {
                Overlap::Whole => "this run",
                Overlap::Part => "a part of this run",
            }
        );
    }
    Ok(())
}
