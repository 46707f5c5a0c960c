//! The running service as the Service Control Manager (SCM) sees it.
//!
//! ```text
//! StartPending ─ready─▶ Running ─Stop, Preshutdown, Shutdown─▶ StopPending ─▶ Stopped
//! ```
//!
//! While it starts or ends, its checkpoint grows every second, so that nobody takes it for hung.
//! Ending is bounded: what is still in hand after [`DRAIN`] stays intended, and is looked up in ADO
//! after the next start. Why it ended stands in the Event Log and, as a code of the service, in the
//! exit code, so that the recovery actions follow whenever it did not end by request.
//!
//! The handler of the SCM is a plain function without any state of its own. The crate
//! `windows-service` frees a handler at the first request to stop, though the SCM may still call
//! it; there must be nothing to free. That is why the work, its result and the state that the SCM
//! was told are statics.

#![expect(
    clippy::disallowed_methods,
    reason = "a checkpoint is given every second"
)]

use std::any::Any;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, Mutex, OnceLock};
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

use super::DRAIN;
use super::error::reason;
use crate::SERVICE_NAME;
use crate::exit::Exit;
use crate::locked::locked;
use crate::service::Failure;
use crate::win32::event_log::{self, EventKind};

/// Time between two checkpoints.
const CHECKPOINT: Duration = Duration::from_secs(1);
/// How long the SCM is told to wait for the next checkpoint.
const PATIENCE: Duration = Duration::from_secs(10);
/// Exit code of a service that failed where it must not; the others are those of the command line.
const DEFECT: u32 = 10;
/// Exit code of a service that did not end within [`DRAIN`].
const LATE: u32 = 11;

/// What the service does.
type Body = Box<dyn FnOnce(CancellationToken) -> Result<Exit, Failure> + Send>;

/// What the service is to do; taken by the thread on which the SCM calls [`serve`].
static BODY: Mutex<Option<Body>> = Mutex::new(None);
/// How it ended, for [`run`].
static EXIT: Mutex<Option<Exit>> = Mutex::new(None);
/// Cancelled when the SCM asks the service to end.
static STOP: LazyLock<CancellationToken> = LazyLock::new(CancellationToken::new);
/// Set as soon as this process is the service.
static REPORTER: OnceLock<Reporter> = OnceLock::new();

define_windows_service!(called_by_the_system, serve);

/// Runs the service for the SCM, which must have started this process.
///
/// # Errors
/// When somebody else started it.
pub(in crate::service) fn run(
    body: impl FnOnce(CancellationToken) -> Result<Exit, Failure> + Send + 'static,
) -> anyhow::Result<Exit> {
    *locked(&BODY) = Some(Box::new(body));

    service_dispatcher::start(SERVICE_NAME, called_by_the_system)
        .map_err(|error| anyhow!(reason(&error)))
        .context(
            "the service manager of Windows did not start this process; use `kado run`, or \
             `kado service start` for the service",
        )?;

    Ok(locked(&EXIT).take().unwrap_or(Exit::NotDone))
}

/// The service is up.
pub(in crate::service) fn ready() {
    if let Some(reporter) = REPORTER.get() {
        reporter.advance(ServiceState::Running);
        event_log::write(
            EventKind::Started,
            &format!("kado {} is up and watches.", env!("CARGO_PKG_VERSION")),
        );
    }
}

/// The service begins to end.
pub(in crate::service) fn stopping() {
    if let Some(reporter) = REPORTER.get() {
        reporter.advance(ServiceState::StopPending);
    }
}

/// Whether this process is the service.
pub(in crate::service) fn is_dispatched() -> bool {
    REPORTER.get().is_some()
}

