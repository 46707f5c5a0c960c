//! The running service as the Service Control Manager (SCM) sees it.
//!
//! ```text
//! StartPending ──ready──▶ Running ──Stop, Preshutdown, Shutdown──▶ StopPending ──▶ Stopped (exit code)
//! ```
//!
//! While it starts or ends, its checkpoint grows every second, so that nobody takes it for hung.
//! Ending is bounded: what is still in hand after [`DRAIN`] stays intended, and is looked up in ADO
//! after the next start. Why it ended stands in the Event Log and, as a code of the service, in the
//! exit code, so that the recovery actions follow whenever it did not end by request.
//!
//! The handler of the SCM is a plain function without any state of its own. The crate
//! `windows-service` frees a handler at the first request to stop, though the SCM may still call
//! it; there must be nothing to free.

#![expect(
    clippy::disallowed_methods,
    reason = "a checkpoint is given every second"
)]

use std::any::Any;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio_util::sync::CancellationToken;
use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{
    self, ServiceControlHandlerResult, ServiceStatusHandle,
};
use windows_service::{define_windows_service, service_dispatcher};

use super::event_log::{self, Entry};
use crate::cli;
use crate::exit::Exit;
use crate::service::NAME;

/// How long the service may take to end; the step in hand gets five seconds of it.
pub const DRAIN: Duration = Duration::from_secs(20);
/// Time between two checkpoints.
const CHECKPOINT: Duration = Duration::from_secs(1);
/// How long the SCM is told to wait for the next checkpoint.
const PATIENCE: Duration = Duration::from_secs(10);
/// Exit code of a service that failed where it must not; the others are those of the command line.
const DEFECT: u32 = 10;
/// Exit code of a service that did not end within [`DRAIN`].
const LATE: u32 = 11;

/// What the service does.
type Body = Box<dyn FnOnce(CancellationToken) -> anyhow::Result<Exit> + Send>;

static BODY: Mutex<Option<Body>> = Mutex::new(None);
static ENDED: Mutex<Option<Exit>> = Mutex::new(None);
static STOP: LazyLock<CancellationToken> = LazyLock::new(CancellationToken::new);
static STANDING: OnceLock<Standing> = OnceLock::new();

define_windows_service!(called_by_the_system, serve);

/// Runs the service for the SCM, which must have started this process.
///
/// # Errors
/// When somebody else started it.
pub fn run(
    body: impl FnOnce(CancellationToken) -> anyhow::Result<Exit> + Send + 'static,
) -> anyhow::Result<Exit> {
    *held(&BODY) = Some(Box::new(body));
    service_dispatcher::start(NAME, called_by_the_system).map_err(|error| anyhow!(super::manager::reason(&error))).context(
        "the service manager of Windows did not start this process; use `kado run`, or `kado service start` for the service",
    )?;
    Ok(held(&ENDED).take().unwrap_or(Exit::NotDone))
}

/// The service is up.
pub fn ready() {
    if let Some(standing) = STANDING.get() {
        standing.go_on(ServiceState::Running);
        event_log::write(
            Entry::Started,
            &format!("kado {} is up and watches.", env!("CARGO_PKG_VERSION")),
        );
    }
}

/// The service begins to end.
pub fn stopping() {
    if let Some(standing) = STANDING.get() {
        standing.go_on(ServiceState::StopPending);
    }
}

/// Whether this process is the service.
pub fn is_dispatched() -> bool {
    STANDING.get().is_some()
}

/// The main function of the service, on a thread of the system's.
fn serve(_arguments: Vec<OsString>) {
    let Some(body) = held(&BODY).take() else {
        return;
    };
    let handle = match service_control_handler::register(NAME, on_control) {
        Ok(handle) => handle,
        Err(error) => return event_log::write(Entry::Failed, &super::manager::reason(&error)),
    };
    let standing = STANDING.get_or_init(|| Standing::new(handle));
    standing.begin();
    std::panic::set_hook(Box::new(|panic| tell_defect(&panic.to_string())));
    std::thread::spawn(|| standing.tick());
    let code = end(catch_unwind(AssertUnwindSafe(|| body(STOP.clone()))));
    standing.end(code);
}

