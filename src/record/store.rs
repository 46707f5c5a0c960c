//! From a finished run to rows of the outbox.

use crate::clock;
use crate::intake::FinishedRun;
use crate::outbox::new_run::{NewRun, Occasion, RecordOutcome};
use crate::outbox::{Outbox, Store, StoreError};
use crate::plan::katalon_upload::project_key;
use crate::plan::snapshot::Snapshot;

/// Stores a run, with copies of its files already made; `None` when its log holds no record that
/// tells which run it is.
pub(super) async fn store(
    outbox: &Outbox,
    taken: FinishedRun,
    occasion: Occasion,
) -> Result<Option<RecordOutcome>, StoreError> {
    let Some(identity) = taken.identity.clone() else {
        return Ok(None);
    };
    let recorded = outbox
        .with(move |store| {
            let snapshot = &taken.snapshot;
            let run = NewRun {
                identity: &identity,
                snapshot,
                occasion: &occasion,
            };
            let recorded = store.record(&run, clock::now())?;
            match (&occasion, &recorded) {
                (Occasion::Found, RecordOutcome::New(ids)) => {
                    give_katalon_time(store, snapshot, ids)?
                }
                // A person who asks means now.
                (Occasion::Asked { .. }, recorded) => store.make_due(recorded.submissions())?,
                _ => {}
            }
            Ok(recorded)
        })
        .await?;
    Ok(Some(recorded))
}

/// Holds submissions until Katalon, which may submit the run itself, has had its time: it uploads a
/// run right after it wrote the reports, just when kado is due.
fn give_katalon_time(
    store: &mut Store,
    snapshot: &Snapshot,
    ids: &[i64],
) -> Result<(), StoreError> {
    let known = store.katalon_known(&project_key(&snapshot.options, &snapshot.project_name))?;
    let until = snapshot.ended().plus(snapshot.options.katalon.wait(&known));
    if until > clock::now() {
        store.hold_for_katalon(ids, until)
    } else {
        Ok(())
    }
}
