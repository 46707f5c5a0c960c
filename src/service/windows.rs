//! The service on Windows: a service of its own process, `kado`, with the virtual account `NT
//! SERVICE\kado`.
//!
//! `manager` asks the Service Control Manager for what is to be changed, `dispatch` answers it in
//! the running service. Windows has no services of a user.

mod dispatch;
mod error;
mod manager;

use std::path::Path;
use std::time::Duration;

use crate::SERVICE_NAME;
use crate::config::paths::{Places, read};
use crate::file_names::is_in;
use crate::service::{Installation, Scope, ServiceError, Status, places_of};
use crate::state_dir;
use crate::win32::access_list::Descriptor;
use crate::win32::calls;
use crate::win32::closed::{self, Service};
use crate::win32::event_log::{self, Registration};
use crate::win32::service_sid::service_sid;

pub(super) use dispatch::{is_dispatched, ready, run, stopping};

use manager::Manager;

/// The account of the system's service. Windows makes it with the service, it has no password, and
/// it may do nothing but what is granted to it or to everybody.
pub(super) const ACCOUNT: &str = r"NT SERVICE\kado";

/// How long the service may take to end; the step in hand gets five seconds of it.
const DRAIN: Duration = Duration::from_secs(20);

/// Groups that every service is in: everybody, authenticated users, users, services, all virtual
/// accounts, local.
const MEMBER_OF: [&str; 6] = [
    "S-1-1-0",
    "S-1-5-11",
    "S-1-5-32-545",
    "S-1-5-6",
    "S-1-5-80-0",
    "S-1-2-0",
];

/// Refuses what the account may not do.
pub(super) fn may_manage(scope: Scope, what: &str) -> Result<(), ServiceError> {
    for_the_machine(scope)?;
    Manager::to_change(what).map(|_| ())
}

/// Makes the folders of the service, which nobody else may use, before anything is written to them.
fn make_folders(installation: &Installation) -> Result<Vec<String>, ServiceError> {
    let places = &installation.places;
    let mut done = Vec::new();
    let folders = places
        .config
        .parent()
        .map(|folder| (folder, Service::Reads));
    for (folder, service) in folders
        .into_iter()
        .chain([(places.state.as_path(), Service::Writes)])
    {
        let made =
            closed::make_folder(folder, service).map_err(|source| unusable(folder, source))?;
        if made {
            done.push(format!(
                "closed `{}` to all but administrators and `{ACCOUNT}`",
                folder.display()
            ));
        }
    }
    Ok(done)
}

/// Makes the service known and lets it start with the machine; says what was changed.
pub(super) fn install(installation: &Installation) -> Result<Vec<String>, ServiceError> {
    fit(&installation.program)?;
    let mut done = make_folders(installation)?;
    if let Ok(config) = read(&installation.config) {
        // A `state_dir` elsewhere, where the account of the service may be allowed to make no
        // folder.
        state_dir::make(&config.state_dir).map_err(|source| unusable(&config.state_dir, source))?;
    }
    done.extend(register_source()?);
    done.extend(Manager::to_change("installing the service")?.install(installation)?);
    Ok(done)
}

/// Lets the Event Viewer show kado's entries; says what was changed.
fn register_source() -> Result<Vec<String>, ServiceError> {
    match event_log::register() {
        Ok(Registration::Kept) => Ok(Vec::new()),
        Ok(Registration::New) => Ok(vec![format!(
            "registered the source `{SERVICE_NAME}` of the Event Log"
        )]),
        Err(error) => Err(ServiceError::Command {
            command: format!(r"writing HKEY_LOCAL_MACHINE\{}", event_log::KEY),
            output: error.to_string(),
        }),
    }
}

/// Stops and removes it; says what was changed.
pub(super) fn uninstall(scope: Scope) -> Result<Vec<String>, ServiceError> {
    for_the_machine(scope)?;
    let mut done = Manager::to_change("removing the service")?.uninstall()?;
    if event_log::unregister() {
        done.push(format!(
            "removed the source `{SERVICE_NAME}` of the Event Log"
        ));
    }
    Ok(done)
}

/// Nothing to do: the virtual account goes with its service.
pub(super) fn forget_account(_scope: Scope) -> Result<Vec<String>, ServiceError> {
    Ok(Vec::new())
}

/// Starts it; whether it was not running before.
pub(super) fn start(scope: Scope) -> Result<bool, ServiceError> {
    for_the_machine(scope)?;
    Manager::to_look()?.start()
}

/// Stops it; whether it was running before.
pub(super) fn stop(scope: Scope) -> Result<bool, ServiceError> {
    for_the_machine(scope)?;
    Manager::to_look()?.stop()
}

/// Stops it if it runs, and starts it.
pub(super) fn restart(scope: Scope) -> Result<(), ServiceError> {
    stop(scope)?;
    start(scope).map(|_| ())
}

/// How it stands.
pub(super) fn status(scope: Scope) -> Result<Status, ServiceError> {
    for_the_machine(scope)?;
    let Places {
        config,
        state,
        logs,
        ..
    } = places_of(scope)?;
    let standing = Manager::to_look()?.standing()?;
    Ok(Status {
        scope: scope.word(),
        installed: standing.installed,
        enabled: standing.enabled,
        running: standing.running,
        pid: standing.pid,
        detail: standing.detail,
        account: standing.account,
        definition: standing.definition,
        config,
        state,
        logs,
    })
}

