//! What the command of a run said about its submission: a `kado exec` that claimed it, or else a
//! katalonc that was seen running. Where several may have made it, only that is used on which all
//! of them agree, and what they differ in is named. Pure.

use std::path::{Path, PathBuf};

use crate::discovery::claim::{Claim, RunPlace};
use crate::discovery::command::{CandidateCommand, Choice, Statement, choose};
use crate::discovery::filled_run::FilledRun;
use crate::katalon::collection_report::Membership;
use crate::katalon::run::{RunOptions, SuiteRun};
use crate::pipeline::{PipelineJob, RunOrigin};

/// Why nobody can say whether a run is to fill a test run.
const UNCLEAR_RUN: &str = "several `kado exec` with different test runs (`--into`) ran for this \
                           suite at once, and nothing shows which of them made this run; \
                           `-executionUUID` tells them apart";

/// What is known of the commands that may have started the run in a folder.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct KnownCommands {
    /// Folder of the run's project, without links.
    pub root: PathBuf,
    /// Whether the run is a member of a collection.
    pub membership: Membership,
    /// Claims of `kado exec`.
    pub claims: Vec<Claim>,
    /// What was seen running when the run was young.
    pub seen: Vec<CandidateCommand>,
}

/// What the command that started a run said about its submission.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct CommandOfRun {
    /// Its `ado*` options.
    pub options: RunOptions,
    /// The job of Azure Pipelines that it was part of.
    pub pipeline: Option<PipelineJob>,
    /// Where people find what made the run.
    pub origin: RunOrigin,
    /// The test run that the run fills.
    pub into: Option<FilledRun>,
    /// Whether `kado exec` claimed the run, so that it is submitted as on a person's command.
    pub claimed: bool,
    /// Whether the run is shown while its suite runs.
    pub live: bool,
    /// Why something that a command said is not used.
    pub unclear_options: Option<String>,
    /// Why nobody can say to which test plan the run was to go.
    pub unclear_plan: Option<String>,
}

/// What a `kado exec` said.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Said {
    options: RunOptions,
    job: JobOfCommand,
    into: Option<FilledRun>,
}

/// What a run is linked with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct JobOfCommand {
    pipeline: Option<PipelineJob>,
    origin: RunOrigin,
}

impl KnownCommands {
    /// Nothing is known of the commands.
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    /// The same without the test runs that the commands were to fill: a person said since where the
    /// run goes.
    pub(crate) fn without_filled_runs(mut self) -> Self {
        for claim in &mut self.claims {
            claim.terms.into = None;
        }
        self
    }

    /// What the command of this run said; `folder` is where it lies, `host` the name of this
    /// machine. What a person started in Katalon Studio has no command.
    pub(crate) fn of_run(&self, run: &SuiteRun, folder: &Path, host: &str) -> CommandOfRun {
        let running_mode = run.environment.running_mode.as_deref();
        if running_mode.is_some_and(|mode| mode.eq_ignore_ascii_case("GUI")) {
            return CommandOfRun::default();
        }

        let folder = folder.to_string_lossy().replace('\\', "/");
        let place = RunPlace {
            root: &self.root,
            membership: &self.membership,
            folder: &folder,
            host,
        };
        let mut claims: Vec<&Claim> = self
            .claims
            .iter()
            .filter(|claim| claim.covers(run, place))
            .collect();

        // The claim of a `kado exec` that was killed lasts a little longer than it, and yields to
        // another one.
        if claims.iter().any(|claim| claim.was_there(run)) {
            claims.retain(|claim| claim.was_there(run));
        }

        let live = claims.iter().any(|claim| claim.terms.live);
        let statements = claims
            .into_iter()
            .map(|claim| Statement {
                execution_uuid: claim.terms.line.execution_uuid.as_deref(),
                content: Said::on(claim),
            })
            .collect();

        match choose(statements, run.execution_uuid.as_deref()) {
            Choice::One(said) => CommandOfRun {
                options: said.options,
                pipeline: said.job.pipeline,
                origin: said.job.origin,
                into: said.into,
                claimed: true,
                live,
                ..CommandOfRun::default()
            },
            Choice::Several(all) => CommandOfRun {
                live,
                ..agreed_of_exec(&all)
            },
            // A claim was made before the command ran. What was seen among processes is best
            // effort, so it comes last.
            Choice::None => self.seen_running(run),
        }
    }

