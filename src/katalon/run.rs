//! One suite run as the files of its report folder tell it.
//!
//! The types in here are plain values: they are stored in kado's database as part of a snapshot, so
//! every one of them can be written to JSON and read back without loss. A field may be added if
//! `serde` has a default for it; a name that is stored never changes.

pub(crate) mod binding;
pub mod difference;
pub(crate) mod execution;
pub(crate) mod file_kind;
pub mod junit;
pub mod lifecycle;
pub(crate) mod timeline;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::katalon::damage::Damage;
use crate::katalon::masked::MaskedValues;
use crate::katalon::run::difference::Difference;
use crate::katalon::status::Status;
use crate::moment::Moment;

/// One execution of a test suite, read from a report folder.
///
/// Whatever the files do not say is `None` or empty. What could not be read stands in `damage`, and
/// counts for the exit code; what was odd and costs nothing in `warnings`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SuiteRun {
    /// Id of the suite, `Test Suites/…` (`startSuite` of the log, else `execution.properties`).
    pub suite: String,
    /// Content of `execution.uuid`; absent before Katalon 6 and until the run is over.
    pub execution_uuid: Option<String>,
    /// Time of the `startSuite` record, else of the first record.
    pub started: Option<Moment>,
    /// Time of the END record that closed the suite; `None` while the suite is open.
    pub ended: Option<Moment>,
    /// Time of the last record of the log.
    pub last_record: Option<Moment>,
    /// Where and with what the suite ran.
    pub environment: Environment,
    /// The suite's status by Katalon's rule (`TestSuiteLogRecord`).
    pub status: Status,
    /// Final results in the order in which they started; a test that was retried at once is one
    /// entry.
    pub tests: Vec<TestResult>,
    /// Regular files of the run folder and those of the project that the log names, sorted by path.
    pub files: Vec<RunFile>,
    /// What a run before left in the same folder, and this one has not written anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_files: Vec<EarlierFile>,
    /// `ado*` options given to katalonc, as far as the run folder names them.
    pub options: RunOptions,
    /// How many more runs follow if this one fails, where failed suites run again as a whole
    /// (Katalon 8.1 and later); each of them is a suite run of its own.
    #[serde(default)]
    pub reruns_left: Option<u32>,
    /// Whether the run belongs to a test suite collection.
    pub in_collection: bool,
    /// What of the log, the other files of the run and its project could not be read. Where it is
    /// of the log, the report counts, if that is of this run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<Damage>,
    /// Where the log and Katalon's own report do not say the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// What was odd, in words for a tester.
    pub warnings: Vec<String>,
    /// Values that Katalon masks in one place and writes in clear in another.
    #[serde(skip)]
    pub masked: MaskedValues,
}

impl SuiteRun {
    /// Whether Katalon writes the reports of this run, and uploads it, only when its whole
    /// collection ends: from version 11 on.
    pub fn reports_come_late(&self) -> bool {
        // So it was in 7 of 7 completed collections of 11; 7.2 and 8.5 were seen to write the
        // reports of each member at its own end (`behaviour.md` §4.2).
        let Some(version) = &self.environment.katalon_version else {
            return false;
        };
        let major: Option<u32> = version
            .split('.')
            .next()
            .and_then(|major| major.parse().ok());
        self.in_collection && major.is_some_and(|major| major >= 11)
    }
}

/// Where and with what a suite ran (records RUN_DATA of the log, `execution.properties`).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Environment {
    /// Where it ran, from RUN_DATA `hostName`, else `host.hostName`; Katalon writes `<user> -
    /// <machine>`.
    pub host: Option<String>,
    /// Operating system of the machine, such as `Windows 10 64bit`.
    pub os: Option<String>,
    /// Browser with version as Katalon recorded it, such as `Chrome 120.0.6099.110`; the last one
    /// wins.
    pub browser: Option<String>,
    /// Execution profile.
    pub profile: Option<String>,
    /// Katalon's version, such as `9.0.0` or `7.8.2.208`.
    pub katalon_version: Option<String>,
    /// Display name of the run configuration (`Name` of `execution.properties`), such as `Chrome
    /// (headless)`; `Some("")` for a web service suite.
    pub run_configuration: Option<String>,
    /// Driver from `execution.drivers.system.*.browserType`, such as `CHROME_DRIVER`.
    pub driver: Option<String>,
    /// `deviceOS` of a mobile run, `Android` or `iOS`.
    pub device_os: Option<String>,
    /// Operating system of a remote or cloud browser (`remoteOS`).
    pub remote_os: Option<String>,
    /// Platform the browser reported (RUN_DATA `platform`).
    pub platform: Option<String>,
    /// The report folder that Katalon recorded, as a path of the executing machine
    /// (`execution.general.report.reportFolder`).
    pub recorded_folder: Option<String>,
    /// `GUI` or `CONSOLE`, from Katalon 6 on.
    pub running_mode: Option<String>,
}

impl Environment {
    /// The machine's name without the user that Katalon puts before it (`jo - PC7.corp.example`, in
    /// every run of every version that was seen). It is what Java takes for the name: with or
    /// without domain, `localhost` on some machines and an IP address on others.
    pub fn machine(&self) -> Option<&str> {
        let host = self.host.as_deref()?;

        // From the right: the name of a user may hold such a dash between blanks, that of a machine
        // not.
        match host.rsplit_once(" - ") {
            Some((_user, machine)) => Some(machine.trim()),
            None => Some(host.trim()),
        }
    }
}

