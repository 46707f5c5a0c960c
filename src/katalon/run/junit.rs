//! `JUnit_Report.xml`: the sign that Katalon's launcher is done with a run, and a cross-check of
//! the results.
//!
//! Never the source of results: the log has more, and old versions write no such file.

use crate::katalon::xml::{self, Node, XmlError, attribute, ends_in};

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
    /// Its test cases in order; of retried tests only the last attempt.
    pub cases: Vec<JunitCase>,
}

/// A `<testcase>`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JunitCase {
    /// Id of the test case.
    pub name: String,
    /// Katalon's status word.
    pub status: Option<String>,
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
        xml::walk(bytes, |path, node| {
            let Node::Open(attributes) = node else {
                return;
            };
            let is_suite = ends_in(path, "testsuite");
            is_report |= path.len() == 1 && (is_suite || ends_in(path, "testsuites"));

            if is_suite {
                report.suites.push(JunitSuite {
                    id: owned_attribute(attributes, "id"),
                    status: owned_attribute(attributes, "status"),
                    cases: Vec::new(),
                });
            } else if ends_in(path, "testcase")
                && let Some(suite) = report.suites.last_mut()
            {
                suite.cases.push(JunitCase {
                    name: owned_attribute(attributes, "name").unwrap_or_default(),
                    status: owned_attribute(attributes, "status"),
                });
            }
        })?;

        if !is_report {
            return Err(JunitError::Foreign);
        }
        Ok(report)
    }
}

fn owned_attribute(attributes: &[(String, String)], name: &str) -> Option<String> {
    attribute(attributes, name).map(str::to_owned)
}

/// Why a report counts as absent.
#[derive(Debug, thiserror::Error)]
pub enum JunitError {
    /// It is not well-formed.
    #[error(transparent)]
    Damaged(#[from] XmlError),
    /// Its root is something else.
    #[error("it is not a JUnit report")]
    Foreign,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_statuses_are_read() {
        let file = br#"<?xml version="1.0"?><testsuites name="A"><testsuite id="Test Suites/A" status="FAILED">
            <properties><property name="x" value="y&#xa;"/></properties>
            <testcase name="Test Cases/B" status="FAILED"><failure message="a &lt; b"/></testcase></testsuite></testsuites>"#;

        let report = Junit::read(file).unwrap();

        assert_eq!(report.suites[0].id.as_deref(), Some("Test Suites/A"));
        assert_eq!(report.suites[0].status.as_deref(), Some("FAILED"));
        assert_eq!(report.suites[0].cases[0].name, "Test Cases/B");
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
