//! Whether a run that is met is one that another project is recorded with. Pure.
//!
//! A run is what its log says (invariant I2), and whoever writes one project can write what the log
//! of another's run says. Within a project that costs only its own runs. Between two projects a run
//! that is met takes the place of no other unless that one is sent the same way with the same
//! results, or the log itself says that it was written elsewhere: a copy can take only itself out.

use std::path::Path;

use crate::file_names::key;
use crate::katalon::run::{Attempt, TestResult};
use crate::plan::options::Options;
use crate::plan::snapshot::Snapshot;
use crate::server::{Server, ServerIdentity};

/// What a run that is met is to a recorded one of another project that its log agrees with in
/// suite, start and host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kinship {
    /// It is the same folder by another path.
    SameFolder,
    /// The same results would be sent the same way: it does not matter which of the two is.
    SameReport,
    /// Its log says that it was written into the folder of the recorded one.
    Copy,
    /// It would go to the same place with other results, and its log does not say that it lies
    /// where it was written: nothing tells which of the two is the original.
    Unclear,
    /// A run of its own.
    Other,
}

/// What `met` is to `recorded`.
pub(crate) fn kinship(met: &Snapshot, recorded: &Snapshot) -> Kinship {
    if let (Some(one), Some(other)) = (&met.folder_id, &recorded.folder_id)
        && one.is_same(other)
    {
        return Kinship::SameFolder;
    }
    if is_same_report(met, recorded) {
        return Kinship::SameReport;
    }

    let written_to = written_to(met);
    if written_to == folders(met) {
        return Kinship::Other;
    }
    if written_to == folders(recorded) {
        return Kinship::Copy;
    }

    if is_same_destination(&met.options, &recorded.options) {
        Kinship::Unclear
    } else {
        Kinship::Other
    }
}

/// Where the logs of a run say that they were written, as it compares; the texts are those of
/// Katalon, so a folder in a container is none of this machine.
fn written_to(snapshot: &Snapshot) -> Vec<Option<String>> {
    let environments = match &snapshot.joined {
        None => vec![&snapshot.run.environment],
        Some(joined) => {
            let taking_part = joined.members.iter();
            taking_part
                .filter(|member| member.state.takes_part())
                .map(|member| &member.environment)
                .collect()
        }
    };

    let mut folders = Vec::new();
    for environment in environments {
        let folder = environment.recorded_folder.as_deref();
        folders.push(folder.map(|folder| key(Path::new(folder.trim_end_matches(['/', '\\'])))));
    }
    folders
}

/// Where a run lies.
fn folders(snapshot: &Snapshot) -> Vec<Option<String>> {
    let mut folders = Vec::new();
    for run_folder in snapshot.run_folders() {
        folders.push(Some(key(Path::new(&run_folder.path))));
    }
    folders
}

/// Whether two runs lead to the same test runs: the options hold where they go and what is sent.
fn is_same_report(one: &Snapshot, other: &Snapshot) -> bool {
    one.options == other.options
        && one.cases == other.cases
        && one.run.tests.len() == other.run.tests.len()
        && one
            .run
            .tests
            .iter()
            .zip(&other.run.tests)
            .all(|(one, other)| is_same_result(one, other))
}

/// Whether two results are the same. What lies beside the log may be missing in a copy.
fn is_same_result(one: &TestResult, other: &TestResult) -> bool {
    one.id == other.id
        && one.iteration == other.iteration
        && one.variables == other.variables
        && one.member == other.member
        && one.attempts.len() == other.attempts.len()
        && one
            .attempts
            .iter()
            .zip(&other.attempts)
            .all(|(one, other)| is_same_attempt(one, other))
}

fn is_same_attempt(one: &Attempt, other: &Attempt) -> bool {
    one.status == other.status
        && one.started == other.started
        && one.ended == other.ended
        && one.message == other.message
        && one.stack_trace == other.stack_trace
}

/// Whether a result of both could end in the same test plan.
fn is_same_destination(one: &Options, other: &Options) -> bool {
    let project = |options: &Options| options.project.as_deref().map(str::to_lowercase);

    server(one) == server(other)
        && project(one) == project(other)
        && one.plans.iter().any(|plan| other.plans.contains(plan))
}

