//! Mode 0750, and the file system's own figures.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// Makes a folder for its owner and its group.
pub fn make_closed(folder: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().mode(0o750).create(folder)
}

/// Bytes that are free for this process on the file system of a folder.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let figures = rustix::fs::statvfs(folder).ok()?;
    Some(figures.f_bavail.saturating_mul(figures.f_frsize))
}

/// Whether the file system of a folder is mounted read-only.
pub fn is_read_only(folder: &Path) -> Option<bool> {
    Some(rustix::fs::statvfs(folder).ok()?.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))
}
