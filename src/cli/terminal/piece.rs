//! A piece of a line: its text, how it is toned, and the address behind it.
//!
//! Colours and links are sequences that steer a terminal, and only kado may write such. A piece
//! takes them out of every text that it is given, so that its own are the only ones in it.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;
use url::Url;

use super::Terminal;
use super::layout::{self, Breaks};
use crate::cli::plain::plain;

/// What a piece means, which a colour says a second time: the word itself always stands there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::cli) enum Tone {
    /// As it should be.
    Good,
    /// Under way, or to be known.
    Open,
    /// Needs a person.
    Bad,
    /// Of no concern any more.
    Quiet,
    /// The title of something.
    Title,
}

impl Tone {
    const fn style(self) -> Style {
        let style = Style::new();
        match self {
            Self::Good => style.fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green))),
            Self::Open => style.fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow))),
            Self::Bad => style
                .bold()
                .fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red))),
            Self::Quiet => style.dimmed(),
            Self::Title => style.bold(),
        }
    }
}

/// A piece of a line, or the content of a cell.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Piece {
    text: String,
    tone: Option<Tone>,
    address: Option<String>,
    /// Whether a line break in it would make it another thing.
    is_whole: bool,
}

impl Piece {
    /// A text as it is.
    pub(in crate::cli) fn new(text: impl AsRef<str>) -> Self {
        Self {
            text: plain(text.as_ref()),
            tone: None,
            address: None,
            is_whole: false,
        }
    }

    /// A text that is not broken for want of room: a point in time, a title.
    pub(in crate::cli) fn whole(text: impl AsRef<str>) -> Self {
        Self {
            is_whole: true,
            ..Self::new(text)
        }
    }

    /// A text with a meaning.
    pub(in crate::cli) fn toned(tone: Tone, text: impl AsRef<str>) -> Self {
        Self {
            tone: Some(tone),
            ..Self::new(text)
        }
    }

    /// With a meaning.
    pub(super) fn with(self, tone: Tone) -> Self {
        Self {
            tone: Some(tone),
            ..self
        }
    }

    /// With the page that a browser opens for it, where there is one. An address that is none, or
    /// leads elsewhere than to a server, is left out.
    pub(in crate::cli) fn at(mut self, address: Option<&str>) -> Self {
        let page = address.and_then(|address| Url::parse(address).ok());
        self.address = page
            .filter(|page| matches!(page.scheme(), "http" | "https"))
            .map(String::from);
        self
    }

    /// What it says.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Columns that it takes at least.
    pub(super) fn least_width(&self) -> usize {
        if self.is_whole {
            self.width()
        } else {
            layout::widest_word(&self.text, Breaks::Cell)
        }
    }

    /// How many columns it takes.
    pub(in crate::cli) fn width(&self) -> usize {
        self.text.width()
    }

    /// A part of its text as this terminal shows it.
    pub(super) fn shown(&self, part: &str, terminal: &Terminal) -> String {
        let mut shown = String::new();
        if part.is_empty() {
            return shown;
        }

        let address = self.address.as_ref().filter(|_| terminal.links);
        let tone = self.tone.filter(|_| terminal.colours).map(Tone::style);
        // Writing to a text does not fail.
        if let Some(address) = address {
            let _ = write!(shown, "\u{1b}]8;;{address}\u{1b}\\");
        }
        match tone {
            Some(style) => {
                let _ = write!(shown, "{style}{part}{style:#}");
            }
            None => shown.push_str(part),
        }
        if address.is_some() {
            shown.push_str("\u{1b}]8;;\u{1b}\\");
        }
        shown
    }
}

impl From<String> for Piece {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Piece {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}
