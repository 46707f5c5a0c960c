//! `JUnit_Report.xml`: the sign that Katalon's launcher is done with a run, and its own account of
//! the results.
//!
//! The log has more (attempts, times, files, iterations), so results are read from it; the report
//! is the second witness (`katalon::witness`). Versions 6.2 and 6.3 write none. Of a retried test
//! it has the last attempt only, and no test has a start of its own (`katalon/files.md` §7: 1,576
//! reports).

use jiff::civil::DateTime;

use crate::katalon::status::Status;
use crate::katalon::terminal::without_sequences;
use crate::katalon::text::short_name;
use crate::katalon::url_secrets::without_users;
use crate::katalon::xml::{self, Node, XmlError, attribute, ends_in};
use crate::moment::Moment;

/// Test cases that are read, of all suites together.
const MOST_CASES: usize = 100_000;
/// Suites that are read; the report of a collection has one for each member.
const MOST_SUITES: usize = 1_000;

/// A whole report.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Junit {
    /// Its suites; one, but in the report of a collection.
    pub suites: Vec<JunitSuite>,
}

/// A `<testsuite>`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct JunitSuite {
    /// Id of the suite, `Test Suites/…`.
    pub id: Option<String>,
    /// Status of the suite (11.1.3 and later).
    pub status: Option<String>,
    /// When it started, to the second or finer.
    pub started: Option<JunitTime>,
    /// How long it took, in milliseconds.
    pub millis: Option<u64>,
    /// Its test cases in order; of retried tests only the last attempt.
    pub cases: Vec<JunitCase>,
}

/// The `timestamp` of a suite.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JunitTime {
    /// Local time of the executing machine, whose zone nobody wrote down (before 10.3).
    Local(DateTime),
    /// An instant (10.3 and later).
    Instant(Moment),
}

/// A `<testcase>`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JunitCase {
    /// Id of the test case.
    pub name: String,
    /// Katalon's status word.
    pub status: Option<String>,
    /// How long it took, in milliseconds; missing on one in twelve.
    pub millis: Option<u64>,
    /// `message` of its `<failure>` or `<error>`: message and stack trace as in the log.
    pub failure: Option<String>,
}

impl JunitCase {
    /// Its status, where it is one of Katalon's words. Without the word a failure tells it.
    pub(crate) fn known_status(&self) -> Option<Status> {
        match &self.status {
            Some(word) => word.parse().ok(),
            None if self.failure.is_some() => Some(Status::Failed),
            None => None,
        }
    }
}

impl JunitTime {
    /// Reads any of the three shapes in which Katalon's versions write it.
    fn read(text: &str) -> Option<Self> {
        if let Ok(instant) = Moment::parse(text) {
            return Some(Self::Instant(instant));
        }

        // Up to 9.0, and from 9.1 to 10.2.
        for shape in ["%Y-%m-%d %H:%M:%S", "%d-%m-%YT%H:%M:%S"] {
            if let Ok(local) = DateTime::strptime(shape, text) {
                return Some(Self::Local(local));
            }
        }
        None
    }
}

impl Junit {
    /// Reads a report.
    ///
    /// # Errors
    /// When it is not well-formed to its end or is no JUnit report: Katalon writes it in place, so
    /// it can be met half.
    pub fn read(bytes: &[u8]) -> Result<Self, JunitError> {
        let mut report = Self::default();
        let mut is_report = false;
        let mut cases = 0;
        let mut suites = 0;

        xml::walk(bytes, |path, node| {
            let Node::Open(attributes) = node else {
                return;
            };

            if path.len() == 1 {
                is_report |= ends_in(path, "testsuites") || ends_in(path, "testsuite");
            }

            // Katalon writes all that is needed into attributes; `<system-out>` may be long and is
            // passed by.
            if ends_in(path, "testsuite") {
                suites += 1;
                if suites <= MOST_SUITES {
                    report.suites.push(JunitSuite::of(attributes));
                }
            } else if let Some(suite) = report.suites.last_mut() {
                if ends_in(path, "testcase") {
                    cases += 1;
                    if cases <= MOST_CASES {
                        suite.cases.push(JunitCase::of(attributes));
                    }
                } else if (ends_in(path, "failure") || ends_in(path, "error"))
                    && let Some(case) = suite.cases.last_mut()
                {
                    let message = attribute(attributes, "message").unwrap_or_default();
                    let message = without_sequences(message);
                    case.failure
                        .get_or_insert_with(|| without_users(&message).into_owned());
                }
            }
        })?;

        if !is_report {
            return Err(JunitError::Foreign);
        }
        // A part of it would say of the others that they did not run.
        if cases > MOST_CASES || suites > MOST_SUITES {
            return Err(JunitError::TooMany);
        }
        Ok(report)
    }
}

