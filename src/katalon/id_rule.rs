//! Finds the ADO ids of a test case where a project has them (`submit.ids_from`): in the entry of
//! its integration tab, or, for whoever has no licence that shows the tab, in its tag, name or
//! description, written as a pattern (`submit.ids_pattern`) finds them.
//!
//! Pattern and texts are the project's own, so what matching may cost is bounded: the pattern by
//! its compiled size and its groups, a text by its length, and all together by an [`IdEffort`].

use std::fmt;

use regex::Regex;

use crate::katalon::bounded_regex::{self, BadPattern};
use crate::katalon::damage::{Damage, DamageKind};
use crate::katalon::id_effort::{IdEffort, OutOfEffort};
use crate::katalon::id_source::IdSource;
use crate::katalon::test_case::TestCase;
use crate::katalon::text::{LONGEST_WITH_IDS, head};

/// `ado:1865`, `@TC1865` and `[1865]`.
const DEFAULT_PATTERN: &str = r"(?i)\bado:\s*([0-9]+)|@TC([0-9]+)|\[([0-9]+)\]";
/// Ids of one text that are taken, and places of it that are looked at: a pattern that finds an
/// empty place everywhere would read the text as often as it has letters.
const MOST_IDS: usize = 1000;
/// Bytes that a pattern may take once it is compiled: one `\w` takes 55 KiB, one `\d` 5 KiB. What a
/// search takes at worst grows with it: with the largest 20 µs for each letter of the text.
const LARGEST: usize = 128 << 10;
/// The smallest size that is told apart.
const SMALLEST: usize = 1 << 10;
/// Groups of a pattern: while it is matched each is kept for each state.
const MOST_GROUPS: usize = 16;

/// How ids are written in a text: a regular expression whose groups are the ids.
#[derive(Clone, Debug)]
pub struct IdPattern {
    regex: Regex,
    /// Bytes that it takes at most, compiled.
    size: usize,
}

/// Why a text is no pattern for ids.
#[derive(Debug, thiserror::Error)]
pub enum NoPattern {
    /// It is no regular expression, or too large a one.
    #[error("it is {0}")]
    Bad(BadPattern),
    /// It finds no ids.
    #[error("it has no group, and its groups are the ids; put parentheses around the number")]
    NoGroup,
    /// It finds too many in one place.
    #[error("it has more than {MOST_GROUPS} groups; one that is no id is written `(?:…)`")]
    ManyGroups,
}

impl IdPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it is no regular expression with a group, or too large a one.
    pub fn parse(pattern: &str) -> Result<Self, NoPattern> {
        let compiled = Self::compile(pattern).map_err(NoPattern::Bad)?;

        // The first group is the whole match.
        let groups = compiled.regex.captures_len() - 1;
        match groups {
            0 => Err(NoPattern::NoGroup),
            1..=MOST_GROUPS => Ok(compiled),
            _ => Err(NoPattern::ManyGroups),
        }
    }

    /// Compiles a pattern, and finds its size: the crate says only whether it is within a limit.
    fn compile(pattern: &str) -> Result<Self, BadPattern> {
        let mut size = SMALLEST;
        loop {
            match bounded_regex::compile(pattern, size) {
                Ok(regex) => return Ok(Self { regex, size }),
                Err(BadPattern::TooLarge(_)) if size < LARGEST => size *= 2,
                Err(error) => return Err(error),
            }
        }
    }

    /// The ids in a text, separated by commas as in the entry of the integration tab; `None` where
    /// there is none.
    ///
    /// # Errors
    /// When the text cannot be looked through to its end for what that costs.
    fn ids_in(&self, text: &str, effort: &mut IdEffort) -> Result<Option<String>, OutOfEffort> {
        let text = head(text, LONGEST_WITH_IDS);
        let mut effort = effort.of_text();
        let mut ids: Vec<&str> = Vec::new();
        let mut places = self.regex.captures_iter(text);
        let mut ahead = text.len();

        for _ in 0..MOST_IDS {
            effort.search(self.size, ahead)?;
            let Some(found) = places.next() else {
                break;
            };

            ahead = text.len() - found.get_match().end();
            for group in found.iter().skip(1).flatten() {
                if !group.is_empty() && ids.len() < MOST_IDS {
                    ids.push(group.as_str());
                }
            }
        }
        Ok((!ids.is_empty()).then(|| ids.join(",")))
    }
}

impl Default for IdPattern {
    fn default() -> Self {
        Self::parse(DEFAULT_PATTERN).expect("the pattern is a constant, and a test compiles it")
    }
}

impl PartialEq for IdPattern {
    fn eq(&self, other: &Self) -> bool {
        self.regex.as_str() == other.regex.as_str()
    }
}

impl Eq for IdPattern {}

