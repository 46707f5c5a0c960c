//! The logs that were parsed last.
//!
//! A run that ends is read when its end is seen, again when it is held, whenever Katalon writes
//! another report beside its log, and once more when it is recorded. The log is by far the largest
//! file of it and does not change in that time. So what was read from it is kept while its parts
//! look the same; everything else of a folder is read anew each time.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use super::listing::ListedFile;
use crate::katalon::log::{FolderNames, LogSummary};
use crate::locked::locked;

/// Logs that are kept. One agent rarely ends more runs than this within a grace time; a summary can
/// take some 24 MB, most take some kilobytes.
const MOST: usize = 16;

/// What was read from logs, the latest last.
#[derive(Debug, Default)]
pub(super) struct ParsedLogs(Mutex<VecDeque<ParsedLog>>);

#[derive(Debug)]
struct ParsedLog {
    folder: PathBuf,
    /// The parts as they were listed before they were read. A part that grew between its listing
    /// and its reading looks different at the next look, and is read again.
    parts: Vec<ListedFile>,
    names: FolderNames,
    summary: LogSummary,
}

impl ParsedLogs {
    /// What the log of a folder says, if it was parsed when its parts looked like this.
    pub(super) fn get(
        &self,
        folder: &Path,
        parts: &[ListedFile],
        names: &FolderNames,
    ) -> Option<LogSummary> {
        let logs = self.lock();
        let log = logs.iter().find(|log| log.folder == folder)?;

        // The names of the folder decide which files named in the log are attachments.
        (log.parts == parts && log.names == *names).then(|| log.summary.clone())
    }

    /// Keeps what the log of a folder says, and lets go of the oldest one where there is no room.
    pub(super) fn keep(
        &self,
        folder: &Path,
        parts: Vec<ListedFile>,
        names: FolderNames,
        summary: LogSummary,
    ) {
        let mut logs = self.lock();
        logs.retain(|log| log.folder != folder);
        if logs.len() == MOST {
            logs.pop_front();
        }

        logs.push_back(ParsedLog {
            folder: folder.to_owned(),
            parts,
            names,
            summary,
        });
    }

    /// Lets go of a folder's log: its run is decided. Test data need not stay in memory longer.
    pub(super) fn forget(&self, folder: &Path) {
        self.lock().retain(|log| log.folder != folder);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<ParsedLog>> {
        // Entries are put in and taken out whole, so a panic of another thread leaves none of them
        // half.
        locked(&self.0)
    }
}
