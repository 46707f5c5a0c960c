//! The ADO test case ids of a test case: from the text in its `.tc` to numbers.
//!
//! The text is a comma-separated list; blanks, leading zeros, empty parts and duplicates are
//! tolerated, and `${variable}` stands for the value of a test case variable in one execution. What
//! cannot be an id is reported in words that tell a tester what to change, and never stops the
//! others. Values of variables are not shown: they can be secrets.

use std::collections::HashSet;

use crate::katalon::run::binding::groovy;
use crate::katalon::run::{TestResult, VariableValue};
use crate::katalon::test_case::TestCase;
use crate::katalon::text::head;
use crate::plural::{counted, form};

/// Ids of one test case that are taken; nobody maps more by hand.
const MOST_IDS: usize = 1000;
/// Parts that give no id and are told one by one; the others are counted.
const MOST_PROBLEMS: usize = 20;
/// Bytes that a part may have when its variables are put in: as many ids as are taken, with some
/// room. A variable that is used again and again would make a text without end.
const LONGEST_PART: usize = 16 * MOST_IDS;
/// Bytes of a part that are shown.
const SHOWN: usize = 256;

/// What a text of ids gives.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Resolved {
    /// The ids in order of appearance, each once, never 0.
    pub ids: Vec<u32>,
    /// The parts that give no id.
    pub problems: Vec<IdProblem>,
}

/// A part of the text that gives no id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdProblem {
    /// The part as written in the test case.
    pub text: String,
    /// What is wrong and what to change.
    pub reason: String,
}

impl IdProblem {
    /// Whether the part names a variable, whose value each execution may give.
    pub(crate) fn names_variable(&self) -> bool {
        self.text.contains("${")
    }
}

/// Why a part of the text gives no id. `Display` says what to change; values never show, because
/// they can be secrets.
#[derive(Debug, thiserror::Error)]
enum NoId {
    #[error("a `}}` is missing; write a variable as `${{name}}`")]
    Unclosed,
    #[error("variable `{0}` is empty in this execution; bind it to an id")]
    Empty(String),
    #[error("the value of variable `{0}` is masked; switch masking off for it in the test case")]
    Masked(String),
    #[error(
        "variable `{0}` has a value that only Katalon can compute; bind it to data or to a number"
    )]
    Expression(String),
    #[error("there is no variable `{0}`; add it to the test case, or write the id itself")]
    Unknown(String),
    #[error("it is not a number; write the ids of test case work items, separated by commas")]
    NoNumber,
    #[error(
        "its value is not a number; write the ids of test case work items, separated by commas"
    )]
    NoNumberInValue,
    #[error(
        "the character U+{0:04X} in it is not a digit; type the ids of test case work items, \
         separated by commas"
    )]
    Letter(u32),
    #[error(
        "its value holds half of a character (a lone surrogate), so it is not a number; bind it \
         to an id"
    )]
    HalfCharacter,
    #[error("0 is no id; write the id of a test case work item")]
    Zero,
    #[error(
        "with the values of its variables it is too long; bind them to ids, or write the ids \
         themselves"
    )]
    TooLong,
    #[error("it is too large for an id; write the id of a test case work item")]
    TooLarge,
}

/// Whether a text stands in the test case itself or is the value of a variable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Written,
    Computed,
}

/// Resolves the text of `azure.testcase.ids`; `lookup` gives the value of a variable in the
/// execution at hand.
pub fn resolve(raw: &str, lookup: &dyn Fn(&str) -> Option<VariableValue>) -> Resolved {
    let mut resolved = Resolved::default();
    let mut unique = HashSet::new();
    let mut more_problems = 0;
    for part in parts_of(raw) {
        match ids_of(part, lookup) {
            Ok(ids) => {
                for id in ids {
                    // An id that stands there twice counts once, as in Katalon's own submission.
                    if resolved.ids.len() < MOST_IDS && unique.insert(id) {
                        resolved.ids.push(id);
                    }
                }
            }

            Err(_) if resolved.problems.len() == MOST_PROBLEMS => more_problems += 1,
            Err(problem) => resolved.problems.push(IdProblem {
                text: head(part, SHOWN).to_owned(),
                reason: problem.to_string(),
            }),
        }
    }

    if more_problems > 0 {
        resolved.problems.push(IdProblem {
            text: "…".to_owned(),
            reason: format!(
                "{} {} no id either",
                counted(more_problems, "more part"),
                form(more_problems, "gives", "give")
            ),
        });
    }
    resolved
}

