//! Runs that belong to a `kado exec`: a claim is made before the command starts, and every run of
//! its project that starts while it lasts is its own, with the options that it was given. Pure.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::discovery::command::same_folder;
use crate::discovery::eligibility::ran_here;
use crate::discovery::filled_run::FilledRun;
use crate::katalon::collection_report::Membership;
use crate::katalon::command_line::CommandLine;
use crate::katalon::run::SuiteRun;
use crate::moment::Moment;
use crate::pipeline::{PipelineJob, RunOrigin};

/// A command of `kado exec`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Claim {
    /// Its id in the outbox.
    pub id: i64,
    /// Folder of the project, without links.
    pub root: PathBuf,
    /// From just before the command started.
    pub from: Moment,
    /// When `kado exec` was last known to be there.
    pub seen: Moment,
    /// When it ended; while it has not, the last time at which it may still have been there.
    pub until: Moment,
    /// It did not end and is not there any more: it was killed, nobody knows when.
    pub lost: bool,
    /// What it claims.
    pub terms: Terms,
}

/// What a command of `kado exec` claims, and on what terms. Stored as JSON: a new member needs a
/// `serde` default, and a name that is changed a migration.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// Its arguments.
    pub line: CommandLine,
    /// Whether its runs may name another host, as those in a container do.
    pub any_host: bool,
    /// The job of Azure Pipelines that it is part of.
    pub pipeline: Option<PipelineJob>,
    /// Whether its suites are shown while they run.
    #[serde(default)]
    pub live: bool,
    /// Where people find what made its runs.
    #[serde(default)]
    pub origin: RunOrigin,
    /// The test run that its runs fill (`--into`).
    #[serde(default)]
    pub into: Option<FilledRun>,
}

/// Where a run stands that may belong to a command.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunPlace<'a> {
    /// Folder of its project, without links.
    pub(super) root: &'a Path,
    /// Whether it is a member of a collection.
    pub(super) membership: &'a Membership,
    /// Its own folder, with slashes.
    pub(super) folder: &'a str,
    /// Name of this machine.
    pub(super) host: &'a str,
}

impl Claim {
    /// Whether a run belongs to this command.
    pub(super) fn covers(&self, run: &SuiteRun, place: RunPlace<'_>) -> bool {
        // A run that does not say when it started may be anybody's.
        let Some(started) = run.started else {
            return false;
        };

        same_folder(&self.root, place.root)
            && self.from <= started
            && started <= self.until
            && self.terms.line.target.covers(&run.suite, place.membership)
            && (self.terms.any_host || ran_here(run, place.folder, place.host))
    }

    /// Whether its `kado exec` was there when the run started, and not killed before that.
    pub(super) fn was_there(&self, run: &SuiteRun) -> bool {
        !self.lost || run.started.is_some_and(|started| started <= self.seen)
    }
}