/// The final result of one planned execution of a test case.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TestResult {
    /// Id of the test case: its path below the project without `.tc`, such as `Test Cases/Login`.
    pub id: String,
    /// Which execution of the same test case this is; `None` when the run has only one.
    pub iteration: Option<Iteration>,
    /// All attempts in order, never empty; the last one is the result.
    pub attempts: Vec<Attempt>,
    /// Values of the test case's variables in this execution, for `${variable}` in ADO ids.
    pub variables: BTreeMap<String, VariableValue>,
    /// Of a collection that is submitted as one run: the member it ran in, counted from 0
    /// (`crate::plan::join`).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub member: usize,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl TestResult {
    /// The attempt that counts.
    pub fn last(&self) -> &Attempt {
        self.attempts
            .last()
            .expect("the log reader never makes a test without an attempt")
    }

    /// Status of the attempt that counts.
    pub fn status(&self) -> Status {
        self.last().status
    }

    /// The last part of the id, as testers call the test.
    pub fn name(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or(&self.id)
    }
}

/// One of several executions of the same test case in a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Iteration {
    /// Counted from 1 among the executions of this test case.
    pub number: u32,
    /// Value of the suite's iteration variable; it may be sensitive, see `crate::plan`.
    pub value: Option<String>,
    /// Name of that variable, when the binding tells it.
    pub variable: Option<String>,
}

/// One attempt at a test.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// Status by Katalon's rule (`TestCaseLogRecord`).
    pub status: Status,
    /// Time of the START record.
    pub started: Moment,
    /// Time of the END record; `None` when the log ends before.
    pub ended: Option<Moment>,
    /// What went wrong, without the stack trace; `None` for a test that passed or is open.
    pub message: Option<String>,
    /// The stack trace, as Katalon recorded it.
    pub stack_trace: Option<String>,
    /// Files that records of this attempt name, relative to the run folder with `/`, each once, in
    /// log order.
    pub attachments: Vec<String>,
    /// Attachments that the log names but which lie outside the run folder, as written there.
    pub foreign_attachments: Vec<String>,
}

/// The value of a test case variable in one execution.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum VariableValue {
    /// Known in clear.
    Plain(String),
    /// Katalon masked it in its log.
    Masked,
    /// An expression that only Katalon can evaluate.
    Expression(String),
}

impl VariableValue {
    /// Bytes of its text.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Plain(text) | Self::Expression(text) => text.len(),
            Self::Masked => 0,
        }
    }
}

/// A regular file of the run folder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RunFile {
    /// Path relative to the run folder, with `/`; of a file of the project it begins with `../`.
    pub path: String,
    /// What it is, by name.
    #[serde(rename = "type")]
    pub kind: FileKind,
    /// Size in bytes when the folder was listed.
    pub size: u64,
}

/// A file of an earlier run in the folder, as it lay there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EarlierFile {
    /// Path relative to the run folder, with `/`.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// When it was written.
    pub modified: Moment,
}

/// What a file of a run folder is; the first five are the words of Katalon's dialog for
/// `submitOptions.attachFileTypes`, `VIDEO` is kado's own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum FileKind {
    /// `execution*.log` at the top of the run folder; no other log counts.
    Log,
    /// A screenshot.
    Png,
    /// A report in HTML.
    Html,
    /// A report in PDF.
    Pdf,
    /// A report in CSV.
    Csv,
    /// A video of a test, or its subtitles.
    Video,
    /// Everything else; never sent.
    Other,
}

impl FileKind {
    /// The kinds that can be sent.
    pub const SENDABLE: [Self; 6] = [
        Self::Log,
        Self::Png,
        Self::Html,
        Self::Pdf,
        Self::Csv,
        Self::Video,
    ];

    /// The word for the kind in settings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Log => "LOG",
            Self::Png => "PNG",
            Self::Html => "HTML",
            Self::Pdf => "PDF",
            Self::Csv => "CSV",
            Self::Video => "VIDEO",
            Self::Other => "OTHER",
        }
    }
}

/// Options of one run that override the project's settings: the `ado*` arguments of katalonc in any
/// letter case.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RunOptions {
    /// `-adoPlanId`, as written; an invalid one parks the run.
    pub plan: Option<String>,
    /// `-adoTestRunName`.
    pub run_name: Option<String>,
    /// `--info -adoDefinitionID`, `-adoBuildDefId`, as written.
    pub build_definition: Option<String>,
    /// `--info -adoReleaseDefID`, as written.
    pub release_definition: Option<String>,
    /// Why more options may have been given than could be read; without a plan among those that
    /// were read, it parks the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<Damage>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_named_without_its_user() {
        let machine = |host: &str| {
            let environment = Environment {
                host: Some(host.to_owned()),
                ..Environment::default()
            };
            environment.machine().map(str::to_owned)
        };
        assert_eq!(
            machine("jo - x - PC7.corp.example").as_deref(),
            Some("PC7.corp.example")
        );
        assert_eq!(machine("build-agent").as_deref(), Some("build-agent"));
        assert_eq!(Environment::default().machine(), None);
    }
}
