//! `testCaseBinding`: one JSON line per planned execution of a test case (Katalon 6.3 and later),
//! and the values of variables that the log repeats as JSON.
//!
//! Both hold test data in clear, passwords among them. Values are kept for `${variable}` in ADO ids
//! only; nobody prints them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::katalon::damage::{Damage, DamageKind};
use crate::katalon::escape;
use crate::katalon::lenient_json;
use crate::katalon::run::VariableValue;
use crate::katalon::text::{head, short_name};
use crate::katalon::url_secrets::without_users;

/// Longer values are no part of an id; they are not kept.
const LONGEST_VALUE: usize = 1024;
/// Bytes of a variable's name; no text of ids could hold a longer one.
const LONGEST_VARIABLE: usize = 1024;
/// Variables of one execution that are kept.
const MOST_VARIABLES: usize = 1000;
/// Variables of all executions together that are kept. Each takes some hundred bytes of memory, and
/// six of a file suffice for one; those of real files take thirty, so the largest file holds no
/// more.
const MOST_VARIABLES_OF_ALL: usize = 500_000;
/// Bytes of a line that is read; the longest of the corpus is a tenth of it.
const LONGEST_LINE: usize = 64 * 1024;
/// Lines that are read, which is how many executions a run may plan.
const MOST_LINES: usize = 100_000;

/// One planned execution of a test case.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct BindingLine {
    /// Id of the test case.
    pub test_case: String,
    /// Id that the execution shares with its START record in the log (Katalon 11).
    pub execution_id: Option<String>,
    /// Name of the variable whose value names the iteration (Katalon 8.3 and later).
    pub iteration_variable: Option<String>,
    /// Values bound to the variables.
    pub values: BTreeMap<String, VariableValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawLine {
    #[serde(default)]
    test_case_id: String,
    #[serde(default)]
    test_case_name: String,
    test_case_execution_id: Option<String>,
    iteration_variable_name: Option<String>,
    binded_values: Option<serde_json::Map<String, Value>>,
}

/// The file of the run folder.
pub(crate) const FILE: &str = "testCaseBinding";

/// Reads the whole file, and says what of it cannot be read. Such a line counts as one without
/// content, so that the others keep their place.
pub(crate) fn read(bytes: &[u8]) -> (Vec<BindingLine>, Vec<Damage>) {
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes));
    let mut lines = Vec::new();
    let mut unread = 0;
    let mut first_unread = 0;
    let mut left_out = 0;
    let mut room = MOST_VARIABLES_OF_ALL;
    let mut not_kept = 0;

    for (line, number) in text.lines().zip(1..) {
        if line.trim().is_empty() {
            continue;
        }
        if lines.len() == MOST_LINES {
            left_out += 1;
            continue;
        }

        if let Some(mut raw) = parse_line(line) {
            not_kept += raw.keep_at_most(room);
            let line = raw.into_line();
            room -= line.values.len();
            lines.push(line);
            continue;
        }
        if unread == 0 {
            first_unread = number;
        }
        unread += 1;
        lines.push(BindingLine::default());
    }

    let mut damage = Vec::new();
    if unread > 0 {
        let kind = DamageKind::UnreadableLines { count: unread };
        damage.push(Damage::at(FILE, first_unread, kind));
    }
    if left_out > 0 {
        let error = format!("it has {left_out} more than the {MOST_LINES} lines that are read");
        damage.push(Damage::of(FILE, DamageKind::Unreadable { error }));
    }
    if not_kept > 0 {
        let error = format!(
            "it binds {not_kept} more than the {MOST_VARIABLES_OF_ALL} variables that are kept"
        );
        damage.push(Damage::of(FILE, DamageKind::Unreadable { error }));
    }
    (lines, damage)
}

/// Reads a line; `None` for one that is no JSON, or too long to be Katalon's.
fn parse_line(line: &str) -> Option<RawLine> {
    if line.len() > LONGEST_LINE {
        return None;
    }
    parse(line).ok()
}

impl RawLine {
    /// Drops the variables for which there is no room; gives how many.
    fn keep_at_most(&mut self, room: usize) -> usize {
        let Some(bound) = &mut self.binded_values else {
            return 0;
        };
        let excess = bound.len().min(MOST_VARIABLES).saturating_sub(room);
        if excess > 0 {
            let kept = std::mem::take(bound).into_iter().take(room);
            *bound = kept.collect();
        }
        excess
    }

