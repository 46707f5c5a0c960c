//! Where the log of a run and Katalon's own report do not say the same, as data.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::katalon::status::Status;

/// Where log and report do not say the same.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Difference {
    /// There is no log that could be read: all results are the report's.
    ReportAlone,
    /// Both have a result of the test, and its status differs.
    Status {
        /// Id of the test case.
        test: String,
        /// What the log says.
        log: Status,
        /// What the report says; it counts.
        report: Status,
    },
    /// The log has no result of the test.
    OnlyInReport {
        /// Id of the test case.
        test: String,
        /// What the report says; it counts.
        report: Status,
    },
    /// The report has no result of the test.
    OnlyInLog {
        /// Id of the test case.
        test: String,
        /// What the log says.
        log: Status,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReportAlone => f.write_str(
                "there is no log that can be read: the results are those of `JUnit_Report.xml`",
            ),
            Self::Status { test, log, report } => write!(
                f,
                "{test}: the log says {log}, but `JUnit_Report.xml` says {report}, which counts"
            ),
            Self::OnlyInReport { test, report } => write!(
                f,
                "{test}: its result ({report}) stands in `JUnit_Report.xml` only"
            ),
            Self::OnlyInLog { test, log } => {
                write!(f, "{test}: its result ({log}) stands in the log only")
            }
        }
    }
}