/// The main function of the service, on a thread of the system's.
fn serve(_arguments: Vec<OsString>) {
    let Some(body) = locked(&BODY).take() else {
        return;
    };

    let handle = match service_control_handler::register(SERVICE_NAME, on_control) {
        Ok(handle) => handle,
        Err(error) => return event_log::write(EventKind::Failed, &reason(&error)),
    };
    let reporter = REPORTER.get_or_init(|| Reporter::new(handle));
    reporter.begin();

    // From here on a panic anywhere is told, though nobody reads standard error.
    std::panic::set_hook(Box::new(|panic| report_defect(&panic.to_string())));
    std::thread::spawn(|| reporter.keep_reporting());

    // The thread is the system's, and a panic must not unwind into it.
    let ended = catch_unwind(AssertUnwindSafe(|| body(STOP.clone())));
    reporter.end(write_down(ended));
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
fn write_down(ended: Result<Result<Exit, Failure>, Box<dyn Any + Send>>) -> u32 {
    let exit = match &ended {
        Ok(Ok(exit)) => *exit,
        Ok(Err(failure)) => failure.exit,
        Err(_) => Exit::NotDone,
    };
    *locked(&EXIT) = Some(exit);
    let code = exit.code();

    match ended {
        Ok(Ok(Exit::Done)) => event_log::write(EventKind::Stopped, "kado has stopped."),
        Ok(Ok(_)) => event_log::write(
            EventKind::Failed,
            &format!("kado ended with exit code {code}; `kado status` says more."),
        ),
        Ok(Err(failure)) => event_log::write(
            EventKind::Failed,
            &format!("kado ended with exit code {code}: {:#}", failure.error),
        ),
        // The panic hook has told what it was.
        Err(_) => return DEFECT,
    }

    code.into()
}

/// A defect is told to whoever listens: the log, or before there is one the Event Log.
fn report_defect(what: &str) {
    let text = "kado failed where it must not; this is a defect";
    if tracing::dispatcher::has_been_set() {
        tracing::error!(what, "{text}");
    } else {
        event_log::write(EventKind::Failed, &format!("{text}: {what}"));
    }
}

/// Tells the SCM how far the service has come.
struct Reporter {
    handle: ServiceStatusHandle,
    last: Mutex<StartProgress>,
}

/// What the SCM was told last.
struct StartProgress {
    state: ServiceState,
    /// Grows while the service starts or ends.
    checkpoint: u32,
    /// Checkpoints since the state was entered.
    ticks: u32,
}

impl StartProgress {
    const fn entering(state: ServiceState) -> Self {
        Self {
            state,
            checkpoint: 1,
            ticks: 0,
        }
    }
}

impl Reporter {
    const fn new(handle: ServiceStatusHandle) -> Self {
        Self {
            handle,
            last: Mutex::new(StartProgress::entering(ServiceState::StartPending)),
        }
    }

    fn begin(&self) {
        self.report(&locked(&self.last), ServiceExitCode::NO_ERROR);
    }

    /// Goes on to a later state; an earlier one is not gone back to, as when the service is ready
    /// after it was asked to end.
    fn advance(&self, state: ServiceState) {
        let mut last = locked(&self.last);
        if rank(state) > rank(last.state) {
            *last = StartProgress::entering(state);
            self.report(&last, ServiceExitCode::NO_ERROR);
        }
    }

    /// Shows that there is life in it while it starts and ends. Ends the process when ending takes
    /// too long.
    fn keep_reporting(&self) {
        loop {
            std::thread::sleep(CHECKPOINT);

            let mut last = locked(&self.last);
            match last.state {
                ServiceState::Stopped => return,
                ServiceState::StartPending | ServiceState::StopPending => {
                    last.checkpoint += 1;
                    last.ticks += 1;
                    self.report(&last, ServiceExitCode::NO_ERROR);
                }
                _ => {}
            }

            let late = last.state == ServiceState::StopPending && CHECKPOINT * last.ticks >= DRAIN;
            // `give_up` takes the lock again.
            drop(last);
            if late {
                give_up(self);
            }
        }
    }

    fn end(&self, code: u32) {
        let mut last = locked(&self.last);
        *last = StartProgress::entering(ServiceState::Stopped);

        let code = if code == 0 {
            ServiceExitCode::NO_ERROR
        } else {
            ServiceExitCode::ServiceSpecific(code)
        };
        self.report(&last, code);
    }

    fn report(&self, progress: &StartProgress, exit_code: ServiceExitCode) {
        let pending = matches!(
            progress.state,
            ServiceState::StartPending | ServiceState::StopPending
        );

        // Nobody hears a failure to tell; the SCM asks or gives up by itself.
        let _ = self.handle.set_service_status(ServiceStatus {
            service_type: ServiceType::OWN_PROCESS,
            current_state: progress.state,
            controls_accepted: accepted(progress.state),
            exit_code,
            // In the other states there is nothing to wait for.
            checkpoint: if pending { progress.checkpoint } else { 0 },
            wait_hint: if pending { PATIENCE } else { Duration::ZERO },
            process_id: None,
        });
    }
}

/// Ends the process in the middle of what it does, as a power failure would.
fn give_up(reporter: &Reporter) {
    let seconds = DRAIN.as_secs();
    event_log::write(
        EventKind::Failed,
        &format!(
            "kado did not end within {seconds} s; what was in hand is looked up in ADO after the \
             next start."
        ),
    );

    reporter.end(LATE);
    // Not by unwinding, which would wait for whatever hangs.
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

/// The order of the states in the life of a service.
const fn rank(state: ServiceState) -> u8 {
    match state {
        ServiceState::StartPending => 0,
        ServiceState::StopPending => 2,
        ServiceState::Stopped => 3,
        _ => 1,
    }
}
