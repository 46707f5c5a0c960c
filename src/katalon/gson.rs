//! JSON as Katalon writes it: Gson's pretty form, two blanks for a level, in which the characters
//! that mean something in HTML are escapes (the settings of the corpus hold `D\u0026O`).

use std::io::{self, Write};

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;
use serde_json::ser::{Formatter, PrettyFormatter};

/// A value as Gson's pretty form has it.
pub(super) fn pretty(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let form = GsonForm(PrettyFormatter::with_indent(b"  "));
    value
        .serialize(&mut serde_json::Serializer::with_formatter(
            &mut bytes, form,
        ))
        .expect("what is written has texts for keys, and memory takes every byte");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// An object whose members keep their order, also those that kado does not know.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Members(pub(super) Vec<(String, Json)>);

impl Members {
    /// The text of a member, without the blanks around it.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        Some(self.get(name)?.as_str()?.trim())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name)?;
        Some(value)
    }

    /// Sets a member, in its place or as the last one.
    pub(super) fn set(&mut self, name: &str, value: Json) {
        match self.0.iter_mut().find(|(key, _)| key == name) {
            Some((_, there)) => *there = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Members::default();
                while let Some((key, value)) = map.next_entry::<String, Json>()? {
                    members.set(&key, value);
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// serde's pretty form, which is Gson's but for the escapes.
struct GsonForm(PrettyFormatter<'static>);

impl Formatter for GsonForm {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for letter in fragment.chars() {
            match letter {
                '<' | '>' | '&' | '=' | '\'' | '\u{2028}' | '\u{2029}' => {
                    write!(writer, "\\u{:04x}", u32::from(letter))?;
                }
                other => write!(writer, "{other}")?,
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_gsons() {
        let text = r#"[{"b":"D&O <é>\u0007","a":-1,"c":[],"d":{}}]"#;
        let rows: Vec<Members> = serde_json::from_str(text).unwrap();

        let expected = "[\n  {\n    \"b\": \"D\\u0026O \\u003cé\\u003e\\u0007\",\n    \"a\": -1,\n    \
                        \"c\": [],\n    \"d\": {}\n  }\n]";
        assert_eq!(pretty(&rows), expected);
    }
}
