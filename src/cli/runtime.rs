//! The runtime of commands that talk to a server or wait for the service.
//!
//! What still blocks a thread when a command is done with it, such as a network share that hangs,
//! is left behind: it must not hold up the end.

use std::ops::Deref;
use std::time::Duration;

/// How long a thread that still blocks may hold up the end.
const SHUTDOWN_WITHIN: Duration = Duration::from_secs(2);

/// A runtime that ends within moments when it is dropped.
pub(super) struct Runtime(Option<tokio::runtime::Runtime>);

/// Two threads are enough: a command waits for one thing at a time.
pub(super) fn runtime() -> anyhow::Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    Ok(Runtime(Some(runtime)))
}

impl Deref for Runtime {
    type Target = tokio::runtime::Runtime;

    fn deref(&self) -> &Self::Target {
        self.0
            .as_ref()
            .expect("it is taken only when it is dropped")
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_timeout(SHUTDOWN_WITHIN);
        }
    }
}
