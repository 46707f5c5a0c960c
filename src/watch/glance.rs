//! A glance at the log of a run that seems to be of long ago: which run it is and when its log was
//! written last. A machine holds thousands of them, and nobody asks for their results.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use crate::discovery::run_identity::RunIdentity;
use crate::door::Folder;
use crate::katalon::log::{FolderNames, LogReader, LogSummary, last_moment};
use crate::moment::Moment;

/// Bytes in which the START of the suite and its machine are looked for: they stand in the first
/// two thousand, unless the suite has many properties. Parsing is what a glance costs.
const BEGINS: [usize; 2] = [4 * 1024, 16 * 1024];
/// Bytes in which the last record is looked for.
const END: u64 = 16 * 1024;

/// What a glance saw.
pub(super) struct Glance {
    /// Which run it is; its uuid is not looked for.
    pub(super) run: RunIdentity,
    /// Time of the last record.
    pub(super) last: Moment,
}

/// Glances at a log of so many bytes. `None` where its begin or its end does not say enough, so
/// that it has to be read whole.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn glance(folder: &Path, log: &str, size: u64) -> io::Result<Option<Glance>> {
    let mut file = Folder::at(folder)?.pieces(Path::new(log))?;
    // With room for all of it: it would be read in pieces of 32 bytes at first.
    let mut begin = Vec::with_capacity(BEGINS[1]);
    file.by_ref()
        .take(BEGINS[1] as u64)
        .read_to_end(&mut begin)?;
    let Some(run) = run_in(log, &begin)? else {
        return Ok(None);
    };

    let mut tail = Vec::with_capacity(END as usize);
    file.seek(SeekFrom::Start(size.saturating_sub(END)))?;
    file.take(END).read_to_end(&mut tail)?;
    Ok(last_moment(&tail).map(|last| Glance { run, last }))
}

/// Which run a log tells of that grows, by how it begins; `None` before it says so.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn run_of_growing(folder: &Path, log: &str) -> io::Result<Option<RunIdentity>> {
    let mut file = Folder::at(folder)?.pieces(Path::new(log))?;
    let mut begin = Vec::with_capacity(BEGINS[1]);
    file.by_ref()
        .take(BEGINS[1] as u64)
        .read_to_end(&mut begin)?;
    run_in(log, &begin)
}

/// The run whose log begins with these bytes.
fn run_in(log: &str, begin: &[u8]) -> io::Result<Option<RunIdentity>> {
    for most in BEGINS {
        let mut reader = LogReader::new(FolderNames::default());
        reader.feed(log, &begin[..begin.len().min(most)])?;

        let run = identity(&reader.finish());
        if run.is_some() {
            return Ok(run);
        }
    }
    Ok(None)
}

/// The run of a log whose begin says this.
fn identity(begin: &LogSummary) -> Option<RunIdentity> {
    Some(RunIdentity {
        suite: begin.suite.clone()?,
        started: begin.started?,
        host: begin.run_data.get("hostName")?.to_lowercase(),
        execution_uuid: None,
    })
}
