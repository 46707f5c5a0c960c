//! A command that is run to its end, or killed when it does not come.

use std::io::{Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::waiting::{PATIENCE, seen_within};

/// When a command is killed; it may have to wait for a slow server several times.
const LONGEST: Duration = PATIENCE.saturating_mul(4);

/// How a command ended, and what it said.
#[derive(Debug)]
pub(crate) struct Output {
    /// Its exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs a command to its end.
pub(crate) fn finish(mut command: Command) -> Output {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().expect("kado starts");
    ended(child, &format!("{command:?}"))
}

/// The same with a text on standard input.
pub(crate) fn finish_with(mut command: Command, input: &str) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("kado starts");

    if let Some(mut stdin) = child.stdin.take() {
        // Whoever refuses its arguments closes the pipe unread.
        let _ = stdin.write_all(input.as_bytes());
    }

    ended(child, &format!("{command:?}"))
}

/// Waits for a started command whose output goes into pipes. One that does not end is killed, and
/// fails the test with what it said.
pub(crate) fn ended(mut child: Child, what: &str) -> Output {
    // Both are read all the time: a full pipe holds up whoever writes into it.
    let (alive, gone) = channel();
    let (out, err) = (
        collect(child.stdout.take(), alive.clone()),
        collect(child.stderr.take(), alive),
    );
    let Some(status) = wait_for(&mut child, &gone) else {
        let _ = child.kill();
        let _ = child.wait();
        panic!("{what} did not end; it said:\n{}{}", text(&out), text(&err));
    };

    Output {
        code: status.code().unwrap_or(-1),
        out: text(&out),
        err: text(&err),
    }
}

/// Waits until both pipes are closed, which is a moment before the program has ended.
fn wait_for(child: &mut Child, pipes: &Receiver<()>) -> Option<ExitStatus> {
    match pipes.recv_timeout(LONGEST) {
        Err(RecvTimeoutError::Disconnected) => {}
        Ok(()) | Err(RecvTimeoutError::Timeout) => return None,
    }
    seen_within(PATIENCE, || {
        child.try_wait().ok().flatten().ok_or_else(String::new)
    })
    .ok()
}

/// Reads a pipe to its end on a thread of its own, which holds `alive` as long.
fn collect(pipe: Option<impl Read + Send + 'static>, alive: Sender<()>) -> Arc<Mutex<Vec<u8>>> {
    let said = Arc::new(Mutex::new(Vec::new()));
    if let Some(mut pipe) = pipe {
        let said = Arc::clone(&said);
        thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                said.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend_from_slice(&buffer[..length]);
            }
            drop(alive);
        });
    }

    said
}

fn text(said: &Mutex<Vec<u8>>) -> String {
    let said = said.lock().unwrap_or_else(PoisonError::into_inner).clone();
    String::from_utf8(said).expect("kado writes UTF-8")
}
