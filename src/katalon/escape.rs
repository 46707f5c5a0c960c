//! The two escapings that Katalon lays over its texts: XML references and Java string escapes, and
//! of the latter the way back.
//!
//! Both decoders are total: what is not an escape they know stays as it is, because a log can be
//! cut in the middle of one. They allocate only when there is something to decode.

use std::borrow::Cow;

/// The longest reference that is looked at, without `&` and `;` (`#x10FFFF`).
const LONGEST_REFERENCE: usize = 8;

/// Replaces the five named and all numeric XML references by their characters. Unknown ones stay as
/// they are; Katalon defines none. Numeric references to characters that XML forbids are decoded
/// too.
pub(crate) fn xml(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find('&') else {
        return Cow::Borrowed(text);
    };

    let mut decoded = String::with_capacity(text.len());
    decoded.push_str(&text[..first]);
    let mut rest = &text[first..];
    while let Some(at) = rest.find('&') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match reference_at(rest) {
            Some((character, length)) => {
                decoded.push(character);
                rest = &rest[length..];
            }

            None => decoded.push('&'),
        }
    }

    decoded.push_str(rest);
    Cow::Owned(decoded)
}

/// A text with `&amp;` for every `&` that begins no reference, as hands write it.
pub(crate) fn raw_ampersands(text: &str) -> String {
    let mut parts = text.split('&');
    let mut mended = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        mended.push('&');
        if reference_at(part).is_none() {
            mended.push_str("amp;");
        }
        mended.push_str(part);
    }
    mended
}

/// The character that the reference behind a `&` stands for, and how many bytes it takes with its
/// `;`.
fn reference_at(rest: &str) -> Option<(char, usize)> {
    // A `&` that begins no reference must not have megabytes searched for a `;`.
    let end = rest
        .bytes()
        .take(LONGEST_REFERENCE + 1)
        .position(|byte| byte == b';')?;
    Some((reference(&rest[..end])?, end + 1))
}

fn reference(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };

            char::from_u32(code)
        }
    }
}

/// Replaces Java's escapes: `\n \t \r \b \f`, `\uXXXX` (surrogate pairs join, a lone surrogate
/// becomes U+FFFD), octal ones, and `\x` by `x` for every other character. A backslash at the very
/// end is dropped, as Katalon's decoder does.
pub(crate) fn java(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }

    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        decoded.push_str(&rest[..at]);
        let (character, length) = java_escape(&rest[at + 1..]);
        decoded.extend(character);
        rest = &rest[at + 1 + length..];
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

/// A text as the content of a Java string literal, as Katalon writes it: everything beyond ASCII as
/// `\uXXXX` with capital digits, `/` as it is (the settings of the corpus).
pub(crate) fn as_java(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());

    for letter in text.chars() {
        match letter {
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            '\r' => escaped.push_str("\\r"),
            '\u{8}' => escaped.push_str("\\b"),
            '\u{c}' => escaped.push_str("\\f"),
            '"' | '\\' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            ' '..='\u{7f}' => escaped.push(letter),
            other => push_units(&mut escaped, other),
        }
    }
    escaped
}

/// Adds a character as `\uXXXX`, one beyond the first 65,536 as two surrogates.
pub(crate) fn push_units(text: &mut String, letter: char) {
    for unit in letter.encode_utf16(&mut [0; 2]) {
        text.push_str(&format!("\\u{unit:04X}"));
    }
}

/// The character that the escape behind a backslash stands for, and how many bytes it takes.
fn java_escape(escape: &str) -> (Option<char>, usize) {
    let Some(first) = escape.chars().next() else {
        return (None, 0);
    };
    match first {
        'n' => (Some('\n'), 1),
        't' => (Some('\t'), 1),
        'r' => (Some('\r'), 1),
        'b' => (Some('\u{8}'), 1),
        'f' => (Some('\u{c}'), 1),
        'u' => unicode(escape),
        '0'..='7' => octal(escape),
        other => (Some(other), other.len_utf8()),
    }
}

