//! Changes keys of a `.properties` file: a splice of the bytes, after which every byte outside of
//! the values that change is what it was (line ends, comments, the date in them, order, blanks,
//! byte order mark, encoding).
//!
//! A key that is there keeps its place, its separator and its line end; a new one comes last, as
//! in Katalon, whose properties keep the order in which keys were set for the first time. What is
//! written is ASCII, escaped as `java.util.Properties.store` does it with a writer.
//!
//! It is strict where the reader is lenient: a file with the conflict of a merge, with zeros, in
//! UTF-16 (which Java does not read) or cut in the middle of a line is refused with the reason. And
//! what was written is read again by kado's own reader before anybody gets it.

use std::ops::Range;

use crate::katalon::damage::{Damage, DamageKind};
use crate::katalon::escape::push_units;
use crate::katalon::merge_conflict;
use crate::katalon::properties::Properties;
use crate::katalon::text;

/// The mark that some editors put before UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// What ends the lines of a file that has none yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineEnd {
    /// As on Linux and macOS.
    Lf,
    /// As on Windows.
    CrLf,
}

impl LineEnd {
    const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
        }
    }
}

/// What a key is to have. It has no printable form, because the value may be a token.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// The key, which is ASCII.
    pub key: &'static str,
    /// Its value as the reader of such files gives it, without the escapes of the file; `None`
    /// takes the key away.
    pub value: Option<String>,
}

/// Why a file is left as it is.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoKeyChange {
    /// kado reads it only in part, or not at all.
    #[error("{0}; save the settings again in Katalon, or restore the file from version control")]
    Damaged(Damage),
    /// What the splice gives is not read as it should be.
    #[error("`{file}` has a form that kado does not change; save the settings again in Katalon")]
    OddForm {
        /// The file.
        file: String,
    },
}

/// The file with these changes, of different keys; `file` is its path for messages. Of a key that
/// occurs several times the last one counts and is changed; all of them are taken away.
///
/// # Errors
/// When the file is left as it is.
pub fn with_keys(
    file: &str,
    bytes: &[u8],
    changes: &[KeyChange],
    line_end: LineEnd,
) -> Result<Vec<u8>, NoKeyChange> {
    check_whole(file, bytes)?;
    let before = Properties::read(bytes);
    if let Some(what) = before.excess() {
        let kind = DamageKind::UnreadableValue { what };
        return Err(NoKeyChange::Damaged(Damage::of(file, kind)));
    }

    let lines = key_lines(bytes);
    if let Some(last) = lines.last()
        && last.is_cut
    {
        let what = "its last line ends in a backslash".to_owned();
        let kind = DamageKind::UnreadableValue { what };
        return Err(NoKeyChange::Damaged(Damage::of(file, kind)));
    }

    let mut edits = Vec::new();
    let mut added = Vec::new();
    for KeyChange { key, value } in changes {
        let mut same = lines.iter().filter(|line| line.key == *key);
        match (value, same.next_back()) {
            (Some(_), Some(_)) if before.raw(key) == value.as_deref() => {}
            (Some(value), Some(line)) => edits.push(line.with_value(value)),
            (Some(value), None) => added.push(format!("{key}={}", escaped(value))),
            (None, Some(last)) => {
                edits.push((last.outer.clone(), Vec::new()));
                edits.extend(same.map(|line| (line.outer.clone(), Vec::new())));
            }
            (None, None) => {}
        }
    }

    let mut new = edited(bytes, edits);
    append(&mut new, &added, end_of_lines(bytes, line_end));
    if is_as_meant(&before, changes, &Properties::read(&new)) {
        Ok(new)
    } else {
        Err(NoKeyChange::OddForm {
            file: file.to_owned(),
        })
    }
}

/// A text as the value of a key, as `java.util.Properties` writes it.
fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());

    for (at, letter) in value.char_indices() {
        match letter {
            // Blanks count only where they would be taken for those before the value.
            ' ' if at == 0 => escaped.push_str("\\ "),
            '\t' => escaped.push_str("\\t"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\u{c}' => escaped.push_str("\\f"),
            '\\' | '=' | ':' | '#' | '!' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            ' '..='~' => escaped.push(letter),
            other => push_units(&mut escaped, other),
        }
    }
    escaped
}

