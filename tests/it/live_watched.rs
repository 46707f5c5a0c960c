//! A recorded suite of ten minutes, watched at ten times its speed (`submit.live`), beside one that
//! crashes and one that takes up what is left of that: every result is there before its suite ends,
//! and in the end ADO holds what it holds without.

#![expect(
    clippy::disallowed_methods,
    reason = "tests lay out folders, and play at a pace"
)]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use fake_ado::{TestRun, World};
use fake_katalon::{Attempt, Live, Phase, Status, SuiteRunWriter, Test};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::live::{LIVE, NOT_LIVE, comparable};
use crate::support::{Machine, PLAN, TOKEN, now, tc, wait_until};

/// How many times faster than it was recorded a suite is played.
const SPEED: u32 = 10;
/// How long it took when it was recorded.
const LENGTH: SignedDuration = SignedDuration::from_mins(10);
/// Test cases of the long suite, those of the other two behind them.
const LONG: u32 = 60;
/// Test cases of the suite that crashes.
const SHORT: u32 = 20;
/// How many of them end before it does.
const BEFORE_CRASH: usize = 8;

/// Test cases with a point each.
fn cases() -> Vec<(String, String)> {
    let numbers = 0..LONG + SHORT;
    numbers
        .map(|number| (format!("Case {number}"), (2000 + number).to_string()))
        .collect()
}

fn world() -> World {
    let mut world = World::new("org")
        .token(TOKEN)
        .project("Shop")
        .configuration(1, "Any")
        .plan(PLAN, "Release 1")
        .suite(20, "Night");
    for number in 0..LONG + SHORT {
        world = world
            .test_case(2000 + number, &format!("Case {number}"))
            .point(5000 + number, 20, 2000 + number, 1);
    }
    world
}

fn case(number: u32) -> String {
    tc(&format!("Case {number}"))
}

/// A suite of every kind of test: some fail, some are retried at once, some run once for each row
/// of their data.
fn long() -> SuiteRunWriter {
    let mut tests = Vec::new();
    for number in 0..LONG {
        let id = case(number);
        match number % 10 {
            3 => tests.push(Test::failed(&id, "the button is not there").screenshot()),
            5 => tests.push(Test::passed(&id).after(Attempt::new(Status::Failed, "too early"))),
            7 => {
                for row in ["one", "two", "three"] {
                    tests.push(Test::passed(&id).iteration(row));
                }
                tests.push(Test::failed(&id, "not with this row").iteration("four"));
            }
            _ => tests.push(Test::passed(&id)),
        }
    }
    let run = SuiteRunWriter::new("Test Suites/Night").retries(1);
    of_ten_minutes(run.tests(tests))
}

/// The same run, at the pace at which it takes ten minutes.
fn of_ten_minutes(run: SuiteRunWriter) -> SuiteRunWriter {
    let length_at = |pace: u32| {
        let live = run.clone().pace(pace).live(Path::new("Reports"));
        let millis: Vec<i64> = live.map(|step| step.millis).collect();
        millis.last().unwrap() - millis.first().unwrap()
    };
    // What does not depend on the pace is taken out of the account.
    let (at_100, at_200) = (length_at(100), length_at(200));
    let fixed = 2 * at_100 - at_200;
    let wanted = i64::try_from(LENGTH.as_millis()).unwrap() - fixed;
    run.pace(u32::try_from(wanted * 100 / (at_200 - at_100)).unwrap())
}

/// These of the short suite's tests.
fn short(tests: impl Iterator<Item = u32>) -> SuiteRunWriter {
    let tests = tests.map(|number| match number % 4 {
        1 => Test::failed(&case(LONG + number), "no").screenshot(),
        _ => Test::passed(&case(LONG + number)),
    });
    SuiteRunWriter::new("Test Suites/Short")
        .pace(2000)
        .tests(tests)
}

/// Plays a suite until `is_over` says so of the number of tests that have ended, at ten times its
/// speed where it is watched; gives the points whose tests have ended.
fn play(live: &mut Live, speed: Option<u32>, is_over: impl Fn(&Live, usize) -> bool) -> Vec<u32> {
    let begun = Instant::now();
    let first = live.peek().unwrap().millis;
    let mut points = Vec::new();
    let mut ended = 0;

    while !is_over(live, ended) {
        let Some(next) = live.peek() else {
            break;
        };
        if let Some(speed) = speed {
            let at = Duration::from_millis(u64::try_from(next.millis - first).unwrap()) / speed;
            std::thread::sleep(at.saturating_sub(begun.elapsed()));
        }
        let step = live.perform_next().unwrap().unwrap();
        if let Some(number) = step.write.ended_case() {
            points.push(5000 + number);
            ended += 1;
        }
    }
    points.dedup();
    points
}

