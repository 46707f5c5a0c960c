//! Joins what the files of a run folder say into one [`SuiteRun`].

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::tz::TimeZone;

use crate::katalon::damage::Damage;
use crate::katalon::log::{LogSummary, LogTest};
use crate::katalon::masked::MaskedValues;
use crate::katalon::run::binding::BindingLine;
use crate::katalon::run::execution::Execution;
use crate::katalon::run::junit::Junit;
use crate::katalon::run::timeline;
use crate::katalon::run::{
    EarlierFile, Environment, Iteration, RunFile, RunOptions, SuiteRun, TestResult, VariableValue,
};
use crate::katalon::status::Status;
use crate::katalon::videos::{self, KnownPlaces};
use crate::katalon::witness::{Circumstances, Testimony, hear};

/// What was read from the folder, file by file.
#[derive(Debug)]
pub(crate) struct RunParts {
    /// The execution logs.
    pub log: LogSummary,
    /// `testCaseBinding`.
    pub binding: Vec<BindingLine>,
    /// `execution.properties`.
    pub execution: Execution,
    /// Content of `execution.uuid`.
    pub execution_uuid: Option<String>,
    /// Options of `console.properties`, where they apply.
    pub console_options: RunOptions,
    /// A whole `JUnit_Report.xml`.
    pub report: Option<Junit>,
    /// The zone of this machine.
    pub zone: TimeZone,
    /// Files of the folder.
    pub files: Vec<RunFile>,
    /// Those that are an earlier run's.
    pub earlier_files: Vec<EarlierFile>,
    /// Whether a collection lists the folder.
    pub in_collection: bool,
    /// What of the files beside the log could not be read.
    pub damage: Vec<Damage>,
    /// Warnings of the single files.
    pub warnings: Vec<String>,
}

/// Joins the parts. Nothing can fail: what does not fit together becomes a warning.
pub(crate) fn assemble(parts: RunParts) -> SuiteRun {
    let RunParts {
        mut log,
        binding,
        execution,
        execution_uuid,
        console_options,
        report,
        zone,
        mut files,
        earlier_files,
        in_collection,
        damage: damage_beside_log,
        mut warnings,
    } = parts;

    warnings.append(&mut log.warnings);
    warnings.extend(left_by_another(&earlier_files));
    let environment = environment(&mut log.run_data, &execution);

    // Before anything is made of the results, for the report may correct them.
    let mut damage = std::mem::take(&mut log.damage);
    let testimony = testimony(&mut log, report.as_ref(), &execution, &damage, &zone);

    let suite = log.suite.take().or(execution.suite);
    let suite = suite_or_report(suite, report, &mut warnings);

    let lines = pair(&log.tests, &binding, &mut warnings);
    let is_heard = testimony != Testimony::None;
    let is_complete = damage.is_empty() || is_heard;
    if log.ended.is_some() || is_heard {
        warnings.extend(without_result(binding.len(), log.tests.len(), is_complete));
    }

    let places = if is_complete {
        KnownPlaces::Known
    } else {
        KnownPlaces::Doubtful
    };
    videos::assign(&mut log.tests, &mut files, places);
    files.sort_by(|a, b| a.path.cmp(&b.path));

    // Only now: none of it makes the log's results doubtful.
    damage.extend(damage_beside_log);

    let masked = masked_and_bound(&log.tests, &lines);
    let mut run = SuiteRun {
        suite,
        execution_uuid: execution_uuid.as_deref().and_then(text_in),
        started: log.started,
        ended: log.ended,
        last_record: log.last_record,
        environment,
        status: log.status.unwrap_or(Status::Incomplete),
        tests: results(log.tests, &lines),
        files,
        earlier_files,
        // `execution.properties` speaks of this run, `console.properties` of all runs of the
        // console.
        options: execution.options.or(console_options),
        reruns_left: log.reruns_left,
        in_collection,
        damage,
        differences: testimony.into_differences(),
        warnings,
        masked,
    };
    timeline::put_in_order(&mut run);
    run
}

/// The content of a small file; `None` where it is empty.
fn text_in(file: &str) -> Option<String> {
    let text = file.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// What is said of files that an earlier run left.
fn left_by_another(files: &[EarlierFile]) -> Option<String> {
    let first = files.first()?;
    let more = match files.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "`{}`{more} in the folder: of an earlier run, and not sent before Katalon writes it anew",
        first.path
    ))
}

/// What is said of planned tests that have no result. Katalon ends a suite early where more tests
/// failed than `-maxFailedTests` allows, or where it crashes.
fn without_result(planned: usize, results: usize, is_complete: bool) -> Option<String> {
    let missing = planned.saturating_sub(results);
    if missing == 0 {
        return None;
    }

    Some(if is_complete {
        format!("{missing} of {planned} planned tests never started, so they have no result")
    } else {
        // They may have run in the part that is lost.
        format!("{missing} of {planned} planned tests have no result in what could be read")
    })
}

/// What the report says beside the log, whose results it corrects.
fn testimony(
    log: &mut LogSummary,
    report: Option<&Junit>,
    execution: &Execution,
    damage: &[Damage],
    zone: &TimeZone,
) -> Testimony {
    let Some(report) = report else {
        return Testimony::None;
    };
    let circumstances = Circumstances {
        suite: execution.suite.as_deref(),
        damage,
        zone,
    };
    hear(log, report, circumstances)
}

/// The suite; the report names it where the beginning of the log is lost.
fn suite_or_report(
    suite: Option<String>,
    report: Option<Junit>,
    warnings: &mut Vec<String>,
) -> String {
    let mut suites = report.into_iter().flat_map(|report| report.suites);
    let named = suite.or_else(|| suites.find_map(|suite| suite.id));
    named.unwrap_or_else(|| {
        warnings.push("no file of the folder names the test suite".to_owned());
        String::new()
    })
}