/// Always: the service reads the file itself.
pub(super) const fn hands_tokens_over(_scope: Scope) -> Result<(), ServiceError> {
    Ok(())
}

/// Nothing to do: the folder has an access list of its own, which what is made in it inherits.
pub(super) const fn open_to_service(_scope: Scope, _file: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Nothing to do: the token is read anew for every attempt.
pub(super) fn token_changed(_scope: Scope, _file: &Path) -> Result<Vec<String>, ServiceError> {
    Ok(Vec::new())
}

/// The command that lets an account read a folder.
pub(super) fn command_to_grant(folder: &Path, account: &str) -> String {
    format!(
        "icacls \"{}\" /grant \"{account}:(OI)(CI)RX\"",
        folder.display()
    )
}

/// The name of the account that this program runs as.
pub(super) fn own_account() -> String {
    calls::own_sid()
        .ok()
        .and_then(|sid| calls::account_name(&sid))
        .unwrap_or_else(|| "this account".to_owned())
}

/// Whether this account may read what others may not: not told here.
pub(super) fn may_see_all() -> bool {
    false
}

/// The command that runs a program as the service sees the machine: there is none on Windows.
pub(super) fn as_service(
    _program: &Path,
    _arguments: &[String],
) -> Result<std::process::Command, ServiceError> {
    Err(ServiceError::Unsupported(
        "Windows runs nothing as the service's account but the service itself".to_owned(),
    ))
}

/// Whether the account of the installed service may not read a folder, by the folder's access list;
/// `None` where that is not to be told: without the service, with an account of a person's choice,
/// or on another machine.
pub(super) fn is_closed_to_service(folder: &Path) -> Option<bool> {
    let standing = Manager::to_look().ok()?.standing().ok()?;
    let told = standing.installed
        && standing.account.eq_ignore_ascii_case(ACCOUNT)
        && !state_dir::is_remote(folder);
    let descriptor = told
        .then(|| calls::descriptor(folder))
        .and_then(Result::ok)?;
    let account = service_sid(SERVICE_NAME);
    let groups: Vec<&str> = MEMBER_OF
        .iter()
        .copied()
        .chain([account.as_str()])
        .collect();
    Some(!Descriptor::parse(&descriptor).lets_read(&groups))
}

/// Not asked for: the Service Control Manager shows no such line.
pub(super) fn say(_text: &str) {}

/// None is wanted: the Service Control Manager knows no such thing.
pub(super) fn watchdog() -> Option<Duration> {
    None
}

/// Not asked for.
pub(super) fn alive() {}

fn for_the_machine(scope: Scope) -> Result<(), ServiceError> {
    match scope {
        Scope::System => Ok(()),
        Scope::User => Err(ServiceError::Unsupported(
            "Windows has no services of a user; let Task Scheduler start `kado run` when you log on, or leave --user away"
                .to_owned(),
        )),
    }
}

/// Whether the account of a service can rely on a program there.
fn fit(program: &Path) -> Result<(), ServiceError> {
    let refuse = |why: &str| {
        let why = format!(
            "{why}; put it into a folder such as `C:\\Program Files\\kado` and install from there"
        );
        Err(ServiceError::Program {
            program: program.to_owned(),
            why,
        })
    };
    if state_dir::is_remote(program) {
        return refuse("it lies on another machine");
    }
    let profiles =
        directories::UserDirs::new().and_then(|dirs| dirs.home_dir().parent().map(Path::to_owned));
    if profiles.is_some_and(|profiles| is_in(program, &profiles)) {
        return refuse("the account of the service cannot read the folders of users");
    }
    Ok(())
}

fn unusable(path: &Path, source: std::io::Error) -> ServiceError {
    ServiceError::File {
        action: "used",
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_in_the_folder_of_a_user_is_no_service() {
        let home = directories::UserDirs::new().unwrap().home_dir().to_owned();
        let text = fit(&home.join("Downloads").join("kado.exe"))
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("cannot read the folders of users; put it into"),
            "{text}"
        );
        assert!(
            fit(Path::new(r"\\server\tools\kado.exe"))
                .unwrap_err()
                .to_string()
                .contains("another machine")
        );
        fit(Path::new(r"C:\Program Files\kado\kado.exe")).unwrap();
    }

    #[test]
    fn a_user_has_no_service() {
        assert!(
            stop(Scope::User)
                .unwrap_err()
                .to_string()
                .contains("Task Scheduler")
        );
    }

    #[test]
    fn reading_is_granted_for_everything_in_the_folder() {
        assert_eq!(
            command_to_grant(Path::new(r"D:\agent\_work"), ACCOUNT),
            r#"icacls "D:\agent\_work" /grant "NT SERVICE\kado:(OI)(CI)RX""#
        );
    }

    #[test]
    fn the_service_has_the_name_of_its_account() {
        assert_eq!(ACCOUNT, format!(r"NT SERVICE\{SERVICE_NAME}"));
    }
}
