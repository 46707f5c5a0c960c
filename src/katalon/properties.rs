//! Java `.properties` files in Katalon's quoting.
//!
//! Two layers: the lines of `java.util.Properties`, and on top of them Katalon's typed values
//! (`true`, `12`, `"text"`), whose texts are Java-escaped once more. Reading is total: broken
//! escapes stay as they are, and a file that was cut in the middle gives the pairs that are whole
//! and the beginning of the last one.

use std::collections::HashMap;

use crate::katalon::{escape, text};

/// Keys that are read; the largest file of the corpus has 40.
const MOST_KEYS: usize = 10_000;

/// The pairs of a `.properties` file in file order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Properties {
    pairs: Vec<(String, String)>,
    /// Where in `pairs` a key stands: whoever writes the file decides how many keys there are.
    places: HashMap<String, usize>,
    /// Keys beyond those that are read.
    left_out: usize,
    unended: Option<UnendedLine>,
}

/// The last line of a file that has no line end behind it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct UnendedLine {
    /// Its key, or the beginning of one.
    pub key: String,
    /// Its value or the beginning of one; `None` where the key itself is not over.
    pub value: Option<String>,
    /// Whether it ends in the middle of an escape.
    pub is_open: bool,
}

impl Properties {
    /// Reads a file in whatever encoding it came ([`text::decode`]): Java's old default,
    /// ISO-8859-1, is what a byte that is no UTF-8 is read as. Any line ends. Of a key that occurs
    /// twice the last value wins, at the place of the first.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let text = text::decode(bytes);
        let mut properties = Self::default();
        let mut last = String::new();
        for line in logical_lines(&text) {
            let (key, value) = split(&line);
            last = line;
            if let Some(place) = properties.places.get(&key) {
                properties.pairs[*place].1 = value;
            } else if properties.pairs.len() == MOST_KEYS {
                properties.left_out += 1;
            } else {
                properties
                    .places
                    .insert(key.clone(), properties.pairs.len());
                properties.pairs.push((key, value));
            }
        }

        properties.unended = unended_line(&text, &last);
        properties
    }

    /// The raw value of a key, without Katalon's typing.
    pub(crate) fn raw(&self, key: &str) -> Option<&str> {
        let place = self.places.get(key)?;
        Some(&self.pairs[*place].1)
    }

    /// The last line, where no line end stands behind it.
    pub(crate) const fn unended(&self) -> Option<&UnendedLine> {
        self.unended.as_ref()
    }

    /// What is wrong with a file that has more keys than are read.
    pub(crate) fn excess(&self) -> Option<String> {
        if self.left_out == 0 {
            return None;
        }
        Some(format!(
            "it has more than {MOST_KEYS} keys; {} not read",
            match self.left_out {
                1 => "another one is".to_owned(),
                more => format!("{more} others are"),
            }
        ))
    }

    /// All pairs, raw, in file order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// A value in Katalon's quoting (its `PropertySettingStoreUtil`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// Digits with an optional minus, within Java's `int`.
    Int(i32),
    /// Everything else; the quotes and the escapes between them are gone.
    Text(String),
}

impl Value {
    /// Types a raw value as Katalon does. A value without quotes, as hands write it, is the text as
    /// it stands.
    pub(crate) fn read(raw: &str) -> Self {
        match raw {
            "true" => return Self::Bool(true),
            "false" => return Self::Bool(false),
            _ => {}
        }

        // `parse` alone would also take a `+`, which Katalon never writes.
        let digits = raw.strip_prefix('-').unwrap_or(raw);
        if digits.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(number) = raw.parse()
        {
            return Self::Int(number);
        }

        let quoted = raw
            .strip_prefix('"')
            .and_then(|inner| inner.strip_suffix('"'));
        match quoted {
            Some(inner) => Self::Text(escape::java(inner).into_owned()),
            None => Self::Text(raw.to_owned()),
        }
    }

    /// The raw value, as Katalon writes it; texts are ASCII then.
    pub(crate) fn write(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Text(text) => format!("\"{}\"", escape::as_java(text)),
        }
    }
}

