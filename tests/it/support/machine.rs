//! A machine: temporary folders, a configuration, the program, and the ADO it talks to.

#![expect(
    clippy::disallowed_methods,
    reason = "tests lay out folders and start the program"
)]

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use fake_ado::{Attachment, FakeAdo, TestRun, World};
use fake_katalon::{AzureSettings, ProjectWriter, SuiteRunWriter, TestCaseFile};
use serde_json::Value;
use tempfile::TempDir;

use super::ended::{Output, finish};
use super::shop::{PLAN, TOKEN, tc, world};

/// How the names of variables begin that the agents of pipelines set.
const OF_PIPELINES: [&str; 9] = [
    "TF_BUILD",
    "AGENT_",
    "BUILD_",
    "SYSTEM_",
    "RELEASE_",
    "GITHUB_",
    "JENKINS_",
    "AZURE_",
    "TEST_RUNID",
];

/// A machine with kado on it. Dropping it fails the test when a request did not fit the API
/// description.
pub(crate) struct Machine {
    /// The Azure DevOps of its projects.
    pub fake: FakeAdo,
    temp: TempDir,
}

/// Serves a world on a free port.
fn serve(world: World) -> FakeAdo {
    FakeAdo::start_blocking(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), world)
        .expect("there is a free port")
}

impl Machine {
    /// A machine whose ADO is the shop's.
    pub(crate) fn new() -> Self {
        Self::with(world())
    }

    /// A machine whose ADO is this world.
    pub(crate) fn with(world: World) -> Self {
        Self::at(tempfile::tempdir(), world)
    }

    /// As [`Machine::with`], with all its files in memory where the system offers that: for tests
    /// that write much and do not cut the power.
    pub(crate) fn in_memory(world: World) -> Self {
        let memory = Path::new("/dev/shm");
        Self::at(
            if memory.is_dir() {
                tempfile::tempdir_in(memory)
            } else {
                tempfile::tempdir()
            },
            world,
        )
    }

    fn at(temp: std::io::Result<TempDir>, world: World) -> Self {
        let temp = temp.expect("a temporary folder can be made");
        let machine = Self {
            fake: serve(world),
            temp,
        };
        fs::create_dir_all(machine.work()).expect("a folder can be made");
        machine.configure("");

        machine
    }

    /// Everything of this machine lies in here.
    pub(crate) fn root(&self) -> PathBuf {
        // On Windows as it is: the other form, `\\?\C:\…`, is not one for people.
        let folder = self.temp.path();
        if cfg!(windows) {
            folder.to_owned()
        } else {
            folder
                .canonicalize()
                .expect("the temporary folder is there")
        }
    }

    /// The watched folder.
    pub(crate) fn work(&self) -> PathBuf {
        self.root().join("work")
    }

    /// The state folder.
    pub(crate) fn state(&self) -> PathBuf {
        self.root().join("state")
    }

    /// The configuration file.
    pub(crate) fn config_file(&self) -> PathBuf {
        self.root().join("kado.toml")
    }

    /// Writes a configuration that watches [`Machine::work`], with these lines behind it. Unless
    /// they say something else about it, nothing waits for Katalon's own submission.
    pub(crate) fn configure(&self, more: &str) {
        let more = match more.split_once("[submit]\n") {
            _ if more.contains("katalon_") => more.to_owned(),
            Some((before, after)) => format!("{before}[submit]\nkatalon_wait = \"0s\"\n{after}"),
            None => format!("{more}[submit]\nkatalon_wait = \"0s\"\n"),
        };

        // Machines of tests run side by side, and there is one port.
        let page = if more.contains("status_page") {
            ""
        } else {
            "\n[status_page]\nlisten = \"\"\n"
        };

        let text = format!(
            "watch = [{:?}]\nstate_dir = {:?}\n{more}{page}",
            self.work(),
            self.state()
        );
        self.configure_only(&text);
    }

    /// Writes a configuration of just these lines.
    pub(crate) fn configure_only(&self, text: &str) {
        fs::write(self.config_file(), text).expect("the configuration can be written");
    }

    /// Settings of a project that is connected with [`Machine::fake`].
    pub(crate) fn settings(&self) -> AzureSettings {
        AzureSettings::connected(&self.fake.base_url(), TOKEN, "Shop", (PLAN, "Release 1"))
    }

    /// Writes the project `Shop` with these test cases, by name and ids; an empty text is no link.
    pub(crate) fn shop(&self, cases: &[(&str, &str)]) -> PathBuf {
        self.shop_with(self.settings(), cases)
    }

    /// The same with other settings.
    pub(crate) fn shop_with(&self, settings: AzureSettings, cases: &[(&str, &str)]) -> PathBuf {
        let files = cases.iter().map(|(name, ids)| match *ids {
            "" => TestCaseFile::new(&tc(name)),
            ids => TestCaseFile::new(&tc(name)).azure(ids),
        });
        self.project("Shop", settings, files)
    }

    /// Writes a project into a folder below [`Machine::work`]; the last part of that is its name.
    pub(crate) fn project(
        &self,
        name: &str,
        settings: AzureSettings,
        cases: impl IntoIterator<Item = TestCaseFile>,
    ) -> PathBuf {
        let project = ProjectWriter::new(self.work().join(name)).azure(settings);
        let project = cases.into_iter().fold(project, ProjectWriter::test_case);
        project.write().expect("the project can be written");

        project.root().to_owned()
    }

