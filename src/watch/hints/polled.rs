//! What cannot be watched and is polled instead, in the words that a person reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

/// What is polled, with the reasons; each of them names the way out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Polled {
    /// There are no file events at all.
    Everything(String),
    /// These folders; at least one.
    Folders(BTreeMap<PathBuf, String>),
}

impl Polled {
    /// The reasons, each once.
    pub(crate) fn reasons(&self) -> BTreeSet<&str> {
        match self {
            Self::Everything(reason) => BTreeSet::from([reason.as_str()]),
            Self::Folders(folders) => folders.values().map(String::as_str).collect(),
        }
    }
}

impl fmt::Display for Polled {
    /// One folder for each reason, and how many others share it: a limit of the system concerns
    /// hundreds at once.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folders = match self {
            Self::Everything(reason) => {
                return write!(out, "file events are not available: {reason}");
            }
            Self::Folders(folders) => folders,
        };

        for (index, reason) in self.reasons().into_iter().enumerate() {
            let concerned: Vec<&PathBuf> = folders
                .iter()
                .filter(|(_, why)| *why == reason)
                .map(|(folder, _)| folder)
                .collect();
            let [first, others @ ..] = concerned.as_slice() else {
                continue;
            };

            let separator = if index == 0 { "" } else { "; " };
            write!(out, "{separator}`{}`", first.display())?;
            if !others.is_empty() {
                write!(out, " and {} more", others.len())?;
            }
            write!(out, " cannot be watched: {reason}")?;
        }
        Ok(())
    }
}
