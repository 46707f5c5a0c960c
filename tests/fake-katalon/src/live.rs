//! A run as single writes, in Katalon's order, that can be stopped anywhere.

mod planner;

use std::collections::VecDeque;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::log::play;
use crate::run::SuiteRunWriter;

/// How far a run is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Phase {
    /// The launcher wrote `testCaseBinding` and `execution.properties`.
    Queued,
    /// The log grows.
    Running,
    /// The suite's end is logged; up to 10.1 the reports come just before it.
    Ended,
    /// The log is closed.
    Closed,
    /// `execution.uuid`, from 10.2 on the reports, and `JUnit_Report.xml` at last.
    Finished,
}

/// A change of one file.
#[derive(Clone, Debug)]
pub enum Write {
    /// The whole file is written.
    File(String, Vec<u8>),
    /// Bytes are added at its end.
    Append(String, Vec<u8>),
    /// It gets another name (rotation of the log).
    Rename(String, String),
    /// It goes away; one that is not there is fine.
    Remove(String),
}

impl Write {
    /// The number of the test case (`Test Cases/Case 7`) whose test ends with this write.
    pub fn ended_case(&self) -> Option<u32> {
        let Self::Append(_, bytes) = self else {
            return None;
        };
        let text = String::from_utf8_lossy(bytes);
        if !text.contains("<method>endTest</method>") {
            return None;
        }

        let (_, behind) = text.split_once("Test Cases/Case ")?;
        let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    }
}

/// One write with its moment.
#[derive(Clone, Debug)]
pub struct LiveStep {
    /// How far the run is with it.
    pub phase: Phase,
    /// When it happens, in milliseconds since 1970.
    pub millis: i64,
    /// What happens, for people; most steps say nothing.
    pub note: Option<String>,
    /// The change.
    pub write: Write,
}

impl LiveStep {
    /// Does it in the run's folder.
    pub fn perform(&self, folder: &Path) -> io::Result<()> {
        match &self.write {
            Write::File(name, bytes) => fs::write(folder.join(name), bytes),
            Write::Append(name, bytes) => OpenOptions::new()
                .create(true)
                .append(true)
                .open(folder.join(name))?
                .write_all(bytes),
            Write::Rename(from, to) => fs::rename(folder.join(from), folder.join(to)),
            Write::Remove(name) => match fs::remove_file(folder.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        }
    }
}

/// The writes that are still to come.
#[derive(Clone, Debug)]
pub struct Live {
    folder: PathBuf,
    steps: VecDeque<LiveStep>,
}

impl Live {
    pub(crate) fn new(run: &SuiteRunWriter, folder: &Path) -> Self {
        let (project, _) = run.recorded_folders(folder);
        let script = play(run, &project);
        let steps = planner::plan(run, folder, &script);

        Self {
            folder: folder.to_owned(),
            steps,
        }
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The step that comes next.
    pub fn peek(&self) -> Option<&LiveStep> {
        self.steps.front()
    }

    /// Does the next step and returns it; `None` at the end.
    pub fn perform_next(&mut self) -> io::Result<Option<LiveStep>> {
        let Some(step) = self.steps.pop_front() else {
            return Ok(None);
        };
        fs::create_dir_all(&self.folder)?;
        step.perform(&self.folder)?;

        Ok(Some(step))
    }

    /// Does so many steps, or as many as there are.
    pub fn perform(&mut self, count: usize) -> io::Result<()> {
        for _ in 0..count {
            self.perform_next()?;
        }
        Ok(())
    }

    /// Does every step up to the end of a phase.
    pub fn perform_through(&mut self, phase: Phase) -> io::Result<()> {
        while self.steps.front().is_some_and(|step| step.phase <= phase) {
            self.perform_next()?;
        }
        Ok(())
    }

    /// Does every step that is left.
    pub fn perform_all(&mut self) -> io::Result<()> {
        self.perform_through(Phase::Finished)
    }

    /// Leaves out the steps up to the end of a phase.
    pub fn skip_through(&mut self, phase: Phase) {
        while self.steps.front().is_some_and(|step| step.phase <= phase) {
            self.steps.pop_front();
        }
    }
}

impl Iterator for Live {
    type Item = LiveStep;

    /// Hands out the next step without doing it.
    fn next(&mut self) -> Option<LiveStep> {
        self.steps.pop_front()
    }
}
