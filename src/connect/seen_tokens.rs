//! Tokens of Katalon projects as they were last seen, in memory only: a project's token outlives
//! its folder until the process ends.
//!
//! Each belongs to its project *and* server (invariant I10). Another project for the same server
//! gets nothing of it, or whoever can write one project could send with the token of another.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use secrecy::SecretString;

use crate::file_names::key;
use crate::locked::locked;
use crate::server::ServerIdentity;

/// Whose token it is: the folder of the project, and the server.
type Owner = (String, ServerIdentity);

/// The last token of each project for each server.
#[derive(Default)]
pub(crate) struct SeenTokens(Mutex<HashMap<Owner, SecretString>>);

impl SeenTokens {
    /// Remembers the token of the project in `root` for its server.
    pub(crate) fn note(&self, root: &Path, server: &ServerIdentity, token: &SecretString) {
        let owner = (key(root), server.clone());
        self.tokens().insert(owner, token.clone());
    }

    /// The token that the project in `root` had last for a server.
    pub(super) fn last_of(&self, root: &Path, server: &ServerIdentity) -> Option<SecretString> {
        let owner = (key(root), server.clone());
        self.tokens().get(&owner).cloned()
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<Owner, SecretString>> {
        locked(&self.0)
    }
}