/// A lookup in the order that Katalon has: values of this execution, then the default value in the
/// `.tc`.
pub fn variables<'a>(
    test: Option<&'a TestResult>,
    case: Option<&'a TestCase>,
) -> impl Fn(&str) -> Option<VariableValue> + 'a {
    move |name| {
        if let Some(bound) = test.and_then(|test| test.variables.get(name)) {
            return Some(bound.clone());
        }
        let default = case?.variables.get(name)?;
        Some(groovy(default))
    }
}

/// The parts of a list that are not empty, without the blanks around them.
fn parts_of(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

/// The ids of one part: several where a variable holds a list.
fn ids_of(part: &str, lookup: &dyn Fn(&str) -> Option<VariableValue>) -> Result<Vec<u32>, NoId> {
    let origin = if part.contains("${") {
        Origin::Computed
    } else {
        Origin::Written
    };
    let text = expand(part, lookup)?;
    parts_of(&text).map(|part| parse(part, origin)).collect()
}

/// Replaces every `${variable}`.
fn expand(part: &str, lookup: &dyn Fn(&str) -> Option<VariableValue>) -> Result<String, NoId> {
    let mut text = String::new();
    let mut rest = part;

    while let Some((before, after)) = rest.split_once("${") {
        let (name, behind) = after.split_once('}').ok_or(NoId::Unclosed)?;
        text.push_str(before);
        text.push_str(&value_of(name.trim(), lookup)?);
        if text.len() > LONGEST_PART {
            return Err(NoId::TooLong);
        }
        // What a variable holds is data, so no variables are looked for in it.
        rest = behind;
    }
    text.push_str(rest);
    Ok(text)
}

fn value_of(name: &str, lookup: &dyn Fn(&str) -> Option<VariableValue>) -> Result<String, NoId> {
    match lookup(name) {
        Some(VariableValue::Plain(value)) if value.trim().is_empty() => {
            Err(NoId::Empty(name.to_owned()))
        }
        Some(VariableValue::Plain(value)) => Ok(value.trim().to_owned()),
        Some(VariableValue::Masked) => Err(NoId::Masked(name.to_owned())),
        Some(VariableValue::Expression(_)) => Err(NoId::Expression(name.to_owned())),
        None => Err(NoId::Unknown(name.to_owned())),
    }
}

/// Reads one id.
fn parse(part: &str, origin: Origin) -> Result<u32, NoId> {
    // Numbers that come from Excel print as `123.0`; nobody writes an id like that.
    let digits = match part.split_once('.') {
        Some((whole, fraction))
            if origin == Origin::Computed && fraction.bytes().all(|digit| digit == b'0') =>
        {
            whole
        }
        _ => part,
    };

    // `parse` alone would also take a sign.
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(no_number(digits, origin));
    }

    let without_zeros = digits.trim_start_matches('0');
    if without_zeros.is_empty() {
        return Err(NoId::Zero);
    }
    without_zeros.parse().map_err(|_| NoId::TooLarge)
}

