//! Many runs under random faults and kills: nothing lost, nothing twice.
//!
//! `KADO_SOAK_RUNS` makes it longer and `KADO_SOAK_SEED` repeats one that failed; the seed is printed.

#![expect(clippy::print_stdout, reason = "a soak says what it was")]
#![expect(clippy::disallowed_methods, reason = "the environment makes it longer")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use fake_ado::{Attachment, Fault, FaultAction, Nth, TestRun, World};
use fake_katalon::{AzureSettings, Sending, SuiteRunWriter, Test, TestCaseFile, Variable};
use jiff::{SignedDuration, Timestamp};

use crate::support::{Machine, PLAN, TOKEN, age, now, tc};

/// Runs in each of the two projects, unless the environment says something else.
const RUNS: usize = 60;
/// Runs that appear at once in each project.
const BATCH: usize = 15;
/// Faults that are planned with each batch.
const FAULTS: usize = 6;
/// Test cases, each with a point in both plans.
const CASES: u32 = 6;
/// Names, plans and first points of the projects.
const PROJECTS: [(&str, u32, u32); 2] = [("Shop", PLAN, 5000), ("Depot", PLAN + 1, 6000)];
/// How often the program is started at the end until nothing waits.
const LAST_TRIES: usize = 20;

/// A run is named after its suite, so that the world tells which is which.
const CONFIGURATION: &str = r#"
history = "all"
runs_from = "any"
late = "send"
[submit]
attach = "all"
test_run_name = "{suite}"
"#;

/// Random numbers that depend on the seed alone.
struct Dice(u64);

impl Dice {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).unwrap_or(0)
    }

    /// Something that passes.
    fn fault(&mut self) -> FaultAction {
        match self.below(11) {
            0 => FaultAction::organization_stopped(),
            1 => FaultAction::throttled(Some(1)),
            2 => FaultAction::DropBefore,
            3 | 4 => FaultAction::DropAfter,
            5 => FaultAction::CutAnswer,
            6 => FaultAction::Delay(self.below(300)),
            7 => FaultAction::DelayAfter(self.below(300)),
            8 => FaultAction::Garbage200,
            9 => FaultAction::StatusAfter { code: 504, headers: Vec::new(), body: Vec::new() },
            _ => FaultAction::AddHeaders(vec![("Retry-After".into(), "1".into())]),
        }
    }

    /// Some faults among the next requests, some aimed at those that write.
    fn faults(&mut self) -> Vec<Fault> {
        let aims = [
            ("*", ""),
            ("POST", "test/runs$"),
            ("PATCH", "/results"),
            ("POST", "attachments"),
            ("PATCH", "test/runs/"),
        ];
        let one = |dice: &mut Self| {
            let (method, path) = aims[dice.index(aims.len())];
            let reach = if path.is_empty() { 150 } else { 30 };
            Fault::new(method, path, Nth::Only(1 + dice.index(reach)), dice.fault())
        };
        (0..FAULTS).map(|_| one(self)).collect()
    }
}

/// What should arrive of a run: outcomes and names of files by point.
struct Expected {
    outcomes: BTreeMap<u32, &'static str>,
    parts: BTreeMap<u32, usize>,
    pictures: BTreeMap<u32, usize>,
}

/// The n-th run of a project, and what should arrive of it.
fn run(
    dice: &mut Dice,
    (name, _, first_point): (&str, u32, u32),
    number: usize,
    start: Timestamp,
) -> (SuiteRunWriter, Expected) {
    let mut run = SuiteRunWriter::new(&suite(name, number)).start(start).pace(1);
    let mut expected = Expected { outcomes: BTreeMap::new(), parts: BTreeMap::new(), pictures: BTreeMap::new() };
    let first = u32::try_from(dice.below(CASES.into())).unwrap_or(0);
    for offset in 0..2 + u32::try_from(dice.below(3)).unwrap_or(0) {
        let case = (first + offset) % CASES;
        let (id, point) = (tc(&case.to_string()), first_point + case);
        let failing = || Test::failed(&id, "it is not there").screenshot();
        let row = |test: Test, row: &str| test.with_variable(Variable::new("row", row));
        let (tests, outcome, pictures) = match dice.below(4) {
            0 => (vec![failing()], "Failed", 1),
            1 => (vec![row(Test::passed(&id), "a"), row(failing(), "b")], "Failed", 1),
            _ => (vec![Test::passed(&id)], "Passed", 0),
        };
        expected.outcomes.insert(point, outcome);
        expected.parts.insert(point, if tests.len() > 1 { tests.len() } else { 0 });
        expected.pictures.insert(point, pictures);
        run = run.tests(tests);
    }
    (run, expected)
}

fn suite(project: &str, number: usize) -> String {
    format!("Test Suites/{project} {number}")
}

fn world() -> World {
    let mut world = World::new("acme").token(TOKEN).project("Shop").configuration(1, "Any");
    for case in 0..CASES {
        world = world.test_case(2000 + case, "Case");
    }
    for (name, plan, first_point) in PROJECTS {
        world = world.plan(plan, name).suite(plan + 100, name);
        for case in 0..CASES {
            world = world.point(first_point + case, plan + 100, 2000 + case, 1);
        }
    }
    world
}

