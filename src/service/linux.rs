//! The service on Linux: systemd, as a unit of the system or of the user.
//!
//! The crate `service-manager` writes the unit; what it does not do (reload after writing, enable
//! with the user's manager, the units that follow the token, how things stand) is done with
//! `systemctl` here. A machine on which a package put the unit keeps the package's.

#![expect(
    clippy::disallowed_methods,
    reason = "units are files, and the account is made by a program of the system"
)]

mod notify;
mod systemctl;
mod unit;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use service_manager::{
    RestartPolicy, ServiceInstallCtx, ServiceLabel, ServiceManager as _, SystemdServiceManager,
};

use crate::SERVICE_NAME;
use crate::service::command::output;
use crate::service::{Installation, Scope, ServiceError, Status, flag, places_of};

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
/// Folders that the account of the service cannot rely on, and why.
const UNFIT: [&str; 4] = ["/home", "/root", "/tmp", "/var/tmp"];

/// Makes the service known to systemd and lets it start with the machine; says what was changed.
pub(super) fn install(installation: &Installation) -> Result<Vec<String>, ServiceError> {
    let systemctl = Systemctl::of(installation.scope);
    systemctl.answers()?;
    let mut done = Vec::new();
    if installation.scope == Scope::System {
        fit(&installation.program)?;
        done.extend(make_account()?);
    }
    if !packaged(installation) {
        done.extend(write_units(installation)?);
    }
    if !done.is_empty() {
        systemctl.run(&["daemon-reload"])?;
    }
    if !systemctl.is_enabled(SERVICE)? {
        systemctl.run(&["enable", SERVICE])?;
        done.push(format!("enabled `{SERVICE}`"));
    }
    if installation.scope == Scope::System && !systemctl.is_active(TOKEN_PATH)? {
        systemctl.run(&["enable", "--now", TOKEN_PATH])?;
        done.push(format!("enabled `{TOKEN_PATH}`"));
    }
    Ok(done)
}

