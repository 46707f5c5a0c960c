//! One process executes the outbox of a state folder, by a kernel lock: it ends with the process,
//! however that ends.

#![expect(
    clippy::disallowed_methods,
    reason = "the lock is a file of the state folder"
)]

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::state_dir;

/// Name of the lock in the state folder.
pub(super) const FILE: &str = "kado.lock";
/// Name of the mark of a running service in the state folder.
const MARK: &str = "kado.service";
/// What the marks of running `kado exec` begin with; behind it stands the id of the claim.
const CLAIM_MARK: &str = "kado.exec.";
/// How often the lock is tried, because its holder may be ending.
const LOOKS: u32 = 3;
/// Time between two tries.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// The right to send; dropped with the process at the latest.
#[derive(Debug)]
pub(crate) struct StateLock {
    file: File,
    path: PathBuf,
}

/// The mark of a running service: a file that it holds locked, and removes when it ends as it was
/// asked to. One that lies there unlocked is that of a service that was killed, or that failed.
#[derive(Debug)]
pub(crate) struct ServiceMark {
    /// Held for its lock.
    _file: File,
    path: PathBuf,
}

/// The mark of a running `kado exec`, as [`ServiceMark`] is one of the service: the kernel knows at
/// once that it was killed, long before its signs of life are missed.
#[derive(Debug)]
pub(crate) struct ClaimMark {
    /// Held for its lock.
    _file: File,
    path: PathBuf,
}

impl ClaimMark {
    /// Marks this process as the `kado exec` that made this claim.
    ///
    /// # Errors
    /// When the state folder cannot be written to.
    pub(crate) fn set(state_dir: &Path, claim: i64) -> std::io::Result<Self> {
        let path = Self::path(state_dir, claim);
        let file = state_dir::open_file(&path)?;

        // Whoever looks holds it for a moment; nobody else takes it.
        file.lock()?;
        Ok(Self { _file: file, path })
    }

    /// Removes the mark: the command has ended.
    ///
    /// # Errors
    /// When the mark cannot be removed.
    pub(crate) fn remove(self) -> std::io::Result<()> {
        std::fs::remove_file(&self.path)
    }

    /// Whether the `kado exec` of this claim was killed, as far as its mark tells.
    pub(crate) fn is_abandoned(state_dir: &Path, claim: i64) -> bool {
        // Shared, or two who look at once would take each other for it.
        state_dir::open_to_read(&Self::path(state_dir, claim))
            .is_ok_and(|file| file.try_lock_shared().is_ok())
    }

    /// Whether there is no mark of this claim: its `kado exec` has ended, or could not make one, or
    /// it was killed and somebody who knew that cleared it away.
    pub(crate) fn is_missing(state_dir: &Path, claim: i64) -> bool {
        state_dir::open_to_read(&Self::path(state_dir, claim))
            .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    }

    /// Removes the mark of one that was killed.
    pub(crate) fn clear(state_dir: &Path, claim: i64) {
        // What stays is an empty file, which says the same.
        let _ = std::fs::remove_file(Self::path(state_dir, claim));
    }

    fn path(state_dir: &Path, claim: i64) -> PathBuf {
        state_dir.join(format!("{CLAIM_MARK}{claim}"))
    }
}

/// What the mark of the service says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ServiceState {
    /// A service runs.
    Running,
    /// None runs, and the last one ended as it was asked to, or there was none.
    NotRunning,
    /// None runs, and the last one did not end as it was asked to.
    Failed,
    /// This account may not look.
    Unknown,
}

/// Who tries what waits in the outbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum NextTry {
    /// The service, or a command that sends without one, at the time that is noted. Where this
    /// account may not look, one of them may run.
    #[default]
    AsNoted,
    /// Nobody, until a service runs.
    Never,
}

impl NextTry {
    /// What is said where nobody tries.
    pub(crate) const NEVER: &str = "no service runs, so nobody tries until one does";

    /// Who tries what waits in the outbox of this state folder.
    pub(crate) fn look(state_dir: &Path) -> Self {
        let is_down = matches!(
            ServiceMark::look(state_dir),
            ServiceState::NotRunning | ServiceState::Failed
        );
        if is_down && StateLock::is_free(state_dir) {
            Self::Never
        } else {
            Self::AsNoted
        }
    }
}

impl ServiceMark {
    /// Marks this process as the running service. The caller holds the lock of the state folder.
    ///
    /// # Errors
    /// When the state folder cannot be written to.
    pub(crate) fn set(state_dir: &Path) -> std::io::Result<Self> {
        let path = Self::path(state_dir);
        let file = state_dir::open_file(&path)?;

        // Whoever looks holds it for a moment; nobody else takes it.
        file.lock()?;
        Ok(Self { _file: file, path })
    }

    /// Removes the mark: the service ends as it was asked to.
    ///
    /// # Errors
    /// When the mark cannot be removed.
    pub(crate) fn remove(self) -> std::io::Result<()> {
        std::fs::remove_file(&self.path)
    }

    /// What the mark in a state folder says.
    pub(crate) fn look(state_dir: &Path) -> ServiceState {
        match state_dir::open_to_read(&Self::path(state_dir)) {
            // Shared, or two who look at once would take each other for the service.
            Ok(file) => match file.try_lock_shared() {
                Err(TryLockError::WouldBlock) => ServiceState::Running,
                _ => ServiceState::Failed,
            },
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                ServiceState::Unknown
            }
            Err(_) => ServiceState::NotRunning,
        }
    }

    /// Where the mark lies.
    pub(crate) fn path(state_dir: &Path) -> PathBuf {
        state_dir.join(MARK)
    }
}

impl StateLock {
    /// Where the lock lies.
    pub(crate) fn path(state_dir: &Path) -> PathBuf {
        state_dir.join(FILE)
    }

    /// Whether no process holds the lock: nobody sends what waits in the outbox. Where this account
    /// may not look, somebody may.
    pub(crate) fn is_free(state_dir: &Path) -> bool {
        match state_dir::open_to_read(&Self::path(state_dir)) {
            // Shared, or two who look at once would take each other for its holder.
            Ok(file) => file.try_lock_shared().is_ok(),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        }
    }

    /// Whether the lock that lies in the state folder is still this one. What cannot be told is
    /// taken for yes.
    pub(crate) fn is_in_place(&self) -> bool {
        // A folder that was removed and made again has another file of this name, which the next
        // process locks without meeting our lock.
        state_dir::is_in_place(&self.file, &self.path)
    }

    /// Takes the lock, also from a process that is about to end, which still holds it for a moment;
    /// `None` when another process holds it.
    ///
    /// # Errors
    /// When the state folder cannot be made or written to.
    pub(crate) fn take(state_dir: &Path) -> std::io::Result<Option<Self>> {
        for _ in 1..LOOKS {
            if let Some(lock) = Self::take_if_free(state_dir)? {
                return Ok(Some(lock));
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
        Self::take_if_free(state_dir)
    }

    /// Takes the lock; `None` when another process holds it at this moment.
    ///
    /// # Errors
    /// When the state folder cannot be made or written to.
    pub(crate) fn take_if_free(state_dir: &Path) -> std::io::Result<Option<Self>> {
        state_dir::make(state_dir)?;
        let path = Self::path(state_dir);
        let file = state_dir::open_file(&path)?;

        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file, path })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
