//! What kado remembers of a test from earlier runs, in a line of its result's comment, and what of
//! it is certain enough for ADO's failure type. Pure: `outbox/store/history.rs` reads and keeps it.
//!
//! A test is the same one from run to run by project, suite, test case and iteration. Only results
//! that passed or failed are remembered, and of them only those count whose run ended before this
//! one. What is forgotten makes a line shorter and never wrong: the newest results are kept, so
//! each sentence is about the runs right before this one.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::katalon::run::{Attempt, TestResult};
use crate::katalon::status::Status;
use crate::moment::Moment;
use crate::plan::snapshot::Snapshot;
use crate::stable_number::stable_number;

/// Runs that a line looks back on, this one among them.
const RUNS: usize = 20;
/// Results before this one that anybody asks for.
pub(crate) const LOOKED_AT: usize = RUNS - 1;
/// Runs in a row that a test has to have passed for its failure to be a new issue.
const PASSES_BEFORE_NEW_ISSUE: usize = 10;

/// A test as it is known from run to run: a digest of project, suite, test case and iteration.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct TestSubject(pub i64);

/// How a test ended in an earlier run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PastResult {
    /// When that run ended.
    pub ended: Moment,
    /// How the test ended.
    pub verdict: PastVerdict,
}

/// Whether a test passed. Of one that was skipped or did not end nothing is remembered: it tells
/// neither.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PastVerdict {
    /// PASSED.
    Passed,
    /// FAILED or ERROR.
    Failed {
        /// Digest of the message; `None` where there was none.
        message: Option<i64>,
    },
}

/// What of a test is to be remembered, or asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TestToRemember {
    /// Which test it is.
    pub subject: TestSubject,
    /// When its suite run started: a result of the same suite run is no earlier one.
    pub suite_started: Moment,
    /// How it ended.
    pub verdict: PastVerdict,
}

/// What is remembered of the tests of a run that failed: their earlier results, the newest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct TestMemory(pub HashMap<TestSubject, Vec<PastResult>>);

/// ADO's word for why a test failed (`ado/api.md` §12). It is stored as JSON and sent as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum FailureType {
    /// It never failed before, as far as kado looks back.
    #[serde(rename = "New Issue")]
    New,
    /// It failed in the run before, with the same message.
    #[serde(rename = "Known Issue")]
    Known,
}

impl TestMemory {
    fn of(&self, snapshot: &Snapshot, test: &TestResult) -> &[PastResult] {
        let past = self.0.get(&subject(snapshot, test));
        past.map(Vec::as_slice).unwrap_or_default()
    }
}

impl PastVerdict {
    const fn has_failed(self) -> bool {
        matches!(self, Self::Failed { .. })
    }

    /// How an attempt ended; `None` where it tells neither.
    fn of(attempt: &Attempt) -> Option<Self> {
        match attempt.status {
            Status::Passed => Some(Self::Passed),
            Status::Failed | Status::Error => Some(Self::Failed {
                message: attempt.message.as_deref().map(digest),
            }),
            Status::Incomplete | Status::Skipped => None,
        }
    }
}

/// What a run adds to the memory: each test once, with its worst result, because the same test may
/// stand in a suite twice.
pub(crate) fn to_remember(snapshot: &Snapshot) -> Vec<TestToRemember> {
    let mut places: HashMap<TestSubject, usize> = HashMap::new();
    let mut tests: Vec<TestToRemember> = Vec::new();

    for test in &snapshot.run.tests {
        let Some(verdict) = PastVerdict::of(test.last()) else {
            continue;
        };
        let test = TestToRemember {
            subject: subject(snapshot, test),
            suite_started: suite_started(snapshot, test),
            verdict,
        };

        match places.get(&test.subject) {
            Some(place) if verdict.has_failed() => tests[*place] = test,
            Some(_) => {}
            None => {
                places.insert(test.subject, tests.len());
                tests.push(test);
            }
        }
    }
    tests
}