impl fmt::Display for IdPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.regex.as_str())
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
    /// Lets a test case, as it was read, have its ids from where the rule says. Those of one whose
    /// texts are not looked through to their ends for want of `effort` are lost.
    pub fn apply(&self, case: &mut TestCase, effort: &mut IdEffort) {
        // The ids of a damaged entry are not known, and others do not stand in for them.
        if case.damage.is_some() {
            return;
        }

        let entry = case.azure_ids.take();
        for source in &self.from {
            let found = match source {
                IdSource::Integration => Ok(entry.clone()),
                IdSource::Tag => self.pattern.ids_in(&case.texts.tag, effort),
                IdSource::Name => self.pattern.ids_in(case.name(), effort),
                IdSource::Description => self.pattern.ids_in(&case.texts.description, effort),
            };
            match found {
                Ok(None) => {}
                Ok(ids) => {
                    case.azure_ids = ids;
                    case.source = *source;
                    return;
                }
                Err(reason) => {
                    let what = reason.to_string();
                    let kind = DamageKind::UnreadableValue { what };
                    case.lose_ids(Damage::of(&format!("{}.tc", case.id), kind));
                    return;
                }
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
        let pattern = IdPattern::parse(pattern).expect("it is a pattern");
        let found = pattern.ids_in(text, &mut IdEffort::of_reading());
        found.expect("the text is short")
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
        ids_by(DEFAULT_PATTERN, text)
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
        rule.apply(&mut case, &mut IdEffort::of_reading());
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
        let ids = ids_by(r"TC-(\d+)(?:/(\d+))?", "TC-1/2 TC-3");

        assert_eq!(ids.as_deref(), Some("1,2,3"));
    }

    #[test]
    fn a_text_that_is_no_pattern_says_why() {
        for (pattern, expected) in [
            ("TC(", "it is no regular expression: unclosed group"),
            (r"TC\d+", "it has no group"),
        ] {
            let error = IdPattern::parse(pattern).unwrap_err().to_string();

            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn a_pattern_that_is_too_large_names_the_limit_and_the_way_out() {
        for pattern in [
            r"(?:\p{L}{1,500}){1,50}([0-9]+)",
            r"[\p{L}\p{N}]{1000}([0-9]+)",
            "(a{1000}){1000}",
        ] {
            let error = IdPattern::parse(pattern).unwrap_err();

            insta::allow_duplicates! {
                insta::assert_snapshot!(error, @r"it is larger than 128 KiB once it is compiled; write `[0-9]` for `\d`, `[0-9A-Za-z_]` for `\w`, and smaller counts in braces");
            }
        }
    }

    #[test]
    fn a_pattern_as_people_write_it_is_not_too_large() {
        for pattern in [
            r"(?i)(?:ado|tc|test ?case|workitem)[-_: #]*(\d{1,10})(?:\s*,\s*(\d{1,10}))*",
            r"(?i)https://dev\.azure\.com/[^/\s]+/[^/\s]+/_workitems/edit/(\d{1,10})",
            r"\b\w+-(\d+)\b",
        ] {
            assert!(IdPattern::parse(pattern).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn more_groups_than_anybody_needs_are_refused() {
        let groups = |count| IdPattern::parse(&"(a)".repeat(count));

        assert!(groups(MOST_GROUPS).is_ok());
        assert!(matches!(
            groups(MOST_GROUPS + 1),
            Err(NoPattern::ManyGroups)
        ));
    }

    #[test]
    fn a_text_that_costs_too_much_loses_its_ids_and_says_so() {
        // Each place is found only after a look at all that follows.
        let pattern = format!("([0-9])(?:[a-z0-9]*{}!)?", r"\w".repeat(2));
        let rule = IdRule {
            from: vec![IdSource::Description],
            pattern: IdPattern::parse(&pattern).expect("it is a pattern"),
        };
        let mut dear = case("", "", &"1".repeat(LONGEST_WITH_IDS));
        let mut cheap = case("", "", "1");

        rule.apply(&mut dear, &mut IdEffort::of_reading());
        rule.apply(&mut cheap, &mut IdEffort::of_reading());

        assert_eq!(dear.azure_ids, None);
        assert!(dear.damage.is_some(), "{dear:?}");
        assert_eq!(cheap.azure_ids.as_deref(), Some("1"));
        assert_eq!(cheap.damage, None);
        insta::assert_snapshot!(dear.warnings.join("\n"), @r"`Test Cases/Pay @TC3.tc` can be read only in part: looking for ids in it costs too much; a smaller `submit.ids_pattern`, as with `[0-9]` for `\d`, costs less; its ADO ids cannot be known");
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
        .apply(&mut by_tag, &mut IdEffort::of_reading());
        IdRule::default().apply(&mut by_entry, &mut IdEffort::of_reading());

        assert!(by_tag.damage.is_some(), "{by_tag:?}");
        assert_eq!(by_tag.azure_ids, None);
        assert_eq!(by_entry.damage, None);
    }

    proptest! {
        #[test]
        fn no_pattern_and_no_text_make_it_panic(pattern in r"[\\()\[\]{}*+?|a-c0-9.d^$]{0,20}", text in ".{0,40}") {
            if let Ok(pattern) = IdPattern::parse(&pattern) {
                let found = pattern.ids_in(&text, &mut IdEffort::of_reading());
                prop_assert!(found.is_ok(), "{found:?}");
            }
        }
    }
}
