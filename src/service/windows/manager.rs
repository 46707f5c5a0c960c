//! What is asked of the Service Control Manager: to install, remove, start and stop the service,
//! and what it knows of it. Starting and stopping wait until the service has got there: a command
//! that says "started" is believed.

#![expect(
    clippy::disallowed_methods,
    reason = "the Service Control Manager is waited for"
)]

use std::ffi::{OsStr, OsString};
use std::io;
use std::thread::sleep;
use std::time::Duration;

use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl, ServiceExitCode,
    ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo, ServiceSidType,
    ServiceStartType, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

use super::error::{code, reason};
use super::{ACCOUNT, DRAIN};
use crate::SERVICE_NAME;
use crate::service::{Installation, ManagerState, Scope, ServiceError};

/// The name in the list of services.
const DISPLAY_NAME: &str = "kado";
const DESCRIPTION: &str = "Submits finished Katalon Studio suite runs to Azure DevOps Test Plans.";
/// How long it takes until it is started again: after the first, the second, and every further
/// failure.
const RECOVERY: [Duration; 3] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(10 * 60),
];
/// After so long without a failure the next one is the first again.
const FORGIVEN: Duration = Duration::from_secs(24 * 60 * 60);
/// How long Windows waits for the service before it shuts down: for as long as ending may take, and
/// a little.
const PRESHUTDOWN: Duration = Duration::from_secs(DRAIN.as_secs() + 10);

/// Time between two looks at a service that starts or ends.
const LOOK: Duration = Duration::from_millis(200);
/// How many looks may pass without a new checkpoint: a minute.
const LOOKS: u32 = 300;

/// `ERROR_ACCESS_DENIED`.
const ACCESS_DENIED: i32 = 5;
/// `ERROR_INVALID_LEVEL`: the system does not know a setting.
const INVALID_LEVEL: i32 = 124;
/// `ERROR_SERVICE_ALREADY_RUNNING`.
const ALREADY_RUNNING: i32 = 1056;
/// `ERROR_SERVICE_DOES_NOT_EXIST`.
const NO_SERVICE: i32 = 1060;
/// `ERROR_SERVICE_NOT_ACTIVE`.
const NOT_ACTIVE: i32 = 1062;
/// `ERROR_SERVICE_MARKED_FOR_DELETE`.
const BEING_DELETED: i32 = 1072;

/// A connection to the Service Control Manager.
pub(super) struct Manager(ServiceManager);

impl Manager {
    /// To install and remove, which takes an administrator.
    pub(super) fn to_change(what: &str) -> Result<Self, ServiceError> {
        let access = ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE;
        ServiceManager::local_computer(None::<&str>, access)
            .map(Self)
            .map_err(|error| failed(what, &error))
    }

    /// To look at the service; what else may be done with it the service itself says.
    pub(super) fn to_look() -> Result<Self, ServiceError> {
        let manager = ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT);
        manager
            .map(Self)
            .map_err(|error| failed("looking at the service", &error))
    }

    /// Installs it, or brings an installed one up to date; says what was changed. An account that a
    /// person chose for it stays.
    pub(super) fn install(&self, installation: &Installation) -> Result<Vec<String>, ServiceError> {
        let what = "installing the service";
        let access =
            ServiceAccess::CHANGE_CONFIG | ServiceAccess::QUERY_CONFIG | ServiceAccess::START;

        let mut done = Vec::new();
        let service = match self.open(what, access)? {
            Some(service) => {
                if update(&service, &info(installation, None), what)? {
                    done.push(format!("brought the service `{SERVICE_NAME}` up to date"));
                }
                service
            }

            None => {
                let info = info(installation, Some(ACCOUNT.into()));
                let service = self
                    .0
                    .create_service(&info, access)
                    .map_err(|error| failed(what, &error))?;
                done.push(format!(
                    "installed the service `{SERVICE_NAME}` with the account `{ACCOUNT}`"
                ));
                service
            }
        };

        // Also of one that was there: an older kado may have set less.
        done.extend(set_details(&service)?);
        Ok(done)
    }

    /// Stops and removes it; says what was changed.
    pub(super) fn uninstall(&self) -> Result<Vec<String>, ServiceError> {
        let what = "removing the service";
        let access = ServiceAccess::DELETE | ServiceAccess::STOP | ServiceAccess::QUERY_STATUS;
        let Some(service) = self.open(what, access)? else {
            return Ok(Vec::new());
        };
        // One that runs would only be marked, and could not be installed again until it has ended.
        stop(&service, what)?;
        service.delete().map_err(|error| failed(what, &error))?;
        Ok(vec![format!("removed the service `{SERVICE_NAME}`")])
    }

    /// Starts it and waits until it is up; whether it was not before.
    pub(super) fn start(&self) -> Result<bool, ServiceError> {
        let what = "starting the service";
        let service = self.installed(what, ServiceAccess::START | ServiceAccess::QUERY_STATUS)?;
        match service.start::<&str>(&[]) {
            Ok(()) => {}
            Err(error) if code(&error) == Some(ALREADY_RUNNING) => return Ok(false),
            Err(error) => return Err(failed(what, &error)),
        }

        let status = wait(&service, what, &[ServiceState::StartPending])?;
        reached(ServiceState::Running, &status, what)?;
        Ok(true)
    }

    /// Stops it and waits until it has ended; whether it was running before.
    pub(super) fn stop(&self) -> Result<bool, ServiceError> {
        let what = "stopping the service";
        stop(
            &self.installed(what, ServiceAccess::STOP | ServiceAccess::QUERY_STATUS)?,
            what,
        )
    }

    /// What is known of it.
    pub(super) fn state(&self) -> Result<ManagerState, ServiceError> {
        let what = "looking at the service";
        let access = ServiceAccess::QUERY_CONFIG | ServiceAccess::QUERY_STATUS;
        let Some(service) = self.open(what, access)? else {
            return Ok(not_installed());
        };

        let config = service
            .query_config()
            .map_err(|error| failed(what, &error))?;
        let status = service
            .query_status()
            .map_err(|error| failed(what, &error))?;
        let account = config.account_name.unwrap_or_default();

        Ok(ManagerState {
            installed: true,
            enabled: config.start_type == ServiceStartType::AutoStart,
            running: matches!(
                status.current_state,
                ServiceState::Running | ServiceState::StartPending
            ),
            pid: status.process_id.filter(|process| *process != 0),
            detail: in_words(&status),
            account: account.to_string_lossy().into_owned(),
            definition: config.executable_path.display().to_string(),
        })
    }

    /// The service with these rights; `None` when there is none.
    fn open(&self, what: &str, access: ServiceAccess) -> Result<Option<Service>, ServiceError> {
        match self.0.open_service(SERVICE_NAME, access) {
            Ok(service) => Ok(Some(service)),
            Err(error) if code(&error) == Some(NO_SERVICE) => Ok(None),
            Err(error) => Err(failed(what, &error)),
        }
    }

    fn installed(&self, what: &str, access: ServiceAccess) -> Result<Service, ServiceError> {
        self.open(what, access)?.ok_or(ServiceError::NotInstalled {
            scope: Scope::System,
        })
    }
}

