//! Entries of the journal in its own protocol: a datagram of fields, of which one with line breaks
//! has its length before it (systemd, `JOURNAL_NATIVE_PROTOCOL`). A line on standard error could
//! not have a `MESSAGE_ID`.

#![expect(
    clippy::disallowed_methods,
    reason = "whether this system has a journal is seen by its socket"
)]

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use crate::SERVICE_NAME;
use crate::config::notify::NotificationKind;
use crate::telemetry::journal;
use crate::telemetry::notice::{NoticeEntry, NoticeSubject, NoticeWeight, SystemLog};

/// Where the journal listens.
const SOCKET: &str = "/run/systemd/journal/socket";

/// The number of a subject for `journalctl MESSAGE_ID=…`; it never changes its meaning.
/// `docs/notifications.md` lists them.
const fn message_id(subject: NoticeSubject) -> &'static str {
    match subject {
        NoticeSubject::Of(NotificationKind::Parked) => "6f3c9d1a5b7e4e0c8a42d1f07b9e3c51",
        NoticeSubject::Of(NotificationKind::Credentials) => "b81e47c2f0934d6f9d5a60c3e8127a94",
        NoticeSubject::Of(NotificationKind::Waiting) => "2d94a7e6310c4b58b7f3c95e1d86042f",
        NoticeSubject::Of(NotificationKind::Silence) => "e05b2c8f7a164397a9d84f6b30c1e72d",
        NoticeSubject::Of(NotificationKind::Folder) => "94c7f1b0d82e4a63855b0e9f2a7d31c6",
        NoticeSubject::Test => "3ab5d08c964f4712be20f7c1695ed843",
    }
}

/// Whether the log of this service is the journal.
pub(super) fn is_log_of_service() -> bool {
    journal::is_journal() && log().is_some()
}

/// The log that this system has.
pub(super) fn log() -> Option<SystemLog> {
    Path::new(SOCKET).exists().then_some(SystemLog::Journal)
}

/// Writes an entry.
pub(super) fn write(entry: &NoticeEntry<'_>) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    // A journal that hangs must not hold up a thread for ever.
    socket.set_nonblocking(true)?;
    let sent = socket.send_to(&datagram(entry), SOCKET)?;
    debug_assert!(sent > 0, "a datagram is sent as a whole");
    Ok(())
}

fn datagram(entry: &NoticeEntry<'_>) -> Vec<u8> {
    let priority = match entry.weight {
        NoticeWeight::Warning => "4",
        NoticeWeight::Information => "6",
    };

    let mut datagram = Vec::new();
    for (name, value) in [
        ("MESSAGE", entry.text),
        ("MESSAGE_ID", message_id(entry.subject)),
        ("PRIORITY", priority),
        ("SYSLOG_IDENTIFIER", SERVICE_NAME),
        ("KADO_KIND", entry.subject.word()),
        ("KADO_MESSAGE", entry.message),
    ] {
        let length = u64::try_from(value.len()).expect("a text is shorter than any file");
        datagram.extend_from_slice(name.as_bytes());
        datagram.push(b'\n');
        datagram.extend_from_slice(&length.to_le_bytes());
        datagram.extend_from_slice(value.as_bytes());
        datagram.push(b'\n');
    }
    datagram
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_text_of_several_lines_is_one_field() {
        let entry = NoticeEntry {
            subject: NoticeSubject::Test,
            weight: NoticeWeight::Warning,
            message: "5eed",
            text: "a\nMESSAGE_ID=forged",
        };

        let datagram = datagram(&entry);

        let head = b"MESSAGE\n\x13\0\0\0\0\0\0\0a\nMESSAGE_ID=forged\nMESSAGE_ID\n";
        assert!(datagram.starts_with(head), "{datagram:?}");
    }

    #[test]
    fn every_subject_has_a_number_of_its_own() {
        let mut ids = BTreeSet::from([message_id(NoticeSubject::Test)]);
        for kind in NotificationKind::ALL {
            ids.insert(message_id(NoticeSubject::Of(kind)));
        }

        assert_eq!(ids.len(), NotificationKind::ALL.len() + 1);
        for id in ids {
            assert_eq!(id.len(), 32, "{id}");
            assert!(id.bytes().all(|digit| digit.is_ascii_hexdigit()), "{id}");
        }
    }
}
