//! Texts within ADO's limits.
//!
//! ADO counts UTF-16 code units and silently cuts or refuses what is longer (`ado/api.md` §11), so
//! every text is cut here, at a character boundary, before it is sent.

use crate::katalon::terminal::without_sequences;
use crate::katalon::text::head as first_bytes;
use crate::katalon::url_secrets::without_queries;

/// Limit of a run name, a computer name and the name of a sub-result, in UTF-16 units.
pub(crate) const NAME: usize = 256;
/// Limit of a comment, in UTF-16 units.
pub(crate) const COMMENT: usize = 1000;
/// Limit of an automated test name or storage, in UTF-16 units.
pub(crate) const AUTOMATED_NAME: usize = 512;
/// Limit of an error message and of a stack trace, in UTF-16 units.
pub(crate) const ERROR: usize = 4000;
/// Limit of the name of an attached file, in UTF-16 units.
pub(crate) const FILE_NAME: usize = 255;

/// Bytes at the beginning of a text that are longer than any limit, whatever is taken out of them,
/// as good as always: texts may be megabytes, and each of thousands of results has its own.
const BEGINNING: usize = 64 * 1024;
/// What a terminal sequence may take at the end of the beginning, where it is cut.
const SEQUENCE: usize = 2 * 4096;

/// Limit of the reason why something is left out, in characters.
const REASON: usize = 300;
/// Limit of a foreign text that a reason quotes, in characters: the reason itself has to fit beside
/// it.
const QUOTED: usize = 100;

/// Length of a text as ADO counts it.
pub(crate) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The longest start of `text` that has at most `limit` UTF-16 units and ends at a character
/// boundary.
pub(crate) fn head(text: &str, limit: usize) -> &str {
    let mut used = 0;

    for (at, c) in text.char_indices() {
        used += c.len_utf16();
        if used > limit {
            return &text[..at];
        }
    }

    text
}

/// `text` without the control characters that XML 1.0, and so ADO's storage, has no place for, cut
/// to `limit`.
pub(crate) fn fit(text: &str, limit: usize) -> String {
    match long_beginning(text, limit) {
        Some(beginning) => head(&beginning, limit).to_owned(),
        None => head(&clean(text), limit).to_owned(),
    }
}

/// Whether a text has to be cut to fit a limit.
pub(crate) fn exceeds(text: &str, limit: usize) -> bool {
    long_beginning(text, limit).is_some() || units(&clean(text)) > limit
}

/// The beginning of a text without what is taken out of it, where nothing behind it can fit any
/// more.
fn long_beginning(text: &str, limit: usize) -> Option<String> {
    let beginning = first_bytes(text, BEGINNING);
    if beginning.len() == text.len() {
        return None;
    }

    let beginning = clean(beginning);
    (units(&beginning) > limit + SEQUENCE).then_some(beginning)
}

/// The reason why something is left out, as it is stored and shown: without terminal sequences and
/// the secrets of URLs, and with at most 300 characters. The texts of others in it, such as an
/// answer, have no limit of their own.
pub(crate) fn reason(text: &str) -> String {
    without_middle(&without_queries(&clean(text)), REASON)
}

/// A foreign text as a reason quotes it, such as the path of a file, which can be a whole data URI.
pub(crate) fn quoted(text: &str) -> String {
    shorten(&without_queries(&clean(text)), QUOTED)
}

/// At most `limit` characters of a text, of which the last one says that there is more.
fn shorten(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some(_) => {
            let kept: String = text.chars().take(limit - 1).collect();
            format!("{kept}…")
        }
    }
}

/// At most `limit` characters of a text, whose middle is left out: a reason begins with what is
/// wrong and ends with what mends it.
fn without_middle(text: &str, limit: usize) -> String {
    let length = text.chars().count();
    if length <= limit {
        return text.to_owned();
    }

    let tail = limit / 2;
    let head: String = text.chars().take(limit - tail - 1).collect();
    let tail: String = text.chars().skip(length - tail).collect();
    format!("{head}…{tail}")
}

/// An error message or stack trace within ADO's limit.
pub(crate) fn fit_error(text: Option<&str>) -> Option<String> {
    text.map(|text| fit(text, ERROR))
}

/// `text` without terminal sequences and the control characters that XML 1.0 has no place for; line
/// breaks and tabs stay.
pub(crate) fn clean(text: &str) -> String {
    without_sequences(text)
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
        .collect()
}

/// A name for an attached file: no path, none of the characters that ADO or Windows refuse, within
/// the limit, and with its extension kept when it has to be cut.
pub(crate) fn file_name(name: &str) -> String {
    // ADO refuses `:`, where Microsoft's agent puts `_` as well (`ado/api.md` §7). Line breaks and
    // tabs stand here because `clean` leaves them in.
    let refused = [
        '\\', '/', ':', '*', '?', '"', '<', '>', '|', '\n', '\r', '\t',
    ];
    let safe = clean(name).replace(refused, "_");
    if units(&safe) <= FILE_NAME {
        return safe;
    }

    // What is longer than any extension in use is part of the name.
    if let Some((stem, extension)) = safe.rsplit_once('.')
        && units(extension) < 16
    {
        let room = FILE_NAME - 1 - units(extension);
        return format!("{}.{extension}", head(stem, room));
    }
    head(&safe, FILE_NAME).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_of_megabytes_is_cut_as_a_short_one_is() {
        for noise in ["", "\u{1b}[31m", "\u{7}", "\u{90}secret\u{9c}"] {
            let text = format!("{noise}ä").repeat(200_000);

            assert_eq!(fit(&text, ERROR), "ä".repeat(ERROR), "{noise:?}");
            assert!(exceeds(&text, ERROR));
        }
        assert!(!exceeds(&"\u{7}".repeat(200_000), ERROR));
    }

    proptest! {
        #[test]
        fn a_cut_text_is_a_start_of_the_text_and_within_the_limit(
            text in "\\PC{0,60}", limit in 0usize..40
        ) {
            let cut = head(&text, limit);

            prop_assert!(text.starts_with(cut));
            prop_assert!(units(cut) <= limit);
            // Nothing more would have fitted.
            if let Some(next) = text[cut.len()..].chars().next() {
                prop_assert!(units(cut) + next.len_utf16() > limit);
            }
        }

        #[test]
        fn a_file_name_never_holds_a_path_and_keeps_within_the_limit(name in "\\PC{0,400}") {
            let safe = file_name(&name);
            prop_assert!(!safe.contains(['/', '\\', ':']));
            prop_assert!(units(&safe) <= FILE_NAME);
        }
    }

    #[test]
    fn a_character_outside_the_basic_plane_counts_two_and_is_never_halved() {
        assert_eq!(head("ab🔑c", 3), "ab");
        assert_eq!(head("ab🔑c", 4), "ab🔑");
    }

    #[test]
    fn a_reason_has_at_most_300_characters_and_no_secret_of_a_url() {
        let long = format!("file `data:image/png;base64,{}`", "A".repeat(100_000));
        assert_eq!(reason(&long).chars().count(), 300);
        assert!(reason(&long).contains('…') && reason(&long).ends_with("A`"));
        assert_eq!(
            reason("`https://a:b@store/x.png?sig=abc` is gone"),
            "`https://store/x.png` is gone"
        );
        assert_eq!(reason(&"ü".repeat(300)), "ü".repeat(300));
    }

    #[test]
    fn a_long_file_name_keeps_its_extension() {
        let name = format!("{}.png", "x".repeat(400));

        assert!(file_name(&name).ends_with("x.png"));
        assert_eq!(units(&file_name(&name)), FILE_NAME);
    }
}
