//! One process executes the outbox of a state folder, by a kernel lock: it ends with the process, however that ends.

#![expect(clippy::disallowed_methods, reason = "the lock is a file of the state folder")]

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

/// The right to send; dropped with the process at the latest.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
}

impl StateLock {
    /// Takes the lock; `None` when another process holds it.
    ///
    /// # Errors
    /// When the state folder cannot be made or written to.
    pub fn take(state_dir: &Path) -> std::io::Result<Option<Self>> {
        std::fs::create_dir_all(state_dir)?;
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(state_dir.join("kado.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
