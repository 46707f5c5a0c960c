//! One record of an execution log, with its texts still escaped.

use std::borrow::Cow;

use crate::katalon::escape;
use crate::katalon::terminal::without_sequences;
use crate::katalon::url_secrets::without_users;

/// The names of properties that are kept; all others are skipped while reading, some are megabytes
/// long.
pub(super) const PROPERTIES: [&str; 29] = [
    "id",
    "name",
    "uuid",
    "iteration",
    "isOptional",
    "currentRetryCount",
    "retryCount",
    "rerunTestFailImmediately",
    "isIgnoredIfFailed",
    "executionBindingVariables",
    "attachment",
    "video-attachment",
    FAILURE_MESSAGE,
    FAILURE_STACK,
    "hostName",
    "os",
    "katalonVersion",
    "userFullName",
    "projectName",
    "browser",
    "platform",
    "sessionId",
    "seleniumVersion",
    "deviceName",
    "deviceModel",
    "deviceManufacturer",
    "deviceOS",
    "deviceOSVersion",
    "remoteOS",
];

/// Property with the message of the exception that failed a step or a test.
pub(super) const FAILURE_MESSAGE: &str = "failed.exception.message";
/// Property with the stack trace of that exception.
pub(super) const FAILURE_STACK: &str = "failed.exception.stacktrace";

/// Level of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Level {
    /// Opens a suite, test or step.
    Start,
    /// Closes the innermost of them.
    End,
    /// A check or a test passed.
    Passed,
    /// A check or a test failed.
    Failed,
    /// An error; also `ABORTED`, which Katalon defines and never writes.
    Error,
    /// A test was left open.
    Incomplete,
    /// A test was skipped.
    Skipped,
    /// A datum about the run.
    RunData,
    /// Everything that never decides: `INFO`, `DEBUG`, `WARNING`, `NOT_RUN` and unknown words.
    #[default]
    Other,
}

impl Level {
    /// The level with this word.
    pub(super) fn of(word: &str) -> Self {
        match word {
            "START" => Self::Start,
            "END" => Self::End,
            "PASSED" => Self::Passed,
            "FAILED" => Self::Failed,
            "ERROR" | "ABORTED" => Self::Error,
            "INCOMPLETE" => Self::Incomplete,
            "SKIPPED" => Self::Skipped,
            "RUN_DATA" => Self::RunData,
            _ => Self::Other,
        }
    }
}

/// What a START or END record opens or closes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Method {
    /// `startSuite`, `endSuite`.
    Suite,
    /// `startTest`, `endTest`.
    Test,
    /// `startKeyword`, `startListenerKeyword` and their ends, and everything else.
    #[default]
    Keyword,
}

impl Method {
    /// The kind of node that a method's name speaks of.
    pub(super) fn of(name: &str) -> Self {
        match name {
            "startSuite" | "endSuite" => Self::Suite,
            "startTest" | "endTest" => Self::Test,
            _ => Self::Keyword,
        }
    }
}

/// A record as it was scanned. Texts are decoded only when somebody asks for them.
#[derive(Debug)]
pub(super) struct RawRecord {
    /// Level; [`Level::Other`] when it was missing.
    pub level: Level,
    /// What a START or END is about.
    pub method: Method,
    /// Milliseconds since 1970 UTC.
    pub millis: Option<i64>,
    /// Depth that Katalon itself counted: 0 suite, 1 test.
    pub nested_level: Option<u32>,
    /// Whether texts are Java-escaped too: `escapedJava`, and always where that is absent (Katalon
    /// up to 7.5).
    pub java_escaped: bool,
    /// The message, XML-escaped twice.
    pub message: String,
    /// Wanted properties in file order, XML-escaped once.
    pub properties: Vec<(&'static str, String)>,
    /// Whether a text was longer than what is kept.
    pub truncated: bool,
}

impl Default for RawRecord {
    fn default() -> Self {
        Self {
            level: Level::default(),
            method: Method::default(),
            millis: None,
            nested_level: None,
            java_escaped: true,
            message: String::new(),
            properties: Vec::new(),
            truncated: false,
        }
    }
}

impl RawRecord {
    /// The message in clear.
    pub(super) fn message(&self) -> String {
        // Katalon escapes a message, and `XMLFormatter` escapes it again; properties are escaped
        // once.
        self.clear(&escape::xml(&self.message))
    }

    /// One of [`PROPERTIES`] in clear; `None` when it is absent, and for Katalon's word for a null
    /// value.
    pub(super) fn property(&self, name: &str) -> Option<String> {
        debug_assert!(
            PROPERTIES.contains(&name),
            "`{name}` is asked for and never kept"
        );
        let (_, raw) = self.properties.iter().find(|(kept, _)| *kept == name)?;
        Some(self.clear(raw)).filter(|value| value != "null")
    }

    /// Whether a property is there and says `true`.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.property(name).is_some_and(|value| value == "true")
    }

    fn clear(&self, once_escaped: &str) -> String {
        // XML comes first, because up to 7.5 a Java escape stands around a reference
        // (`\&amp;quot;`). And where Katalon did not escape for Java, doing so would break paths
        // such as `C:\new`.
        let decoded = escape::xml(once_escaped);
        let text = if self.java_escaped {
            escape::java(&decoded)
        } else {
            decoded
        };

        // Line ends as an XML parser would give them; control characters are no text and break what
        // shows them.
        let mut text = without_sequences(&text).replace("\r\n", "\n");
        if text.contains(is_illegal) {
            text = text.replace(is_illegal, "");
        }
        match without_users(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(clean) => clean,
        }
    }
}

/// Characters that XML 1.0 forbids, and DEL.
fn is_illegal(character: char) -> bool {
    (character.is_ascii_control() && !matches!(character, '\t' | '\n' | '\r'))
        || matches!(character, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(java_escaped: bool, text: &str) -> RawRecord {
        RawRecord {
            java_escaped,
            message: text.to_owned(),
            properties: vec![("id", text.to_owned())],
            ..RawRecord::default()
        }
    }

    #[test]
    fn a_message_is_decoded_twice_and_a_property_once() {
        let record = record(false, r"a &amp;apos;b&amp;apos; C:\new");
        assert_eq!(record.message(), r"a 'b' C:\new");
        assert_eq!(record.property("id").unwrap(), r"a &apos;b&apos; C:\new");
    }

    #[test]
    fn without_the_mark_of_newer_versions_texts_are_java_escaped_too() {
        let record = record(true, r"\&amp;quot;C:\\Users\&amp;quot;\n\u0E01");
        assert_eq!(record.message(), "\"C:\\Users\"\nก");
    }

    #[test]
    fn null_is_no_value_and_control_characters_are_no_text() {
        assert_eq!(record(false, "null").property("id"), None);
        assert_eq!(
            record(false, "a\u{1b}[0m\r\nb\u{0}")
                .property("id")
                .unwrap(),
            "a\nb"
        );
    }
}