fn check_whole(file: &str, bytes: &[u8]) -> Result<(), NoKeyChange> {
    if text::is_utf16(bytes) {
        return Err(NoKeyChange::Damaged(Damage::of(file, DamageKind::Utf16)));
    }
    if bytes.contains(&0) {
        return Err(NoKeyChange::Damaged(Damage::of(file, DamageKind::Zeros)));
    }
    if let Some(sides) = merge_conflict::sides(&text::decode(bytes)) {
        let damage = Damage::at(file, sides.line, DamageKind::ConflictMarkers);
        return Err(NoKeyChange::Damaged(damage));
    }
    Ok(())
}

/// A key with its value in the file, which may go over several lines.
struct KeyLine {
    key: String,
    /// From the beginning of its line to behind the end of the last one.
    outer: Range<usize>,
    value: Range<usize>,
    /// Whether nothing stands between the key and its value, which is empty then.
    lacks_separator: bool,
    /// Whether the file ends where the line would go on.
    is_cut: bool,
}

impl KeyLine {
    fn with_value(&self, value: &str) -> (Range<usize>, Vec<u8>) {
        let mut text = escaped(value);
        if self.lacks_separator {
            text.insert(0, '=');
        }
        (self.value.clone(), text.into_bytes())
    }
}

/// The lines that hold a key, by the rules of `java.util.Properties`.
fn key_lines(bytes: &[u8]) -> Vec<KeyLine> {
    let mut lines = Vec::new();
    let mut at = if bytes.starts_with(MARK) {
        MARK.len()
    } else {
        0
    };

    while at < bytes.len() {
        let begin = at;
        let mut logical = Logical::default();
        let mut is_cut = false;
        loop {
            let natural = natural_line(bytes, at);
            at = natural.next;
            let text = &bytes[natural.content.clone()];
            if !logical.is_begun && (text.is_empty() || is_comment(text)) {
                break;
            }

            logical.is_begun = true;
            let goes_on = trailing_backslashes(text) % 2 == 1;
            let end = natural.content.end - usize::from(goes_on);
            logical.push(bytes, natural.content.start..end);
            if !goes_on {
                logical.end = natural.content.end;
                break;
            }
            if at == bytes.len() {
                logical.end = natural.content.end;
                is_cut = true;
                break;
            }
        }

        if is_cut || !logical.bytes.is_empty() {
            lines.push(logical.into_line(begin..at, is_cut));
        }
    }
    lines
}

/// A line of the file without the blanks before it, and where the next one begins.
struct NaturalLine {
    content: Range<usize>,
    next: usize,
}

fn natural_line(bytes: &[u8], begin: usize) -> NaturalLine {
    let rest = &bytes[begin..];
    let length = rest
        .iter()
        .position(|byte| matches!(byte, b'\n' | b'\r'))
        .unwrap_or(rest.len());
    let end_length = match &rest[length..] {
        [b'\r', b'\n', ..] => 2,
        [] => 0,
        _ => 1,
    };

    let blanks = rest[..length].iter().take_while(|byte| is_blank(**byte));
    NaturalLine {
        content: begin + blanks.count()..begin + length,
        next: begin + length + end_length,
    }
}

fn is_comment(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'#' | b'!'))
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0C)
}

fn trailing_backslashes(text: &[u8]) -> usize {
    let from_behind = text.iter().rev();
    from_behind.take_while(|byte| **byte == b'\\').count()
}

/// A line whose continuations are joined, with where each of its bytes stands in the file.
#[derive(Default)]
struct Logical {
    bytes: Vec<u8>,
    places: Vec<usize>,
    is_begun: bool,
    /// Where its content ends in the file.
    end: usize,
}

impl Logical {
    fn push(&mut self, bytes: &[u8], range: Range<usize>) {
        self.bytes.extend_from_slice(&bytes[range.clone()]);
        self.places.extend(range);
    }

