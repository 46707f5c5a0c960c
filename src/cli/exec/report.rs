//! What `kado exec` says, on standard error: standard output belongs to the command.

use std::path::{Path, PathBuf};

use crate::cli::agent;
use crate::cli::delegate::Sent;
use crate::cli::plain::plain;
use crate::cli::submission;
use crate::cli::tell::tell;
use crate::cli::terminal::{Screen, Terminal};
use crate::exit::Exit;
use crate::katalon::REPORTS;
use crate::live::EndedLiveRun;
use crate::outbox::lock::NextTry;
use crate::outbox::submission::{Obstacle, SubmissionSummary};
use crate::pipeline::PipelineJob;

/// How far in a line goes on: behind the name of who says it.
const INDENT: usize = 10;

/// What a job of Azure Pipelines does for its server.
#[derive(Clone, Copy, Debug)]
pub(super) enum JobToken<'a> {
    /// There is no such job, or an identity of `kado.toml` sends in its place.
    OfNoJob,
    /// It hands no token over.
    Missing(&'a PipelineJob),
    /// Its token comes before every other.
    Given(&'a PipelineJob),
}

/// Says what became of the runs, and collects what was not submitted.
pub(super) struct Report {
    /// Whether what was not submitted counts for the exit code.
    strict: bool,
    submission: Exit,
    /// The terminal that standard error is, or is not.
    terminal: Terminal,
    /// What became of the runs.
    rows: Vec<SubmissionSummary>,
    /// What went wrong beside them.
    problems: Vec<String>,
}

impl Report {
    pub(super) const fn new(strict: bool, terminal: Terminal) -> Self {
        Self {
            strict,
            submission: Exit::Done,
            terminal,
            rows: Vec::new(),
            problems: Vec::new(),
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
                self.problem(format!("{what}: {error:#}"));
                None
            }
        }
    }

    /// An option of the command that kado does not see.
    pub(super) fn hidden_option(&mut self, option: &str) {
        self.problem(format!(
            "`{option}` is part of a text for a shell, where kado does not look for options, so it \
             does not count; give katalonc and its options to `kado exec` one by one"
        ));
    }

    /// Runs that are not over, and that other commands submit.
    pub(super) fn of_others(&self, folders: &[PathBuf]) {
        // Not counted as not done: whoever runs them submits them.
        for folder in folders {
            say(&format!(
                "`{}` is not over yet, so it is left to the command that runs it, or to the service",
                folder.display()
            ));
        }
    }

    /// Live runs of suites that are not submitted.
    pub(super) fn ended_live_runs(&self, ended: &[EndedLiveRun]) {
        // Why they are not submitted is said of the suites.
        for EndedLiveRun { ado_run, suite } in ended {
            say(&format!(
                "test run {ado_run}, which showed `{suite}` while it ran, is ended as Aborted"
            ));
        }
    }

    /// A run that was not taken on.
    pub(super) fn refused(&mut self, folder: &Path, reason: &str) {
        self.problem(format!("`{}` is not submitted: {reason}", folder.display()));
    }

    /// What became of the runs.
    pub(super) fn sent(&mut self, sent: &Sent, next_try: NextTry) {
        let mut errors = Screen::new(std::io::stderr(), self.terminal.clone());
        for mut line in submission::lines(&sent.rows, next_try, &self.terminal) {
            // Each line begins with the name of who says it: the command writes there as well.
            line.insert(0, "kado: ".into());

            // Where it cannot be written there is nobody to tell.
            let _ = errors.line(INDENT, &line);
        }

        self.submission = self.submission.and(sent.exit());
        if sent
            .rows
            .iter()
            .any(|row| submission::is_ignored(row, &sent.rows))
        {
            self.not_done();
        }
        self.rows.extend_from_slice(&sent.rows);
    }

    /// What the token of the job has to do with runs that wait for one.
    pub(super) fn token_of_job(&mut self, token: JobToken<'_>) {
        let waits_for = |obstacle| self.rows.iter().any(|row| row.obstacle == Some(obstacle));

        match token {
            JobToken::Missing(job) if waits_for(Obstacle::NoToken) => self.problem(format!(
                "the job hands over no token for `{}`: map `SYSTEM_ACCESSTOKEN: \
                 $(System.AccessToken)` into the `env` of its step",
                job.collection
            )),

            JobToken::Given(job) if waits_for(Obstacle::Credentials) => self.problem(format!(
                "the token for `{}` is that of the job (`SYSTEM_ACCESSTOKEN`): the build service \
                 of the project needs the permissions `View test runs` and `Create test runs`; to \
                 submit with another token, do not map it",
                job.collection
            )),
            JobToken::Missing(_) | JobToken::Given(_) | JobToken::OfNoJob => {}
        }
    }

    /// How many runs the command made.
    pub(super) fn count(&mut self, runs: usize, root: &Path) {
        // With `--strict` a suite that never started must not pass for one that was submitted.
        if runs == 0 {
            self.problem(format!(
                "no suite run of the command has ended below `{}`",
                root.join(REPORTS).display()
            ));
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

    /// Tells the agent of the pipeline what became of the runs.
    pub(super) fn tell_agent(&self) {
        agent::tell(&self.rows, &self.problems);
    }

    fn problem(&mut self, text: String) {
        say(&text);
        self.problems.push(text);
        self.not_done();
    }

    fn not_done(&mut self) {
        self.submission = self.submission.and(Exit::NotDone);
    }
}

fn say(text: &str) {
    tell(&format!("kado: {}", plain(text)));
}
