//! Why a call did not do what it should, by what has to happen next. What somebody decides on is
//! data; a message is for people alone, and nothing reads it again.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::exit::Exit;

/// A call to Azure DevOps did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum AdoError {
    /// The server refused the token, or the token lacks a permission. Needs a person.
    #[error("{server} refused the credentials: {refusal}")]
    CredentialsRefused {
        /// The server, or whoever issues its tokens.
        server: String,
        /// What it said.
        refusal: Refusal,
        /// Whether nothing was sent, because the same token was refused a moment ago.
        repeated: bool,
    },
    /// Something that the call names does not exist, or this token cannot see it.
    #[error("{message}")]
    Gone {
        /// What that is.
        what: Missing,
        /// The same for people, with the way out where there is one.
        message: String,
    },
    /// The call itself is wrong for this server; the same call will be refused again.
    #[error("Azure DevOps refused the request ({status}): {message}")]
    Rejected {
        /// HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// The server cannot be reached or is busy; it is worth while to try again. The call may have
    /// been carried out all the same, which no caller has to be told: a step that was begun is
    /// always asked for before it is sent again (invariant I5).
    #[error("{message}")]
    Unavailable {
        /// What happened.
        message: String,
        /// How long the server wants to be left alone.
        wait: Option<Duration>,
        /// Whether a web page came in place of an answer, so that Azure DevOps itself was not
        /// asked.
        web_page: bool,
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

/// What a call names that is not there, or that this token cannot see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    /// Azure DevOps itself: nothing at the server's URL speaks as it does.
    Server,
    /// The project of the call.
    Project,
    /// This test plan.
    Plan(u32),
    /// The server has no such call, or none in this version.
    Route,
    /// Nothing was said beside the status.
    Unsaid,
    /// Something else that the call asks for.
    Object,
}

/// That whoever asks is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Why, as far as the other side said.
    pub said: String,
    /// What mends it.
    pub advice: Option<String>,
}

impl Refusal {
    pub(super) fn new(said: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            said: said.into(),
            advice: Some(advice.into()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)?;
        match &self.advice {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

impl AdoError {
    /// Unreachable or busy, in these words, for nobody knows how long.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable {
            message: message.into(),
            wait: None,
            web_page: false,
        }
    }

    /// The exit code of a command that this error ends.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::CredentialsRefused { .. } => Exit::Refused,
            Self::Unavailable { .. } => Exit::Unreachable,
            Self::Configuration(_) => Exit::Usage,
            Self::Gone { .. } | Self::Rejected { .. } | Self::File { .. } => Exit::NotDone,
        }
    }
}
