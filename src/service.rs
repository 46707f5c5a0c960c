//! kado as a service of the system: what is the same everywhere. The siblings `linux`, `macos` and
//! `windows` have the same functions, and each is the only place that knows its service manager.
//!
//! Every command is idempotent: it says what it changed, and nothing where all is as asked.
//! Installing never asks; what is left for a person is said afterwards. Uninstalling keeps
//! configuration, state and token unless it is told to purge.
//!
//! The second half are the hooks that the running service calls ([`ready`], [`say`], [`alive`],
//! [`stopping`]): they tell the service manager, where there is one, and cannot fail: a service
//! does not end because nobody listens.
//!
//! The crate `service-manager` does what of its ways is kado's: it writes the unit of systemd. The
//! head of each sibling says what it does itself, and why.

#[cfg(unix)]
mod command;
mod error;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
mod setup;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "macos")]
use macos as system;
#[cfg(windows)]
use windows as system;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

pub(crate) use crate::config::paths::Scope;

use crate::config::paths::{Places, places};
use crate::exit::Exit;
use crate::file_names::same;

pub(crate) use error::{ServiceError, flag};
pub(crate) use setup::{install, restart, start, store_token, uninstall};

/// What is to be installed.
#[derive(Clone, Debug)]
pub(crate) struct Installation {
    pub scope: Scope,
    /// The program, absolute.
    pub program: PathBuf,
    /// Where everything of the scope lies.
    pub places: Places,
    /// The configuration file: that of the scope unless `--config` names another.
    pub config: PathBuf,
}

impl Installation {
    /// The installation of this very program.
    ///
    /// # Errors
    /// When the system knows no home folder for the user, or does not say where the program lies.
    pub(crate) fn of_this_program(
        scope: Scope,
        config: Option<&Path>,
    ) -> Result<Self, ServiceError> {
        let places = places_of(scope)?;
        // Not what `PATH` names: a service must go on as the program that installed it.
        let program = std::env::current_exe().map_err(|error| {
            ServiceError::Unsupported(format!("the system does not say where kado lies: {error}"))
        })?;
        let config = config.map_or_else(|| places.config.clone(), Path::to_owned);

        Ok(Self {
            scope,
            program,
            places,
            config,
        })
    }

    /// Arguments of the program as a service. The configuration is named where it is not the
    /// system's own: a user's service must not fall for the system's file.
    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["run".to_owned()];
        if self.scope == Scope::User || self.config != self.places.config {
            arguments.extend(["--config".to_owned(), self.config.display().to_string()]);
        }
        arguments
    }

    /// The program and its arguments.
    #[cfg(unix)]
    fn command_line(&self) -> Vec<String> {
        let mut words = vec![self.program.display().to_string()];
        words.extend(self.arguments());
        words
    }
}

fn places_of(scope: Scope) -> Result<Places, ServiceError> {
    places(scope)
        .ok_or_else(|| ServiceError::Unsupported("this account has no home folder".to_owned()))
}

/// Whether `uninstall` leaves the person's things.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Leftovers {
    /// Configuration, state and token stay.
    Keep,
    /// They are removed.
    Purge,
}

/// What a command did, and what is left to a person.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Summary {
    /// What was changed, a sentence each; empty when everything was so already.
    pub done: Vec<String>,
    /// What to do next.
    pub next: Vec<String>,
}

/// What the service manager knows of the service.
#[derive(Clone, PartialEq, Eq, Debug)]
struct ManagerState {
    installed: bool,
    enabled: bool,
    running: bool,
    pid: Option<u32>,
    detail: String,
    account: String,
    definition: String,
}

/// `kado service status`, as JSON has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct ServiceStatus {
    /// `system` or `user`.
    pub scope: &'static str,
    /// Whether the service manager knows it.
    pub installed: bool,
    /// Whether it starts by itself.
    pub enabled: bool,
    /// Whether its process runs.
    pub running: bool,
    pub pid: Option<u32>,
    /// What the service manager says of it, such as `failed (exit code 2)`.
    pub detail: String,
    /// The account it runs as.
    pub account: String,
    /// The unit, plist or name by which the service manager knows it.
    pub definition: String,
    /// `kado.toml`.
    pub config: PathBuf,
    /// The state folder of the scope.
    pub state: PathBuf,
    /// The log folder of the scope.
    pub logs: PathBuf,
}

/// Ends the service in an orderly way.
///
/// # Errors
/// When there is none, or when the service manager refuses.
pub(crate) fn stop(scope: Scope) -> Result<Summary, ServiceError> {
    let mut summary = Summary::default();
    if system::stop(scope)? {
        summary.done.push("stopped".to_owned());
    }
    Ok(summary)
}

