//! Which foreign runs count as Katalon's own submission, and which never do.

#[cfg(test)]
use proptest::prelude::*;

use super::*;
use crate::katalon::id_source::IdSource;
use crate::katalon::settings::AzureSettings;
use crate::katalon::status::Status;
use crate::plan::sample;
use crate::plan::sub_results::SubResult;

const SECOND: i64 = 1000;

fn at(millis: i64) -> Moment {
    Moment::from_millis(1_800_000_000_000 + millis)
}

fn planned(point_id: u32, outcome: &str, started: i64, ended: i64) -> PlannedResult {
    PlannedResult {
        point_id,
        test_case_id: point_id + 1000,
        configuration_id: 1,
        tests: vec![format!("Test Cases/{point_id}")],
        outcome: outcome.to_owned(),
        status: Status::Passed,
        started: at(started),
        completed: at(ended),

        // None of it is compared.
        error_message: None,
        stack_trace: None,
        comment: String::new(),
        computer_name: Some("AGENT-7.corp.example".to_owned()),
        automated_test_name: String::new(),
        automated_test_storage: String::new(),
        group: None,
        sub_results: Vec::new(),
        iterations: 1,
        source: IdSource::Integration,
        failure_type: None,
    }
}

fn plan(results: Vec<PlannedResult>) -> SubmissionPlan {
    SubmissionPlan {
        plan_id: 18,
        key: "k".to_owned(),
        name: "Nightly".to_owned(),
        automated: true,
        build: None,
        release: None,
        pipeline: None,
        into: None,
        started: at(0),
        completed: at(60 * SECOND),
        results,

        // None of it is compared.
        summary: String::new(),
        attachments: Vec::new(),
        tags: Vec::new(),
        automation: None,
        skipped: Vec::new(),
        none_here: None,
    }
}

/// What Katalon would upload of a plan.
fn upload(plan: &SubmissionPlan) -> ForeignRun {
    let mut results = Vec::new();
    for ours in &plan.results {
        results.push(ForeignResult {
            point_id: Some(ours.point_id),
            completed: true,
            outcome: ours.outcome.clone(),
            started: Some(ours.started),
            ended: Some(ours.completed),
            computer: None,
        });
    }

    ForeignRun {
        over: true,
        created: Some(at(65 * SECOND)),
        changed: Some(at(66 * SECOND)),
        started: None,
        ended: None,
        results,
    }
}

fn two() -> SubmissionPlan {
    plan(vec![
        planned(11, "Passed", 5017, 9123),
        planned(12, "Failed", 9200, 12_345),
    ])
}

/// How the upload of [`two`] compares when each of its results is altered.
fn altered(alter: impl Fn(&mut ForeignResult)) -> Likeness {
    let plan = two();
    let mut run = upload(&plan);
    run.results.iter_mut().for_each(alter);

    compare(&plan, &run)
}

/// Cuts a time to its second, as some versions of ADO do.
fn cut(time: &mut Option<Moment>) {
    *time = time.map(|time| Moment::from_millis(time.millis() / 1000 * 1000));
}

fn without_times(result: &mut ForeignResult) {
    result.started = None;
    result.ended = None;
}

#[test]
fn a_project_is_remembered_by_server_and_both_names_whatever_their_case_in_ado() {
    let key = |url: &str, project: &str, katalon: &str| {
        let run = sample::run("Smoke", 0, 9000);
        let mut options = sample::snapshot(run, &AzureSettings::default()).options;
        options.server_url = Some(url.to_owned());
        options.project = Some(project.to_owned());
        project_key(&options, katalon)
    };
    let acme = "https://dev.azure.com/acme";
    let one = key(acme, "Shop", "shop");

    assert_eq!(one, key("https://dev.azure.com/ACME/", "sHOP", "shop"));
    assert_ne!(one, key("https://dev.azure.com/other", "Shop", "shop"));
    assert_ne!(one, key("no url", "Shop", "shop"));
    assert_ne!(one, key(acme, "Bank", "shop"));
    assert_ne!(one, key(acme, "Shop", "bank"));
}

