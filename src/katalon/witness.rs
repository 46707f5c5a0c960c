//! Two witnesses: what the log says of a run, and Katalon's own account beside it.
//!
//! The log is what results are read from. `JUnit_Report.xml` is believed where the log is damaged
//! or where the two differ, because Katalon wrote it with the whole log in memory; over the corpus
//! the two never differ where the log is whole. Each difference is kept as data and named to
//! people.
//!
//! A report folder that is used again (`-reportFolder`, fixed paths) holds the report of the run
//! before until Katalon writes the new one. Such a report is no witness: it has to name the same
//! suite, and a start that fits the log's.

use std::collections::HashMap;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::katalon::damage::{Damage, DamageKind};
use crate::katalon::log::{self, LogSummary, LogTest};
use crate::katalon::run::Attempt;
use crate::katalon::run::difference::Difference;
use crate::katalon::run::junit::{Junit, JunitCase, JunitSuite, JunitTime};
use crate::katalon::status::Status;
use crate::moment::Moment;

/// Zones differ from UTC by whole quarters of an hour.
const QUARTER: i64 = 15 * 60 * 1000;

/// No zone is further from UTC than this, with summer time.
const FURTHEST_ZONE: i64 = 15 * 60 * 60 * 1000;

/// The report has whole seconds, cut or rounded.
const TO_THE_SECOND: i64 = 1000;

/// What came of hearing the report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Testimony {
    /// There is no report, or it is of another run.
    None,
    /// It is of this run; where it says something else than the log.
    Heard(Vec<Difference>),
}

impl Testimony {
    /// Where the report says something else than the log.
    pub(crate) fn into_differences(self) -> Vec<Difference> {
        match self {
            Self::Heard(differences) => differences,
            Self::None => Vec::new(),
        }
    }
}

/// What the run's other files say of it, for a report that has to be recognised.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances<'a> {
    /// Id of the suite by `execution.properties`, where that is known.
    pub suite: Option<&'a str>,
    /// What of the log could not be read.
    pub damage: &'a [Damage],
    /// The zone of this machine, for local times of a report without a log.
    pub zone: &'a TimeZone,
}

/// Whether a report is about the run that this log began, as far as the log tells it.
pub(crate) fn is_of_run(report: &JunitSuite, suite: Option<&str>, started: Option<Moment>) -> bool {
    if let (Some(named), Some(suite)) = (&report.id, suite)
        && named != suite
    {
        return false;
    }

    match (report.started, started) {
        (Some(JunitTime::Instant(reported)), Some(started)) => {
            let apart = reported.millis().saturating_sub(started.millis());
            apart.abs() <= TO_THE_SECOND
        }
        (Some(JunitTime::Local(reported)), Some(started)) => {
            let Ok(reported) = reported.to_zoned(TimeZone::UTC) else {
                return false;
            };
            let apart = reported
                .timestamp()
                .as_millisecond()
                .saturating_sub(started.millis());

            // What is left when the zone is taken away, whichever it is.
            let beside_the_zone = (apart + QUARTER / 2).rem_euclid(QUARTER) - QUARTER / 2;
            apart.abs() <= FURTHEST_ZONE && beside_the_zone.abs() <= TO_THE_SECOND
        }
        // Where one of them names no time, nothing speaks against it.
        (None, _) | (_, None) => true,
    }
}

