//! How many run folders have which answer.

use serde::Serialize;

use crate::discovery::eligibility::History;
use crate::outbox::run_folders::{RunFolders, Standing};

/// The run folders that lay there at the last sweep; the numbers behind `seen` add up to it.
#[derive(Debug, Serialize)]
pub(crate) struct FolderCounts {
    seen: usize,
    submitted: usize,
    /// Those that wait, run, or need a person.
    pending: usize,
    ignored: usize,
    older: usize,
    unreadable: usize,
}

impl FolderCounts {
    pub(crate) fn of(folders: &RunFolders) -> Self {
        Self {
            seen: folders.seen(),
            submitted: folders.count(&[Standing::SubmittedBefore, Standing::SubmittedNow]),
            pending: folders.count(&[Standing::Pending, Standing::Running, Standing::Parked]),
            ignored: folders.count(&[Standing::Ignored]),
            older: folders.count(&[Standing::Older]),
            unreadable: folders.count(&[Standing::Unread]),
        }
    }
}

/// The numbers in a line of the table.
pub(crate) fn in_words(folders: &RunFolders, history: History) -> String {
    match folders.seen() {
        0 => "0".to_owned(),
        seen => format!("{seen}: {}", folders.answers(history)),
    }
}