fn project(machine: &Machine, (name, plan, _): (&str, u32, u32)) -> PathBuf {
    let settings = AzureSettings { sending: Sending::All, plans: vec![(plan, name.to_owned())], ..machine.settings() };
    let cases = (0..CASES).map(|case| TestCaseFile::new(&tc(&case.to_string())).azure(&(2000 + case).to_string()));
    machine.project(name, settings, cases)
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn many_runs_under_faults_and_kills_arrive_once_each() {
    let seed = number("KADO_SOAK_SEED", now().as_millisecond().unsigned_abs());
    let runs = usize::try_from(number("KADO_SOAK_RUNS", RUNS as u64 * 2)).unwrap_or(RUNS * 2) / 2;
    println!("KADO_SOAK_SEED={seed} KADO_SOAK_RUNS={}", runs * 2);
    let mut dice = Dice(seed);
    let machine = Machine::with(world());
    machine.configure(CONFIGURATION);
    let folders = PROJECTS.map(|of| project(&machine, of));
    let begin = now() - SignedDuration::from_secs(i64::try_from(runs).unwrap_or(0) + 60);
    let mut expected = BTreeMap::new();
    let mut service = machine.start();
    for from in (0..runs).step_by(BATCH) {
        machine.fake.faults(dice.faults());
        for number in from..runs.min(from + BATCH) {
            for (of, folder) in PROJECTS.into_iter().zip(&folders) {
                let start = begin + SignedDuration::from_secs(i64::try_from(number).unwrap_or(0));
                let (run, all) = run(&mut dice, of, number, start);
                age(&run.write_in(folder).unwrap());
                expected.insert(suite(of.0, number), all);
            }
        }
        sleep(Duration::from_millis(500 + dice.below(2000)));
        match dice.below(4) {
            0 => assert_eq!(service.stop().code, 0),
            1 | 2 => service.kill(),
            _ => continue,
        }
        service = machine.start();
    }
    service.kill();
    for _ in 0..runs / 6 {
        hurried(&machine, &mut dice);
    }
    machine.fake.clear_faults();
    let completed = machine.ado_runs().iter().filter(|run| run.state == "Completed").count();
    println!("{completed} of {} runs were completed under faults", expected.len());
    let left = finish(&machine);
    assert_eq!(left, [""; 0], "seed {seed}");
    check(&machine, &expected, seed);
}

/// `kado run --once`, which puts nothing off for long, under faults and killed after a while.
fn hurried(machine: &Machine, dice: &mut Dice) {
    machine.fake.clear_faults();
    machine.fake.faults(dice.faults());
    let mut command = machine.command(&["run", "--once"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    sleep(Duration::from_millis(2500 + dice.below(4000)));
    let _ = child.kill();
    child.wait().unwrap();
}

/// Starts the program until nothing waits; what is left then.
fn finish(machine: &Machine) -> Vec<String> {
    let mut left = Vec::new();
    for _ in 0..LAST_TRIES {
        machine.kado(&["run", "--once"]);
        left = machine.states().into_iter().filter(|state| !state.ends_with(" submitted")).collect();
        if left.is_empty() {
            break;
        }
    }
    left
}

fn check(machine: &Machine, expected: &BTreeMap<String, Expected>, seed: u64) {
    let suites: Vec<String> =
        machine.states().iter().map(|state| state.trim_end_matches(" submitted").to_owned()).collect();
    assert_eq!(suites.iter().collect::<BTreeSet<_>>(), expected.keys().collect(), "seed {seed}: lost or invented");
    assert_eq!(suites.len(), expected.len(), "seed {seed}: twice in the ledger");
    let runs = machine.ado_runs();
    assert_eq!(runs.len(), expected.len(), "seed {seed}: {:?}", runs.iter().map(|run| &run.name).collect::<Vec<_>>());
    let by_name: BTreeMap<String, &TestRun> =
        runs.iter().map(|run| (format!("Test Suites/{}", run.name), run)).collect();
    assert_eq!(by_name.len(), expected.len(), "seed {seed}: one run twice, another not at all");
    for (name, expected) in expected {
        let run = by_name[name];
        assert_eq!(run.state, "Completed", "seed {seed}: {name}");
        let outcomes: Vec<_> =
            run.results.iter().filter_map(|result| Some((result.point_id?, &*result.outcome))).collect();
        assert_eq!(outcomes.len(), expected.outcomes.len(), "seed {seed}: {name}: {outcomes:?}");
        assert_eq!(outcomes.into_iter().collect::<BTreeMap<_, _>>(), expected.outcomes, "seed {seed}: {name}");
        for result in &run.results {
            let point = result.point_id.unwrap_or_default();
            assert_eq!(result.sub_results.len(), expected.parts[&point], "seed {seed}: {name}: parts of {point}");
            once(&result.attachments, expected.pictures[&point], &format!("seed {seed}: {name}: point {point}"));
        }
        let log = run.attachments.iter().filter(|file| file.file_name == "execution0.log").count();
        assert_eq!(log, 1, "seed {seed}: {name}");
        once(&run.attachments, run.attachments.len(), &format!("seed {seed}: {name}"));
        let comment = run.comment.as_deref().unwrap_or_default();
        assert!(!comment.contains("vanished") && !comment.contains("left out"), "seed {seed}: {name}: {comment}");
    }
    let requests = machine.fake.requests().len();
    println!("{} runs in {requests} requests", runs.len());
}

/// Every file is there once.
fn once(files: &[Attachment], count: usize, of: &str) {
    let names: BTreeSet<&str> = files.iter().map(|file| file.file_name.as_str()).collect();
    assert_eq!((files.len(), names.len()), (count, count), "{of}: {names:?}");
}
