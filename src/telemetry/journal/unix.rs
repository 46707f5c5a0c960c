//! `$JOURNAL_STREAM` names the device and the number of the stream that systemd connected
//! (systemd.exec).

#![expect(
    clippy::disallowed_methods,
    reason = "systemd says in the environment which stream is its own"
)]

/// Whether standard error goes to the journal.
pub(crate) fn is_journal() -> bool {
    let Some(named) = std::env::var_os("JOURNAL_STREAM") else {
        return false;
    };
    // The variable is inherited: whoever sent standard error elsewhere has it all the same.
    rustix::fs::fstat(rustix::stdio::stderr()).is_ok_and(|stderr| {
        named.to_str() == Some(format!("{}:{}", stderr.st_dev, stderr.st_ino).as_str())
    })
}
