//! How a server was at its last answer, for people who look.

use std::time::Duration;

use tokio::time::Instant;

use crate::ado::credential::Credential;
use crate::ado::proxy::ProxyChoice;
use crate::ado::refused::SentFor;
use crate::ado::transport::AdoClient;
use crate::locked::locked;
use crate::moment::Moment;

/// What a client remembers of its server. Nothing in it is a secret.
pub(crate) struct ClientState {
    /// The URL of the server.
    pub server: String,
    /// What kind of credential requests carry.
    pub credential: &'static str,
    /// Whose it is; `None` before the first answer, and where a server does not say so.
    pub account: Option<String>,
    /// Why the credential is refused, where it was a moment ago.
    pub refused: Option<String>,
    /// The last good answer in this process.
    pub last_good: Option<Moment>,
    /// What is left of the pause that the server asked for.
    pub pause: Option<Duration>,
    /// Which proxy, and why.
    pub proxy: Option<ProxyChoice>,
    /// The api-version, once a call has worked in it.
    pub version: Option<String>,
    /// By how many milliseconds this machine's clock is ahead of the server's.
    pub clock_ahead: Option<i64>,
}

impl AdoClient {
    /// Whether nothing was ever heard of the server, or nothing at last.
    pub(crate) fn is_silent(&self) -> bool {
        self.lane.is_silent()
    }

    /// How its server was at the last answer.
    pub(crate) fn state(&self) -> ClientState {
        let credential = match self.credential {
            Credential::Pat(_) => "personal access token",
            Credential::Bearer(_) => "token of a pipeline job",
            Credential::Entra(_) => "Entra identity",
        };

        ClientState {
            server: self.server.base().to_owned(),
            credential,
            account: locked(&self.account).clone(),
            refused: self
                .memory
                .refused
                .counts(SentFor::Submission, Instant::now())
                .map(|refusal| refusal.to_string()),
            last_good: self.measured.last_good(),
            pause: self.memory.pause.left(),
            proxy: self.http.proxy_of(self.server.base()),
            version: self.version.is_proven().then(|| self.version()),
            clock_ahead: self.clock_ahead(),
        }
    }
}