fn server(options: &Options) -> Option<ServerIdentity> {
    let server = Server::parse(options.server_url.as_deref()?).ok()?;
    Some(server.identity().clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file_names::FolderId;
    use crate::katalon::run::{Iteration, VariableValue};
    use crate::katalon::settings::AzureSettings;
    use crate::katalon::status::Status;
    use crate::moment::Moment;
    use crate::plan::plan_choice::PlanChoice;
    use crate::plan::sample;

    /// A run in this folder, written to that one, which goes to this test plan.
    fn run(folder: &str, written_to: Option<&str>, plan: u32) -> Snapshot {
        let mut run = sample::run("A", 0, 1000);
        run.tests = vec![sample::test("Sign in", 0, &[Status::Passed])];
        run.environment.recorded_folder = written_to.map(str::to_owned);

        let mut snapshot = sample::snapshot(run, &AzureSettings::default());
        snapshot.folder = folder.to_owned();
        snapshot.options.server_url = Some("https://dev.azure.com/acme".to_owned());
        snapshot.options.project = Some("Shop".to_owned());
        snapshot.options.plans = vec![PlanChoice::Id(plan)];
        snapshot
    }

    /// The only attempt of its only test.
    fn attempt(snapshot: &mut Snapshot) -> &mut Attempt {
        &mut snapshot.run.tests[0].attempts[0]
    }

    fn with_other_results(mut snapshot: Snapshot) -> Snapshot {
        snapshot.run.tests = vec![sample::test("Sign in", 0, &[Status::Failed])];
        snapshot
    }

    #[test]
    fn the_same_results_on_the_same_way_are_one_report_wherever_they_lie() {
        let met = run("/bank/1", Some("/bank/1"), 18);

        let kin = kinship(&met, &run("/shop/1", Some("/shop/1"), 18));

        assert_eq!(kin, Kinship::SameReport);
    }

    #[test]
    fn whatever_else_would_be_sent_makes_two_runs_of_one_suite_and_start_two_reports() {
        type Change = fn(&mut Snapshot);
        let changes: [(&str, Change); 13] = [
            ("option", |run| run.options.automated ^= true),
            ("id of a test case", |run| run.cases.clear()),
            ("number of tests", |run| run.run.tests.clear()),
            ("test", |run| run.run.tests[0].id.push('2')),
            ("iteration", |run| {
                run.run.tests[0].iteration = Some(Iteration {
                    number: 1,
                    value: None,
                    variable: None,
                });
            }),
            ("variable", |run| {
                let user = ("user".to_owned(), VariableValue::Masked);
                run.run.tests[0].variables.extend([user]);
            }),
            ("member", |run| run.run.tests[0].member = 1),
            ("number of attempts", |run| {
                let first = run.run.tests[0].attempts[0].clone();
                run.run.tests[0].attempts.push(first);
            }),
            ("status", |run| attempt(run).status = Status::Failed),
            ("start", |run| attempt(run).started = Moment::from_millis(9)),
            ("end", |run| attempt(run).ended = None),
            ("message", |run| attempt(run).message = Some("no".into())),
            ("stack trace", |run| {
                attempt(run).stack_trace = Some("at".into());
            }),
        ];

        for (what, change) in changes {
            let met = run("/shop/1", Some("/container/1"), 18);
            let mut recorded = run("/evil/1", Some("/evil/1"), 18);
            change(&mut recorded);

            assert_eq!(kinship(&met, &recorded), Kinship::Unclear, "other {what}");
        }
    }

    #[test]
    fn what_lies_beside_the_log_may_be_missing_in_a_copy() {
        let met = run("/bank/1", Some("/bank/1"), 18);
        let mut recorded = met.clone();
        let screenshot = "1.png".to_owned();
        attempt(&mut recorded).attachments.push(screenshot);

        assert_eq!(kinship(&met, &recorded), Kinship::SameReport);
    }

    #[test]
    fn a_folder_by_another_path_is_the_same_run_whatever_its_log_says_by_now() {
        let folder = |number| {
            Some(FolderId {
                volume: 1,
                number,
                born: None,
            })
        };
        let mut met = run("/net/shop/1", Some("/container/1"), 18);
        let mut recorded = with_other_results(run("/shop/1", Some("/container/1"), 18));

        met.folder_id = folder(7);
        recorded.folder_id = folder(7);
        assert_eq!(kinship(&met, &recorded), Kinship::SameFolder);

        recorded.folder_id = folder(8);
        assert_eq!(kinship(&met, &recorded), Kinship::Unclear);
    }

    #[test]
    fn a_destination_is_a_server_a_project_in_any_letter_case_and_a_shared_plan() {
        type Change = fn(&mut Options);
        let changes: [(Change, Kinship); 5] = [
            (
                |options| options.server_url = Some("https://dev.azure.com/other".into()),
                Kinship::Other,
            ),
            (
                |options| options.project = Some("Bank".into()),
                Kinship::Other,
            ),
            (
                |options| options.project = Some("sHOP".into()),
                Kinship::Unclear,
            ),
            (
                |options| options.plans = vec![PlanChoice::Id(99)],
                Kinship::Other,
            ),
            (
                |options| options.plans = vec![PlanChoice::Id(99), PlanChoice::Id(18)],
                Kinship::Unclear,
            ),
        ];

        for (change, expected) in changes {
            let met = run("/shop/1", Some("/container/1"), 18);
            let mut recorded = with_other_results(run("/evil/1", Some("/evil/1"), 18));
            change(&mut recorded.options);

            let options = recorded.options.clone();
            assert_eq!(kinship(&met, &recorded), expected, "{options:?}");
        }
    }

    #[test]
    fn a_run_that_lies_where_its_log_says_is_no_copy_of_anything() {
        let met = run("/shop/1", Some("/shop/1"), 18);
        let forged = run("/evil/1", Some("/shop/1"), 18);

        assert_eq!(
            kinship(&met, &with_other_results(forged.clone())),
            Kinship::Other
        );
        assert_eq!(
            kinship(&met, &run("/evil/1", Some("/evil/1"), 99)),
            Kinship::Other
        );
    }

    #[test]
    fn a_log_that_names_the_folder_of_another_run_says_that_it_is_a_copy_of_it() {
        let met = run("/evil/1", Some("/shop/1/"), 99);

        let kin = kinship(&met, &run("/shop/1", Some("/shop/1"), 18));

        assert_eq!(kin, Kinship::Copy);
    }

    #[test]
    fn it_is_unclear_which_is_the_original_only_where_both_go_to_the_same_test_plan() {
        let met = run("/shop/1", Some("/container/1"), 18);
        let recorded = run("/evil/1", Some("/evil/1"), 18);
        let elsewhere = run("/evil/1", Some("/evil/1"), 99);

        let same_plan = kinship(&met, &with_other_results(recorded));
        let other_plan = kinship(&met, &elsewhere);

        assert_eq!(same_plan, Kinship::Unclear);
        assert_eq!(other_plan, Kinship::Other);
    }
}