/// The tests of a run whose earlier results are asked for: those that failed. None where nobody
/// wants to know.
pub(crate) fn to_recall(snapshot: &Snapshot) -> Vec<TestToRemember> {
    let options = &snapshot.options;
    if !options.history_line && !options.failure_type {
        return Vec::new();
    }

    let mut tests = to_remember(snapshot);
    tests.retain(|test| test.verdict.has_failed());
    tests
}

/// The line about the result of these tests, of which `deciding` is the one whose error text it
/// has; `None` where there is nothing to say.
pub(super) fn line(
    snapshot: &Snapshot,
    memory: &TestMemory,
    tests: &[&TestResult],
    deciding: &TestResult,
) -> Option<String> {
    if !snapshot.options.history_line {
        return None;
    }

    match deciding.status() {
        Status::Failed | Status::Error => {
            let text = of_failure(memory.of(snapshot, deciding), snapshot.ended())?;
            Some(match tests {
                [_] => text,
                // One of several: it is said of which.
                _ => format!("{} {text}", name_among(tests, deciding)),
            })
        }
        Status::Passed if tests.len() == 1 => of_retries(deciding),
        Status::Passed | Status::Skipped | Status::Incomplete => None,
    }
}

/// The failure type of the result of these tests, where that is wanted and certain: all that failed
/// agree in it.
pub(super) fn failure_type(
    snapshot: &Snapshot,
    memory: &TestMemory,
    tests: &[&TestResult],
) -> Option<FailureType> {
    if !snapshot.options.failure_type {
        return None;
    }

    let mut agreed = None;
    for test in tests {
        let failed = match PastVerdict::of(test.last()) {
            Some(verdict @ PastVerdict::Failed { .. }) => verdict,
            Some(PastVerdict::Passed) | None => continue,
        };

        let of_test = failure_type_of(memory.of(snapshot, test), failed)?;
        if agreed.is_some_and(|agreed| agreed != of_test) {
            return None;
        }
        agreed = Some(of_test);
    }
    agreed
}

fn failure_type_of(past: &[PastResult], now: PastVerdict) -> Option<FailureType> {
    let newest = past.first()?;

    // Without a message nothing says that it is the same issue.
    let has_message = matches!(now, PastVerdict::Failed { message: Some(_) });
    if has_message && newest.verdict == now {
        return Some(FailureType::Known);
    }

    let never_failed = past.iter().all(|result| !result.verdict.has_failed());
    let is_new = never_failed && past.len() >= PASSES_BEFORE_NEW_ISSUE;
    is_new.then_some(FailureType::New)
}

/// What is said of a test that failed in a run that ended at `now`; `past` has the newest first.
fn of_failure(past: &[PastResult], now: Moment) -> Option<String> {
    // A memory of one run says nothing.
    if past.len() < 2 {
        return None;
    }

    let runs = past.len() + 1;
    let failed_before = past
        .iter()
        .filter(|result| result.verdict.has_failed())
        .count();
    let streak = past
        .iter()
        .take_while(|result| result.verdict.has_failed() == past[0].verdict.has_failed())
        .count();

    let counts = format!("failed {} of the last {runs} runs", failed_before + 1);
    Some(match (past[0].verdict.has_failed(), streak) {
        (false, passes) if failed_before == 0 => format!("passed before for {passes} runs"),
        // A single pass between failures is no time without them.
        (false, 1) => counts,
        (false, passes) => format!("passed before for {passes} runs, {counts}"),
        // Since when is known only where a pass stands before.
        (true, failures) if failures == past.len() => counts,
        (true, failures) => {
            let since = day(past[failures - 1].ended, now);
            format!("fails since {since}, {counts}")
        }
    })
}

/// What is said of a test that passed, but not at once.
fn of_retries(test: &TestResult) -> Option<String> {
    let retries = test.attempts.len() - 1;
    (retries > 0).then(|| format!("passed on retry {retries}"))
}

