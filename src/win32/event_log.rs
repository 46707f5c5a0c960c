//! Entries in the Event Log `Application`, source `kado`: what an administrator looks for.
//! Everything else is in the log files.
//!
//! The text of an entry is shown by a message file, which maps numbers to texts. Windows brings one
//! that shows the text as it is for any number up to 1000, `EventCreate.exe`, so kado needs none of
//! its own.

use std::io;

use windows_registry::LOCAL_MACHINE;

use super::calls::{self, Gravity};
use crate::SERVICE_NAME;

/// Where the source is registered, below `HKEY_LOCAL_MACHINE`.
pub(crate) const KEY: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application\kado";
/// The message file of Windows that shows a text as it is.
const MESSAGES: &str = r"%SystemRoot%\System32\EventCreate.exe";
/// Information, warning and error.
const TYPES: u32 = 0x1 | 0x2 | 0x4;
/// Longest text of an entry in UTF-16 units, by `ReportEventW`.
const LONGEST: usize = 31_839;

/// What an entry is about; its number is for filters and alerts, and never changes its meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EventKind {
    /// 1: the service is up.
    Started,
    /// 2: the service has ended as it was asked to.
    Stopped,
    /// 3: the service has ended by itself, or could not start; the text says why.
    Failed,
    /// 10: a warning of the log.
    Warning,
    /// 11: an error of the log.
    Error,
    /// What people are to be told, and needs somebody.
    Notice(NoticeNumber),
    /// The same, when it is over.
    NoticeOver(NoticeNumber),
}

/// What people are told, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoticeNumber {
    /// A run is parked.
    Parked = 20,
    /// A token is missing, refused, or ends.
    Credentials = 21,
    /// Nothing could be sent for long.
    Waiting = 22,
    /// No run was seen for long.
    Silence = 23,
    /// A part of the watched folders is not seen.
    Folder = 24,
    /// A test.
    Test = 25,
}

impl EventKind {
    const fn id(self) -> u32 {
        match self {
            Self::Started => 1,
            Self::Stopped => 2,
            Self::Failed => 3,
            Self::Warning => 10,
            Self::Error => 11,
            Self::Notice(number) | Self::NoticeOver(number) => number as u32,
        }
    }

    const fn gravity(self) -> Gravity {
        match self {
            Self::Started | Self::Stopped | Self::NoticeOver(_) => Gravity::Information,
            Self::Warning | Self::Notice(_) => Gravity::Warning,
            Self::Failed | Self::Error => Gravity::Error,
        }
    }
}

/// Writes an entry. A log that is full or closed stops nothing: the same is in the log files.
pub(crate) fn write(entry: EventKind, text: &str) {
    let _ = report(entry, text);
}

/// Writes an entry.
///
/// # Errors
/// When the Event Log cannot be written to.
pub(crate) fn report(entry: EventKind, text: &str) -> io::Result<()> {
    calls::report_event(SERVICE_NAME, entry.gravity(), entry.id(), &fitting(text))
}

/// Whether the Event Viewer finds texts for the source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Registration {
    /// It was registered before.
    Kept,
    /// It has just been registered.
    New,
}

/// Registers the source, so that the Event Viewer shows the texts.
///
/// # Errors
/// When the registry cannot be written.
pub(crate) fn register() -> io::Result<Registration> {
    let registered = LOCAL_MACHINE
        .open(KEY)
        .and_then(|key| key.get_string("EventMessageFile"));

    // Written in any case: an older kado may have registered something else.
    let key = LOCAL_MACHINE.create(KEY)?;
    key.set_expand_string("EventMessageFile", MESSAGES)?;
    key.set_u32("TypesSupported", TYPES)?;

    Ok(match registered {
        Ok(_) => Registration::Kept,
        Err(_) => Registration::New,
    })
}

/// Removes the source; whether it was registered.
pub(crate) fn unregister() -> bool {
    LOCAL_MACHINE.remove_tree(KEY).is_ok()
}

/// A text that the Event Log takes: without the zero that would end it early, and not too long.
fn fitting(text: &str) -> String {
    let mut left = LONGEST;
    let mut fitting = String::new();

    for letter in text.chars() {
        // A letter outside the basic plane takes two units, and must not be cut in the middle.
        let Some(rest) = left.checked_sub(letter.len_utf16()) else {
            break;
        };
        left = rest;
        fitting.push(if letter == '\0' { ' ' } else { letter });
    }
    fitting
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_a_letter() {
        assert_eq!(fitting("a\0b"), "a b");

        let cut = fitting(&"𝄞".repeat(20_000));
        assert_eq!(cut.encode_utf16().count(), LONGEST - 1);
    }

    #[test]
    fn numbers_are_within_those_that_windows_has_a_text_for() {
        for entry in [
            EventKind::Started,
            EventKind::Stopped,
            EventKind::Failed,
            EventKind::Warning,
            EventKind::Error,
            EventKind::Notice(NoticeNumber::Parked),
            EventKind::NoticeOver(NoticeNumber::Test),
        ] {
            assert!((1..=1000).contains(&entry.id()));
        }
    }
}
