//! A glance at the log of a run that seems to be of long ago: which run it is and when its log was
//! written last. A machine holds thousands of them, and nobody asks for their results.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use crate::discovery::run_identity::RunIdentity;
use crate::door::Folder;
use crate::katalon::log::{FolderNames, LogReader, LogSummary, last_moment};
use crate::moment::Moment;

/// Bytes in which the START of the suite and its machine are looked for.
const BEGIN: u64 = 16 * 1024;
/// Bytes in which the last record is looked for.
const END: u64 = 16 * 1024;

/// What a glance saw.
pub(super) struct Glance {
    /// Which run it is; its uuid is not looked for.
    pub(super) run: RunIdentity,
    /// Time of the last record.
    pub(super) last: Moment,
}

/// Glances at a log of so many bytes. `None` where its begin or its end does not say enough, so that
/// it has to be read whole.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn glance(folder: &Path, log: &str, size: u64) -> io::Result<Option<Glance>> {
    let mut file = Folder::at(folder)?.pieces(Path::new(log))?;
    let mut begin = Vec::new();
    file.by_ref().take(BEGIN).read_to_end(&mut begin)?;
    let mut reader = LogReader::new(FolderNames::default());
    reader.feed(log, &*begin)?;

    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(size.saturating_sub(END)))?;
    file.take(END).read_to_end(&mut tail)?;

    Ok(identity(&reader.finish())
        .zip(last_moment(&tail))
        .map(|(run, last)| Glance { run, last }))
}

/// The run whose log begins so.
fn identity(begin: &LogSummary) -> Option<RunIdentity> {
    Some(RunIdentity {
        suite: begin.suite.clone()?,
        started: begin.started?,
        host: begin.run_data.get("hostName")?.to_lowercase(),
        execution_uuid: None,
    })
}