    fn into_line(self) -> BindingLine {
        // Before 8 only the name is there; later ones put `- Iteration N` behind it.
        let test_case = if self.test_case_id.is_empty() {
            self.test_case_name
        } else {
            self.test_case_id
        };

        let mut values = BTreeMap::new();
        let bound = self.binded_values.unwrap_or_default();
        for (name, value) in bound.into_iter().take(MOST_VARIABLES) {
            if name.len() > LONGEST_VARIABLE {
                continue;
            }
            let value = match value {
                Value::String(source) => groovy(&source),
                other => VariableValue::Plain(other.to_string()),
            };
            values.insert(name, bounded(value));
        }

        BindingLine {
            test_case: short_name(test_case),
            execution_id: self
                .test_case_execution_id
                .filter(|id| !id.is_empty())
                .map(short_name),
            iteration_variable: self.iteration_variable_name.filter(|name| !name.is_empty()),
            values,
        }
    }
}

/// Reads JSON in which half of a character may stand (`\ud83d`): Java writes it as it is, and
/// `serde_json` refuses the whole text for it. It becomes U+FFFD, so that whoever uses the value
/// sees what is wrong with it.
fn parse<T: DeserializeOwned>(json: &str) -> Result<T, serde_json::Error> {
    let strict = serde_json::from_str(json);
    if strict.is_ok() || !json.contains("\\u") {
        return strict;
    }

    let (mut members, damage) = lenient_json::read_object("", &format!("{{\"value\":{json}}}"));
    match members.remove("value") {
        Some(value) if damage.is_none() => serde_json::from_value(value),
        _ => strict,
    }
}

/// Reads a Groovy expression: a number, a boolean or a plain string literal gives its value,
/// everything else has to be evaluated by Katalon.
pub(crate) fn groovy(source: &str) -> VariableValue {
    let source = source.trim();
    // A `$` in double quotes is an expression of its own.
    let text =
        literal(source, '\'').or_else(|| literal(source, '"').filter(|inner| !inner.contains('$')));
    if let Some(text) = text {
        return VariableValue::Plain(escape::java(text).into_owned());
    }

    if is_number(source) || matches!(source, "true" | "false") {
        return VariableValue::Plain(source.to_owned());
    }
    VariableValue::Expression(source.to_owned())
}