/// Lines without comments and blank ones; a line that ends in an odd number of backslashes goes on
/// in the next. A file that was cut behind a backslash gives the beginning of its last line.
fn logical_lines(text: &str) -> impl Iterator<Item = String> {
    let mut natural_lines = natural_lines(text);
    std::iter::from_fn(move || {
        let mut open: Option<String> = None;
        for natural in natural_lines.by_ref() {
            // Java drops the blanks before a continued line as well, so that it can be indented.
            let natural = natural.trim_start_matches([' ', '\t', '\u{c}']);
            if open.is_none() && (natural.is_empty() || natural.starts_with(['#', '!'])) {
                continue;
            }

            let mut line = open.take().unwrap_or_default();
            let backslashes = natural.len() - natural.trim_end_matches('\\').len();
            if backslashes % 2 == 1 {
                line.push_str(&natural[..natural.len() - 1]);
                open = Some(line);
            } else {
                line.push_str(natural);
                return Some(line);
            }
        }
        open
    })
    .filter(|line| !line.is_empty())
}

/// The lines of the text, whatever ends them.
fn natural_lines(text: &str) -> impl Iterator<Item = &str> {
    // A CR LF leaves an empty line behind the CR; it must not end a line that was continued.
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\n', '\r']) else {
            rest = None;
            return Some(text);
        };
        let after = &text[end..];
        rest = Some(after.strip_prefix("\r\n").unwrap_or(&after[1..]));
        Some(&text[..end])
    })
}

/// The last logical line of a text, where no line end stands behind it.
fn unended_line(text: &str, last: &str) -> Option<UnendedLine> {
    let tail = text.rsplit(['\n', '\r']).next().unwrap_or_default();
    let tail = tail.trim_start_matches([' ', '\t', '\u{c}']);
    // A comment is no line of its own, so the line before it has its end.
    if last.is_empty() || tail.is_empty() || tail.starts_with(['#', '!']) {
        return None;
    }

    let (key, value) = split(last);
    let backslashes = tail.len() - tail.trim_end_matches('\\').len();
    Some(UnendedLine {
        key,
        value: (key_end(last) < last.len()).then_some(value),
        is_open: backslashes % 2 == 1,
    })
}

/// Where the first unescaped separator of a logical line stands.
fn key_end(line: &str) -> usize {
    let mut is_escaped = false;
    for (at, character) in line.char_indices() {
        if !is_escaped && matches!(character, '=' | ':' | ' ' | '\t' | '\u{c}') {
            return at;
        }
        is_escaped = !is_escaped && character == '\\';
    }
    line.len()
}

/// Splits a logical line at its first unescaped separator and decodes both sides.
fn split(line: &str) -> (String, String) {
    // Java takes blanks, one `=` or `:`, and blanks again for one separator.
    let (key, rest) = line.split_at(key_end(line));
    let blank = [' ', '\t', '\u{c}'];
    let rest = rest.trim_start_matches(blank);
    let value = rest
        .strip_prefix(['=', ':'])
        .unwrap_or(rest)
        .trim_start_matches(blank);
    (unescape(key), unescape(value))
}

/// Replaces the escapes of `java.util.Properties`.
fn unescape(text: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut characters = text.chars();

    while let Some(character) = characters.next() {
        let decoded = if character == '\\' {
            escaped_unit(&mut characters)
        } else {
            Some(Err(character))
        };

        match decoded {
            Some(Ok(unit)) => units.push(unit),
            Some(Err(character)) => units.extend(character.encode_utf16(&mut [0; 2]).iter()),
            None => {}
        }
    }

    // Surrogates that two escapes spell one after the other become one character here.
    String::from_utf16_lossy(&units)
}

/// A UTF-16 unit for `\uXXXX`, a character for any other escape, nothing for a backslash at the
/// end.
fn escaped_unit(rest: &mut std::str::Chars<'_>) -> Option<Result<u16, char>> {
    let character = match rest.next()? {
        't' => '\t',
        'n' => '\n',
        'r' => '\r',
        'f' => '\u{c}',
        'u' => {
            if let Some(unit) = hexadecimal(rest.as_str()) {
                *rest = rest.as_str()[4..].chars();
                return Some(Ok(unit));
            }

            'u'
        }

        other => other,
    };

    Some(Err(character))
}

