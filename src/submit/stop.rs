//! What keeps a submission from going on.

use crate::ado::AdoError;
use crate::blocking::Stopped;
use crate::connect::ConnectError;
use crate::moment::Moment;
use crate::outbox::StoreError;
use crate::outbox::submission::Obstacle;
use crate::plan::SubmissionPlan;

/// Why a submission does not go on now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// ADO, or the way to it.
    #[error(transparent)]
    Ado(#[from] AdoError),
    /// Nothing can be recorded, so nothing may be sent.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No token for the server.
    #[error("{0}")]
    NoToken(String),
    /// Needs a person.
    #[error("{0}")]
    Park(String),
    /// Another test plan of the run gets its results, so there is nothing to do for this one.
    #[error("{reason}")]
    Elsewhere {
        /// Which one.
        reason: String,
        /// The plan.
        plan: Box<SubmissionPlan>,
    },
    /// Somebody else seems to be submitting the run: Katalon itself, or another kado.
    #[error("{reason}")]
    AwaitsAnother {
        /// When to look again.
        until: Moment,
        /// Why it is believed.
        reason: String,
    },
    /// Katalon submitted the run itself.
    #[error("Katalon submitted this run itself, as test run {run}")]
    ByKatalon {
        /// Its test run.
        run: u32,
        /// Where a person sees it.
        url: String,
    },
    /// Nothing of the plan is to be sent; it is kept, so that a person sees why.
    #[error("{reason}")]
    Nothing {
        /// The first reason.
        reason: String,
        /// The plan, with everything that was left out.
        plan: Box<SubmissionPlan>,
    },
}

impl From<ConnectError> for Stop {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Ado(error) => Self::Ado(error),
            ConnectError::NoServer | ConnectError::ServerUrl(_) => Self::Park(error.to_string()),
            ConnectError::NoToken { .. }
            | ConnectError::Undecryptable { .. }
            | ConnectError::Secret(_)
            | ConnectError::NoClientSecret(_) => Self::NoToken(error.to_string()),
        }
    }
}

impl From<Stopped> for Stop {
    fn from(stopped: Stopped) -> Self {
        Self::Store(stopped.into())
    }
}

/// Why a submission waits; `None` when waiting does not help.
pub(super) fn cause(stop: &Stop) -> Option<Obstacle> {
    match stop {
        Stop::Ado(AdoError::CredentialsRefused { .. }) => Some(Obstacle::Credentials),
        Stop::Ado(AdoError::Unavailable { .. } | AdoError::File { .. }) => {
            Some(Obstacle::Unreachable)
        }
        Stop::Ado(AdoError::Configuration(_)) => Some(Obstacle::Configuration),
        Stop::NoToken(_) => Some(Obstacle::NoToken),
        Stop::AwaitsAnother { .. } => Some(Obstacle::Katalon),
        Stop::Ado(AdoError::Gone { .. } | AdoError::Rejected { .. }) | Stop::Park(_) => None,
        Stop::Nothing { .. } | Stop::Elsewhere { .. } | Stop::Store(_) | Stop::ByKatalon { .. } => {
            None
        }
    }
}
