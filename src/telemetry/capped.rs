//! A limit on what is written to the log files in a day.
//!
//! The appender rotates by time only; a program that fails in a loop could fill the disk before
//! midnight.

use std::io::{self, Write};

use crate::clock;

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1000;
/// The last line of a day that has more to say.
const FULL: &str = "the limit of today's log file is reached; what follows goes to standard error \
                    only\n";

/// Passes on what is written until a day's limit is reached; the rest of that day is dropped behind
/// a last line that says so. A new day is told before its first line is passed on.
pub(super) struct Capped<W> {
    begin_day: Box<dyn FnMut() + Send>,
    inner: W,
    limit: u64,
    written: u64,
    day: i64,
}

impl<W: Write> Capped<W> {
    /// Limits what is written to `inner` to `limit` bytes a day, of which `written` are there
    /// already today.
    pub(super) fn new(
        inner: W,
        limit: u64,
        written: u64,
        begin_day: Box<dyn FnMut() + Send>,
    ) -> Self {
        Self {
            begin_day,
            inner,
            limit,
            written,
            day: today(),
        }
    }
}

impl<W: Write> Write for Capped<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let day = today();
        if day != self.day {
            self.day = day;
            self.written = 0;
            (self.begin_day)();
        }

        let was_full = self.written > self.limit;
        // Counted also when it is dropped, so that the last line is written once.
        self.written = self.written.saturating_add(line.len() as u64);
        if self.written <= self.limit {
            self.inner.write_all(line)?;
        } else if !was_full {
            self.inner.write_all(FULL.as_bytes())?;
        }
        // A smaller number would make the caller try the rest again.
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The day by which the appender names its files, which is that of UTC.
fn today() -> i64 {
    clock::now().millis().div_euclid(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_days_log_ends_with_a_line_that_says_why() {
        let mut log = Capped::new(Vec::new(), 10, 0, Box::new(|| {}));
        for _ in 0..5 {
            log.write_all(b"12345\n").unwrap();
        }
        let text = String::from_utf8(log.inner).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(text.starts_with("12345\nthe limit of today's log file"));
    }

    #[test]
    fn what_was_written_before_a_restart_counts() {
        let mut log = Capped::new(Vec::new(), 10, 6, Box::new(|| {}));
        log.write_all(b"12345\n").unwrap();
        assert!(log.inner.starts_with(b"the limit of today's log file"));
    }
}
