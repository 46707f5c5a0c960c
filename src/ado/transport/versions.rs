//! Finds the api-version that a server knows, while reading: from the newest one down. Every
//! submission begins with reading, so a version is found before anything is written.

use std::sync::Mutex;

use reqwest::Method;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::sync::watch;

use crate::ado::error::{AdoError, Missing};
use crate::ado::transport::{AdoClient, Importance, Page};
use crate::ado::version::{self, Call, VersionOrigin};
use crate::locked::locked;

/// The version that a server is spoken to with.
pub(super) struct SpokenVersion {
    version: Mutex<String>,
    origin: VersionOrigin,
    /// Whether a call that reads has worked in this version.
    proven: watch::Sender<bool>,
}

impl SpokenVersion {
    pub(super) fn new(configured: Option<&str>) -> Self {
        Self {
            version: Mutex::new(configured.unwrap_or(version::DEFAULT).to_owned()),
            origin: if configured.is_some() {
                VersionOrigin::Configured
            } else {
                VersionOrigin::FoundOut
            },
            proven: watch::Sender::new(false),
        }
    }

    pub(super) fn origin(&self) -> VersionOrigin {
        self.origin
    }

    pub(super) fn is_proven(&self) -> bool {
        *self.proven.borrow()
    }

    fn get(&self) -> String {
        locked(&self.version).clone()
    }

    /// The next older version in place of `spoken`, where one may be looked for.
    fn step_down(&self, spoken: &str) -> Option<&'static str> {
        // Who names a version means it.
        if self.origin == VersionOrigin::Configured {
            return None;
        }

        // From the version that this call was sent with: two calls that were refused at the same
        // time both come to the next one, and not each a step further.
        let older = version::older(spoken)?;
        older.clone_into(&mut locked(&self.version));
        Some(older)
    }
}

impl AdoClient {
    /// The version that this server is spoken to with; found out by the first call that reads.
    pub(crate) fn version(&self) -> String {
        self.version.get()
    }

    /// Waits until a call that reads has worked in the version that is spoken. What is asked before
    /// may be misunderstood.
    pub(crate) async fn until_version_is_proven(&self) {
        let mut proven = self.version.proven.subscribe();
        // The sender lives as long as this client.
        let _ = proven.wait_for(|proven| *proven).await;
    }

    /// Whether the server is older than 2020; known after the first call that read. It then takes
    /// no tags for runs and knows no place in a pipeline that a run belongs to (`ado/api.md` §1).
    pub(crate) fn is_before_2020(&self) -> bool {
        version::is_before_2020(&self.version())
    }

    /// Reads with GET in a version that the server knows.
    pub(super) async fn get_in_known_version<T: DeserializeOwned>(
        &self,
        path: &[&str],
        call: Call,
        query: &[(&str, String)],
    ) -> Result<Page<T>, AdoError> {
        let mut asked = false;
        loop {
            let spoken = self.version();
            let request = self.request(Method::GET, path, call, query);
            let error = match self.send(request, Importance::Essential).await {
                Ok(page) => {
                    self.version.proven.send_replace(true);
                    return Ok(page);
                }
                Err(error) => error,
            };

            if is_about_version(&error) && self.steps_down(&spoken) {
                continue;
            }

            // Some routes do not say that the version is too new; the one that everybody has does.
            if !asked && call != Call::ConnectionData && self.may_be_too_new(&error) {
                // Once, or a server that answers 404 to everything would be asked for ever.
                asked = true;
                if self.finds_older_than(&spoken).await {
                    continue;
                }
            }

            return Err(error);
        }
    }

    /// Speaks an older version from now on; `false` when there is none that kado can speak, or
    /// another one is not wanted.
    fn steps_down(&self, spoken: &str) -> bool {
        let Some(older) = self.version.step_down(spoken) else {
            return false;
        };

        tracing::info!(
            server = self.server.base(),
            version = older,
            "the server speaks an older api-version"
        );
        true
    }

    /// Asks for what every server has, and whether another version was found by that.
    async fn finds_older_than(&self, spoken: &str) -> bool {
        let path = ["_apis", "connectionData"];
        // Boxed, because this function is part of the one that it calls.
        let answer: Result<Page<IgnoredAny>, _> =
            Box::pin(self.get_in_known_version(&path, Call::ConnectionData, &[])).await;
        answer.is_ok() && self.version() != spoken
    }

    /// Whether an error may come of a version that the server does not know, as long as none has
    /// worked yet: old servers answer some routes with 404 or an internal error then (`ado/api.md`
    /// §1).
    fn may_be_too_new(&self, error: &AdoError) -> bool {
        // Who names a version means it, and after one that has worked a 404 means what it says.
        if self.version.origin == VersionOrigin::Configured || self.version.is_proven() {
            return false;
        }

        match error {
            AdoError::Gone { what, .. } => *what == Missing::Route,
            AdoError::Unavailable { message, .. } => message.contains("TF400898"),
            _ => false,
        }
    }
}

fn is_about_version(error: &AdoError) -> bool {
    matches!(error, AdoError::Rejected { status: 400, message } if version::is_unknown(message))
}
