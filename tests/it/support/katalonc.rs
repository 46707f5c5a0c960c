//! The stand-in for katalonc of crate `fake-katalon`, as a program.

#![expect(clippy::disallowed_methods, reason = "tests build and start programs")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use super::service::wait_until;

/// The program: what `$FAKE_KATALONC` names, where there is no cargo beside the tests, else built when the first test
/// asks for it.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| std::env::var_os("FAKE_KATALONC").map_or_else(build, PathBuf::from))
}

/// Builds it in the profile of the tests; cargo says where it lies. With the whole workspace its libraries have the same
/// features as those of the tests, so that next to nothing is built.
fn build() -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--locked", "--workspace"]);
    cargo.args(["--bin", "katalonc", "--message-format", "json-render-diagnostics"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let built = cargo.stderr(Stdio::inherit()).output().expect("cargo can be started");
    let messages = String::from_utf8(built.stdout).expect("cargo writes UTF-8");
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let programs: Vec<PathBuf> =
        artifacts.filter_map(|artifact| Some(PathBuf::from(artifact["executable"].as_str()?))).collect();
    programs.into_iter().next_back().expect("cargo built katalonc")
}

/// The usual arguments for a suite of a project.
pub fn arguments(project: &Path, suite: &str, more: &[&str]) -> Vec<String> {
    let usual = ["-noSplash", "-runMode=console", "-browserType=Chrome", "-apiKey=secret-api-key"];
    let own = [format!("-projectPath={}", project.display()), format!("-testSuitePath={suite}")];
    usual.map(str::to_owned).into_iter().chain(own).chain(more.iter().map(|more| (*more).to_owned())).collect()
}

/// A running katalonc; dropping it kills it.
pub struct Katalonc {
    child: Child,
    hold: PathBuf,
}

impl Katalonc {
    /// Starts a suite that does not end before [`Katalonc::end`]; `place` is a folder for what the two tell each other.
    pub fn start(place: &Path, arguments: &[String]) -> Self {
        Self::start_with(place, arguments, |_| ())
    }

    /// The same with changes to the command.
    pub fn start_with(place: &Path, arguments: &[String], change: impl Fn(&mut Command)) -> Self {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let hold = place.join(format!("hold-{number}"));
        std::fs::write(&hold, "").expect("the folder is there");
        let mut command = Command::new(program());
        command.args(arguments).env("FAKE_HOLD", &hold).stdin(Stdio::null()).stdout(Stdio::null());
        change(&mut command);
        Self { child: command.spawn().expect("katalonc starts"), hold }
    }

    /// Lets the suite end, and waits for katalonc.
    pub fn end(mut self) {
        std::fs::remove_file(&self.hold).expect("it is held");
        let ended = wait_until("katalonc to end", || self.child.try_wait().ok().flatten().ok_or_else(String::new));
        assert!(ended.success(), "{ended}");
    }

    /// Kills katalonc in the middle of the suite.
    pub fn kill(mut self) {
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
