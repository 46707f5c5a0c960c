//! Only roots are watched here, each with all below it, and a root that is made anew ends its watch with an error.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use notify::RecursiveMode;

/// Folders are not told apart.
pub type Identity = ();

/// Not told apart.
pub fn identity(_folder: &Path) -> Option<Identity> {
    None
}

/// The roots with all below them.
pub fn wanted(roots: &[PathBuf], _projects: &[PathBuf]) -> HashMap<PathBuf, RecursiveMode> {
    roots.iter().map(|root| (root.clone(), RecursiveMode::Recursive)).collect()
}

/// Why a folder cannot be watched.
pub fn reason(error: &notify::Error) -> String {
    error.to_string()
}
