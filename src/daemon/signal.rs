//! What asks the program to end, as one token.

#[cfg(not(windows))]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(not(windows))]
use unix as system;
#[cfg(windows)]
use windows as system;

use tokio_util::sync::CancellationToken;

/// Cancels `stop` at the first signal that asks to end: SIGTERM or SIGINT, Ctrl-C on Windows.
///
/// # Errors
/// When the system does not let signals be handled.
pub(crate) fn stop_on_signal(stop: CancellationToken) -> std::io::Result<()> {
    let asked = system::asked_to_end()?;
    tokio::spawn(async move {
        asked.await;
        tracing::info!("asked to stop");
        stop.cancel();
    });
    Ok(())
}
