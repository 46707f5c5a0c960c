//! Ctrl-C and Ctrl-Break, the end of the console and of the machine. The end of a session is none:
//! a service hears of everybody's.

use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};

/// Ends when a signal asks the program to end.
pub(crate) fn asked_to_end() -> std::io::Result<impl Future<Output = ()> + Send> {
    let mut interrupt = ctrl_c()?;
    let mut terminate = ctrl_break()?;
    let mut close = ctrl_close()?;
    let mut shutdown = ctrl_shutdown()?;

    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = close.recv() => {}
            _ = shutdown.recv() => {}
        }
    })
}
