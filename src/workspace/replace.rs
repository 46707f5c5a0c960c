//! The one place that writes into a Katalon project, for the commands that say so (`kado map` and
//! `kado setup PROJECT`; invariant I9): one file at a time is replaced as a whole by what it is to
//! hold, or made where it is not there yet.
//!
//! Whoever replaces a file has read it here before, and it is replaced only while it is still what
//! was read, by the digest of its bytes; one that was not there is made only while it is not. No
//! link is followed, neither to the file nor on the way to it: it is read through [`crate::door`],
//! and on Unix each folder is opened inside the one before, and everything happens in the open
//! folder. The new bytes are written to a file beside it that nobody had before, brought to the
//! disk, and renamed: whoever looks sees the old file or the new one, and after a power cut one of
//! them is there. Mode and owner stay; a new file, and the folders that it needs, belong to whom
//! the folder above belongs. A file that is read-only is refused with the command that makes it
//! writable: with some version control systems that is how a file is checked out.
//!
//! It fails before it changes anything; the file beside is removed again.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::door::{Folder, patiently};

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

/// Names that are tried for the file beside; each that is taken was left by a kado that was killed.
const MOST_NAMES: u32 = 100;

/// A file as it was read, which may be replaced as long as it is that.
pub(crate) struct Original {
    root: PathBuf,
    below: PathBuf,
    /// Of its bytes: many files may wait for their change at once. `None` for one that is not
    /// there.
    digest: Option<blake3::Hash>,
}

/// Why a file was not replaced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplaceError {
    /// It does not hold any more what was read.
    #[error("`{}` changed since it was read, so it is left as it is; run the command again", file.display())]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// Nobody may write to it.
    #[error("`{}` is read-only; {remedy}", file.display())]
    ReadOnly {
        /// The file.
        file: PathBuf,
        /// What makes it writable.
        remedy: Remedy,
    },
    /// Somebody else owns it, and the new file could not be theirs.
    #[error("`{}` belongs to another account, which would lose it; run kado as its owner", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// The system refused.
    #[error("`{}` cannot be {action}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What was tried, as in "cannot be read".
        action: &'static str,
        /// What it said.
        #[source]
        source: io::Error,
    },
}

/// A command for a person, with the path that it is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Remedy {
    command: &'static str,
    file: PathBuf,
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, file } = self;
        write!(
            f,
            "`{command} {}` makes it writable, unless version control keeps it so",
            system::quoted(file.display())
        )
    }
}

impl Original {
    /// Reads a file of a project that may be replaced, and gives its bytes as well; `below` is its
    /// path in the project.
    ///
    /// # Errors
    /// When it cannot be read, or when it could not be replaced as things stand: it is read-only,
    /// of another account, or in a folder in which nothing may be made.
    pub(crate) fn read(root: &Path, below: &Path) -> Result<(Self, Vec<u8>), ReplaceError> {
        let file = root.join(below);
        let bytes = read(root, below).map_err(|source| ReplaceError::Io {
            file: file.clone(),
            action: "read",
            source,
        })?;

        match system::obstacle(root, below) {
            Ok(None) => {
                let original = Self {
                    root: root.to_owned(),
                    below: below.to_owned(),
                    digest: Some(blake3::hash(&bytes)),
                };
                Ok((original, bytes))
            }
            Ok(Some(obstacle)) => Err(obstacle.in_words(file)),
            Err(source) => Err(ReplaceError::Io {
                file,
                action: "written",
                source,
            }),
        }
    }

    /// As [`Original::read`], of a file that may be missing: it has no bytes then, and is made with
    /// the folders on the way to it when it is replaced.
    ///
    /// # Errors
    /// As [`Original::read`].
    pub(crate) fn read_or_new(root: &Path, below: &Path) -> Result<(Self, Vec<u8>), ReplaceError> {
        let file = root.join(below);
        let read = Folder::at(root).and_then(|folder| folder.whole_if_any(below));
        match read {
            Ok(Some(_)) => return Self::read(root, below),
            Ok(None) => {}
            Err(source) => {
                return Err(ReplaceError::Io {
                    file,
                    action: "read",
                    source,
                });
            }
        }

        system::check_can_make(root, below).map_err(|source| ReplaceError::Io {
            file,
            action: "made",
            source,
        })?;
        let original = Self {
            root: root.to_owned(),
            below: below.to_owned(),
            digest: None,
        };
        Ok((original, Vec::new()))
    }

    /// Reads the file again.
    ///
    /// # Errors
    /// When it cannot be read, or is not any more what was read.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, ReplaceError> {
        let file = self.root.join(&self.below);
        match read(&self.root, &self.below) {
            Ok(bytes) if Some(blake3::hash(&bytes)) == self.digest => Ok(bytes),
            Ok(_) => Err(ReplaceError::Changed { file }),
            Err(source) => Err(ReplaceError::Io {
                file,
                action: "read",
                source,
            }),
        }
    }

    /// Replaces the file by these bytes.
    ///
    /// # Errors
    /// When it is not any more what was read, or when the system refuses; the file is then what it
    /// was.
    pub(crate) fn replace(&self, bytes: &[u8]) -> Result<(), ReplaceError> {
        let file = self.root.join(&self.below);
        let replaced = patiently(|| match self.digest {
            Some(digest) => system::replace(&self.root, &self.below, digest, bytes),
            None => system::make(&self.root, &self.below, bytes),
        });

        match replaced {
            Ok(None) => Ok(()),
            Ok(Some(obstacle)) => Err(obstacle.in_words(file)),
            Err(source) => Err(ReplaceError::Io {
                file,
                action: "written",
                source,
            }),
        }
    }
}

/// What keeps a file from being replaced that could be opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum NotReplaced {
    Changed,
    ReadOnly,
    #[cfg_attr(
        windows,
        expect(
            dead_code,
            reason = "a file that is replaced keeps its owner on Windows, whoever that is"
        )
    )]
    Foreign,
}

impl NotReplaced {
    fn in_words(self, file: PathBuf) -> ReplaceError {
        match self {
            Self::Changed => ReplaceError::Changed { file },
            Self::ReadOnly => ReplaceError::ReadOnly {
                remedy: Remedy {
                    command: system::MAKE_WRITABLE,
                    file: file.clone(),
                },
                file,
            },
            Self::Foreign => ReplaceError::Foreign { file },
        }
    }
}

/// The name of the file beside; it begins with a point and has an ending that Katalon does not
/// know.
fn name_beside(number: u32) -> String {
    format!(".kado-{}-{number}.tmp", std::process::id())
}

/// Reads a whole regular file, through no link.
fn read(root: &Path, below: &Path) -> io::Result<Vec<u8>> {
    Folder::at(root)?.whole(below)
}

#[cfg(test)]
mod tests;
