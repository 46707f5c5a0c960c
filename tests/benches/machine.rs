//! A test machine for a measurement: a fake Azure DevOps, Katalon projects, and the built kado.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use fake_ado::{FakeAdo, Fault, FaultAction, Nth, World};
use fake_katalon::{AzureSettings, ProjectWriter, Sending, SuiteRunWriter, Test, TestCaseFile};

/// The test plan.
pub(crate) const PLAN: u32 = 18;
/// The token of everybody.
pub(crate) const TOKEN: &str = "bench";
/// A folder has to be still for a second before it is due, and settings that were written just now
/// are waited for; it is the change time that counts.
const STILL: Duration = Duration::from_secs(3);

/// A machine that is measured.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
    /// The first project.
    pub(crate) project: PathBuf,
    /// The other side.
    pub(crate) ado: FakeAdo,
    ado_started: Instant,
}

/// What a command cost.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    /// From its start to its end.
    pub(crate) time: Duration,
    /// From its start to its first request; `None` when it sent none.
    pub(crate) first_request: Option<Duration>,
    /// Requests.
    pub(crate) requests: usize,
    /// Most requests at once.
    pub(crate) at_once: usize,
    /// Processor time, in seconds.
    pub(crate) processor: f64,
    /// Most memory, in MB.
    pub(crate) peak_mb: f64,
}

impl Machine {
    /// A machine with a project of so many test cases, whose server answers after `delay`.
    pub(crate) fn new(tests: u32, delay: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::new("org")
            .token(TOKEN)
            .no_schema()
            .project("Shop")
            .configuration(1, "Any")
            .plan(PLAN, "P")
            .suite(20, "S");
        for number in 0..tests {
            world =
                world
                    .test_case(1000 + number, "Case")
                    .point(50_000 + number, 20, 1000 + number, 1);
        }

        let ado_started = Instant::now();
        let ado = FakeAdo::start_blocking("127.0.0.1:0".parse().unwrap(), world).unwrap();
        if !delay.is_zero() {
            let delay = FaultAction::Delay(delay.as_millis() as u64);
            ado.fault(Fault::new("*", "/", Nth::Every, delay));
        }

        let machine = Self {
            project: folder.path().join("work").join("Shop"),
            folder,
            ado,
            ado_started,
        };
        machine.write_project(&machine.project, tests);
        machine.configure("");
        machine
    }

    /// Lines for kado.toml beside what every machine has.
    pub(crate) fn configure(&self, lines: &str) {
        let text = format!(
            "watch = [\"work\"]\nstate_dir = \"state\"\nruns_from = \"any\"\n{lines}\n\
             [status_page]\nlisten = \"\"\n"
        );
        fs::write(self.config(), text).unwrap();
    }

    /// The folder of everything that belongs to it.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("kado.toml")
    }

    /// The project itself for 0, else another one like it, made when it is first asked for.
    pub(crate) fn project_number(&self, number: u32) -> PathBuf {
        if number == 0 {
            return self.project.clone();
        }
        let root = self.project.with_file_name(format!("Shop {number}"));
        if !root.exists() {
            self.write_project(&root, 20);
        }
        root
    }

    fn write_project(&self, root: &Path, tests: u32) {
        let settings = AzureSettings {
            sending: Sending::All,
            ..AzureSettings::connected(&self.ado.base_url(), TOKEN, "Shop", (PLAN, "P"))
        };
        let mut writer = ProjectWriter::new(root).name("Shop").azure(settings);
        for number in 0..tests {
            let id = (1000 + number).to_string();
            writer = writer.test_case(TestCaseFile::new(&name(number)).azure(&id));
        }
        writer.write().unwrap();
    }

    /// A command of kado's, to its end.
    pub(crate) fn measure(&self, arguments: &[&str]) -> Cost {
        self.measure_command(self.command(arguments))
    }

    /// A command that sends to this server, to its end; it says nothing.
    pub(crate) fn measure_command(&self, mut command: Command) -> Cost {
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.ado.clear_requests();
        let begun = Instant::now();
        let mut child = command.spawn().unwrap();
        let mut peak_kb = 0;
        let mut processor: f64 = 0.0;
        while child.try_wait().unwrap().is_none() {
            peak_kb = peak_kb.max(peak_of(child.id()));
            processor = processor.max(processor_time(child.id()));
            sleep(Duration::from_millis(2));
        }

        Cost {
            processor,
            ..self.cost_since(begun, peak_kb)
        }
    }

    /// What everything since `begun` cost.
    pub(crate) fn cost_since(&self, begun: Instant, peak_kb: u64) -> Cost {
        let time = begun.elapsed();
        let requests = self.ado.requests();
        let first_request = requests.first().map(|first| {
            let arrived = self.ado_started + Duration::from_millis(first.at_ms);
            arrived.saturating_duration_since(begun)
        });
        Cost {
            time,
            first_request,
            requests: requests.len(),
            at_once: self.ado.peak_connections(),
            processor: 0.0,
            peak_mb: peak_kb as f64 / 1024.0,
        }
    }

    /// Starts kado; it says nothing.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kado"));
        command.args(arguments).arg("--config").arg(self.config());
        command
    }

    /// How many test runs are complete.
    pub(crate) fn completed(&self) -> usize {
        let world = self.ado.world();
        let runs = world.runs();
        runs.iter().filter(|run| run.state == "Completed").count()
    }
}

/// A suite run of so many tests, the first of which failed with a picture each.
pub(crate) fn run(tests: u32, pictures: u32, number: u32) -> SuiteRunWriter {
    let mut all = Vec::new();
    for test in 0..tests {
        all.push(if test < pictures {
            Test::failed(&name(test), "Object 'Page/button' is not present").screenshot()
        } else {
            Test::passed(&name(test))
        });
    }
    let start: jiff::Timestamp = "2026-01-05T08:00:00Z".parse().unwrap();
    SuiteRunWriter::new("Test Suites/Bench")
        .start(start + Duration::from_secs(60 * u64::from(number)))
        .tests(all)
}

pub(crate) fn name(number: u32) -> String {
    format!("Test Cases/Case {number}")
}

/// Waits until a folder that was just written is one that has been still for long.
pub(crate) fn settle() {
    sleep(STILL);
}

/// Makes the files of a folder an hour old, by their modification times.
pub(crate) fn age(folder: &Path) {
    let old = FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(3600));
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            age(&entry.path());
        } else {
            let file = File::options().append(true).open(entry.path()).unwrap();
            file.set_times(old).unwrap();
        }
    }
}

/// `VmHWM` of a process in kB; 0 where the system has no such file.
pub(crate) fn peak_of(process: u32) -> u64 {
    let status = Path::new("/proc").join(process.to_string()).join("status");
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok())
        .unwrap_or(0)
}

/// Seconds of processor time that a process took; 0 where the system has no such file.
pub(crate) fn processor_time(process: u32) -> f64 {
    let stat = Path::new("/proc").join(process.to_string()).join("stat");
    let text = fs::read_to_string(stat).unwrap_or_default();

    // The name in parentheses may hold blanks; user and system time are the 12th and 13th behind
    // it, in hundredths of a second.
    let behind = text.rsplit_once(')').map_or("", |(_, behind)| behind);
    let fields: Vec<&str> = behind.split_whitespace().collect();
    let hundredths = |index: usize| -> f64 {
        fields
            .get(index)
            .and_then(|field| field.parse().ok())
            .unwrap_or(0.0)
    };
    (hundredths(11) + hundredths(12)) / 100.0
}