fn is_number(source: &str) -> bool {
    let digits = source.strip_prefix('-').unwrap_or(source);
    digits.starts_with(|first: char| first.is_ascii_digit())
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// The inside of one literal in these quotes; `None` when the source is more than one literal.
fn literal(source: &str, quote: char) -> Option<&str> {
    let inner = source.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut escaped = false;
    for character in inner.chars() {
        // `'a' + 'b'` begins and ends with a quote as well, and is an expression.
        if character == quote && !escaped {
            return None;
        }
        escaped = character == '\\' && !escaped;
    }

    (!escaped).then_some(inner)
}

#[derive(Deserialize)]
struct ExecutionVariable {
    name: String,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    masked: bool,
}

/// Reads the property `executionBindingVariables` (Katalon 8.2 and later): the resolved variables
/// of an execution.
///
/// # Errors
/// When it is not the JSON that Katalon writes, as when the log was cut in it.
pub(crate) fn execution_variables(
    json: &str,
) -> Result<BTreeMap<String, VariableValue>, serde_json::Error> {
    if json.trim().is_empty() {
        return Ok(BTreeMap::new());
    }

    let list: Vec<ExecutionVariable> = parse(json)?;
    let mut variables = BTreeMap::new();
    for variable in list.into_iter().take(MOST_VARIABLES) {
        if variable.name.len() > LONGEST_VARIABLE {
            continue;
        }
        let value = match variable.value {
            _ if variable.masked => VariableValue::Masked,
            Value::String(text) if is_mask(&text) => VariableValue::Masked,
            Value::String(text) => VariableValue::Plain(text),
            Value::Null => VariableValue::Plain(String::new()),
            other => VariableValue::Plain(other.to_string()),
        };
        variables.insert(variable.name, bounded(value));
    }
    Ok(variables)
}

/// The value without the users of URLs, and without what is too long for an id. What is cut is no
/// value any more, so it counts as something that only Katalon knows.
fn bounded(value: VariableValue) -> VariableValue {
    match value {
        VariableValue::Plain(text) | VariableValue::Expression(text)
            if text.len() > LONGEST_VALUE =>
        {
            let text = without_users(&text);
            VariableValue::Expression(head(&text, LONGEST_VALUE).to_owned())
        }
        VariableValue::Plain(text) => VariableValue::Plain(without_users(&text).into_owned()),
        VariableValue::Expression(text) => {
            VariableValue::Expression(without_users(&text).into_owned())
        }
        VariableValue::Masked => VariableValue::Masked,
    }
}

/// Katalon shows a masked value as asterisks.
fn is_mask(text: &str) -> bool {
    text.len() >= 3 && text.bytes().all(|byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    #[test]
    fn more_variables_than_anybody_binds_are_not_kept_and_told() {
        let line = (0..1000).map(|number| format!("\"{number}\":1"));
        let line = line.collect::<Vec<String>>().join(",");
        let line = format!("{{\"bindedValues\":{{{line}}}}}\n");
        let lines = MOST_VARIABLES_OF_ALL / 1000;

        let (read, damage) = read(line.repeat(lines + 2).as_bytes());

        assert_eq!(read[lines - 1].values.len(), 1000);
        assert_eq!(read[lines].values.len(), 0);
        assert_eq!(damage.len(), 1);
        let text = damage[0].to_string();
        assert!(text.contains("binds 2000 more than the 500000"), "{text}");
    }

    use super::*;

    fn plain(text: &str) -> VariableValue {
        VariableValue::Plain(text.to_owned())
    }

    #[test]
    fn a_line_gives_the_test_case_and_its_values() {
        let file = "{\"testCaseName\":\"Test Cases/A - Iteration 1\",\"testCaseId\":\"Test Cases/A\",\
                    \"testCaseExecutionId\":\"u\",\"iterationVariableName\":\"ado\",\
                    \"bindedValues\":{\"ado\":\"\\u00272001\\u0027\",\"x\":\"f()\"}}\r\nno json\r\n{\"testCaseName\":\"T\"}\r\n";

        let (lines, damage) = read(file.as_bytes());

        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0].test_case, "Test Cases/A");
        assert_eq!(lines[0].execution_id.as_deref(), Some("u"));
        assert_eq!(lines[0].iteration_variable.as_deref(), Some("ado"));
        assert_eq!(lines[0].values["ado"], plain("2001"));
        assert_eq!(
            lines[0].values["x"],
            VariableValue::Expression("f()".to_owned())
        );
        assert_eq!(lines[2].test_case, "T");
        let kind = DamageKind::UnreadableLines { count: 1 };
        assert_eq!(damage, [Damage::at(FILE, 2, kind)]);
    }

    #[test]
    fn lines_that_cannot_be_read_are_counted_and_keep_their_place() {
        let file = format!("{}{{\"testCaseName\":\"T\"}}", "no json\n".repeat(1000));

        let (lines, damage) = read(file.as_bytes());

        assert_eq!(lines.len(), 1001);
        assert_eq!(lines[1000].test_case, "T");
        let kind = DamageKind::UnreadableLines { count: 1000 };
        assert_eq!(damage, [Damage::at(FILE, 1, kind)]);
    }

    #[test]
    fn a_line_that_is_too_long_is_not_read() {
        let file = format!("{{\"testCaseName\":{:?}}}", "x".repeat(LONGEST_LINE));

        let (lines, damage) = read(file.as_bytes());

        assert_eq!(lines, [BindingLine::default()]);
        let kind = DamageKind::UnreadableLines { count: 1 };
        assert_eq!(damage, [Damage::at(FILE, 1, kind)]);
    }

    #[test]
    fn a_run_has_no_end_of_executions_and_the_reader_has() {
        let file = "{}\n".repeat(MOST_LINES + 5);

        let (lines, damage) = read(file.as_bytes());

        assert_eq!(lines.len(), MOST_LINES);
        assert_eq!(
            damage[0].to_string(),
            "`testCaseBinding` cannot be read: it has 5 more than the 100000 lines that are read"
        );
    }

    #[test]
    fn half_of_a_character_costs_only_itself() {
        let file = r#"{"testCaseId":"T","bindedValues":{"a":"\u00271\ud83d\u0027","b":"\u0027\ud83d\ude00\u0027"}}"#;

        let (lines, damage) = read(file.as_bytes());

        assert_eq!(lines[0].values["a"], plain("1\u{fffd}"));
        assert_eq!(lines[0].values["b"], plain("😀"));
        assert_eq!(damage, []);
    }

    #[test]
    fn only_plain_literals_are_values() {
        assert_eq!(groovy(r"'it\'s'"), plain("it's"));
        assert_eq!(groovy("\"a\""), plain("a"));
        assert_eq!(groovy("-12.5"), plain("-12.5"));
        for source in [
            "'a' + 'b'",
            "\"$x\"",
            "GlobalVariable.x",
            "null",
            "",
            "'a\\'",
        ] {
            assert_eq!(groovy(source), VariableValue::Expression(source.to_owned()));
        }
    }

    #[test]
    fn masked_values_are_known_to_be_masked() {
        let json = r#"[{"name":"a","value":"1","masked":true},{"name":"b","value":"****"},{"name":"c","value":12,"masked":false}]"#;

        let variables = execution_variables(json).unwrap();

        assert_eq!(variables["a"], VariableValue::Masked);
        assert_eq!(variables["b"], VariableValue::Masked);
        assert_eq!(variables["c"], plain("12"));
        assert!(execution_variables("[{\"name\":").is_err());
    }
}
