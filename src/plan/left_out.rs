//! What is not submitted, and why, in words that tell a tester what to change (invariant I7). It is
//! stored as JSON and shown by `--json`: the serde names do not change.

use serde::{Deserialize, Serialize};

use crate::katalon::damage::Damage;
use crate::katalon::run::SuiteRun;
use crate::katalon::run::difference::Difference;
use crate::katalon::status::Status;
use crate::plan::text;
use crate::plural::{counted, form};

/// Something of a run that does not reach ADO.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub(crate) struct LeftOut {
    /// Id of the test, or `None` for something of the whole run.
    pub test: Option<String>,
    /// The ADO test case id, when there is a valid one.
    pub azure_id: Option<u32>,
    /// Why, and what to change; at most 300 characters.
    pub reason: String,
    /// What kind of thing was left out.
    pub kind: LeftOutKind,
}

/// Kinds of things that are left out; scripts may tell them apart by these words.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LeftOutKind {
    /// A mapped id that is no id, or whose variable has no value.
    InvalidId,
    /// A test case without a point in the plan, or in the configuration.
    NoPoint,
    /// A result of a test run that is filled, which was filled already.
    Filled,
    /// A test case without a point in the plan, that may have one in another plan that could not be
    /// read.
    Unread,
    /// Several points for one test case while several are not allowed.
    SeveralPoints,
    /// A test of the run without a `.tc` file: it may have had ids.
    NoTestCaseFile,
    /// A test of the run whose `.tc` file is damaged, so that its ids cannot be known.
    UnreadableTestCase,
    /// A file that is not sent.
    File,
    /// A result or file that ADO, or something before it, refused.
    Refused,
    /// A file that something on the way to ADO keeps back; it is tried again for a while.
    GivenUp,
    /// A test case without an id, where that is not to be (`unmapped = "fail"`).
    NoId,
    /// Tags for a server that has none.
    Tags,
    /// Automation fields of a test case that could not be set.
    AutomationFields,
    /// A member of a collection that did not run as it should.
    Suite,
    /// A link to a build or release that cannot be made.
    Link,
    /// An outcome of the mapping that ADO does not have; results have Katalon's default instead.
    Outcome,
    /// Options of the run's command that are not used, because another command may have started it.
    Options,
    /// Something of the run that could not be read, or on which its log and Katalon's own report do
    /// not agree: the result may not be what happened.
    Reading,
}

impl LeftOutKind {
    /// Whether leaving such a thing out means that something was not done (exit code 1): not for
    /// tags on an old server, and not for what the submission to another plan tells.
    pub(crate) const fn counts(self) -> bool {
        !matches!(self, Self::Tags | Self::Suite | Self::Unread)
    }

    /// Whether something does not arrive; of what arrives all the same it is only told how.
    pub(crate) const fn is_left_out(self) -> bool {
        !matches!(self, Self::Reading | Self::Outcome)
    }

    /// The word before one of this kind.
    pub(crate) const fn label(self) -> &'static str {
        if self.is_left_out() {
            "left out"
        } else {
            "to note"
        }
    }

    /// So many more of this kind beside one that is told.
    pub(crate) fn more(self, count: usize) -> String {
        match self {
            Self::InvalidId => format!("{} of that kind", counted(count, "more id")),
            Self::NoPoint => format!("{} without a test point", counted(count, "more test case")),
            Self::Filled => format!(
                "{} {} filled already",
                counted(count, "more test point"),
                form(count, "is", "are")
            ),
            Self::SeveralPoints => {
                format!(
                    "{} with several test points",
                    counted(count, "more test case")
                )
            }

            Self::NoTestCaseFile => {
                format!("{} without a `.tc` file", counted(count, "more test"))
            }
            Self::UnreadableTestCase => counted(count, "more damaged `.tc` file"),
            Self::NoId => format!("{} without an id", counted(count, "more test")),
            _ => format!("{count} more like it"),
        }
    }
}

/// What stands above a list of these.
pub(crate) fn heading<'a>(items: impl IntoIterator<Item = &'a LeftOut>) -> &'static str {
    let mut is_any_left_out = false;
    let mut is_any_noted = false;
    for item in items {
        if item.kind.is_left_out() {
            is_any_left_out = true;
        } else {
            is_any_noted = true;
        }
    }

    match (is_any_left_out, is_any_noted) {
        (true, true) => "Left out or to note",
        (false, true) => "To note",
        (_, false) => "Left out",
    }
}

impl LeftOut {
    /// With the word that says what it is, for a line of its own.
    pub(crate) fn labelled(&self) -> String {
        format!("{}: {self}", self.kind.label())
    }

