//! Files that were given up, because something on the way to ADO kept them back, are tried again:
//! ADO takes attachments after completion, and the run's comment is written anew after that.

use std::time::Duration;

use crate::clock;
use crate::outbox::{Outbox, StoreError};

/// How long after its end files of a run are tried again.
const LATEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Longest time between two tries.
const BETWEEN: Duration = Duration::from_secs(60 * 60);

/// Has files that were given up sent again where it is time for that; tells whether there were any.
///
/// # Errors
/// When the outbox fails.
pub(super) async fn try_again(outbox: &Outbox) -> Result<bool, StoreError> {
    let now = clock::now();
    let given_up = outbox
        .with(move |store| store.with_given_up_files(now.minus(LATEST)))
        .await?;

    let mut any = false;
    for (id, last) in given_up {
        let submission = match outbox.with(move |store| store.load(id)).await {
            Ok(submission) => submission,
            // What another version stored and this one cannot read stays as it is.
            Err(StoreError::Content(_)) => continue,
            Err(error) => return Err(error),
        };

        // Who gives up sooner tries again sooner.
        let options = &submission.snapshot.options;
        let between = BETWEEN.min(Duration::from_millis(options.give_up_files_ms));
        if now.since(last) < between {
            continue;
        }

        tracing::info!(id, "files that were given up are tried again");
        outbox
            .with(move |store| store.try_given_up_files(id, now))
            .await?;
        any = true;
    }
    Ok(any)
}
