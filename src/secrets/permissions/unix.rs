//! A token file must be closed to everybody but its owner and the service's own group.

#![expect(clippy::disallowed_methods, reason = "the permissions are on the disk")]

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::secrets::TokenError;

/// Refuses a file that others can read.
pub fn check(file: &Path) -> Result<(), TokenError> {
    let metadata =
        std::fs::metadata(file).map_err(|source| TokenError::Unreadable { file: file.to_owned(), source })?;
    let mode = metadata.mode() & 0o777;
    let own_group = metadata.gid() == rustix::process::getegid().as_raw();
    // Reading by the service's own group is what a package sets up; writing by it is not.
    let allowed = if own_group { 0o740 } else { 0o700 };
    if mode & !allowed == 0 {
        return Ok(());
    }
    Err(TokenError::Exposed {
        file: file.to_owned(),
        found: format!("mode {mode:03o}"),
        remedy: format!("`chmod 600 {}` mends it", file.display()),
    })
}
