//! What keeps a suite from being live, and when it is tried again. That it is not live at all is
//! said in the log and beside the suite (`task`); what passes by itself is in the detailed log
//! alone.

use std::time::Duration;

use crate::ado::AdoError;
use crate::blocking::Stopped;
use crate::connect::ConnectError;
use crate::error_chain::chain;
use crate::intake::IntakeError;
use crate::outbox::StoreError;

/// Time between two looks at a log; more where the disk is slow.
pub(super) const TICK: Duration = Duration::from_millis(200);
/// Pause after a request that failed.
pub(super) const AFTER_FAILURE: Duration = Duration::from_secs(10);
/// Pause while a person has to do something about the token.
const AFTER_REFUSAL: Duration = Duration::from_secs(60);

/// Why a suite is not live now.
#[derive(Debug, thiserror::Error)]
pub(super) enum LiveStop {
    /// It is not live at all, or not any more.
    #[error("{0}")]
    ForGood(String),
    /// Nobody wants it to be live.
    #[error("`submit.live` is off")]
    Off,
    /// It is tried again after a while.
    #[error("{0}")]
    Later(String, Duration),
}

impl From<AdoError> for LiveStop {
    fn from(error: AdoError) -> Self {
        match error {
            AdoError::Gone { .. } | AdoError::Rejected { .. } | AdoError::Configuration(_) => {
                Self::ForGood(error.to_string())
            }
            AdoError::CredentialsRefused { .. } => Self::Later(error.to_string(), AFTER_REFUSAL),
            AdoError::Unavailable { .. } | AdoError::InBetween { .. } | AdoError::File { .. } => {
                Self::Later(error.to_string(), AFTER_FAILURE)
            }
        }
    }
}

impl From<ConnectError> for LiveStop {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Ado(error) => error.into(),
            error => Self::Later(error.to_string(), AFTER_REFUSAL),
        }
    }
}

impl From<IntakeError> for LiveStop {
    fn from(error: IntakeError) -> Self {
        if error.passes() {
            Self::Later(chain(&error), TICK)
        } else {
            Self::ForGood(chain(&error))
        }
    }
}

impl From<StoreError> for LiveStop {
    fn from(error: StoreError) -> Self {
        Self::Later(chain(&error), AFTER_FAILURE)
    }
}

impl From<Stopped> for LiveStop {
    fn from(stopped: Stopped) -> Self {
        Self::ForGood(stopped.to_string())
    }
}
