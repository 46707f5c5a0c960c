//! Why a call did not do what it should, by what has to happen next. What somebody decides on is
//! data; a message is for people alone, and nothing reads it again.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::ado::accepted::Accepted;
use crate::exit::Exit;
use crate::measures::RequestEnd;

/// A call to Azure DevOps did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum AdoError {
    /// The server refused the token, or the token lacks a permission. Needs a person.
    #[error("{server} refused the credentials: {refusal}{}", and_before(.accepted.as_deref()))]
    CredentialsRefused {
        /// The server, or whoever issues its tokens.
        server: String,
        /// What it said.
        refusal: Refusal,
        /// Whether nothing was sent, because the same token was refused a moment ago.
        repeated: bool,
        /// That the same token was accepted before.
        accepted: Option<Box<Accepted>>,
    },
    /// Something that the call names does not exist, or this token cannot see it.
    #[error("{}", gone_in_words(*what, message))]
    Gone {
        /// What that is.
        what: Missing,
        /// The same for people, with the way out where there is one; of [`Missing::Object`],
        /// [`Missing::Unsaid`] and [`Missing::Route`] what the server said.
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
    },
    /// Something between kado and the server answered in its place: a proxy, a web filter, a load
    /// balancer, a portal. That says nothing about the token, and it may pass.
    #[error("{}", in_between(server, answer, correction.as_deref()))]
    InBetween {
        /// The server that was to answer.
        server: String,
        /// What came in place of its answer.
        answer: Box<ForeignAnswer>,
        /// How the server URL is corrected, where it may be wrong.
        correction: Option<String>,
        /// How long the server is to be left alone.
        wait: Option<Duration>,
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
    /// The root suite of a test plan.
    RootSuite,
    /// The server has no such call, or none in this version.
    Route,
    /// Nothing was said beside the status.
    Unsaid,
    /// Something else that the call asks for.
    Object,
}

/// An answer that did not come from Azure DevOps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ForeignAnswer {
    /// HTTP status.
    pub status: u16,
    /// Whether it is a web page.
    pub is_page: bool,
    /// What the page calls itself.
    pub title: Option<String>,
    /// The host that it leads to, of a redirect.
    pub leads_to: Option<String>,
}

impl ForeignAnswer {
    /// Whether it says that this very request is not let through. The others come from something
    /// that is not ready, such as a load balancer without a back end.
    pub(crate) const fn refuses_request(&self) -> bool {
        !matches!(self.status, 404 | 408 | 410 | 429 | 500..)
    }

    /// Whether it says that the request is malformed or too large, which a smaller one may not be.
    pub(crate) const fn objects_to_body(&self) -> bool {
        matches!(self.status, 400 | 413)
    }
}

/// In words that go behind "something between here and the server".
impl fmt::Display for ForeignAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status;
        match (&self.title, &self.leads_to) {
            (Some(title), _) => write!(f, "answered with a page: `{title}` (status {status})"),
            (None, Some(host)) => write!(f, "answered with a redirect to {host} (status {status})"),
            (None, None) if self.is_page => {
                write!(f, "answered with a page without a title (status {status})")
            }
            (None, None) => write!(f, "answered with status {status}"),
        }
    }
}

fn in_between(server: &str, answer: &ForeignAnswer, correction: Option<&str>) -> String {
    let mut text = format!("something between here and {server} {answer}");
    if answer.refuses_request() {
        text.push_str("; a proxy or web filter there has to let kado through");
    }
    if let Some(correction) = correction {
        text.push_str("; if the server URL is wrong, ");
        text.push_str(correction);
    }
    text
}

/// What is not there, in words: the server's own say whose they are.
fn gone_in_words(what: Missing, message: &str) -> String {
    match what {
        Missing::Server | Missing::Project | Missing::Plan(_) | Missing::RootSuite => {
            message.to_owned()
        }
        Missing::Route | Missing::Unsaid | Missing::Object => {
            format!("Azure DevOps answered: {message}")
        }
    }
}

/// That a refused credential was accepted before, behind why it is refused.
fn and_before(accepted: Option<&Accepted>) -> String {
    match accepted {
        Some(accepted) => format!("; {accepted}"),
        None => String::new(),
    }
}

/// That whoever asks is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Why, as far as the other side said.
    pub said: String,
    /// What mends it.
    // As a box, because errors that hold it are handed on by value.
    pub advice: Option<Box<str>>,
    /// Who is refused.
    pub whose: RefusedCredential,
}

/// Who is refused: what helps one does not help the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefusedCredential {
    /// A token, which has scopes.
    Token,
    /// An identity of Entra, which has none.
    Identity,
}

impl Refusal {
    /// Of a token.
    pub(super) fn new(said: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            said: said.into(),
            advice: Some(advice.into().into_boxed_str()),
            whose: RefusedCredential::Token,
        }
    }

    /// Of an identity, where somebody knows what mends it.
    pub(super) fn of_identity(said: impl Into<String>, advice: Option<&str>) -> Self {
        Self {
            said: said.into(),
            advice: advice.map(Box::from),
            whose: RefusedCredential::Identity,
        }
    }

    /// Whether a token with more scopes may be what helps.
    pub(crate) const fn is_of_token(&self) -> bool {
        matches!(self.whose, RefusedCredential::Token)
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
        }
    }

    /// How long the server is to be left alone, where that was said.
    pub(crate) const fn wait(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { wait, .. } | Self::InBetween { wait, .. } => *wait,
            _ => None,
        }
    }

    /// How the request ended that this error came of, for who counts them.
    pub(super) const fn request_end(&self) -> RequestEnd {
        match self {
            Self::CredentialsRefused { .. } => RequestEnd::Refused,
            Self::Gone { .. } => RequestEnd::Missing,
            Self::Rejected { .. } | Self::Configuration(_) => RequestEnd::Rejected,
            Self::Unavailable { .. } | Self::File { .. } => RequestEnd::Unavailable,
            Self::InBetween { .. } => RequestEnd::Intercepted,
        }
    }

    /// The exit code of a command that this error ends.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::CredentialsRefused { .. } => Exit::Refused,
            Self::Unavailable { .. } | Self::InBetween { .. } => Exit::Unreachable,
            Self::Configuration(_) => Exit::Usage,
            Self::Gone { .. } | Self::Rejected { .. } | Self::File { .. } => Exit::NotDone,
        }
    }
}
