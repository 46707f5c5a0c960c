//! The door to the processes of this machine: which commands run that name a Katalon project.
//!
//! Katalon Runtime Engine is a launcher (`katalonc`) that starts Java, in its own process or in another one; both carry
//! the arguments that it was given, as does a script around them. Only what [`CommandLine`] keeps leaves this module:
//! a command line can hold secrets. Processes of other users may be closed to kado; what cannot be seen is not there.

use std::path::{Path, PathBuf};

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use crate::discovery::command::Command;
use crate::katalon::command_line::CommandLine;
use crate::moment::Moment;
use crate::workspace;

/// All running commands with a `-projectPath` that leads to a project on this machine.
pub fn katalon_commands() -> Vec<Command> {
    let mut system = System::new();
    let arguments = ProcessRefreshKind::nothing().with_cmd(UpdateKind::Always).without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, arguments);
    let lines: Vec<(Pid, CommandLine)> = system
        .processes()
        .iter()
        .map(|(pid, process)| (*pid, read(process)))
        .filter(|(_, line)| line.project.is_some())
        .collect();
    // Where a process stands is asked only of the few that matter.
    let pids: Vec<Pid> = lines.iter().map(|(pid, _)| *pid).collect();
    let place = ProcessRefreshKind::nothing().with_cwd(UpdateKind::Always).without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), false, place);
    lines.into_iter().filter_map(|(pid, line)| command(system.process(pid)?, line)).collect()
}

fn read(process: &Process) -> CommandLine {
    let arguments: Vec<_> = process.cmd().iter().map(|argument| argument.to_string_lossy()).collect();
    CommandLine::read(arguments.iter().map(AsRef::as_ref))
}

fn command(process: &Process, line: CommandLine) -> Option<Command> {
    let project = PathBuf::from(line.project.as_deref()?);
    // A relative path starts where the process stands; where that is closed to kado, the path leads nowhere.
    let project = process.cwd().map_or_else(|| project.clone(), |cwd| cwd.join(&project));
    let root = Some(project).filter(|project| project.is_absolute()).and_then(|project| root_of(&project))?;
    let started = Moment::from_millis(i64::try_from(process.start_time()).ok()?.checked_mul(1000)?);
    Some(Command { root, line, started })
}

/// The project that a `-projectPath` leads to: its folder, without links.
fn root_of(path: &Path) -> Option<PathBuf> {
    workspace::project_at(path)
}