/// The day of a moment in UTC, such as `24 Nov`; with the year where that is not the one of `now`.
fn day(moment: Moment, now: Moment) -> String {
    let utc = |moment: Moment| Timestamp::from_millisecond(moment.millis()).unwrap_or_default();
    let day = utc(moment);
    let is_of_this_year = day.strftime("%Y").to_string() == utc(now).strftime("%Y").to_string();
    let form = if is_of_this_year {
        "%-d %b"
    } else {
        "%-d %b %Y"
    };
    day.strftime(form).to_string()
}

/// What one of several executions is called; the value of an iteration may be a secret, so only its
/// number stands here.
fn name_among(tests: &[&TestResult], one: &TestResult) -> String {
    let has_same_id = tests.iter().all(|test| test.id == one.id);
    match &one.iteration {
        Some(iteration) if has_same_id => format!("iteration {}", iteration.number),
        Some(iteration) => format!("{}, iteration {},", one.name(), iteration.number),
        None => one.name().to_owned(),
    }
}

/// Which test it is. Of a collection that is one run each member is its own suite.
fn subject(snapshot: &Snapshot, test: &TestResult) -> TestSubject {
    let suite = match snapshot.member_of(test) {
        Some(member) => &member.suite,
        None => &snapshot.run.suite,
    };
    let iteration = test.iteration.as_ref().map_or(0, |one| one.number);

    let mut hasher = blake3::Hasher::new_derive_key("kado 2026-11 test subject v1");
    for text in [&snapshot.root(), suite, &test.id] {
        // With their lengths, so that no two lists of texts look alike.
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.update(&iteration.to_le_bytes());
    TestSubject(stable_number(&hasher).cast_signed())
}

fn suite_started(snapshot: &Snapshot, test: &TestResult) -> Moment {
    let of_member = snapshot
        .member_of(test)
        .and_then(|member| member.identity.as_ref());
    of_member.map_or_else(|| snapshot.started(), |identity| identity.started)
}

/// A number that SQLite can keep, which has a sign there.
fn digest(text: &str) -> i64 {
    stable_number(blake3::Hasher::new().update(text.as_bytes())).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::run::Iteration;
    use crate::katalon::settings::AzureSettings;
    use crate::plan::sample;

    const NOW: &str = "2026-11-30T12:00:00Z";

    /// Past results, the newest first, one each day before [`NOW`]: `.` passed, another letter
    /// failed with a message of its own.
    fn past(verdicts: &str) -> Vec<PastResult> {
        let now = Moment::parse(NOW).unwrap();
        let mut results = Vec::new();
        for (days, letter) in (1..).zip(verdicts.chars()) {
            results.push(PastResult {
                ended: now.minus(std::time::Duration::from_secs(days * 24 * 3600)),
                verdict: match letter {
                    '.' => PastVerdict::Passed,
                    '-' => PastVerdict::Failed { message: None },
                    other => PastVerdict::Failed {
                        message: Some(digest(&other.to_string())),
                    },
                },
            });
        }
        results
    }

    #[test]
    fn each_history_of_a_failure_has_its_words() {
        for (verdicts, words) in [
            ("", None),
            (".", None),
            ("x", None),
            ("..", Some("passed before for 2 runs")),
            ("............", Some("passed before for 12 runs")),
            (".x", Some("failed 2 of the last 3 runs")),
            (
                "x.",
                Some("fails since 29 Nov, failed 2 of the last 3 runs"),
            ),
            ("xx", Some("failed 3 of the last 3 runs")),
            (
                "xxxxxx.",
                Some("fails since 24 Nov, failed 7 of the last 8 runs"),
            ),
            (
                "..x..x..x",
                Some("passed before for 2 runs, failed 4 of the last 10 runs"),
            ),
            (".x...x...x.........", Some("failed 4 of the last 20 runs")),
        ] {
            let said = of_failure(&past(verdicts), Moment::parse(NOW).unwrap());

            assert_eq!(said.as_deref(), words, "{verdicts:?}");
        }
    }

    #[test]
    fn a_day_of_another_year_has_its_year() {
        let now = Moment::parse("2026-01-02T00:30:00Z").unwrap();
        let day_of = |text| day(Moment::parse(text).unwrap(), now);

        assert_eq!(day_of("2026-01-01T23:59:59Z"), "1 Jan");
        assert_eq!(day_of("2025-12-31T23:59:59Z"), "31 Dec 2025");
        // In UTC, wherever kado runs.
        assert_eq!(day_of("2026-01-01T00:30:00+02:00"), "31 Dec 2025");
    }

    #[test]
    fn a_failure_type_is_set_only_where_it_is_certain() {
        let failed = PastVerdict::Failed {
            message: Some(digest("x")),
        };
        for (verdicts, expected) in [
            ("", None),
            (".........", None),
            ("..........", Some(FailureType::New)),
            ("..........x", None),
            ("x", Some(FailureType::Known)),
            ("x..........", Some(FailureType::Known)),
            ("y..........", None),
            ("-", None),
            (".x", None),
        ] {
            assert_eq!(
                failure_type_of(&past(verdicts), failed),
                expected,
                "{verdicts:?}"
            );
        }

        let silent = PastVerdict::Failed { message: None };
        assert_eq!(failure_type_of(&past("-"), silent), None);
    }

    /// A run of these tests, of which each has this past.
    fn run_with_past(tests: &[TestResult], verdicts: &str) -> (Snapshot, TestMemory) {
        let mut run = sample::run("Smoke", 0, 9000);
        run.ended = Moment::parse(NOW).ok();
        run.tests = tests.to_vec();
        let mut snapshot = sample::snapshot(run, &AzureSettings::default());
        snapshot.options.history_line = true;
        snapshot.options.failure_type = true;

        let mut memory = TestMemory::default();
        for test in tests {
            let subject = subject(&snapshot, test);
            memory.0.insert(subject, past(verdicts));
        }
        (snapshot, memory)
    }

    fn iteration(name: &str, number: u32) -> TestResult {
        TestResult {
            iteration: Some(Iteration {
                number,
                value: Some("Prague".to_owned()),
                variable: None,
            }),
            ..sample::test(name, 0, &[Status::Failed])
        }
    }

    #[test]
    fn of_several_tests_it_is_said_which_of_them_the_history_is_of() {
        let alone = sample::test("A", 0, &[Status::Failed]);
        let other = sample::test("B", 0, &[Status::Failed]);
        let (first, second) = (iteration("A", 1), iteration("A", 2));

        for (tests, words) in [
            (vec![&alone], "passed before for 2 runs"),
            (vec![&alone, &other], "A passed before for 2 runs"),
            (
                vec![&first, &second],
                "iteration 1 passed before for 2 runs",
            ),
            (
                vec![&first, &other],
                "A, iteration 1, passed before for 2 runs",
            ),
        ] {
            let all: Vec<TestResult> = tests.iter().map(|test| (*test).clone()).collect();
            let (snapshot, memory) = run_with_past(&all, "..");

            let line = line(&snapshot, &memory, &tests, tests[0]);

            assert_eq!(line.as_deref(), Some(words));
        }
    }

    #[test]
    fn only_one_test_that_passed_has_its_retries_told_and_nobody_else_anything() {
        let retried = sample::test("A", 0, &[Status::Failed, Status::Passed]);
        let passed = sample::test("B", 0, &[Status::Passed]);
        let skipped = sample::test("C", 0, &[Status::Skipped]);
        let all = [retried.clone(), passed.clone(), skipped.clone()];
        let (mut snapshot, memory) = run_with_past(&all, "..");

        let alone = line(&snapshot, &memory, &[&retried], &retried);
        let one_of_two = line(&snapshot, &memory, &[&retried, &passed], &retried);
        let at_once = line(&snapshot, &memory, &[&passed], &passed);
        let not_run = line(&snapshot, &memory, &[&skipped], &skipped);
        snapshot.options.history_line = false;
        let unwanted = line(&snapshot, &memory, &[&retried], &retried);

        assert_eq!(alone.as_deref(), Some("passed on retry 1"));
        for nothing in [one_of_two, at_once, not_run, unwanted] {
            assert_eq!(nothing, None);
        }
    }

    #[test]
    fn a_result_has_a_failure_type_where_all_of_it_that_failed_agree() {
        let one = sample::test("A", 0, &[Status::Failed]);
        let other = sample::test("B", 0, &[Status::Failed]);
        let passed = sample::test("C", 0, &[Status::Passed]);
        let all = [one.clone(), other.clone(), passed.clone()];
        let (mut snapshot, mut memory) = run_with_past(&all, "..........");

        let agreed = failure_type(&snapshot, &memory, &[&one, &passed, &other]);
        let only_passed = failure_type(&snapshot, &memory, &[&passed]);
        let mut known = past("x..........");
        known[0].verdict = PastVerdict::of(other.last()).unwrap();
        memory.0.insert(subject(&snapshot, &other), known);
        let differing = failure_type(&snapshot, &memory, &[&one, &other]);
        let of_other = failure_type(&snapshot, &memory, &[&other]);
        snapshot.options.failure_type = false;
        let unwanted = failure_type(&snapshot, &memory, &[&one]);

        assert_eq!(agreed, Some(FailureType::New));
        assert_eq!(of_other, Some(FailureType::Known));
        for none in [only_passed, differing, unwanted] {
            assert_eq!(none, None);
        }
    }

    #[test]
    fn only_what_failed_is_recalled_and_only_where_somebody_wants_to_know() {
        let failed = sample::test("A", 0, &[Status::Error]);
        let passed = sample::test("B", 0, &[Status::Passed]);
        let (mut snapshot, _) = run_with_past(&[failed, passed], "");
        let recalled = |snapshot: &Snapshot| to_recall(snapshot).len();

        assert_eq!(recalled(&snapshot), 1);
        snapshot.options.history_line = false;
        assert_eq!(recalled(&snapshot), 1);
        snapshot.options.failure_type = false;
        assert_eq!(recalled(&snapshot), 0);
    }

    #[test]
    fn a_test_is_the_same_one_by_project_suite_case_and_iteration_alone() {
        let mut snapshot = sample::snapshot(sample::run("Smoke", 0, 9), &AzureSettings::default());
        let test = sample::test("A", 0, &[Status::Passed]);
        let mut second = test.clone();
        second.iteration = Some(Iteration {
            number: 2,
            value: Some("Prague".to_owned()),
            variable: None,
        });
        let known = subject(&snapshot, &test);

        assert_eq!(
            known,
            subject(&snapshot, &sample::test("A", 5, &[Status::Failed]))
        );
        assert_ne!(
            known,
            subject(&snapshot, &sample::test("B", 0, &[Status::Passed]))
        );
        assert_ne!(known, subject(&snapshot, &second));
        snapshot.project_root = "/other".to_owned();
        assert_ne!(known, subject(&snapshot, &test));
        snapshot.project_root = "/shop".to_owned();
        snapshot.run.suite = "Test Suites/Other".to_owned();
        assert_ne!(known, subject(&snapshot, &test));
    }

    #[test]
    fn a_test_that_stands_in_a_suite_twice_is_remembered_by_its_worst() {
        let mut run = sample::run("Smoke", 0, 9000);
        run.tests = vec![
            sample::test("A", 0, &[Status::Passed]),
            sample::test("A", 5, &[Status::Failed]),
            sample::test("A", 6, &[Status::Passed]),
            sample::test("B", 7, &[Status::Skipped]),
        ];
        let snapshot = sample::snapshot(run, &AzureSettings::default());

        let remembered = to_remember(&snapshot);

        assert_eq!(remembered.len(), 1);
        assert!(remembered[0].verdict.has_failed());
    }
}
