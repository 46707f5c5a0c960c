//! `SEEK_DATA` and `SEEK_HOLE`.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

/// Bytes of a block, as `st_blocks` counts them on every system.
const BLOCK: u64 = 512;

/// From where to where the next bytes behind `at` are that are no hole; `None` at the end.
pub(super) fn next_data(file: &File, at: u64) -> io::Result<Option<(u64, u64)>> {
    let begin = match seek(file, SeekFrom::Data(at)) {
        Ok(begin) => begin,
        Err(Errno::NXIO) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let end = seek(file, SeekFrom::Hole(begin))?;
    Ok(Some((begin, end)))
}

/// How many bytes take room on the disk.
pub(super) fn stored(metadata: &Metadata) -> u64 {
    metadata.len().min(metadata.blocks().saturating_mul(BLOCK))
}