/// Waits until the test run of the suite that started then shows a result for each of these points.
fn wait_for_previews(machine: &Machine, start: Timestamp, points: &[u32]) {
    wait_until("every result to be there before the suite ends", || {
        let runs = machine.ado_runs();
        let run = runs
            .iter()
            .find(|run| run.state == "InProgress" && run.started == Some(start));
        let shown: Vec<u32> = run.map(shown_points).unwrap_or_default();
        let missing: Vec<_> = points.iter().filter(|at| !shown.contains(at)).collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(format!("{missing:?} of {runs:#?}"))
        }
    });
}

fn shown_points(run: &TestRun) -> Vec<u32> {
    let mut points = Vec::new();
    for result in &run.results {
        if result.state == "Completed" {
            points.extend(result.point_id);
        }
    }
    points
}

/// Whether the next step ends the suite.
fn ends_suite(live: &Live) -> bool {
    live.peek().is_none_or(|step| step.phase > Phase::Running)
}

/// How suites are played on one machine.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Showing {
    Live,
    AtTheEnd,
}

impl Showing {
    fn speed(self) -> Option<u32> {
        (self == Self::Live).then_some(SPEED)
    }
}

/// Plays the long suite to its end.
fn play_long(machine: &Machine, shop: &Path, start: Timestamp, showing: Showing) {
    let run = long().start(start);
    let mut live = run.live(&run.folder_in(shop));
    let points = play(&mut live, showing.speed(), |live, ended| {
        ended > 0 && ends_suite(live)
    });
    assert_eq!(points.len(), LONG as usize);
    if showing == Showing::Live {
        wait_for_previews(machine, start, &points);
    }
    live.perform_all().unwrap();
}

/// Plays the suite that crashes, and the one that resumes it.
fn play_short(machine: &Machine, shop: &Path, start: Timestamp, showing: Showing) {
    let crashed = short(0..SHORT).start(start);
    let folder = crashed.folder_in(shop);
    let mut live = crashed.live(&folder);
    let points = play(&mut live, showing.speed(), |_, ended| ended == BEFORE_CRASH);
    if showing == Showing::Live {
        wait_for_previews(machine, start, &points);
    }

    // katalonc is killed; the launcher writes its report of what it has.
    let until_crash = short(0..BEFORE_CRASH as u32).start(start);
    let elsewhere = until_crash
        .write_in(&machine.root().join("elsewhere"))
        .unwrap();
    let report = "JUnit_Report.xml";
    fs::copy(elsewhere.join(report), folder.join(report)).unwrap();
    machine.wait_for_completed(1);

    let again = start + SignedDuration::from_mins(3);
    let resumed = short(BEFORE_CRASH as u32..SHORT).start(again);
    let mut live = resumed.live(&resumed.folder_in(shop));
    let points = play(&mut live, showing.speed(), |live, ended| {
        ended > 0 && ends_suite(live)
    });
    if showing == Showing::Live {
        wait_for_previews(machine, again, &points);
    }
    live.perform_all().unwrap();
}

/// What ADO holds in the end, by the start of each run; without the results of tests that never
/// started, which only a shown suite has.
fn played(start: Timestamp, showing: Showing) -> BTreeMap<String, Value> {
    let machine = Machine::with(world());
    let configuration = match showing {
        Showing::Live => LIVE,
        Showing::AtTheEnd => NOT_LIVE,
    };
    machine.configure(&format!("history = \"all\"\n{configuration}"));
    let cases = cases();
    let cases: Vec<(&str, &str)> = cases.iter().map(|(name, id)| (&**name, &**id)).collect();
    let shop = machine.shop(&cases);
    let service = machine.start();
    service.wait_for_log("found a Katalon project");

    std::thread::scope(|scope| {
        scope.spawn(|| play_long(&machine, &shop, start, showing));
        // Not at the same moment, so that each is known by its start.
        play_short(
            &machine,
            &shop,
            start + SignedDuration::from_secs(5),
            showing,
        );
    });
    machine.wait_for_completed(3);
    service.stop_cleanly();

    let mut held = BTreeMap::new();
    for mut run in machine.ado_runs() {
        assert_eq!(run.state, "Completed");
        run.results
            .retain(|result| result.comment.as_deref() != Some("never started"));
        held.insert(format!("{:?}", run.started), comparable(&run));
    }
    assert_eq!(held.len(), 3, "{held:#?}");
    held
}

#[test]
fn a_watched_suite_of_ten_minutes_is_there_before_its_end_and_ends_as_one_that_was_not_shown() {
    // It ends in the present, as the clock of whoever plays it would have it.
    let start = now() - LENGTH;

    let (shown, not_shown) = std::thread::scope(|scope| {
        let shown = scope.spawn(|| played(start, Showing::Live));
        let not_shown = scope.spawn(|| played(start, Showing::AtTheEnd));
        (shown.join().unwrap(), not_shown.join().unwrap())
    });

    assert_eq!(
        serde_json::to_string_pretty(&shown).unwrap(),
        serde_json::to_string_pretty(&not_shown).unwrap(),
    );
}
