//! What is played in a soak: projects, their suite runs, and what should arrive of each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use fake_ado::{Attachment, TestRun, World};
use fake_katalon::{AzureSettings, Sending, SuiteRunWriter, Test, TestCaseFile, Variable};
use jiff::Timestamp;

use super::dice::Dice;
use crate::support::{Machine, PLAN, tc};

/// Projects, each with a test plan of its own: those of one plan are sent one after the other.
pub(super) const PROJECTS: u32 = 12;
/// Test cases, each with a point in every plan.
const CASES: u32 = 6;

/// What should arrive of a run: outcomes, sub-results and pictures by point.
pub(super) struct Expected {
    outcomes: BTreeMap<u32, &'static str>,
    parts: BTreeMap<u32, usize>,
    pictures: BTreeMap<u32, usize>,
}

fn name(project: u32) -> String {
    format!("Shop {project}")
}

const fn point(project: u32, case: u32) -> u32 {
    5000 + project * 100 + case
}

/// The suite of the n-th run of a project; the run is named after it, so that the world tells which
/// is which.
pub(super) fn suite(project: u32, number: usize) -> String {
    format!("Test Suites/{} {number}", name(project))
}

/// The world, with these tokens.
pub(super) fn world(token: &str) -> World {
    let mut world = World::new("acme")
        .token(token)
        .project("Shop")
        .configuration(1, "Any");
    for case in 0..CASES {
        world = world.test_case(2000 + case, "Case");
    }

    for project in 0..PROJECTS {
        world = world
            .plan(PLAN + project, &name(project))
            .suite(100 + project, &name(project));
        for case in 0..CASES {
            world = world.point(point(project, case), 100 + project, 2000 + case, 1);
        }
    }

    world
}

/// Writes a project.
pub(super) fn project(machine: &Machine, project: u32) -> PathBuf {
    let plans = vec![(PLAN + project, name(project))];
    let settings = AzureSettings {
        sending: Sending::All,
        plans,
        ..machine.settings()
    };
    let cases = (0..CASES)
        .map(|case| TestCaseFile::new(&tc(&case.to_string())).azure(&(2000 + case).to_string()));

    machine.project(&name(project), settings, cases)
}

/// The n-th run of a project, and what should arrive of it.
pub(super) fn run(
    dice: &mut Dice,
    project: u32,
    number: usize,
    start: Timestamp,
) -> (SuiteRunWriter, Expected) {
    let mut run = SuiteRunWriter::new(&suite(project, number))
        .start(start)
        .pace(1);
    let mut expected = Expected {
        outcomes: BTreeMap::new(),
        parts: BTreeMap::new(),
        pictures: BTreeMap::new(),
    };
    let first = u32::try_from(dice.below(CASES.into())).unwrap_or(0);

    for offset in 0..1 + u32::try_from(dice.below(3)).unwrap_or(0) {
        let case = (first + offset) % CASES;
        let id = tc(&case.to_string());
        let failing = || Test::failed(&id, "it is not there").screenshot();
        let row = |test: Test, row: &str| test.with_variable(Variable::new("row", row));
        let (tests, outcome, pictures) = match dice.below(5) {
            0 => (vec![failing()], "Failed", 1),
            1 => (
                vec![row(Test::passed(&id), "a"), row(failing(), "b")],
                "Failed",
                1,
            ),
            _ => (vec![Test::passed(&id)], "Passed", 0),
        };
        let point = point(project, case);
        expected.outcomes.insert(point, outcome);
        expected
            .parts
            .insert(point, if tests.len() > 1 { tests.len() } else { 0 });
        expected.pictures.insert(point, pictures);
        run = run.tests(tests);
    }

    (run, expected)
}

/// Every run is in the ledger once and in ADO once, whole.
pub(super) fn check(machine: &Machine, expected: &BTreeMap<String, Expected>, seed: u64) {
    let suites: Vec<String> = machine
        .states()
        .iter()
        .map(|state| state.trim_end_matches(" submitted").to_owned())
        .collect();

    assert_eq!(
        suites.iter().collect::<BTreeSet<_>>(),
        expected.keys().collect(),
        "seed {seed}: lost or invented"
    );
    assert_eq!(
        suites.len(),
        expected.len(),
        "seed {seed}: twice in the ledger"
    );
    let runs = machine.ado_runs();
    let names = || runs.iter().map(|run| &run.name).collect::<Vec<_>>();
    assert_eq!(runs.len(), expected.len(), "seed {seed}: {:?}", names());
    let by_name: BTreeMap<String, &TestRun> = runs
        .iter()
        .map(|run| (format!("Test Suites/{}", run.name), run))
        .collect();
    assert_eq!(
        by_name.len(),
        expected.len(),
        "seed {seed}: one run twice, another not at all"
    );
    for (name, expected) in expected {
        check_run(by_name[name], expected, &format!("seed {seed}: {name}"));
    }
}

fn check_run(run: &TestRun, expected: &Expected, of: &str) {
    assert_eq!(run.state, "Completed", "{of}");
    let outcomes: Vec<_> = run
        .results
        .iter()
        .filter_map(|result| Some((result.point_id?, &*result.outcome)))
        .collect();
    assert_eq!(
        outcomes.len(),
        expected.outcomes.len(),
        "{of}: {outcomes:?}"
    );
    assert_eq!(
        outcomes.into_iter().collect::<BTreeMap<_, _>>(),
        expected.outcomes,
        "{of}"
    );

    for result in &run.results {
        let point = result.point_id.unwrap_or_default();
        assert_eq!(result.state, "Completed", "{of}: point {point}");
        assert_eq!(
            result.sub_results.len(),
            expected.parts[&point],
            "{of}: parts of {point}"
        );
        once(
            &result.attachments,
            expected.pictures[&point],
            &format!("{of}: point {point}"),
        );
    }

    let log = run
        .attachments
        .iter()
        .filter(|file| file.file_name == "execution0.log")
        .count();
    assert_eq!(log, 1, "{of}");

    once(&run.attachments, run.attachments.len(), of);

    let comment = run.comment.as_deref().unwrap_or_default();
    assert!(
        !comment.contains("vanished") && !comment.contains("left out"),
        "{of}: {comment}"
    );
}

/// Every file is there once.
fn once(files: &[Attachment], count: usize, of: &str) {
    let names: BTreeSet<&str> = files.iter().map(|file| file.file_name.as_str()).collect();

    assert_eq!(files.len(), count, "{of}: {names:?}");
    assert_eq!(names.len(), count, "{of}: {names:?}");
}
