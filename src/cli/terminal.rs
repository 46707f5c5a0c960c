//! What the terminal before a person can show: how wide it is, whether it knows colours, links and
//! letters beyond ASCII, and which time of day the person has.
//!
//! It is found out once for each of the two outputs and handed to whoever prints as a value, so
//! that tests can say what a terminal is. Into a pipe or a file goes nothing of it: no line is
//! wrapped, nothing is coloured, and UTF-8 is written whatever the locale says, because scripts
//! take those lines apart. Nothing in here fails: what is not known is not used.

mod layout;
mod piece;
mod screen;
mod surroundings;
mod table;
mod times;

use std::io::{IsTerminal, stderr, stdout};

use surroundings::Surroundings;

pub(super) use piece::{Piece, Tone};
pub(super) use screen::Screen;
pub(super) use table::{Column, Table, always, table, weighing};
pub(super) use times::{Clock, Times};

/// What of an output matters to whoever prints there.
#[derive(Clone, Debug)]
pub(super) struct Terminal {
    /// Columns; `None` where nobody looks, and nothing is wrapped.
    width: Option<usize>,
    /// Whether it does more than show letters: a list can be drawn anew.
    is_capable: bool,
    colours: bool,
    links: bool,
    letters: Letters,
    times: Times,
}

/// Which letters kado's own signs may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Letters {
    /// Arrows, dots and bullets.
    All,
    /// What any terminal has. Foreign names are left as they are: a letter that is replaced would
    /// name something else.
    Ascii,
}

impl Terminal {
    /// The one that standard output is, or is not.
    pub(super) fn of_output(clock: Clock) -> Self {
        Self::of(&stdout(), clock)
    }

    /// The one that standard error is, or is not.
    pub(super) fn of_errors(clock: Clock) -> Self {
        Self::of(&stderr(), clock)
    }

    fn of(output: &(impl IsTerminal + surroundings::Columns), clock: Clock) -> Self {
        let surroundings = Surroundings::of(output);
        Self::in_these(&surroundings, Times::of(clock, surroundings.reader))
    }

    /// What nobody looks at: a pipe or a file.
    pub(super) fn pipe() -> Self {
        Self {
            width: None,
            is_capable: false,
            colours: false,
            links: false,
            letters: Letters::All,
            times: Times::utc(),
        }
    }

    /// What such surroundings allow.
    pub(super) fn in_these(surroundings: &Surroundings, times: Times) -> Self {
        Self {
            width: surroundings.width(),
            is_capable: surroundings.is_capable(),
            colours: surroundings.colours(),
            links: surroundings.links(),
            letters: surroundings.letters(),
            times,
        }
    }

    /// How many columns it has; `None` where nobody looks.
    pub(super) const fn width(&self) -> Option<usize> {
        self.width
    }

    /// The times of day of the person.
    pub(super) const fn times(&self) -> &Times {
        &self.times
    }

    /// Whether it does more than show letters.
    pub(super) const fn is_capable(&self) -> bool {
        self.is_capable
    }

    /// A text of kado's own with the signs that the terminal has.
    pub(super) fn spelled(&self, text: &str) -> String {
        match self.letters {
            Letters::All => text.to_owned(),
            Letters::Ascii => text
                .replace('→', "->")
                .replace('…', "...")
                .replace('•', "*"),
        }
    }
}
