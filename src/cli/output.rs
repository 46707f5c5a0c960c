//! What a command writes to, when whoever reads it may be gone: `kado runs | head -1` closes the pipe
//! after a line. What nobody reads is dropped, and the work goes on to its end and exit code.

use std::io::{ErrorKind, Result, Write};

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

/// Says something on standard error, as a line. Where that cannot be written there is nobody to
/// tell, and `eprintln!` would end the program.
pub(super) fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
