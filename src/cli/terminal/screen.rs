//! What a command writes its results to: the standard output, with what is known of the terminal.
//!
//! Everything that is written here as bytes passes through [`Unsteered`], whoever wrote it. Only
//! pieces and tables, which take sequences out of foreign texts by themselves, go around it.

use std::io::{self, Write};
use std::iter;

use unicode_width::UnicodeWidthStr as _;

use super::layout::{self, Breaks};
use super::{Piece, Table, Terminal};
use crate::cli::output::{Unsteered, UntilClosed};
use crate::foreign::no_agent_command;

/// Fewest columns beside an indentation in which a sentence is broken by kado.
const LEAST_ROOM: usize = 24;

/// An output, with what can be shown there.
pub(in crate::cli) struct Screen<'a> {
    out: Unsteered<UntilClosed<Box<dyn Write + 'a>>>,
    terminal: Terminal,
}

impl<'a> Screen<'a> {
    pub(in crate::cli) fn new(out: impl Write + 'a, terminal: Terminal) -> Self {
        Self {
            out: Unsteered::new(UntilClosed::new(Box::new(out))),
            terminal,
        }
    }

    /// What can be shown there.
    pub(in crate::cli) const fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    /// Writes a line of pieces. Where a person looks it breaks at words, and what does not fit goes
    /// on below, `indent` columns from the left.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(in crate::cli) fn line(&mut self, indent: usize, pieces: &[Piece]) -> io::Result<()> {
        let broken = self.broken(indent, pieces);
        writeln!(self.out.beside(), "{}", no_agent_command(&broken))
    }

    /// Writes a sentence of kado's own as a line: with the signs of the terminal, and the times of
    /// the person.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(in crate::cli) fn sentence(&mut self, indent: usize, text: &str) -> io::Result<()> {
        let told = self.terminal.times().told_in(text);
        self.line(indent, &[Piece::new(self.terminal.spelled(&told))])
    }

    /// Writes a table.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(in crate::cli) fn table(&mut self, table: &Table) -> io::Result<()> {
        let shown = table.shown(&self.terminal);
        writeln!(self.out.beside(), "{}", no_agent_command(&shown))
    }

    /// Whether whoever read along is gone.
    pub(in crate::cli) const fn is_closed(&self) -> bool {
        self.out.inner().is_closed()
    }

    /// Begins something that takes the place of what was written before, if anything was: at the
    /// top of an empty screen, or, where nobody looks, behind an empty line.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(in crate::cli) fn begin_anew(&mut self, has_begun: bool) -> io::Result<()> {
        if self.terminal.is_capable() {
            // Home, and everything behind it cleared; what has scrolled away stays.
            write!(self.out.beside(), "\u{1b}[H\u{1b}[2J")
        } else if has_begun {
            writeln!(self.out.beside())
        } else {
            Ok(())
        }
    }

    /// The pieces one behind the other, with line breaks where the terminal wants them.
    fn broken(&self, indent: usize, pieces: &[Piece]) -> String {
        let text: String = pieces.iter().map(Piece::text).collect();
        let room = self.terminal.width().unwrap_or(usize::MAX);
        let others = room.saturating_sub(indent);
        let is_whole = text.width() <= room || others < LEAST_ROOM;
        let lines = if is_whole {
            iter::once(0..text.len()).collect()
        } else {
            layout::lines(&text, room, others, Breaks::Words)
        };

        let mut broken = String::new();
        for (number, line) in lines.into_iter().enumerate() {
            if number > 0 {
                broken.push('\n');
                broken.push_str(&" ".repeat(indent));
            }

            // The part of each piece that stands on this line.
            let mut start = 0;
            for piece in pieces {
                let end = start + piece.text().len();
                let from = line.start.clamp(start, end);
                let to = line.end.clamp(start, end);
                broken.push_str(&piece.shown(&text[from..to], &self.terminal));
                start = end;
            }
        }
        broken
    }
}

impl Write for Screen<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
