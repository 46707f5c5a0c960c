//! Java properties as Katalon's settings store writes them: quoted strings under the properties'
//! own escapes.

/// A value of a settings file.
#[derive(Clone, Debug)]
pub(crate) enum Setting {
    Bool(bool),
    Number(i64),
    Text(String),
}

/// The bytes of a settings file: the keys in the order given, LF, no comment.
pub(crate) fn settings_file(entries: &[(&str, Setting)]) -> String {
    entries
        .iter()
        .map(|(key, value)| line(key, &raw(value)))
        .collect()
}

/// The bytes of a plain properties file (`console.properties`): no quotes, ISO-8859-1 by `\uXXXX`.
pub(crate) fn plain_file(entries: &[(String, String)]) -> String {
    entries
        .iter()
        .map(|(key, value)| line(key, value))
        .collect()
}

fn line(key: &str, value: &str) -> String {
    format!("{}={}\n", escape(key, true), escape(value, false))
}

/// What stands in the file before the properties escape it.
fn raw(setting: &Setting) -> String {
    match setting {
        Setting::Bool(value) => value.to_string(),
        Setting::Number(value) => value.to_string(),
        Setting::Text(value) => format!("\"{}\"", java_escape(value)),
    }
}

/// The escapes of a Java string literal; `/` stays.
fn java_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(c),
            c => push_units(c, &mut out),
        }
    }

    out
}

/// The escapes of `java.util.Properties`.
fn escape(text: &str, key: bool) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for (at, c) in text.chars().enumerate() {
        match c {
            ' ' if at == 0 || key => out.push_str("\\ "),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ':' | '=' | '#' | '!' => {
                out.push('\\');
                out.push(c);
            }
            ' '..='~' => out.push(c),
            c => push_units(c, &mut out),
        }
    }

    out
}

fn push_units(c: char, out: &mut String) {
    let mut units = [0; 2];
    for unit in c.encode_utf16(&mut units) {
        out.push_str(&format!("\\u{unit:04X}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_quoted_and_escaped_by_both_layers() {
        let file = settings_file(&[
            (
                "serverUrl",
                Setting::Text("https://dev.azure.com/org".to_owned()),
            ),
            ("json", Setting::Text("{\n  \"id\": 7\n}".to_owned())),
            ("enableIntegration", Setting::Bool(true)),
            ("submitOptions.buildDefinitionId", Setting::Number(-1)),
        ]);

        assert_eq!(
            file,
            "serverUrl=\"https\\://dev.azure.com/org\"\njson=\"{\\\\n  \\\\\"id\\\\\"\\: 7\\\\n}\"\nenableIntegration=true\nsubmitOptions.buildDefinitionId=-1\n"
        );
    }

    #[test]
    fn characters_beyond_ascii_become_utf16_escapes() {
        let file = settings_file(&[("name", Setting::Text("ü😀".to_owned()))]);
        assert_eq!(file, "name=\"\\\\u00FC\\\\uD83D\\\\uDE00\"\n");
    }
}
