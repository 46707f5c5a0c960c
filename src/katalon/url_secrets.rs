//! URLs without what opens a door.
//!
//! A run names URLs: the hub of a remote grid (`Remote - http://user:key@hub…` in `Name`), a page
//! under test, a signed link in a message. The user part is dropped where a value is read, so that
//! it is in no comment, no name, no database and no log of kado's.

use std::borrow::Cow;

use crate::katalon::text::head;

/// What begins the authority of a URL; the second form is JSON's, with escaped slashes.
const BEGINS: [&str; 2] = ["://", r":\/\/"];

/// Bytes of a URL in which its user part is looked for.
const LONGEST_USER: usize = 4096;

/// `text` with the user part (`user:key@`) of every URL in it dropped. All else stays as it is, and
/// so does a text without `://…@`.
pub(crate) fn without_users(text: &str) -> Cow<'_, str> {
    if !text.contains('@') || next_authority(text).is_none() {
        return Cow::Borrowed(text);
    }

    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = next_authority(rest) {
        let (before, behind) = rest.split_at(at);
        clean.push_str(before);

        // What stands behind one `@` may look like a user again.
        rest = behind;
        while let Some((_, without)) = split_user(rest) {
            rest = without;
        }
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

/// `text` with the user part and the query of every URL in it dropped: the query of a signed link
/// is its key. What ends a sentence behind the URL stays.
pub(crate) fn without_queries(text: &str) -> String {
    let text = without_users(text);
    let mut clean = String::with_capacity(text.len());
    let mut rest: &str = &text;
    while let Some(at) = next_authority(rest) {
        let (before, behind) = rest.split_at(at);
        let url = &behind[..url_length(behind)];
        let sentence_end = url.trim_end_matches(['.', ',', ';', ':', '!', ')', ']', '}', '\'']);
        let query = sentence_end.find('?').unwrap_or(sentence_end.len());

        clean.push_str(before);
        clean.push_str(&url[..query]);
        rest = &behind[sentence_end.len()..];
    }
    clean.push_str(rest);
    clean
}

/// Where the next authority of a URL begins.
fn next_authority(text: &str) -> Option<usize> {
    for (at, _) in text.match_indices(':') {
        for begin in BEGINS {
            if text[at..].starts_with(begin) {
                return Some(at + begin.len());
            }
        }
    }
    None
}

/// The user part at the beginning of an authority, and what stands behind its `@`.
fn split_user(text: &str) -> Option<(&str, &str)> {
    let near = head(text, LONGEST_USER);
    if !near.contains('@') {
        return None;
    }

    // Whatever ends a URL ends the authority, so no more is looked at where it has no user.
    let part = &near[..near.find(['/', '?', '#']).unwrap_or(near.len())];
    let authority = &part[..url_length(part)];

    // A key may hold an `@`, and whoever did not encode it a `/` as well: then what stands before
    // that cannot be a host with its port.
    let may_hold_user = if authority.contains('@') || is_host(authority) {
        authority
    } else {
        &near[..url_length(near)]
    };
    let at = may_hold_user.rfind('@')?;
    Some((&text[..at], &text[at + 1..]))
}

/// Bytes of a text up to the first character that no URL has.
fn url_length(text: &str) -> usize {
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        // A `\` stands in a key as it is, or before what is escaped in JSON.
        let is_escape = letter == '\\'
            && letters
                .peek()
                .is_none_or(|(_, next)| !next.is_alphanumeric());
        let ends = letter.is_whitespace()
            || letter.is_control()
            || matches!(letter, '"' | '<' | '>' | '`');
        if ends || is_escape {
            return at;
        }
    }

    text.len()
}

/// Whether an authority without user is a host, with or without port.
fn is_host(authority: &str) -> bool {
    match authority.rsplit_once(':') {
        Some((_, port)) => port.bytes().all(|byte| byte.is_ascii_digit()) || port.ends_with(']'),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_key_of_a_grid_is_dropped_and_all_else_stays() {
        let cases = [
            (
                "Remote - http://user:key@hub.example.com:4444/wd/hub",
                "Remote - http://hub.example.com:4444/wd/hub",
            ),
            ("https://key@hub/", "https://hub/"),
            ("(https://a:b@c) and ftp://d@e.", "(https://c) and ftp://e."),
            ("http://me@example.com:key@hub", "http://hub"),
            ("http://user:a/b#c?d@hub/wd", "http://hub/wd"),
            (r"http://CORP\bob:key@hub", "http://hub"),
            (
                r#"{"url":"http:\/\/user:key@hub\/wd"}"#,
                r#"{"url":"http:\/\/hub\/wd"}"#,
            ),
            ("http://a:b@http://c:d@e", "http://http://e"),
        ];

        for (text, clean) in cases {
            assert_eq!(without_users(text), clean);
        }
    }

    #[test]
    fn an_address_that_is_no_user_of_a_url_stays() {
        for text in [
            "mail me@example.com",
            "http://example.com/@me and me@example.com",
            "https://example.com:443/a?mail=me@example.com",
            "http://[::1]/@me",
            r#"{"url":"http://example.com","mail":"me@example.com"}"#,
        ] {
            assert_eq!(without_users(text), text);
        }
    }

    #[test]
    fn the_query_of_a_signed_link_is_dropped_with_its_user() {
        for (text, clean) in [
            (
                "see (https://a:b@store.example.com/x.png?sig=abc&se=1), please?",
                "see (https://store.example.com/x.png), please?",
            ),
            (
                "`https://store/x?sig=abc` is gone",
                "`https://store/x` is gone",
            ),
            ("https://store/x is gone?", "https://store/x is gone?"),
            (
                "https://a/?next=https://b/?key=1 and http://c?d",
                "https://a/ and http://c",
            ),
        ] {
            assert_eq!(without_queries(text), clean);
        }
    }

    proptest! {
        #[test]
        fn a_text_without_the_user_of_a_url_is_unchanged(text in "[^@]{0,60}|([^:]|:[^/\\\\]){0,60}") {
            prop_assume!(!text.contains("://") || !text.contains('@'));
            prop_assert_eq!(without_users(&text), text.as_str());
        }

        #[test]
        fn no_user_part_survives(
            before in "\\PC{0,20} ",
            scheme in "https?|ws|ftp",
            key in "[A-Za-z0-9._~!$&'()*+,;=%-]{1,20}:[A-Za-z0-9._~!$&'()*+,;=:%@-]{0,20}XXKEYXX",
            host in "[a-z0-9.-]{1,20}",
            path in "(/[a-z]{0,9}){0,3}",
            after in "( \\PC{0,20})?"
        ) {
            prop_assume!(!before.contains('@') && !after.contains('@'));

            let clean = without_users(&format!("{before}{scheme}://{key}@{host}{path}{after}"))
                .into_owned();

            prop_assert_eq!(clean, format!("{before}{scheme}://{host}{path}{after}"));
        }

        #[test]
        fn what_is_clean_stays_clean(text in "(://|[@:/a1\\\\ \"]){0,24}") {
            let clean = without_users(&text).into_owned();

            prop_assert_eq!(without_users(&clean), clean.as_str());
        }
    }
}
