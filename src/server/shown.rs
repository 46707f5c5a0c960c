//! What of a server's URL may be shown and stored.
//!
//! A user, password, query or fragment may hold a secret, so none of them leaves here. What is
//! shown is what the URL parser understood, and not what an eye may take it for:
//! `https://dev.azure.com\t.example` is the host `dev.azure.com.example`, and letters of other
//! scripts stand in their ASCII form (`xn--…`). A text that is no URL is cut so that nothing of a
//! password is left, at the cost of a part of the rest.

use std::borrow::Cow;

use url::{ParseError, Url};

/// What is shown of a text of which nothing may be.
const CUT_WHOLE: &str = "\u{2026}";

/// A URL, or what should be one, without what may be a secret; the text itself where it holds none
/// and reads as what it is.
pub(crate) fn without_secrets(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    match Url::parse(text) {
        Ok(url) if url.has_host() => of_url(text, url),
        _ if text.contains("://") => of_no_url(text),
        _ => without_scheme(text),
    }
}

/// A URL whose host ends with no dot: `dev.azure.com.` is the host `dev.azure.com`.
///
/// # Errors
/// When there is no host left.
pub(super) fn without_final_dots(mut url: Url) -> Result<Url, ParseError> {
    let Some(host) = url.host_str() else {
        return Ok(url);
    };

    let trimmed = host.trim_end_matches('.');
    if trimmed.len() < host.len() {
        let trimmed = trimmed.to_owned();
        url.set_host(Some(&trimmed))?;
    }
    Ok(url)
}

/// Whether a host is written with letters of other scripts than ASCII, of which some look the same.
pub(super) fn is_international(host: &str) -> bool {
    host.split('.').any(|label| label.starts_with("xn--"))
}

fn of_url(text: &str, mut url: Url) -> Cow<'_, str> {
    let holds_secret = !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some();
    if !holds_secret && reads_as(text, &url) {
        return Cow::Borrowed(text);
    }

    url.set_query(None);
    url.set_fragment(None);
    // They fail for URLs without a host only.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Cow::Owned(url.into())
}

/// Whether a text begins with the scheme and host that the parser found in it.
fn reads_as(text: &str, url: &Url) -> bool {
    let begin = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
    let Some(written) = text.get(..begin.len()) else {
        return false;
    };
    written.eq_ignore_ascii_case(&begin)
        && text[begin.len()..]
            .chars()
            .all(|letter| !letter.is_control())
        && matches!(text.as_bytes().get(begin.len()), None | Some(b'/' | b':'))
}

/// A text such as `dev.azure.com/acme`, which is a URL but for its scheme.
fn without_scheme(text: &str) -> Cow<'_, str> {
    const SCHEME: &str = "https://";
    let whole = format!("{SCHEME}{text}");
    let Ok(url) = Url::parse(&whole) else {
        return of_no_url(text);
    };

    match of_url(&whole, url) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(clean) => Cow::Owned(clean[SCHEME.len()..].to_owned()),
    }
}

/// What is left of a text that the parser does not take. What was in its way may be cut off by
/// then, and the rest is shown as what it is.
fn of_no_url(text: &str) -> Cow<'_, str> {
    match cut(text) {
        CUT_WHOLE => Cow::Borrowed(CUT_WHOLE),
        rest if rest.len() < text.len() => without_secrets(rest),
        whole => Cow::Borrowed(whole),
    }
}