    /// Writes a run into a project and submits it.
    pub(crate) fn submit(&self, project: &Path, run: &SuiteRunWriter) -> Output {
        let folder = run.write_in(project).expect("the run can be written");
        self.submit_folder(&folder)
    }

    /// `kado submit FOLDER`.
    pub(crate) fn submit_folder(&self, folder: &Path) -> Output {
        self.kado(&["submit", &folder.to_string_lossy()])
    }

    /// The program with this machine's configuration, in an environment without anything of kado's.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_with(&self.config_file(), arguments)
    }

    /// The same with another configuration.
    pub(crate) fn command_with(&self, config: &Path, arguments: &[&str]) -> Command {
        let mut command = self.bare_command();
        command.args(arguments).arg("--config").arg(config);
        command
    }

    /// `kado exec OPTIONS -- katalonc ARGUMENTS`, outside of any pipeline.
    pub(crate) fn exec(&self, options: &[&str], arguments: &[String]) -> Command {
        let mut command = self.exec_program(options, super::katalonc::program());
        command.args(arguments);
        command
    }

    /// `kado exec OPTIONS -- PROGRAM`, outside of any pipeline.
    pub(crate) fn exec_program(&self, options: &[&str], program: &Path) -> Command {
        let mut command = self.bare_command();
        command
            .arg("--config")
            .arg(self.config_file())
            .arg("exec")
            .args(options)
            .arg("--")
            .arg(program);

        command
    }

    /// The program without a configuration, in an environment without anything of kado's or of a
    /// pipeline.
    pub(crate) fn bare_command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kado"));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy().to_uppercase();
            let of_service = matches!(
                text.as_str(),
                "STATE_DIRECTORY" | "LOGS_DIRECTORY" | "CREDENTIALS_DIRECTORY"
            );
            let of_pipeline = OF_PIPELINES.iter().any(|prefix| text.starts_with(prefix));
            if of_service
                || of_pipeline
                || text.starts_with("KADO_")
                || text.starts_with("XDG_")
                || text.ends_with("_PROXY")
            {
                command.env_remove(&name);
            }
        }

        command.env("HOME", self.root());
        // What people read has the same times everywhere.
        command.env("TZ", "UTC");

        command
    }

    /// Runs a command to its end.
    pub(crate) fn kado(&self, arguments: &[&str]) -> Output {
        finish(self.command(arguments))
    }

    /// The rows of `kado runs --json`.
    pub(crate) fn rows(&self) -> Vec<Value> {
        let listed = self.kado(&["runs", "--json"]);

        assert_eq!(listed.code, 0, "{listed:?}");
        serde_json::from_str(&listed.out).unwrap_or_else(|error| panic!("{error} in {listed:?}"))
    }

    /// The only row of `kado runs`.
    pub(crate) fn row(&self) -> Value {
        let mut rows = self.rows();

        assert_eq!(rows.len(), 1, "{rows:#?}");
        rows.remove(0)
    }

    /// State and reason of each row, by suite.
    pub(crate) fn states(&self) -> Vec<String> {
        let mut states: Vec<String> = self
            .rows()
            .iter()
            .map(|row| {
                format!(
                    "{} {} {}",
                    words(&row["suite"]),
                    words(&row["state"]),
                    words(&row["error"])
                )
            })
            .map(|line| line.trim_end().to_owned())
            .collect();

        states.sort();
        states
    }

    /// All test runs in ADO.
    pub(crate) fn ado_runs(&self) -> Vec<TestRun> {
        self.fake.world().runs().to_vec()
    }

    /// The only test run in ADO.
    pub(crate) fn ado_run(&self) -> TestRun {
        let mut runs = self.ado_runs();

        assert_eq!(
            runs.len(),
            1,
            "there is not one test run in ADO: {:?}",
            self.states()
        );
        runs.remove(0)
    }

    /// Requests that may have changed something, as `METHOD path`; reading points by POST is none.
    pub(crate) fn writes(&self) -> Vec<String> {
        let requests = self.fake.requests();
        requests
            .iter()
            .filter(|request| request.method != "GET")
            .map(|request| format!("{} {}", request.method, request.path))
            .collect()
    }

    /// As [`Machine::readable`], with the watched folder as `[watched]`.
    pub(crate) fn readable_briefly(&self, text: &str) -> String {
        self.readable(text).replace("[temp]/work", "[watched]")
    }

    /// What people read, without what differs from machine to machine and from time to time.
    pub(crate) fn readable(&self, text: &str) -> String {
        let text = text
            .replace(&self.fake.base_url(), "[server]")
            .replace(&*self.root().to_string_lossy(), "[temp]");
        if cfg!(windows) {
            with_slashes(&text)
        } else {
            text
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(
                self.fake.schema_violations(),
                [""; 0],
                "requests do not fit the API description"
            );
        }
    }
}

/// A text whose paths below `[temp]` have slashes, as they have elsewhere.
fn with_slashes(text: &str) -> String {
    let mut parts = text.split("[temp]");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let end = part
            .find(|letter: char| letter.is_whitespace() || "`\":,".contains(letter))
            .unwrap_or(part.len());
        format!(
            "{text}[temp]{}{}",
            part[..end].replace('\\', "/"),
            &part[end..]
        )
    })
}

/// The text of a JSON value without its quotes; nothing for `null`.
fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// File names of attachments, sorted.
pub(crate) fn names(attachments: &[Attachment]) -> Vec<String> {
    let mut names: Vec<String> = attachments
        .iter()
        .map(|attachment| attachment.file_name.clone())
        .collect();
    names.sort();
    names
}

/// Names of the files in a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there").flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();

    names
}
