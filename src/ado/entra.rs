//! Tokens of Entra identities: fetched when the first request needs one, kept in memory, renewed
//! before they end.
//!
//! A service principal proves itself to its authority with a secret, a certificate or a token of
//! another issuer ([`authority`], [`assertion`], [`federated`]); a managed identity asks the
//! machine it runs on ([`managed`]). A
//! secret goes to the authority and nowhere else, and the token to the one server of the table that
//! it stands in (invariant I10). An authority that refuses is "credentials refused", one that does
//! not answer is "unreachable"; as long as the last token is good, it is used all the same, and
//! nobody waits for the next one.

mod answer;
pub(crate) mod assertion;
pub(crate) mod authority;
pub(crate) mod federated;
pub(crate) mod managed;
mod validity;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;

use crate::ado::error::AdoError;
use crate::ado::http::Caller;
use crate::clock;
use crate::error_chain::chain;
use crate::moment::Moment;

use answer::GoodAnswer;
use authority::ServicePrincipal;
use managed::ManagedIdentity;

/// Azure DevOps as Entra knows it (`ado/api.md` §2).
const RESOURCE: &str = "499b84ac-1321-427f-aa17-267ca6975798";
/// How long before its end a token is renewed; a shorter-lived one at half its life.
const BEFORE_END: Duration = Duration::from_secs(5 * 60);
/// How long after a renewal that failed the next one is tried, while the last token is good.
const AGAIN: Duration = Duration::from_secs(30);

/// Who issues the tokens.
pub(crate) enum Issuer {
    /// An application that is registered in a tenant.
    ServicePrincipal(ServicePrincipal),
    /// The identity of the machine.
    ManagedIdentity(ManagedIdentity),
}

impl Issuer {
    const fn caller(&self) -> &Caller {
        match self {
            Self::ServicePrincipal(principal) => &principal.http,
            Self::ManagedIdentity(identity) => &identity.http,
        }
    }
}

/// An identity with its token.
pub(crate) struct Entra {
    issuer: Issuer,
    /// What tells this identity from another.
    digest: [u8; 32],
    /// Never locked for long.
    tokens: Mutex<Tokens>,
    /// Locked by whoever asks the issuer: one does at a time.
    turn: Arc<Mutex<()>>,
    /// Whether the last token that somebody waited for could not be had because of the issuer's
    /// certificate.
    outdated: AtomicBool,
}

/// What came of asking the issuer.
#[derive(Default)]
struct Tokens {
    last: Option<Issued>,
    /// How many times the issuer was asked.
    asked: u64,
    /// What went wrong the last time.
    failure: Option<AdoError>,
}

impl Tokens {
    /// A token that has not ended.
    fn good(&self, now: Moment) -> Option<(SecretString, TokenAge)> {
        let last = self.last.as_ref()?;
        match last.stage(now) {
            TokenAge::Ended => None,
            stage => Some((last.token.clone(), stage)),
        }
    }

    /// What went wrong while somebody waited for his turn: who waits for the same does not wait for
    /// it once more.
    fn failed_since(&self, asked: u64) -> Result<(), AdoError> {
        match &self.failure {
            Some(failure) if self.asked != asked => Err(failure.clone()),
            _ => Ok(()),
        }
    }
}

/// A token and its time.
struct Issued {
    token: SecretString,
    renew_at: Moment,
    until: Moment,
}

/// How far a token is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum TokenAge {
    /// It is used.
    Fresh,
    /// Another is to be had, but this one still does.
    Ageing,
    /// It does no longer.
    Ended,
}

impl Issued {
    fn new(answer: GoodAnswer, now: Moment) -> Self {
        // A token that lives no longer than these minutes would be due at once, and every request
        // would fetch another.
        let renew_after = answer.lives.saturating_sub(BEFORE_END);
        Self {
            token: answer.token,
            renew_at: now.plus(renew_after.max(answer.lives / 2)),
            until: now.plus(answer.lives),
        }
    }

    fn stage(&self, now: Moment) -> TokenAge {
        if now >= self.until {
            TokenAge::Ended
        } else if now >= self.renew_at {
            TokenAge::Ageing
        } else {
            TokenAge::Fresh
        }
    }
}

impl Entra {
    /// An identity; nothing is fetched yet. `digest` tells it from others, its secret included.
    pub(crate) fn new(issuer: Issuer, digest: [u8; 32]) -> Self {
        Self {
            issuer,
            digest,
            tokens: Mutex::default(),
            turn: Arc::default(),
            outdated: AtomicBool::new(false),
        }
    }

