//! Holes are not asked for: only what a program marked as sparse has any, and that is rare.

use std::fs::{File, Metadata};
use std::io;

/// From where to where the bytes behind `at` are; `None` at the end.
pub(super) fn next_data(file: &File, at: u64) -> io::Result<Option<(u64, u64)>> {
    let length = file.metadata()?.len();
    Ok((at < length).then_some((at, length)))
}

/// How many bytes take room on the disk, as far as is known.
pub(super) fn stored(metadata: &Metadata) -> u64 {
    metadata.len()
}
