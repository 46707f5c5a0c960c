//! The service on Linux: systemd, as a unit of the system or of the user. A machine on which a
//! package put the unit keeps the package's.
//!
//! The crate `service-manager` writes kado's unit. It would also call `systemctl`, but with the
//! whole environment of this process, `$KADO_TOKEN` included; so that is done here, and with it
//! what the crate has no verbs for:
//!
//! * a unit of a package is only enabled and disabled: the crate would write one of its own over
//!   it, and remove a file that is not there;
//! * the units that follow the stored token, the account, and reading units anew after they are
//!   removed: the crate knows one unit, and no accounts;
//! * starting a service that failed too often, and restarting: the crate has no such verbs;
//! * how the service is: the crate tells running from stopped, but no process, exit code, restarts
//!   or line of the service;
//! * the settings of the unit with its drop-ins, for [`as_service`].

#![expect(clippy::disallowed_methods, reason = "units are files")]

mod notify;
mod systemctl;
mod unit;

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use service_manager::{
    RestartPolicy, ServiceInstallCtx, ServiceLabel, ServiceManager as _, SystemdServiceManager,
};

use crate::SERVICE_NAME;
use crate::child_environment::program;
use crate::service::command::run as run_program;
use crate::service::unix::account_in_words;
use crate::service::{Installation, ManagerState, Scope, ServiceError, flag};
use crate::shell_word::single_quoted;

pub(super) use crate::service::unix::{
    is_closed_to_service, is_dispatched, may_manage, may_see_all, open_to_service, own_account, run,
};
pub(super) use notify::{alive, ready, say, stopping, watchdog};

use systemctl::{SERVICE, Systemctl};

/// The account of the system's service, made by systemd-sysusers.
pub(super) const ACCOUNT: &str = "kado";
/// The first systemd that looks for a unit's credentials in `/etc/credstore` (its NEWS).
const WITH_CREDSTORE: u32 = 251;
/// Follows the stored token, so that a new one is used without anybody's doing.
const TOKEN_PATH: &str = "kado-token.path";
/// What it starts.
const TOKEN_SERVICE: &str = "kado-token.service";
/// Where a package puts its units, by the age of the system.
const PACKAGED: [&str; 2] = ["/usr/lib/systemd/system", "/lib/systemd/system"];
/// Folders that the account of the service cannot rely on: homes are closed, the others emptied.
const UNFIT: [&str; 4] = ["/home", "/root", "/tmp", "/var/tmp"];

/// Makes the service known to systemd and lets it start with the machine; says what was changed.
pub(super) fn install(installation: &Installation) -> Result<Vec<String>, ServiceError> {
    let systemctl = Systemctl::of(installation.scope);
    // Before anything is written: containers often have no systemd, and half an installation helps
    // nobody.
    systemctl.answers()?;

    let mut done = Vec::new();
    if installation.scope == Scope::System {
        check_program(&installation.program)?;
        done.extend(make_account()?);
    }

    if is_packaged(installation) {
        if !systemctl.is_enabled(SERVICE)? {
            systemctl.run(&["enable", SERVICE])?;
            done.push(format!("enabled `{SERVICE}`"));
        }
    } else {
        done.extend(install_unit(installation, &systemctl)?);
        if installation.scope == Scope::System {
            done.extend(write_token_units()?);
        }
    }

    if !done.is_empty() {
        systemctl.run(&["daemon-reload"])?;
    }

    if installation.scope == Scope::System && !systemctl.is_active(TOKEN_PATH)? {
        systemctl.run(&["enable", "--now", TOKEN_PATH])?;
        done.push(format!("enabled `{TOKEN_PATH}`"));
    }
    Ok(done)
}