    /// What the katalonc said that was seen running when the run was young.
    fn seen_running(&self, run: &SuiteRun) -> CommandOfRun {
        let statements = self
            .seen
            .iter()
            .filter(|candidate| candidate.was_there(run.started))
            .map(|candidate| Statement {
                execution_uuid: candidate.execution_uuid.as_deref(),
                content: candidate.options.clone(),
            })
            .collect();

        match choose(statements, run.execution_uuid.as_deref()) {
            Choice::One(options) => CommandOfRun {
                options,
                ..CommandOfRun::default()
            },
            Choice::Several(all) => {
                let all: Vec<&RunOptions> = all.iter().collect();
                agreed(&all, "katalonc")
            }
            Choice::None => CommandOfRun::default(),
        }
    }
}

impl Said {
    /// What the command of this claim said.
    fn on(claim: &Claim) -> Self {
        Self {
            options: claim.terms.line.options.clone(),
            job: JobOfCommand {
                pipeline: claim.terms.pipeline.clone(),
                origin: claim.terms.origin.clone(),
            },
            into: claim.terms.into,
        }
    }
}

/// What several `kado exec` that may have started the run agree on.
fn agreed_of_exec(all: &[Said]) -> CommandOfRun {
    let options: Vec<&RunOptions> = all.iter().map(|said| &said.options).collect();
    let mut agreed = agreed(&options, "`kado exec`");
    agreed.claimed = true;

    let [first, others @ ..] = all else {
        return agreed;
    };

    // The run is linked with its job, and no link is better than one with another job.
    if others.iter().all(|said| said.job == first.job) {
        agreed.pipeline = first.job.pipeline.clone();
        agreed.origin = first.job.origin.clone();
    } else if agreed.unclear_options.is_none() {
        agreed.unclear_options = Some(format!(
            "{} `kado exec` of different jobs ran for this suite at once, so the run is linked with \
             none of them; `-executionUUID` tells them apart",
            all.len()
        ));
    }

    // A run is not guessed any more than a plan is.
    if others.iter().all(|said| said.into == first.into) {
        agreed.into = first.into;
    } else if agreed.unclear_plan.is_none() {
        agreed.unclear_plan = Some(UNCLEAR_RUN.to_owned());
    }
    agreed
}

