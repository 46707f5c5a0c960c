//! Finds the ADO ids of a test case where a project has them (`submit.ids_from`): in the entry of
//! its integration tab, or, for whoever has no licence that shows the tab, in its tag, name or
//! description, written as a pattern (`submit.ids_pattern`) finds them.

use std::fmt;

use regex::Regex;

use crate::katalon::bounded_regex::{self, BadPattern};
use crate::katalon::id_source::IdSource;
use crate::katalon::test_case::TestCase;
use crate::katalon::text::{LONGEST_WITH_IDS, head};

/// `ado:1865`, `@TC1865` and `[1865]`.
const DEFAULT_PATTERN: &str = r"(?i)\bado:\s*([0-9]+)|@TC([0-9]+)|\[([0-9]+)\]";
/// Ids of one text that are taken, and places of it that are looked at: a pattern that finds an
/// empty place everywhere would read the text as often as it has letters.
const MOST_IDS: usize = 1000;

/// How ids are written in a text: a regular expression whose groups are the ids.
#[derive(Clone, Debug)]
pub struct IdPattern(Regex);

/// Why a text is no pattern for ids.
#[derive(Debug, thiserror::Error)]
pub enum NoPattern {
    /// It is no regular expression, or too large a one.
    #[error("it is no regular expression: {0}")]
    Syntax(BadPattern),
    /// It finds no ids.
    #[error("it has no group, and its groups are the ids; put parentheses around the number")]
    NoGroup,
}

impl IdPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it is no regular expression with a group.
    pub fn parse(pattern: &str) -> Result<Self, NoPattern> {
        let regex = bounded_regex::compile(pattern).map_err(NoPattern::Syntax)?;

        // The first group is the whole match.
        if regex.captures_len() < 2 {
            return Err(NoPattern::NoGroup);
        }
        Ok(Self(regex))
    }

    /// The ids in a text, separated by commas as in the entry of the integration tab; `None` where
    /// there is none.
    fn ids_in(&self, text: &str) -> Option<String> {
        let mut ids: Vec<&str> = Vec::new();
        let places = self.0.captures_iter(head(text, LONGEST_WITH_IDS));
        for found in places.take(MOST_IDS) {
            for group in found.iter().skip(1).flatten() {
                if !group.is_empty() && ids.len() < MOST_IDS {
                    ids.push(group.as_str());
                }
            }
        }
        (!ids.is_empty()).then(|| ids.join(","))
    }
}

impl Default for IdPattern {
    fn default() -> Self {
        Self::parse(DEFAULT_PATTERN).expect("the pattern is a constant, and a test compiles it")
    }
}

impl PartialEq for IdPattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for IdPattern {}

impl fmt::Display for IdPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// Where the ids of the test cases of a project stand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdRule {
    /// The places, of which the first one that holds an id counts.
    pub from: Vec<IdSource>,
    /// How they are written everywhere but in the integration tab.
    pub pattern: IdPattern,
}

impl Default for IdRule {
    fn default() -> Self {
        Self {
            from: vec![IdSource::Integration],
            pattern: IdPattern::default(),
        }
    }
}