fn environment(run_data: &mut BTreeMap<String, String>, execution: &Execution) -> Environment {
    let mut datum = |name: &str| {
        run_data
            .remove(name)
            .filter(|value| !value.trim().is_empty())
    };
    // Katalon writes its version as `null.null` when it does not know it.
    let recorded_version = datum("katalonVersion").filter(|version| !version.contains("null"));

    Environment {
        host: datum("hostName").or_else(|| execution.host.clone()),
        os: datum("os").or_else(|| execution.os.clone()),
        browser: datum("browser"),
        profile: execution.profile.clone(),
        // The launcher writes its version since 8.2; before that only the log has it.
        katalon_version: execution.katalon_version.clone().or(recorded_version),
        run_configuration: execution.run_configuration.clone(),
        driver: execution.driver.clone(),
        device_os: datum("deviceOS"),
        remote_os: datum("remoteOS"),
        platform: datum("platform"),
        recorded_folder: execution.recorded_folder.clone(),
        running_mode: execution.running_mode.clone(),
    }
}

/// Finds the binding line of each test: by execution id where the log has them (Katalon 11), else
/// by position, which holds as long as test and line name the same test case; where they do not, by
/// the order among equal test cases.
fn pair<'a>(
    tests: &[LogTest],
    lines: &'a [BindingLine],
    warnings: &mut Vec<String>,
) -> Vec<Option<&'a BindingLine>> {
    let mut by_execution: HashMap<&str, Option<&BindingLine>> = HashMap::new();
    let mut by_case: HashMap<&str, VecDeque<&BindingLine>> = HashMap::new();
    for line in lines {
        if let Some(id) = &line.execution_id {
            by_execution.insert(id, Some(line));
        }
        by_case.entry(&line.test_case).or_default().push_back(line);
    }

    // The position was right in 1,407 of the 1,408 ended runs of the corpus; the other one ran no
    // test. Ids of executions, where both have them, in 215 of 215 (`files.md` §5).
    // A line that cannot be read keeps its place.
    let is_in_order = tests
        .iter()
        .zip(lines)
        .all(|(test, line)| line.test_case.is_empty() || test.id == line.test_case);
    if !is_in_order && !tests.iter().any(|test| test.execution_id.is_some()) {
        warnings.push(
            "the log and `testCaseBinding` list tests in different order; iterations were matched \
             by test case"
                .to_owned(),
        );
    }

    let mut pairs = Vec::new();
    for (position, test) in tests.iter().enumerate() {
        let execution_id = test.execution_id.as_deref().unwrap_or_default();
        // An id is that of one execution, so a line is given away once.
        let line = if let Some(line) = by_execution.get_mut(execution_id) {
            line.take()
        } else if is_in_order && position < lines.len() {
            Some(&lines[position])
        } else {
            by_case
                .get_mut(test.id.as_str())
                .and_then(VecDeque::pop_front)
        };

        pairs.push(line);
    }

    pairs
}

/// The results, each with its variables and, where a test case ran several times, its iteration.
fn results(tests: Vec<LogTest>, lines: &[Option<&BindingLine>]) -> Vec<TestResult> {
    // Katalon gives all executions of a test case the same name and id (8,748 of 8,748 results), so
    // only their number tells that a result is one of several.
    let mut executions: HashMap<String, u32> = HashMap::new();
    for test in &tests {
        *executions.entry(test.id.clone()).or_default() += 1;
    }

    let mut started: HashMap<String, u32> = HashMap::new();
    let mut results = Vec::new();
    for (test, line) in tests.into_iter().zip(lines) {
        let number = started.entry(test.id.clone()).or_default();
        *number += 1;

        // What Katalon resolved stands over what was bound.
        let mut variables = match line {
            Some(line) => line.values.clone(),
            None => BTreeMap::new(),
        };
        variables.extend(test.variables);

        let is_one_of_several = executions[&test.id] > 1;
        results.push(TestResult {
            iteration: is_one_of_several
                .then(|| iteration(*number, test.iteration, *line, &variables)),
            id: test.id,
            attempts: test.attempts,
            variables,
            member: 0,
        });
    }
    results
}

/// Values that are bound in clear to variables which the log shows as masked.
fn masked_and_bound(tests: &[LogTest], lines: &[Option<&BindingLine>]) -> MaskedValues {
    let mut masked = MaskedValues::default();
    for (test, line) in tests.iter().zip(lines) {
        let Some(line) = line else {
            continue;
        };

        for (name, value) in &test.variables {
            if *value == VariableValue::Masked
                && let Some(VariableValue::Plain(bound)) = line.values.get(name)
            {
                masked.note(bound);
            }
        }
    }
    masked
}

/// What sets one execution of a test case apart; `recorded` is the value that the log shows.
fn iteration(
    number: u32,
    recorded: Option<String>,
    line: Option<&BindingLine>,
    variables: &BTreeMap<String, VariableValue>,
) -> Iteration {
    let variable = line.and_then(|line| line.iteration_variable.clone());
    let value = match variable.as_ref().and_then(|name| variables.get(name)) {
        // What Katalon masked in one place it may have written in clear in another.
        Some(VariableValue::Masked) => None,
        Some(VariableValue::Plain(bound)) => recorded.or_else(|| Some(bound.clone())),
        Some(VariableValue::Expression(_)) | None => recorded,
    };

    Iteration {
        number,
        value: value.filter(|value| !value.trim().is_empty()),
        variable,
    }
}
