//! The result words of Katalon Studio and their order of badness.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::katalon::text::head;

/// Bytes of an unknown word that are shown.
const SHOWN: usize = 100;

/// Status of a test case or of a suite, in Katalon's own words (`JUnit_Report.xml`, key
/// `katalonStatus` of the Azure settings). The order of the variants is the order of badness: the
/// first is the worst.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// A throwable that is not a failed check ended the test.
    Error,
    /// A check failed.
    Failed,
    /// The test was still open when the log ended.
    Incomplete,
    /// The test was skipped in `@BeforeTestCase`.
    Skipped,
    /// Nothing went wrong.
    Passed,
}

impl Status {
    /// All words, the worst first.
    pub const ALL: [Self; 5] = [
        Self::Error,
        Self::Failed,
        Self::Incomplete,
        Self::Skipped,
        Self::Passed,
    ];

    /// Katalon's word, such as `PASSED`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Failed => "FAILED",
            Self::Incomplete => "INCOMPLETE",
            Self::Skipped => "SKIPPED",
            Self::Passed => "PASSED",
        }
    }

    /// ADO's outcome for it, unless the project's settings say something else (`behaviour.md`
    /// §5.1).
    pub(crate) const fn default_outcome(self) -> &'static str {
        match self {
            Self::Passed => "Passed",
            Self::Failed => "Failed",
            Self::Error => "Error",
            Self::Incomplete => "Aborted",
            Self::Skipped => "NotExecuted",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `write_str` would not heed a width.
        f.pad(self.word())
    }
}

/// The text is none of Katalon's five result words.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a Katalon status; known are ERROR, FAILED, INCOMPLETE, SKIPPED and PASSED")]
pub struct UnknownStatus(String);

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| text.trim().eq_ignore_ascii_case(status.word()))
            .ok_or_else(|| UnknownStatus(head(text, SHOWN).to_owned()))
    }
}
