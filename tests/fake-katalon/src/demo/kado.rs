//! The real kado: found, configured, started, asked, stopped.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// How long kado may take to stop.
const STOPPING: Duration = Duration::from_secs(15);

/// Finds kado beside the demo, where `cargo demo` puts both.
pub fn find() -> Result<PathBuf> {
    let own = env::current_exe().context("the demo does not know where it lies")?;
    let program = own.with_file_name(format!("kado{}", env::consts::EXE_SUFFIX));

    if !program.is_file() {
        bail!(
            "{} is missing; start the demo with `cargo demo`",
            program.display()
        );
    }

    Ok(program)
}

/// Writes a `kado.toml` that watches the workspace and shows suites while they run. No Katalon
/// with a licence is here, so nobody waits for one.
pub fn write_config(temp: &Path) -> Result<PathBuf> {
    let path = temp.join("kado.toml");
    let (work, state) = (quoted(&temp.join("workspace")), quoted(&temp.join("state")));
    let text = format!(
        "watch = [{work}]\nstate_dir = {state}\n[submit]\nkatalon_submits = \"never\"\nlive = true\n"
    );
    fs::write(&path, &text).with_context(|| format!("{} could not be written", path.display()))?;
    for line in text.lines().filter(|line| !line.is_empty()) {
        crate::say(&format!("kado.toml: {line}"));
    }

    Ok(path)
}

/// The folder without links in its path; on Windows as it is, for the other form is not one for
/// people.
pub fn plain_path(folder: &Path) -> Result<PathBuf> {
    if cfg!(windows) {
        return Ok(folder.to_owned());
    }
    folder
        .canonicalize()
        .with_context(|| format!("{} cannot be found", folder.display()))
}

/// A path as a basic string of TOML, whose escapes JSON's are.
fn quoted(path: &Path) -> Value {
    Value::String(path.to_string_lossy().into_owned())
}

/// A `kado` of this machine that no environment of the developer's talks into anything.
fn command(program: &Path, arguments: &[&str], config: &Path) -> Command {
    let mut command = Command::new(program);
    for name in [
        "KADO_CONFIG",
        "KADO_TOKEN",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ] {
        command.env_remove(name);
    }

    command
        .env("NO_PROXY", "127.0.0.1,localhost")
        .args(arguments)
        .arg("--config")
        .arg(config);

    command
}

/// What `kado runs --json` says; `None` if it cannot be had.
pub fn ledger(program: &Path, config: &Path) -> Option<Value> {
    let output = command(program, &["runs", "--json"], config)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    serde_json::from_slice(&output.stdout).ok()
}

/// `kado run` as a child whose log lines are shown.
pub struct Service {
    child: Child,
    printer: Option<JoinHandle<()>>,
}

/// How the service ended.
pub struct Exit {
    status: ExitStatus,
    took: Duration,
}

impl Service {
    /// Starts it.
    pub fn start(program: &Path, config: &Path) -> Result<Self> {
        let mut child = command(program, &["run"], config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} could not be started", program.display()))?;
        let log = child.stderr.take();
        let printer = thread::spawn(move || {
            for line in log
                .into_iter()
                .flat_map(|log| BufReader::new(log).lines())
                .map_while(Result::ok)
            {
                println!("      kado | {line}");
            }
        });

        Ok(Self {
            child,
            printer: Some(printer),
        })
    }

    /// Fails if it ended by itself.
    pub fn check(&mut self) -> Result<()> {
        match self
            .child
            .try_wait()
            .context("kado cannot be looked after")?
        {
            Some(status) => bail!("kado ended by itself: {status}"),
            None => Ok(()),
        }
    }

    /// Asks it to end, and waits.
    pub fn stop(mut self) -> Result<Exit> {
        let since = Instant::now();
        self.ask_to_end()?;

        while since.elapsed() < STOPPING {
            if let Some(status) = self
                .child
                .try_wait()
                .context("kado cannot be looked after")?
            {
                if let Some(printer) = self.printer.take() {
                    drop(printer.join());
                }
                return Ok(Exit {
                    status,
                    took: since.elapsed(),
                });
            }
            thread::sleep(Duration::from_millis(50));
        }

        bail!("kado did not end within {} s", STOPPING.as_secs())
    }

    #[cfg(unix)]
    fn ask_to_end(&mut self) -> Result<()> {
        let status = Command::new("kill")
            .arg("-TERM")
            .arg(self.child.id().to_string())
            .status()?;
        if !status.success() {
            bail!("kado could not be asked to end");
        }

        Ok(())
    }

    /// Without a console of its own it cannot be asked; the service manager would.
    #[cfg(not(unix))]
    fn ask_to_end(&mut self) -> Result<()> {
        self.child.kill().context("kado could not be ended")
    }
}

impl Drop for Service {
    /// Nothing of the demo stays behind.
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Exit {
    /// Whether it ended as it should: on Windows the demo can only end it hard.
    pub fn is_clean(&self) -> bool {
        self.status.success() || !cfg!(unix)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = self.took.as_secs_f32();
        match self.status.code() {
            Some(code) => write!(f, "it ended after {took:.1} s with exit code {code}"),
            None => write!(f, "it ended after {took:.1} s without an exit code"),
        }
    }
}
