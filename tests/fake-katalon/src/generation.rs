//! What differs between the versions of Katalon Studio.

/// A generation of Katalon Studio; each stands for one real version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Generation {
    /// 8.6.6: local dates without a zone, no `nanos`.
    V8,
    /// 9.7.4: dates in UTC with `nanos`, JUnit's time stamp day first.
    V9,
    /// 10.4.3: `console0.log`, reports after the end of the suite, `origin`, user and project among
    /// the run data.
    V10,
    /// 11.1.3: an execution id for each test, iterations in the binding, pretty
    /// `execution.properties`.
    V11,
}

impl Generation {
    /// `katalon.versionNumber` of `execution.properties`.
    pub fn version(self) -> &'static str {
        match self {
            Self::V8 => "8.6.6",
            Self::V9 => "9.7.4",
            Self::V10 => "10.4.3",
            Self::V11 => "11.1.3",
        }
    }

    /// `katalon.buildNumber`.
    pub(crate) fn build(self) -> &'static str {
        match self {
            Self::V8 => "208",
            Self::V9 => "223",
            Self::V10 | Self::V11 => "0",
        }
    }

    /// The `katalonVersion` of the run data.
    pub fn full_version(self) -> String {
        format!("{}.{}", self.version(), self.build())
    }

    /// Dates as UTC instants with a `nanos` element.
    pub(crate) fn has_nanos(self) -> bool {
        self >= Self::V9
    }

    /// `console0.log`, reports after the end of the suite, `userFullName` and `projectName`.
    pub(crate) fn is_10_2(self) -> bool {
        self >= Self::V10
    }

    /// Ids of test executions and the binding variables among the run data.
    pub(crate) fn has_execution_ids(self) -> bool {
        self >= Self::V11
    }

    /// `yyyy-MM-dd HH:mm:ss` in CSV and JUnit, day first afterwards.
    pub(crate) fn year_first(self) -> bool {
        self == Self::V8
    }

    /// The Selenium of that version.
    pub(crate) fn selenium(self) -> &'static str {
        match self {
            Self::V8 => "3.141.59",
            Self::V9 => "4.22.0",
            Self::V10 | Self::V11 => "4.39.0",
        }
    }
}
