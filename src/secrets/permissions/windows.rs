//! The access list of a token file is not judged on Windows yet; the folder it lies in has to protect it.

use std::path::Path;

use crate::secrets::TokenError;

/// Accepts every file.
pub fn check(_file: &Path) -> Result<(), TokenError> {
    Ok(())
}
