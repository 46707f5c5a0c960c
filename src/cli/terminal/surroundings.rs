//! What a process is told of the terminal that it was started at: by the system, and by variables
//! that people and terminals set. Which of them wins is decided here, without looking.

#![expect(
    clippy::disallowed_methods,
    reason = "what a terminal is stands in the environment"
)]

#[cfg_attr(unix, path = "surroundings/unix.rs")]
#[cfg_attr(windows, path = "surroundings/windows.rs")]
mod system;

use std::collections::HashMap;
use std::io::{IsTerminal, Stderr, Stdout};

use super::Letters;

/// Variables that count.
const VARIABLES: [&str; 18] = [
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLORTERM",
    "COLUMNS",
    "DOMTERM",
    "FORCE_HYPERLINK",
    "GHOSTTY_RESOURCES_DIR",
    "KITTY_WINDOW_ID",
    "KONSOLE_VERSION",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "NO_COLOR",
    "TERM",
    "TERM_PROGRAM",
    "VTE_VERSION",
    "WEZTERM_PANE",
    "WT_SESSION",
];

/// Variables that only terminals set which know links (OSC 8).
const OF_TERMINALS_WITH_LINKS: [&str; 6] = [
    "DOMTERM",
    "GHOSTTY_RESOURCES_DIR",
    "KITTY_WINDOW_ID",
    "KONSOLE_VERSION",
    "WEZTERM_PANE",
    "WT_SESSION",
];

/// Values of `TERM_PROGRAM` and `TERM` of terminals that know links.
const TERMINALS_WITH_LINKS: [&str; 11] = [
    "Hyper",
    "WezTerm",
    "alacritty",
    "foot",
    "foot-extra",
    "ghostty",
    "iTerm.app",
    "vscode",
    "xterm-ghostty",
    "xterm-kitty",
    "zed",
];

/// The version of the VTE library (GNOME's and XFCE's terminals) from which on it knows links, as
/// `VTE_VERSION` has it: 0.50.
const VTE_WITH_LINKS: u32 = 5000;

/// Columns of a terminal that does not say how many it has, as terminals have had since 1978.
const USUAL_COLUMNS: usize = 80;

/// Who reads an output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::cli) enum Reader {
    /// A person, at a terminal.
    Person,
    /// Another program, or nobody.
    Program,
}

/// An output that knows how many columns it has.
pub(in crate::cli) trait Columns {
    /// How many; `None` where it is no terminal, or does not say.
    fn columns(&self) -> Option<u16>;
    /// Has it take sequences that colour and link; whether it does.
    fn takes_sequences(&self) -> bool;
}

impl Columns for Stdout {
    fn columns(&self) -> Option<u16> {
        columns(self)
    }

    fn takes_sequences(&self) -> bool {
        system::takes_sequences(self)
    }
}

impl Columns for Stderr {
    fn columns(&self) -> Option<u16> {
        columns(self)
    }

    fn takes_sequences(&self) -> bool {
        system::takes_sequences(self)
    }
}

#[cfg(unix)]
fn columns(output: &impl std::os::fd::AsFd) -> Option<u16> {
    terminal_size::terminal_size_of(output).map(|(width, _)| width.0)
}

#[cfg(windows)]
fn columns(output: &impl std::os::windows::io::AsHandle) -> Option<u16> {
    terminal_size::terminal_size_of(output).map(|(width, _)| width.0)
}

/// What was found.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Surroundings {
    pub reader: Reader,
    /// As the system says.
    pub columns: Option<u16>,
    /// Whether the terminal takes sequences at all.
    pub takes_sequences: bool,
    /// Whether any letter can be shown whatever the locale says.
    pub is_unicode: bool,
    /// Those of [`VARIABLES`] that are set and not empty.
    pub variables: HashMap<&'static str, String>,
}

impl Surroundings {
    /// Those of an output of this process.
    pub(super) fn of(output: &(impl IsTerminal + Columns)) -> Self {
        let is_terminal = output.is_terminal();
        let mut variables = HashMap::new();
        for name in VARIABLES {
            if let Ok(value) = std::env::var(name)
                && !value.is_empty()
            {
                variables.insert(name, value);
            }
        }

        Self {
            reader: if is_terminal {
                Reader::Person
            } else {
                Reader::Program
            },
            columns: output.columns(),
            takes_sequences: is_terminal && output.takes_sequences(),
            is_unicode: system::IS_UNICODE,
            variables,
        }
    }

    /// Columns in which lines have to find room; `None` where nobody looks.
    pub(super) fn width(&self) -> Option<usize> {
        if self.reader == Reader::Program {
            return None;
        }

        let wanted = self.value("COLUMNS").and_then(|text| text.parse().ok());
        let width = match wanted {
            Some(wanted @ 1..) => wanted,
            _ => usize::from(self.columns.unwrap_or_default()),
        };
        // A terminal of a build agent says that it has none.
        Some(if width == 0 { USUAL_COLUMNS } else { width })
    }

    /// Whether colours are shown: <https://no-color.org>, <https://bixense.com/clicolors>.
    pub(super) fn colours(&self) -> bool {
        if self.value("NO_COLOR").is_some() {
            return false;
        }
        if self.is_on("CLICOLOR_FORCE") {
            return true;
        }
        self.is_capable() && self.value("CLICOLOR") != Some("0")
    }

