//! Errors of the command line, and the exit code of whatever ended a command.

use crate::config::paths::ConfigError;
use crate::exit::Exit;
use crate::service::ServiceError;

/// A command line that cannot be carried out as it is.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub String);

/// The exit code of an error that ended a command.
pub(crate) fn exit_of(error: &anyhow::Error) -> Exit {
    if let Some(error) = error.downcast_ref::<ServiceError>() {
        return service_exit(error);
    }

    // Both are mended by a person who changes what was written, and trying again is no use.
    if error.is::<UsageError>() || error.is::<ConfigError>() {
        Exit::Usage
    } else {
        Exit::NotDone
    }
}

/// The exit code of an error on the way.
const fn service_exit(error: &ServiceError) -> Exit {
    match error {
        ServiceError::NotConfigured(_)
        | ServiceError::NoServer(_)
        | ServiceError::NoStore { .. } => Exit::Usage,
        _ => Exit::NotDone,
    }
}