impl JunitSuite {
    fn of(attributes: &[(String, String)]) -> Self {
        let text = |name: &str| Some(without_users(attribute(attributes, name)?).into_owned());
        Self {
            id: text("id").map(short_name),
            status: text("status"),
            started: attribute(attributes, "timestamp").and_then(JunitTime::read),
            millis: attribute(attributes, "time").and_then(millis),
            cases: Vec::new(),
        }
    }
}

impl JunitCase {
    fn of(attributes: &[(String, String)]) -> Self {
        let text = |name: &str| Some(without_users(attribute(attributes, name)?).into_owned());
        Self {
            // Cut as in the log, where it is to be found again.
            name: short_name(text("name").unwrap_or_default()),
            status: text("status"),
            millis: attribute(attributes, "time").and_then(millis),
            failure: None,
        }
    }
}

/// Seconds with a fraction, as Katalon writes a duration.
fn millis(text: &str) -> Option<u64> {
    // The text may say `-1` or `inf`, at which `from_secs_f64` would panic.
    let seconds: f64 = text.trim().parse().ok()?;
    let duration = std::time::Duration::try_from_secs_f64(seconds).ok()?;
    u64::try_from(duration.as_millis()).ok()
}

/// Why a report counts as absent.
#[derive(Debug, thiserror::Error)]
pub enum JunitError {
    /// It is not well-formed.
    #[error(transparent)]
    Damaged(#[from] XmlError),
    /// It has more test cases or suites than are read.
    #[error(
        "it has more than {MOST_CASES} test cases or {MOST_SUITES} suites, so it is not compared \
         with the log"
    )]
    TooMany,
    /// Its root is something else.
    #[error("it is no JUnit report")]
    Foreign,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(attributes: &str, cases: &str) -> JunitSuite {
        let file = format!("<testsuites><testsuite {attributes}>{cases}</testsuite></testsuites>");
        Junit::read(file.as_bytes()).unwrap().suites.remove(0)
    }

    #[test]
    fn names_and_statuses_are_read() {
        let suite = suite(
            r#"id="Test Suites/A" status="FAILED" time="9.0""#,
            r#"<properties><property name="x" value="y&#xa;"/></properties>
               <testcase name="Test Cases/B" status="FAILED"/>"#,
        );

        assert_eq!(suite.id.as_deref(), Some("Test Suites/A"));
        assert_eq!(suite.status.as_deref(), Some("FAILED"));
        assert_eq!(suite.millis, Some(9000));
        assert_eq!(suite.cases[0].name, "Test Cases/B");
        assert_eq!(suite.cases[0].known_status(), Some(Status::Failed));
    }

    #[test]
    fn time_and_failure_of_a_case_are_read() {
        let suite = suite(
            "",
            r#"<testcase name="A" time="1.901"><failure type="FAILED" message="a &lt; b"/></testcase>
               <testcase name="B" time="soon"/>"#,
        );

        assert_eq!(suite.cases[0].millis, Some(1901));
        assert_eq!(suite.cases[0].failure.as_deref(), Some("a < b"));
        assert_eq!(suite.cases[0].known_status(), Some(Status::Failed));
        assert_eq!(suite.cases[1].millis, None);
        assert_eq!(suite.cases[1].known_status(), None);
    }

    #[test]
    fn a_time_stamp_is_read_in_the_shape_of_each_version() {
        let local = JunitTime::Local(jiff::civil::date(2024, 1, 31).at(22, 8, 48, 0));
        for (text, expected) in [
            ("2024-01-31 22:08:48", Some(local)),
            ("31-01-2024T22:08:48", Some(local)),
            (
                "2026-04-20T22:58:15.946Z",
                Some(JunitTime::Instant(Moment::from_millis(1_776_725_895_946))),
            ),
            ("yesterday", None),
        ] {
            let suite = suite(&format!("timestamp=\"{text}\""), "");

            assert_eq!(suite.started, expected, "{text}");
        }
    }

    #[test]
    fn a_report_with_more_test_cases_than_are_read_says_nothing() {
        let cases = "<testcase/>".repeat(MOST_CASES + 1);
        let report = format!("<testsuites><testsuite>{cases}</testsuite></testsuites>");

        let error = Junit::read(report.as_bytes()).unwrap_err();

        assert!(matches!(error, JunitError::TooMany), "{error}");
    }

    #[test]
    fn a_half_report_is_none() {
        for file in [
            "",
            "<testsuites>",
            "<testsuites><testsuite></testsuites>",
            "<html></html>",
        ] {
            assert!(Junit::read(file.as_bytes()).is_err(), "{file}");
        }
    }
}
