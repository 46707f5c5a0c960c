//! A JSON object that may be damaged: what can be read of it is read.
//!
//! A bad escape and half of a surrogate pair cost only themselves. What ends the reading (the file
//! is cut off, or its syntax breaks) is one damage; everything before it counts, but for a value
//! that was not whole: half of a number is another number.

use serde_json::{Map, Value};

use crate::katalon::damage::{Damage, DamageKind};
use crate::katalon::text;

/// Values nested deeper end the reading; Katalon has half a dozen levels.
const DEEPEST: usize = 64;

/// Reads the text of `file`. The damage says why more members may have stood there.
pub(crate) fn read_object(file: &str, text: &str) -> (Map<String, Value>, Option<Damage>) {
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
        broken: false,
    };
    let members = match parser.value() {
        Some(Value::Object(members)) => members,
        _ => {
            parser.broken = true;
            Map::new()
        }
    };

    let damage = parser.broken.then(|| parser.damage(file));
    (members, damage)
}

struct Parser<'a> {
    text: &'a str,
    /// Bytes of the text that were read.
    at: usize,
    depth: usize,
    /// Nothing from `at` on can be read.
    broken: bool,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// Why the reading ended where it did.
    fn damage(&self, file: &str) -> Damage {
        if self.text[..self.at].trim().is_empty()
            && let Some(kind) = text::lost_content(self.text)
        {
            return Damage::of(file, kind);
        }

        let rest = self.rest();
        let kind = if rest.starts_with('\0') {
            DamageKind::Zeros
        } else if ["<<<<<<<", "=======", ">>>>>>>"]
            .iter()
            .any(|marker| rest.starts_with(marker))
        {
            DamageKind::ConflictMarkers
        } else {
            let error = match rest {
                "" => "its end is missing",
                _ => "it is not JSON from there on",
            };

            DamageKind::Unreadable {
                error: error.to_owned(),
            }
        };
        let line_ends = self.text[..self.at].matches('\n').count() as u64;
        Damage::at(file, line_ends + 1, kind)
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Reads a character if it comes next, behind blanks.
    fn takes(&mut self, wanted: char) -> bool {
        self.skip_blanks();
        let is_next = self.rest().starts_with(wanted);
        if is_next {
            self.at += wanted.len_utf8();
        }
        is_next
    }

    /// Reads what has to come next; without it nothing more can be read.
    fn expect(&mut self, wanted: char) {
        if !self.takes(wanted) {
            self.broken = true;
        }
    }

    /// A value; of a list or object what can be read of it, of everything else only the whole.
    fn value(&mut self) -> Option<Value> {
        self.skip_blanks();
        match self.rest().chars().next() {
            Some('{' | '[') if self.depth == DEEPEST => self.break_off(),
            Some('{') => self.object(),
            Some('[') => self.list(),
            Some('"') => self.string().map(Value::String),
            _ => self.word(),
        }
    }

    fn break_off<T>(&mut self) -> Option<T> {
        self.broken = true;
        None
    }

    fn object(&mut self) -> Option<Value> {
        self.depth += 1;
        self.expect('{');
        let mut members = Map::new();

        while !self.takes('}') {
            if !members.is_empty() {
                self.expect(',');
            }
            self.skip_blanks();
            let key = self.string();
            self.expect(':');
            if self.broken {
                break;
            }

            let value = self.value();

            // Also when the reading ended inside the value: of a list or object the beginning
            // counts.
            if let (Some(key), Some(value)) = (key, value) {
                members.insert(key, value);
            }
            if self.broken {
                break;
            }
        }

        self.depth -= 1;
        Some(Value::Object(members))
    }

    fn list(&mut self) -> Option<Value> {
        self.depth += 1;
        self.expect('[');
        let mut values = Vec::new();

        while !self.takes(']') {
            if !values.is_empty() {
                self.expect(',');
            }
            if self.broken {
                break;
            }
            values.extend(self.value());
            if self.broken {
                break;
            }
        }

        self.depth -= 1;
        Some(Value::Array(values))
    }

    /// A number, `true`, `false` or `null`. One that nothing follows may have been longer.
    fn word(&mut self) -> Option<Value> {
        let rest = self.rest();
        let Some(length) = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)))
        else {
            self.at = self.text.len();
            return self.break_off();
        };

        match serde_json::from_str(&rest[..length]) {
            Ok(value) => {
                self.at += length;
                Some(value)
            }
            Err(_) => self.break_off(),
        }
    }

    /// A text. What is no escape stays as it is written, as in a path with single backslashes.
    fn string(&mut self) -> Option<String> {
        if self.broken || !self.rest().starts_with('"') {
            return self.break_off();
        }
        self.at += 1;

        // Two escapes can spell the halves of one character, so it is put together at the end.
        let mut units: Vec<u16> = Vec::new();
        loop {
            let mut characters = self.rest().chars();
            let Some(character) = characters.next() else {
                return self.break_off();
            };

            match character {
                // Zeros stand where content was lost, so what came before is the half of a text.
                '\0' => return self.break_off(),

                '"' => {
                    self.at += 1;
                    return Some(String::from_utf16_lossy(&units));
                }

                '\\' => {
                    let (unit, length) = escape(&self.rest()[1..]).unwrap_or((u16::from(b'\\'), 0));
                    units.push(unit);
                    self.at += 1 + length;
                }

                other => {
                    units.extend_from_slice(other.encode_utf16(&mut [0; 2]));
                    self.at += other.len_utf8();
                }
            }
        }
    }
}

