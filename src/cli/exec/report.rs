//! What `kado exec` says, on standard error: standard output belongs to the command.

use std::path::{Path, PathBuf};

use crate::cli::delegate::Sent;
use crate::cli::output::tell;
use crate::cli::plain::plain;
use crate::cli::submission;
use crate::cli::terminal::{Screen, Terminal};
use crate::exit::Exit;
use crate::outbox::submission::{SubmissionState, SubmissionSummary};

/// How far in a line goes on: behind the name of who says it.
const INDENT: usize = 10;

/// Says what became of the runs, and collects what was not submitted.
pub(super) struct Report {
    /// Whether what was not submitted counts for the exit code.
    strict: bool,
    submission: Exit,
    /// The terminal that standard error is, or is not.
    terminal: Terminal,
}

impl Report {
    pub(super) const fn new(strict: bool, terminal: Terminal) -> Self {
        Self {
            strict,
            submission: Exit::Done,
            terminal,
        }
    }

    /// The value of what went well; what did not is said.
    pub(super) fn note<T, E: Into<anyhow::Error>>(
        &mut self,
        result: Result<T, E>,
        what: &str,
    ) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                let error: anyhow::Error = error.into();
                say(&format!("{what}: {error:#}"));
                self.not_done();
                None
            }
        }
    }

    /// An option of the command that kado does not see.
    pub(super) fn hidden_option(&mut self, option: &str) {
        say(&format!(
            "`{option}` is part of a text for a shell, where kado does not look for options, so it \
             does not count; give katalonc and its options to `kado exec` one by one"
        ));
        self.not_done();
    }

    /// Runs that go on, and that other commands submit.
    pub(super) fn of_others(&self, folders: &[PathBuf]) {
        // Not counted as not done: whoever runs them submits them.
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
        self.not_done();
    }

    /// What became of the runs.
    pub(super) fn sent(&mut self, sent: &Sent) {
        let mut errors = Screen::new(std::io::stderr(), self.terminal.clone());
        for mut line in submission::lines(&sent.rows, &self.terminal) {
            // Each line begins with the name of who says it: the command writes there as well.
            line.insert(0, "kado: ".into());

            // Where it cannot be written there is nobody to tell.
            let _ = errors.line(INDENT, &line);
        }

        self.submission = self.submission.and(sent.exit());
        if sent.rows.iter().any(|row| is_ignored(row, &sent.rows)) {
            self.not_done();
        }
    }

    /// How many runs the command made.
    pub(super) fn count(&mut self, runs: usize, root: &Path) {
        // With `--strict` a suite that never started must not pass for one that was submitted.
        if runs == 0 {
            say(&format!(
                "no suite run of the command has ended below `{}`",
                root.join("Reports").display()
            ));
            self.not_done();
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

    fn not_done(&mut self) {
        self.submission = self.submission.and(Exit::NotDone);
    }
}

/// Whether a run is ignored as a whole: of several test plans those without a point of it are
/// ignored, and nothing is missing then.
fn is_ignored(row: &SubmissionSummary, all: &[SubmissionSummary]) -> bool {
    all.iter()
        .filter(|other| is_same_run(other, row))
        .all(|other| other.state == SubmissionState::Ignored)
}

fn is_same_run(one: &SubmissionSummary, other: &SubmissionSummary) -> bool {
    // A summary holds no identity, but these three are alike in all submissions of one run.
    one.suite == other.suite && one.started == other.started && one.folder == other.folder
}

fn say(text: &str) {
    tell(&format!("kado: {}", plain(text)));
}
