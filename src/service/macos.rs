//! The service on macOS: launchd, as a daemon of the system or as an agent of the user. Checked by
//! the compiler and by `plutil`, not run: see docs/service.md.
//!
//! The crate `service-manager` is not used here: it would load the plist with the whole environment
//! of this process, `$KADO_TOKEN` included, and with a verb that says nothing of what went wrong;
//! to start it takes the key `Disabled` out of the plist, and to stop it ends a process that
//! launchd starts again at once. kado writes its plist, which is disabled and stays as it is;
//! `launchctl enable` overrules that, `bootstrap` loads it, and `bootout` takes the job away until
//! the next start of the machine.

#![expect(clippy::disallowed_methods, reason = "plists are files")]

mod account;
mod launchctl;
mod plist;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::SERVICE_NAME;
use crate::child_environment::program;
use crate::service::unix::account_in_words;
use crate::service::{Installation, ManagerState, Scope, ServiceError};
use crate::shell_word::single_quoted;

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
    write_plist(&file, &text).map_err(|source| failed("written", &file, source))?;
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
        std::fs::remove_file(&file).map_err(|source| failed("removed", &file, source))?;
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
        "sudo chmod -R +a '{account} allow {rights}' {}",
        single_quoted(folder.display())
    )
}

/// The command that runs a program as the service sees the machine: with its account.
pub(super) fn as_service(kado: &Path, arguments: &[String]) -> Result<Command, ServiceError> {
    installed(Scope::System)?;
    let mut command = program("sudo");
    command
        .args(["-u", ACCOUNT, "--"])
        .arg(kado)
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

/// launchd refuses a plist that others than its owner may write.
fn write_plist(file: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, text)?;
    std::fs::set_permissions(file, Permissions::from_mode(0o644))
}

fn installed(scope: Scope) -> Result<PathBuf, ServiceError> {
    let file = plist_file(scope)?;
    if file.is_file() {
        Ok(file)
    } else {
        Err(ServiceError::NotInstalled { scope })
    }
}

/// Where the plist lies.
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
