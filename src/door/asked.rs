//! What file systems are asked for at this moment, and who does not answer.
//!
//! A share whose server is gone, or a file system that a test mounted, may never answer, and a
//! thread that asks it stays for ever. So each call notes what it asks for while it waits. What has
//! not been answered for [`PATIENCE`] is *silent*: whoever asks for it, or for anything below it,
//! is refused at once, and a thread that waits for it is left behind ([`answered`]). When the
//! answer comes after all everything is as before.
//!
//! A folder beside a silent one may be just as silent, and each costs [`PATIENCE`] and a thread.
//! Where two are silent below one folder of a watched folder (the workspace of one job, say), all
//! of that counts as silent.

use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{LazyLock, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::split_at_watched;
use crate::clock::Stopwatch;
use crate::locked::locked;
use crate::worker::Worker;

/// How long an answer is waited for; a disk that has to spin up takes about this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether a thread waits for too long.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);
/// Silent paths in one folder of a watched folder that make all of it count as silent.
const MANY: usize = 2;

/// What each thread waits for.
static ASKED: LazyLock<Mutex<HashMap<ThreadId, Asked>>> = LazyLock::new(Mutex::default);

struct Asked {
    path: PathBuf,
    since: Stopwatch,
}

/// This thread waits for an answer until this is dropped.
pub(crate) struct Waiting(());

/// A file system that does not answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "the file system of `{}` has not answered for {} s; is the share or drive that it lies on there?",
    .0.display(),
    PATIENCE.as_secs()
)]
pub struct Silent(pub(crate) PathBuf);

impl From<Silent> for io::Error {
    fn from(silent: Silent) -> Self {
        Self::new(io::ErrorKind::TimedOut, silent)
    }
}

/// Notes that this thread asks for something, as reading on in a file that is open.
///
/// # Errors
/// When it is known not to be answered.
pub(crate) fn ask_for(path: &Path) -> io::Result<Waiting> {
    let mut asked = locked(&ASKED);
    let silent = silent_paths(&asked);
    if let Some(silent) = silent_for(path, &silent) {
        return Err(Silent(silent).into());
    }

    let waiting = Asked {
        path: path.to_owned(),
        since: Stopwatch::start(),
    };
    asked.insert(thread::current().id(), waiting);
    Ok(Waiting(()))
}

impl Drop for Waiting {
    fn drop(&mut self) {
        locked(&ASKED).remove(&thread::current().id());
    }
}

/// What has been waited for too long, by whichever thread.
pub(crate) fn first_silent() -> Option<Silent> {
    silent_paths(&locked(&ASKED)).pop().map(Silent)
}

/// Does `work` on another thread, which is left behind where a file system does not answer it.
///
/// # Errors
/// When that is so.
///
/// # Panics
/// When `work` does, or when the system gives no thread.
pub(crate) fn answered<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Silent> {
    let worker = Worker::idle().expect("a thread is to be had, as for each other piece of work");
    let result = worker.begin(move || catch_unwind(AssertUnwindSafe(work)));

    loop {
        match result.recv_timeout(BETWEEN_LOOKS) {
            Ok(done) => {
                worker.give_back();
                return done.map_err(|panic| resume_unwind(panic));
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Some(silent) = awaited_by(worker.thread()) {
                    return Err(silent);
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                unreachable!("work that panics gives that as its result")
            }
        }
    }
}

/// What this thread has waited for too long.
fn awaited_by(thread: ThreadId) -> Option<Silent> {
    let asked = locked(&ASKED);
    let waiting = asked.get(&thread)?;
    (waiting.since.elapsed() >= PATIENCE).then(|| Silent(waiting.path.clone()))
}

fn silent_paths(asked: &HashMap<ThreadId, Asked>) -> Vec<PathBuf> {
    let mut silent = Vec::new();
    for waiting in asked.values() {
        if waiting.since.elapsed() >= PATIENCE {
            silent.push(waiting.path.clone());
        }
    }
    silent
}

/// The silent path because of which another one is not asked for.
fn silent_for(path: &Path, silent: &[PathBuf]) -> Option<PathBuf> {
    if silent.is_empty() {
        return None;
    }
    if let Some(above) = silent.iter().find(|silent| path.starts_with(silent)) {
        return Some(above.clone());
    }

    let share = share_of(path)?;
    let in_share = silent
        .iter()
        .filter(|silent| silent.starts_with(&share))
        .count();
    (in_share >= MANY).then_some(share)
}

/// The folder of a watched folder that a path lies in.
fn share_of(path: &Path) -> Option<PathBuf> {
    let (watched, below) = split_at_watched(path)?;
    let first = below.components().next()?;
    Some(watched.join(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_a_silent_folder_is_not_asked_for_and_its_neighbour_is() {
        let silent = [PathBuf::from("/srv/work/1/s")];

        let below = silent_for(Path::new("/srv/work/1/s/Shop"), &silent);
        let beside = silent_for(Path::new("/srv/work/1/t"), &silent);

        assert_eq!(below.as_deref(), Some(Path::new("/srv/work/1/s")));
        assert_eq!(beside, None);
    }

    #[test]
    fn work_that_is_answered_gives_its_result_and_a_panic_goes_on() {
        assert_eq!(answered(|| 7), Ok(7));

        let panicked = std::panic::catch_unwind(|| answered(|| panic!("on its own thread")));

        assert!(panicked.is_err());
    }

    #[test]
    fn the_words_name_the_folder_and_what_to_look_at() {
        let silent = Silent(PathBuf::from("/mnt/share"));

        assert_eq!(
            silent.to_string(),
            "the file system of `/mnt/share` has not answered for 10 s; is the share or drive that \
             it lies on there?"
        );
    }
}
