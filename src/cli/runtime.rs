//! The runtime of commands that talk to a server or wait for the service.

/// Two threads are enough: a command waits for one thing at a time.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?)
}
