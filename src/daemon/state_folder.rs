//! Notices that the state folder was removed or replaced under a running service: what it would
//! record from then on could be read by nobody, and another kado would not know of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::blocking::blocking;
use crate::outbox::bell::Bell;
use crate::outbox::lock::StateLock;

/// Time between two looks, while nothing tells of what happens to the folder or one has missed it.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// The same while something does.
const MAKE_SURE: Duration = Duration::from_secs(10);
/// Looks in a row that have to miss it.
const LOOKS: u32 = 2;

/// Looks after the lock that this process holds, until `stop`; at once where the bell tells that
/// something happened to it. When what lies in the state folder is another file, or none, `lost` is
/// set and everything is stopped.
pub(super) async fn mind(
    lock: Arc<StateLock>,
    lost: Arc<AtomicBool>,
    bell: Bell,
    stop: CancellationToken,
) {
    let mut missed = 0;
    loop {
        let is_told = bell.is_proven() && missed == 0;
        let pause = if is_told { MAKE_SURE } else { BETWEEN_LOOKS };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
            () = bell.folder_touched(), if missed == 0 => {}
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