/// The number that the first four characters spell; `from_str_radix` alone would take a sign.
fn hexadecimal(text: &str) -> Option<u16> {
    let digits = text.get(..4)?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        Properties::read(text.as_bytes()).pairs
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn lines_follow_java_util_properties() {
        let text = "\u{feff}#c\r\n! d\n a = b \r\n\nk\\ y\\=:v\\\r\n   w\\\\\nempty\nu=\\u00e9\\uD83D\\uDD11\\z";
        let expected = [
            pair("a", "b "),
            pair("k y=", "vw\\"),
            pair("empty", ""),
            pair("u", "é🔑z"),
        ];
        assert_eq!(pairs(text), expected);
    }

    #[test]
    fn the_last_of_two_equal_keys_wins() {
        assert_eq!(pairs("a=1\nb=2\na=3"), [pair("a", "3"), pair("b", "2")]);
    }

    #[test]
    fn only_a_line_without_a_line_end_is_unended() {
        let unended = |text: &str| Properties::read(text.as_bytes()).unended;
        for text in ["", "a=1\n", "a=1\r\n", "a\r", "a=1\n# b", "a=1\n  "] {
            assert_eq!(unended(text), None, "{text:?}");
        }

        let line = |value: Option<&str>| UnendedLine {
            key: "b".to_owned(),
            value: value.map(str::to_owned),
            is_open: false,
        };
        assert_eq!(unended("a=1\nb"), Some(line(None)));
        assert_eq!(unended("a=1\nb="), Some(line(Some(""))));
        assert_eq!(unended("a=1\nb=2"), Some(line(Some("2"))));
        assert!(unended("b=2\\").unwrap().is_open);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_latin_1() {
        assert_eq!(Properties::read(b"a=\xe9").raw("a"), Some("é"));
    }

    #[test]
    fn values_are_typed_as_katalon_types_them() {
        assert_eq!(Value::read("true"), Value::Bool(true));
        assert_eq!(Value::read("false"), Value::Bool(false));
        assert_eq!(Value::read("-1"), Value::Int(-1));
        assert_eq!(
            Value::read("99999999999"),
            Value::Text("99999999999".to_owned())
        );
        assert_eq!(
            Value::read(r#""a \"b\"\n""#),
            Value::Text("a \"b\"\n".to_owned())
        );
        assert_eq!(Value::read("by hand"), Value::Text("by hand".to_owned()));
        assert_eq!(Value::read("\""), Value::Text("\"".to_owned()));
        assert_eq!(Value::read(""), Value::Text(String::new()));
    }

    #[test]
    fn a_file_as_katalon_writes_it_gives_json() {
        let text = r#"submitOptions.testPlan="{\\n  \\"id\\"\: 8558,\\n  \\"name\\"\: \\"A\\\\u0026B\\"\\n}""#;
        let properties = Properties::read(text.as_bytes());
        let value = Value::read(properties.raw("submitOptions.testPlan").unwrap());
        assert_eq!(
            value,
            Value::Text("{\n  \"id\": 8558,\n  \"name\": \"A\\u0026B\"\n}".to_owned())
        );
    }

    proptest! {
        #[test]
        fn a_text_that_was_written_is_read_back(text in any::<String>()) {
            let value = Value::Text(text);

            prop_assert_eq!(Value::read(&value.write()), value);
        }

        #[test]
        fn lines_are_read_as_the_java_properties_crate_reads_them(text in r"([ab=: \t\\n\u{c}]|\\u004[12]|\r\n|\n|\r){0,40}") {
            // A file that ends in a backslash is cut; there the crate drops the line and we keep
            // what is whole.
            let text = text + "\n\nlast=1";
            if let Ok(oracle) = java_properties::read(text.as_bytes()) {
                let ours: std::collections::HashMap<_, _> = pairs(&text).into_iter().collect();
                prop_assert_eq!(ours, oracle);
            }
        }

        // Only characters for which the crate writes exactly four hex digits, as Java does.
        #[test]
        fn what_the_java_properties_crate_writes_is_read_back(map in prop::collection::hash_map(r"[ -~\u{3041}-\u{d7ff}]{1,12}", r"[ -~\u{3041}-\u{d7ff}]{0,12}", 0..6)) {
            let mut written = Vec::new();
            if java_properties::write(&mut written, &map).is_ok() {
                let ours: std::collections::HashMap<_, _> = Properties::read(&written).pairs.into_iter().collect();
                prop_assert_eq!(ours, map);
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for (_, value) in Properties::read(&bytes).iter() {
                Value::read(value);
            }
        }
    }
}
