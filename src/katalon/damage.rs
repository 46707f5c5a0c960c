//! What could not be read, as data.
//!
//! A reader never decides what a damage means: it says in which file and where, and what it is. Who
//! decides (witness, eligibility, plan, exit code) looks at the kind; who shows it takes its text.
//! Damages are stored with a run, so a kind keeps its word.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plural::{counted, form};

/// Something of a run or project that could not be read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Damage {
    /// Path of the file, relative to the run folder or project, with `/`.
    pub file: String,
    /// Line of the file, counted from 1, where one can be named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What is wrong with it.
    #[serde(flatten)]
    pub kind: DamageKind,
}

/// Kinds of damage.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum DamageKind {
    /// It should be there and is not.
    Missing,
    /// It holds nothing.
    Empty,
    /// It holds bytes of zero, as a file does whose content was lost with the power.
    Zeros,
    /// It is UTF-16, which Katalon never writes.
    Utf16,
    /// It holds the conflict markers of a version control system: two versions are mixed.
    ConflictMarkers,
    /// The oldest part of a log that begins after the suite did.
    BeginsLate,
    /// Records of a log are cut, others stand behind them, and what the cut ones said is lost.
    CutRecords {
        /// How many.
        count: usize,
    },
    /// Some of its lines are not what Katalon writes; the line is that of the first.
    UnreadableLines {
        /// How many.
        count: usize,
    },
    /// A value in it is not what Katalon writes, and others are.
    UnreadableValue {
        /// Which, and what is wrong with it.
        what: String,
    },
    /// It could not be read to its end, or not at all.
    Unreadable {
        /// What the system or the reader said.
        error: String,
    },
}

impl Damage {
    /// A damage of a whole file.
    pub(crate) fn of(file: &str, kind: DamageKind) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            kind,
        }
    }

    /// A damage at a line of a file.
    pub(crate) fn at(file: &str, line: u64, kind: DamageKind) -> Self {
        Self {
            line: Some(line),
            ..Self::of(file, kind)
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.file;
        match &self.kind {
            DamageKind::Missing => write!(f, "`{file}` is missing")?,
            DamageKind::Empty => write!(f, "`{file}` is empty")?,
            DamageKind::Zeros => write!(f, "`{file}` holds zero bytes, as after a power cut")?,
            DamageKind::Utf16 => write!(f, "`{file}` is UTF-16, which Katalon does not write")?,
            DamageKind::ConflictMarkers => {
                write!(f, "`{file}` holds conflict markers of a merge")?;
            }
            DamageKind::BeginsLate => {
                write!(
                    f,
                    "`{file}` begins after the suite did; what was before is lost"
                )?;
            }

            DamageKind::CutRecords { count } => {
                let records = counted(*count, "record");
                let are = form(*count, "is", "are");
                let they = form(*count, "it", "they");
                write!(
                    f,
                    "`{file}` holds {records} that {are} cut; what {they} said is lost"
                )?;
            }

            DamageKind::UnreadableLines { count } => {
                let lines = counted(*count, "line");
                write!(f, "`{file}` holds {lines} that cannot be read")?;
            }
            DamageKind::UnreadableValue { what } => {
                write!(f, "`{file}` can be read only in part: {what}")?;
            }
            DamageKind::Unreadable { error } => write!(f, "`{file}` cannot be read: {error}")?,
        }

        match (self.line, &self.kind) {
            (Some(line), DamageKind::UnreadableLines { count }) if *count > 1 => {
                write!(f, " (the first is line {line})")
            }
            (Some(line), _) => write!(f, " (line {line})"),
            (None, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damage_names_file_place_and_kind() {
        let damage = Damage::at("execution0.log", 5, DamageKind::ConflictMarkers);

        assert_eq!(
            damage.to_string(),
            "`execution0.log` holds conflict markers of a merge (line 5)"
        );
    }

    #[test]
    fn cut_records_are_counted() {
        let kind = DamageKind::CutRecords { count: 1 };
        let damage = Damage::of("execution0.log", kind);

        assert_eq!(
            damage.to_string(),
            "`execution0.log` holds 1 record that is cut; what it said is lost"
        );
    }

    #[test]
    fn of_lines_that_cannot_be_read_the_first_is_named() {
        let of = |count| {
            let kind = DamageKind::UnreadableLines { count };
            Damage::at("testCaseBinding", 2, kind).to_string()
        };

        assert_eq!(
            of(1),
            "`testCaseBinding` holds 1 line that cannot be read (line 2)"
        );
        assert_eq!(
            of(3),
            "`testCaseBinding` holds 3 lines that cannot be read (the first is line 2)"
        );
    }

    #[test]
    fn a_damage_is_stored_with_its_word() {
        let damage = Damage::of(
            "execution1.log",
            DamageKind::Unreadable {
                error: "permission denied".to_owned(),
            },
        );

        let stored = serde_json::to_string(&damage).unwrap();

        assert_eq!(
            stored,
            r#"{"file":"execution1.log","kind":"unreadable","error":"permission denied"}"#
        );
        assert_eq!(serde_json::from_str::<Damage>(&stored).unwrap(), damage);
    }
}
