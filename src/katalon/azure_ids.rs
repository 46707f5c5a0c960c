//! The ADO test case ids of a test case: from the text in its `.tc` to numbers.
//!
//! The text is a comma-separated list; blanks, leading zeros, empty parts and duplicates are
//! tolerated, and `${variable}` stands for the value of a test case variable in one execution. What
//! cannot be an id is reported in words that tell a tester what to change, and never stops the
//! others. Values of variables are not shown: they can be secrets.

use crate::katalon::run::binding::groovy;
use crate::katalon::run::{TestResult, VariableValue};
use crate::katalon::test_case::TestCase;

/// Ids of one test case that are taken; nobody maps more by hand.
const MOST_IDS: usize = 1000;

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

/// Resolves the text of `azure.testcase.ids`; `lookup` gives the value of a variable in the
/// execution at hand.
pub fn resolve(raw: &str, lookup: &dyn Fn(&str) -> Option<VariableValue>) -> Resolved {
    let mut resolved = Resolved::default();
    for part in raw
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let ids = expand(part, lookup).and_then(|text| parse(&text, part.contains("${")));
        match ids {
            Ok(ids) => {
                for id in ids {
                    if !resolved.ids.contains(&id) && resolved.ids.len() < MOST_IDS {
                        resolved.ids.push(id);
                    }
                }
            }
            Err(reason) => resolved.problems.push(IdProblem {
                text: part.to_owned(),
                reason,
            }),
        }
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
        let bound = test.and_then(|test| test.variables.get(name)).cloned();
        bound.or_else(|| case?.variables.get(name).map(|default| groovy(default)))
    }
}

/// Replaces every `${variable}`.
fn expand(part: &str, lookup: &dyn Fn(&str) -> Option<VariableValue>) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = part;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else {
            return Err("a `}` is missing; write a variable as `${name}`".to_owned());
        };
        text.push_str(before);
        text.push_str(&value_of(name.trim(), lookup)?);
        rest = behind;
    }
    text.push_str(rest);
    Ok(text)
}

fn value_of(name: &str, lookup: &dyn Fn(&str) -> Option<VariableValue>) -> Result<String, String> {
    match lookup(name) {
        Some(VariableValue::Plain(value)) if value.trim().is_empty() => Err(format!(
            "variable `{name}` is empty in this execution; bind it to an id"
        )),
        Some(VariableValue::Plain(value)) => Ok(value.trim().to_owned()),
        Some(VariableValue::Masked) => Err(format!(
            "the value of variable `{name}` is masked; switch masking off for it in the test case"
        )),
        Some(VariableValue::Expression(_)) => Err(format!(
            "variable `{name}` has a value that only Katalon can compute; bind it to data or to a number"
        )),
        None => Err(format!(
            "there is no variable `{name}`; add it to the test case, or write the id itself"
        )),
    }
}

/// Reads one or more ids; a variable can hold a list, and Excel gives its numbers as `123.0`.
fn parse(text: &str, computed: bool) -> Result<Vec<u32>, String> {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts.map(|part| one(part, computed)).collect()
}

fn one(part: &str, computed: bool) -> Result<u32, String> {
    let integral = match part.split_once('.') {
        Some((whole, fraction)) if computed && fraction.bytes().all(|digit| digit == b'0') => whole,
        _ => part,
    };
    if integral.is_empty() || !integral.bytes().all(|byte| byte.is_ascii_digit()) {
        let what = if computed {
            "its value is not a number"
        } else {
            "it is not a number"
        };
        return Err(format!(
            "{what}; write the ids of test case work items, separated by commas"
        ));
    }
    match integral.trim_start_matches('0').parse() {
        Ok(id) => Ok(id),
        Err(_) if integral.bytes().all(|digit| digit == b'0') => {
            Err("0 is no id; write the id of a test case work item".to_owned())
        }
        Err(_) => {
            Err("it is too large for an id; write the id of a test case work item".to_owned())
        }
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
    fn a_default_value_counts_only_where_nothing_is_bound() {
        let variables_of_case = [
            ("a".to_owned(), "'12'".to_owned()),
            ("b".to_owned(), "f()".to_owned()),
        ]
        .into();
        let case = TestCase {
            id: "T".into(),
            azure_ids: None,
            variables: variables_of_case,
            warnings: Vec::new(),
        };
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