    /// Something about an ADO id of a test.
    pub(crate) fn id(
        kind: LeftOutKind,
        test: &str,
        azure_id: Option<u32>,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            test: Some(test.to_owned()),
            azure_id,
            reason: match kind {
                // Katalon's own message, whose wording is part of the contract (product.md §3).
                LeftOutKind::SeveralPoints => reason.into(),
                _ => text::reason(&reason.into()),
            },
            kind,
        }
    }

    /// A file of a test, or of the run.
    pub(crate) fn file(test: Option<&str>, reason: impl Into<String>) -> Self {
        Self {
            test: test.map(str::to_owned),
            azure_id: None,
            reason: text::reason(&reason.into()),
            kind: LeftOutKind::File,
        }
    }

    /// The tags of a run on a server that knows none.
    pub(crate) fn tags() -> Self {
        Self::of_run(
            LeftOutKind::Tags,
            "the run has no tags: they need Azure DevOps Server 2020 or later",
        )
    }

    /// A link of the run.
    pub(crate) fn link(reason: &str) -> Self {
        Self::of_run(LeftOutKind::Link, reason)
    }

    /// Options of the run's command.
    pub(crate) fn options(reason: &str) -> Self {
        Self::of_run(LeftOutKind::Options, reason)
    }

    /// What of a run could not be read, and where its log and Katalon's own report differ.
    pub(crate) fn reading(run: &SuiteRun) -> Vec<Self> {
        let damage = run.damage.iter().map(Damage::to_string);
        let differences = run.differences.iter().map(Difference::to_string);
        damage
            .chain(differences)
            .map(|reason| Self::of_run(LeftOutKind::Reading, reason))
            .collect()
    }

    /// Something about a member of a collection.
    pub(crate) fn suite(reason: impl Into<String>) -> Self {
        Self::of_run(LeftOutKind::Suite, reason)
    }

    /// A word of the status mapping that ADO does not have.
    pub(crate) fn outcome(status: Status, word: &str) -> Self {
        let instead = status.default_outcome();
        Self::of_run(
            LeftOutKind::Outcome,
            format!(
                "{status} is mapped to `{word}`, which is not an outcome of Azure DevOps, so its \
                 results are {instead}; `kado check` names those that there are"
            ),
        )
    }

    /// Something of the whole run.
    pub(crate) fn of_run(kind: LeftOutKind, reason: impl Into<String>) -> Self {
        Self {
            test: None,
            azure_id: None,
            reason: text::reason(&reason.into()),
            kind,
        }
    }
}

impl std::fmt::Display for LeftOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.test {
            Some(test) => write!(f, "{test}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_of_a_kind_is_told_by_what_it_is() {
        let kinds = [
            (
                LeftOutKind::InvalidId,
                "1 more id of that kind",
                "2 more ids of that kind",
            ),
            (
                LeftOutKind::NoPoint,
                "1 more test case without a test point",
                "2 more test cases without a test point",
            ),
            (
                LeftOutKind::Filled,
                "1 more test point is filled already",
                "2 more test points are filled already",
            ),
            (
                LeftOutKind::SeveralPoints,
                "1 more test case with several test points",
                "2 more test cases with several test points",
            ),
            (
                LeftOutKind::NoTestCaseFile,
                "1 more test without a `.tc` file",
                "2 more tests without a `.tc` file",
            ),
            (
                LeftOutKind::UnreadableTestCase,
                "1 more damaged `.tc` file",
                "2 more damaged `.tc` files",
            ),
            (
                LeftOutKind::NoId,
                "1 more test without an id",
                "2 more tests without an id",
            ),
            (LeftOutKind::File, "1 more like it", "2 more like it"),
        ];

        for (kind, one, two) in kinds {
            assert_eq!(kind.more(1), one);
            assert_eq!(kind.more(2), two);
        }
    }

    #[test]
    fn results_that_arrive_from_another_source_are_not_called_left_out() {
        let noted = LeftOut::of_run(LeftOutKind::Reading, "read from the report");
        let missing = LeftOut::file(None, "too large");

        assert_eq!(noted.labelled(), "to note: read from the report");
        assert_eq!(missing.labelled(), "left out: too large");
        assert_eq!(heading([&noted]), "To note");
        assert_eq!(heading([&missing]), "Left out");
        assert_eq!(heading([&noted, &missing]), "Left out or to note");
    }

    #[test]
    fn katalons_own_sentence_on_several_points_is_never_shortened() {
        let sentence = format!("Cannot create test results. {}", "point ".repeat(5000));
        let of_kind = |kind| LeftOut::id(kind, "Test Cases/A", Some(1), sentence.as_str()).reason;

        assert_eq!(of_kind(LeftOutKind::SeveralPoints), sentence);
        assert!(of_kind(LeftOutKind::NoPoint).len() < sentence.len());
    }

    #[test]
    fn tags_suites_and_what_another_plan_tells_leave_the_exit_code_alone() {
        for kind in [LeftOutKind::Tags, LeftOutKind::Suite, LeftOutKind::Unread] {
            assert!(!kind.counts(), "{kind:?}");
        }
        for kind in [
            LeftOutKind::NoPoint,
            LeftOutKind::File,
            LeftOutKind::Reading,
        ] {
            assert!(kind.counts(), "{kind:?}");
        }
    }
}
