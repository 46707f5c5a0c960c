//! Where lines break: at blanks, never within back-ticks, because what stands there is a command or
//! a name that people copy. Widths are those of a terminal, on which a Japanese letter takes two
//! columns.

use std::ops::Range;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Columns of a cell below which it is no pleasure to read a sentence or a path.
const COMFORTABLE: usize = 22;

/// Where a text may break.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Breaks {
    /// At blanks outside of back-ticks.
    Words,
    /// At blanks, and behind the slashes of paths; a word that is wider than a line in its middle.
    /// In a cell nothing may be wider than its column.
    Cell,
}

/// The parts of a text that stand on a line each. `first` is the room on the first line, `others`
/// that on each other one.
pub(super) fn lines(text: &str, first: usize, others: usize, breaks: Breaks) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut line = 0..0;
    let mut room = first;

    for word in words(text, breaks) {
        let width = text[line.start..word.end].trim_end().width();
        // A path that finds no room on any line is left to the terminal, which does not tear it.
        let fits_nowhere =
            breaks == Breaks::Words && text[word.clone()].trim_end().width() > others;
        if width <= room || line.is_empty() || fits_nowhere {
            line.end = word.end;
        } else {
            lines.push(without_blanks(text, line));
            line = word;
            room = others;
        }

        // A word alone that is still too wide is cut.
        while breaks == Breaks::Cell && text[line.clone()].trim_end().width() > room {
            let cut = line.start + fitting(&text[line.clone()], room);
            lines.push(line.start..cut);
            line.start = cut;
            room = others;
        }
    }

    lines.push(without_blanks(text, line));
    lines
}

/// The width of the widest part of a text that cannot be broken.
pub(super) fn widest_word(text: &str, breaks: Breaks) -> usize {
    words(text, breaks)
        .into_iter()
        .map(|word| text[word].trim_end().width())
        .max()
        .unwrap_or_default()
}

/// The unbreakable parts of a text, each with the blanks behind it.
fn words(text: &str, breaks: Breaks) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut is_quoted = false;
    // A back-tick without a second one quotes nothing.
    let mut ticks_left = text.matches('`').count();
    let mut letters = text.char_indices().peekable();

    while let Some((at, letter)) = letters.next() {
        let end = at + letter.len_utf8();
        if letter == '`' {
            ticks_left -= 1;
            is_quoted = !is_quoted && ticks_left > 0;
        }

        let next = letters.peek().map(|(_, next)| *next);
        let is_break = match breaks {
            Breaks::Words => letter == ' ' && !is_quoted,
            Breaks::Cell => matches!(letter, ' ' | '/' | '\\'),
        };
        // Several blanks belong to the word before them.
        if is_break && next != Some(' ') {
            words.push(start..end);
            start = end;
        }
    }

    if start < text.len() {
        words.push(start..text.len());
    }
    words
}

/// How many bytes of a text find room; at least one letter, so that there is an end.
fn fitting(text: &str, room: usize) -> usize {
    let mut width = 0;
    for (at, letter) in text.char_indices() {
        width += letter.width().unwrap_or_default();
        if width > room && at > 0 {
            return at;
        }
    }
    text.len()
}

fn without_blanks(text: &str, line: Range<usize>) -> Range<usize> {
    let shown = text[line.clone()].trim_end_matches(' ').len();
    line.start..line.start + shown
}

/// How wide each of several columns is shown, so that they find room together, or `None` for one
/// that is left out.
///
/// Columns are made narrower, the widest first, as long as they can be read well. Where that is not
/// enough the one with the smallest weight is left out, and so on. Only where that does not help do
/// cells break at every word, and words at last.
pub(super) fn widths(columns: &[ColumnNeeds], gap: usize, room: usize) -> Vec<Option<usize>> {
    let mut widths = leave_out(columns, gap, room);

    let limits: [fn(&ColumnNeeds) -> usize; 3] =
        [ColumnNeeds::comfortable, |needs| needs.least, |_| 1];
    for limit in limits {
        while taken(&widths, gap) > room {
            let widest = columns
                .iter()
                .enumerate()
                .filter_map(|(at, needs)| Some((at, widths[at]?, limit(needs))))
                .filter(|(_, width, limit)| width > limit)
                .max_by_key(|(_, width, _)| *width);
            let Some((at, width, _)) = widest else {
                break;
            };
            widths[at] = Some(width - 1);
        }
    }
    widths
}

