//! What `kado status` says of run folders: how many have which answer, and which runs are older than
//! the history.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::table::plain;
use crate::discovery::eligibility::History;
use crate::outbox::run_folders::{RunFolders, Standing};
use crate::outbox::store::OlderRuns;
use crate::plural::{counted, form};

/// The run folders that lay there at the last sweep; the numbers behind `seen` add up to it.
#[derive(Debug, Serialize)]
pub(super) struct FolderCounts {
    seen: usize,
    submitted: usize,
    /// Those that wait, run, or need a person.
    pending: usize,
    ignored: usize,
    older: usize,
    unreadable: usize,
}

impl FolderCounts {
    pub(super) fn of(folders: &RunFolders) -> Self {
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
pub(super) fn in_words(folders: &RunFolders, history: History) -> String {
    match folders.seen() {
        0 => "0".to_owned(),
        seen => format!("{seen}: {}", folders.answers(history)),
    }
}

/// Says of each project how many runs are older than the history, the newest of them, and what
/// submits them.
pub(super) fn print_older(older: &[OlderRuns], out: &mut dyn Write) -> io::Result<()> {
    for runs in older {
        let suite = runs.suite.as_deref().unwrap_or("a suite that is not known");
        let text = format!(
            "{} of `{}` {} older than the history; the newest is of {suite}, ended {}",
            counted(runs.count, "run"),
            runs.project,
            form(runs.count, "is", "are"),
            runs.ended
        );
        let hint = format!(
            "`history = \"all\"` or an earlier instant in kado.toml submits them, `kado submit \
             \"{}\"` the newest alone",
            runs.newest
        );

        writeln!(out, "older: {}", plain(&text))?;
        writeln!(out, "       → {}", plain(&hint))?;
    }
    Ok(())
}