fn not_installed() -> ManagerState {
    ManagerState {
        installed: false,
        enabled: false,
        running: false,
        pid: None,
        detail: "not installed".to_owned(),
        account: ACCOUNT.to_owned(),
        definition: "-".to_owned(),
    }
}

fn info(installation: &Installation, account: Option<OsString>) -> ServiceInfo {
    let mut arguments = installation.arguments();
    // Behind `run`: it has to answer the service manager.
    arguments.insert(1, "--service".to_owned());

    ServiceInfo {
        name: SERVICE_NAME.into(),
        display_name: DISPLAY_NAME.into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: installation.program.clone(),
        launch_arguments: arguments.into_iter().map(OsString::from).collect(),
        dependencies: Vec::new(),
        account_name: account,
        account_password: None,
    }
}

/// Brings an installed service up to date; whether it was not.
fn update(service: &Service, info: &ServiceInfo, what: &str) -> Result<bool, ServiceError> {
    let config = service
        .query_config()
        .map_err(|error| failed(what, &error))?;

    if config.executable_path.as_os_str() == command_line(info)
        && config.start_type == ServiceStartType::AutoStart
    {
        return Ok(false);
    }
    service
        .change_config(info)
        .map_err(|error| failed(what, &error))?;
    Ok(true)
}

/// The command as the crate writes it: words with blanks in quotes. Paths hold no quotes.
fn command_line(info: &ServiceInfo) -> OsString {
    let mut line = quoted(info.executable_path.as_os_str());
    for argument in &info.launch_arguments {
        line.push(' ');
        line.push_str(&quoted(argument));
    }
    line.into()
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    if word.contains([' ', '\t']) {
        format!("\"{word}\"")
    } else {
        word.into_owned()
    }
}

/// All that is said about a service after it was made. What this Windows does not know is left out;
/// the result says so.
fn set_details(service: &Service) -> Result<Vec<String>, ServiceError> {
    let restarts = RECOVERY.map(|delay| ServiceAction {
        action_type: ServiceActionType::Restart,
        delay,
    });

    let recovery = ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(FORGIVEN),
        reboot_msg: None,
        command: None,
        actions: Some(restarts.to_vec()),
    };

    let settings: [(&str, windows_service::Result<()>); 6] = [
        ("description", service.set_description(DESCRIPTION)),
        ("delayed start", service.set_delayed_auto_start(true)),
        (
            "time before a shutdown",
            service.set_preshutdown_timeout(PRESHUTDOWN),
        ),
        (
            // Also with an account of a person's choice what is granted to the service's own name
            // counts.
            "SID of the service",
            service.set_config_service_sid_info(ServiceSidType::Unrestricted),
        ),
        ("recovery", service.update_failure_actions(recovery)),
        (
            "recovery after a failure without a crash",
            service.set_failure_actions_on_non_crash_failures(true),
        ),
    ];

    let mut unknown = Vec::new();
    for (name, set) in settings {
        match set {
            Ok(()) => {}
            Err(error) if code(&error) == Some(INVALID_LEVEL) => unknown.push(format!(
                "this system has no setting `{name}` of a service; it was left out"
            )),
            Err(error) => {
                let what = format!("setting the {name} of the service");
                return Err(failed(&what, &error));
            }
        }
    }

    Ok(unknown)
}