/// Answers the SCM. Nothing in here waits or fails.
fn on_control(control: ServiceControl) -> ServiceControlHandlerResult {
    match control {
        ServiceControl::Stop | ServiceControl::Preshutdown | ServiceControl::Shutdown => {
            stopping();
            STOP.cancel();
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    }
}

/// Writes down why the service ended; gives the exit code, 0 only for what was asked for.
fn end(ended: Result<anyhow::Result<Exit>, Box<dyn Any + Send>>) -> u32 {
    let (exit, code) = match ended {
        Ok(Ok(exit)) => (exit, u32::from(exit.code())),
        Ok(Err(error)) => {
            let exit = cli::exit_of(&error);
            *held(&ENDED) = Some(exit);
            event_log::write(
                Entry::Failed,
                &format!("kado ended with exit code {}: {error:#}", exit.code()),
            );
            return exit.code().into();
        }
        // The hook told what it was.
        Err(_) => (Exit::NotDone, DEFECT),
    };
    *held(&ENDED) = Some(exit);
    match code {
        0 => event_log::write(Entry::Stopped, "kado has stopped."),
        DEFECT => {}
        _ => event_log::write(
            Entry::Failed,
            &format!("kado ended with exit code {code}; `kado status` says more."),
        ),
    }
    code
}

/// A defect is told to whoever listens: the log, or before there is one the Event Log.
fn tell_defect(what: &str) {
    let text = "kado failed where it must not; this is a defect";
    if tracing::dispatcher::has_been_set() {
        tracing::error!(what, "{text}");
    } else {
        event_log::write(Entry::Failed, &format!("{text}: {what}"));
    }
}

/// How the service stands, as the SCM was told last.
struct Standing {
    handle: ServiceStatusHandle,
    told: Mutex<Told>,
}

struct Told {
    state: ServiceState,
    checkpoint: u32,
    ticks: u32,
}

impl Standing {
    const fn new(handle: ServiceStatusHandle) -> Self {
        let told = Told {
            state: ServiceState::StartPending,
            checkpoint: 0,
            ticks: 0,
        };
        Self {
            handle,
            told: Mutex::new(told),
        }
    }

    fn begin(&self) {
        let mut told = held(&self.told);
        told.checkpoint = 1;
        self.tell(&told, ServiceExitCode::NO_ERROR);
    }

    /// Goes on to a later state; an earlier one is not gone back to, as when the service is ready
    /// after it was asked to end.
    fn go_on(&self, state: ServiceState) {
        let mut told = held(&self.told);
        if rank(state) > rank(told.state) {
            *told = Told {
                state,
                checkpoint: 1,
                ticks: 0,
            };
            self.tell(&told, ServiceExitCode::NO_ERROR);
        }
    }

    /// Shows that there is life in it while it starts and ends. Ends the process when ending takes
    /// too long.
    fn tick(&self) {
        loop {
            std::thread::sleep(CHECKPOINT);
            let mut told = held(&self.told);
            match told.state {
                ServiceState::Stopped => return,
                ServiceState::StartPending | ServiceState::StopPending => {
                    told.checkpoint += 1;
                    told.ticks += 1;
                    self.tell(&told, ServiceExitCode::NO_ERROR);
                }
                _ => {}
            }
            let late = told.state == ServiceState::StopPending && CHECKPOINT * told.ticks >= DRAIN;
            drop(told);
            if late {
                give_up(self);
            }
        }
    }

    fn end(&self, code: u32) {
        let mut told = held(&self.told);
        *told = Told {
            state: ServiceState::Stopped,
            checkpoint: 0,
            ticks: 0,
        };
        let code = if code == 0 {
            ServiceExitCode::NO_ERROR
        } else {
            ServiceExitCode::ServiceSpecific(code)
        };
        self.tell(&told, code);
    }

    fn tell(&self, told: &Told, exit_code: ServiceExitCode) {
        let pending = matches!(
            told.state,
            ServiceState::StartPending | ServiceState::StopPending
        );
        // Nobody hears a failure to tell; the SCM asks or gives up by itself.
        let _ = self.handle.set_service_status(ServiceStatus {
            service_type: ServiceType::OWN_PROCESS,
            current_state: told.state,
            controls_accepted: accepted(told.state),
            exit_code,
            checkpoint: if pending { told.checkpoint } else { 0 },
            wait_hint: if pending { PATIENCE } else { Duration::ZERO },
            process_id: None,
        });
    }
}

/// Ends the process in the middle of what it does, as a power failure would.
fn give_up(standing: &Standing) {
    let seconds = DRAIN.as_secs();
    let text = format!(
        "kado did not end within {seconds} s; what was in hand is looked up in ADO after the next start."
    );
    event_log::write(Entry::Failed, &text);
    standing.end(LATE);
    std::process::exit(LATE.cast_signed());
}

/// Shutdown is asked for as well, for the systems on which nobody waits for what is done before it.
fn accepted(state: ServiceState) -> ServiceControlAccept {
    match state {
        ServiceState::StartPending | ServiceState::Running => {
            ServiceControlAccept::STOP
                | ServiceControlAccept::PRESHUTDOWN
                | ServiceControlAccept::SHUTDOWN
        }
        _ => ServiceControlAccept::empty(),
    }
}

const fn rank(state: ServiceState) -> u8 {
    match state {
        ServiceState::StartPending => 0,
        ServiceState::StopPending => 2,
        ServiceState::Stopped => 3,
        _ => 1,
    }
}

/// What a mutex holds; a thread that failed with it in hand left nothing half done.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