    /// Whether a text can have an address behind it.
    pub(super) fn links(&self) -> bool {
        match self.value("FORCE_HYPERLINK") {
            Some(_) => self.is_on("FORCE_HYPERLINK"),
            None => self.is_capable() && self.is_known_for_links(),
        }
    }

    /// Which letters kado's own signs may be.
    pub(super) fn letters(&self) -> Letters {
        let is_free = self.is_unicode || self.reader == Reader::Program;

        // The first of them that is set counts, as POSIX has it; without any it is `C`.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| self.value(name))
            .unwrap_or_default()
            .to_ascii_lowercase();
        if is_free || locale.contains("utf-8") || locale.contains("utf8") {
            Letters::All
        } else {
            Letters::Ascii
        }
    }

    fn is_known_for_links(&self) -> bool {
        let vte = self.value("VTE_VERSION");
        let is_vte =
            vte.is_some_and(|text| text.parse().is_ok_and(|vte: u32| vte >= VTE_WITH_LINKS));
        let has_name = ["TERM_PROGRAM", "TERM"]
            .into_iter()
            .filter_map(|name| self.value(name))
            .any(|name| TERMINALS_WITH_LINKS.contains(&name));
        let has_variable = OF_TERMINALS_WITH_LINKS
            .into_iter()
            .any(|name| self.value(name).is_some());

        // Within tmux or screen the variables of the terminal around it are still there.
        let is_within_another = self
            .value("TERM")
            .is_some_and(|term| term.starts_with("screen") || term.starts_with("tmux"));
        !is_within_another && (is_vte || has_name || has_variable)
    }

    /// Whether a person's terminal does more than show letters.
    pub(super) fn is_capable(&self) -> bool {
        self.reader == Reader::Person && self.takes_sequences && self.value("TERM") != Some("dumb")
    }

    fn is_on(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value != "0")
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings<const N: usize>(
        reader: Reader,
        variables: [(&'static str, &str); N],
    ) -> Surroundings {
        Surroundings {
            reader,
            columns: Some(100),
            takes_sequences: reader == Reader::Person,
            is_unicode: false,
            variables: variables
                .into_iter()
                .map(|(name, value)| (name, value.to_owned()))
                .collect(),
        }
    }

    fn at_terminal<const N: usize>(variables: [(&'static str, &str); N]) -> Surroundings {
        surroundings(Reader::Person, variables)
    }

    fn in_pipe<const N: usize>(variables: [(&'static str, &str); N]) -> Surroundings {
        surroundings(Reader::Program, variables)
    }

    #[test]
    fn colours_are_for_a_terminal_unless_somebody_wants_it_otherwise() {
        assert!(at_terminal([("TERM", "xterm")]).colours());
        assert!(!at_terminal([("TERM", "dumb")]).colours());
        assert!(!at_terminal([("CLICOLOR", "0")]).colours());
        assert!(!at_terminal([("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]).colours());

        assert!(!in_pipe([("TERM", "xterm")]).colours());
        assert!(in_pipe([("CLICOLOR_FORCE", "1")]).colours());
        assert!(!in_pipe([("CLICOLOR_FORCE", "0")]).colours());
    }

    #[test]
    fn links_are_for_terminals_that_are_known_to_have_them() {
        assert!(at_terminal([("TERM", "xterm-256color"), ("VTE_VERSION", "7600")]).links());
        assert!(at_terminal([("TERM_PROGRAM", "vscode")]).links());
        assert!(!at_terminal([("TERM", "xterm-256color")]).links());
        assert!(!at_terminal([("TERM", "screen-256color"), ("VTE_VERSION", "7600")]).links());
        assert!(!at_terminal([("TERM", "dumb"), ("WT_SESSION", "x")]).links());
        assert!(!in_pipe([("WT_SESSION", "x")]).links());
        assert!(in_pipe([("FORCE_HYPERLINK", "1")]).links());
        assert!(!at_terminal([("WT_SESSION", "x"), ("FORCE_HYPERLINK", "0")]).links());
    }

    #[test]
    fn only_a_terminal_has_a_width_and_its_person_may_say_another() {
        assert_eq!(at_terminal([]).width(), Some(100));
        assert_eq!(at_terminal([("COLUMNS", "60")]).width(), Some(60));
        assert_eq!(at_terminal([("COLUMNS", "wide")]).width(), Some(100));
        assert_eq!(at_terminal([("COLUMNS", "0")]).width(), Some(100));
        assert_eq!(in_pipe([("COLUMNS", "60")]).width(), None);

        let silent = Surroundings {
            columns: Some(0),
            ..at_terminal([])
        };
        assert_eq!(silent.width(), Some(80));
    }

    #[test]
    fn the_first_locale_that_is_set_says_which_letters_there_are() {
        assert_eq!(
            at_terminal([("LANG", "ja_JP.UTF-8")]).letters(),
            Letters::All
        );
        assert_eq!(
            at_terminal([("LANG", "en_GB.utf8")]).letters(),
            Letters::All
        );
        assert_eq!(at_terminal([]).letters(), Letters::Ascii);
        assert_eq!(
            at_terminal([("LC_ALL", "C"), ("LANG", "ja_JP.UTF-8")]).letters(),
            Letters::Ascii
        );
        assert_eq!(in_pipe([("LC_ALL", "C")]).letters(), Letters::All);
    }
}