/// Hears the report: compares it with the log, and where they differ or the log is damaged puts
/// what the report says into the log's results.
pub(crate) fn hear(
    log: &mut LogSummary,
    report: &Junit,
    circumstances: Circumstances<'_>,
) -> Testimony {
    let Some(report) = of_run(log, report, circumstances) else {
        return Testimony::None;
    };

    // Of two runs that a merge mixed into one log, nobody knows which record belongs to which.
    if is_mixed(circumstances.damage) {
        log.tests.clear();
        log.last_record = None;
        log.ended = None;
    }

    let log_is_whole = circumstances.damage.is_empty();
    let has_log = log.last_record.is_some();
    let mut differences = differences(&log.tests, report);

    // The usual case. The log knows more of each result than the report, so it stays as it is.
    if differences.is_empty() && log_is_whole && has_log {
        return Testimony::Heard(differences);
    }

    if !has_log {
        differences = vec![Difference::ReportAlone];
        begin_with(log, report, circumstances.zone);
    }

    let results = std::mem::take(&mut log.tests);
    log.tests = merged(results, report, log.started, log_is_whole);
    // What the log made of the suite was made of results that have changed.
    log.status = Some(log::suite_status(&log.tests, log.ended.is_some()));
    Testimony::Heard(differences)
}

/// The report's suite that is this run.
fn of_run<'r>(
    log: &LogSummary,
    report: &'r Junit,
    circumstances: Circumstances<'_>,
) -> Option<&'r JunitSuite> {
    // Without the suite's START record the first record is somewhere in the middle; in a mixed log
    // it may be that of the other run.
    let told_by_log = log.suite.is_some() && !is_mixed(circumstances.damage);
    let suite = match circumstances.suite {
        Some(suite) => Some(suite),
        None if told_by_log => log.suite.as_deref(),
        None => None,
    };
    let started = if told_by_log { log.started } else { None };

    report
        .suites
        .iter()
        .find(|reported| is_of_run(reported, suite, started))
}

fn is_mixed(damage: &[Damage]) -> bool {
    damage
        .iter()
        .any(|damage| damage.kind == DamageKind::ConflictMarkers)
}

/// Gives a run without a log the times of its report.
fn begin_with(log: &mut LogSummary, report: &JunitSuite, zone: &TimeZone) {
    let started = match report.started {
        Some(JunitTime::Instant(started)) => Some(started),
        Some(JunitTime::Local(local)) => local
            .to_zoned(zone.clone())
            .ok()
            .map(|zoned| Moment::from_millis(zoned.timestamp().as_millisecond())),
        None => None,
    };

    // Its suite took at least as long as its tests did.
    let took = report.millis.unwrap_or_else(|| {
        let of_cases = report.cases.iter().filter_map(|case| case.millis);
        of_cases.sum()
    });

    log.suite = report.id.clone();
    log.started = started;
    log.last_record = started.map(|started| started.plus(Duration::from_millis(took)));
}

/// Compares the final attempts, test by test; the n-th of a name with the n-th of that name.
fn differences(tests: &[LogTest], report: &JunitSuite) -> Vec<Difference> {
    let in_log = Occurrences::of(tests.iter().map(|test| test.id.as_str()));
    let mut differences = Vec::new();

    let mut number = Counter::default();
    for case in &report.cases {
        // A word that is none of Katalon's says nothing.
        let Some(reported) = case.known_status() else {
            continue;
        };
        match in_log.place(&case.name, number.next(&case.name)) {
            Some(place) if tests[place].status() == reported => {}
            Some(place) => differences.push(Difference::Status {
                test: case.name.clone(),
                log: tests[place].status(),
                report: reported,
            }),
            None => differences.push(Difference::OnlyInReport {
                test: case.name.clone(),
                report: reported,
            }),
        }
    }

    for (test, is_reported) in tests.iter().zip(in_report(tests, report)) {
        if !is_reported {
            differences.push(Difference::OnlyInLog {
                test: test.id.clone(),
                log: test.status(),
            });
        }
    }
    differences
}

/// For each result of the log, whether the report has it as well.
fn in_report(tests: &[LogTest], report: &JunitSuite) -> Vec<bool> {
    let reported = Occurrences::of(report.cases.iter().map(|case| case.name.as_str()));
    let mut number = Counter::default();
    let mut both = Vec::with_capacity(tests.len());

    for test in tests {
        let place = reported.place(&test.id, number.next(&test.id));
        both.push(place.is_some());
    }
    both
}

