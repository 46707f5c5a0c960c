//! Makes the state folder, closed to everybody but the service and its group: it holds what was
//! tested and where.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where the state folder is made"
)]

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

use std::path::Path;

/// Makes a state folder with the folders above it; one that is there keeps its permissions. Where a
/// group shares it, what this process makes from now on is the group's too.
///
/// # Errors
/// When it cannot be made, or when it lies on another machine.
pub(crate) fn make(state_dir: &Path) -> std::io::Result<()> {
    if is_remote(state_dir) {
        let text = "it lies on another machine, and a database with a write-ahead log needs a \
                    disk of this one; set `state_dir`";
        return Err(std::io::Error::new(std::io::ErrorKind::Unsupported, text));
    }
    if state_dir.is_dir() {
        system::share(state_dir);
        return Ok(());
    }

    // Those above are anybody's folders and stay open as usual; only the last one is closed.
    if let Some(above) = state_dir.parent() {
        std::fs::create_dir_all(above)?;
    }
    match system::make_closed(state_dir) {
        // Another command made it at the same moment.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && state_dir.is_dir() => {
            Ok(())
        }
        made => made,
    }
}

/// Bytes that are free where the state lies; `None` where the system does not say.
pub(crate) fn free_bytes(state_dir: &Path) -> Option<u64> {
    system::free_bytes(state_dir)
}

/// Whether the file system of the state folder lets nobody write; `None` where the system does not
/// say.
pub(crate) fn is_read_only(state_dir: &Path) -> Option<bool> {
    system::is_read_only(state_dir)
}

/// Whether a path leads to another machine, as far as its name tells.
pub(crate) fn is_remote(path: &Path) -> bool {
    system::is_remote(path)
}
