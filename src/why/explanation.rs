//! What is said of a folder.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::plan::text;
use crate::plural::counted;

/// What kado says of a folder. The names of the fields are those of `--json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Explanation {
    /// The folder, without `..` and as seen from the root.
    pub path: PathBuf,
    /// What it is.
    pub kind: FolderKind,
    /// What became of it.
    #[serde(rename = "answer")]
    pub verdict: FolderVerdict,
    /// Why.
    pub reason: String,
    /// What a person can do to change it, each by itself; empty where there is nothing, and of a
    /// folder with runs, each of which says it.
    pub would_change: Vec<String>,
    /// What else is known: what was left out, what could not be read.
    pub details: Vec<String>,
    /// The same for each run folder below; of a run folder none.
    pub runs: Vec<Explanation>,
    /// Whether a run waits for a person.
    #[serde(skip)]
    pub is_parked: bool,
}

/// What a folder is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FolderKind {
    /// It holds the execution of one suite.
    Run,
    /// The first one below `Reports`: what was started together.
    Session,
    /// The executions of one suite lie in it.
    Suite,
    /// It holds the report of a test suite collection.
    Collection,
    /// It holds a `.prj`.
    Project,
    /// Something else.
    Other,
}

impl FolderKind {
    /// In words, before a path.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Run => "run folder",
            Self::Session => "session folder",
            Self::Suite => "suite's folder",
            Self::Collection => "collection's folder",
            Self::Project => "project",
            Self::Other => "folder",
        }
    }
}

/// What became of a folder, from what a person would want to hear first to what is well.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FolderVerdict {
    /// It cannot be read, or kado does not see it.
    Unread,
    /// kado knows nothing of it.
    Unknown,
    /// It waits: for its turn, for Katalon's reports, for a person.
    Pending,
    /// It goes on.
    Running,
    /// It is not submitted, by a rule.
    Ignored,
    /// It is in ADO.
    Submitted,
}

impl FolderVerdict {
    /// All of them, in their order.
    const ALL: [Self; 6] = [
        Self::Unread,
        Self::Unknown,
        Self::Pending,
        Self::Running,
        Self::Ignored,
        Self::Submitted,
    ];

    /// The word, as `--json` has it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Unread => "unread",
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Ignored => "ignored",
            Self::Submitted => "submitted",
        }
    }
}

/// The time stamp that Katalon calls a run folder by; `None` of one with another name.
fn stamp(folder: &Path) -> Option<&str> {
    let name = folder.file_name()?.to_str()?;
    let (day, time) = name.split_once('_')?;
    let is_number =
        |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(day, 8) && is_number(time, 6)).then_some(name)
}

impl Explanation {
    /// Whether it waits for something that kado does by itself.
    pub(super) const fn waits_for_kado(&self) -> bool {
        matches!(self.verdict, FolderVerdict::Pending) && !self.is_parked
    }

    /// What became of a run folder; the reason and all else as short as reasons are.
    pub(super) fn of_run(folder: &Path, verdict: FolderVerdict, reason: &str) -> Self {
        Self {
            path: folder.to_owned(),
            kind: FolderKind::Run,
            verdict,
            reason: text::reason(reason),
            would_change: Vec::new(),
            details: Vec::new(),
            runs: Vec::new(),
            is_parked: false,
        }
    }

    /// The same, with what a person can do; each once.
    pub(super) fn or_else_do(mut self, ways: impl IntoIterator<Item = String>) -> Self {
        for way in ways {
            if !self.would_change.contains(&way) {
                self.would_change.push(way);
            }
        }
        self
    }

    /// The same, with what else is known; each once.
    pub(super) fn with_details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        let mut known: HashSet<String> = self.details.iter().cloned().collect();
        for detail in details {
            let detail = text::reason(&detail);
            if known.insert(detail.clone()) {
                self.details.push(detail);
            }
        }
        self
    }

    /// What became of a folder in which these runs lie: what a person would want to hear first of
    /// them, and how many there are of each. `None` without any.
    pub(super) fn of_runs(folder: &Path, kind: FolderKind, runs: Vec<Self>) -> Option<Self> {
        let verdict = runs.iter().map(|run| run.verdict).min()?;

        let mut counts = Vec::new();
        for one in FolderVerdict::ALL {
            let count = runs.iter().filter(|run| run.verdict == one).count();
            if count > 0 {
                counts.push(format!("{count} {}", one.word()));
            }
        }

        let mut reason = format!(
            "{}: {}",
            counted(runs.len(), "run folder"),
            counts.join(", ")
        );
        // Whoever asks has mostly the last one in mind.
        if runs.len() > 1
            && let Some(newest) = runs.iter().max_by_key(|run| stamp(&run.path))
            && let Some(stamp) = stamp(&newest.path)
        {
            let word = newest.verdict.word();
            reason.push_str(&format!("; the newest, `{stamp}`: {word}"));
        }
        Some(Self {
            kind,
            is_parked: runs.iter().any(|run| run.is_parked),
            runs,
            ..Self::of_run(folder, verdict, &reason)
        })
    }

    /// Whether everything about it is known, and nothing needs a person.
    pub(crate) fn is_settled(&self) -> bool {
        let is_open = matches!(self.verdict, FolderVerdict::Unread | FolderVerdict::Unknown);
        !is_open && !self.is_parked
    }
}
