//! Which command started a run? A run folder does not say, so the command is known by its project,
//! by what it executes and by when it started. Where that leaves a choice between different
//! options, none is made.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::katalon::collection_report::Membership;
use crate::katalon::command_line::CommandLine;
use crate::katalon::run::RunOptions;
use crate::moment::Moment;

/// How much later than its run a command may seem to have started: systems tell the start of a
/// process in seconds, and derive it from the time since they were started.
const CLOCKS: std::time::Duration = std::time::Duration::from_secs(3);

/// Which process it is: numbers are given out again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct ProcessKey {
    /// The number that the system gave it.
    pub id: u32,
    /// When it started, to the second.
    pub started: Moment,
}

/// Whose commands count for a run. Whoever may start a program gives it what arguments he wants,
/// also those of a run of somebody else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum TrustedAccounts {
    /// Those of every account: whose the run is cannot be told.
    All,
    /// Those of these accounts, by their numbers.
    These(Vec<u32>),
}

impl TrustedAccounts {
    fn have(&self, account: Option<u32>) -> bool {
        match self {
            Self::All => true,
            Self::These(accounts) => account.is_some_and(|account| accounts.contains(&account)),
        }
    }
}

/// A command that was seen running.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Command {
    /// The process.
    pub id: u32,
    /// Folder of its project, without links.
    pub root: PathBuf,
    /// Its arguments.
    pub line: CommandLine,
    /// When it started.
    pub started: Moment,
    /// The account that started it, by its number; `None` where the system has no numbers.
    pub account: Option<u32>,
}

/// A run whose command is looked for, from the files that the launcher writes before the run
/// starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SoughtRun<'a> {
    /// Folder of its project, without links.
    pub root: &'a Path,
    /// Id of its suite.
    pub suite: &'a str,
    /// Whether it is a member of a collection.
    pub membership: &'a Membership,
    /// When it was there at the latest.
    pub seen: Moment,
    /// Whose commands count.
    pub accounts: &'a TrustedAccounts,
}

/// What a command that may have started a run said about its submission. Stored as JSON: a new
/// member needs a `serde` default, and a name that is changed a migration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct CandidateCommand {
    /// When the command started.
    pub started: Moment,
    /// `-executionUUID`.
    pub execution_uuid: Option<String>,
    /// Its `ado*` options.
    pub options: RunOptions,
}

impl Command {
    /// Which process it is.
    pub(crate) const fn process(&self) -> ProcessKey {
        ProcessKey {
            id: self.id,
            started: self.started,
        }
    }

    /// Whether it may have started a run.
    pub(crate) fn may_have_started(&self, run: &SoughtRun<'_>) -> bool {
        self.names(run) && run.accounts.have(self.account)
    }

    /// Whether it says that it started a run, and belongs to an account that has no say in that.
    pub(crate) fn is_of_stranger(&self, run: &SoughtRun<'_>) -> bool {
        self.names(run) && !run.accounts.have(self.account)
    }

    /// Whether its arguments are those of a command that started a run.
    fn names(&self, run: &SoughtRun<'_>) -> bool {
        same_folder(&self.root, run.root)
            && self.line.target.covers(run.suite, run.membership)
            && self.started <= run.seen.plus(CLOCKS)
    }
}

/// The commands that may have started a run, each once: launcher, Java process and scripts around
/// them say the same.
pub(crate) fn candidates(run: &SoughtRun<'_>, commands: &[Command]) -> Vec<CandidateCommand> {
    let mut candidates: Vec<CandidateCommand> = Vec::new();
    for command in commands {
        if !command.may_have_started(run) {
            continue;
        }

        let line = &command.line;
        let same = candidates.iter_mut().find(|candidate| {
            candidate.execution_uuid == line.execution_uuid && candidate.options == line.options
        });
        match same {
            // The launcher starts before its Java process.
            Some(candidate) => candidate.started = candidate.started.min(command.started),
            None => candidates.push(CandidateCommand {
                started: command.started,
                execution_uuid: line.execution_uuid.clone(),
                options: line.options.clone(),
            }),
        }
    }
    candidates
}

impl CandidateCommand {
    /// Whether the command was there when a run started that says when it did. A folder that was
    /// copied in while the same suite runs holds an older run.
    pub(crate) fn was_there(&self, run_started: Option<Moment>) -> bool {
        match run_started {
            Some(started) => self.started <= started.plus(CLOCKS),
            None => true,
        }
    }
}

/// Which of several things that commands said is true of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Choice<T> {
    /// No command is known.
    None,
    /// One, or several that say the same.
    One(T),
    /// Several that say different things.
    Several(Vec<T>),
}

/// What one command said: the execution uuid that it was given, and the rest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Statement<'a, T> {
    /// `-executionUUID`.
    pub execution_uuid: Option<&'a str>,
    /// What it said.
    pub content: T,
}

/// Chooses for a run with this `execution.uuid`. A command that gave an execution uuid started the
/// run with that uuid and no other.
pub(crate) fn choose<T: Clone + PartialEq>(
    statements: Vec<Statement<'_, T>>,
    execution_uuid: Option<&str>,
) -> Choice<T> {
    let mut exact = Vec::new();
    let mut possible = Vec::new();
    for statement in statements {
        match (statement.execution_uuid, execution_uuid) {
            (Some(one), Some(other)) if one.eq_ignore_ascii_case(other) => {
                exact.push(statement.content);
            }
            // It started another run.
            (Some(_), Some(_)) => {}
            _ => possible.push(statement.content),
        }
    }

    // A command with the run's own uuid leaves no doubt, whatever else ran at that time.
    let contents = if exact.is_empty() { possible } else { exact };
    match contents.as_slice() {
        [] => Choice::None,
        [first, others @ ..] if others.iter().all(|other| other == first) => {
            Choice::One(first.clone())
        }
        _ => Choice::Several(contents),
    }
}

