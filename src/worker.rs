//! Threads for work that may never end, such as asking a file system that does not answer.
//!
//! Whoever waits for a piece of work holds its worker, and drops it to leave the work behind: the
//! thread then ends with the work, should that ever end. A worker whose work is over is given back
//! and does the next piece, because a sweep has thousands of them and a thread for each would cost
//! more than most looks do.

use std::io;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, ThreadId};

use crate::locked::locked;

/// Workers that are kept while nobody needs them.
const MOST_IDLE: usize = 2;

type Work = Box<dyn FnOnce() + Send>;

/// Those that were given back.
static IDLE: Mutex<Vec<Worker>> = Mutex::new(Vec::new());

/// A thread that does one piece of work after the other.
pub(crate) struct Worker {
    thread: ThreadId,
    work: Sender<Work>,
}

impl Worker {
    /// One that has nothing to do.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn idle() -> io::Result<Self> {
        let idle = locked(&IDLE).pop();
        match idle {
            Some(worker) => Ok(worker),
            None => Self::start(),
        }
    }

    fn start() -> io::Result<Self> {
        let (sender, work) = channel::<Work>();
        let thread = thread::Builder::new()
            .name("disk".to_owned())
            .spawn(move || {
                for work in work {
                    work();
                }
            })?;

        Ok(Self {
            thread: thread.thread().id(),
            work: sender,
        })
    }

    /// Which thread it is.
    pub(crate) const fn thread(&self) -> ThreadId {
        self.thread
    }

    /// Has it do a piece of work. The result comes in what is given back; that is disconnected
    /// without one when the work panics, and so is the worker.
    pub(crate) fn begin<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Receiver<T> {
        let (sender, result) = channel();
        // Should its thread be gone, `result` is disconnected.
        let _ = self.work.send(Box::new(move || {
            // Nobody waits any more for work that was left behind.
            let _ = sender.send(work());
        }));
        result
    }

    /// Gives it back after its work was done.
    pub(crate) fn give_back(self) {
        let mut idle = locked(&IDLE);
        if idle.len() < MOST_IDLE {
            idle.push(self);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_does_one_piece_after_the_other_on_its_thread() {
        let worker = Worker::start().unwrap();

        let first = worker.begin(|| thread::current().id()).recv();
        let second = worker.begin(|| thread::current().id()).recv();

        assert_eq!(first, Ok(worker.thread()));
        assert_eq!(second, Ok(worker.thread()));
    }

    #[test]
    fn work_that_panics_gives_no_result_and_neither_does_what_comes_behind_it() {
        let worker = Worker::start().unwrap();

        let panicked = worker.begin(|| panic!("on its own thread")).recv();
        let behind = worker.begin(|| 7).recv();

        assert!(panicked.is_err());
        assert!(behind.is_err());
    }
}
