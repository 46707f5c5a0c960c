//! Mode 0750.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// Makes a folder for its owner and its group.
pub fn make_closed(folder: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().mode(0o750).create(folder)
}
