//! Texts: what bytes say, and cutting.

use std::borrow::Cow;

use crate::katalon::damage::DamageKind;

/// Bytes of a name or id that are kept: of a test case, an execution, a machine, a file. Systems
/// allow no longer paths, and a file that Katalon writes holds many names.
pub(crate) const LONGEST_NAME: usize = 4096;

/// Bytes of a text in which ids are looked for; matching takes as long as the text is.
pub(crate) const LONGEST_WITH_IDS: usize = 64 * 1024;

/// The text of a file, whatever became of its encoding: UTF-8 with or without a mark, UTF-16 (by
/// its mark, or where every other byte is zero), and each byte that is no UTF-8 by itself as
/// ISO-8859-1. So one bad byte costs only itself.
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Some(units) = utf16_form(bytes) {
        return match bytes {
            [0xFF, 0xFE, rest @ ..] | [0xFE, 0xFF, rest @ ..] => utf16(rest, units),
            _ => utf16(bytes, units),
        }
        .into();
    }

    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.into();
    }

    // Not the whole file as ISO-8859-1: that would garble every other letter beyond ASCII as well.
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().copied().map(char::from));
    }
    text.into()
}

/// Whether a text is UTF-16 ([`decode`]).
pub(crate) fn is_utf16(bytes: &[u8]) -> bool {
    utf16_form(bytes).is_some()
}

/// How two bytes of UTF-16 are read; `None` for any other encoding.
fn utf16_form(bytes: &[u8]) -> Option<fn([u8; 2]) -> u16> {
    match bytes {
        [0xFF, 0xFE, ..] => Some(u16::from_le_bytes),
        [0xFE, 0xFF, ..] => Some(u16::from_be_bytes),
        [one, 0, two, 0, ..] if *one != 0 && *two != 0 => Some(u16::from_le_bytes),
        [0, one, 0, two, ..] if *one != 0 && *two != 0 => Some(u16::from_be_bytes),
        _ => None,
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| unit([pair[0], pair[1]]))
        .collect();
    String::from_utf16_lossy(&units)
}

/// What a text shows of content that got lost: it is empty, or bytes of zero stand in it, as after
/// a power cut. Katalon writes neither.
pub(crate) fn lost_content(text: &str) -> Option<DamageKind> {
    if text.contains('\0') {
        Some(DamageKind::Zeros)
    } else if text.trim().is_empty() {
        Some(DamageKind::Empty)
    } else {
        None
    }
}

/// A name within [`LONGEST_NAME`].
pub(crate) fn short_name(mut name: String) -> String {
    if name.len() > LONGEST_NAME {
        name.truncate(head(&name, LONGEST_NAME).len());
        name.shrink_to_fit();
    }
    name
}

/// The longest beginning of a text that takes at most `limit` bytes and ends between two
/// characters.
pub(crate) fn head(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_that_is_no_utf8_costs_only_itself() {
        assert_eq!(decode(b"\xEF\xBB\xBFgr\xC3\xBCn \xFC"), "grün ü");
    }

    #[test]
    fn utf16_is_read_with_and_without_its_mark() {
        for unit in [u16::to_le_bytes, u16::to_be_bytes] {
            for text in ["\u{feff}<a>ü🔑</a>", "<a>ü🔑</a>"] {
                let bytes: Vec<u8> = text.encode_utf16().flat_map(unit).collect();

                assert_eq!(decode(&bytes), "<a>ü🔑</a>");
            }
        }
    }

    #[test]
    fn a_text_is_cut_between_two_characters() {
        assert_eq!(head("aü🔑", 100), "aü🔑");
        assert_eq!(head("aü🔑", 6), "aü");
        assert_eq!(head("aü🔑", 2), "a");
        assert_eq!(head("ü", 1), "");
    }
}
