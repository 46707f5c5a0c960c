//! From a finished run to rows of the outbox: one run, and a submission for each of its test plans.

use std::sync::Arc;

use crate::clock;
use crate::config::Config;
use crate::discovery::eligibility::{Eligibility, Rules, RunToJudge, decide, why_left_out};
use crate::discovery::run_identity::RunIdentity;
use crate::intake::FinishedRun;
use crate::katalon::run::lifecycle::RunState;
use crate::moment::Moment;
use crate::outbox::new_run::{NewRun, Occasion, RecordOutcome, Stuck};
use crate::outbox::{Outbox, Store, StoreError};
use crate::plan::katalon_upload::project_key;
use crate::plan::snapshot::Snapshot;

/// What becomes of a run on this machine; `first_seen` is when kado first saw it.
pub(crate) fn eligibility_of(
    config: &Config,
    run: &FinishedRun,
    state: RunState,
    first_seen: Moment,
) -> Eligibility {
    judge(config, run, state, first_seen, decide)
}

/// Why a run is left out on this machine, its place before the history included; see
/// [`why_left_out`].
pub(crate) fn reason_left_out(
    config: &Config,
    run: &FinishedRun,
    state: RunState,
    first_seen: Moment,
) -> Option<String> {
    judge(config, run, state, first_seen, why_left_out)
}

fn judge<T>(
    config: &Config,
    run: &FinishedRun,
    state: RunState,
    first_seen: Moment,
    by: fn(&RunToJudge<'_>, &Rules) -> T,
) -> T {
    let rules = Rules {
        history: config.history,
        runs_from: config.runs_from,
        submit_aborted: config.submit_aborted,
        first_seen,
        host: clock::host_name(),
    };

    // Whether a run is of this machine is told from the folder that its log names. The log knows
    // the folder of its run, not that of a collection.
    let run_folders = run.snapshot.run_folders();
    let folder = match run_folders.first() {
        Some(first) => &first.path,
        None => &run.snapshot.folder,
    };

    let candidate = RunToJudge {
        run: &run.snapshot.run,
        state,
        folder: &folder.replace('\\', "/"),
        enabled: run.terms.enabled,
        lacks_settings: run.terms.lacks_settings,
        auto_submit: run.terms.auto_submit,
        left_to_katalon: run.terms.left_to_katalon,
        claimed: run.terms.claimed,
    };
    by(&candidate, &rules)
}

/// Stores a run whose files were copied already; `None` when its log holds no record that tells
/// which run it is, so that it could not be told from another one.
///
/// # Errors
/// When the outbox fails; nothing is stored then.
pub(super) async fn store(
    outbox: &Outbox,
    run: FinishedRun,
    occasion: Occasion,
) -> Result<Option<RecordOutcome>, StoreError> {
    // Nothing could tell it from another run the next time it is met (invariant I2).
    let Some(identity) = run.identity.clone() else {
        return Ok(None);
    };

    let noticed = run.noticed;
    let snapshot = Arc::new(run.snapshot);
    let stored = Arc::clone(&snapshot);
    let of_run = identity.clone();
    let recorded = outbox
        .with(move |store| {
            let run = NewRun {
                identity: &of_run,
                snapshot: &stored,
                noticed,
                occasion: &occasion,
            };
            store_in(store, &run)
        })
        .await?;

    match recorded {
        RecordOutcome::Waits {
            submissions,
            stuck: Stuck::OfProject,
        } => take_over(outbox, identity, snapshot, noticed, submissions)
            .await
            .map(Some),
        recorded => Ok(Some(recorded)),
    }
}

/// Has a run take the place of that of another project, whose submissions are stuck, unless one of
/// them is being tried at this moment.
async fn take_over(
    outbox: &Outbox,
    identity: RunIdentity,
    snapshot: Arc<Snapshot>,
    noticed: Moment,
    submissions: Vec<i64>,
) -> Result<RecordOutcome, StoreError> {
    let mut under_way = Vec::new();
    for id in &submissions {
        let Some(mark) = outbox.mark_under_way(*id) else {
            return Ok(RecordOutcome::Waits {
                submissions,
                stuck: Stuck::OfProject,
            });
        };
        under_way.push(mark);
    }

    outbox
        .with(move |store| {
            let run = NewRun {
                identity: &identity,
                snapshot: &snapshot,
                noticed,
                occasion: &Occasion::Found,
            };
            store.take_over(&run, clock::now())
        })
        .await
}

fn store_in(store: &mut Store, run: &NewRun<'_>) -> Result<RecordOutcome, StoreError> {
    let recorded = store.record(run, clock::now())?;

    match (run.occasion, &recorded) {
        (Occasion::Found, RecordOutcome::New(ids)) => give_katalon_time(store, run, ids)?,
        // A person who asks means now, also where a submission waits for its next attempt.
        (Occasion::Asked { .. }, recorded) => store.make_due(recorded.submissions())?,
        _ => {}
    }
    Ok(recorded)
}

/// Holds submissions back until Katalon, which may submit the run itself, has had its time: it
/// uploads a run right after it wrote the reports, just when kado is due.
fn give_katalon_time(store: &mut Store, run: &NewRun<'_>, ids: &[i64]) -> Result<(), StoreError> {
    let snapshot = run.snapshot;
    let uploads = store.katalon_known(&project_key(&snapshot.options, &snapshot.project_name))?;

    // Not the end that its log says: newer runs of the plan wait as well.
    let until = run.ended().plus(snapshot.options.katalon.wait(&uploads));

    if until > clock::now() {
        store.hold_for_katalon(ids, until)?;
    }
    Ok(())
}
