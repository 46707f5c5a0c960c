//! Texts: URLs, arguments, JSON, and what is taken out of a text before anybody sees it.

use std::io::Cursor;

use crate::foreign;
use crate::katalon::command_line::{CommandLine, hidden_option};
use crate::katalon::terminal::without_sequences;
use crate::katalon::url_secrets::{without_queries, without_users};
use crate::katalon::{escape, lenient_json, text};
use crate::plan::text as of_ado;
use crate::server::Server;

/// A server's URL is one of an origin, without user, query and fragment; what is made of it is a
/// URL of the same server.
pub(super) fn server_url(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(server) = Server::parse(&text) else {
        return;
    };

    let base = server.base();
    assert!(!base.contains(['?', '#']), "{base}");
    let again = Server::parse(base);
    assert!(
        again.is_ok_and(|again| again.identity() == server.identity() && again.base() == base),
        "{base} is the same server"
    );
}

/// What is taken out of a text is out of it, and texts stay within their limits.
pub(super) fn texts(bytes: &[u8]) {
    let text = text::decode(bytes);

    let plain = without_sequences(&text);
    assert!(!plain.contains(['\u{1b}', '\u{9b}', '\u{90}', '\u{9d}']));
    let line = foreign::one_line(&text);
    assert!(
        !line.contains(foreign::is_steering),
        "a line steers nothing"
    );
    assert!(!foreign::lines(&text).contains(['\u{1b}', '\u{202e}']));

    let without = without_users(&text);
    assert!(without.len() <= text.len());
    assert!(without_users(&without) == without, "no user is left");
    assert!(without_queries(&text).len() <= text.len());

    assert!(escape::xml(&text).len() <= text.len());
    assert!(escape::java(&text).len() <= text.len());
    let mended = escape::raw_ampersands(&text);
    assert!(
        escape::raw_ampersands(&mended) == mended,
        "mended once is mended"
    );

    let fitted = of_ado::fit(&text, of_ado::NAME);
    assert!(of_ado::units(&fitted) <= of_ado::NAME);
    assert!(of_ado::file_name(&text).len() <= 1024);
}

/// Of a command line only what is for Azure DevOps is kept.
pub(super) fn arguments(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let line = CommandLine::read(text.lines());

    assert!(
        line == CommandLine::read(text.lines()),
        "reading twice is equal"
    );
    let _ = hidden_option(text.lines());
}

/// An object that is whole reads as any other reader reads it.
pub(super) fn lenient_json(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (members, damage) = lenient_json::read_object("file", &text);

    let strict: Result<serde_json::Map<_, _>, _> = serde_json::from_reader(Cursor::new(&*text));
    if let Ok(strict) = strict
        && damage.is_none()
    {
        assert!(members == strict, "{members:?}");
    }
}
