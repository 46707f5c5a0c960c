//! Tables for people: plain columns that survive a pipe, and texts that cannot steer a terminal.
//!
//! At a terminal a table fits its width: cells wrap at words, and columns that find no room are
//! left out, the lightest first. In a pipe every row is one line with every column, and without
//! borders: columns of blanks are what `cut` and `awk` can take apart.

use super::layout::{self, Breaks, ColumnNeeds};
use super::{Piece, Terminal, Tone};

/// Columns before, between and behind cells.
const EDGE: &str = " ";
const GAP: usize = 2;

/// A table with a line of titles.
#[derive(Debug)]
pub(in crate::cli) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Piece>>,
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Column {
    title: &'static str,
    /// The lighter it is the sooner it is left out; `None` for one that never is.
    weight: Option<u8>,
}

/// A column that is always there.
pub(in crate::cli) const fn always(title: &'static str) -> Column {
    Column {
        title,
        weight: None,
    }
}

/// A column that is left out where there is no room for it, sooner than those that weigh more.
pub(in crate::cli) const fn weighing(weight: u8, title: &'static str) -> Column {
    Column {
        title,
        weight: Some(weight),
    }
}

/// A table without rows.
pub(in crate::cli) fn table<const N: usize>(columns: [Column; N]) -> Table {
    Table {
        columns: columns.to_vec(),
        rows: Vec::new(),
    }
}

impl Table {
    /// Adds a row with a cell for each column.
    pub(in crate::cli) fn add_row<const N: usize>(&mut self, cells: [impl Into<Piece>; N]) {
        debug_assert_eq!(N, self.columns.len(), "a row has a cell for each column");
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// How many rows there are.
    pub(in crate::cli) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// As this terminal shows it, without a line break at its end.
    pub(super) fn shown(&self, terminal: &Terminal) -> String {
        let titles: Vec<Piece> = self
            .columns
            .iter()
            .map(|column| Piece::whole(column.title).with(Tone::Title))
            .collect();
        let rows: Vec<&Vec<Piece>> = [&titles].into_iter().chain(&self.rows).collect();
        let needs: Vec<ColumnNeeds> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| needs(column, rows.iter().map(|row| &row[at])))
            .collect();
        let widths = match terminal.width() {
            // Behind the last column there is no gap, and before the first one there is an edge.
            Some(width) => layout::widths(&needs, GAP, width + GAP - EDGE.len()),
            None => needs.iter().map(|needs| Some(needs.widest)).collect(),
        };

        let mut lines = Vec::new();
        for row in rows {
            lines.extend(row_in_lines(row, &widths, terminal));
        }
        lines.extend(self.left_out(&widths, terminal));
        lines.join("\n")
    }

    /// Names the columns that found no room.
    fn left_out(&self, widths: &[Option<usize>], terminal: &Terminal) -> Vec<String> {
        let mut titles = Vec::new();
        for (column, width) in self.columns.iter().zip(widths) {
            if width.is_none() {
                titles.push(column.title);
            }
        }
        if titles.is_empty() {
            return Vec::new();
        }

        let note = format!("(no room for: {})", titles.join(", "));
        let note = Piece::toned(Tone::Quiet, note);
        let room = terminal.width().unwrap_or(usize::MAX) - EDGE.len();
        let mut shown = Vec::new();
        for line in layout::lines(note.text(), room, room, Breaks::Words) {
            let line = note.shown(&note.text()[line], terminal);
            shown.push(format!("{EDGE}{line}"));
        }
        shown
    }
}

fn needs<'a>(column: &Column, cells: impl Iterator<Item = &'a Piece>) -> ColumnNeeds {
    let mut widest = 0;
    let mut least = 0;
    for cell in cells {
        widest = widest.max(cell.width());
        least = least.max(cell.least_width());
    }

    ColumnNeeds {
        widest,
        least,
        weight: column.weight,
    }
}

/// The lines of a row: as many as its longest cell has.
fn row_in_lines(row: &[Piece], widths: &[Option<usize>], terminal: &Terminal) -> Vec<String> {
    let mut cells = Vec::new();
    for (cell, width) in row.iter().zip(widths) {
        if let Some(width) = *width {
            let lines = layout::lines(cell.text(), width, width, Breaks::Cell);
            cells.push((cell, width, lines));
        }
    }

    let height = cells.iter().map(|(_, _, lines)| lines.len()).max();
    let mut shown = Vec::new();
    for number in 0..height.unwrap_or_default() {
        let mut line = String::new();
        // Blanks behind the last cell of a line are nobody's.
        let mut blanks = EDGE.len();
        for (cell, width, lines) in &cells {
            let part = lines.get(number).cloned().map(|part| &cell.text()[part]);
            let part = Piece::new(part.unwrap_or_default());
            if part.width() > 0 {
                line.push_str(&" ".repeat(blanks));
                line.push_str(&cell.shown(part.text(), terminal));
                blanks = 0;
            }
            blanks += width - part.width() + GAP;
        }
        shown.push(line);
    }
    shown
}
