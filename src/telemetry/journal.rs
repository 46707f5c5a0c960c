//! Real priorities in the journal: systemd reads `<3>` at the head of a line on standard error as
//! "an error" (sd-daemon, `SyslogLevelPrefix=`), so `journalctl -p warning -u kado` shows what an
//! operator has to do.
//!
//! The lines themselves are those of a terminal, fields included, but for the time, which the
//! journal has.

#[cfg(unix)]
#[path = "journal/unix.rs"]
mod stream;
#[cfg(windows)]
#[path = "journal/windows.rs"]
mod stream;

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, format};
use tracing_subscriber::registry::LookupSpan;

use crate::foreign;

pub(super) use stream::is_journal;

/// The priority of an error in the journal.
const ERROR: u8 = 3;

/// Formats an event for the journal.
pub(super) struct Prioritised;

impl<S, N> FormatEvent<S, N> for Prioritised
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        // Made whole first: a field may hold line breaks, each of which would begin an entry.
        let mut text = String::new();
        let plain = format()
            .without_time()
            .with_target(false)
            .with_level(false)
            .with_ansi(false);
        plain.format_event(context, Writer::new(&mut text), event)?;
        let line = foreign::one_line(text.trim_end());
        writer.write_str(&with_priority(priority(*event.metadata().level()), &line))
    }
}

/// An error text as the journal takes it.
pub(super) fn error(text: &str) -> String {
    with_priority(ERROR, text)
}

/// Each line is an entry of its own, so each has the priority at its head.
fn with_priority(priority: u8, text: &str) -> String {
    text.trim_end()
        .lines()
        .map(|line| format!("<{priority}>{line}\n"))
        .collect()
}

const fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => ERROR,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_an_error_is_an_error() {
        assert_eq!(
            error("error: two problems:\n  line 1"),
            "<3>error: two problems:\n<3>  line 1\n"
        );
    }
}
