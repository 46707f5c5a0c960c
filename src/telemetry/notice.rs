//! What people are to be told, as an entry of the system's own log: of the journal, or of the Event
//! Log. An entry has a number for its subject that never changes its meaning, so that a rule of the
//! system finds it whatever its words are.
//!
//! Where the system has no such log, or kado writes to a terminal, it is a line like any other.

#[cfg(unix)]
#[path = "notice/unix.rs"]
mod system;
#[cfg(windows)]
#[path = "notice/windows.rs"]
mod system;

use std::io;

use crate::config::notify::NotificationKind;

/// What an entry is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoticeSubject {
    /// A notification of this kind.
    Of(NotificationKind),
    /// A test.
    Test,
}

/// How much an entry is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoticeWeight {
    /// Somebody is needed.
    Warning,
    /// It is good to know.
    Information,
}

/// An entry.
#[derive(Clone, Debug)]
pub(crate) struct NoticeEntry<'a> {
    pub subject: NoticeSubject,
    pub weight: NoticeWeight,
    /// The message that it is part of.
    pub message: &'a str,
    /// What it says; may have several lines.
    pub text: &'a str,
}

/// Where an entry went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SystemLog {
    #[cfg_attr(windows, expect(dead_code, reason = "other systems have it"))]
    Journal,
    #[cfg_attr(not(windows), expect(dead_code, reason = "Windows has it"))]
    EventLog,
}

impl SystemLog {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::EventLog => "Event Log",
        }
    }
}

impl NoticeSubject {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Of(kind) => kind.word(),
            Self::Test => "test",
        }
    }
}

/// Writes an entry for whoever reads the log of this service.
///
/// # Errors
/// When the system's log is there and does not take it.
pub(crate) fn tell(entry: &NoticeEntry<'_>) -> io::Result<()> {
    if system::is_log_of_service() {
        return system::write(entry);
    }

    let kind = entry.subject.word();
    let id = entry.message;
    let text = entry.text;
    match entry.weight {
        NoticeWeight::Warning => tracing::warn!(kind, id, text, "notification"),
        NoticeWeight::Information => tracing::info!(kind, id, text, "notification: over"),
    }
    Ok(())
}

/// Writes an entry into the system's log, whoever reads what this process says; `None` where there
/// is none.
///
/// # Errors
/// When it is there and does not take it.
pub(crate) fn tell_system(entry: &NoticeEntry<'_>) -> Option<io::Result<SystemLog>> {
    let log = system::log()?;
    Some(system::write(entry).map(|()| log))
}
