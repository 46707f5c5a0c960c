//! The folder inherits the access list of the folder above it.

use std::path::Path;

/// Makes a folder.
pub fn make_closed(folder: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().create(folder)
}

/// Not asked for on this system yet.
pub fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}

/// Not asked for on this system yet.
pub fn is_read_only(_folder: &Path) -> Option<bool> {
    None
}

/// What is made in a folder inherits its access list.
pub fn share(_folder: &Path) {}
