//! Tokens of Katalon projects as they were last seen, in memory only: a project's token outlives
//! its folder until the process ends.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use secrecy::SecretString;

use crate::locked::locked;
use crate::server::ServerIdentity;

/// The last token of each server.
#[derive(Default)]
pub(crate) struct SeenTokens(Mutex<HashMap<ServerIdentity, SecretString>>);

impl SeenTokens {
    /// Remembers the token of a project for its server.
    pub(crate) fn note(&self, server: &ServerIdentity, token: &SecretString) {
        self.tokens().insert(server.clone(), token.clone());
    }

    /// The token that was seen last for a server.
    pub(super) fn last_for(&self, server: &ServerIdentity) -> Option<SecretString> {
        self.tokens().get(server).cloned()
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<ServerIdentity, SecretString>> {
        locked(&self.0)
    }
}
