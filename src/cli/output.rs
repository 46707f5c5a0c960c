//! What a command writes to. Whoever reads it may be gone: `kado runs | head -1` closes the pipe
//! after a line; what nobody reads is dropped, and the work goes on to its end and exit code. And
//! whoever reads it may sit at a terminal, or be the agent of a pipeline, which no text of others
//! may steer.

use std::io::{ErrorKind, Result, Write};

use crate::foreign::{self, LineSoFar};

/// A writer that drops everything once its reader is gone.
pub(super) struct UntilClosed<W> {
    inner: W,
    is_closed: bool,
}

impl<W: Write> UntilClosed<W> {
    pub(super) fn new(inner: W) -> Self {
        Self {
            inner,
            is_closed: false,
        }
    }

    /// Whether the reader is gone.
    pub(super) const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Does this unless the reader is gone; `nothing` is what a writer without a reader gives.
    fn unless_closed<T>(
        &mut self,
        nothing: T,
        write: impl FnOnce(&mut W) -> Result<T>,
    ) -> Result<T> {
        if self.is_closed {
            return Ok(nothing);
        }

        match write(&mut self.inner) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(nothing)
            }
            written => written,
        }
    }
}

impl<W: Write> Write for UntilClosed<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.unless_closed(bytes.len(), |inner| inner.write(bytes))
    }

    fn flush(&mut self) -> Result<()> {
        self.unless_closed((), Write::flush)
    }
}

/// A writer through which nothing reaches a terminal that would steer it, whoever wrote it.
pub(super) struct Unsteered<W> {
    inner: W,
    /// The beginning of a letter whose end was not written yet.
    begun: Vec<u8>,
    /// The line that was begun.
    line: LineSoFar,
}

impl<W: Write> Unsteered<W> {
    pub(super) fn new(inner: W) -> Self {
        Self {
            inner,
            begun: Vec::new(),
            line: LineSoFar::default(),
        }
    }

    /// What it writes to.
    pub(super) const fn inner(&self) -> &W {
        &self.inner
    }

    /// Where kado's own sequences are written, which are not to be escaped.
    pub(super) const fn beside(&mut self) -> &mut W {
        &mut self.inner
    }
}

impl<W: Write> Write for Unsteered<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.begun.extend_from_slice(bytes);

        // What is no UTF-8 at all is no reason to wait for more.
        let whole = match std::str::from_utf8(&self.begun) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.begun.len(),
        };
        let rest = self.begun.split_off(whole);
        let text = std::mem::replace(&mut self.begun, rest);

        let text = String::from_utf8_lossy(&text);
        let shown = foreign::lines_behind(&text, &mut self.line);
        self.inner.write_all(shown.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        self.inner.flush()
    }
}

/// Writes a line on standard error as it is: a command to the agent of a pipeline, in which every
/// text of others is escaped as the agent wants it.
pub(super) fn command(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_that_is_written_in_two_pieces_is_one() {
        let mut writer = Unsteered::new(Vec::new());

        // U+009B, which begins a control sequence, and an `é`.
        for byte in "\u{9b}2J é\n".as_bytes() {
            writer.write_all(&[*byte]).unwrap();
        }

        assert_eq!(String::from_utf8(writer.inner).unwrap(), "\\u009b2J é\n");
    }

    #[test]
    fn a_command_of_an_agent_that_is_written_in_pieces_is_none() {
        let mut writer = Unsteered::new(Vec::new());

        for piece in ["#", "#vs", "o", "[task.complete]\n", ":", ":error::"] {
            writer.write_all(piece.as_bytes()).unwrap();
        }

        assert_eq!(
            String::from_utf8(writer.inner).unwrap(),
            "##vso\\u005btask.complete]\n:\\u003aerror::"
        );
    }
}