/// Writes kado's unit and enables it; says what was changed.
fn install_unit(
    installation: &Installation,
    systemctl: &Systemctl,
) -> Result<Vec<String>, ServiceError> {
    let file = unit_folder(installation.scope)?.join(SERVICE);
    let text = unit::service(installation);
    let is_written = holds(&file, &text);
    let is_enabled = systemctl.is_enabled(SERVICE)?;
    if is_written && is_enabled {
        return Ok(Vec::new());
    }

    manager(installation.scope)
        .install(install_context(installation, text))
        .map_err(|source| ServiceError::File {
            action: "written",
            path: file.clone(),
            source,
        })?;
    // Enabling one that is enabled changes nothing but that systemd reads the unit anew.
    systemctl.run(&["enable", SERVICE])?;

    let mut done = Vec::new();
    if !is_written {
        done.push(format!("wrote `{}`", file.display()));
    }
    if !is_enabled {
        done.push(format!("enabled `{SERVICE}`"));
    }
    Ok(done)
}

/// Stops the service and removes it; says what was changed. A package's unit is only switched off.
pub(super) fn uninstall(scope: Scope) -> Result<Vec<String>, ServiceError> {
    let systemctl = Systemctl::of(scope);
    systemctl.answers()?;

    let folder = unit_folder(scope)?;
    let mut done = uninstall_unit(&systemctl, &folder.join(SERVICE))?;
    if scope == Scope::System {
        for unit in [TOKEN_PATH, TOKEN_SERVICE] {
            done.extend(switch_off(&systemctl, unit)?);
            done.extend(remove_file(&folder.join(unit))?);
        }
    }

    if !done.is_empty() {
        systemctl.run(&["daemon-reload"])?;
    }
    Ok(done)
}

/// Stops the service and removes its unit.
fn uninstall_unit(systemctl: &Systemctl, file: &Path) -> Result<Vec<String>, ServiceError> {
    if !file.is_file() {
        return switch_off(systemctl, SERVICE);
    }

    let mut done = Vec::new();
    // Before its unit is gone: systemd would go on with a process that no unit describes.
    if is_on(systemctl, SERVICE)? {
        systemctl.run(&["stop", SERVICE])?;
        done.push(format!("stopped and disabled `{SERVICE}`"));
    }
    systemctl.run(&["disable", SERVICE])?;
    done.extend(remove_file(file)?);
    Ok(done)
}

/// Stops a unit and lets it start by itself no more; says what was changed.
fn switch_off(systemctl: &Systemctl, unit: &str) -> Result<Vec<String>, ServiceError> {
    if !is_on(systemctl, unit)? {
        return Ok(Vec::new());
    }
    systemctl.run(&["disable", "--now", unit])?;
    Ok(vec![format!("stopped and disabled `{unit}`")])
}

/// Whether a unit runs, or would start by itself.
fn is_on(systemctl: &Systemctl, unit: &str) -> Result<bool, ServiceError> {
    let properties = systemctl.show(unit)?;
    Ok(properties.is_loaded() && (properties.is_enabled() || properties.is_active()))
}

fn remove_file(file: &Path) -> Result<Vec<String>, ServiceError> {
    match std::fs::remove_file(file) {
        Ok(()) => Ok(vec![format!("removed `{}`", file.display())]),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(ServiceError::File {
            action: "removed",
            path: file.to_owned(),
            source,
        }),
    }
}

/// Removes the account of the service; says what was changed.
pub(super) fn forget_account(scope: Scope) -> Result<Vec<String>, ServiceError> {
    if scope == Scope::User || !has_account() {
        return Ok(Vec::new());
    }
    run_program(program("userdel").arg(ACCOUNT))?;
    Ok(vec![format!("removed the account `{ACCOUNT}`")])
}

/// Starts it; whether it was not running before.
pub(super) fn start(scope: Scope) -> Result<bool, ServiceError> {
    let systemctl = installed(scope)?;
    if systemctl.is_active(SERVICE)? {
        return Ok(false);
    }

    // A service that failed too often is to be started all the same when a person says so.
    systemctl.run(&["reset-failed", SERVICE])?;
    systemctl.run(&["start", SERVICE])?;
    Ok(true)
}

/// Stops it; whether it was running before.
pub(super) fn stop(scope: Scope) -> Result<bool, ServiceError> {
    let systemctl = installed(scope)?;
    let was_active = systemctl.is_active(SERVICE)?;
    // Also where it does not run: systemd may be about to start it again.
    systemctl.run(&["stop", SERVICE])?;
    Ok(was_active)
}

