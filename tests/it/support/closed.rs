//! Folders that are closed to kado, as long as it is an ordinary account.

#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests set modes")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// A folder that nobody may enter or list, until this is dropped.
pub(crate) struct ClosedFolder {
    folder: PathBuf,
    mode: u32,
}

impl ClosedFolder {
    /// Closes a folder.
    pub(crate) fn new(folder: &Path) -> Self {
        Self::with_mode(folder, 0)
    }

    /// Gives a folder this mode.
    pub(crate) fn with_mode(folder: &Path, mode: u32) -> Self {
        let before = fs::metadata(folder).expect("the folder is there").mode();
        set_mode(folder, mode);
        Self {
            folder: folder.to_owned(),
            mode: before,
        }
    }
}

impl Drop for ClosedFolder {
    fn drop(&mut self) {
        set_mode(&self.folder, self.mode);
    }
}

fn set_mode(folder: &Path, mode: u32) {
    fs::set_permissions(folder, fs::Permissions::from_mode(mode)).expect("its mode can be set");
}