/// What stands behind the last `@`, because a password may hold one itself, or before a query;
/// where there are both, nobody can tell which of them is part of the other.
fn cut(text: &str) -> &str {
    match (text.rsplit_once('@'), text.find(['?', '#'])) {
        (None, None) => text,
        (Some((_, rest)), None) => rest.trim_start(),
        (None, Some(query)) => text[..query].trim_end(),
        (Some(_), Some(_)) => CUT_WHOLE,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_user_who_is_called_like_the_host_is_not_shown() {
        let shown = without_secrets("https://acme.example:@acme.example/x");

        assert_eq!(shown, "https://acme.example/x");
    }

    #[test]
    fn what_holds_no_secret_is_shown_as_it_was_written() {
        for text in [
            "https://dev.azure.com/Acme/",
            "https://DEV.azure.com",
            "https://tfs.corp:8443/tfs/Default Collection",
            "https://tfs.corp/tfs/team@home/Main",
            "http://[::1]:8080/tfs/Main",
            "dev.azure.com/acme",
            "acme",
        ] {
            assert_eq!(without_secrets(text), text);
        }
    }

    #[test]
    fn users_queries_and_fragments_are_dropped_and_nothing_else_is() {
        let cases = [
            (
                "https://me:SECRET@tfs.corp/tfs/a@b",
                "https://tfs.corp/tfs/a@b",
            ),
            ("https://SECRET@tfs.corp", "https://tfs.corp/"),
            ("https://a:SECRET@SECRET@tfs.corp/x", "https://tfs.corp/x"),
            ("https://tfs.corp/x?token=SECRET", "https://tfs.corp/x"),
            ("https://tfs.corp/x#SECRET", "https://tfs.corp/x"),
            ("me:SECRET@dev.azure.com/x", "dev.azure.com/x"),
            ("dev.azure.com/x?a=SECRET@b", "dev.azure.com/x"),
            ("ftp://me:SECRET@host/x", "ftp://host/x"),
            ("https://me:SEC/RET@host/x", "host/x"),
            ("https://me:SEC#RET@host:port/x", "\u{2026}"),
            ("SECRET@", ""),
        ];

        for (text, shown) in cases {
            assert_eq!(without_secrets(text), shown, "{text}");
        }
    }

    #[test]
    fn a_host_is_shown_as_the_parser_understands_it() {
        let cases = [
            (
                "https://dev.\u{430}zure.com/acme",
                "https://dev.xn--zure-43d.com/acme",
            ),
            (
                "https://dev.azure.com\t.evil.example/acme",
                "https://dev.azure.com.evil.example/acme",
            ),
            (
                "https://dev.azure.com\\@evil.example/x",
                "https://dev.azure.com/@evil.example/x",
            ),
            ("https://dev%2Eazure.com/acme", "https://dev.azure.com/acme"),
            ("http://127.1/tfs", "http://127.0.0.1/tfs"),
            ("http://0x7f000001/tfs", "http://127.0.0.1/tfs"),
            (
                "http://[::ffff:127.0.0.1]/tfs",
                "http://[::ffff:7f00:1]/tfs",
            ),
        ];

        for (text, shown) in cases {
            assert_eq!(without_secrets(text), shown, "{text}");
        }
    }

    #[test]
    fn what_is_left_when_the_parser_takes_no_more_is_shown_as_what_it_is() {
        assert_eq!(without_secrets("https://0 #"), "https://0.0.0.0/");
        assert_eq!(without_secrets("https://a@b c?d"), "\u{2026}");
    }

    proptest! {
        #[test]
        fn no_part_that_may_be_secret_is_shown(
            scheme in "(https?://|ftp://|)",
            user in "([a-z:%@#?-]{0,6}XKEYX[a-z:%@-]{0,4}@)?",
            host in "(dev\\.azure\\.com|\\[::1\\]|127\\.1|\\PC{1,8})",
            path in "(/[a-z%.]{0,5}){0,3}",
            query in "([?#]\\PC{0,6}XKEYX\\PC{0,6})?",
        ) {
            prop_assume!(!host.contains("XKEYX") && !host.contains([':', '/', '\\', '@', '?', '#']));

            let shown = without_secrets(&format!("{scheme}{user}{host}{path}{query}")).into_owned();

            prop_assert!(!shown.contains("XKEYX"), "{}", shown);
        }

        #[test]
        fn what_is_shown_stays_what_it_is(text in "https://(https://|[a-zA-Z.:/@?#\\\\\\[\\]%0-9\u{430}\\t ]){0,16}") {
            let shown = without_secrets(&text).into_owned();

            prop_assert_eq!(without_secrets(&shown), shown.as_str());
        }
    }
}