    fn into_line(self, outer: Range<usize>, is_cut: bool) -> KeyLine {
        let mut key_end = self.bytes.len();
        let mut is_escaped = false;
        for (at, byte) in self.bytes.iter().enumerate() {
            if !is_escaped && (is_blank(*byte) || matches!(byte, b'=' | b':')) {
                key_end = at;
                break;
            }
            is_escaped = !is_escaped && *byte == b'\\';
        }

        // Blanks, one `=` or `:`, and blanks again are one separator.
        let blanks_from = |from: usize| {
            let rest = self.bytes[from..].iter();
            from + rest.take_while(|byte| is_blank(**byte)).count()
        };
        let mut value = blanks_from(key_end);
        if matches!(self.bytes.get(value), Some(b'=' | b':')) {
            value = blanks_from(value + 1);
        }

        let value_begin = self.places.get(value).copied().unwrap_or(self.end);
        let line = String::from_utf8_lossy(&self.bytes[..key_end]);
        // The reader knows the escapes, so it says what the key is.
        let key = Properties::read(line.as_bytes())
            .iter()
            .next()
            .map_or_else(String::new, |(key, _)| key.to_owned());
        KeyLine {
            key,
            outer,
            value: value_begin..self.end,
            lacks_separator: key_end == self.bytes.len(),
            is_cut,
        }
    }
}

/// The bytes with each range replaced.
fn edited(bytes: &[u8], mut edits: Vec<(Range<usize>, Vec<u8>)>) -> Vec<u8> {
    // From behind, so that no change moves the place of another one.
    edits.sort_by_key(|(place, _)| place.start);
    let mut new = bytes.to_owned();
    for (place, text) in edits.into_iter().rev() {
        new.splice(place, text);
    }
    new
}

/// What ends the lines of the file, where its first line has an end.
fn end_of_lines(bytes: &[u8], otherwise: LineEnd) -> &'static [u8] {
    let end = bytes
        .iter()
        .position(|byte| matches!(byte, b'\n' | b'\r'))
        .map(|at| &bytes[at..]);
    match end {
        Some([b'\r', b'\n', ..]) => b"\r\n",
        Some([b'\r', ..]) => b"\r",
        Some(_) => b"\n",
        None => otherwise.bytes(),
    }
}

fn append(bytes: &mut Vec<u8>, lines: &[String], line_end: &[u8]) {
    let is_open = bytes.as_slice() != MARK && !matches!(bytes.last(), None | Some(b'\n' | b'\r'));
    if is_open && !lines.is_empty() {
        bytes.extend_from_slice(line_end);
    }
    for line in lines {
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(line_end);
    }
}