#[test]
fn the_upload_of_the_same_suite_run_is_recognised_however_precisely_ado_tells_its_times() {
    assert_eq!(altered(|_| {}), Likeness::Same);
    assert_eq!(altered(|result| cut(&mut result.started)), Likeness::Same);
    assert_eq!(altered(|result| result.ended = None), Likeness::Same);
}

#[test]
fn the_upload_is_recognised_whoever_is_named_with_the_computer_and_however_its_outcome_is_written()
{
    let with_user = altered(|result| result.computer = Some("jo - agent-7".to_owned()));
    let in_lower_case = altered(|result| result.outcome.make_ascii_lowercase());

    assert_eq!(with_user, Likeness::Same);
    assert_eq!(in_lower_case, Likeness::Same);
}

#[test]
fn a_run_of_another_agent_at_the_same_time_is_another_run() {
    let later = Duration::from_millis(437);
    let with_other_times = altered(|result| {
        result.started = result.started.map(|time| time.plus(later));
        result.ended = result.ended.map(|time| time.plus(later));
    });
    let with_other_computer = altered(|result| result.computer = Some("AGENT-8".to_owned()));

    assert_eq!(with_other_times, Likeness::Other);
    assert_eq!(with_other_computer, Likeness::Other);
}

#[test]
fn a_run_with_other_outcomes_is_another_run() {
    let blocked = altered(|result| result.outcome = "Blocked".to_owned());

    assert_eq!(blocked, Likeness::Other);
}

#[test]
fn a_run_without_one_of_the_points_is_another_run() {
    for point_id in [Some(11), Some(99), None] {
        let likeness = altered(|result| result.point_id = point_id);

        assert_eq!(likeness, Likeness::Other, "{point_id:?}");
    }
}

#[test]
fn a_run_that_is_over_and_has_no_results_is_another_run() {
    let empty = ForeignRun {
        over: true,
        ..ForeignRun::default()
    };

    assert_eq!(compare(&two(), &empty), Likeness::Other);
}

#[test]
fn points_that_only_the_other_run_has_do_not_matter() {
    let plan = two();
    let mut run = upload(&plan);
    run.results.push(ForeignResult {
        point_id: Some(13),
        ..ForeignResult::default()
    });

    assert_eq!(compare(&plan, &run), Likeness::Same);
}

/// An upload of [`two`] that is not over, with its second result altered.
fn open_upload(alter: impl Fn(&mut ForeignResult)) -> ForeignRun {
    let mut run = upload(&two());
    run.over = false;
    alter(&mut run.results[1]);
    run
}

#[test]
fn a_run_that_is_not_over_may_become_katalons_as_long_as_nothing_speaks_against_it() {
    let without_outcome = open_upload(|result| result.completed = false);
    let with_other_outcome = open_upload(|result| result.outcome = "Passed".to_owned());

    assert_eq!(compare(&two(), &without_outcome), Likeness::Growing);
    assert_eq!(compare(&two(), &with_other_outcome), Likeness::Other);
}

#[test]
fn a_run_that_is_not_over_may_become_katalons_while_it_has_no_results() {
    let empty = ForeignRun {
        results: Vec::new(),
        ..open_upload(|_| {})
    };

    assert_eq!(compare(&two(), &empty), Likeness::Growing);
}

#[test]
fn a_run_that_is_not_over_is_another_one_when_it_has_results_of_other_points_only() {
    let mut foreign = open_upload(|_| {});
    for result in &mut foreign.results {
        result.point_id = Some(77);
    }

    assert_eq!(compare(&two(), &foreign), Likeness::Other);
}

