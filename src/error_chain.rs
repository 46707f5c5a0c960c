//! An error with its causes in one line, for messages to people.

use std::error::Error;

/// The error's text and those of its causes, with colons between them. A text that repeats the URL
/// of a request is left out, because the causes below it say more.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next: Option<&(dyn Error + 'static)> = Some(error);

    while let Some(error) = next {
        let part = error.to_string();
        // Some errors repeat their cause as their own text.
        if !part.contains("for url") && !text.ends_with(&part) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&part);
        }
        next = error.source();
    }
    text
}
