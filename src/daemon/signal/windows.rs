//! Ctrl-C and Ctrl-Break.

use tokio::signal::windows::{ctrl_break, ctrl_c};

/// Ends when a signal asks the program to end.
pub fn asked_to_end() -> std::io::Result<impl Future<Output = ()> + Send> {
    let mut interrupt = ctrl_c()?;
    let mut terminate = ctrl_break()?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
