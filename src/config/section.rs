//! A TOML table that is read key by key: wrong values and keys that nobody asked for become
//! problems with a line, and reading goes on.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

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

    /// Reads a key with `read`, which says what it expected when the value is of another kind.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
        read: impl FnOnce(&DeValue<'i>) -> Result<T, String>,
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
            _ => {
                problems.add(
                    value.span(),
                    format!("`{}` must be a table", self.name(key)),
                );
                None
            }
        }
    }

    /// Keys that were asked for.
    pub(super) fn asked(&self) -> Vec<&'static str> {
        self.asked.iter().copied().collect()
    }

    /// Keys that were not asked for, with where they stand.
    pub(super) fn rest(&self) -> Vec<(String, Range<usize>)> {
        let mut rest = Vec::new();
        for key in self.table.keys() {
            if !self.asked.contains(key.get_ref().as_ref()) {
                rest.push((self.name(key.get_ref()), key.span()));
            }
        }
        rest
    }

    /// Reports every key that was not asked for.
    pub(super) fn finish(self, problems: &mut Problems<'_>) {
        let keys = self.asked().join(", ");
        for (name, at) in self.rest() {
            problems.add(at, format!("unknown key `{name}`; known here: {keys}"));
        }
    }
}
