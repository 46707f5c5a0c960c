//! The stand-in for katalonc of crate `fake-katalon`, as a program.

#![expect(clippy::disallowed_methods, reason = "tests build and start programs")]

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use super::waiting::wait_until;

/// The program: what `$FAKE_KATALONC` names, where there is no cargo beside the tests; else the one
/// that was built with the tests of its crate; else built when the first test asks for it.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| match std::env::var_os("FAKE_KATALONC") {
        Some(named) => PathBuf::from(named),
        None => built_beside().unwrap_or_else(built),
    })
}

/// The program that a build of the whole workspace left beside kado, unless its sources changed
/// since.
fn built_beside() -> Option<PathBuf> {
    let name = format!("katalonc{}", std::env::consts::EXE_SUFFIX);
    let program = Path::new(env!("CARGO_BIN_EXE_kado")).with_file_name(name);

    (modified(&program)? >= newest(&sources())?).then_some(program)
}

/// Where its sources lie.
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fake-katalon")
}

/// The program, built at most once for these tests as they are, although each of them may be a
/// process of its own: a file beside kado says for which tests it was built and where it lies, and
/// is locked meanwhile.
fn built() -> PathBuf {
    let kado = Path::new(env!("CARGO_BIN_EXE_kado"));
    let note = kado.with_file_name("katalonc-of-tests");
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&note)
        .expect("it is ours");

    file.lock().expect("a file can be locked");
    let mut noted = String::new();
    file.read_to_string(&mut noted).expect("it is text");
    let wanted = these_tests();

    if let Some((tests, program)) = noted.split_once('\n')
        && tests == wanted
        && Path::new(program).exists()
    {
        return program.into();
    }

    let program = build();
    file.set_len(0)
        .and_then(|()| file.rewind())
        .expect("it can be emptied");
    write!(file, "{wanted}\n{}", program.display()).expect("it can be written");

    program
}

/// What tells these tests and the sources of the program from others.
fn these_tests() -> String {
    let tests = std::env::current_exe().expect("a test has a program");
    let newest = newest(&sources()).max(modified(&tests));

    format!(
        "{} {}",
        tests.display(),
        newest.map_or(0, |time| time.as_nanos())
    )
}

/// When the newest file in a folder was changed.
fn newest(folder: &Path) -> Option<Duration> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .map(|path| {
            if path.is_dir() {
                newest(&path)
            } else {
                modified(&path)
            }
        })
        .max()?
}

fn modified(file: &Path) -> Option<Duration> {
    let modified = file
        .metadata()
        .and_then(|metadata| metadata.modified())
        .ok()?;
    modified.duration_since(SystemTime::UNIX_EPOCH).ok()
}

/// Builds it in the profile of the tests; cargo says where it lies. That takes minutes once:
/// without the tests its libraries have other features.
fn build() -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args([
        "build",
        "--quiet",
        "--locked",
        "--workspace",
    ]);
    cargo.args([
        "--bin",
        "katalonc",
        "--message-format",
        "json-render-diagnostics",
    ]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }

    let built = cargo
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo can be started");

    let messages = String::from_utf8(built.stdout).expect("cargo writes UTF-8");
    let artifacts = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let programs: Vec<PathBuf> = artifacts
        .filter_map(|artifact| Some(PathBuf::from(artifact["executable"].as_str()?)))
        .collect();
    programs
        .into_iter()
        .next_back()
        .expect("cargo built katalonc")
}

/// The usual arguments for a suite of a project.
pub(crate) fn arguments(project: &Path, suite: &str, more: &[&str]) -> Vec<String> {
    let usual = [
        "-noSplash",
        "-runMode=console",
        "-browserType=Chrome",
        "-apiKey=secret-api-key",
    ];
    let own = [
        format!("-projectPath={}", project.display()),
        format!("-testSuitePath={suite}"),
    ];
    usual
        .map(str::to_owned)
        .into_iter()
        .chain(own)
        .chain(more.iter().map(|more| (*more).to_owned()))
        .collect()
}

/// A running katalonc; dropping it kills it.
pub(crate) struct Katalonc {
    child: Child,
    hold: PathBuf,
}

impl Katalonc {
    /// Starts a suite that does not end before [`Katalonc::end`]; `place` is a folder for what the
    /// two tell each other.
    pub(crate) fn start(place: &Path, arguments: &[String]) -> Self {
        Self::start_with(place, arguments, |_| ())
    }

    /// The same with changes to the command.
    pub(crate) fn start_with(
        place: &Path,
        arguments: &[String],
        change: impl Fn(&mut Command),
    ) -> Self {
        let mut command = Command::new(program());
        command.args(arguments);
        change(&mut command);

        Self::start_command(place, command)
    }

    /// Starts a command that leads to katalonc, such as a script around [`program`].
    pub(crate) fn start_command(place: &Path, mut command: Command) -> Self {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let hold = place.join(format!("hold-{number}"));
        std::fs::write(&hold, "").expect("the folder is there");
        command
            .env("FAKE_HOLD", &hold)
            .stdin(Stdio::null())
            .stdout(Stdio::null());

        Self {
            child: command.spawn().expect("katalonc starts"),
            hold,
        }
    }

    /// Lets the suite end, and waits for katalonc.
    pub(crate) fn end(mut self) {
        std::fs::remove_file(&self.hold).expect("it is held");

        let ended = wait_until("katalonc to end", || {
            self.child.try_wait().ok().flatten().ok_or_else(String::new)
        });

        assert!(ended.success(), "{ended}");
    }

    /// Kills katalonc in the middle of the suite.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ended");
    }
}

impl Drop for Katalonc {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