    /// A token that is good for a while. While the last one is good it is given at once, and
    /// another is fetched beside.
    ///
    /// # Errors
    /// When the authority refuses the identity or cannot be reached, and there is no token that is
    /// still good.
    pub(super) async fn token(self: &Arc<Self>) -> Result<SecretString, AdoError> {
        let asked = {
            let tokens = self.tokens.lock().await;
            if let Some((token, stage)) = tokens.good(clock::now()) {
                // Nobody waits here: an authority that hangs would hold up every request, though
                // the token in hand is good.
                if stage == TokenAge::Ageing {
                    self.renew_beside();
                }
                return Ok(token);
            }
            tokens.asked
        };

        // Whoever had the turn before may have got a token, or have been refused one.
        let _turn = self.turn.lock().await;
        {
            let tokens = self.tokens.lock().await;
            if let Some((token, _)) = tokens.good(clock::now()) {
                return Ok(token);
            }
            tokens.failed_since(asked)?;
        }
        self.fetch_for_somebody().await
    }

    /// Fetches another token in place of one that a server refused; `false` when there is no other.
    ///
    /// # Errors
    /// When the authority refuses the identity or cannot be reached.
    pub(super) async fn renew(&self, refused: &SecretString) -> Result<bool, AdoError> {
        // What the server says counts more than the end that the authority told: a token may be
        // revoked before it, or this machine's clock may be wrong.
        let asked = self.tokens.lock().await.asked;

        let _turn = self.turn.lock().await;
        {
            let tokens = self.tokens.lock().await;
            if let Some(last) = &tokens.last
                && last.token.expose_secret() != refused.expose_secret()
            {
                // Another request was refused with the same token, and got this one.
                return Ok(true);
            }
            tokens.failed_since(asked)?;
        }
        let token = self.fetch_for_somebody().await?;

        // Metadata services hand out the token that they keep, which may be the refused one again.
        Ok(token.expose_secret() != refused.expose_secret())
    }

    /// When the token in hand ends; `None` before the first.
    pub(crate) async fn valid_until(&self) -> Option<Moment> {
        let tokens = self.tokens.lock().await;
        tokens.last.as_ref().map(|last| last.until)
    }

    /// Tells this identity from another without keeping its secret.
    pub(super) const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Whether another client may reach the issuer where this one does not, and no token is lost
    /// with this one.
    pub(crate) fn is_outdated(&self) -> bool {
        self.outdated.load(Ordering::Relaxed)
    }

    /// Fetches a token while the last one is good, unless somebody does already.
    fn renew_beside(self: &Arc<Self>) {
        let Ok(turn) = Arc::clone(&self.turn).try_lock_owned() else {
            return;
        };

        let entra = Arc::clone(self);
        tokio::spawn(async move {
            let _turn = turn;
            let Err(error) = entra.fetch().await else {
                return;
            };

            tracing::warn!(
                reason = chain(&error),
                "the token cannot be renewed; the last one is still good"
            );

            // Otherwise each request would ask an authority that is in trouble once more.
            if let Some(last) = &mut entra.tokens.lock().await.last {
                last.renew_at = clock::now().plus(AGAIN);
            }
        });
    }

    /// Fetches a token that is waited for; the caller has the turn.
    async fn fetch_for_somebody(&self) -> Result<SecretString, AdoError> {
        let result = self.fetch().await;

        // Only here and not beside: a client that is made anew begins without a token, so one that
        // still has a good one must not be given up.
        let outdated = result.is_err() && self.issuer.caller().distrusts();
        self.outdated.store(outdated, Ordering::Relaxed);
        result
    }

    async fn fetch(&self) -> Result<SecretString, AdoError> {
        let answer = match &self.issuer {
            Issuer::ServicePrincipal(principal) => principal.fetch().await,
            Issuer::ManagedIdentity(identity) => identity.fetch().await,
        };

        // Counted also when it failed: who waited for the turn must not wait for the same again.
        let mut tokens = self.tokens.lock().await;
        tokens.asked += 1;
        tokens.failure = answer.as_ref().err().cloned();
        let issued = Issued::new(answer?, clock::now());
        Ok(tokens.last.insert(issued).token.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_five_minutes_before_its_end_and_a_short_one_at_half_its_life() {
        let at = |seconds: i64| Moment::from_millis(seconds * 1000);
        let stages = |lives, times: [i64; 4]| {
            let answer = GoodAnswer {
                token: SecretString::from("x".to_owned()),
                lives: Duration::from_secs(lives),
            };
            let issued = Issued::new(answer, at(0));
            times.map(|seconds| issued.stage(at(seconds)))
        };

        let life = [
            TokenAge::Fresh,
            TokenAge::Ageing,
            TokenAge::Ageing,
            TokenAge::Ended,
        ];
        assert_eq!(stages(3600, [3299, 3300, 3599, 3600]), life);
        assert_eq!(stages(400, [199, 200, 399, 400]), life);
    }
}
