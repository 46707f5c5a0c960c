//! A recorded suite of ten minutes, watched at ten times its speed (`submit.live`): how long after
//! the END of a test in the log its outcome is in Azure DevOps.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use fake_ado::FakeAdo;
use fake_katalon::{Attempt, Live, Phase, Status, SuiteRunWriter, Test};

use crate::FAR;
use crate::machine::{Machine, name};
use crate::report::{Report, Table};

/// How many times faster than it was recorded the suite is played.
const SPEED: u32 = 10;
/// How long it took when it was recorded.
const LENGTH: Duration = Duration::from_secs(10 * 60);
/// Its test cases.
const CASES: u32 = 100;
/// Time between two looks at what the server has.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);
/// After the last test nothing is waited for longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// A test that has just ended, and what its point is to show now.
struct EndedTest {
    at: Instant,
    point: u32,
    outcome: &'static str,
}

/// Each row is one suite.
pub(crate) fn measure(report: &mut Report) {
    let mut table = Table::new(
        "Watched: a suite of ten minutes and 100 tests at ten times its speed",
        &[
            "a request takes",
            "outcomes",
            "median, seconds",
            "worst",
            "overtaken by the next attempt",
            "requests",
        ],
    );

    for delay in [Duration::ZERO, FAR] {
        table.row(&watch(delay));
    }
    report.add(table);
}

fn watch(delay: Duration) -> [String; 6] {
    let machine = Machine::new(CASES, delay);
    machine.configure("history = \"all\"\n[submit]\nlive = true\nkatalon_submits = \"never\"\n");
    let mut service = machine.start(&["run"]);
    sleep(Duration::from_secs(4));

    let run = suite().start(jiff::Timestamp::now() - LENGTH);
    let mut live = run.live(&run.folder_in(&machine.project));
    let (told, ended) = channel();
    let ado = &machine.ado;
    let (mut waits, overtaken) = scope(|scope| {
        let watcher = scope.spawn(move || arrivals(ado, &ended));
        play(&mut live, |test| told.send(test).unwrap());
        drop(told);
        watcher.join().unwrap()
    });
    let requests = machine.ado.requests().len();

    live.perform_all().unwrap();
    while machine.completed() == 0 {
        sleep(BETWEEN_LOOKS);
    }
    service.kill().unwrap();
    service.wait().unwrap();

    waits.sort();
    [
        format!("{} ms", delay.as_millis()),
        waits.len().to_string(),
        seconds(waits.get(waits.len() / 2)),
        seconds(waits.last()),
        overtaken.to_string(),
        requests.to_string(),
    ]
}

/// Some tests fail, and some are retried at once.
fn suite() -> SuiteRunWriter {
    let mut tests = Vec::new();
    for number in 0..CASES {
        let id = name(number);
        tests.push(match number % 10 {
            3 => Test::failed(&id, "Object 'Page/button' is not present").screenshot(),
            5 => Test::passed(&id).after(Attempt::new(Status::Failed, "too early")),
            _ => Test::passed(&id),
        });
    }
    let run = SuiteRunWriter::new("Test Suites/Watched")
        .retries(1)
        .tests(tests);

    let length_at = |pace: u32| {
        let live = run.clone().pace(pace).live(Path::new("Reports"));
        let times: Vec<i64> = live.map(|step| step.millis).collect();
        times.last().unwrap() - times.first().unwrap()
    };
    // What does not depend on the pace is taken out of the account.
    let (at_100, at_200) = (length_at(100), length_at(200));
    let wanted = LENGTH.as_millis() as i64 - (2 * at_100 - at_200);
    run.pace((wanted * 100 / (at_200 - at_100)) as u32)
}

/// The outcomes that the point of a test case shows one after the other.
fn outcomes_of(number: u32) -> VecDeque<&'static str> {
    match number % 10 {
        3 => VecDeque::from(["Failed"]),
        5 => VecDeque::from(["Failed", "Passed"]),
        _ => VecDeque::from(["Passed"]),
    }
}

/// Plays the suite up to its end, and tells each test that ends.
fn play(live: &mut Live, tell: impl Fn(EndedTest)) {
    let begun = Instant::now();
    let first = live.peek().unwrap().millis;
    let mut outcomes: HashMap<u32, VecDeque<&str>> = HashMap::new();

    while let Some(next) = live.peek() {
        if next.phase > Phase::Running {
            break;
        }
        let at = Duration::from_millis((next.millis - first) as u64) / SPEED;
        sleep(at.saturating_sub(begun.elapsed()));
        let step = live.perform_next().unwrap().unwrap();

        if let Some(number) = step.write.ended_case() {
            let left = outcomes
                .entry(number)
                .or_insert_with(|| outcomes_of(number));
            tell(EndedTest {
                at: Instant::now(),
                point: 50_000 + number,
                outcome: left.pop_front().unwrap(),
            });
        }
    }
}

/// How long each outcome took to arrive, and how many never did because the next attempt of the
/// test ended before.
fn arrivals(ado: &FakeAdo, ended: &Receiver<EndedTest>) -> (Vec<Duration>, usize) {
    let mut waits = Vec::new();
    let mut overtaken = 0;
    let mut open: HashMap<u32, EndedTest> = HashMap::new();
    let mut last = Instant::now();

    loop {
        loop {
            match ended.try_recv() {
                Ok(test) => {
                    last = test.at;
                    overtaken += usize::from(open.insert(test.point, test).is_some());
                }
                Err(std::sync::mpsc::TryRecvError::Empty) => break,
                Err(std::sync::mpsc::TryRecvError::Disconnected) => {
                    if open.is_empty() || last.elapsed() > LONGEST_WAIT {
                        return (waits, overtaken);
                    }
                    break;
                }
            }
        }

        let shown = shown(ado);
        let now = Instant::now();
        open.retain(|point, test| {
            let is_there = shown.get(point).is_some_and(|shown| shown == test.outcome);
            if is_there {
                waits.push(now - test.at);
            }
            !is_there
        });
        sleep(BETWEEN_LOOKS);
    }
}

/// The outcome of each point that has one.
fn shown(ado: &FakeAdo) -> HashMap<u32, String> {
    let world = ado.world();
    let mut shown = HashMap::new();
    for result in world.runs().iter().flat_map(|run| &run.results) {
        if result.state == "Completed"
            && let Some(point) = result.point_id
        {
            shown.insert(point, result.outcome.clone());
        }
    }
    shown
}

fn seconds(time: Option<&Duration>) -> String {
    time.map_or_else(String::new, |time| format!("{:.2}", time.as_secs_f64()))
}
