//! Which foreign runs count as Katalon's own submission, and which never do.

#[cfg(test)]
use proptest::prelude::*;

use super::*;
use crate::katalon::status::Status;
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
        error_message: None,
        stack_trace: None,
        comment: String::new(),
        computer_name: Some("AGENT-7.corp.example".to_owned()),
        automated_test_name: String::new(),
        automated_test_storage: String::new(),
        group: None,
        sub_results: Vec::new(),
        iterations: 1,
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
        started: at(0),
        completed: at(60 * SECOND),
        summary: String::new(),
        results,
        attachments: Vec::new(),
        tags: Vec::new(),
        automation: None,
        skipped: Vec::new(),
        none_here: None,
    }
}

/// What Katalon would upload of a plan.
fn upload(plan: &SubmissionPlan) -> ForeignRun {
    let theirs = |ours: &PlannedResult| ForeignResult {
        point_id: Some(ours.point_id),
        completed: true,
        outcome: ours.outcome.clone(),
        started: Some(ours.started),
        ended: Some(ours.completed),
        computer: None,
    };
    let results = plan.results.iter().map(theirs).collect();
    let (created, changed) = (Some(at(65 * SECOND)), Some(at(66 * SECOND)));
    ForeignRun {
        over: true,
        created,
        changed,
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

fn altered(alter: impl Fn(&mut ForeignResult)) -> Likeness {
    let plan = two();
    let mut run = upload(&plan);
    run.results.iter_mut().for_each(alter);
    compare(&plan, &run)
}

#[test]
fn the_upload_of_the_same_suite_run_is_recognised_however_precisely_ado_tells_its_times() {
    assert_eq!(altered(|_| {}), Likeness::Same);
    let whole = |time: &mut Option<Moment>| {
        *time = time.map(|time| Moment::from_millis(time.millis() / 1000 * 1000));
    };
    assert_eq!(altered(|result| whole(&mut result.started)), Likeness::Same);
    assert_eq!(altered(|result| result.ended = None), Likeness::Same);
    assert_eq!(
        altered(|result| result.computer = Some("jo - agent-7".to_owned())),
        Likeness::Same
    );
    assert_eq!(
        altered(|result| result.outcome.make_ascii_lowercase()),
        Likeness::Same
    );
}

#[test]
fn a_run_of_another_agent_at_the_same_time_is_another_run() {
    let later =
        |time: &mut Option<Moment>| *time = time.map(|time| time.plus(Duration::from_millis(437)));
    let moved = |result: &mut ForeignResult| {
        later(&mut result.started);
        later(&mut result.ended);
    };
    assert_eq!(altered(moved), Likeness::Other);
    assert_eq!(
        altered(|result| result.computer = Some("AGENT-8".to_owned())),
        Likeness::Other
    );
}

#[test]
fn a_run_with_other_outcomes_or_without_one_of_the_points_is_another_run() {
    assert_eq!(
        altered(|result| result.outcome = "Blocked".to_owned()),
        Likeness::Other
    );
    assert_eq!(
        altered(|result| result.point_id = Some(11)),
        Likeness::Other
    );
    assert_eq!(
        altered(|result| result.point_id = Some(99)),
        Likeness::Other
    );
    assert_eq!(altered(|result| result.point_id = None), Likeness::Other);
    assert_eq!(
        compare(
            &two(),
            &ForeignRun {
                over: true,
                ..ForeignRun::default()
            }
        ),
        Likeness::Other
    );
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

#[test]
fn a_run_that_is_not_over_may_become_katalons_as_long_as_nothing_speaks_against_it() {
    let plan = two();
    let pending = ForeignRun {
        over: false,
        ..upload(&plan)
    };
    let with = |alter: &dyn Fn(&mut ForeignResult)| {
        let mut run = pending.clone();
        alter(&mut run.results[1]);
        compare(&plan, &run)
    };
    assert_eq!(with(&|result| result.completed = false), Likeness::Growing);
    assert_eq!(
        with(&|result| result.outcome = "Passed".to_owned()),
        Likeness::Other
    );
    let empty = ForeignRun {
        over: false,
        results: Vec::new(),
        ..pending.clone()
    };
    assert_eq!(compare(&plan, &empty), Likeness::Growing);
    let mut foreign = pending;
    foreign
        .results
        .iter_mut()
        .for_each(|result| result.point_id = Some(77));
    assert_eq!(compare(&plan, &foreign), Likeness::Other);
}

#[test]
fn an_open_run_is_an_upload_only_while_something_comes_to_it_after_the_end_of_the_suite() {
    let open = ForeignRun {
        over: false,
        ..upload(&two())
    };
    let ended = at(60 * SECOND);
    assert!(open.is_being_filled(ended, at(70 * SECOND)));
    assert!(open.is_being_filled(ended, at(185 * SECOND)));
    assert!(
        !open.is_being_filled(ended, at(186 * SECOND)),
        "nothing came to it for two minutes"
    );
    assert!(
        !ForeignRun {
            over: true,
            ..open.clone()
        }
        .is_being_filled(ended, at(70 * SECOND))
    );
    let before = ForeignRun {
        created: Some(at(29 * SECOND)),
        ..open.clone()
    };
    assert!(
        !before.is_being_filled(ended, at(70 * SECOND)),
        "it was there before the suite ended"
    );
    let untold = ForeignRun {
        created: None,
        changed: None,
        ..open
    };
    assert!(untold.is_being_filled(ended, at(70 * SECOND)));
}

#[test]
fn times_of_the_upload_or_none_at_all_prove_nothing() {
    let nothing = |result: &mut ForeignResult| (result.started, result.ended) = (None, None);
    assert_eq!(altered(nothing), Likeness::Unproven);
    let uploaded = |result: &mut ForeignResult| {
        (result.started, result.ended) = (Some(at(66_001)), Some(at(66_001)));
    };
    assert_eq!(altered(uploaded), Likeness::Unproven);
}

#[test]
fn where_results_tell_no_times_the_run_itself_has_to_tell_those_of_the_suite() {
    let plan = two();
    let with = |started: i64, ended: i64| {
        let mut run = ForeignRun {
            started: Some(at(started)),
            ended: Some(at(ended)),
            ..upload(&plan)
        };
        run.results
            .iter_mut()
            .for_each(|result| (result.started, result.ended) = (None, None));
        compare(&plan, &run)
    };
    assert_eq!(with(0, 60 * SECOND), Likeness::Same);
    assert_eq!(with(4, 66_001), Likeness::Same);
    assert_eq!(with(61 * SECOND, 66 * SECOND), Likeness::Unproven);
    // Another agent ran the same suite at the same time.
    assert_eq!(with(-4321, 55_678), Likeness::Unproven);
    assert_eq!(with(0, 59 * SECOND), Likeness::Unproven);
}

#[test]
fn times_of_the_suite_in_every_result_are_katalons_too() {
    let suite = |result: &mut ForeignResult| {
        (result.started, result.ended) = (Some(at(0)), Some(at(60 * SECOND)));
    };
    assert_eq!(altered(suite), Likeness::Same);
}

#[test]
fn of_iterations_that_share_a_point_any_outcome_and_time_will_do() {
    let part = |outcome: &str, started: i64| SubResult {
        name: "Iteration".to_owned(),
        outcome: outcome.to_owned(),
        status: Status::Passed,
        started: at(started),
        completed: at(started + 400),
        error_message: None,
        stack_trace: None,
        group: None,
        sub_results: Vec::new(),
    };
    let mut ours = planned(11, "Failed", 1001, 3401);
    (ours.group, ours.sub_results) = (
        Some(GroupType::DataDriven),
        vec![part("Failed", 1001), part("Passed", 3001)],
    );
    let plan = plan(vec![ours]);
    let mut run = upload(&plan);
    (run.results[0].outcome, run.results[0].started) = ("Passed".to_owned(), Some(at(3001)));
    assert_eq!(compare(&plan, &run), Likeness::Same);
    run.results[0].outcome = "Blocked".to_owned();
    assert_eq!(compare(&plan, &run), Likeness::Other);
}

#[test]
fn uploads_of_its_suites_are_together_the_collection_when_their_times_prove_all_of_it() {
    let plan = two();
    let part = |at: usize| {
        let mut run = upload(&plan);
        run.results = vec![run.results[at].clone()];
        run
    };
    let (first, second) = (part(0), part(1));
    let together = |runs: &[ForeignRun]| {
        compare_together(
            &plan,
            &(150..).zip(runs.iter().cloned()).collect::<Vec<_>>(),
        )
    };
    assert_eq!(
        together(&[second.clone(), first.clone()]),
        Some((150, Likeness::Same))
    );
    assert_eq!(
        together(std::slice::from_ref(&first)),
        Some((150, Likeness::Growing))
    );
    let with = |alter: &dyn Fn(&mut ForeignResult)| {
        let mut other = second.clone();
        alter(&mut other.results[0]);
        together(&[other, first.clone()])
    };
    let first_alone = Some((151, Likeness::Growing));
    assert_eq!(
        with(&|result| result.started = None),
        Some((150, Likeness::Same)),
        "its end is told"
    );
    assert_eq!(
        with(&|result| (result.started, result.ended) = (None, None)),
        first_alone
    );
    assert_eq!(
        with(&|result| result.outcome = "Passed".to_owned()),
        first_alone
    );
    assert_eq!(
        with(&|result| result.computer = Some("AGENT-8".to_owned())),
        first_alone
    );
    assert_eq!(with(&|result| result.completed = false), first_alone);
    assert_eq!(with(&|result| result.point_id = Some(99)), first_alone);
    assert_eq!(together(&[]), None);
}

proptest! {
    /// Whatever another run holds, it stands for ours only when each of our points has its outcome
    /// and time there.
    #[test]
    fn a_run_never_stands_for_ours_with_a_time_or_outcome_that_differs(
        moved in 12i64..900_000, which in 0usize..2, backwards in any::<bool>(), outcome in "[A-Z][a-z]{3,8}"
    ) {
        let plan = two();
        let mut run = upload(&plan);
        let result = &mut run.results[which];
        let by = if backwards { -moved } else { moved };
        let shift = |time: Option<Moment>| time.map(|time| Moment::from_millis(time.millis() + by));
        (result.started, result.ended) = (shift(result.started), shift(result.ended));
        let whole = |time: Option<Moment>| time.is_some_and(|time| time.millis() % 1000 == 0);
        prop_assume!(!whole(result.started) && !whole(result.ended));
        // The begin and the end of the suite stand for those of each test.
        let near = |time: Option<Moment>, other: Moment| time.is_some_and(|time| is_the_same(time, other));
        prop_assume!(!near(result.started, plan.started) && !near(result.ended, plan.completed));
        prop_assert_ne!(compare(&plan, &run), Likeness::Same);
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
        assert!(is_the_same(at(10_000), at(ours)), "{ours} was cut");
    }
    assert!(is_the_same(at(11_000), at(10_600)), "it was rounded");
    assert!(
        !is_the_same(at(11_000), at(10_300)),
        "another run, 900 ms later"
    );
    assert!(!is_the_same(at(10_000), at(11_001)));
    assert!(is_the_same(at(10_303), at(10_300)) && !is_the_same(at(10_320), at(10_300)));
}
