//! The execution logs of a run: `execution5.log` … `execution0.log`, read as a stream.
//!
//! A log can be a gigabyte, so nothing of it is kept but the results: the scanner gives one record
//! at a time, the tree folds it into the open nodes, and a test becomes a [`LogTest`] when it
//! closes. Whatever the field has shown is survived: cut records, several documents in one file,
//! stray prologs, a missing start or end, and records that Katalon appends hours after the suite
//! ended (they mean nothing). Texts of results are bounded one by one and in their sum. Reading
//! fails only when the input does.
//!
//! Source: the format is that of `java.util.logging.XMLFormatter` with Katalon's own elements
//! (`CustomXmlFormatter`); the rules of a status are those of `AbstractLogRecord`,
//! `TestCaseLogRecord` and `TestStepLogRecord`. Every log of the corpus (4.1.0 to 11.1.2) gives the
//! statuses that Katalon wrote into the run's own `JUnit_Report.xml`; `tests/it/corpus.rs` compares
//! them.

mod attachment;
mod end;
mod failure;
mod last;
mod oddities;
mod raw;
mod reader;
mod record;
mod scan;
mod tree;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::katalon::damage::Damage;
use crate::katalon::run::{Attempt, VariableValue};
use crate::katalon::status::Status;
use crate::moment::Moment;

pub use attachment::FolderNames;
pub(crate) use end::EndScanner;
pub(crate) use last::last_moment;
pub use reader::LogReader;

/// The newest part of a log, which is the one that grows.
pub(crate) const NEWEST_PART: &str = "execution0.log";

/// What the log of a run says.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct LogSummary {
    /// Id of the suite from its START record; `None` when the log begins later.
    pub suite: Option<String>,
    /// Time of the suite's START record, else of the first record.
    pub started: Option<Moment>,
    /// Time of the END record that closed the suite; `None` while it is open.
    pub ended: Option<Moment>,
    /// Time of the last record, not counting those behind the END of the suite.
    pub last_record: Option<Moment>,
    /// How many more runs follow if this one fails, where failed suites run again as a whole
    /// (Katalon 8.1 and later).
    pub reruns_left: Option<u32>,
    /// The suite's status; `None` when the log has no record.
    pub status: Option<Status>,
    /// Final results in the order in which they started.
    pub tests: Vec<LogTest>,
    /// Data about the run (`hostName`, `os`, `browser`, …), the last value of each.
    pub run_data: BTreeMap<String, String>,
    /// What could not be read, and makes the results doubtful.
    pub damage: Vec<Damage>,
    /// What was odd and costs nothing but itself, in words for a tester.
    pub warnings: Vec<String>,
}

/// One planned execution of a test as the log tells it.
#[derive(Clone, PartialEq, Debug)]
pub struct LogTest {
    /// Id of the test case.
    pub id: String,
    /// Id that the execution shares with its line of `testCaseBinding` (Katalon 11).
    pub execution_id: Option<String>,
    /// Value of the iteration variable, when the log has one.
    pub iteration: Option<String>,
    /// All attempts in order, never empty.
    pub attempts: Vec<Attempt>,
    /// Values of variables that the log tells for the last attempt.
    pub variables: BTreeMap<String, VariableValue>,
}

impl LogTest {
    /// Status of the attempt that counts.
    pub fn status(&self) -> Status {
        self.attempts
            .last()
            .map_or(Status::Incomplete, |attempt| attempt.status)
    }
}

/// The status of a suite: the worst of its tests, in Katalon's order, which is not the order of
/// badness. A suite without tests was skipped, as Katalon's own CSV report says.
pub(crate) fn suite_status(tests: &[LogTest], has_ended: bool) -> Status {
    // Katalon counts what is open at the end of a log as INCOMPLETE, whatever stands in it.
    if !has_ended {
        return Status::Incomplete;
    }
    if tests.is_empty() {
        return Status::Skipped;
    }

    for bad in [Status::Incomplete, Status::Error, Status::Failed] {
        if tests.iter().any(|test| test.status() == bad) {
            return bad;
        }
    }
    Status::Passed
}

/// Message and stack trace of a text in which both stand, as in `JUnit_Report.xml`.
pub(crate) fn texts_of(text: &str) -> (Option<String>, Option<String>) {
    let failure = failure::Failure::of_text(text);
    (failure.message, failure.stack_trace)
}
