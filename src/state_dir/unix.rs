//! Mode 0750, and the file system's own figures.

#![expect(
    clippy::disallowed_methods,
    reason = "the mode of the folder is on the disk"
)]

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use rustix::fs::Mode;

/// Mode bits of a folder that its group shares: the group may write, and what is made in it belongs
/// to the group.
const SHARED: u32 = 0o2020;

/// Makes a folder for its owner and its group.
pub(super) fn make_closed(folder: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().mode(0o750).create(folder)
}

/// Bytes that are free for this process on the file system of a folder.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let figures = rustix::fs::statvfs(folder).ok()?;
    // What is kept back for root is not free for kado.
    Some(figures.f_bavail.saturating_mul(figures.f_frsize))
}

/// Whether the file system of a folder is mounted read-only.
pub(super) fn is_read_only(folder: &Path) -> Option<bool> {
    Some(
        rustix::fs::statvfs(folder)
            .ok()?
            .f_flag
            .contains(rustix::fs::StatVfsMountFlags::RDONLY),
    )
}

/// Lets the group of a shared state folder use what this process makes in it: the service has to go
/// on with what root or a member of its group began.
pub(super) fn share(folder: &Path) {
    if std::fs::metadata(folder).is_ok_and(|metadata| metadata.mode() & SHARED == SHARED) {
        // By the mask of the process, so that nobody who makes a file has to think of it.
        rustix::process::umask(Mode::from_raw_mode(0o007));
    }
}

/// Not looked for: where a network's file system keeps what it was told, the database works there
/// as well.
pub(super) const fn is_remote(_folder: &Path) -> bool {
    false
}