/// How the service is.
///
/// # Errors
/// When the service manager cannot be asked.
pub(crate) fn status(scope: Scope) -> Result<ServiceStatus, ServiceError> {
    let manager = system::state(scope)?;
    let places = places_of(scope)?;

    Ok(ServiceStatus {
        scope: scope.word(),
        installed: manager.installed,
        enabled: manager.enabled,
        running: manager.running,
        pid: manager.pid,
        detail: manager.detail,
        account: manager.account,
        definition: manager.definition,
        config: places.config,
        state: places.state,
        logs: places.logs,
    })
}

/// The account that the service of a scope runs as; `None` for the user's own.
fn account(scope: Scope) -> Option<&'static str> {
    match scope {
        Scope::System => Some(system::ACCOUNT),
        Scope::User => None,
    }
}

/// The command that lets an account read a folder and everything in it, and what will be in it.
pub(crate) fn command_to_grant(folder: &Path, account: &str) -> String {
    system::command_to_grant(folder, account)
}

/// What a person has to do so that this program may read a folder.
pub(crate) fn how_to_grant(folder: &Path) -> String {
    let account = own_account();
    let command = command_to_grant(folder, &account);
    format!(
        "`{account}`, which kado runs as here, has no right to read it; this gives it: `{command}`"
    )
}

/// Whose service and configuration this account may change: the system's with the rights for it,
/// else its own.
pub(crate) fn own_scope() -> Scope {
    match system::may_manage(Scope::System, "setting up this machine") {
        Ok(()) => Scope::System,
        Err(_) => Scope::User,
    }
}

/// Whether a token of this scope can be kept in the store ([`store_token`]), so that its service
/// gets it.
pub(crate) fn keeps_tokens(scope: Scope) -> bool {
    system::hands_tokens_over(scope).is_ok()
}

/// Lets the account of the system's service read a configuration that was just made.
///
/// # Errors
/// When the permissions cannot be set.
pub(crate) fn open_to_service(scope: Scope, file: &Path) -> std::io::Result<()> {
    system::open_to_service(scope, file)
}

/// The name of the account that this program runs as.
pub(crate) fn own_account() -> String {
    system::own_account()
}

/// The account of the installed service, if it is known to have no right to read a folder that this
/// program can read.
pub(crate) fn closed_to_service(folder: &Path) -> Option<&'static str> {
    if system::is_closed_to_service(folder) {
        Some(system::ACCOUNT)
    } else {
        None
    }
}

/// A remark if this program runs with other rights than the installed service of the system, and so
/// may see more.
pub(crate) fn another_account() -> Option<String> {
    if !system::may_see_all() {
        return None;
    }

    // Where the service manager does not answer, there is no service that would see less.
    let service = system::state(Scope::System).ok()?;
    if !service.installed {
        return None;
    }
    Some(format!(
        "`{}` may read more than `{}`, which the service runs as",
        system::own_account(),
        system::ACCOUNT
    ))
}

/// Whether a state folder is that of the service of the system, which is installed and runs as an
/// account of its own.
pub(crate) fn is_of_system(state_dir: &Path) -> bool {
    let is_its = places(Scope::System).is_some_and(|places| same(&places.state, state_dir));
    is_its && system::state(Scope::System).is_ok_and(|service| service.installed)
}

/// The command that runs kado with these arguments as the service of the system sees the machine:
/// with its account, its credential and its sandbox.
///
/// # Errors
/// When the service is not installed, or when this system cannot do that.
pub(crate) fn as_service(arguments: &[String]) -> Result<std::process::Command, ServiceError> {
    system::may_manage(Scope::System, "looking as the service does")?;
    let program = Installation::of_this_program(Scope::System, None)?.program;
    system::as_service(&program, arguments)
}

/// Why the service could not go on.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What it means to whoever started the program. systemd and launchd learn it as anybody does;
    /// the service manager of Windows has to be told.
    #[cfg_attr(unix, expect(dead_code, reason = "read on Windows"))]
    pub exit: Exit,
    /// What happened.
    pub error: anyhow::Error,
}

/// Runs `body` as the service manager of the system expects it of a service. `body` gets the token
/// that ends it: it is cancelled by the service manager where that does not send a signal.
///
/// # Errors
/// Those of `body`, and those of a service manager that cannot be reached.
pub(crate) fn run(
    body: impl FnOnce(CancellationToken) -> Result<Exit, Failure> + Send + 'static,
) -> anyhow::Result<Exit> {
    system::run(body)
}

/// Whether this process was started by a service manager that gives it no standard error: that of
/// Windows.
pub(crate) fn is_dispatched() -> bool {
    system::is_dispatched()
}

/// The service is up: its state is open and it begins to watch.
pub(crate) fn ready() {
    system::ready();
}

/// One line on what the service does, for people who ask the service manager.
pub(crate) fn say(text: &str) {
    system::say(text);
}

/// How often the service manager wants a sign of life; `None` when it wants none.
pub(crate) fn watchdog() -> Option<Duration> {
    system::watchdog()
}

/// A sign of life. Only who saw every part of the service turn may give it.
pub(crate) fn alive() {
    system::alive();
}

/// The service begins to end.
pub(crate) fn stopping() {
    system::stopping();
}
