//! The service on Windows: a service of its own process, `kado`, with the virtual account `NT
//! SERVICE\kado`.
//!
//! `manager` asks the Service Control Manager for what is to be changed, `dispatch` answers it in
//! the running service. Windows has no services of a user.
//!
//! The crate `service-manager` is not used here: it runs `sc.exe create`, which sets no recovery,
//! no SID of the service, no delayed start and no time before a shutdown. It waits for no state,
//! and its errors are texts in the language of the system, which nobody can tell apart.

mod dispatch;
mod error;
mod manager;

use std::path::Path;
use std::time::Duration;

use crate::SERVICE_NAME;
use crate::config::paths::{Places, read};
use crate::file_names::is_in;
use crate::service::{Installation, ManagerState, Scope, ServiceError};
use crate::state_dir;
use crate::win32::access_list::Descriptor;
use crate::win32::calls;
use crate::win32::closed::{self, ServiceRights};
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
    Manager::to_change(what)?;
    Ok(())
}

/// Makes the folders of the service, which nobody else may use, before anything is written to them.
fn make_folders(places: &Places) -> Result<Vec<String>, ServiceError> {
    let mut folders = vec![(places.state.as_path(), ServiceRights::Writes)];
    if let Some(folder) = places.config.parent() {
        // The other one lies in it.
        folders.insert(0, (folder, ServiceRights::Reads));
    }

    let mut done = Vec::new();
    for (folder, service) in folders {
        let closed_now =
            closed::make_folder(folder, service).map_err(|source| unusable(folder, source))?;
        if closed_now {
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
    check_program(&installation.program)?;

    let mut done = make_folders(&installation.places)?;
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
    // The Service Control Manager knows no such verb.
    stop(scope)?;
    start(scope)?;
    Ok(())
}

/// What the Service Control Manager knows of it.
pub(super) fn state(scope: Scope) -> Result<ManagerState, ServiceError> {
    for_the_machine(scope)?;
    Manager::to_look()?.state()
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

/// Whether the account of the installed service is known to have no right to read a folder, by the
/// folder's access list. That is not known without the service, with an account of a person's
/// choice, or on another machine.
pub(super) fn is_closed_to_service(folder: &Path) -> bool {
    let Ok(service) = state(Scope::System) else {
        return false;
    };
    if !service.installed
        || !service.account.eq_ignore_ascii_case(ACCOUNT)
        || state_dir::is_remote(folder)
    {
        return false;
    }
    let Ok(descriptor) = calls::descriptor(folder) else {
        return false;
    };

    let account = service_sid(SERVICE_NAME);
    let mut accounts = vec![account.as_str()];
    accounts.extend(MEMBER_OF);
    !Descriptor::parse(&descriptor).lets_read(&accounts)
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
            "Windows has no services of a user; let Task Scheduler start `kado run` when you log \
             on, or run the command without --user"
                .to_owned(),
        )),
    }
}

/// Refuses a program in a place that the account of a service cannot rely on.
fn check_program(program: &Path) -> Result<(), ServiceError> {
    // Asked for, because the profiles do not have to lie in `C:\Users`.
    let profiles =
        directories::UserDirs::new().and_then(|dirs| dirs.home_dir().parent().map(Path::to_owned));
    let why = if state_dir::is_remote(program) {
        "it lies on another machine"
    } else if profiles.is_some_and(|profiles| is_in(program, &profiles)) {
        "the account of the service cannot read the folders of users"
    } else {
        return Ok(());
    };

    Err(ServiceError::Program {
        program: program.to_owned(),
        why: format!(
            "{why}; put it into a folder such as `C:\\Program Files\\kado` and install from there"
        ),
    })
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

    fn refusal(program: &Path) -> String {
        check_program(program).unwrap_err().to_string()
    }

    #[test]
    fn a_program_in_the_folder_of_a_user_is_no_service() {
        let home = directories::UserDirs::new().unwrap().home_dir().to_owned();
        let text = refusal(&home.join("Downloads").join("kado.exe"));
        assert!(
            text.contains("cannot read the folders of users; put it into"),
            "{text}"
        );
    }

    #[test]
    fn a_program_on_another_machine_is_no_service() {
        let text = refusal(Path::new(r"\\server\tools\kado.exe"));
        assert!(text.contains("another machine"), "{text}");
        check_program(Path::new(r"C:\Program Files\kado\kado.exe")).unwrap();
    }

    #[test]
    fn a_user_has_no_service() {
        let text = stop(Scope::User).unwrap_err().to_string();
        assert!(text.contains("Task Scheduler"), "{text}");
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