/// Why a text is no number. A character that nobody sees, or takes for another one, is named.
fn no_number(text: &str, origin: Origin) -> NoId {
    let odd = text.chars().find(|letter| !letter.is_ascii());
    match (origin, odd) {
        (Origin::Computed, Some(char::REPLACEMENT_CHARACTER)) => NoId::HalfCharacter,
        // A letter would tell something of a value.
        (Origin::Computed, Some(letter)) if !letter.is_alphanumeric() => {
            NoId::Letter(letter.into())
        }
        (Origin::Computed, _) => NoId::NoNumberInValue,
        (Origin::Written, Some(letter)) => NoId::Letter(letter.into()),
        (Origin::Written, None) => NoId::NoNumber,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lookup(name: &str) -> Option<VariableValue> {
        match name {
            "ado_id" => Some(VariableValue::Plain("2001".into())),
            "excel" => Some(VariableValue::Plain("123.0".into())),
            "list" => Some(VariableValue::Plain(" 5, 6 ".into())),
            "empty" => Some(VariableValue::Plain(" ".into())),
            "word" => Some(VariableValue::Plain("s3cret".into())),
            "half" => Some(VariableValue::Plain("10\u{fffd}".into())),
            "masked" => Some(VariableValue::Masked),
            "call" => Some(VariableValue::Expression("s3cret()".into())),
            _ => None,
        }
    }

    fn ids(raw: &str) -> Vec<u32> {
        resolve(raw, &lookup).ids
    }

    #[test]
    fn lists_are_tolerant() {
        assert_eq!(ids("545, 8562"), [545, 8562]);
        assert_eq!(ids(" 007 ,7,, 8\n"), [7, 8]);
        assert_eq!(ids(""), [0; 0]);
    }

    #[test]
    fn a_variable_that_is_used_again_and_again_makes_no_text_without_end() {
        let raw = "${list}".repeat(1_000_000);

        let resolved = resolve(&raw, &lookup);

        assert_eq!(resolved.ids, [0; 0]);
        assert_eq!(resolved.problems.len(), 1);
        assert!(resolved.problems[0].text.len() <= SHOWN);
        assert!(resolved.problems[0].reason.contains("too long"));
    }

    #[test]
    fn parts_that_give_no_id_are_counted_beyond_the_first_ones() {
        let resolved = resolve(&"x,".repeat(1000), &lookup);

        assert_eq!(resolved.problems.len(), MOST_PROBLEMS + 1);
        assert_eq!(
            resolved.problems[MOST_PROBLEMS].reason,
            "980 more parts give no id either"
        );
    }

    #[test]
    fn variables_are_resolved() {
        assert_eq!(ids("${ado_id}"), [2001]);
        assert_eq!(ids("${ excel },${list}, 1${ado_id}"), [123, 5, 6, 12001]);
    }

    #[test]
    fn what_is_no_id_is_reported_and_does_not_stop_the_others() {
        for bad in [
            "x",
            "#12",
            "0",
            "12.0",
            "4294967296",
            "-1",
            "1 2",
            "${nix}",
            "${empty}",
            "${word}",
            "${masked}",
            "${call}",
            "${ado_id",
        ] {
            let resolved = resolve(&format!("1,{bad},2"), &lookup);

            assert_eq!(resolved.ids, [1, 2], "{bad}");
            assert_eq!(resolved.problems.len(), 1, "{bad}");
            assert_eq!(resolved.problems[0].text, bad);
            assert!(!resolved.problems[0].reason.contains("s3cret"));
        }
    }

    #[test]
    fn a_character_that_nobody_sees_is_named() {
        let reason = |raw: &str| resolve(raw, &lookup).problems.remove(0).reason;

        assert!(reason("1001\u{200b}").contains("U+200B"));
        assert!(reason("１００１").contains("U+FF11"));
        assert!(reason("${half}").contains("half of a character"));
    }

    #[test]
    fn a_default_value_counts_only_where_nothing_is_bound() {
        let variables_of_case = [
            ("a".to_owned(), "'12'".to_owned()),
            ("b".to_owned(), "f()".to_owned()),
        ]
        .into();
        let mut case = TestCase::read("T".to_owned(), b"<TestCaseEntity/>");
        case.variables = variables_of_case;

        assert_eq!(resolve("${a}", &variables(None, Some(&case))).ids, [12]);
        assert_eq!(
            resolve("${b}", &variables(None, Some(&case)))
                .problems
                .len(),
            1
        );

        let test = TestResult {
            id: "T".into(),
            iteration: None,
            attempts: Vec::new(),
            variables: [("a".to_owned(), VariableValue::Plain("13".into()))].into(),
            member: 0,
        };
        assert_eq!(
            resolve("${a}", &variables(Some(&test), Some(&case))).ids,
            [13]
        );
    }

    proptest! {
        #[test]
        fn every_number_is_its_own_id(id in 1..=u32::MAX, zeros in 0..4_usize) {
            prop_assert_eq!(ids(&format!(" {}{id} ", "0".repeat(zeros))), [id]);
        }

        #[test]
        fn no_text_makes_the_resolver_panic(text in r"[0-9,.${}a ]{0,30}") {
            let resolved = resolve(&text, &lookup);
            prop_assert!(resolved.ids.iter().all(|id| *id > 0));
        }
    }
}