/// Whether two paths without links are one folder; Windows does not mind case.
pub(crate) fn same_folder(one: &Path, other: &Path) -> bool {
    one == other || (cfg!(windows) && folded(one) == folded(other))
}

fn folded(path: &Path) -> String {
    // `canonicalize` gives the long form of a path on Windows, `\\?\C:\…`, and a person the short
    // one.
    path.to_string_lossy()
        .replace('\\', "/")
        .trim_start_matches("//?/")
        .trim_end_matches('/')
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::command_line::CommandTarget;

    fn command(root: &str, suite: &str, plan: Option<&str>, started: i64) -> Command {
        let options = RunOptions {
            plan: plan.map(str::to_owned),
            ..RunOptions::default()
        };
        let target = CommandTarget::Suite(suite.to_owned());
        let line = CommandLine {
            target,
            options,
            ..CommandLine::default()
        };

        Command {
            id: 7,
            root: root.into(),
            line,
            started: Moment::from_millis(started),
            account: Some(1000),
        }
    }

    fn sought(root: &'static str, suite: &'static str) -> SoughtRun<'static> {
        SoughtRun {
            root: Path::new(root),
            suite,
            membership: &Membership::Single,
            seen: Moment::from_millis(100_000),
            accounts: &TrustedAccounts::All,
        }
    }

    #[test]
    fn a_command_of_an_account_that_has_no_say_in_a_run_did_not_start_it() {
        let accounts = TrustedAccounts::These(vec![0, 1000]);
        let sought = SoughtRun {
            accounts: &accounts,
            ..sought("/w/Shop", "Test Suites/Smoke")
        };
        let own = command("/w/Shop", "Test Suites/Smoke", Some("1"), 90_000);
        let of_other = Command {
            account: Some(1001),
            ..command("/w/Shop", "Test Suites/Smoke", Some("2"), 90_000)
        };
        let of_nobody = Command {
            account: None,
            ..of_other.clone()
        };

        let found = candidates(&sought, &[own.clone(), of_other.clone(), of_nobody.clone()]);

        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].options.plan.as_deref(), Some("1"));
        assert!(!own.is_of_stranger(&sought));
        assert!(of_other.is_of_stranger(&sought));
        assert!(of_nobody.is_of_stranger(&sought));
    }

    #[test]
    fn a_command_fits_by_project_suite_and_start() {
        let commands = [
            command("/w/Shop", "Test Suites/Smoke", Some("1"), 90_000),
            command("/w/Shop", "Test Suites/Smoke", Some("2"), 110_000),
            command("/w/Other", "Test Suites/Smoke", Some("3"), 90_000),
            command("/w/Shop", "Test Suites/Night", Some("4"), 90_000),
        ];

        let found = candidates(&sought("/w/Shop", "Test Suites/Smoke"), &commands);

        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].options.plan.as_deref(), Some("1"));
    }

    #[test]
    fn a_launcher_and_its_java_process_are_one_command() {
        let one = command("/w/Shop", "Test Suites/Smoke", Some("1"), 90_000);
        let java = Command {
            started: Moment::from_millis(91_000),
            ..one.clone()
        };

        let found = candidates(&sought("/w/Shop", "Test Suites/Smoke"), &[java, one]);

        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].started, Moment::from_millis(90_000));
        assert!(found[0].was_there(Some(Moment::from_millis(95_000))));
        assert!(
            !found[0].was_there(Some(Moment::from_millis(80_000))),
            "the run is older than the command"
        );
    }

    #[test]
    fn commands_that_differ_in_uuid_or_options_are_candidates_each() {
        let one = command("/w/Shop", "Test Suites/Smoke", Some("1"), 90_000);
        let mut other_uuid = one.clone();
        other_uuid.line.execution_uuid = Some("u".to_owned());
        let other_plan = command("/w/Shop", "Test Suites/Smoke", Some("2"), 90_000);

        let sought = sought("/w/Shop", "Test Suites/Smoke");
        let found = candidates(&sought, &[one, other_uuid, other_plan]);

        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[cfg(not(windows))]
    #[test]
    fn folders_whose_names_differ_in_case_are_two() {
        assert!(!same_folder(Path::new("/w/Shop"), Path::new("/w/shop")));
    }

    fn chosen(all: &[(Option<&str>, u32)], uuid: Option<&str>) -> Choice<u32> {
        let statements = all
            .iter()
            .map(|(execution_uuid, content)| Statement {
                execution_uuid: *execution_uuid,
                content: *content,
            })
            .collect();
        choose(statements, uuid)
    }

    #[test]
    fn commands_that_say_the_same_leave_no_choice() {
        assert_eq!(chosen(&[], None), Choice::None);
        assert_eq!(chosen(&[(None, 1)], Some("a")), Choice::One(1));
        assert_eq!(chosen(&[(None, 1), (None, 1)], None), Choice::One(1));
        assert_eq!(
            chosen(&[(None, 1), (None, 2)], None),
            Choice::Several(vec![1, 2])
        );
    }

    #[test]
    fn an_execution_uuid_settles_which_of_several_commands_it_was() {
        let two = [(Some("a"), 1), (Some("b"), 2)];
        assert_eq!(chosen(&two, Some("B")), Choice::One(2));
        assert_eq!(chosen(&two, Some("c")), Choice::None);
        assert_eq!(chosen(&two, None), Choice::Several(vec![1, 2]));
        assert_eq!(
            chosen(&[(Some("a"), 1), (None, 2)], Some("c")),
            Choice::One(2)
        );
        assert_eq!(
            chosen(&[(Some("a"), 1), (None, 2)], Some("a")),
            Choice::One(1)
        );
    }
}