#[test]
fn an_open_run_is_an_upload_only_while_something_comes_to_it() {
    let open = open_upload(|_| {});
    let over = ForeignRun {
        over: true,
        ..open.clone()
    };
    let ended = at(60 * SECOND);

    assert!(open.is_being_filled(ended, at(70 * SECOND)));
    assert!(open.is_being_filled(ended, at(185 * SECOND)));
    assert!(
        !open.is_being_filled(ended, at(186 * SECOND)),
        "nothing came to it for two minutes"
    );
    assert!(!over.is_being_filled(ended, at(70 * SECOND)));
}

#[test]
fn an_open_run_that_was_there_before_the_suite_ended_is_no_upload() {
    let before = ForeignRun {
        created: Some(at(29 * SECOND)),
        ..open_upload(|_| {})
    };

    assert!(!before.is_being_filled(at(60 * SECOND), at(70 * SECOND)));
}

#[test]
fn an_open_run_of_which_ado_tells_no_times_may_be_an_upload() {
    let without_times = ForeignRun {
        created: None,
        changed: None,
        ..open_upload(|_| {})
    };

    assert!(without_times.is_being_filled(at(60 * SECOND), at(70 * SECOND)));
}

#[test]
fn times_of_the_upload_or_none_at_all_prove_nothing() {
    let with_times_of_upload = altered(|result| {
        result.started = Some(at(66_001));
        result.ended = Some(at(66_001));
    });

    assert_eq!(altered(without_times), Likeness::Unproven);
    assert_eq!(with_times_of_upload, Likeness::Unproven);
}

#[test]
fn where_results_tell_no_times_the_run_itself_has_to_tell_those_of_the_suite() {
    let plan = two();
    let with_run_times = |started: i64, ended: i64| {
        let mut run = upload(&plan);
        run.started = Some(at(started));
        run.ended = Some(at(ended));
        run.results.iter_mut().for_each(without_times);
        compare(&plan, &run)
    };

    assert_eq!(with_run_times(0, 60 * SECOND), Likeness::Same);
    assert_eq!(with_run_times(4, 66_001), Likeness::Same);
    assert_eq!(with_run_times(61 * SECOND, 66 * SECOND), Likeness::Unproven);
    assert_eq!(
        with_run_times(-4321, 55_678),
        Likeness::Unproven,
        "another agent ran the same suite at the same time"
    );
    assert_eq!(with_run_times(0, 59 * SECOND), Likeness::Unproven);
}

#[test]
fn times_of_the_suite_in_every_result_are_katalons_too() {
    let with_times_of_suite = altered(|result| {
        result.started = Some(at(0));
        result.ended = Some(at(60 * SECOND));
    });

    assert_eq!(with_times_of_suite, Likeness::Same);
}

fn iteration(outcome: &str, started: i64) -> SubResult {
    SubResult {
        name: "Iteration".to_owned(),
        outcome: outcome.to_owned(),
        status: Status::Passed,
        started: at(started),
        completed: at(started + 400),
        error_message: None,
        stack_trace: None,
        group: None,
        sub_results: Vec::new(),
    }
}

#[test]
fn of_iterations_that_share_a_point_any_outcome_and_time_will_do() {
    let mut ours = planned(11, "Failed", 1001, 3401);
    ours.group = Some(GroupType::DataDriven);
    ours.sub_results = vec![iteration("Failed", 1001), iteration("Passed", 3001)];
    let plan = plan(vec![ours]);
    let mut run = upload(&plan);

    run.results[0].outcome = "Passed".to_owned();
    run.results[0].started = Some(at(3001));
    assert_eq!(compare(&plan, &run), Likeness::Same);

    run.results[0].outcome = "Blocked".to_owned();
    assert_eq!(compare(&plan, &run), Likeness::Other);
}

/// The upload of one suite of [`two`]: the result of this number alone.
fn upload_of(number: usize) -> ForeignRun {
    let mut run = upload(&two());
    run.results = vec![run.results[number].clone()];
    run
}

/// Compares runs with the ids 150, 151 and so on.
fn together(runs: &[ForeignRun]) -> Option<(u32, Likeness)> {
    let runs: Vec<_> = (150..).zip(runs.iter().cloned()).collect();
    compare_together(&two(), &runs)
}