/// The results of both, in the report's order; what only the log has stays behind what it followed.
fn merged(
    results: Vec<LogTest>,
    report: &JunitSuite,
    started: Option<Moment>,
    log_is_whole: bool,
) -> Vec<LogTest> {
    // The names are needed while the results move.
    let names: Vec<String> = results.iter().map(|test| test.id.clone()).collect();
    let in_log = Occurrences::of(names.iter().map(String::as_str));
    let is_reported = in_report(&results, report);
    let mut waiting: Vec<Option<LogTest>> = results.into_iter().map(Some).collect();
    let mut merged: Vec<LogTest> = Vec::with_capacity(waiting.len());
    let mut next_of_log = 0;

    let mut number = Counter::default();
    for case in &report.cases {
        match in_log.place(&case.name, number.next(&case.name)) {
            Some(place) => {
                for earlier in next_of_log..place {
                    if !is_reported[earlier] {
                        merged.extend(waiting[earlier].take());
                    }
                }
                next_of_log = next_of_log.max(place + 1);

                if let Some(mut test) = waiting[place].take() {
                    correct(&mut test, case, log_is_whole);
                    merged.push(test);
                }
            }
            None => {
                let begins = merged.last().and_then(end_of).or(started);
                merged.extend(test_of(case, begins.unwrap_or_default()));
            }
        }
    }

    merged.extend(waiting.into_iter().flatten());
    merged
}

/// Puts what the report says over the attempt that counts.
fn correct(test: &mut LogTest, case: &JunitCase, log_is_whole: bool) {
    let Some(attempt) = test.attempts.last_mut() else {
        return;
    };
    let Some(status) = case.known_status() else {
        return;
    };

    // The log's texts and times are the better ones where there is no reason to doubt them.
    if log_is_whole && attempt.status == status {
        return;
    }

    attempt.status = status;
    if let Some(failure) = &case.failure {
        (attempt.message, attempt.stack_trace) = log::texts_of(failure);
    } else if status == Status::Passed {
        attempt.message = None;
        attempt.stack_trace = None;
    }
    if let Some(millis) = case.millis {
        attempt.ended = Some(attempt.started.plus(Duration::from_millis(millis)));
    }
}

/// A result that only the report has; it has no start of its own there.
fn test_of(case: &JunitCase, begins: Moment) -> Option<LogTest> {
    let status = case.known_status()?;
    let (message, stack_trace) = case
        .failure
        .as_deref()
        .map(log::texts_of)
        .unwrap_or_default();

    Some(LogTest {
        id: case.name.clone(),
        execution_id: None,
        iteration: None,
        attempts: vec![Attempt {
            status,
            started: begins,
            ended: case
                .millis
                .map(|millis| begins.plus(Duration::from_millis(millis))),
            message,
            stack_trace,
            attachments: Vec::new(),
            foreign_attachments: Vec::new(),
        }],
        variables: std::collections::BTreeMap::new(),
    })
}

fn end_of(test: &LogTest) -> Option<Moment> {
    let attempt = test.attempts.last()?;
    Some(attempt.ended.unwrap_or(attempt.started))
}

/// Where the n-th execution of each test case stands.
struct Occurrences<'a>(HashMap<(&'a str, usize), usize>);

impl<'a> Occurrences<'a> {
    fn of(names: impl Iterator<Item = &'a str>) -> Self {
        let mut number = Counter::default();
        let mut places = HashMap::new();
        for (place, name) in names.enumerate() {
            places.insert((name, number.next(name)), place);
        }
        Self(places)
    }

    fn place(&self, name: &str, number: usize) -> Option<usize> {
        self.0.get(&(name, number)).copied()
    }
}

/// Counts how often each name was met.
#[derive(Default)]
struct Counter<'a>(HashMap<&'a str, usize>);

impl<'a> Counter<'a> {
    fn next(&mut self, name: &'a str) -> usize {
        let count = self.0.entry(name).or_default();
        *count += 1;
        *count
    }
}
