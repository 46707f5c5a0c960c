//! Entries of the Event Log, whose numbers say what they are about.

use std::io;

use crate::config::notify::NotificationKind;
use crate::service;
use crate::telemetry::notice::{NoticeEntry, NoticeSubject, NoticeWeight, SystemLog};
use crate::win32::event_log::{self, EventKind, NoticeNumber};

/// Whether the log of this service is the Event Log.
pub(super) fn is_log_of_service() -> bool {
    service::is_dispatched()
}

/// The log that this system has.
pub(super) const fn log() -> Option<SystemLog> {
    Some(SystemLog::EventLog)
}

/// Writes an entry.
pub(super) fn write(entry: &NoticeEntry<'_>) -> io::Result<()> {
    let number = match entry.subject {
        NoticeSubject::Of(NotificationKind::Parked) => NoticeNumber::Parked,
        NoticeSubject::Of(NotificationKind::Credentials) => NoticeNumber::Credentials,
        NoticeSubject::Of(NotificationKind::Waiting) => NoticeNumber::Waiting,
        NoticeSubject::Of(NotificationKind::Silence) => NoticeNumber::Silence,
        NoticeSubject::Of(NotificationKind::Folder) => NoticeNumber::Folder,
        NoticeSubject::Test => NoticeNumber::Test,
    };
    let kind = match entry.weight {
        NoticeWeight::Warning => EventKind::Notice(number),
        NoticeWeight::Information => EventKind::NoticeOver(number),
    };
    event_log::report(kind, &entry.text.replace('\n', "\r\n"))
}