/// Stops the service and removes it; says what was changed. A package's unit is only switched off.
pub(super) fn uninstall(scope: Scope) -> Result<Vec<String>, ServiceError> {
    let systemctl = Systemctl::of(scope);
    systemctl.answers()?;
    let mut done = Vec::new();
    for unit in units(scope) {
        if systemctl.is_loaded(unit)?
            && (systemctl.is_enabled(unit)? || systemctl.is_active(unit)?)
        {
            systemctl.run(&["disable", "--now", unit])?;
            done.push(format!("stopped and disabled `{unit}`"));
        }
        let file = folder(scope)?.join(unit);
        match std::fs::remove_file(&file) {
            Ok(()) => done.push(format!("removed `{}`", file.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => {
                return Err(ServiceError::File {
                    action: "removed",
                    path: file,
                    source,
                });
            }
        }
    }
    if !done.is_empty() {
        systemctl.run(&["daemon-reload"])?;
    }
    Ok(done)
}

/// Removes the account of the service; says what was changed.
pub(super) fn forget_account(scope: Scope) -> Result<Vec<String>, ServiceError> {
    if scope == Scope::User
        || !command(Command::new("getent").args(["passwd", ACCOUNT])).is_ok_and(|found| found)
    {
        return Ok(Vec::new());
    }
    command(Command::new("userdel").arg(ACCOUNT))?;
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
    let active = systemctl.is_active(SERVICE)?;
    systemctl.run(&["stop", SERVICE])?;
    Ok(active)
}

/// Stops it if it runs, and starts it.
pub(super) fn restart(scope: Scope) -> Result<(), ServiceError> {
    let systemctl = installed(scope)?;
    systemctl.run(&["reset-failed", SERVICE])?;
    systemctl.run(&["restart", SERVICE])
}

/// How it stands.
pub(super) fn status(scope: Scope) -> Result<Status, ServiceError> {
    let places = places_of(scope)?;
    let shown = Systemctl::of(scope).show(SERVICE)?;
    let account = if scope == Scope::System {
        ACCOUNT.to_owned()
    } else {
        "your own".to_owned()
    };
    Ok(Status {
        scope: scope.word(),
        installed: shown.loaded(),
        enabled: shown.enabled(),
        running: shown.running(),
        pid: shown.pid(),
        detail: shown.in_words(),
        account,
        definition: shown.file(),
        config: places.config,
        state: places.state,
        logs: places.logs,
    })
}

/// Refuses, before anything is stored, where systemd would not hand the token over.
pub(super) fn hands_tokens_over(scope: Scope) -> Result<(), ServiceError> {
    let systemctl = Systemctl::of(scope);
    match systemctl
        .version()
        .filter(|version| scope == Scope::System && *version < WITH_CREDSTORE)
    {
        None => Ok(()),
        Some(version) => Err(ServiceError::Unsupported(format!(
            "systemd {version} does not hand a stored token to the service; that takes {WITH_CREDSTORE}. Set \
             `azure.token_file` in kado.toml to a file of root's with group `{ACCOUNT}` and mode 640 instead"
        ))),
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
    let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
    let closed: Vec<_> = folder
        .ancestors()
        .skip(1)
        .filter(|above| is_closed(above))
        .map(quoted)
        .collect();
    let way = match closed.as_slice() {
        [] => String::new(),
        closed => format!("sudo setfacl -m u:{account}:x {} && ", closed.join(" ")),
    };
    format!(
        "{way}sudo setfacl -R -m u:{account}:rX,d:u:{account}:rX {}",
        quoted(folder)
    )
}

/// Whether a folder lets only its owner or group pass, as far as this account may know.
fn is_closed(folder: &Path) -> bool {
    match std::fs::metadata(folder) {
        Ok(metadata) => metadata.mode() & 0o001 == 0,
        Err(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
    }
}

/// The command that runs a program as the service sees the machine: with the settings of its unit,
/// drop-ins included.
pub(super) fn as_service(program: &Path, arguments: &[String]) -> Result<Command, ServiceError> {
    let units = installed(Scope::System)?.text(SERVICE)?;
    let mut command = Command::new("systemd-run");
    command.args(["--pipe", "--wait", "--collect", "--quiet"]);
    command.args(
        unit::surroundings(&units)
            .into_iter()
            .map(|setting| format!("--property={setting}")),
    );
    command.arg("--").arg(program).args(arguments);
    Ok(command)
}

fn installed(scope: Scope) -> Result<Systemctl, ServiceError> {
    let systemctl = Systemctl::of(scope);
    if systemctl.is_loaded(SERVICE)? {
        Ok(systemctl)
    } else {
        Err(ServiceError::NotInstalled { scope })
    }
}

fn units(scope: Scope) -> &'static [&'static str] {
    match scope {
        Scope::System => &[SERVICE, TOKEN_PATH, TOKEN_SERVICE],
        Scope::User => &[SERVICE],
    }
}

/// Where units are installed that no package brought.
fn folder(scope: Scope) -> Result<PathBuf, ServiceError> {
    match scope {
        Scope::System => Ok(service_manager::systemd_global_dir_path()),
        Scope::User => service_manager::systemd_user_dir_path().map_err(|error| {
            ServiceError::Unsupported(format!("there is no folder for units: {error}"))
        }),
    }
}

/// Whether a package brought this very service.
fn packaged(installation: &Installation) -> bool {
    let unit = installation.scope == Scope::System
        && PACKAGED
            .iter()
            .any(|folder| Path::new(folder).join(SERVICE).is_file());
    unit && installation.program == Path::new(unit::PROGRAM)
        && installation.config == installation.places.config
}

/// A service must not depend on a file in somebody's home folder or in one that is emptied.
fn fit(program: &Path) -> Result<(), ServiceError> {
    let Some(folder) = UNFIT.iter().find(|folder| program.starts_with(folder)) else {
        return Ok(());
    };
    Err(ServiceError::Program {
        program: program.to_owned(),
        why: format!(
            "the service's account cannot rely on `{folder}`; put it to /usr/local/bin and run that one, or install for your \
             own account with `kado service install{}`",
            flag(Scope::User)
        ),
    })
}

fn make_account() -> Result<Vec<String>, ServiceError> {
    if command(Command::new("getent").args(["passwd", ACCOUNT])).is_ok_and(|found| found) {
        return Ok(Vec::new());
    }
    for line in unit::SYSUSERS
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        command(Command::new("systemd-sysusers").args(["--inline", line]))?;
    }
    Ok(vec![format!("made the account and the group `{ACCOUNT}`")])
}

/// Writes the units that differ from what is there.
fn write_units(installation: &Installation) -> Result<Vec<String>, ServiceError> {
    let folder = folder(installation.scope)?;
    let mut done = Vec::new();
    let unit = unit::service(installation);
    let file = folder.join(SERVICE);
    if !holds(&file, &unit) {
        let failed = |source| ServiceError::File {
            action: "written",
            path: file.clone(),
            source,
        };
        manager(installation.scope)
            .install(context(installation, unit))
            .map_err(failed)?;
        done.push(format!("wrote `{}`", file.display()));
    }
    if installation.scope == Scope::System {
        for (name, text) in [
            (TOKEN_PATH, unit::TOKEN_PATH),
            (TOKEN_SERVICE, unit::TOKEN_SERVICE),
        ] {
            let file = folder.join(name);
            if !holds(&file, text) {
                let failed = |source| ServiceError::File {
                    action: "written",
                    path: file.clone(),
                    source,
                };
                std::fs::write(&file, text).map_err(failed)?;
                done.push(format!("wrote `{}`", file.display()));
            }
        }
    }
    Ok(done)
}

fn holds(file: &Path, text: &str) -> bool {
    std::fs::read_to_string(file).is_ok_and(|found| found == text)
}

fn manager(scope: Scope) -> SystemdServiceManager {
    match scope {
        Scope::System => SystemdServiceManager::system(),
        Scope::User => SystemdServiceManager::user(),
    }
}

/// Everything that counts stands in the unit; the rest of the context is not looked at. Enabling
/// waits until systemd has read the unit.
fn context(installation: &Installation, unit: String) -> ServiceInstallCtx {
    ServiceInstallCtx {
        label: ServiceLabel {
            qualifier: None,
            organization: None,
            application: SERVICE_NAME.to_owned(),
        },
        program: installation.program.clone(),
        args: Vec::new(),
        contents: Some(unit),
        username: None,
        working_directory: None,
        environment: None,
        autostart: false,
        restart_policy: RestartPolicy::default(),
    }
}

/// Runs a program of the system; whether it ended well.
fn command(command: &mut Command) -> Result<bool, ServiceError> {
    output(command).map(|_| true)
}
