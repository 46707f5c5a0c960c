//! The service on macOS: launchd, as a daemon of the system or as an agent of the user. Checked by
//! the compiler and by `plutil`, not run: see docs/service.md.
//!
//! The crate `service-manager` writes kado's plist and loads it (which starts nothing, because it
//! is disabled), and removes it. What it does not do is done with `launchctl` here:
//!
//! * starting: the crate takes the key `Disabled` out of a plist and writes it again in its own
//!   form, so that the next installation would find somebody else's. It also loads it with the verb
//!   that came before `bootstrap`, which says nothing of what went wrong. kado's plist stays as it
//!   is, and `launchctl enable` overrules it;
//! * stopping: the crate's `stop` ends the process of a job with `KeepAlive`, which launchd starts
//!   again at once. `bootout` takes the job away until the next start of the machine;
//! * restarting, the account, whether the job is loaded and enabled, and its process: the crate has
//!   no such verbs.

#![expect(
    clippy::disallowed_methods,
    reason = "plists are files, and launchd is talked to by programs of the system"
)]

mod account;
mod launchctl;
mod plist;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use service_manager::{LaunchdServiceManager, ServiceManager as _, ServiceUninstallCtx};

use crate::SERVICE_NAME;
use crate::service::unix::{account_in_words, install_context, label};
use crate::service::{Installation, ManagerState, Scope, ServiceError};

pub(super) use crate::service::unix::{
    is_closed_to_service, is_dispatched, may_manage, may_see_all, open_to_service, own_account, run,
};
pub(super) use account::ACCOUNT;

use launchctl::Launchctl;

/// Makes the service known to launchd and lets it start with the machine; says what was changed.
pub(super) fn install(installation: &Installation) -> Result<Vec<String>, ServiceError> {
    let scope = installation.scope;
    let mut done = Vec::new();
    if scope == Scope::System {
        done.extend(account::make()?);
        for folder in [&installation.places.state, &installation.places.logs] {
            done.extend(account::make_folder(folder)?);
        }
    }

    let file = plist_file(scope)?;
    let text = plist::text(installation);
    if std::fs::read_to_string(&file).is_ok_and(|content| content == text) {
        return Ok(done);
    }

    // launchd keeps what it has loaded: the old one has to go before the new one counts.
    Launchctl::of(scope).bootout()?;
    manager(scope)
        .install(install_context(installation, text))
        .map_err(|source| failed("written", &file, source))?;
    done.push(format!("wrote `{}`", file.display()));
    Ok(done)
}

/// Stops the service and removes it; says what was changed.
pub(super) fn uninstall(scope: Scope) -> Result<Vec<String>, ServiceError> {
    let file = plist_file(scope)?;
    let mut done = Vec::new();
    if Launchctl::of(scope).bootout()? {
        done.push("stopped".to_owned());
    }

    if file.exists() {
        manager(scope)
            .uninstall(ServiceUninstallCtx { label: label() })
            .map_err(|source| failed("removed", &file, source))?;
        done.push(format!("removed `{}`", file.display()));
    }
    Ok(done)
}

/// Removes the account of the service; says what was changed.
pub(super) fn forget_account(scope: Scope) -> Result<Vec<String>, ServiceError> {
    match scope {
        Scope::System => account::remove(),
        Scope::User => Ok(Vec::new()),
    }
}

/// Starts it; whether it was not running before.
pub(super) fn start(scope: Scope) -> Result<bool, ServiceError> {
    let file = installed(scope)?;
    let launchctl = Launchctl::of(scope);
    launchctl.enable()?;

    if !launchctl.is_loaded() {
        launchctl.bootstrap(&file)?;
        return Ok(true);
    }
    if launchctl.pid().is_some() {
        return Ok(false);
    }

    // launchd waits for a while before it starts a job again that has failed; a person does not.
    launchctl.kickstart()?;
    Ok(true)
}

/// Stops it; whether it was running before. It starts again with the machine.
pub(super) fn stop(scope: Scope) -> Result<bool, ServiceError> {
    installed(scope)?;
    Launchctl::of(scope).bootout()
}

