//! SIGTERM, SIGINT and Ctrl-C as one token.

use tokio_util::sync::CancellationToken;

/// Cancels `stop` at the first signal that asks to end.
///
/// # Errors
/// When the system does not let signals be handled.
#[cfg(unix)]
pub fn stop_on_signal(stop: CancellationToken) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("asked to stop");
        stop.cancel();
    });
    Ok(())
}

/// Cancels `stop` at the first Ctrl-C.
///
/// # Errors
/// Never on this system.
#[cfg(not(unix))]
pub fn stop_on_signal(stop: CancellationToken) -> std::io::Result<()> {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            tracing::info!("asked to stop");
            stop.cancel();
        }
    });
    Ok(())
}
