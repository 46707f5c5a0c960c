//! Notices that the state folder was removed or replaced under a running service: what it would
//! record from then on could be read by nobody, and another kado would not know of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::blocking::blocking;
use crate::outbox::lock::StateLock;

/// Time between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// Looks in a row that have to miss it.
const LOOKS: u32 = 2;

/// Looks after the lock that this process holds, until `stop`. When what lies in the state folder
/// is another file, or none, `lost` is set and everything is stopped.
pub(super) async fn mind(lock: Arc<StateLock>, lost: Arc<AtomicBool>, stop: CancellationToken) {
    let mut missed = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(BETWEEN_LOOKS) => {}
        }

        let own_lock = Arc::clone(&lock);
        match blocking(move || own_lock.is_in_place()).await {
            Ok(true) => missed = 0,
            Ok(false) => missed += 1,
            // The program is ending.
            Err(_) => return,
        }

        if missed == LOOKS {
            tracing::error!("the state folder was removed or replaced; nothing more is sent");
            lost.store(true, Ordering::Relaxed);
            stop.cancel();
        }
    }
}
