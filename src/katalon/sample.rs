//! Test support: a run, built in one place for the tests of every folder above.

#[cfg(test)]
use crate::katalon::masked::MaskedValues;
#[cfg(test)]
use crate::katalon::run::{Environment, RunOptions, SuiteRun};
use crate::katalon::status::Status;
use crate::moment::Moment;

/// A run of `Test Suites/<suite>` without tests on the machine `agent`, from `start` to `end` in
/// milliseconds.
pub(crate) fn run(suite: &str, start: i64, end: i64) -> SuiteRun {
    let environment = Environment {
        host: Some("agent".to_owned()),
        ..Environment::default()
    };

    SuiteRun {
        suite: format!("Test Suites/{suite}"),
        execution_uuid: None,
        started: Some(Moment::from_millis(start)),
        ended: Some(Moment::from_millis(end)),
        last_record: Some(Moment::from_millis(end)),
        environment,
        status: Status::Passed,
        tests: Vec::new(),
        files: Vec::new(),
        earlier_files: Vec::new(),
        options: RunOptions::default(),
        reruns_left: None,
        damage: Vec::new(),
        differences: Vec::new(),
        in_collection: false,
        warnings: Vec::new(),
        masked: MaskedValues::default(),
    }
}
