//! From Katalon's status to ADO's outcome (product contract, section 3: `executionStatusMappings`).

use std::collections::BTreeMap;

use crate::katalon::status::Status;

/// The words that ADO has for the outcome of a result; any other is refused with `Invalid value
/// specified Parameter name: TestOutcome` (`ado/api.md` §12, enumeration `TestOutcome` of
/// `ado/openapi`).
pub(crate) const OUTCOMES: [&str; 15] = [
    "Passed",
    "Failed",
    "Error",
    "Aborted",
    "Timeout",
    "Blocked",
    "Inconclusive",
    "Warning",
    "NotExecuted",
    "NotApplicable",
    "NotImpacted",
    "InProgress",
    "Paused",
    "None",
    "Unspecified",
];

/// Whether ADO has an outcome word; it reads them without regard to case.
fn is_known(word: &str) -> bool {
    known_outcome(word).is_some()
}

/// An outcome word as ADO writes it; `None` where it has no such outcome.
pub(crate) fn known_outcome(word: &str) -> Option<&'static str> {
    OUTCOMES
        .iter()
        .copied()
        .find(|outcome| outcome.eq_ignore_ascii_case(word))
}

/// ADO's outcome word for a status: the project's mapping, else Katalon's default. A word that ADO
/// would refuse counts as none: a result with the default is better than none.
pub(crate) fn outcome(status: Status, mapping: &BTreeMap<Status, String>) -> &str {
    match mapping.get(&status).map(|word| word.trim()) {
        Some(word) if is_known(word) => word,
        _ => status.default_outcome(),
    }
}

/// The statuses that are mapped to a word that ADO does not have, with that word.
pub(crate) fn unknown(mapping: &BTreeMap<Status, String>) -> impl Iterator<Item = (Status, &str)> {
    mapping
        .iter()
        .map(|(status, word)| (*status, word.as_str()))
        .filter(|(_, word)| !is_known(word.trim()))
}

/// The worst of several statuses, by Katalon's words and before any mapping; `None` for none.
pub(crate) fn worst(statuses: impl IntoIterator<Item = Status>) -> Option<Status> {
    // The variants of `Status` are declared from the worst to the best.
    statuses.into_iter().min()
}

/// `2 PASSED, 1 FAILED`: how often each status occurs, the best first.
pub(crate) fn counts(statuses: impl Iterator<Item = Status>) -> String {
    let mut count = [0_usize; Status::ALL.len()];
    for status in statuses {
        count[status as usize] += 1;
    }

    let parts: Vec<_> = Status::ALL
        .into_iter()
        .rev()
        .filter(|status| count[*status as usize] > 0)
        .map(|status| format!("{} {status}", count[status as usize]))
        .collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_status_follows_katalons_words_and_not_the_mapped_ones() {
        use Status::{Error, Failed, Incomplete, Passed, Skipped};

        let all = [Passed, Skipped, Incomplete, Failed, Error];
        assert_eq!(worst(all), Some(Error));
        assert_eq!(worst([Passed, Skipped, Incomplete, Failed]), Some(Failed));
        assert_eq!(worst([Passed, Skipped, Incomplete]), Some(Incomplete));
        assert_eq!(worst([Passed, Skipped]), Some(Skipped));
        assert_eq!(worst([Passed]), Some(Passed));
        assert_eq!(worst([]), None);
    }

    #[test]
    fn the_words_of_ado_are_known_and_katalons_are_not_among_them() {
        for word in ["Passed", "notexecuted", "NotApplicable", "InProgress"] {
            assert!(is_known(word), "{word}");
        }

        for word in [
            "",
            "Pass",
            "Skipped",
            "Not Executed",
            "Incomplete",
            "MaxValue",
            " Passed",
        ] {
            assert!(!is_known(word), "{word}");
        }
        assert!(
            Status::ALL
                .into_iter()
                .map(Status::default_outcome)
                .all(is_known)
        );
    }

    #[test]
    fn a_custom_word_replaces_only_its_own_status() {
        let mapping = BTreeMap::from([(Status::Error, "Blocked".to_owned())]);

        assert_eq!(outcome(Status::Error, &mapping), "Blocked");
        assert_eq!(outcome(Status::Failed, &mapping), "Failed");
        assert_eq!(outcome(Status::Incomplete, &mapping), "Aborted");
    }

    #[test]
    fn a_word_that_ado_does_not_have_counts_as_none_and_is_listed() {
        let mapping = BTreeMap::from([
            (Status::Failed, "Broken".to_owned()),
            (Status::Error, " blocked ".to_owned()),
        ]);

        assert_eq!(outcome(Status::Failed, &mapping), "Failed");
        assert_eq!(outcome(Status::Error, &mapping), "blocked");
        assert_eq!(
            unknown(&mapping).collect::<Vec<_>>(),
            [(Status::Failed, "Broken")]
        );
    }
}
