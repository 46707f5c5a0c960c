//! How much log of a run is read.
//!
//! The largest part that was seen of a real run has some hundred megabytes. A file of terabytes
//! costs whoever makes it nothing where it is mostly holes, and whoever reads it a day; so the size
//! is judged before anything is read.

use std::io;

use super::listing::FolderListing;
use crate::katalon::run::FileKind;

/// Bytes of all parts of a log together.
pub(crate) const LONGEST_LOG: u64 = 2 << 30;

/// Refuses a run folder whose log is too long to be read.
///
/// # Errors
/// With its size.
pub(crate) fn check_log_size(listing: &FolderListing) -> io::Result<()> {
    let mut size: u64 = 0;
    for listed in &listing.files {
        if listed.file.kind == FileKind::Log {
            size = size.saturating_add(listed.file.size);
        }
    }
    if size <= LONGEST_LOG {
        return Ok(());
    }

    Err(io::Error::new(
        io::ErrorKind::FileTooLarge,
        format!(
            "its log has {} MiB, and kado reads at most {} MiB of one",
            size >> 20,
            LONGEST_LOG >> 20
        ),
    ))
}
