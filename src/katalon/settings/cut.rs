//! Whether the file lacks its end: Katalon is writing it, or was killed while it did, or somebody
//! copied half of it.
//!
//! All 18 files of the corpus that say anything end with a line end, and have
//! `submitOptions.attachmentSendingType` (the last key of a new file) and no value without a
//! character. Hands may leave out either, so only a last line that nobody writes is surely a cut.

use crate::katalon::properties::{Properties, UnendedLine};
use crate::katalon::text::head;

/// The last key of a new file; Katalon always writes it.
pub(super) const LAST_KEY: &str = "submitOptions.attachmentSendingType";

/// The key that decides about everything else. Katalon writes it first.
pub(super) const SWITCH: &str = "enableIntegration";

/// Bytes of a key that are shown; the longest known one has 54.
pub(super) const LONGEST_KEY: usize = 100;

/// Keys of switches.
const SWITCHES: [&str; 6] = [
    SWITCH,
    "enableAuthenticationEncryption",
    "submitOptions.autoSubmitTestRun",
    "submitOptions.enableSubmitMultiTestPoints",
    "submitOptions.enableOverrideExistingAutomationFields",
    "submitOptions.enableIncludeAttachment",
];

/// Where the file ends in the middle of its last line, in words.
pub(super) fn cut_of(properties: &Properties) -> Option<String> {
    let line = properties.unended()?;
    let key = head(&line.key, LONGEST_KEY);
    let Some(value) = line.value.as_deref() else {
        return Some(format!("it ends with `{key}`, which has no value"));
    };

    if is_cut(value) {
        return Some(words_for_cut(&line.key));
    }
    is_beginning(line, value).then(|| format!("`{key}` is cut: the file ends within its value"))
}

/// Whether an unquoted value is only the beginning of one.
fn is_beginning(line: &UnendedLine, value: &str) -> bool {
    let is_of = |whole: &str| value.len() < whole.len() && whole.starts_with(value);
    let is_switch = SWITCHES.contains(&line.key.as_str());

    line.is_open
        || value.is_empty()
        || value == "-"
        || is_switch && (is_of("true") || is_of("false"))
}

/// Whether the file has neither the first key of Katalon's nor the last one.
pub(super) fn is_piece(properties: &Properties) -> bool {
    properties.raw(SWITCH).is_none() && properties.raw(LAST_KEY).is_none()
}

/// What the file lacks that each of Katalon's has at its end.
pub(super) fn doubt_of(properties: &Properties) -> Option<String> {
    // An empty file is whole: Katalon makes it when somebody opens the dialog.
    properties.iter().next()?;
    if properties.raw(LAST_KEY).is_none() {
        return Some(format!(
            "it has no `{LAST_KEY}`, which Katalon always writes"
        ));
    }

    properties
        .unended()
        .map(|_| "its last line has no line end, which Katalon always writes".to_owned())
}

/// The first value of which Katalon has not written the end, in words.
pub(super) fn cut_value(properties: &Properties) -> Option<String> {
    if let Some(what) = cut_of(properties) {
        return Some(what);
    }

    let mut pairs = properties.iter();
    let (key, _) = pairs.find(|(_, raw)| is_cut(raw))?;
    Some(words_for_cut(key))
}

pub(super) fn words_for_cut(key: &str) -> String {
    let key = head(key, LONGEST_KEY);
    format!("`{key}` is cut: its closing quote is missing")
}

/// Whether a value opens a quote and does not close it.
pub(super) fn is_cut(raw: &str) -> bool {
    let Some(rest) = raw.strip_prefix('"') else {
        return false;
    };
    match rest.strip_suffix('"') {
        // Behind an odd number of backslashes the last quote is part of the text.
        Some(inner) => (inner.len() - inner.trim_end_matches('\\').len()) % 2 == 1,
        None => true,
    }
}
