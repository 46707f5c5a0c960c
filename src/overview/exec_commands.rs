//! The commands of `kado exec`: which run, which were killed, and of which nothing is submitted,
//! which nobody sees who does not read the logs of pipelines.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use crate::clock;
use crate::discovery::claim::Claim;
use crate::file_names::is_in;
use crate::katalon::collection_report::Membership;
use crate::katalon::command_line::CommandTarget;
use crate::moment::Moment;
use crate::outbox::lock::ClaimMark;
use crate::outbox::store::MetRun;
use crate::outbox::{Store, StoreError};
use crate::workspace;

/// The commands that are remembered, by how far they are.
pub(super) struct ExecCommands {
    pub killed: Vec<Claim>,
    /// Those that run, and those of which that is not known.
    pub running: Vec<Claim>,
    pub ended: Vec<Claim>,
}

impl ExecCommands {
    pub(super) fn of(claims: Vec<Claim>, state_dir: &Path) -> Self {
        let now = clock::now();
        let mut commands = Self {
            killed: Vec::new(),
            running: Vec::new(),
            ended: Vec::new(),
        };

        for claim in claims {
            if claim.lost {
                commands.killed.push(claim);
            } else if claim.until > now || !ClaimMark::is_missing(state_dir, claim.id) {
                // A mark that is held says so, however long ago its last sign of life was.
                commands.running.push(claim);
            } else {
                commands.ended.push(claim);
            }
        }
        commands
    }
}

/// A command of which nothing is submitted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct FruitlessCommand {
    /// Root of its project.
    pub project: PathBuf,
    /// The suite or collection that it was for, where it names one.
    pub suite: Option<String>,
    pub begun: Moment,
    pub outcome: CommandOutcome,
}

/// Why nothing is submitted of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum CommandOutcome {
    /// `kado exec` was killed, and nothing is known of a run.
    Killed,
    /// It ended without a run.
    Ended { at: Moment },
    /// Its run is ignored, because its suite has no end.
    Aborted { id: i64, folder: PathBuf },
}

impl FruitlessCommand {
    /// Those that began since then, the oldest first: of several for the same suite only the last
    /// one counts.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) fn read(
        store: &Store,
        state_dir: &Path,
        since: Moment,
    ) -> Result<Vec<Self>, StoreError> {
        let commands = ExecCommands::of(store.claims(clock::now())?, state_dir);
        let mut met = store.runs_met_since(since)?;
        // A suite that a command left with a live run is a problem of its own (`live_suites`).
        for live in store.live_runs()? {
            met.push(MetRun {
                suite: live
                    .snapshot
                    .identity()
                    .map(|run| run.suite)
                    .unwrap_or_default(),
                started: live.snapshot.started(),
                folder: live.snapshot.folder.into(),
                aborted: None,
            });
        }

        let mut judged: Vec<(&Claim, Option<CommandOutcome>)> = Vec::new();
        for claim in &commands.ended {
            let ended = CommandOutcome::Ended { at: claim.until };
            judged.push((claim, outcome(claim, &met, ended)));
        }
        for claim in &commands.killed {
            judged.push((claim, outcome(claim, &met, CommandOutcome::Killed)));
        }
        judged.extend(commands.running.iter().map(|claim| (claim, None)));
        judged.sort_by_key(|(claim, _)| claim.from);

        let mut last = HashMap::new();
        for (claim, outcome) in judged {
            last.insert((&claim.root, &claim.terms.line.target), (claim, outcome));
        }

        let mut fruitless = Vec::new();
        for (claim, outcome) in last.into_values() {
            if let Some(outcome) = outcome
                && claim.from >= since
            {
                fruitless.push(Self {
                    project: claim.root.clone(),
                    suite: suite_of(&claim.terms.line.target),
                    begun: claim.from,
                    outcome,
                });
            }
        }
        fruitless.sort_by_key(|command| command.begun);
        Ok(fruitless)
    }
}

/// What became of a command that is over: `without_run` where no run of it is known, nothing where
/// one is that is not aborted.
fn outcome(claim: &Claim, met: &[MetRun], without_run: CommandOutcome) -> Option<CommandOutcome> {
    // A run is met as a folder, and again when it is recorded, which alone says that it is aborted.
    let mut runs: BTreeMap<(Moment, &str), Option<CommandOutcome>> = BTreeMap::new();
    for run in met {
        if !is_run_of(run, claim) {
            continue;
        }

        let aborted = runs.entry((run.started, &run.suite)).or_default();
        if let Some(id) = run.aborted {
            let folder = run.folder.clone();
            *aborted = Some(CommandOutcome::Aborted { id, folder });
        }
    }
    if runs.is_empty() {
        return Some(without_run);
    }

    // The last one is named, where all are aborted.
    let outcomes: Option<Vec<CommandOutcome>> = runs.into_values().collect();
    outcomes?.pop()
}

/// Whether a run of a suite of the command started in its project while it lasted.
fn is_run_of(run: &MetRun, claim: &Claim) -> bool {
    // Which collection a run is a member of is not known here.
    let target = &claim.terms.line.target;
    let membership = match target {
        CommandTarget::Suite(_) => Membership::Single,
        CommandTarget::Collection(_) | CommandTarget::Unnamed => Membership::OfUnnamed,
    };
    let is_in_time = claim.from <= run.started && run.started <= claim.until;
    is_in_time
        && target.covers(&run.suite, &membership)
        && (is_in(&run.folder, &claim.root)
            || is_in(&workspace::resolved(&run.folder), &claim.root))
}

fn suite_of(target: &CommandTarget) -> Option<String> {
    match target {
        CommandTarget::Suite(suite) | CommandTarget::Collection(suite) => Some(suite.clone()),
        CommandTarget::Unnamed => None,
    }
}
