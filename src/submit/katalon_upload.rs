//! Looks in ADO for Katalon's own upload of a suite run before kado creates a run.
//! [`crate::plan::katalon_upload`] says what it is.
//!
//! Nothing is written to ADO here. Where Katalon's upload is there, kado sends nothing; where it
//! may be on its way, kado waits, for a bounded time. In doubt kado sends: two test runs are a
//! nuisance, a missing one is a loss. `doubles` learns from runs that both submitted, `collection`
//! knows when Katalon uploads the suites of a collection.

mod collection;
mod doubles;
mod foreign_run;

use std::time::Duration;

use crate::ado::wire::TestRun;
use crate::clock;
use crate::moment::Moment;
use crate::outbox::StoreError;
use crate::outbox::store::Overlap;
use crate::plan::katalon_upload::{
    ForeignRun, Likeness, compare, compare_together, is_part, project_key,
};
use crate::submit::execution::{Execution, Sender};
use crate::submit::stop::{Awaited, Stop};

/// How far the clocks of this machine and of the server may differ: a run of Katalon's is made
/// after its suite ended.
const CLOCKS: Duration = Duration::from_secs(60 * 60);
/// Pause before the next look at a run that Katalon seems to be filling.
const GROWING: Duration = Duration::from_secs(15);
/// How long, after `katalon_wait`, such a run is believed to grow.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The runs that may be Katalon's upload of this suite run, as they were read.
#[derive(Default)]
struct Candidates {
    /// One that Katalon seems to be filling.
    growing: Option<u32>,
    /// All that were read, with their ids.
    read: Vec<(u32, ForeignRun)>,
}

/// Compares the runs of the same name and without a key of kado's with this submission, and with
/// those before it that Katalon may have submitted as well.
///
/// # Errors
/// When Katalon submitted this run or may be about to, and when ADO or the outbox fails.
pub(super) async fn look(execution: &Execution<'_>, others: &[TestRun]) -> Result<(), Stop> {
    let snapshot = &execution.submission.snapshot;
    let rule = &snapshot.options.katalon;
    let project = project_key(&snapshot.options, &snapshot.project_name);

    let candidates = compare_all(execution, others).await?;
    let is_doubled = doubles::find(execution, others, candidates.read, &project).await?;

    let now = clock::now();
    let until = execution
        .plan()
        .completed
        .plus(Duration::from_millis(rule.wait_ms));
    if let Some(run) = candidates.growing
        && now < until.plus(PATIENCE)
    {
        return Err(Stop::AwaitsAnother {
            until: now.plus(GROWING),
            awaited: Awaited::KatalonAtWork { run },
        });
    }
    if collection::is_awaited(execution, &project).await? {
        return Err(Stop::AwaitsAnother {
            until: now.plus(collection::BETWEEN_LOOKS),
            awaited: Awaited::EndOfCollection,
        });
    }

    // Earlier runs of the project show that Katalon submits, so this one may be on its way.
    if is_doubled && rule.expected && execution.sender == Sender::Service && now < until {
        return Err(Stop::AwaitsAnother {
            until,
            awaited: Awaited::Katalon,
        });
    }

    // A project whose runs Katalon never submits, for want of a licence, is not waited for any more
    // after some of these.
    if rule.expected && !is_doubled {
        execution
            .outbox
            .with(move |store| store.katalon_in_vain(&project))
            .await?;
    }
    Ok(())
}

/// Reads and compares the runs that may be Katalon's.
///
/// # Errors
/// [`Stop::ByKatalon`] when one is, or several together are.
async fn compare_all(execution: &Execution<'_>, others: &[TestRun]) -> Result<Candidates, Stop> {
    let plan = execution.plan();
    let joined = execution.submission.snapshot.joined.as_ref();
    let mut candidates = Candidates::default();

    for run in nearest(execution, others) {
        let Some(foreign) = foreign_run::read(execution, run).await? else {
            continue;
        };
        match compare(plan, &foreign) {
            Likeness::Same => return Err(by_katalon(execution, run)),
            Likeness::Growing if is_being_filled(execution, &foreign) => {
                candidates.growing = Some(run.id);
            }
            Likeness::Unproven => tracing::warn!(
                id = execution.submission.id,
                ado_run = run.id,
                "a test run of the same name has the same outcomes, but no times that prove it to \
                 be Katalon's own submission of this run; kado sends its own. \
                 `submit.katalon_submits` says who submits"
            ),
            Likeness::Other if joined.is_none() && foreign.over && is_part(plan, &foreign) => {
                note_part(execution, run.id).await?;
            }
            Likeness::Growing | Likeness::Other => {}
        }

        candidates.read.push((run.id, foreign));
    }

    // Katalon uploads each suite of a collection by itself: together they may be this run.
    if joined.is_some()
        && let Some((id, likeness)) = compare_together(plan, &candidates.read)
    {
        if likeness != Likeness::Same {
            candidates.growing = candidates.growing.or(Some(id));
        } else if let Some(run) = others.iter().find(|run| run.id == id) {
            return Err(by_katalon(execution, run));
        }
    }
    Ok(candidates)
}

/// The runs to be compared: of many the nearest in time, because a run that is submitted late has
/// newer ones of its name.
fn nearest<'a>(execution: &Execution<'_>, others: &'a [TestRun]) -> Vec<&'a TestRun> {
    let plan = execution.plan();

    // Of a collection there is a run for each suite, and that of the first one is made long before
    // the last one ends.
    let (since, most) = match &execution.submission.snapshot.joined {
        Some(joined) => (plan.started, 2 * joined.members.len()),
        None => (plan.completed, 0),
    };

    let mut near: Vec<&TestRun> = others
        .iter()
        .filter(|run| was_made_since(run, since))
        .collect();
    near.sort_by_key(|run| match foreign_run::created(run) {
        Some(created) => distance(created, since),
        None => Duration::ZERO,
    });
    near.truncate(most.max(foreign_run::MOST));
    near
}

/// Whether the run was made after a time, as far as ADO tells.
fn was_made_since(run: &TestRun, since: Moment) -> bool {
    match foreign_run::created(run) {
        Some(created) => created.plus(CLOCKS) >= since,
        None => true,
    }
}

fn distance(one: Moment, other: Moment) -> Duration {
    one.max(other).since(one.min(other))
}

fn is_being_filled(execution: &Execution<'_>, foreign: &ForeignRun) -> bool {
    let client = execution.client;
    let ended = client.on_server(execution.plan().completed);
    foreign.is_being_filled(ended, client.server_time())
}

/// Katalon's upload of this run ended before it was whole. It can neither be mended nor taken for
/// the run, so kado sends all of it, and says so.
async fn note_part(execution: &Execution<'_>, run: u32) -> Result<(), StoreError> {
    let id = execution.submission.id;
    let snapshot = &execution.submission.snapshot;
    let project = project_key(&snapshot.options, &snapshot.project_name);

    let is_new = execution
        .outbox
        .with(move |store| store.doubled(id, run, Overlap::Part, &project, clock::now()))
        .await?;
    if is_new {
        tracing::warn!(
            id,
            ado_run = run,
            "Katalon submitted a part of this run, and ended its test run; kado sends the whole \
             run, so that there are two test runs of it"
        );
    }
    Ok(())
}

fn by_katalon(execution: &Execution<'_>, run: &TestRun) -> Stop {
    let snapshot = &execution.submission.snapshot;
    Stop::ByKatalon {
        run: run.id,
        url: execution.page_of(run),
        project: project_key(&snapshot.options, &snapshot.project_name),
    }
}
