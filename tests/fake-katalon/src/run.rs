//! A suite run: its description, and the two ways to write it.

mod builder;

use std::io;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use crate::damage::Damage;
use crate::generation::Generation;
use crate::live::{Live, Phase};
use crate::model::Test;
use crate::moments;
use crate::seed;

/// How far a run came, when it is written at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Everything is there.
    Normal,
    /// The suite ended, the launcher wrote no reports (closed, or a cancelled collection of 11.x).
    WithoutReports,
    /// The test process died: no end of the suite, but `execution.uuid` and `JUnit_Report.xml`.
    Crashed,
    /// Stopped: neither an end nor reports.
    Aborted,
    /// Not started: only what the launcher wrote beforehand.
    Queued,
}

/// Describes a suite run and writes it.
#[derive(Clone, Debug)]
pub struct SuiteRunWriter {
    pub(crate) suite: String,
    pub(crate) generation: Generation,
    pub(crate) start: i64,
    pub(crate) zone: TimeZone,
    pub(crate) session: Option<i64>,
    pub(crate) stamp: Option<i64>,
    pub(crate) user: String,
    pub(crate) host: String,
    pub(crate) os: String,
    pub(crate) configuration: String,
    pub(crate) browser: String,
    pub(crate) profile: String,
    pub(crate) tests: Vec<Test>,
    pub(crate) retries: u32,
    pub(crate) pace: u32,
    pub(crate) uuid: Option<String>,
    pub(crate) reports: Vec<&'static str>,
    pub(crate) info: Vec<(String, String)>,
    pub(crate) console: bool,
    pub(crate) collection: String,
    pub(crate) run_data: Vec<(String, String)>,
    pub(crate) project_name: String,
    pub(crate) recorded_dir: Option<String>,
    ending: Ending,
    pub(crate) rotation: Vec<usize>,
    damage: Vec<Damage>,
    pub(crate) stale_lock: bool,
}

impl SuiteRunWriter {
    /// The run's folder below the project: `Reports/<session>/<suite path>/<run>`.
    pub fn folder_in(&self, project: &Path) -> PathBuf {
        self.relative_folder()
            .split('/')
            .fold(project.to_owned(), |path, part| path.join(part))
    }

    /// The same, relative to the project and with `/`.
    pub fn relative_folder(&self) -> String {
        let session = moments::stamp(self.session.unwrap_or(self.start - 3000), &self.zone);
        format!(
            "Reports/{session}/{}/{}",
            self.suite.trim_start_matches("Test Suites/"),
            self.run_stamp()
        )
    }

    /// Writes the whole run into a folder.
    pub fn write_all(&self, folder: &Path) -> io::Result<()> {
        let mut live = self.live(folder);
        match self.ending {
            Ending::Normal => live.perform_all()?,
            Ending::WithoutReports => live.perform_through(Phase::Closed)?,
            Ending::Aborted => live.perform_through(Phase::Running)?,
            Ending::Queued => live.perform_through(Phase::Queued)?,
            Ending::Crashed => {
                live.perform_through(Phase::Running)?;
                live.skip_through(Phase::Ended);
                live.perform_all()?;
            }
        }

        self.damage
            .iter()
            .try_for_each(|damage| damage.apply(folder))
    }

    /// Writes the whole run into its folder below a project, and says where.
    pub fn write_in(&self, project: &Path) -> io::Result<PathBuf> {
        let folder = self.folder_in(project);
        self.write_all(&folder)?;
        Ok(folder)
    }

    /// The same writes one by one, in Katalon's order.
    pub fn live(&self, folder: &Path) -> Live {
        Live::new(self, folder)
    }

    pub(crate) fn run_stamp(&self) -> String {
        moments::stamp(self.stamp.unwrap_or(self.start - 3000), &self.zone)
    }

    pub(crate) fn suite_name(&self) -> &str {
        self.suite.rsplit('/').next().unwrap_or(&self.suite)
    }

    pub(crate) fn host_name(&self) -> String {
        format!("{} - {}", self.user, self.host)
    }

    pub(crate) fn execution_uuid(&self) -> String {
        self.uuid
            .clone()
            .unwrap_or_else(|| seed::guid(&format!("{}@{}", self.suite, self.start)))
    }

    /// Id of the n-th planned test execution (11.x).
    pub(crate) fn test_uuid(&self, at: usize) -> String {
        seed::guid(&format!("{}@{}#{at}", self.suite, self.start))
    }

    /// Folders as the executing machine saw them: project and run.
    pub(crate) fn recorded_folders(&self, folder: &Path) -> (String, String) {
        let relative = self.relative_folder();
        if let Some(dir) = &self.recorded_dir {
            let separator = if dir.contains('\\') { "\\" } else { "/" };
            return (
                dir.clone(),
                format!("{dir}{separator}{}", relative.replace('/', separator)),
            );
        }

        let depth = relative.split('/').count();
        let project = folder
            .ancestors()
            .nth(depth)
            .filter(|root| self.folder_in(root) == folder)
            .unwrap_or(folder);

        (
            project.to_string_lossy().into_owned(),
            folder.to_string_lossy().into_owned(),
        )
    }
}
