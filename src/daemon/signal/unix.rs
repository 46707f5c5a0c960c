//! SIGTERM and SIGINT.

use tokio::signal::unix::{SignalKind, signal};

/// Ends when a signal asks the program to end.
pub(super) fn asked_to_end() -> std::io::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