/// Leaves out columns until the others find room at their comfortable widths; gives what each needs
/// to have nothing broken.
fn leave_out(columns: &[ColumnNeeds], gap: usize, room: usize) -> Vec<Option<usize>> {
    let mut widths: Vec<Option<usize>> = columns.iter().map(|needs| Some(needs.widest)).collect();
    let mut by_weight: Vec<usize> = (0..columns.len())
        .filter(|at| columns[*at].weight.is_some())
        .collect();
    by_weight.sort_by_key(|at| columns[*at].weight);

    let mut left_out = Vec::new();
    for at in by_weight {
        if comfortable(columns, &widths, gap) > room {
            widths[at] = None;
            left_out.push(at);
        }
    }

    // Behind a wide one that had to go there may be room for a narrow one.
    for at in left_out.into_iter().rev() {
        widths[at] = Some(columns[at].widest);
        if comfortable(columns, &widths, gap) > room {
            widths[at] = None;
        }
    }
    widths
}

/// What a column needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct ColumnNeeds {
    /// To have nothing broken.
    pub widest: usize,
    /// To have no word broken.
    pub least: usize,
    /// The lighter it is the sooner it is left out; `None` for one that never is.
    pub weight: Option<u8>,
}

impl ColumnNeeds {
    /// How narrow it may be while lighter columns are still there.
    fn comfortable(&self) -> usize {
        self.least.max(self.widest.min(COMFORTABLE))
    }
}

/// What the columns that are shown take together.
fn taken(widths: &[Option<usize>], gap: usize) -> usize {
    widths.iter().flatten().map(|width| width + gap).sum()
}

/// What they take at their comfortable widths.
fn comfortable(columns: &[ColumnNeeds], widths: &[Option<usize>], gap: usize) -> usize {
    columns
        .iter()
        .zip(widths)
        .filter(|(_, width)| width.is_some())
        .map(|(needs, _)| needs.comfortable() + gap)
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn broken(text: &str, room: usize, breaks: Breaks) -> Vec<&str> {
        lines(text, room, room, breaks)
            .into_iter()
            .map(|line| &text[line])
            .collect()
    }

    #[test]
    fn a_sentence_breaks_at_blanks_and_a_command_in_it_nowhere() {
        let text = "two words, then `kado runs retry 1` and more";

        assert_eq!(
            broken(text, 20, Breaks::Words),
            ["two words, then", "`kado runs retry 1`", "and more"]
        );
        assert_eq!(
            broken(text, 16, Breaks::Words),
            ["two words, then `kado runs retry 1`", "and more"],
            "what finds no room on any line is left to the terminal"
        );
    }

    #[test]
    fn a_back_tick_alone_quotes_nothing() {
        assert_eq!(broken("it`s a b", 4, Breaks::Words), ["it`s", "a b"]);
    }

    #[test]
    fn a_japanese_letter_takes_two_columns() {
        assert_eq!(broken("日本 語", 5, Breaks::Cell), ["日本", "語"]);
        assert_eq!(broken("日本語", 4, Breaks::Cell), ["日本", "語"]);
    }

    #[test]
    fn a_path_breaks_behind_its_slashes() {
        assert_eq!(
            broken("Test Suites/Check out", 12, Breaks::Cell),
            ["Test Suites/", "Check out"]
        );
    }

    fn needs(widest: usize, least: usize, weight: Option<u8>) -> ColumnNeeds {
        ColumnNeeds {
            widest,
            least,
            weight,
        }
    }

    #[test]
    fn columns_become_narrower_before_the_lightest_is_left_out() {
        let columns = [
            needs(4, 4, None),
            needs(40, 10, Some(9)),
            needs(20, 8, Some(1)),
        ];

        assert_eq!(widths(&columns, 2, 70), [Some(4), Some(40), Some(20)]);
        assert_eq!(widths(&columns, 2, 54), [Some(4), Some(24), Some(20)]);
        assert_eq!(widths(&columns, 2, 50), [Some(4), Some(40), None]);
        assert_eq!(widths(&columns, 2, 30), [Some(4), Some(22), None]);
    }

    #[test]
    fn a_narrow_column_takes_the_room_of_a_wide_one_that_had_to_go() {
        let columns = [
            needs(20, 20, None),
            needs(4, 4, Some(1)),
            needs(30, 30, Some(2)),
        ];

        assert_eq!(widths(&columns, 2, 30), [Some(20), Some(4), None]);
    }

    #[test]
    fn words_are_broken_only_when_nothing_may_be_left_out() {
        let columns = [needs(9, 9, None), needs(9, 9, None)];

        assert_eq!(widths(&columns, 2, 14), [Some(5), Some(5)]);
    }

    proptest! {
        #[test]
        fn every_line_of_a_cell_finds_room_and_no_word_is_lost(
            text in "[a-z日é/` ]{0,60}",
            room in 2_usize..20,
        ) {
            let lines = broken(&text, room, Breaks::Cell);

            for line in &lines {
                prop_assert!(line.width() <= room, "{line:?}");
            }
            let without_blanks = |text: &str| text.replace(' ', "");
            prop_assert_eq!(without_blanks(&lines.concat()), without_blanks(&text));
        }
    }
}