/// Stops it if it runs, and starts it.
pub(super) fn restart(scope: Scope) -> Result<(), ServiceError> {
    let file = installed(scope)?;
    // Not by `kickstart -k`, which takes the plist that is loaded and not the one that lies there
    // now.
    let launchctl = Launchctl::of(scope);
    launchctl.bootout()?;
    launchctl.enable()?;
    launchctl.bootstrap(&file)
}

/// What launchd knows of it.
pub(super) fn state(scope: Scope) -> Result<ManagerState, ServiceError> {
    let file = plist_file(scope)?;
    let installed = file.is_file();
    let launchctl = Launchctl::of(scope);
    let loaded = launchctl.is_loaded();
    let pid = launchctl.pid();

    let detail = match (installed, loaded, pid) {
        (false, ..) => "not installed",
        (true, _, Some(_)) => "running",
        (true, true, None) => "loaded and not running; the log says why",
        (true, false, None) => "not loaded",
    };

    Ok(ManagerState {
        installed,
        enabled: installed && launchctl.is_enabled()?,
        running: pid.is_some(),
        pid,
        detail: detail.to_owned(),
        account: account_in_words(scope, ACCOUNT),
        definition: file.display().to_string(),
    })
}

/// Always: the service reads the file itself.
pub(super) const fn hands_tokens_over(_scope: Scope) -> Result<(), ServiceError> {
    Ok(())
}

/// Lets a running service see the token that was stored: the file is read at every attempt, by the
/// service's account.
pub(super) fn token_changed(scope: Scope, file: &Path) -> Result<Vec<String>, ServiceError> {
    if scope == Scope::System {
        account::give(file)?;
    }
    Ok(vec!["the service reads it at its next attempt".to_owned()])
}

/// The command that lets an account read a folder and what will be in it.
pub(super) fn command_to_grant(folder: &Path, account: &str) -> String {
    let rights = "list,search,read,readattr,readextattr,file_inherit,directory_inherit";
    format!(
        "sudo chmod -R +a '{account} allow {rights}' '{}'",
        folder.display()
    )
}

/// The command that runs a program as the service sees the machine: with its account.
pub(super) fn as_service(program: &Path, arguments: &[String]) -> Result<Command, ServiceError> {
    installed(Scope::System)?;
    let mut command = Command::new("sudo");
    command
        .args(["-u", ACCOUNT, "--"])
        .arg(program)
        .args(arguments);
    Ok(command)
}

/// launchd does not ask.
pub(super) fn ready() {}

/// launchd does not ask.
pub(super) fn say(_text: &str) {}

/// launchd wants no signs of life.
pub(super) fn watchdog() -> Option<Duration> {
    None
}

/// launchd wants no signs of life.
pub(super) fn alive() {}

/// launchd does not ask.
pub(super) fn stopping() {}

fn manager(scope: Scope) -> LaunchdServiceManager {
    match scope {
        Scope::System => LaunchdServiceManager::system(),
        Scope::User => LaunchdServiceManager::user(),
    }
}

fn installed(scope: Scope) -> Result<PathBuf, ServiceError> {
    let file = plist_file(scope)?;
    if file.is_file() {
        Ok(file)
    } else {
        Err(ServiceError::NotInstalled { scope })
    }
}

/// Where the plist lies; `service-manager` does not say where it writes it.
fn plist_file(scope: Scope) -> Result<PathBuf, ServiceError> {
    let name = format!("{SERVICE_NAME}.plist");
    match scope {
        Scope::System => Ok(Path::new("/Library/LaunchDaemons").join(name)),
        Scope::User => {
            let dirs = directories::BaseDirs::new().ok_or_else(|| {
                ServiceError::Unsupported("this account has no home folder".to_owned())
            })?;
            Ok(dirs.home_dir().join("Library/LaunchAgents").join(name))
        }
    }
}

fn failed(action: &'static str, path: &Path, source: std::io::Error) -> ServiceError {
    ServiceError::File {
        action,
        path: path.to_owned(),
        source,
    }
}
