//! Whose options a run has: the options of the command that started it come before those of its
//! folder and of `console.properties`.

use std::path::Path;

use crate::clock;
use crate::discovery::command_of_run::{CommandOfRun, KnownCommands};
use crate::intake::FinishedRun;
use crate::katalon::run::SuiteRun;
use crate::plan::job_links;
use crate::workspace;

/// Finds the command of a run and lays its options over those that the run has from its folder.
/// Gives what else the command said, for [`apply`]: it can only be said of a run with its settings.
pub(super) fn take_options(
    run: &mut SuiteRun,
    folder: &Path,
    commands: &KnownCommands,
) -> CommandOfRun {
    let mut command = commands.of_run(run, folder, &clock::host_name());

    let of_folder = std::mem::take(&mut run.options);
    run.options = std::mem::take(&mut command.options).or(of_folder);

    // Several commands may have started the run, each for another plan. A plan in the run's own
    // folder settles that, because its command wrote it there; one in `console.properties` does
    // not: it says what holds without a command.
    if command.unclear_plan.is_some() && folder_names_plan(folder) {
        command.unclear_plan = None;
    }
    command
}

fn folder_names_plan(folder: &Path) -> bool {
    workspace::read_launch(folder).is_some_and(|launch| launch.options.plan.is_some())
}

/// Adds what the command said beside its options.
pub(super) fn apply(command: CommandOfRun, finished: &mut FinishedRun) {
    finished.terms.claimed = command.claimed;
    finished.terms.live = command.live;

    let snapshot = &mut finished.snapshot;
    snapshot.options.unclear_options = command.unclear_options;
    // What cannot be read of the run's options parks it as well.
    if command.unclear_plan.is_some() {
        snapshot.options.unclear_plan = command.unclear_plan;
    }

    snapshot.options.origin = command.origin;
    if let Some(into) = command.into {
        snapshot.options.fill(into);
    }
    if let Some(job) = &command.pipeline {
        let warnings = job_links::link(&mut snapshot.options, &snapshot.run.options, job);
        snapshot.run.warnings.extend(warnings);
    }
}
