//! What a test wants to happen, from the environment.

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, thread};

use anyhow::{Context, Result};

/// What a test wants to happen.
#[derive(Debug, Default)]
pub struct Stage {
    /// `FAKE_FAILS`: name of the test case that fails.
    pub fails: Option<String>,
    /// `FAKE_EXIT`: exit code; without it 0, or 1 when a test failed.
    pub exit: Option<u8>,
    /// `FAKE_HOST`: name of the machine, as in a container.
    pub host: Option<String>,
    /// `FAKE_ECHOES`: standard input goes to standard output.
    pub echoes: bool,
    /// `FAKE_RUNS_NOTHING`: no run is written.
    pub runs_nothing: bool,
    /// `FAKE_DIES`: it ends in the middle of the run.
    pub dies: bool,
    /// `FAKE_READY`: a file that is made when it is about to begin.
    ready: Option<PathBuf>,
    /// `FAKE_HOLD`: a run does not end while this file is there.
    hold: Option<PathBuf>,
    /// `FAKE_HOLD_FROM`: only from this session on, counted from 1.
    hold_from: u32,
}

impl Stage {
    /// What the environment says.
    pub fn of_environment() -> Self {
        let said = |name: &str| env::var(name).ok();
        Self {
            fails: said("FAKE_FAILS"),
            exit: said("FAKE_EXIT").and_then(|code| code.parse().ok()),
            host: said("FAKE_HOST"),
            echoes: said("FAKE_ECHOES").is_some(),
            runs_nothing: said("FAKE_RUNS_NOTHING").is_some(),
            dies: said("FAKE_DIES").is_some(),
            ready: said("FAKE_READY").map(PathBuf::from),
            hold: said("FAKE_HOLD").map(PathBuf::from),
            hold_from: said("FAKE_HOLD_FROM")
                .and_then(|number| number.parse().ok())
                .unwrap_or(1),
        }
    }

    /// Tells that it is about to begin.
    pub fn say_ready(&self) -> Result<()> {
        let Some(file) = &self.ready else {
            return Ok(());
        };
        fs::write(file, "").context("`FAKE_READY` cannot be written")
    }

    /// Waits while the test wants it to.
    pub fn hold(&self, session: u32) {
        while session >= self.hold_from && self.hold.as_ref().is_some_and(|file| file.exists()) {
            thread::sleep(Duration::from_millis(20));
        }
    }
}
