//! The door to the processes of this machine: which commands run that name a Katalon project.
//!
//! Katalon Runtime Engine is a launcher (`katalonc`) that starts Java, in its own process or in
//! another one; both carry the arguments that it was given, as does a script around them; the
//! innermost counts. Only what [`CommandLine`] keeps leaves this module: a command line can hold
//! secrets. Processes of other users may be closed to kado; what cannot be seen is not there.

use std::collections::{HashMap, HashSet};
use std::iter::successors;
use std::path::{Path, PathBuf};

use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use crate::discovery::command::Command;
use crate::katalon::command_line::CommandLine;
use crate::moment::Moment;
use crate::workspace;

/// How many processes above one are looked at.
const MOST_ABOVE: usize = 32;

/// All running commands with a `-projectPath` that leads to a project on this machine.
pub(crate) fn katalon_commands() -> Vec<Command> {
    commands(|_| HashSet::new())
}

/// As [`katalon_commands`], without this process and those above it.
pub(crate) fn katalon_commands_of_others() -> Vec<Command> {
    let own = Pid::from_u32(std::process::id());
    commands(|system| {
        let parent = |pid: &Pid| system.process(*pid).and_then(Process::parent);
        successors(Some(own), parent)
            .take(MOST_ABOVE)
            .collect::<HashSet<_>>()
    })
}

fn commands(without: impl Fn(&System) -> HashSet<Pid>) -> Vec<Command> {
    let mut system = System::new();
    let arguments = ProcessRefreshKind::nothing()
        .with_cmd(UpdateKind::Always)
        .without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, arguments);
    let without = without(&system);
    let lines: HashMap<Pid, CommandLine> = system
        .processes()
        .iter()
        .filter(|(pid, _)| !without.contains(pid))
        .map(|(pid, process)| (*pid, read(process)))
        .filter(|(_, line)| line.project.is_some())
        .collect();
    // Where a process stands is asked only of the few that matter.
    let pids: Vec<Pid> = lines.keys().copied().collect();
    let place = ProcessRefreshKind::nothing()
        .with_cwd(UpdateKind::Always)
        .without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), false, place);
    let commands = lines
        .into_iter()
        .filter_map(|(pid, line)| Some((pid, command(system.process(pid)?, line)?)));
    innermost(commands.collect(), |pid| {
        system.process(pid).and_then(Process::parent)
    })
}

/// The commands without those that only stand around others of the same project, such as a script
/// around katalonc, or katalonc around its Java. What the inner one was not given it has from the
/// one around it.
fn innermost(
    mut commands: HashMap<Pid, Command>,
    parent: impl Fn(Pid) -> Option<Pid>,
) -> Vec<Command> {
    let mut around = HashSet::new();
    let given: HashMap<Pid, Command> = commands.clone();
    for (pid, inner) in &mut commands {
        let above = successors(parent(*pid), |pid| parent(*pid)).take(MOST_ABOVE);
        for outer in above {
            // The number of a parent that has ended may be that of a younger process by now.
            let Some(command) = given
                .get(&outer)
                .filter(|outer| outer.started <= inner.started)
            else {
                continue;
            };
            if command.root == inner.root {
                inner.line.options =
                    std::mem::take(&mut inner.line.options).or(command.line.options.clone());
                around.insert(outer);
            }
        }
    }
    commands
        .into_iter()
        .filter(|(pid, _)| !around.contains(pid))
        .map(|(_, command)| command)
        .collect()
}

fn read(process: &Process) -> CommandLine {
    let arguments: Vec<_> = process
        .cmd()
        .iter()
        .map(|argument| argument.to_string_lossy())
        .collect();
    CommandLine::read(arguments.iter().map(AsRef::as_ref))
}

fn command(process: &Process, line: CommandLine) -> Option<Command> {
    let project = PathBuf::from(line.project.as_deref()?);
    // A relative path starts where the process stands; where that is closed to kado, the path leads
    // nowhere.
    let project = process
        .cwd()
        .map_or_else(|| project.clone(), |cwd| cwd.join(&project));
    let root = Some(project)
        .filter(|project| project.is_absolute())
        .and_then(|project| root_of(&project))?;
    let started = Moment::from_millis(
        i64::try_from(process.start_time())
            .ok()?
            .checked_mul(1000)?,
    );
    Some(Command {
        root,
        line,
        started,
    })
}

/// The project that a `-projectPath` leads to: its folder, without links.
fn root_of(path: &Path) -> Option<PathBuf> {
    workspace::project_at(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(root: &str, options: &[&str], started: i64) -> Command {
        let line = CommandLine::read(options.iter().copied());
        Command {
            root: root.into(),
            line,
            started: Moment::from_millis(started),
        }
    }

    fn plans(commands: &[(u32, Option<u32>, Command)]) -> Vec<Option<String>> {
        let by_pid = commands
            .iter()
            .map(|(pid, _, command)| (Pid::from_u32(*pid), command.clone()))
            .collect();
        let parent = |pid: Pid| {
            let (_, parent, _) = commands.iter().find(|(of, ..)| Pid::from_u32(*of) == pid)?;
            parent.map(Pid::from_u32)
        };
        let mut plans: Vec<_> = innermost(by_pid, parent)
            .into_iter()
            .map(|command| command.line.options.plan)
            .collect();
        plans.sort();
        plans
    }

    #[test]
    fn a_script_around_katalonc_does_not_count_beside_it() {
        let script = command("/w/Shop", &["-adoTestRunName=Night", "-adoPlanId=1"], 1);
        let katalonc = command("/w/Shop", &["-adoPlanId=19"], 2);
        let java = command("/w/Shop", &[], 2);
        let all = [
            (7, None, script),
            (8, Some(7), katalonc),
            (9, Some(8), java),
        ];
        assert_eq!(plans(&all), [Some("19".to_owned())]);
    }

    #[test]
    fn commands_side_by_side_of_other_projects_or_younger_than_their_parent_all_count() {
        let of = |root: &str, plan: &str, started| command(root, &[plan], started);
        let side_by_side = [
            (8, Some(1), of("/w/Shop", "-adoPlanId=19", 2)),
            (9, Some(1), of("/w/Shop", "-adoPlanId=20", 2)),
            (10, Some(8), of("/w/Other", "-adoPlanId=21", 2)),
            (11, Some(12), of("/w/Shop", "-adoPlanId=22", 2)),
            (12, None, of("/w/Shop", "-adoPlanId=23", 5)),
        ];
        assert_eq!(plans(&side_by_side).len(), 5);
    }
}
