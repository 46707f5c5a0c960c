//! Only roots are watched here, and a root that is made anew ends its watch with an error.

use std::path::Path;

/// Not told apart.
pub fn identity(_folder: &Path) -> Option<u64> {
    None
}
