//! A TOML table that is read key by key: wrong values and keys that nobody asked for become
//! problems with a line, and reading goes on.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::value_error::ValueError;
use crate::config::values::{self, Read};
use crate::katalon::text::head;
use crate::plural::counted;

/// Problems of a file that are told one by one.
const MOST: usize = 100;
/// Bytes of an unknown key that are shown; the longest known one has 19.
const LONGEST_KEY: usize = 100;

/// A problem of a configuration file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct ConfigProblem {
    /// Line in the file, from 1; 0 when it is the file as a whole.
    pub line: usize,
    /// What is wrong and what would be right.
    pub text: String,
}

impl fmt::Display for ConfigProblem {
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
    /// Where the lines of the text begin.
    lines: OnceCell<Vec<usize>>,
    /// The first ones by line.
    problems: BTreeSet<ConfigProblem>,
    /// How many there are beside them.
    more: usize,
}

impl<'t> Problems<'t> {
    /// No problems yet, in a file with this text.
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            lines: OnceCell::new(),
            problems: BTreeSet::new(),
            more: 0,
        }
    }

    /// Adds a problem at a byte range of the file.
    pub(super) fn add(&mut self, at: Range<usize>, text: impl Into<String>) {
        self.add_with(at, || text.into());
    }

    /// As [`Problems::add`], with a text that is only made where it is kept.
    pub(super) fn add_with(&mut self, at: Range<usize>, text: impl FnOnce() -> String) {
        let line = self.line_of(at.start);
        let is_behind = self.problems.last().is_some_and(|last| last.line < line);
        if self.problems.len() == MOST && is_behind {
            self.more += 1;
            return;
        }
        let problem = ConfigProblem { line, text: text() };

        // Found in the order in which keys are asked for; people go through the file from its top.
        let is_new = self.problems.insert(problem);
        if is_new && self.problems.len() > MOST {
            self.problems.pop_last();
            self.more += 1;
        }
    }

    /// The line in which a byte stands, from 1.
    fn line_of(&self, at: usize) -> usize {
        let lines = self.lines.get_or_init(|| {
            let ends = self.text.match_indices('\n');
            ends.map(|(end, _)| end + 1).collect()
        });
        lines.partition_point(|start| *start <= at) + 1
    }

    /// The problems, by line; of very many the first ones, and how many more there are.
    pub(super) fn into_sorted(self) -> Vec<ConfigProblem> {
        let mut problems: Vec<ConfigProblem> = self.problems.into_iter().collect();
        if self.more > 0 {
            problems.push(ConfigProblem {
                line: 0,
                text: format!("… and {}", counted(self.more, "more problem")),
            });
        }
        problems
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
    /// The table that this one lies in, and the keys that were asked for there by then.
    around: Option<(String, BTreeSet<&'static str>)>,
}

impl<'a, 'i> Section<'a, 'i> {
    /// Starts to read a table; `path` is empty for the whole file, else the table's name.
    pub(super) fn new(path: &str, table: &'a DeTable<'i>) -> Self {
        Self {
            path: path.to_owned(),
            table,
            asked: BTreeSet::new(),
            around: None,
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
                wrong => ValueError::Wrong {
                    shown: values::shown(wrong),
                    expected: Box::new(expected),
                },
            })
        })
    }

    /// As [`Section::read`], for a value that may be or hold a secret, such as a URL with a
    /// password or a path in whose place somebody put a token: a wrong one is not shown.
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
            DeValue::Table(table) => Some(Section {
                around: Some((self.path.clone(), self.asked.clone())),
                ..Section::new(&self.name(key), table)
            }),
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

    /// Keys that were not asked for, as they stand in the file.
    pub(super) fn rest(&self) -> Vec<UnknownKey> {
        let mut rest = Vec::new();
        for key in self.table.keys() {
            if !self.asked.contains(key.get_ref().as_ref()) {
                rest.push(UnknownKey {
                    key: head(key.get_ref(), LONGEST_KEY).to_owned(),
                    at: key.span(),
                });
            }
        }
        rest.sort_by_key(|unknown| unknown.at.start);
        rest
    }

    /// What a person may have meant by a key that was not asked for, in words: the nearest that
    /// was, the same in the table around, or all of them.
    pub(super) fn meant(&self, key: &str) -> String {
        if let Some((around, asked)) = &self.around
            && asked.contains(key)
        {
            return match around.as_str() {
                "" => format!("`{key}` stands above the first table"),
                around => format!("`{key}` belongs to `[{around}]`"),
            };
        }
        match nearest(key, self.asked.iter().copied()) {
            Some(near) => format!("did you mean `{}`?", self.name(near)),
            None => format!("known here: {}", self.asked().join(", ")),
        }
    }

    /// Reports every key that was not asked for.
    pub(super) fn finish(self, problems: &mut Problems<'_>) {
        for unknown in self.rest() {
            problems.add_with(unknown.at, || {
                let meant = self.meant(&unknown.key);
                let name = self.name(&unknown.key);
                format!("unknown key `{name}`; {meant}")
            });
        }
    }
}

/// The word that a mistyped one is nearest to, if it is near enough.
pub(crate) fn nearest<'k>(
    mistyped: &str,
    words: impl IntoIterator<Item = &'k str>,
) -> Option<&'k str> {
    // As other programs write such names: `token-file`, `tokenFile`.
    let plain = |key: &str| key.replace(['-', '_'], "").to_lowercase();
    let mistyped = plain(mistyped);

    let mut best = None;
    for key in words {
        let distance = strsim::damerau_levenshtein(&mistyped, &plain(key));
        let longest = mistyped.chars().count().max(key.len());
        // A third of the letters: what is further away is another word.
        let is_near = distance <= longest.div_ceil(3);
        if is_near && best.is_none_or(|(_, least)| distance < least) {
            best = Some((key, distance));
        }
    }
    best.map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_key_is_near_to_the_one_that_was_meant() {
        let keys = [
            "abort_after",
            "history",
            "late",
            "project",
            "submit",
            "token_file",
            "watch",
        ];

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
            assert_eq!(nearest(mistyped, keys), meant, "{mistyped}");
        }
    }
}