/// `uXXXX`, with any number of `u` as Java allows, joined with a low surrogate that follows.
fn unicode(escape: &str) -> (Option<char>, usize) {
    let Some((unit, length)) = code_unit(escape) else {
        return (Some('u'), 1);
    };
    if let Some(character) = char::from_u32(unit) {
        return (Some(character), length);
    }

    // Only surrogates are no characters. A high one needs a low one behind it.
    let next = escape[length..].strip_prefix('\\').and_then(code_unit);
    match (unit, next) {
        (0xD800..=0xDBFF, Some((low @ 0xDC00..=0xDFFF, more))) => {
            let code = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            (char::from_u32(code), length + 1 + more)
        }
        _ => (Some(char::REPLACEMENT_CHARACTER), length),
    }
}

/// The UTF-16 unit of `uXXXX`, and how many bytes it takes.
fn code_unit(escape: &str) -> Option<(u32, usize)> {
    let digits_at = escape.len() - escape.trim_start_matches('u').len();
    let digits = escape.get(digits_at..digits_at + 4)?;
    // `from_str_radix` alone would also take a sign.
    if digits_at == 0 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let unit = u32::from_str_radix(digits, 16).ok()?;
    Some((unit, digits_at + 4))
}

/// Up to three octal digits, the first of three at most 3.
fn octal(escape: &str) -> (Option<char>, usize) {
    let longest = if escape.starts_with(['0', '1', '2', '3']) {
        3
    } else {
        2
    };
    let length = escape
        .bytes()
        .take(longest)
        .take_while(|byte| (b'0'..=b'7').contains(byte))
        .count();

    let code = u32::from_str_radix(&escape[..length], 8).ok();
    (code.and_then(char::from_u32), length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn named_and_numeric_references_are_decoded_once() {
        assert_eq!(
            xml("a &amp;apos;b&apos; &#10;&#x1F511;&lt;"),
            "a &apos;b' \n🔑<"
        );
    }

    #[test]
    fn what_is_no_reference_stays() {
        for text in [
            "&", "&am", "&nbsp;", "&#;", "&#xD800;", "R&D; x", "&&", "ü&ü;",
        ] {
            assert_eq!(xml(text), text);
        }
    }

    #[test]
    fn only_what_begins_no_reference_is_a_raw_ampersand() {
        assert_eq!(
            raw_ampersands("a & b &lt;&#65; &nix; &"),
            "a &amp; b &lt;&#65; &amp;nix; &amp;"
        );
    }

    #[test]
    fn java_escapes_are_decoded() {
        assert_eq!(
            java(r#"C:\\Users\n\"a\" \/ \u0E01 \uD83D\uDD11 \101 \47 \q"#),
            "C:\\Users\n\"a\" / ก 🔑 A ' q"
        );
    }

    #[test]
    fn half_java_escapes_are_no_panic() {
        assert_eq!(java(r"a\"), "a");
        assert_eq!(java(r"\u12"), "u12");
        assert_eq!(java(r"\uD83D"), "\u{fffd}");
        assert_eq!(java(r"\uD83Dx\uDD11"), "\u{fffd}x\u{fffd}");
        assert_eq!(java(r"\u12ü4"), "u12ü4");
        assert_eq!(java(r"\777"), "?7");
        // Digits are those of a character only behind a `u`.
        assert_eq!(java(r"\uD83D\dd11"), "\u{fffd}dd11");
    }

    proptest! {
        #[test]
        fn decoding_what_was_escaped_gives_the_text_back(text in any::<String>()) {
            let escaped = quick_xml::escape::escape(text.as_str());
            prop_assert_eq!(xml(&escaped), text.as_str());
            let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
            prop_assert_eq!(java(&units), text.as_str());
            let escaped = as_java(&text);
            prop_assert_eq!(java(&escaped), text.as_str());
        }

        #[test]
        fn no_text_makes_the_decoders_panic(text in r"[\\&#;ux0-9a-fD8ü\n]{0,40}") {
            let _ = (xml(&text), java(&text));
        }
    }
}
