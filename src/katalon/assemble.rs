//! Joins what the files of a run folder say into one [`SuiteRun`].

use std::collections::{BTreeMap, HashMap};

use crate::katalon::log::{LogSummary, LogTest};
use crate::katalon::run::binding::BindingLine;
use crate::katalon::run::execution::Execution;
use crate::katalon::run::{
    Environment, Iteration, RunFile, RunOptions, SuiteRun, TestResult, VariableValue,
};
use crate::katalon::status::Status;

/// What was read from the folder, file by file.
#[derive(Debug, Default)]
pub struct RunParts {
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
    /// Suite id to fall back to, from the report or the folder's path.
    pub suite_hint: Option<String>,
    /// Files of the folder.
    pub files: Vec<RunFile>,
    /// Whether a collection lists the folder.
    pub in_collection: bool,
    /// Warnings of the single files.
    pub warnings: Vec<String>,
}

/// Joins the parts. Nothing can fail: what does not fit together becomes a warning.
pub fn assemble(parts: RunParts) -> SuiteRun {
    let RunParts {
        mut log,
        binding,
        execution,
        execution_uuid,
        console_options,
        ..
    } = parts;
    let mut warnings = parts.warnings;
    warnings.append(&mut log.warnings);
    let environment = environment(&mut log.run_data, &execution);
    let suite = log
        .suite
        .or(execution.suite)
        .or(parts.suite_hint)
        .unwrap_or_default();
    if suite.is_empty() {
        warnings.push("no file of the folder names the test suite".to_owned());
    }
    let places = pair(&log.tests, &binding, &mut warnings);
    if let Some(missing) = binding
        .len()
        .checked_sub(log.tests.len())
        .filter(|missing| *missing > 0 && log.ended.is_some())
    {
        // Katalon ends a suite early where more tests failed than `-maxFailedTests` allows.
        warnings.push(format!(
            "{missing} of {} planned tests never started, so they have no result",
            binding.len()
        ));
    }
    let uuid = execution_uuid
        .map(|uuid| uuid.trim().to_owned())
        .filter(|uuid| !uuid.is_empty());
    let mut files = parts.files;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    SuiteRun {
        suite,
        execution_uuid: uuid,
        started: log.started,
        reruns_left: log.reruns_left,
        ended: log.ended,
        last_record: log.last_record,
        environment,
        status: log.status.unwrap_or(Status::Incomplete),
        tests: tests(log.tests, &places),
        files,
        options: execution.options.or(console_options),
        in_collection: parts.in_collection,
        warnings,
    }
}

fn environment(run_data: &mut BTreeMap<String, String>, execution: &Execution) -> Environment {
    let mut datum = |name: &str| {
        run_data
            .remove(name)
            .filter(|value| !value.trim().is_empty())
    };
    let own = |value: &Option<String>| value.clone();
    // Katalon writes its version as `null.null` when it does not know it.
    let recorded_version = datum("katalonVersion").filter(|version| !version.contains("null"));
    Environment {
        host: datum("hostName").or_else(|| own(&execution.host)),
        os: datum("os").or_else(|| own(&execution.os)),
        browser: datum("browser"),
        profile: own(&execution.profile),
        katalon_version: own(&execution.katalon_version).or(recorded_version),
        run_configuration: own(&execution.run_configuration),
        driver: own(&execution.driver),
        device_os: datum("deviceOS"),
        remote_os: datum("remoteOS"),
        platform: datum("platform"),
        recorded_folder: own(&execution.recorded_folder),
        running_mode: own(&execution.running_mode),
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
    let by_execution: HashMap<&str, &BindingLine> = lines
        .iter()
        .filter_map(|line| Some((line.execution_id.as_deref()?, line)))
        .collect();
    // A line that cannot be read keeps its place.
    let fits = |(test, line): (&LogTest, &BindingLine)| {
        line.test_case.is_empty() || test.id == line.test_case
    };
    let in_order = tests.iter().zip(lines).all(fits);
    if !in_order && !tests.iter().any(|test| test.execution_id.is_some()) {
        let note = "the log and `testCaseBinding` list tests in different order; iterations were matched by test case";
        warnings.push(note.to_owned());
    }
    let mut of_case: HashMap<&str, std::vec::IntoIter<&BindingLine>> = HashMap::new();
    let find = |(position, test): (usize, &LogTest)| {
        let exact = test
            .execution_id
            .as_deref()
            .and_then(|id| by_execution.get(id).copied());
        let line = if in_order { lines.get(position) } else { None };
        exact.or(line).or_else(|| {
            let equal = |id: &str| {
                lines
                    .iter()
                    .filter(|line| line.test_case == id)
                    .collect::<Vec<_>>()
                    .into_iter()
            };
            let queue = of_case.entry(
                lines
                    .iter()
                    .find(|line| line.test_case == test.id)?
                    .test_case
                    .as_str(),
            );
            queue.or_insert_with_key(|id| equal(id)).next()
        })
    };
    tests.iter().enumerate().map(find).collect()
}

fn tests(tests: Vec<LogTest>, places: &[Option<&BindingLine>]) -> Vec<TestResult> {
    let mut executions: HashMap<String, u32> = HashMap::new();
    for test in &tests {
        *executions.entry(test.id.clone()).or_default() += 1;
    }
    let mut seen: HashMap<String, u32> = HashMap::new();
    let join = |(test, line): (LogTest, &Option<&BindingLine>)| {
        let number = seen.entry(test.id.clone()).or_default();
        *number += 1;
        let variables = variables(*line, test.variables);
        let iteration = (executions[&test.id] > 1)
            .then(|| iteration(*number, test.iteration, *line, &variables));
        TestResult {
            id: test.id,
            iteration,
            attempts: test.attempts,
            variables,
            member: 0,
        }
    };
    tests.into_iter().zip(places).map(join).collect()
}

/// Bound values, overridden by what the log says Katalon resolved.
fn variables(
    line: Option<&BindingLine>,
    resolved: BTreeMap<String, VariableValue>,
) -> BTreeMap<String, VariableValue> {
    let mut variables = line.map(|line| line.values.clone()).unwrap_or_default();
    variables.extend(resolved);
    variables
}

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