/// Stops a service and waits until it has ended; whether it was running before.
fn stop(service: &Service, what: &str) -> Result<bool, ServiceError> {
    match service.stop() {
        Ok(_) => {}
        Err(error) if code(&error) == Some(NOT_ACTIVE) => return Ok(false),
        Err(error) => return Err(failed(what, &error)),
    }

    // It may not have begun to stop when it is first looked at.
    let on_the_way = [ServiceState::Running, ServiceState::StopPending];
    let status = wait(service, what, &on_the_way)?;
    reached(ServiceState::Stopped, &status, what)?;
    Ok(true)
}

/// Waits while the service is in one of these states, as long as checkpoints come.
fn wait(
    service: &Service,
    what: &str,
    on_the_way: &[ServiceState],
) -> Result<ServiceStatus, ServiceError> {
    let mut checkpoint = 0;
    let mut looks_without_progress = 0;
    loop {
        let status = service
            .query_status()
            .map_err(|error| failed(what, &error))?;
        if !on_the_way.contains(&status.current_state) || looks_without_progress == LOOKS {
            return Ok(status);
        }

        if status.checkpoint == checkpoint {
            looks_without_progress += 1;
        } else {
            looks_without_progress = 0;
        }
        checkpoint = status.checkpoint;
        sleep(LOOK);
    }
}

/// Fails where a service did not come to the state that was asked for.
fn reached(wanted: ServiceState, status: &ServiceStatus, what: &str) -> Result<(), ServiceError> {
    if status.current_state == wanted {
        return Ok(());
    }
    Err(ServiceError::Command {
        command: what.to_owned(),
        output: in_words(status),
    })
}

/// The state for people, with the reason why it ended.
fn in_words(status: &ServiceStatus) -> String {
    let state = match status.current_state {
        ServiceState::Stopped => "stopped",
        ServiceState::StartPending => "starting",
        ServiceState::StopPending => "stopping",
        ServiceState::Running => "running",
        ServiceState::ContinuePending | ServiceState::PausePending | ServiceState::Paused => {
            "paused"
        }
    };
    // The exit code of one that runs is that of its last life.
    if status.current_state != ServiceState::Stopped {
        return state.to_owned();
    }

    let look = "the Event Log `Application` says why, source `kado`";
    match status.exit_code {
        ServiceExitCode::ServiceSpecific(code) => format!("{state} with exit code {code}; {look}"),
        // 0, and 1077: not started since the machine was.
        ServiceExitCode::Win32(0 | 1077) => state.to_owned(),
        ServiceExitCode::Win32(code) => {
            let reason = io::Error::from_raw_os_error(code.cast_signed());
            format!("{state} by the system: {reason}; {look}")
        }
    }
}

/// Why the service manager would not do something.
fn failed(what: &str, error: &windows_service::Error) -> ServiceError {
    match code(error) {
        Some(ACCESS_DENIED) => ServiceError::NotPermitted {
            what: what.to_owned(),
            remedy: "run it in a console that was opened with `Run as administrator`".to_owned(),
        },

        Some(BEING_DELETED) => ServiceError::Command {
            command: what.to_owned(),
            output: "the old service is being removed; close the windows that show services and \
                     try again"
                .to_owned(),
        },

        _ => ServiceError::Command {
            command: what.to_owned(),
            output: reason(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::paths::places;

    fn installation() -> Installation {
        Installation {
            scope: Scope::System,
            program: Path::new(r"C:\Program Files\kado\kado.exe").to_owned(),
            places: places(Scope::System).unwrap(),
            config: Path::new(r"D:\kado\kado.toml").to_owned(),
        }
    }

    #[test]
    fn the_command_of_the_service_survives_blanks() {
        assert_eq!(
            command_line(&info(&installation(), None)),
            r#""C:\Program Files\kado\kado.exe" run --service --config D:\kado\kado.toml"#
        );
    }

    #[test]
    fn a_service_that_ended_says_why() {
        let status = |exit_code| ServiceStatus {
            service_type: ServiceType::OWN_PROCESS,
            current_state: ServiceState::Stopped,
            controls_accepted: windows_service::service::ServiceControlAccept::empty(),
            exit_code,
            checkpoint: 0,
            wait_hint: Duration::ZERO,
            process_id: None,
        };
        assert_eq!(in_words(&status(ServiceExitCode::NO_ERROR)), "stopped");
        assert_eq!(
            in_words(&status(ServiceExitCode::ServiceSpecific(2))),
            "stopped with exit code 2; the Event Log `Application` says why, source `kado`"
        );

        let killed = in_words(&status(ServiceExitCode::Win32(1067)));
        assert!(killed.starts_with("stopped by the system: "), "{killed}");
    }
}