/// Stops it if it runs, and starts it.
pub(super) fn restart(scope: Scope) -> Result<(), ServiceError> {
    let systemctl = installed(scope)?;
    systemctl.run(&["reset-failed", SERVICE])?;
    systemctl.run(&["restart", SERVICE])
}

/// What systemd knows of it.
pub(super) fn state(scope: Scope) -> Result<ManagerState, ServiceError> {
    let properties = Systemctl::of(scope).show(SERVICE)?;
    Ok(ManagerState {
        installed: properties.is_loaded(),
        enabled: properties.is_enabled(),
        running: properties.is_running(),
        pid: properties.pid(),
        detail: properties.in_words(),
        account: account_in_words(scope, ACCOUNT),
        definition: properties.file(),
    })
}

/// Refuses, before anything is stored, where systemd would not hand the token over.
pub(super) fn hands_tokens_over(scope: Scope) -> Result<(), ServiceError> {
    if scope == Scope::User {
        return Ok(());
    }
    // Where systemd does not answer there may be one after the next start of the machine.
    match Systemctl::of(scope).version() {
        Some(version) if version < WITH_CREDSTORE => Err(ServiceError::Unsupported(format!(
            "systemd {version} does not hand a stored token to the service; that takes \
             {WITH_CREDSTORE}. Set `azure.token_file` in kado.toml to a file of root's with group \
             `{ACCOUNT}` and mode 640 instead"
        ))),
        _ => Ok(()),
    }
}

/// Lets a running service see the token that was stored; says what was changed.
///
/// systemd hands a credential over when the unit starts. The path unit of the system sees the new
/// file and starts the service again; where it does not run, that is done here. A user's service
/// reads the file itself.
pub(super) fn token_changed(scope: Scope, _file: &Path) -> Result<Vec<String>, ServiceError> {
    if scope == Scope::User {
        return Ok(vec!["the service reads it at its next attempt".to_owned()]);
    }

    let systemctl = Systemctl::of(scope);
    if systemctl.answers().is_err() || !systemctl.is_active(SERVICE)? {
        return Ok(vec!["the service reads it when it starts".to_owned()]);
    }

    if !systemctl.is_active(TOKEN_PATH)? {
        systemctl.run(&["try-restart", SERVICE])?;
    }
    Ok(vec![
        "systemd restarts the service with it; what waits for a token goes on".to_owned(),
    ])
}

/// The command that lets an account read a folder, what is in it and what will be, and pass through
/// the folders above it that are closed.
pub(super) fn command_to_grant(folder: &Path, account: &str) -> String {
    let mut command = String::new();
    let closed: Vec<String> = folder
        .ancestors()
        .skip(1)
        .filter(|above| is_closed(above))
        .map(|folder| single_quoted(folder.display()))
        .collect();
    if !closed.is_empty() {
        command = format!("sudo setfacl -m u:{account}:x {} && ", closed.join(" "));
    }

    command.push_str(&format!(
        "sudo setfacl -R -m u:{account}:rX,d:u:{account}:rX {}",
        single_quoted(folder.display())
    ));
    command
}

/// Whether a folder lets only its owner or group pass, as far as this account may know.
fn is_closed(folder: &Path) -> bool {
    match std::fs::metadata(folder) {
        // To pass through a folder takes no more than this bit; nothing above the folder is read.
        Ok(metadata) => metadata.mode() & 0o001 == 0,
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    }
}

/// The command that runs a program as the service sees the machine: with the settings of its unit,
/// drop-ins included.
pub(super) fn as_service(kado: &Path, arguments: &[String]) -> Result<Command, ServiceError> {
    let units = installed(Scope::System)?.text(SERVICE)?;
    let mut command = program("systemd-run");
    // With the output and the exit code of the program itself, and without a failed unit that
    // stays.
    command.args(["--pipe", "--wait", "--collect", "--quiet"]);
    for setting in unit::surroundings(&units) {
        command.arg(format!("--property={setting}"));
    }
    command.arg("--").arg(kado).args(arguments);
    Ok(command)
}