/// What the escape behind a backslash stands for, and how many bytes it takes.
fn escape(behind: &str) -> Option<(u16, usize)> {
    let character = match behind.as_bytes().first()? {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 0x08,
        b'f' => 0x0C,
        plain @ (b'"' | b'\\' | b'/') => *plain,
        b'u' => return Some((hexadecimal(behind.get(1..5)?)?, 5)),
        _ => return None,
    };

    Some((u16::from(character), 1))
}

/// The number that four digits spell; `from_str_radix` alone would take a sign.
fn hexadecimal(digits: &str) -> Option<u16> {
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> (Value, Option<Damage>) {
        let (members, damage) = read_object("f", text);
        (Value::Object(members), damage)
    }

    #[test]
    fn a_bad_escape_and_half_a_character_cost_only_themselves() {
        let (value, damage) = read(r#"{"a":"D:\ka\u12","b":"\ud83d","c":"\ud83d\udd11","d":1}"#);

        assert_eq!(
            value,
            json!({"a": "D:\\ka\\u12", "b": "\u{fffd}", "c": "🔑", "d": 1})
        );
        assert_eq!(damage, None);
    }

    #[test]
    fn each_escape_stands_for_its_character() {
        let (value, damage) = read(r#"{"a":"\n\t\r\b\f\"\\\/"}"#);

        assert_eq!(value, json!({"a": "\n\t\r\u{8}\u{c}\"\\/"}));
        assert_eq!(damage, None);
    }

    #[test]
    fn lists_and_objects_beside_each_other_are_not_deep() {
        for part in ["[]", "{}"] {
            let many = vec![part; 2 * DEEPEST].join(",");

            let (value, damage) = read(&format!(r#"{{"a":[{many}]}}"#));

            assert_eq!(value["a"].as_array().map(Vec::len), Some(2 * DEEPEST));
            assert_eq!(damage, None);
        }
    }

    #[test]
    fn what_is_deeper_than_anybody_writes_ends_the_reading() {
        let nested = |depth: usize| {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            read(&format!(r#"{{"a":{open}1{close},"b":2}}"#))
        };

        // The object around it is the first level.
        let (value, damage) = nested(DEEPEST - 1);
        assert_eq!(value["b"], json!(2));
        assert_eq!(damage, None);

        let (value, damage) = nested(DEEPEST);
        assert_eq!(value.get("b"), None);
        assert!(damage.is_some());
    }

    #[test]
    fn what_stands_before_the_damage_counts_but_for_the_value_that_is_cut() {
        for (text, value) in [
            (
                r#"{"a":1,"b":{"c":2,"d":"x"#,
                json!({"a": 1, "b": {"c": 2}}),
            ),
            (r#"{"a":1,"b":1"#, json!({"a": 1})),
            (r#"{"a":1,"b""#, json!({"a": 1})),
            (r#"{"a":1"#, json!({})),
            (r#"{"a":[1,2"#, json!({"a": [1]})),
            (r#"{"a":"1","#, json!({"a": "1"})),
        ] {
            let (read, damage) = read(text);

            assert_eq!(read, value, "{text}");
            assert_eq!(
                damage.unwrap().to_string(),
                "`f` cannot be read: its end is missing (line 1)",
                "{text}"
            );
        }
    }

    #[test]
    fn each_damage_has_its_kind() {
        for (text, kind) in [
            ("", DamageKind::Empty),
            (" \n", DamageKind::Empty),
            ("\0\0\0\0", DamageKind::Zeros),
            ("{\"a\":\"x\",\0\0", DamageKind::Zeros),
            ("{\"a\":\"x\0\0\"}", DamageKind::Zeros),
            ("{\n<<<<<<< HEAD\n\"a\":1", DamageKind::ConflictMarkers),
        ] {
            assert_eq!(read(text).1.unwrap().kind, kind, "{text:?}");
        }

        for text in [
            "{\"a\":b,\"c\":1}",
            "[]",
            "null ",
            "{a}",
            &"{\"a\":".repeat(200),
        ] {
            assert!(read(text).1.is_some(), "{text}");
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        scalar.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[a-c\"\\\\ü]{0,3}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_whole_is_read_as_serde_reads_it(a in any_value(), b in any_value()) {
            let object = json!({"a": a, "b": b});

            for text in [object.to_string(), serde_json::to_string_pretty(&object).unwrap()] {
                prop_assert_eq!(read(&text), (object.clone(), None));
            }
        }

        #[test]
        fn no_cut_makes_another_value_of_a_text_or_number(value in any_value(), cut in 0_usize..400) {
            let text = json!({"a": 19, "b": value, "c": "18"}).to_string();
            let cut = text::head(&text, cut.min(text.len() - 1));

            let (read, damage) = read(cut);

            prop_assert!(damage.is_some());
            prop_assert!(read["a"].is_null() || read["a"] == 19);
            prop_assert!(read["c"].is_null() || read["c"] == "18");
        }
    }
}