impl IdRule {
    /// Lets a test case, as it was read, have its ids from where the rule says.
    pub fn apply(&self, case: &mut TestCase) {
        // The ids of a damaged entry are not known, and others do not stand in for them.
        if case.damage.is_some() {
            return;
        }

        let entry = case.azure_ids.take();
        for source in &self.from {
            let found = match source {
                IdSource::Integration => entry.clone(),
                IdSource::Tag => self.pattern.ids_in(&case.texts.tag),
                IdSource::Name => self.pattern.ids_in(case.name()),
                IdSource::Description => self.pattern.ids_in(&case.texts.description),
            };
            if found.is_some() {
                case.azure_ids = found;
                case.source = *source;
                return;
            }
        }

        let reads_texts = self.from.iter().any(|source| !source.is_integration());
        if reads_texts && let Some(damage) = case.texts.damage.take() {
            case.lose_ids(damage);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids_by(pattern: &str, text: &str) -> Option<String> {
        IdPattern::parse(pattern).unwrap().ids_in(text)
    }

    #[test]
    fn one_group_is_enough_and_none_is_too_few() {
        assert_eq!(ids_by("TC([0-9]+)", "TC1 TC22"), Some("1,22".to_owned()));
        assert!(matches!(
            IdPattern::parse("TC[0-9]+"),
            Err(NoPattern::NoGroup)
        ));
    }

    #[test]
    fn an_empty_group_is_no_id() {
        assert_eq!(ids_by("TC([0-9]*)", "TC TC1"), Some("1".to_owned()));
        assert_eq!(ids_by("TC([0-9]*)", "TC"), None);
    }

    #[test]
    fn of_very_many_ids_the_first_are_read() {
        let text: Vec<String> = (1..=MOST_IDS + 1).map(|id| format!("TC{id}")).collect();

        let ids = ids_by("TC([0-9]+)", &text.join(" ")).unwrap();

        assert_eq!(ids.split(',').count(), MOST_IDS);
        assert!(ids.ends_with(&format!(",{MOST_IDS}")));
    }

    #[test]
    fn a_pattern_is_its_text() {
        let one = IdPattern::parse("TC([0-9]+)").unwrap();

        assert_eq!(one, IdPattern::parse("TC([0-9]+)").unwrap());
        assert_ne!(one, IdPattern::default());
        assert_eq!(one.to_string(), "TC([0-9]+)");
    }

    fn ids(text: &str) -> Option<String> {
        IdPattern::default().ids_in(text)
    }

    /// A test case with these texts, read from its file.
    fn case(entry: &str, tag: &str, description: &str) -> TestCase {
        let file = format!(
            "<TestCaseEntity><description>{description}</description><name>Pay @TC3</name>\
             <tag>{tag}</tag><integratedEntity><productName>Azure</productName><properties><entry>\
             <key>azure.testcase.ids</key><value>{entry}</value></entry></properties>\
             </integratedEntity></TestCaseEntity>"
        );
        TestCase::read("Test Cases/Pay @TC3".to_owned(), file.as_bytes())
    }

    /// The ids of a test case by places in this order, with the place that counted.
    fn found(mut case: TestCase, from: &[IdSource]) -> Option<(String, IdSource)> {
        let rule = IdRule {
            from: from.to_vec(),
            ..IdRule::default()
        };
        rule.apply(&mut case);
        Some((case.azure_ids?, case.source))
    }

    #[test]
    fn the_default_pattern_reads_what_people_write() {
        for (text, expected) in [
            ("ado:1865", Some("1865")),
            ("smoke, ADO: 1865, ado:1866", Some("1865,1866")),
            ("@TC1865 @tc1866", Some("1865,1866")),
            ("[1865] Sign in [1866]", Some("1865,1866")),
            ("1865", None),
            ("[smoke] tornado:12 TC99", None),
            ("", None),
        ] {
            assert_eq!(ids(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn all_groups_of_a_pattern_are_ids() {
        let pattern = IdPattern::parse(r"TC-(\d+)(?:/(\d+))?").unwrap();

        assert_eq!(pattern.ids_in("TC-1/2 TC-3").as_deref(), Some("1,2,3"));
    }

    #[test]
    fn a_text_that_is_no_pattern_says_why() {
        for (pattern, expected) in [
            ("TC(", "it is no regular expression: unclosed group"),
            (r"TC\d+", "it has no group"),
            ("(a{1000}){1000}", "it is no regular expression: "),
        ] {
            let error = IdPattern::parse(pattern).unwrap_err().to_string();

            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn the_first_place_that_holds_an_id_counts() {
        use IdSource::{Description, Integration, Name, Tag};

        for (entry, tag, description, from, expected) in [
            (
                "1",
                "ado:2",
                "",
                vec![Integration, Tag],
                Some(("1", Integration)),
            ),
            ("1", "ado:2", "", vec![Tag, Integration], Some(("2", Tag))),
            ("", "ado:2", "", vec![Integration, Tag], Some(("2", Tag))),
            (
                "",
                "smoke",
                "[4]",
                vec![Tag, Description],
                Some(("4", Description)),
            ),
            (
                "",
                "",
                "[4]",
                vec![Tag, Name, Description],
                Some(("3", Name)),
            ),
            ("", "ado:2", "[4]", vec![Integration], None),
            ("1", "", "", vec![Tag], None),
        ] {
            let expected = expected.map(|(ids, source)| (ids.to_owned(), source));

            assert_eq!(found(case(entry, tag, description), &from), expected);
        }
    }

    #[test]
    fn texts_that_cannot_be_known_are_not_taken_for_texts_without_ids() {
        let file = "<TestCaseEntity>\n<<<<<<< ours\n<tag>ado:1</tag>\n=======\n<tag>ado:2</tag>\n\
                    >>>>>>> theirs\n</TestCaseEntity>";
        let read = || TestCase::read("Test Cases/Pay".to_owned(), file.as_bytes());
        let mut by_tag = read();
        let mut by_entry = read();

        IdRule {
            from: vec![IdSource::Integration, IdSource::Tag],
            ..IdRule::default()
        }
        .apply(&mut by_tag);
        IdRule::default().apply(&mut by_entry);

        assert!(by_tag.damage.is_some(), "{by_tag:?}");
        assert_eq!(by_tag.azure_ids, None);
        assert_eq!(by_entry.damage, None);
    }

    proptest! {
        #[test]
        fn no_pattern_and_no_text_make_it_panic(pattern in r"[\\()\[\]{}*+?|a-c0-9.d^$]{0,20}", text in ".{0,40}") {
            if let Ok(pattern) = IdPattern::parse(&pattern) {
                pattern.ids_in(&text);
            }
        }
    }
}
