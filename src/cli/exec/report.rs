//! What `kado exec` says, on standard error: standard output belongs to the command.

#![expect(
    clippy::print_stderr,
    reason = "standard output belongs to the command"
)]

use std::path::{Path, PathBuf};

use crate::cli::delegate::Sent;
use crate::cli::submission;
use crate::cli::table::plain;
use crate::exit::Exit;
use crate::outbox::submission::{SubmissionState, SubmissionSummary};

/// Collects what was not submitted.
pub(super) struct Report {
    strict: bool,
    submission: Exit,
}

impl Report {
    /// A report; `strict` lets what was not submitted count.
    pub(super) const fn new(strict: bool) -> Self {
        Self {
            strict,
            submission: Exit::Done,
        }
    }

    /// The value of what went well; what did not is said.
    pub(super) fn note<T, E: Into<anyhow::Error>>(
        &mut self,
        result: Result<T, E>,
        what: &str,
    ) -> Option<T> {
        result
            .map_err(|error| {
                let error: anyhow::Error = error.into();
                say(&format!("{what}: {error:#}"));
                self.submission = self.submission.and(Exit::NotDone);
            })
            .ok()
    }

    /// An option of the command that is not seen.
    pub(super) fn hidden(&mut self, option: &str) {
        say(&format!(
            "`{option}` stands inside a text for a shell, where options are not looked for, so it does not count; give \
             katalonc and its options to `kado exec` one by one"
        ));
        self.submission = self.submission.and(Exit::NotDone);
    }

    /// Runs that go on, and that other commands submit.
    pub(super) fn of_others(&self, folders: &[PathBuf]) {
        for folder in folders {
            say(&format!(
                "`{}` still runs, so it is left to the command that runs it, or to the service",
                folder.display()
            ));
        }
    }

    /// A run that was not taken on.
    pub(super) fn refused(&mut self, folder: &Path, reason: &str) {
        say(&format!(
            "`{}` is not submitted: {reason}",
            folder.display()
        ));
        self.submission = self.submission.and(Exit::NotDone);
    }

    /// What became of the runs.
    pub(super) fn sent(&mut self, sent: &Sent) {
        for row in &sent.rows {
            let mut text = Vec::new();
            // Writing into memory does not fail.
            let _ = submission::print(row, &mut text);
            String::from_utf8_lossy(&text).lines().for_each(say);
        }
        let ignored = if sent.rows.iter().any(|row| is_ignored(row, &sent.rows)) {
            Exit::NotDone
        } else {
            Exit::Done
        };
        self.submission = self.submission.and(sent.exit()).and(ignored);
    }

    /// How many runs were found.
    pub(super) fn runs(&mut self, count: usize, root: &Path) {
        if count == 0 {
            say(&format!(
                "no suite run of the command has ended below `{}`",
                root.join("Reports").display()
            ));
            self.submission = self.submission.and(Exit::NotDone);
        }
    }

    /// The exit code, given the command's own, which wins where it is not 0.
    pub(super) fn exit_code(&self, command: i32) -> i32 {
        if command == 0 && self.strict {
            i32::from(self.submission.code())
        } else {
            command
        }
    }
}

/// Whether a run is ignored as a whole: of several test plans those without a point of it are
/// ignored, and nothing is missing then.
fn is_ignored(row: &SubmissionSummary, all: &[SubmissionSummary]) -> bool {
    let is_same_run = |other: &&SubmissionSummary| {
        let run = |row: &SubmissionSummary| (row.suite.clone(), row.started, row.folder.clone());
        run(other) == run(row)
    };
    all.iter()
        .filter(is_same_run)
        .all(|row| row.state == SubmissionState::Ignored)
}

fn say(text: &str) {
    eprintln!("kado: {}", plain(text));
}