/// What several commands that may have started the run agree on. Which of their plans it is for is
/// not guessed.
fn agreed(all: &[&RunOptions], what: &str) -> CommandOfRun {
    let [first, others @ ..] = all else {
        return CommandOfRun::default();
    };
    let mut common = (*first).clone();
    for options in others {
        common = common.in_common(options);
    }

    let number = all.len();
    let options_differ = others.iter().any(|options| options != first);
    let unclear_options = options_differ.then(|| {
        format!(
            "{number} {what} with different `ado*` options ran for this suite at once, so only \
             those are used that all of them agree on; `-executionUUID` tells them apart"
        )
    });
    let plans_differ = others.iter().any(|options| options.plan != first.plan);
    let unclear_plan = plans_differ.then(|| {
        format!(
            "{number} {what} with different test plans (`-adoPlanId`) ran for this suite at once, \
             and nothing shows which of them made this run; `-executionUUID` tells them apart"
        )
    });

    CommandOfRun {
        options: common,
        unclear_options,
        unclear_plan,
        ..CommandOfRun::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::claim::Terms;
    use crate::discovery::filled_run::Completion;
    use crate::katalon::command_line::{CommandLine, CommandTarget};
    use crate::katalon::sample;
    use crate::moment::Moment;

    /// A run that goes on.
    fn run(started: i64, host: &str) -> SuiteRun {
        let mut run = sample::run("Smoke", started, started);
        run.ended = None;
        run.last_record = None;
        run.environment.host = Some(host.to_owned());
        run
    }

    fn claim(plan: &str, from: i64, until: i64) -> Claim {
        let options = RunOptions {
            plan: Some(plan.to_owned()),
            ..RunOptions::default()
        };
        let line = CommandLine {
            target: CommandTarget::Suite("Test Suites/Smoke".to_owned()),
            options,
            ..CommandLine::default()
        };

        Claim {
            id: 1,
            root: "/w/Shop".into(),
            from: Moment::from_millis(from),
            seen: Moment::from_millis(until),
            until: Moment::from_millis(until),
            lost: false,
            terms: Terms {
                line,
                ..Terms::default()
            },
        }
    }

    fn known(claims: Vec<Claim>) -> KnownCommands {
        KnownCommands {
            root: "/w/Shop".into(),
            claims,
            ..KnownCommands::default()
        }
    }

    fn given(known: &KnownCommands, run: &SuiteRun) -> (Option<String>, bool) {
        let given = known.of_run(run, Path::new("/w/Shop/Reports/1/Smoke/1"), "agent");
        (given.options.plan, given.claimed)
    }

    #[test]
    fn a_run_that_starts_while_the_command_lasts_belongs_to_it() {
        let known = known(vec![claim("19", 1_000, 2_000)]);
        assert_eq!(
            given(&known, &run(1_500, "tina - agent")),
            (Some("19".to_owned()), true)
        );
        assert_eq!(given(&known, &run(999, "tina - agent")), (None, false));
        assert_eq!(given(&known, &run(2_001, "tina - agent")), (None, false));
    }

    #[test]
    fn a_run_of_another_machine_project_or_suite_does_not() {
        let ours = known(vec![claim("19", 1_000, 2_000)]);
        assert_eq!(given(&ours, &run(1_500, "tina - other")), (None, false));
        let other = KnownCommands {
            root: "/w/Other".into(),
            ..ours.clone()
        };
        assert_eq!(given(&other, &run(1_500, "tina - agent")), (None, false));
        let suite = SuiteRun {
            suite: "Test Suites/Night".to_owned(),
            ..run(1_500, "tina - agent")
        };
        assert_eq!(given(&ours, &suite), (None, false));
        let member = KnownCommands {
            membership: Membership::Of("Test Suites/All".to_owned()),
            ..ours
        };
        assert_eq!(given(&member, &run(1_500, "tina - agent")), (None, false));
    }

    #[test]
    fn a_run_in_a_container_belongs_to_the_command_that_says_so() {
        let mut claim = claim("19", 1_000, 2_000);
        claim.terms.any_host = true;
        assert_eq!(
            given(&known(vec![claim]), &run(1_500, "root - 3f2a")),
            (Some("19".to_owned()), true)
        );
    }

    #[test]
    fn of_two_commands_that_differ_only_what_they_agree_on_is_used_and_no_plan_is_guessed() {
        let of = |claims: Vec<Claim>| {
            known(claims).of_run(
                &run(1_500, "tina - agent"),
                Path::new("/w/Shop/Reports/1"),
                "agent",
            )
        };
        let given = of(vec![claim("19", 1_000, 2_000), claim("20", 1_100, 2_000)]);
        assert_eq!(given.options.plan, None);
        assert!(given.claimed);
        assert!(given.unclear_options.unwrap().starts_with("2 `kado exec`"));
        assert!(given.unclear_plan.unwrap().contains("different test plans"));

        let mut named = claim("19", 1_100, 2_000);
        named.terms.line.options.run_name = Some("Other".to_owned());
        let given = of(vec![claim("19", 1_000, 2_000), named]);
        assert_eq!(given.options.plan.as_deref(), Some("19"));
        assert_eq!(given.options.run_name, None);
        assert_eq!(given.unclear_plan, None);
        assert!(given.unclear_options.is_some());
    }

    #[test]
    fn of_two_jobs_with_the_same_options_the_options_count_and_no_job_is_guessed() {
        let page = |address: &str| {
            let mut claim = claim("19", 1_000, 2_000);
            claim.terms.origin.report = Some(address.to_owned());
            claim
        };
        let two = known(vec![page("https://ci/1"), page("https://ci/2")]);

        let given = two.of_run(
            &run(1_500, "tina - agent"),
            Path::new("/w/Shop/Reports/1"),
            "agent",
        );

        assert_eq!(given.options.plan.as_deref(), Some("19"));
        assert_eq!(given.origin, RunOrigin::default());
        assert_eq!(
            given.unclear_options.unwrap(),
            "2 `kado exec` of different jobs ran for this suite at once, so the run is linked with \
             none of them; `-executionUUID` tells them apart"
        );
        assert_eq!(given.unclear_plan, None);
    }

    /// A claim with everything that a job says of itself, which fills this test run.
    fn claim_of_job(build: &str, into: u32) -> Claim {
        let mut claim = claim("19", 1_000, 2_000);
        claim.terms.pipeline = Some(PipelineJob {
            collection: "https://dev.azure.com/acme".to_owned(),
            project: build.to_owned(),
            project_id: None,
            build: None,
            release: None,
        });
        claim.terms.origin.report = Some(format!("https://reports.example/{build}"));
        claim.terms.into = Some(FilledRun {
            run: into,
            completion: Completion::Leave,
        });
        claim.terms.live = true;
        claim
    }

    fn command_of(claims: &[Claim]) -> CommandOfRun {
        let folder = Path::new("/w/Shop/Reports/1/Smoke/1");
        known(claims.to_vec()).of_run(&run(1_500, "tina - agent"), folder, "agent")
    }

    #[test]
    fn a_run_goes_with_the_job_and_the_test_run_of_its_command() {
        let claim = claim_of_job("7", 81);

        let alone = command_of(std::slice::from_ref(&claim));

        assert_eq!(alone.pipeline, claim.terms.pipeline);
        assert_eq!(alone.origin, claim.terms.origin);
        assert_eq!(alone.into, claim.terms.into);
        assert!(alone.live && alone.claimed);
    }

    #[test]
    fn of_two_commands_of_one_job_the_job_and_the_test_run_are_certain() {
        let one = claim_of_job("7", 81);
        let mut named = one.clone();
        named.terms.line.options.run_name = Some("Other".to_owned());

        let either = command_of(&[one.clone(), named]);

        assert!(either.unclear_options.is_some());
        assert_eq!(either.pipeline, one.terms.pipeline);
        assert_eq!(either.origin, one.terms.origin);
        assert_eq!(either.into, one.terms.into);
        assert!(either.live && either.claimed);
    }

    #[test]
    fn of_two_jobs_neither_is_linked_and_of_two_test_runs_neither_is_filled() {
        let either = command_of(&[claim_of_job("7", 81), claim_of_job("8", 82)]);

        assert_eq!(either.pipeline, None);
        assert_eq!(either.origin, RunOrigin::default());
        assert_eq!(either.into, None);
        assert_eq!(either.unclear_plan.as_deref(), Some(UNCLEAR_RUN));
    }

    #[test]
    fn a_person_who_says_where_a_run_goes_leaves_nothing_of_into_and_all_else() {
        let known = known(vec![claim_of_job("7", 81)]).without_filled_runs();

        let claim = claim_of_job("7", 81);
        let folder = Path::new("/w/Shop/Reports/1/Smoke/1");
        let command = known.of_run(&run(1_500, "tina - agent"), folder, "agent");

        assert_eq!(command.into, None);
        assert_eq!(command.pipeline, claim.terms.pipeline);
    }

    #[test]
    fn a_claim_that_was_not_killed_counts_although_its_last_sign_of_life_is_older_than_the_run() {
        let silent = Claim {
            seen: Moment::from_millis(1_200),
            ..claim("19", 1_000, 61_200)
        };
        let other = claim("20", 1_300, 2_000);

        let either = command_of(&[silent, other]);

        assert_eq!(either.options.plan, None);
        assert!(either.unclear_plan.is_some());
    }

    #[test]
    fn a_claim_whose_command_was_killed_yields_to_one_that_was_there() {
        let killed = Claim {
            seen: Moment::from_millis(1_200),
            lost: true,
            ..claim("19", 1_000, 61_200)
        };
        let alive = claim("20", 1_300, 2_000);
        let known = known(vec![killed, alive]);

        assert_eq!(
            given(&known, &run(1_250, "tina - agent")),
            (Some("19".to_owned()), true)
        );
        assert_eq!(
            given(&known, &run(1_500, "tina - agent")),
            (Some("20".to_owned()), true)
        );
        assert_eq!(
            given(&known, &run(2_500, "tina - agent")),
            (Some("19".to_owned()), true)
        );
    }

    #[test]
    fn a_run_that_a_person_started_in_katalon_studio_has_no_command() {
        let mut by_hand = run(1_500, "tina - agent");
        by_hand.environment.running_mode = Some("GUI".to_owned());
        assert_eq!(
            given(&known(vec![claim("19", 1_000, 2_000)]), &by_hand),
            (None, false)
        );
    }

    #[test]
    fn what_was_seen_running_counts_where_nobody_claimed_the_run() {
        let seen = CandidateCommand {
            started: Moment::from_millis(1_000),
            execution_uuid: None,
            options: RunOptions {
                plan: Some("21".to_owned()),
                ..RunOptions::default()
            },
        };
        let both = KnownCommands {
            seen: vec![seen.clone()],
            ..known(vec![claim("19", 1_000, 2_000)])
        };

        assert_eq!(
            given(&both, &run(1_500, "tina - agent")),
            (Some("19".to_owned()), true)
        );
        assert_eq!(
            given(&both, &run(5_000, "tina - agent")),
            (Some("21".to_owned()), false)
        );

        let copied_in = run(-900_000, "tina - agent");
        assert_eq!(
            given(&both, &copied_in),
            (None, false),
            "the run is older than the command"
        );

        let other = CandidateCommand {
            options: RunOptions::default(),
            ..seen
        };
        let two = KnownCommands {
            seen: vec![both.seen[0].clone(), other],
            ..known(Vec::new())
        };
        let given = two.of_run(
            &run(5_000, "tina - agent"),
            Path::new("/w/Shop/Reports/1"),
            "agent",
        );
        assert!(given.unclear_options.unwrap().starts_with("2 katalonc"));
    }
}