#[test]
fn uploads_of_its_suites_are_together_the_collection_when_their_times_prove_all_of_it() {
    let whole = together(&[upload_of(1), upload_of(0)]);
    let a_part = together(&[upload_of(0)]);

    assert_eq!(whole, Some((150, Likeness::Same)));
    assert_eq!(a_part, Some((150, Likeness::Growing)));
    assert_eq!(together(&[]), None);
}

#[test]
fn an_end_alone_proves_that_an_upload_is_a_part_of_the_collection() {
    let mut without_start = upload_of(1);
    without_start.results[0].started = None;

    let whole = together(&[without_start, upload_of(0)]);

    assert_eq!(whole, Some((150, Likeness::Same)));
}

#[test]
fn a_run_whose_result_is_not_that_of_its_suite_is_no_part_of_the_collection() {
    let alterations: [fn(&mut ForeignResult); 5] = [
        without_times,
        |result| result.outcome = "Passed".to_owned(),
        |result| result.computer = Some("AGENT-8".to_owned()),
        |result| result.completed = false,
        |result| result.point_id = Some(99),
    ];
    for (number, alter) in alterations.into_iter().enumerate() {
        let mut other = upload_of(1);
        alter(&mut other.results[0]);

        let only_the_first = together(&[other, upload_of(0)]);

        assert_eq!(
            only_the_first,
            Some((151, Likeness::Growing)),
            "alteration {number}"
        );
    }
}

proptest! {
    /// Whatever another run holds, it stands for ours only when each of our points has its outcome
    /// and time there.
    #[test]
    fn a_run_never_stands_for_ours_with_a_time_that_differs(
        moved in 12i64..900_000, which in 0usize..2, backwards in any::<bool>()
    ) {
        let plan = two();
        let mut run = upload(&plan);
        let result = &mut run.results[which];
        let by = if backwards { -moved } else { moved };
        let shift = |time: Option<Moment>| {
            time.map(|time| Moment::from_millis(time.millis() + by))
        };
        result.started = shift(result.started);
        result.ended = shift(result.ended);

        // ADO's whole seconds stand for any time within them.
        prop_assume!(!result.started.is_some_and(is_whole));
        prop_assume!(!result.ended.is_some_and(is_whole));
        // The begin and the end of the suite stand for those of each test.
        let starts_with_suite = result.started.is_some_and(|time| is_same_time(time, plan.started));
        let ends_with_suite = result.ended.is_some_and(|time| is_same_time(time, plan.completed));
        prop_assume!(!starts_with_suite && !ends_with_suite);

        prop_assert_ne!(compare(&plan, &run), Likeness::Same);
    }

    #[test]
    fn a_run_never_stands_for_ours_with_an_outcome_that_differs(
        which in 0usize..2, outcome in "[A-Z][a-z]{3,8}"
    ) {
        let plan = two();
        let mut run = upload(&plan);
        prop_assume!(!outcome.eq_ignore_ascii_case(&run.results[which].outcome));

        run.results[which].outcome = outcome;

        prop_assert_eq!(compare(&plan, &run), Likeness::Other);
    }
}

#[test]
fn a_time_in_whole_seconds_is_the_cut_or_rounded_one_and_none_beside_it() {
    let at = Moment::from_millis;

    for ours in [10_000, 10_300, 10_999] {
        assert!(is_same_time(at(10_000), at(ours)), "{ours} was cut");
    }
    assert!(is_same_time(at(11_000), at(10_600)), "it was rounded");
    assert!(
        !is_same_time(at(11_000), at(10_300)),
        "another run, 900 ms later"
    );
    assert!(!is_same_time(at(10_000), at(11_001)));
}

#[test]
fn a_time_with_a_fraction_is_the_same_to_a_few_milliseconds() {
    let at = Moment::from_millis;

    assert!(is_same_time(at(10_303), at(10_300)));
    assert!(!is_same_time(at(10_320), at(10_300)));
}
