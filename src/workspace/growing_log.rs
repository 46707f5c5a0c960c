//! The log of a suite that still runs, read as it grows: each record once, by the reader that reads
//! logs of runs that are over.
//!
//! Only whole records are read; the rest of the file waits for the next look. A log that was
//! rotated, or that is shorter than before, is read from its beginning. What is given is what the
//! log says up to now, and whoever decides about the run reads it again when it is over.

use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use memchr::memmem;

use super::listing::FolderListing;
use super::log_size::check_log_size;
use crate::door::Folder;
use crate::katalon::log::{FolderNames, LogReader, LogSummary, NEWEST_PART};
use crate::katalon::run::FileKind;

/// What ends a record.
const END_OF_RECORD: &[u8] = b"</record>";
/// Bytes of the longest log that is read while it grows; a longer one is read when the run is over.
const LONGEST_GROWING: u64 = 64 << 20;
/// Bytes that are read at once.
const PIECE: u64 = 1 << 20;
/// Bytes of the longest record that is waited for.
const LONGEST_RECORD: u64 = 16 << 20;

/// How far the log of a run folder was read.
#[derive(Debug, Default)]
pub(crate) struct GrowingLog {
    reader: LogReader,
    names: FolderNames,
    /// How many parts the log had.
    parts: usize,
    /// Up to which byte the newest part was read.
    read: u64,
    /// How large the newest part was at the last look.
    size: u64,
    /// Whether it has said by now on which machine the suite runs.
    names_host: bool,
}

impl GrowingLog {
    /// Whether a newest part of this size is another one than was read. One that was rotated is
    /// shorter.
    pub(super) const fn has_grown(&self, size: u64) -> bool {
        size != self.size
    }

    /// Whether what was read says on which machine the suite runs, as far as it ever will.
    pub(crate) const fn names_host(&self) -> bool {
        self.names_host
    }

    /// Reads what is new, and gives what the log says up to now.
    ///
    /// # Errors
    /// When it cannot be read, or is longer than what is read while it grows.
    pub(super) fn read(
        &mut self,
        folder: &Folder,
        listing: &FolderListing,
        names: FolderNames,
    ) -> io::Result<LogSummary> {
        check_size(listing)?;
        let logs = listing.logs();
        let size = newest_size(listing);

        let is_another = logs.len() != self.parts || size < self.read || names != self.names;
        if is_another {
            *self = Self {
                reader: LogReader::new(names.clone()),
                names,
                parts: logs.len(),
                read: 0,
                ..Self::default()
            };
            for part in logs.iter().filter(|part| **part != NEWEST_PART) {
                let bytes = folder.pieces(Path::new(part))?.take(LONGEST_GROWING);
                self.reader.feed(part, BufReader::new(bytes))?;
            }
        }

        if logs.contains(&NEWEST_PART) {
            self.read_newest(folder, size)?;
        }
        self.size = size;

        // Katalon writes it before the first test; logs of old versions lack it.
        let summary = self.reader.clone().finish();
        self.names_host = summary.run_data.contains_key("hostName") || !summary.tests.is_empty();
        Ok(summary)
    }

    /// Reads the whole records of the newest part that were not read before.
    fn read_newest(&mut self, folder: &Folder, size: u64) -> io::Result<()> {
        let mut file = folder.pieces(Path::new(NEWEST_PART))?;
        let mut length = PIECE;
        while self.read < size {
            file.seek(SeekFrom::Start(self.read))?;
            let mut piece = Vec::new();
            file.by_ref().take(length).read_to_end(&mut piece)?;

            if let Some(at) = memmem::rfind(&piece, END_OF_RECORD) {
                piece.truncate(at + END_OF_RECORD.len());
                self.reader.feed(NEWEST_PART, piece.as_slice())?;
                self.read += piece.len() as u64;
            } else if (piece.len() as u64) < length {
                // The record is being written.
                return Ok(());
            } else if length < LONGEST_RECORD {
                length *= 2;
            } else {
                return Err(too_long());
            }
        }
        Ok(())
    }
}

fn newest_size(listing: &FolderListing) -> u64 {
    let mut files = listing.files.iter();
    let newest = files.find(|listed| listed.file.path == NEWEST_PART);
    newest.map_or(0, |listed| listed.file.size)
}

fn check_size(listing: &FolderListing) -> io::Result<()> {
    check_log_size(listing)?;
    let mut size = 0;
    for listed in &listing.files {
        if listed.file.kind == FileKind::Log {
            size += listed.file.size;
        }
    }
    if size > LONGEST_GROWING {
        return Err(too_long());
    }
    Ok(())
}

fn too_long() -> io::Error {
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        format!(
            "its log is too long to be read while it grows (more than {} MiB, or a record of more \
             than {} MiB)",
            LONGEST_GROWING >> 20,
            LONGEST_RECORD >> 20
        ),
    )
}
