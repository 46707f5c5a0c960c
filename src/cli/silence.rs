//! A command that reads folders ends where a file system does not answer, instead of waiting with
//! it for ever. The thread that asks cannot be ended; the program can.

use std::thread;
use std::time::Duration;

use crate::cli::tell::tell;
use crate::door;
use crate::exit::Exit;
use crate::telemetry;

/// How often it is looked whether something does not answer.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// Ends this program with what does not answer, and exit code 1, should that come to pass. What was
/// begun in Azure DevOps is found as it is at the next start (invariant I5).
///
/// # Errors
/// When the system gives no thread.
pub(super) fn end_at_silence() -> std::io::Result<()> {
    thread::Builder::new()
        .name("silence".to_owned())
        .spawn(|| {
            loop {
                #[expect(clippy::disallowed_methods, reason = "this thread does nothing else")]
                thread::sleep(BETWEEN_LOOKS);
                if let Some(silent) = door::first_silent() {
                    tell(telemetry::as_error(&silent.to_string()).trim_end());
                    std::process::exit(i32::from(Exit::NotDone.code()));
                }
            }
        })?;
    Ok(())
}
