//! Takes out of a run what nobody is to read: what the patterns of `[redact]` find, and the values
//! that Katalon itself masks.
//!
//! Texts (messages, stack traces, warnings, values of iterations) lose it before they are stored.
//! Names (of suites, test cases, machines, files) are what things are found again by, also after a
//! change of the patterns; they stay, and the pieces of them that are hidden are handed on, to be
//! taken out of what is sent ([`crate::plan::hidden`]). Patterns and values are stored nowhere:
//! each may be the secret.
//!
//! A pattern takes time with each text, at worst with the square of its length, so patterns come
//! from the machine's `kado.toml` alone.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use regex::Regex;

use crate::katalon::bounded_regex::{self, BadPattern};
use crate::katalon::damage::{Damage, DamageKind};
use crate::katalon::masked::MaskedValues;
use crate::katalon::run::{SuiteRun, VariableValue};

/// What stands in the place of what is hidden.
pub(crate) const MASK: &str = "***";
/// Bytes that a pattern may take once it is compiled.
const LARGEST: usize = 1 << 20;

/// A regular expression; what it finds is hidden.
#[derive(Clone)]
pub(crate) struct RedactPattern(Regex);

/// Why a text is no pattern to hide things by. It does not repeat the text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoRedactPattern {
    /// It is no regular expression, or too large a one.
    #[error("is {0}")]
    Bad(BadPattern),
    /// It would be found everywhere.
    #[error("fits a text without any character, so it would be found everywhere")]
    Empty,
}

impl RedactPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it is no regular expression, or one that fits nothing.
    pub(crate) fn parse(pattern: &str) -> Result<Self, NoRedactPattern> {
        let regex = bounded_regex::compile(pattern, LARGEST).map_err(NoRedactPattern::Bad)?;
        if regex.is_match("") {
            return Err(NoRedactPattern::Empty);
        }
        Ok(Self(regex))
    }

    /// The text with the mask in the place of what is found; `None` where nothing is.
    fn masked(&self, text: &str) -> Option<String> {
        let mut masked = String::new();
        let mut from = 0;
        for found in self.0.find_iter(text) {
            // `\b` and its like fit between two characters.
            if found.is_empty() {
                continue;
            }
            masked.push_str(&text[from..found.start()]);
            masked.push_str(MASK);
            from = found.end();
        }

        // A match that is not empty ends behind the first character.
        if from == 0 {
            return None;
        }
        masked.push_str(&text[from..]);
        Some(masked)
    }
}

impl PartialEq for RedactPattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for RedactPattern {}

/// Shows nothing: a pattern may be the very word that it hides.
impl fmt::Debug for RedactPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedactPattern(…)")
    }
}

/// What is hidden in the texts of one run.
pub(crate) struct Redaction<'p> {
    patterns: &'p [RedactPattern],
    masked: &'p MaskedValues,
}

impl<'p> Redaction<'p> {
    /// By these patterns, and by the values that Katalon masks.
    pub(crate) const fn new(patterns: &'p [RedactPattern], masked: &'p MaskedValues) -> Self {
        Self { patterns, masked }
    }

