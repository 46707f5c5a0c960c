//! Since when and until when each token was accepted, so that the first refusal of one that worked
//! says so: nobody has to wonder whether it ever did.
//!
//! A token is known by a part of a digest of it, from which nobody gets it back. Who sends notes
//! here what was accepted; who has a place to keep it takes it from here from time to time and
//! brings it back after a restart. Nothing depends on it but words.

use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::locked::locked;
use crate::moment::Moment;

/// Most tokens that are remembered; of more, those that worked last.
const MOST: usize = 64;
/// How old what is kept of a token that works may be.
const KEPT_EVERY: Duration = Duration::from_secs(60);
/// Bytes of a digest by which a token is known.
const DIGEST: usize = 8;

/// A token that was accepted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct WorkedToken {
    /// The server, as it is shown.
    pub server: String,
    /// By what it is known again.
    token: String,
    #[serde(flatten)]
    pub span: WorkedSpan,
}

/// From when until when.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct WorkedSpan {
    /// The first time.
    pub first: Moment,
    /// The last time.
    pub last: Moment,
}

/// The tokens that this process knows to have worked.
#[derive(Default)]
pub(crate) struct WorkedTokens(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// The one that worked last stands last.
    tokens: Vec<WorkedToken>,
    /// When `tokens` was taken to be kept; `None` while something in it is new.
    kept: Option<Moment>,
}

impl WorkedTokens {
    /// What was kept before. What this process saw itself is newer, and stays.
    pub(crate) fn remember(&self, kept: Vec<WorkedToken>) {
        let mut known = locked(&self.0);
        let seen = std::mem::replace(&mut known.tokens, kept);
        for token in seen {
            known.tokens.retain(|other| !other.is_same(&token));
            known.tokens.push(token);
        }
    }

    /// A server accepted the token of this digest.
    pub(crate) fn worked(&self, server: &str, digest: &[u8; 32], now: Moment) {
        let mut known = locked(&self.0);
        let mut token = WorkedToken {
            server: server.to_owned(),
            token: name(digest),
            span: WorkedSpan {
                first: now,
                last: now,
            },
        };

        match known.tokens.iter().position(|other| other.is_same(&token)) {
            Some(at) => {
                let before = known.tokens.remove(at);
                token.span.first = before.span.first.min(now);
            }
            None => known.kept = None,
        }

        known.tokens.push(token);
        let surplus = known.tokens.len().saturating_sub(MOST);
        known.tokens.drain(..surplus);
    }

    /// When the token of this digest was accepted; `None` when it never was.
    pub(crate) fn span(&self, server: &str, digest: &[u8; 32]) -> Option<WorkedSpan> {
        let name = name(digest);
        let known = locked(&self.0);
        let token = known
            .tokens
            .iter()
            .find(|other| other.server == server && other.token == name)?;
        Some(token.span)
    }

    /// The servers that accepted a token, as they are shown.
    pub(crate) fn servers(&self) -> Vec<String> {
        let known = locked(&self.0);
        known
            .tokens
            .iter()
            .map(|token| token.server.clone())
            .collect()
    }

    /// What is to be kept now; `None` where what was kept last still does.
    pub(crate) fn to_keep(&self) -> Option<Vec<WorkedToken>> {
        let mut known = locked(&self.0);
        let newest = known.tokens.last()?.span.last;
        if let Some(kept) = known.kept
            && newest.since(kept) < KEPT_EVERY
        {
            return None;
        }
        known.kept = Some(newest);
        Some(known.tokens.clone())
    }
}

impl WorkedToken {
    fn is_same(&self, other: &Self) -> bool {
        self.server == other.server && self.token == other.token
    }
}

/// What a token is known by: enough to tell those of a machine apart, and nothing to try it with.
fn name(digest: &[u8; 32]) -> String {
    let mut name = String::with_capacity(2 * DIGEST);
    for byte in &digest[..DIGEST] {
        name.push_str(&format!("{byte:02x}"));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "https://dev.azure.com/acme";

    /// So many seconds after some time.
    fn at(seconds: i64) -> Moment {
        Moment::from_millis(1_700_000_000_000 + seconds * 1000)
    }

    #[test]
    fn a_token_that_worked_is_known_with_its_span_and_another_is_not() {
        let tokens = WorkedTokens::default();

        tokens.worked(SERVER, &[1; 32], at(0));
        tokens.worked(SERVER, &[1; 32], at(90));

        let span = tokens.span(SERVER, &[1; 32]);
        assert_eq!(
            span,
            Some(WorkedSpan {
                first: at(0),
                last: at(90)
            })
        );
        assert_eq!(tokens.span(SERVER, &[2; 32]), None);
        assert_eq!(tokens.span("https://tfs.corp", &[1; 32]), None);
    }

    #[test]
    fn what_was_kept_is_known_after_a_restart() {
        let before = WorkedTokens::default();
        before.worked(SERVER, &[1; 32], at(0));
        let stored = serde_json::to_string(&before.to_keep().unwrap()).unwrap();

        let after = WorkedTokens::default();
        after.worked(SERVER, &[2; 32], at(10));
        after.remember(serde_json::from_str(&stored).unwrap());

        assert_eq!(after.span(SERVER, &[1; 32]).unwrap().last, at(0));
        assert_eq!(after.span(SERVER, &[2; 32]).unwrap().last, at(10));
        assert!(!stored.contains(&"01".repeat(DIGEST + 1)), "{stored}");
    }

    #[test]
    fn a_token_that_works_all_the_time_is_kept_once_a_minute() {
        let tokens = WorkedTokens::default();
        assert_eq!(tokens.to_keep(), None);

        tokens.worked(SERVER, &[1; 32], at(0));
        assert!(tokens.to_keep().is_some());

        tokens.worked(SERVER, &[1; 32], at(59));
        assert_eq!(tokens.to_keep(), None);

        tokens.worked(SERVER, &[1; 32], at(60));
        assert!(tokens.to_keep().is_some());

        // A new one is kept at once.
        tokens.worked(SERVER, &[2; 32], at(61));
        assert!(tokens.to_keep().is_some());
    }

    #[test]
    fn of_more_tokens_than_anybody_has_the_last_ones_are_known() {
        let tokens = WorkedTokens::default();
        for number in 0..100 {
            tokens.worked(SERVER, &[number; 32], at(i64::from(number)));
        }

        assert_eq!(tokens.span(SERVER, &[35; 32]), None);
        assert!(tokens.span(SERVER, &[36; 32]).is_some());
    }
}
