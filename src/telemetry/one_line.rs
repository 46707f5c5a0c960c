//! One event, one line: what an event tells of others can neither begin another line nor steer the
//! terminal on which the log is read.

use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

use crate::foreign;

/// Makes writers that write each event as one line.
pub(super) struct OneLine<M>(pub(super) M);

/// Writes what it is given at once as one line.
pub(super) struct LineWriter<W>(W);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for OneLine<M> {
    type Writer = LineWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        LineWriter(self.0.make_writer())
    }
}

impl<W: Write> Write for LineWriter<W> {
    /// Takes a whole event, which is how the formatting layer writes it.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let line = format!("{}\n", foreign::one_line(line));

        self.0.write_all(line.as_bytes())?;
        // A smaller number would make the caller try the rest again.
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_holds_a_line_break_is_one_line() {
        let mut writer = LineWriter(Vec::new());

        writer
            .write_all(b"WARN cannot be read folder=a\n2026 ERROR forged\x1b[2J\n")
            .unwrap();

        assert_eq!(
            String::from_utf8(writer.0).unwrap(),
            "WARN cannot be read folder=a\\n2026 ERROR forged\\u001b[2J\n"
        );
    }
}
