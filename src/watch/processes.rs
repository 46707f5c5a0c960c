//! The door to the processes of this machine: which commands run that name a Katalon project.
//!
//! Katalon Runtime Engine is a launcher (`katalonc`) that starts Java, in its own process or in
//! another one; both carry the arguments that it was given, as does a script around them; the
//! innermost counts. Only what [`CommandLine`] keeps leaves this module: a command line can hold
//! secrets. Processes of other users may be closed to kado; what cannot be seen is not there.

use std::collections::{HashMap, HashSet};
use std::iter::successors;
use std::path::PathBuf;

use sysinfo::{
    Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System, UpdateKind,
};

use crate::discovery::command::{Command, ProcessKey};
use crate::katalon::command_line::CommandLine;
use crate::moment::Moment;
use crate::workspace;

/// How many processes above one are looked at.
const MOST_ABOVE: usize = 32;

/// All running commands with a `-projectPath` that leads to a project on this machine.
pub(crate) fn katalon_commands() -> Vec<Command> {
    commands(Processes::read(), &HashSet::new())
}

/// As [`katalon_commands`], without this process and those above it.
pub(crate) fn katalon_commands_of_others() -> Vec<Command> {
    let processes = Processes::read();

    // `kado exec` carries the arguments of the command that it starts, as does a script around it.
    let this = Pid::from_u32(std::process::id());
    let this_and_above = successors(Some(this), |pid| processes.parent(*pid))
        .take(MOST_ABOVE)
        .collect();
    commands(processes, &this_and_above)
}

/// Those of these processes that run.
pub(crate) fn running(processes: &[ProcessKey]) -> HashSet<ProcessKey> {
    let mut pids: Vec<Pid> = processes
        .iter()
        .map(|process| Pid::from_u32(process.id))
        .collect();

    // One command can have started many runs, and sysinfo takes a process that it is asked for
    // twice for a dead one.
    pids.sort_unstable();
    pids.dedup();

    let mut system = System::new();
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&pids),
        true,
        ProcessRefreshKind::nothing().without_tasks(),
    );

    let mut running = HashSet::new();
    for asked in processes {
        let Some(process) = system.process(Pid::from_u32(asked.id)) else {
            continue;
        };
        // One that nobody asked for its exit code yet has ended all the same.
        let is_over = matches!(
            process.status(),
            ProcessStatus::Zombie | ProcessStatus::Dead
        );
        if !is_over && started(process) == Some(asked.started) {
            running.insert(*asked);
        }
    }
    running
}

/// The processes of the machine, with their arguments.
struct Processes(System);

impl Processes {
    fn read() -> Self {
        // Threads are left out, which Linux lists like processes with the same arguments.
        let mut system = System::new();
        let arguments = ProcessRefreshKind::nothing()
            .with_cmd(UpdateKind::Always)
            .without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, arguments);
        Self(system)
    }

    fn read_facts(&mut self, pids: &[Pid]) {
        let facts = ProcessRefreshKind::nothing()
            .with_cwd(UpdateKind::Always)
            .with_user(UpdateKind::Always)
            .without_tasks();
        self.0
            .refresh_processes_specifics(ProcessesToUpdate::Some(pids), false, facts);
    }

    fn parent(&self, pid: Pid) -> Option<Pid> {
        self.0.process(pid)?.parent()
    }
}

fn commands(mut processes: Processes, without: &HashSet<Pid>) -> Vec<Command> {
    let mut lines = HashMap::new();
    for (pid, process) in processes.0.processes() {
        let line = command_line(process);
        if line.project.is_some() && !without.contains(pid) {
            lines.insert(*pid, line);
        }
    }

    // In which folder a process works, and for whom, is asked only of the few that matter: it is
    // slow to ask, and the folder is closed for those of other users.
    let pids: Vec<Pid> = lines.keys().copied().collect();
    processes.read_facts(&pids);

    let mut commands = HashMap::new();
    for (pid, line) in lines {
        if let Some(process) = processes.0.process(pid)
            && let Some(command) = command(process, line)
        {
            commands.insert(pid, command);
        }
    }
    innermost(commands, |pid| processes.parent(pid))
}

/// The commands without those that only stand around others of the same project, such as a script
/// around katalonc, or katalonc around its Java. What the inner one was not given it has from the
/// one around it.
fn innermost(
    mut commands: HashMap<Pid, Command>,
    parent: impl Fn(Pid) -> Option<Pid>,
) -> Vec<Command> {
    let all = commands.clone();
    let mut around = HashSet::new();
    for (pid, inner) in &mut commands {
        let above = successors(parent(*pid), |pid| parent(*pid)).take(MOST_ABOVE);
        for outer_pid in above {
            let Some(outer) = all.get(&outer_pid) else {
                continue;
            };
            // The number of a parent that has ended may be that of a younger process by now.
            if outer.started > inner.started || outer.root != inner.root {
                continue;
            }
            inner.line.options =
                std::mem::take(&mut inner.line.options).or(outer.line.options.clone());
            around.insert(outer_pid);
        }
    }

    commands.retain(|pid, _| !around.contains(pid));
    commands.into_values().collect()
}

fn command_line(process: &Process) -> CommandLine {
    let arguments: Vec<_> = process
        .cmd()
        .iter()
        .map(|argument| argument.to_string_lossy())
        .collect();
    CommandLine::read(arguments.iter().map(AsRef::as_ref))
}

fn command(process: &Process, line: CommandLine) -> Option<Command> {
    // A relative path starts in the folder in which the process works; where that is closed to
    // kado, the path leads nowhere.
    let mut project = PathBuf::from(line.project.as_deref()?);
    if let Some(folder) = process.cwd() {
        project = folder.join(project);
    }
    if !project.is_absolute() {
        return None;
    }

    Some(Command {
        id: process.pid().as_u32(),
        root: workspace::project_at(&project)?,
        line,
        started: started(process)?,
        account: account(process),
    })
}

/// Who started a process: the real account, as a program that changes its own was still started by
/// that.
#[cfg(unix)]
fn account(process: &Process) -> Option<u32> {
    process.user_id().map(|account| **account)
}

/// Accounts have no numbers here.
#[cfg(windows)]
const fn account(_process: &Process) -> Option<u32> {
    None
}

/// When a process started. Systems tell it in whole seconds; whoever compares it with another time
/// allows for that.
fn started(process: &Process) -> Option<Moment> {
    let millis = i64::try_from(process.start_time())
        .ok()?
        .checked_mul(1000)?;
    Some(Moment::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(root: &str, options: &[&str], started: i64) -> Command {
        let line = CommandLine::read(options.iter().copied());
        Command {
            id: 7,
            root: root.into(),
            line,
            started: Moment::from_millis(started),
            account: Some(1000),
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

    /// This process, as the system tells it.
    fn this_process() -> ProcessKey {
        let id = std::process::id();
        let processes = Processes::read();
        let process = processes.0.process(Pid::from_u32(id)).unwrap();

        ProcessKey {
            id,
            started: started(process).unwrap(),
        }
    }

    #[test]
    fn a_process_that_made_several_runs_is_running_for_each() {
        let this = this_process();

        assert_eq!(running(&[this, this, this]), HashSet::from([this]));
    }

    #[test]
    fn a_process_that_got_the_number_of_an_ended_one_is_not_that() {
        let this = this_process();
        let ended = ProcessKey {
            started: this.started.minus(std::time::Duration::from_secs(60)),
            ..this
        };

        assert_eq!(running(&[ended, this]), HashSet::from([this]));
        assert_eq!(running(&[ended]), HashSet::new());
    }
}