    /// A text without what is hidden.
    pub(crate) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut clean = Cow::Borrowed(text);
        for value in self.masked.longest_first() {
            if clean.contains(value) {
                clean = Cow::Owned(clean.replace(value, MASK));
            }
        }
        for pattern in self.patterns {
            if let Some(masked) = pattern.masked(&clean) {
                clean = Cow::Owned(masked);
            }
        }
        clean
    }

    /// Takes what is hidden out of the texts of a run.
    pub(crate) fn clean(&self, run: &mut SuiteRun) {
        for test in &mut run.tests {
            if let Some(iteration) = &mut test.iteration {
                self.clean_if_any(&mut iteration.value);
            }

            for attempt in &mut test.attempts {
                self.clean_if_any(&mut attempt.message);
                self.clean_if_any(&mut attempt.stack_trace);
                for path in &mut attempt.foreign_attachments {
                    self.clean_text(path);
                }
            }
        }

        for warning in &mut run.warnings {
            self.clean_text(warning);
        }
        for damage in run.damage.iter_mut().chain(&mut run.options.unread) {
            self.clean_damage(damage);
        }
        run.warnings.extend(self.masked.warning());
    }

    /// The pieces of a run's names that are hidden, each once and the longest first.
    pub(crate) fn pieces_of_names(&self, run: &SuiteRun) -> Vec<String> {
        let mut pieces = BTreeSet::new();
        let environment = &run.environment;
        let of_environment = [
            &environment.host,
            &environment.os,
            &environment.browser,
            &environment.profile,
            &environment.run_configuration,
            &environment.platform,
            &environment.device_os,
            &environment.remote_os,
        ];

        self.add_pieces(&run.suite, &mut pieces);
        for name in of_environment.into_iter().flatten() {
            self.add_pieces(name, &mut pieces);
        }
        for test in &run.tests {
            self.add_pieces(&test.id, &mut pieces);

            // Those that an id refers to: what is no id then is repeated with the reason.
            for value in test.variables.values() {
                if let VariableValue::Plain(text) | VariableValue::Expression(text) = value {
                    self.add_pieces(text, &mut pieces);
                }
            }
        }
        for file in &run.files {
            self.add_pieces(&file.path, &mut pieces);
        }
        for damage in run.damage.iter().chain(&run.options.unread) {
            self.add_pieces(&damage.file, &mut pieces);
        }

        let mut pieces: Vec<String> = pieces.into_iter().collect();
        pieces.sort_by_key(|piece| std::cmp::Reverse(piece.len()));
        pieces
    }

    /// The pieces of another name that are hidden.
    pub(crate) fn pieces_of(&self, name: &str) -> impl Iterator<Item = String> + use<> {
        let mut pieces = BTreeSet::new();
        self.add_pieces(name, &mut pieces);
        pieces.into_iter()
    }

    fn add_pieces(&self, name: &str, pieces: &mut BTreeSet<String>) {
        for value in self.masked.longest_first() {
            if name.contains(value) {
                pieces.insert(value.to_owned());
            }
        }
        for pattern in self.patterns {
            for found in pattern.0.find_iter(name) {
                if !found.is_empty() {
                    pieces.insert(found.as_str().to_owned());
                }
            }
        }
    }

    /// Takes what is hidden out of what a damage repeats of its file; the name of that is a name.
    pub(crate) fn clean_damage(&self, damage: &mut Damage) {
        match &mut damage.kind {
            DamageKind::UnreadableValue { what: text } | DamageKind::Unreadable { error: text } => {
                self.clean_text(text);
            }
            DamageKind::Missing
            | DamageKind::Empty
            | DamageKind::Zeros
            | DamageKind::Utf16
            | DamageKind::ConflictMarkers
            | DamageKind::BeginsLate
            | DamageKind::CutRecords { .. }
            | DamageKind::UnreadableLines { .. } => {}
        }
    }

    fn clean_if_any(&self, text: &mut Option<String>) {
        if let Some(text) = text {
            self.clean_text(text);
        }
    }

    /// Changes a text only where something is hidden in it.
    pub(crate) fn clean_text(&self, text: &mut String) {
        if let Cow::Owned(clean) = self.text(text) {
            *text = clean;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn patterns(texts: &[&str]) -> Vec<RedactPattern> {
        texts
            .iter()
            .map(|text| RedactPattern::parse(text).unwrap())
            .collect()
    }

    #[test]
    fn what_patterns_find_is_hidden_and_nothing_else_is() {
        let patterns = patterns(&[r"customer-\d+", r"(?i)iban\s+\w+", r"\bäö\b"]);
        let masked = MaskedValues::default();
        let redaction = Redaction::new(&patterns, &masked);

        for (text, clean) in [
            ("customer-12 and customer-345.", "*** and ***."),
            ("Iban DE02120300000000202051 was refused", "*** was refused"),
            ("äö äöü", "*** äöü"),
            ("nothing of the kind", "nothing of the kind"),
            ("", ""),
        ] {
            assert_eq!(redaction.text(text), clean);
        }
    }

    #[test]
    fn a_pattern_that_fits_between_characters_hides_none() {
        let patterns = patterns(&[r"\b"]);

        let masked = MaskedValues::default();
        let clean = Redaction::new(&patterns, &masked)
            .text("a word")
            .into_owned();

        assert_eq!(clean, "a word");
    }

    #[test]
    fn a_pattern_that_is_none_is_refused_without_being_repeated() {
        for pattern in [
            "hunter2(",
            "(hunter2)*",
            "hunter2|",
            "",
            "(hunter2{1000}){1000}",
        ] {
            let error = RedactPattern::parse(pattern).unwrap_err();

            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
        let shown = format!("{:?}", RedactPattern::parse("hunter2").unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    fn masked(values: &[&str]) -> MaskedValues {
        let mut masked = MaskedValues::default();
        for value in values {
            masked.note(value);
        }
        masked
    }

    #[test]
    fn of_masked_values_the_longest_is_hidden_first_and_short_ones_are_left() {
        let masked = masked(&["hunter", "hunter2", "abc"]);

        let clean = Redaction::new(&[], &masked)
            .text("abc: hunter2, hunter")
            .into_owned();

        assert_eq!(clean, format!("abc: {MASK}, {MASK}"));
    }

    proptest! {
        #[test]
        fn nothing_that_is_hidden_is_left_in_a_text(
            before in "\\PC{0,20}",
            value in "[a-z0-9]{4,12}",
            number in "[0-9]{1,9}",
            after in "\\PC{0,20}",
        ) {
            let patterns = patterns(&[r"id-[0-9]+"]);
            let masked = masked(&[&value]);
            let text = format!("{before}{value}id-{number}{after}id-{number}{value}");

            let clean = Redaction::new(&patterns, &masked).text(&text).into_owned();

            prop_assert!(!clean.contains(&value), "{}", clean);
            prop_assert!(!clean.contains(&format!("id-{number}")), "{}", clean);
        }
    }
}
