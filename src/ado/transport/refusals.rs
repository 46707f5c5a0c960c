//! That the token of a client is refused: what the error says, also of the time when it worked, and
//! that it is not tried again for a while.

#![expect(
    clippy::disallowed_methods,
    reason = "a while is measured with the monotonic clock"
)]

use tokio::time::Instant;

use crate::ado::accepted::{Accepted, AcceptedKind};
use crate::ado::credential::Credential;
use crate::ado::error::{AdoError, Refusal};
use crate::ado::refused::SentFor;
use crate::ado::transport::{AdoClient, CallFailure, FailureCause};
use crate::clock;

impl AdoClient {
    pub(super) fn refused_with(&self, refusal: Refusal) -> AdoError {
        AdoError::CredentialsRefused {
            server: self.server.base().to_owned(),
            refusal,
            repeated: false,
            accepted: None,
        }
    }

    /// The error of a call; that a credential was refused as such says since when it had worked.
    pub(super) fn with_history(&self, failed: CallFailure) -> AdoError {
        let CallFailure { mut error, cause } = failed;
        if cause == FailureCause::Token
            && let AdoError::CredentialsRefused { accepted, .. } = &mut error
        {
            *accepted = self.accepted();
        }
        error
    }

    /// Since when the credential had worked; `None` when it never did as far as anybody knows.
    fn accepted(&self) -> Option<Box<Accepted>> {
        let kind = match self.credential {
            Credential::Pat(_) if self.server.is_services() => AcceptedKind::ServicesToken,
            Credential::Pat(_) | Credential::Bearer(_) => AcceptedKind::Token,
            Credential::Entra(_) => AcceptedKind::Identity,
        };
        let span = self
            .worked_tokens
            .span(self.server.base(), &self.credential.digest())?;
        Some(Box::new(Accepted::new(kind, span, clock::now())))
    }

    /// A token that was refused is tried again only after a while; another token has another
    /// client.
    pub(super) fn not_refused(&self) -> Result<(), AdoError> {
        match self
            .memory
            .refused
            .counts(SentFor::of_task(), Instant::now())
        {
            Some(refusal) => Err(AdoError::CredentialsRefused {
                server: self.server.base().to_owned(),
                refusal,
                repeated: true,
                accepted: self.accepted(),
            }),
            None => Ok(()),
        }
    }

    /// Tries the token again although it was refused a moment ago: a call may need a scope that it
    /// lacks while others do not. For `kado check`, which asks each thing once.
    pub(crate) fn forget_refusal(&self) {
        self.memory.forget_refusal();
    }

    /// Whether the token was refused a moment ago, for everything and not just for one call.
    pub(crate) fn token_is_refused(&self) -> bool {
        let refusal = self
            .memory
            .refused
            .counts(SentFor::of_task(), Instant::now());
        refusal.is_some()
    }
}
