//! JSON with the order of its keys kept, in the three shapes that Katalon writes.

/// A JSON value whose objects keep their order.
#[derive(Clone, Debug)]
pub(crate) enum Json {
    Bool(bool),
    Number(i64),
    Text(String),
    Null,
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(crate) fn text(value: impl Into<String>) -> Self {
        Self::Text(value.into())
    }

    pub(crate) fn object<const N: usize>(entries: [(&str, Json); N]) -> Self {
        Self::Object(
            entries
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    }

    pub(crate) fn texts(values: &[&str]) -> Self {
        Self::List(values.iter().map(|value| Self::text(*value)).collect())
    }

    /// One line, as Gson writes it: HTML-safe escapes.
    pub(crate) fn line(&self) -> String {
        let mut out = String::new();
        self.write_line(&mut out, gson_escape);
        out
    }

    /// One line, as Jackson writes it: no HTML-safe escapes.
    pub(crate) fn jackson_line(&self) -> String {
        let mut out = String::new();
        self.write_line(&mut out, plain_escape);
        out
    }

    /// Several lines, as Gson's pretty printer writes them.
    pub(crate) fn gson_pretty(&self) -> String {
        let mut out = String::new();
        self.write_gson(&mut out, 0);
        out
    }

    /// Several lines, as Jackson's default pretty printer writes them.
    pub(crate) fn jackson_pretty(&self) -> String {
        let mut out = String::new();
        self.write_jackson(&mut out, 0);
        out
    }

    fn write_scalar(&self, out: &mut String, escape: fn(char, &mut String)) {
        match self {
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(value) => out.push_str(&value.to_string()),
            Self::Text(value) => quote(value, out, escape),
            Self::Null | Self::List(_) | Self::Object(_) => out.push_str("null"),
        }
    }

    fn write_line(&self, out: &mut String, escape: fn(char, &mut String)) {
        match self {
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    item.write_line(out, escape);
                }
                out.push(']');
            }
            Self::Object(entries) => {
                out.push('{');
                for (at, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    quote(key, out, escape);
                    out.push(':');
                    value.write_line(out, escape);
                }
                out.push('}');
            }
            scalar => scalar.write_scalar(out, escape),
        }
    }

    fn write_gson(&self, out: &mut String, depth: usize) {
        let inner = "  ".repeat(depth + 1);
        let outer = "  ".repeat(depth);

        match self {
            Self::List(items) if items.is_empty() => out.push_str("[]"),
            Self::Object(entries) if entries.is_empty() => out.push_str("{}"),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "\n" } else { ",\n" });
                    out.push_str(&inner);
                    item.write_gson(out, depth + 1);
                }
                out.push_str(&format!("\n{outer}]"));
            }
            Self::Object(entries) => {
                out.push('{');
                for (at, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if at == 0 { "\n" } else { ",\n" });
                    out.push_str(&inner);
                    quote(key, out, gson_escape);
                    out.push_str(": ");
                    value.write_gson(out, depth + 1);
                }
                out.push_str(&format!("\n{outer}}}"));
            }
            scalar => scalar.write_scalar(out, gson_escape),
        }
    }

    fn write_jackson(&self, out: &mut String, depth: usize) {
        let inner = "  ".repeat(depth + 1);
        match self {
            Self::List(items) => {
                out.push_str("[ ");
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { ", " });
                    item.write_jackson(out, depth);
                }
                out.push_str(if items.is_empty() { "]" } else { " ]" });
            }
            Self::Object(entries) if entries.is_empty() => out.push_str("{ }"),
            Self::Object(entries) => {
                out.push('{');
                for (at, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if at == 0 { "\n" } else { ",\n" });
                    out.push_str(&inner);
                    quote(key, out, plain_escape);
                    out.push_str(" : ");
                    value.write_jackson(out, depth + 1);
                }
                out.push_str(&format!("\n{}}}", "  ".repeat(depth)));
            }
            scalar => scalar.write_scalar(out, plain_escape),
        }
    }
}

fn quote(text: &str, out: &mut String, escape: fn(char, &mut String)) {
    out.push('"');
    for c in text.chars() {
        escape(c, out);
    }

    out.push('"');
}

fn plain_escape(c: char, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
        c => out.push(c),
    }
}

fn gson_escape(c: char, out: &mut String) {
    match c {
        '<' | '>' | '&' | '=' | '\'' | '\u{2028}' | '\u{2029}' => {
            out.push_str(&format!("\\u{:04x}", c as u32));
        }
        c => plain_escape(c, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gson_escapes_what_html_could_misread() {
        assert_eq!(
            Json::object([("a", Json::text("'x'"))]).line(),
            r#"{"a":"\u0027x\u0027"}"#
        );
    }

    #[test]
    fn jackson_puts_lists_on_one_line_and_objects_on_many() {
        let value = Json::object([
            ("Name", Json::text("Chrome")),
            (
                "order",
                Json::List(vec![Json::object([
                    ("left", Json::text("XPATH")),
                    ("right", Json::Bool(true)),
                ])]),
            ),
            ("none", Json::Object(vec![])),
            ("list", Json::List(vec![])),
        ]);
        let expected = "{\n  \"Name\" : \"Chrome\",\n  \"order\" : [ {\n    \"left\" : \"XPATH\",\n    \"right\" : true\n  } ],\n  \"none\" : { },\n  \"list\" : [ ]\n}";

        assert_eq!(value.jackson_pretty(), expected);
    }
}
