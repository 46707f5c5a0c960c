//! Why a call did not do what it should, by what has to happen next.

use std::path::PathBuf;
use std::time::Duration;

use crate::exit::Exit;

/// A call to Azure DevOps did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AdoError {
    /// The server refused the token, or the token lacks a permission. Needs a person.
    #[error("{server} refused the credentials: {message}")]
    CredentialsRefused {
        /// The server.
        server: String,
        /// What it said, with the way out.
        message: String,
        /// Whether nothing was sent, because the same token was refused a moment ago.
        repeated: bool,
    },
    /// Something that the call names does not exist, or this token cannot see it.
    #[error("{0}")]
    Gone(String),
    /// The call itself is wrong for this server; the same call will be refused again.
    #[error("Azure DevOps refused the request ({status}): {message}")]
    Rejected {
        /// HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// The server cannot be reached or is busy; it is worth while to try again.
    #[error("{message}")]
    Unavailable {
        /// What happened.
        message: String,
        /// How long the server wants to be left alone.
        wait: Option<Duration>,
        /// Whether the call may have been carried out all the same, so that ADO has to be asked
        /// first.
        unclear: bool,
    },
    /// A file that was to be sent cannot be read.
    #[error("file `{}` cannot be sent: {message}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        message: String,
    },
    /// The connection cannot be set up from this configuration.
    #[error("{0}")]
    Configuration(String),
}

impl AdoError {
    /// The exit code of a command that this error ends.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::CredentialsRefused { .. } => Exit::Refused,
            Self::Unavailable { .. } => Exit::Unreachable,
            Self::Configuration(_) => Exit::Usage,
            Self::Gone(_) | Self::Rejected { .. } | Self::File { .. } => Exit::NotDone,
        }
    }

    /// Unreachable or busy, and nothing was carried out.
    pub fn not_sent(message: impl Into<String>) -> Self {
        Self::Unavailable {
            message: message.into(),
            wait: None,
            unclear: false,
        }
    }
}
