//! A person at a terminal: the program in a pseudo-terminal, whose screen is read and whose keys
//! are typed.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start programs and look at them"
)]

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::waiting::{PATIENCE, seen_within};

/// Esc.
pub(crate) const ESC: &str = "\u{1b}";
/// Ctrl-C.
pub(crate) const CTRL_C: &str = "\u{3}";
/// Enter.
pub(crate) const ENTER: &str = "\r";
/// The arrow down.
pub(crate) const DOWN: &str = "\u{1b}[B";

/// A program at a terminal.
pub(crate) struct Terminal {
    keys: File,
    child: Child,
    /// Everything that was written to it.
    written: Arc<Mutex<Vec<u8>>>,
    /// Reads it, until nobody holds the other side any more.
    reader: JoinHandle<()>,
    /// How much of the text was met by [`Terminal::meets`].
    met: usize,
}

impl Terminal {
    /// Starts a program at a terminal of its own, which is wide and knows no colours.
    pub(crate) fn start(mut command: Command) -> Self {
        command.env("TERM", "xterm").env("NO_COLOR", "1");
        Self::start_with(command, 200)
    }

    /// Starts a program at a terminal with so many columns; the command's environment says what it
    /// is besides.
    pub(crate) fn start_with(mut command: Command, columns: u16) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        let outer = openpt(flags).expect("there are pseudo-terminals");
        grantpt(&outer).expect("it is ours");
        unlockpt(&outer).expect("it is ours");
        let size = Winsize {
            ws_row: 50,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&outer, size).expect("it has a size");

        let inner: OwnedFd = ioctl_tiocgptpeer(&outer, flags).expect("it has another side");
        let outputs = inner.try_clone().expect("it can be shared");
        let errors = inner.try_clone().expect("it can be shared");
        command
            .stdin(Stdio::from(inner))
            .stdout(Stdio::from(outputs))
            .stderr(Stdio::from(errors));
        let child = command.spawn().expect("kado starts");
        // It holds this side of the terminal too, which would never end.
        drop(command);

        let keys = File::from(outer);
        let (written, reader) = read_all(keys.try_clone().expect("it can be shared"));
        Self {
            keys,
            child,
            written,
            reader,
            met: 0,
        }
    }

    /// Waits until this text is written, behind what was met before.
    pub(crate) fn meets(&mut self, text: &str) {
        let met = self.met;
        let seen = seen_within(PATIENCE, || {
            let all = self.text();
            match all.get(met..).and_then(|rest| rest.find(text)) {
                Some(at) => Ok(met + at + text.len()),
                None => Err(format!(
                    "`{text}` is not in\n{}",
                    all.get(met..).unwrap_or(&all)
                )),
            }
        });
        self.met = seen.unwrap_or_else(|missing| panic!("{missing}"));
    }

    /// Types.
    pub(crate) fn types(&mut self, keys: &str) {
        self.keys
            .write_all(keys.as_bytes())
            .expect("the program reads keys");
    }

    /// Has it end, as Ctrl-C does where the terminal makes it a signal.
    pub(crate) fn interrupts(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("it runs");
    }

    /// Waits for a question, and answers it.
    pub(crate) fn answers(&mut self, question: &str, keys: &str) {
        self.meets(question);
        self.types(keys);
    }

    /// Waits for the end of the program: its exit code, and everything that was written.
    pub(crate) fn ends(self) -> (i32, String) {
        let (code, written) = self.ends_as_written();
        (code, plain(&written))
    }

    /// The same with everything that steers the terminal.
    pub(crate) fn ends_as_written(mut self) -> (i32, String) {
        let child = &mut self.child;
        let status = seen_within(PATIENCE, || {
            child.try_wait().ok().flatten().ok_or_else(String::new)
        });
        if let Err(missing) = status {
            let _ = self.child.kill();
            panic!("it does not end {missing}:\n{}", self.text());
        }

        // What it wrote last may not have been read yet.
        let read = seen_within(PATIENCE, || {
            self.reader
                .is_finished()
                .then_some(())
                .ok_or_else(String::new)
        });
        assert!(read.is_ok(), "somebody still holds the terminal");

        let code = status.ok().and_then(|status| status.code());
        (code.unwrap_or(-1), self.raw())
    }

    /// Arguments and environment of the program, as everybody may see the first.
    pub(crate) fn arguments_and_environment(&self) -> Vec<u8> {
        let mut seen = Vec::new();
        for name in ["cmdline", "environ"] {
            let file = format!("/proc/{}/{name}", self.child.id());
            seen.extend(fs::read(file).expect("it runs"));
        }
        seen
    }

    /// What was written, without what steers a terminal.
    pub(crate) fn text(&self) -> String {
        plain(&self.raw())
    }

    /// What was written, as it was.
    pub(crate) fn raw(&self) -> String {
        let bytes = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn read_all(mut screen: File) -> (Arc<Mutex<Vec<u8>>>, JoinHandle<()>) {
    let written = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&written);
    let reader = thread::spawn(move || {
        let mut buffer = [0; 4096];
        // Linux ends with an error once the other side is closed.
        while let Ok(length @ 1..) = screen.read(&mut buffer) {
            shared
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend_from_slice(&buffer[..length]);
        }
    });
    (written, reader)
}

fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut letters = text.chars().peekable();

    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' if letters.next_if_eq(&'[').is_some() => {
                // Parameters, up to the letter that says what to do.
                while letters
                    .next_if(|next| !next.is_ascii_alphabetic())
                    .is_some()
                {}
                letters.next();
            }
            '\u{1b}' | '\r' => {}
            letter => plain.push(letter),
        }
    }
    plain
}

#[test]
fn what_steers_a_terminal_is_no_text() {
    assert_eq!(
        plain("\u{1b}[?25lWhich\u{1b}[1;32m one\u{1b}[0m?\r\n"),
        "Which one?\n"
    );
}