/// Whether the new file says what the old one said, but for the changes.
fn is_as_meant(before: &Properties, changes: &[KeyChange], after: &Properties) -> bool {
    let mut expected: Vec<(&str, &str)> = Vec::new();
    for (key, value) in before.iter() {
        match changes.iter().find(|change| change.key == key) {
            Some(change) => expected.extend(change.value.as_deref().map(|value| (key, value))),
            None => expected.push((key, value)),
        }
    }
    for change in changes {
        if let Some(value) = &change.value
            && before.raw(change.key).is_none()
        {
            expected.push((change.key, value));
        }
    }
    after.iter().eq(expected)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = "settings/a.properties";

    fn set(key: &'static str, value: &str) -> KeyChange {
        KeyChange {
            key,
            value: Some(value.to_owned()),
        }
    }

    fn without(key: &'static str) -> KeyChange {
        KeyChange { key, value: None }
    }

    fn changed(text: &str, changes: &[KeyChange]) -> String {
        let new = with_keys(FILE, text.as_bytes(), changes, LineEnd::Lf).unwrap();
        String::from_utf8(new).unwrap()
    }

    #[test]
    fn only_the_value_of_a_key_changes() {
        let text = "\u{feff}# date\r\n! note\r\n  a : 1 \r\n\r\nb=x\\\r\n   y\r\nc 3\r\nd";

        let new = changed(
            text,
            &[set("a", "2"), set("b", "z"), set("c", "é"), set("d", "4")],
        );

        assert_eq!(
            new,
            "\u{feff}# date\r\n! note\r\n  a : 2\r\n\r\nb=z\r\nc \\u00E9\r\nd=4"
        );
    }

    #[test]
    fn a_new_key_comes_last_with_the_line_end_of_the_file() {
        assert_eq!(changed("a=1\r\n", &[set("b", "=2")]), "a=1\r\nb=\\=2\r\n");
        assert_eq!(changed("a=1", &[set("b", "2")]), "a=1\nb=2\n");
        assert_eq!(changed("", &[set("b", " 2")]), "b=\\ 2\n");
        assert_eq!(changed("\u{feff}", &[set("b", "2")]), "\u{feff}b=2\n");
    }

    #[test]
    fn a_key_that_goes_takes_its_lines_with_it() {
        let text = "a=1\nb=x\\\n  y\n# kept\nb=2\nc=3\n";

        assert_eq!(changed(text, &[without("b")]), "a=1\n# kept\nc=3\n");
        assert_eq!(changed(text, &[without("d")]), text);
    }

    #[test]
    fn of_a_key_that_occurs_twice_the_last_one_changes() {
        assert_eq!(changed("a=1\na=2\n", &[set("a", "3")]), "a=1\na=3\n");
    }

    #[test]
    fn what_cannot_be_understood_is_refused_with_its_reason() {
        let conflict = "<<<<<<< HEAD\na=1\n=======\na=2\n>>>>>>> theirs\n";
        for text in ["a=1\nb=2\\", "a=\0", conflict] {
            let refused = with_keys(FILE, text.as_bytes(), &[set("c", "1")], LineEnd::Lf);
            assert!(matches!(refused, Err(NoKeyChange::Damaged(_))), "{text:?}");
        }

        let utf16: Vec<u8> = "a=1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let refused = with_keys(FILE, &utf16, &[set("c", "1")], LineEnd::Lf).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "`settings/a.properties` is UTF-16, which Katalon does not write; save the settings \
             again in Katalon, or restore the file from version control"
        );
    }

    proptest! {
        #[test]
        fn a_file_in_which_no_value_changes_keeps_every_byte(
            text in r"([ab=: \t\\n#!\u{c}é]|\\u0061|\r\n|\n|\r){0,40}",
        ) {
            let before = Properties::read(text.as_bytes());
            let same = |key| KeyChange { key, value: before.raw(key).map(str::to_owned) };

            if let Ok(new) = with_keys(FILE, text.as_bytes(), &[same("a"), same("b")], LineEnd::Lf) {
                prop_assert_eq!(new, text.as_bytes());
            }
        }

        // What is read of the new file is checked by the splice itself; here that it does not
        // refuse what it can do, whatever the file looks like.
        #[test]
        fn a_value_can_be_set_and_the_other_keys_stay(
            text in r"([abc=: \t#!\u{c}é]|\\n|\\\\|\\u0061|\\\n|\r\n|\n|\r){0,40}\n\n",
            value in any::<String>(),
        ) {
            let before = Properties::read(text.as_bytes());

            let new = with_keys(FILE, text.as_bytes(), &[set("a", &value), without("b")], LineEnd::CrLf);

            let after = Properties::read(&new.unwrap());
            prop_assert_eq!(after.raw("a"), Some(&*value));
            prop_assert_eq!(after.raw("b"), None);
            prop_assert_eq!(after.raw("c"), before.raw("c"));
        }

        #[test]
        fn a_value_that_katalon_wrote_and_that_is_set_back_has_its_bytes(
            values in prop::collection::vec(any::<String>(), 1..5),
            other in any::<String>(),
        ) {
            const KEYS: [&str; 4] = ["a", "b.c", "d", "e"];
            let changes: Vec<KeyChange> = KEYS.into_iter().zip(&values).map(|(key, value)| set(key, value)).collect();
            let file = with_keys(FILE, b"#date\n", &changes, LineEnd::Lf).unwrap();

            let there = with_keys(FILE, &file, &[set("a", &other)], LineEnd::Lf).unwrap();
            let back = with_keys(FILE, &there, &changes, LineEnd::Lf).unwrap();

            prop_assert_eq!(back, file);
        }

        #[test]
        fn no_bytes_make_the_splice_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = with_keys(FILE, &bytes, &[set("a", "1"), without("b")], LineEnd::Lf);
        }
    }
}
