//! A TOML table that is read key by key: wrong values and keys that nobody asked for become
//! problems with a line, and reading goes on.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::values::{self, Read};

/// A problem of a configuration file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Problem {
    /// Line in the file, from 1; 0 when it is the file as a whole.
    pub line: usize,
    /// What is wrong and what would be right.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.text),
            line => write!(f, "line {line}: {}", self.text),
        }
    }
}

/// Problems of one file.
#[derive(Debug)]
pub(super) struct Problems<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

impl<'t> Problems<'t> {
    /// No problems yet, in a file with this text.
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            problems: Vec::new(),
        }
    }

    /// Adds a problem at a byte range of the file.
    pub(super) fn add(&mut self, at: Range<usize>, text: impl Into<String>) {
        // The reader may point behind the end, where something is missing there.
        let start = at.start.min(self.text.len());
        let lines_before = self.text.as_bytes()[..start]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();

        self.problems.push(Problem {
            line: lines_before + 1,
            text: text.into(),
        });
    }

    /// All problems, by line.
    pub(super) fn into_sorted(mut self) -> Vec<Problem> {
        // Found in the order in which keys are asked for; people go through the file from its top.
        self.problems.sort();
        self.problems
    }
}

/// A value with where it stands, as the readers of single keys get it.
pub(super) type Value<'a, 'i> = &'a Spanned<DeValue<'i>>;

/// A key that nobody asked for.
pub(super) struct UnknownKey {
    /// Its name in its table.
    pub key: String,
    /// Where it stands.
    pub at: Range<usize>,
}

/// A table that is being read.
pub(super) struct Section<'a, 'i> {
    path: String,
    table: &'a DeTable<'i>,
    asked: BTreeSet<&'static str>,
}

impl<'a, 'i> Section<'a, 'i> {
    /// Starts to read a table; `path` is empty for the whole file, else the table's name.
    pub(super) fn new(path: &str, table: &'a DeTable<'i>) -> Self {
        Self {
            path: path.to_owned(),
            table,
            asked: BTreeSet::new(),
        }
    }

    /// The full name of a key of this table.
    pub(super) fn name(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The raw value of a key, with its position.
    pub(super) fn raw(&mut self, key: &'static str) -> Option<Value<'a, 'i>> {
        // Asking makes a key known: a list of the known ones would have to be kept beside it.
        self.asked.insert(key);
        self.table.get(key)
    }

    /// Reads a key with `read`, which says what it expected when the value is of another kind. The
    /// wrong value is shown.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
        read: impl FnOnce(&DeValue<'i>) -> Read<T>,
    ) -> Option<T> {
        self.read_hidden(key, problems, |value| {
            read(value).map_err(|expected| match value {
                // Of a list its reader shows the item that is wrong.
                DeValue::Array(_) => expected,
                wrong => format!("is {}; it {expected}", values::shown(wrong)),
            })
        })
    }

    /// As [`Section::read`], for a value that may be or hold a secret, such as a URL with a password
    /// or a path in whose place somebody put a token: a wrong one is not shown.
    pub(super) fn read_hidden<T>(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
        read: impl FnOnce(&DeValue<'i>) -> Read<T>,
    ) -> Option<T> {
        let value = self.raw(key)?;
        match read(value.get_ref()) {
            Ok(value) => Some(value),
            Err(expected) => {
                problems.add(value.span(), format!("`{}` {expected}", self.name(key)));
                None
            }
        }
    }

    /// A table below this one.
    pub(super) fn table(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<Section<'a, 'i>> {
        let value = self.raw(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Section::new(&self.name(key), table)),
            wrong => {
                let name = self.name(key);
                let found = values::shown(wrong);
                problems.add(
                    value.span(),
                    format!("`{name}` is {found}; it must be a table"),
                );
                None
            }
        }
    }

    /// Keys that were asked for.
    pub(super) fn asked(&self) -> Vec<&'static str> {
        self.asked.iter().copied().collect()
    }

    /// Keys that were not asked for.
    pub(super) fn rest(&self) -> Vec<UnknownKey> {
        let mut rest = Vec::new();
        for key in self.table.keys() {
            if !self.asked.contains(key.get_ref().as_ref()) {
                rest.push(UnknownKey {
                    key: key.get_ref().to_string(),
                    at: key.span(),
                });
            }
        }
        rest
    }

    /// What a person may have meant by a key that was not asked for, in words: the nearest that
    /// was, or all of them.
    pub(super) fn meant(&self, key: &str) -> String {
        match nearest(key, &self.asked) {
            Some(near) => format!("did you mean `{}`?", self.name(near)),
            None => format!("known here: {}", self.asked().join(", ")),
        }
    }

    /// Reports every key that was not asked for.
    pub(super) fn finish(self, problems: &mut Problems<'_>) {
        for unknown in self.rest() {
            let meant = self.meant(&unknown.key);
            let name = self.name(&unknown.key);
            problems.add(unknown.at, format!("unknown key `{name}`; {meant}"));
        }
    }
}

/// The key that a mistyped one is nearest to, if it is near enough.
fn nearest(mistyped: &str, keys: &BTreeSet<&'static str>) -> Option<&'static str> {
    // As other programs write such names: `token-file`, `tokenFile`.
    let plain = |key: &str| key.replace(['-', '_'], "").to_lowercase();
    let mistyped = plain(mistyped);

    let mut best = None;
    for key in keys {
        let distance = strsim::damerau_levenshtein(&mistyped, &plain(key));
        let longest = mistyped.chars().count().max(key.len());
        // A third of the letters: what is further away is another word.
        let is_near = distance <= longest.div_ceil(3);
        if is_near && best.is_none_or(|(_, least)| distance < least) {
            best = Some((*key, distance));
        }
    }
    best.map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_key_is_near_to_the_one_that_was_meant() {
        let keys = BTreeSet::from([
            "abort_after",
            "history",
            "late",
            "project",
            "submit",
            "token_file",
            "watch",
        ]);

        for (mistyped, meant) in [
            ("abort_affter", Some("abort_after")),
            ("abortAfter", Some("abort_after")),
            ("wacht", Some("watch")),
            ("Watch", Some("watch")),
            ("token-file", Some("token_file")),
            ("sumbit", Some("submit")),
            ("projects", Some("project")),
            ("nonsense", None),
            ("url", None),
            ("", None),
        ] {
            assert_eq!(nearest(mistyped, &keys), meant, "{mistyped}");
        }
    }
}
