//! One process executes the outbox of a state folder, by a kernel lock: it ends with the process,
//! however that ends.

#![expect(
    clippy::disallowed_methods,
    reason = "the lock is a file of the state folder"
)]

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use same_file::Handle;

use crate::state_dir;

/// Name of the lock in the state folder.
const FILE: &str = "kado.lock";
/// How often the lock is tried, because somebody may only be looking.
const LOOKS: u32 = 3;
/// Time between two tries.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// The right to send; dropped with the process at the latest.
#[derive(Debug)]
pub(crate) struct StateLock {
    file: Handle,
    path: PathBuf,
}

impl StateLock {
    /// Whether a process holds the lock of this state folder; `None` when this account may not
    /// look. Looking disturbs nobody but for a moment, which [`StateLock::take`] waits out.
    pub(crate) fn is_held(state_dir: &Path) -> Option<bool> {
        match File::open(state_dir.join(FILE)) {
            // Shared, or two who look at once would take each other for the holder.
            Ok(file) => Some(matches!(
                file.try_lock_shared(),
                Err(TryLockError::WouldBlock)
            )),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => None,
            Err(_) => Some(false),
        }
    }

    /// Whether the lock that lies in the state folder is still this one. What cannot be told is
    /// taken for yes.
    pub(crate) fn is_in_place(&self) -> bool {
        // A folder that was removed and made again has another file of this name, which the next
        // process locks without meeting our lock.
        match Handle::from_path(&self.path) {
            Ok(there) => there == self.file,
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        }
    }

    /// Takes the lock; `None` when another process holds it.
    ///
    /// # Errors
    /// When the state folder cannot be made or written to.
    pub(crate) fn take(state_dir: &Path) -> std::io::Result<Option<Self>> {
        state_dir::make(state_dir)?;
        let path = state_dir.join(FILE);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)?;

        // Somebody who only looks holds it for a moment.
        for _ in 0..LOOKS {
            match file.try_lock() {
                Ok(()) => {
                    return Ok(Some(Self {
                        file: Handle::from_file(file)?,
                        path,
                    }));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_LOOKS),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }

        Ok(None)
    }
}
