//! `kado run` as a child process, and waiting for what it does.

#![cfg_attr(
    unix,
    expect(clippy::disallowed_methods, reason = "tests send signals by a program")
)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::ended::Output;
use super::machine::Machine;
use super::waiting::wait_until;

/// A running `kado run`; dropping it kills it.
pub(crate) struct Service {
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Machine {
    /// Starts the service and waits until it watches.
    pub(crate) fn start(&self) -> Service {
        self.start_as(self.command(&["run"]))
    }

    /// Starts the service so that it logs each judgement as well, and waits until it watches.
    pub(crate) fn start_in_detail(&self) -> Service {
        let mut command = self.command(&["run"]);
        command.env("KADO_LOG", "kado=debug");
        self.start_as(command)
    }

    /// Starts the service by this command, and waits until it watches.
    pub(crate) fn start_as(&self, command: Command) -> Service {
        start(command)
    }

    /// Waits until the rows of `kado runs` are as wanted.
    pub(crate) fn wait_for_rows(
        &self,
        what: &str,
        wanted: impl Fn(&[String]) -> bool,
    ) -> Vec<String> {
        wait_until(what, || {
            let states = self.states();
            if wanted(&states) {
                Ok(states)
            } else {
                Err(format!("{states:#?}"))
            }
        })
    }

    /// Waits until Azure DevOps was asked so many times.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        wait_until(&format!("{count} requests to arrive"), || {
            let arrived = self.fake.requests().len();
            if arrived >= count {
                Ok(())
            } else {
                Err(format!("{arrived} requests"))
            }
        });
    }

    /// Starts the program again and again until the only submission is through; it may put attempts
    /// off, which a person may shorten.
    pub(crate) fn run_until_submitted(&self) {
        wait_until("the submission to end", || {
            self.kado(&["run", "--once"]);
            let row = self.row();
            if row["state"] == "submitted" {
                Ok(())
            } else {
                Err(row.to_string())
            }
        });
    }

    /// Waits until so many runs are completed in ADO, and until kado has noted that: it learns so a
    /// moment later.
    pub(crate) fn wait_for_completed(&self, count: usize) {
        wait_until(&format!("{count} completed runs in ADO"), || {
            let runs = self.ado_runs();
            let completed: Vec<u32> = runs
                .iter()
                .filter(|run| run.state == "Completed")
                .map(|run| run.id)
                .collect();
            let waits = || Err(format!("{:#?}", self.states()));
            if completed.len() < count {
                return waits();
            }

            for row in self.rows() {
                let is_completed = completed.iter().any(|id| row["ado_run_id"] == *id);
                if row["state"] == "submitting" && is_completed {
                    return waits();
                }
            }
            Ok(())
        });
    }
}

impl Service {
    /// Everything that it logged so far.
    pub(crate) fn log(&self) -> String {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Id of its process.
    #[cfg(unix)]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, by its name.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status();

        assert!(
            sent.is_ok_and(|status| status.success()),
            "{name} could not be sent"
        );
    }

    /// Waits until it has logged this.
    pub(crate) fn wait_for_log(&self, text: &str) {
        self.wait_for_logs(1, text);
    }

    /// Waits until it has logged this so many times.
    pub(crate) fn wait_for_logs(&self, times: usize, text: &str) {
        wait_until(&format!("the log to hold `{text}` {times} times"), || {
            let log = self.log();
            if log.matches(text).count() >= times {
                Ok(())
            } else {
                Err(log)
            }
        });
    }

    /// How many folders its first sweep read, when it is over; only known of one that was started
    /// in detail.
    pub(crate) fn read_by_its_first_sweep(&self) -> usize {
        self.wait_for_log("looked at everything");
        let log = self.log();
        let read = log
            .lines()
            .find(|line| line.contains("looked at everything"))
            .and_then(|line| {
                line.split_whitespace()
                    .find_map(|word| word.strip_prefix("read=")?.parse().ok())
            });

        read.unwrap_or_else(|| panic!("it does not say how many: {log}"))
    }

    /// Ends it and sees that it ended as it was asked to. On Windows, where a process without a
    /// console can only be ended hard, there is nothing to see.
    pub(crate) fn stop_cleanly(self) {
        let stopped = self.stop();
        assert!(cfg!(windows) || stopped.code == 0, "{stopped:?}");
    }

    /// Asks it to end and waits; gives exit code and log. On Windows it is ended hard.
    pub(crate) fn stop(mut self) -> Output {
        self.ask_to_end();
        self.wait_for_end()
    }

    /// Waits until it ends by itself; gives exit code and log.
    pub(crate) fn wait_for_end(mut self) -> Output {
        let status = self.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }

        Output {
            code: status.code().unwrap_or(-1),
            out: String::new(),
            err: self.log(),
        }
    }

    /// Sends it a signal that ends it; gives how it ended.
    #[cfg(target_os = "linux")]
    pub(crate) fn end_by(mut self, signal: &str) -> ExitStatus {
        self.signal(signal);
        self.wait()
    }

    fn wait(&mut self) -> ExitStatus {
        wait_until("kado to end", || match self.child.try_wait() {
            Ok(Some(status)) => Ok(status),
            _ => Err(self.log()),
        })
    }

    #[cfg(unix)]
    fn ask_to_end(&mut self) {
        self.signal("TERM");
    }

    #[cfg(not(unix))]
    fn ask_to_end(&mut self) {
        self.child.kill().expect("it runs");
    }

    /// Ends it without warning.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ended");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(mut command: Command) -> Service {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kado starts");
    let log = Arc::new(Mutex::new(String::new()));
    let reader = child
        .stderr
        .take()
        .map(|lines| collect(lines, Arc::clone(&log)));
    let service = Service { child, log, reader };
    service.wait_for_log(" watches");

    service
}

fn collect(lines: ChildStderr, log: Arc<Mutex<String>>) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(lines).lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_str(&line);
            log.push('\n');
        }
    })
}