fn installed(scope: Scope) -> Result<Systemctl, ServiceError> {
    let systemctl = Systemctl::of(scope);
    if systemctl.show(SERVICE)?.is_loaded() {
        Ok(systemctl)
    } else {
        Err(ServiceError::NotInstalled { scope })
    }
}

/// Where units are installed that no package brought.
fn unit_folder(scope: Scope) -> Result<PathBuf, ServiceError> {
    match scope {
        Scope::System => Ok(service_manager::systemd_global_dir_path()),
        Scope::User => service_manager::systemd_user_dir_path().map_err(|error| {
            ServiceError::Unsupported(format!("there is no folder for units: {error}"))
        }),
    }
}

/// Whether a package brought this very service.
fn is_packaged(installation: &Installation) -> bool {
    installation.scope == Scope::System
        // A kado of somebody's own beside that of the package gets a unit of its own.
        && installation.program == Path::new(unit::PROGRAM)
        && installation.config == installation.places.config
        && PACKAGED
            .iter()
            .any(|folder| Path::new(folder).join(SERVICE).is_file())
}

/// Refuses a program in a place that the service's account cannot rely on.
fn check_program(program: &Path) -> Result<(), ServiceError> {
    let Some(folder) = UNFIT.iter().find(|folder| program.starts_with(folder)) else {
        return Ok(());
    };
    Err(ServiceError::Program {
        program: program.to_owned(),
        why: format!(
            "the service's account cannot rely on `{folder}`; copy it to /usr/local/bin and run \
             that one, or install for your own account with `kado service install{}`",
            flag(Scope::User)
        ),
    })
}

fn has_account() -> bool {
    // Not a look into a file: the account may come from a directory service.
    run_program(program("getent").args(["passwd", ACCOUNT])).is_ok()
}

fn make_account() -> Result<Vec<String>, ServiceError> {
    if has_account() {
        return Ok(Vec::new());
    }

    // Handed over line by line, because files in the folder of sysusers belong to packages.
    for line in unit::SYSUSERS.lines() {
        if !line.is_empty() && !line.starts_with('#') {
            run_program(program("systemd-sysusers").args(["--inline", line]))?;
        }
    }
    Ok(vec![format!("made the account and the group `{ACCOUNT}`")])
}

/// Writes the units that follow the stored token, where they differ from what is there.
fn write_token_units() -> Result<Vec<String>, ServiceError> {
    let folder = unit_folder(Scope::System)?;
    let mut done = Vec::new();
    for (name, text) in [
        (TOKEN_PATH, unit::TOKEN_PATH),
        (TOKEN_SERVICE, unit::TOKEN_SERVICE),
    ] {
        let file = folder.join(name);
        if holds(&file, text) {
            continue;
        }

        std::fs::write(&file, text).map_err(|source| ServiceError::File {
            action: "written",
            path: file.clone(),
            source,
        })?;
        done.push(format!("wrote `{}`", file.display()));
    }
    Ok(done)
}

fn holds(file: &Path, text: &str) -> bool {
    std::fs::read_to_string(file).is_ok_and(|content| content == text)
}

/// An installation with a unit of kado's own. Everything that counts stands in that text;
/// `service-manager` looks at the rest of the context only to make a text itself.
fn install_context(installation: &Installation, definition: String) -> ServiceInstallCtx {
    let label = ServiceLabel {
        // With more parts the unit would have another name than that of a package.
        qualifier: None,
        organization: None,
        application: SERVICE_NAME.to_owned(),
    };

    ServiceInstallCtx {
        label,
        program: installation.program.clone(),
        args: Vec::new(),
        contents: Some(definition),
        username: None,
        working_directory: None,
        environment: None,
        autostart: false,
        restart_policy: RestartPolicy::default(),
    }
}

fn manager(scope: Scope) -> SystemdServiceManager {
    match scope {
        Scope::System => SystemdServiceManager::system(),
        Scope::User => SystemdServiceManager::user(),
    }
}
