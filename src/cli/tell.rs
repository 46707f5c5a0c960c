//! What is said on standard error beside the results: errors, warnings, and what goes on.

use std::io::stderr;

use crate::cli::terminal::{Clock, Piece, Screen, Terminal};
use crate::foreign;

/// Says something as a line, or as several. Where a person looks, lines break at words. Where it
/// cannot be written there is nobody to tell, and `eprintln!` would end the program.
pub(super) fn tell(text: &str) {
    let mut errors = Screen::new(stderr(), Terminal::of_errors(Clock::Local));
    for line in foreign::lines(text).split('\n') {
        // What goes on below stands a little to the right of what it belongs to.
        let begin = line.len() - line.trim_start().len();
        let spelled = errors.terminal().spelled(line);
        let _ = errors.line(begin + 2, &[Piece::new(spelled)]);
    }
}
