//! The texts of a result: what went wrong, and the stack trace.
//!
//! Katalon 6.1.5 and later give both as properties. Older records have one text of the shape
//! `<id> FAILED.\nReason:\n<stack>`, `<id> FAILED because (of) <reason>` or, in 4.1 and 5.8,
//! `<id> FAILED because (of) (Stack trace: <stack>)`.

use super::record::{FAILURE_MESSAGE, FAILURE_STACK, RawRecord};
use crate::katalon::text::head;

/// Bytes of a message or a stack trace that are kept; ADO shows 4000 characters, the whole becomes
/// an attachment.
pub(super) const LONGEST_TEXT: usize = 2 * 1024 * 1024;

/// What a deciding record says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Failure {
    /// What went wrong, without the stack trace.
    pub message: Option<String>,
    /// The stack trace.
    pub stack_trace: Option<String>,
}

impl Failure {
    /// Reads the texts of a record and keeps at most `limit` bytes of each.
    pub(super) fn of(record: &RawRecord, limit: usize) -> Self {
        Self::of_parts(
            &record.message(),
            record.property(FAILURE_MESSAGE),
            record.property(FAILURE_STACK),
            limit,
        )
    }

    fn of_parts(
        text: &str,
        message: Option<String>,
        stack_trace: Option<String>,
        limit: usize,
    ) -> Self {
        let (head, reason) = split_reason(without_prefix(text));

        // What Katalon gives as a property stands first; the parts of a text are guessed from its
        // words.
        let stack_trace = stack_trace
            .filter(|stack| !stack.trim().is_empty())
            .or_else(|| reason.map(str::to_owned));

        // Without the property the message is what stands before the first frame, or before the
        // reason.
        let message = message
            .filter(|message| !message.trim().is_empty())
            .or_else(|| {
                let text = reason.map_or(head, without_frames).trim();
                (!text.is_empty()).then(|| text.to_owned())
            });

        let mut failure = Self {
            message,
            stack_trace,
        };
        failure.cut(limit);
        failure
    }

    /// Reads a text that is all there is, without properties beside it.
    pub(super) fn of_text(text: &str) -> Self {
        Self::of_parts(text, None, None, LONGEST_TEXT)
    }

    /// Cuts both texts to `limit` bytes.
    pub(super) fn cut(&mut self, limit: usize) {
        for text in [&mut self.message, &mut self.stack_trace]
            .into_iter()
            .flatten()
        {
            // Truncating alone frees nothing, and there may be thousands of these texts.
            if text.len() > limit {
                text.truncate(head(text, limit).len());
                text.shrink_to_fit();
            }
        }
    }

    /// Bytes that the texts take.
    pub(super) fn size(&self) -> usize {
        [&self.message, &self.stack_trace]
            .into_iter()
            .flatten()
            .map(String::len)
            .sum()
    }
}

/// The text before and after a line `Reason:`; in old versions all of it can be a stack trace.
fn split_reason(text: &str) -> (&str, Option<&str>) {
    let stack_alone = text
        .strip_prefix("(Stack trace: ")
        .and_then(|rest| rest.trim_end().strip_suffix(')'));
    if let Some(stack) = stack_alone {
        return ("", Some(stack.trim_end()));
    }

    if let Some(reason) = text.strip_prefix("Reason:") {
        return ("", Some(without_line_end(reason)));
    }
    match text.split_once("\nReason:") {
        Some((head, reason)) if reason.trim().is_empty() => (head, None),
        Some((head, reason)) => (head, Some(without_line_end(reason))),
        None => (text, None),
    }
}

fn without_line_end(text: &str) -> &str {
    text.trim_start_matches(['\r', '\n'])
}

/// The lines of a stack trace before its first frame.
fn without_frames(stack: &str) -> &str {
    // A message may have several lines, so it is the first frame that ends it.
    let mut end = 0;
    for line in stack.split_inclusive('\n') {
        if line.trim_start().starts_with("at ") && line.trim_end().ends_with(')') {
            break;
        }
        end += line.len();
    }
    &stack[..end]
}

/// The text without Katalon's `<id> FAILED because (of) `, `<id> FAILED.` or `<id> has ERROR(s).`.
fn without_prefix(text: &str) -> &str {
    if !text.starts_with("Test Cases/") && !text.starts_with("Test Suites/") {
        return text;
    }

    // The id may hold any of these words, so only the first line is searched.
    let first_line_end = text.find('\n').unwrap_or(text.len());
    let words = [
        " FAILED because (of) ",
        " FAILED because of ",
        " FAILED.",
        " has ERROR(s).",
    ];
    for word in words {
        if let Some(at) = text[..first_line_end].find(word) {
            let rest = text[at + word.len()..].trim();
            // Without anything behind it the sentence is all there is to say.
            return if rest.is_empty() { text } else { rest };
        }
    }

    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(
        message: &str,
        properties: Vec<(&'static str, String)>,
    ) -> (Option<String>, Option<String>) {
        let record = RawRecord {
            java_escaped: false,
            message: message.into(),
            properties,
            ..RawRecord::default()
        };
        let failure = Failure::of(&record, 1000);
        (failure.message, failure.stack_trace)
    }

    #[test]
    fn the_properties_of_the_exception_come_first() {
        let properties = vec![
            (FAILURE_MESSAGE, "no button".to_owned()),
            (FAILURE_STACK, "X: no button\n\tat a(b)".to_owned()),
        ];

        let (message, stack) = of("Test Cases/A FAILED.\nReason:\nother", properties);

        assert_eq!(message.as_deref(), Some("no button"));
        assert_eq!(stack.as_deref(), Some("X: no button\n\tat a(b)"));
    }

    #[test]
    fn the_text_is_parted_into_message_and_stack() {
        let (message, stack) = of(
            "Test Cases/A FAILED.\nReason:\nX: no\nbutton\n\tat a.b(C.java:1)\n\tat d(e)",
            Vec::new(),
        );
        assert_eq!(message.as_deref(), Some("X: no\nbutton"));
        assert_eq!(
            stack.as_deref(),
            Some("X: no\nbutton\n\tat a.b(C.java:1)\n\tat d(e)")
        );
    }

    #[test]
    fn the_words_of_old_versions_are_no_part_of_the_message() {
        let (message, stack) = of(
            "Test Cases/A FAILED because (of) Variable 'x' is not defined.",
            Vec::new(),
        );
        assert_eq!(message.as_deref(), Some("Variable 'x' is not defined."));
        assert_eq!(stack, None);
    }

    #[test]
    fn a_stack_trace_of_old_versions_is_parted_too() {
        let text = "Test Cases/A FAILED because (of) (Stack trace: X: no (Root cause: y)\n\tat a.b(C.groovy:36)\n\tat d(e)\n)";
        let (message, stack) = of(text, Vec::new());
        assert_eq!(message.as_deref(), Some("X: no (Root cause: y)"));
        assert_eq!(
            stack.as_deref(),
            Some("X: no (Root cause: y)\n\tat a.b(C.groovy:36)\n\tat d(e)")
        );
    }

    #[test]
    fn a_null_message_of_an_exception_is_none() {
        let properties = vec![(FAILURE_MESSAGE, "null".to_owned())];
        let (message, _) = of(
            "Test Cases/A FAILED.\nReason:\njava.lang.NullPointerException\n\tat a(b)",
            properties,
        );
        assert_eq!(message.as_deref(), Some("java.lang.NullPointerException"));
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let mut failure = Failure {
            message: Some("aü".repeat(10)),
            stack_trace: None,
        };
        failure.cut(5);
        assert_eq!(failure.message.as_deref(), Some("aüa"));
    }
}
