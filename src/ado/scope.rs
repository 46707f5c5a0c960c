//! Finds out what a token may do, without doing it: each probe is a request that a server refuses
//! for want of its object before it could change anything, or for want of a scope before that.
//!
//! A scope is judged at the door, so a token that lacks it gets 401 or 403 for an object that does
//! not exist, and one that has it gets 404 or 400 (`ado/api.md` §2). What a probe does not prove
//! are permissions inside the project, such as *Create test runs*: they are judged after the object
//! was found.

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use serde::de::IgnoredAny;

use crate::ado::error::AdoError;
use crate::ado::transport::{AdoClient, Importance};
use crate::ado::version::Call;

/// Scopes of tokens that kado needs, or has use for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TokenScope {
    /// `vso.test_write`: test runs, results and attachments.
    TestWrite,
    /// `vso.work`: reading work items.
    Work,
    /// `vso.work_write`: automation fields of test cases.
    WorkWrite,
}

impl TokenScope {
    /// As the page calls it on which tokens are made.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::TestWrite => "Test Management (read & write)",
            Self::Work => "Work Items (read)",
            Self::WorkWrite => "Work Items (read & write)",
        }
    }
}

impl AdoClient {
    /// Why the token lacks a scope; `None` when it has it.
    ///
    /// # Errors
    /// When the server cannot be reached or fails.
    pub(crate) async fn lacks(
        &self,
        project: &str,
        scope: TokenScope,
    ) -> Result<Option<String>, AdoError> {
        let answer = match scope {
            TokenScope::TestWrite => self.probe(self.update_of_no_run(project)).await,
            TokenScope::Work => self.test_case_types(project).await.map(|_| ()),
            TokenScope::WorkWrite => self.probe(self.update_of_no_work_item(project)).await,
        };

        // That it lacks this scope says nothing about others.
        self.forget_refusal();

        match answer {
            Ok(()) | Err(AdoError::Gone { .. } | AdoError::Rejected { .. }) => Ok(None),
            // The advice is for a token that is good for nothing.
            Err(AdoError::CredentialsRefused { refusal, .. }) => Ok(Some(refusal.said)),
            Err(other) => Err(other),
        }
    }

    /// An update without members, of a run that no server has: ids begin with 1.
    fn update_of_no_run(&self, project: &str) -> RequestBuilder {
        let path = [project, "_apis", "test", "runs", "0"];
        self.request(Method::PATCH, &path, Call::Released, &[])
            .json(&serde_json::json!({}))
    }

    /// A list of no changes to a work item that no server has, which is only to be validated.
    fn update_of_no_work_item(&self, project: &str) -> RequestBuilder {
        let path = [project, "_apis", "wit", "workitems", "0"];
        let query = [("validateOnly", "true".to_owned())];
        self.request(Method::PATCH, &path, Call::Released, &query)
            .header(CONTENT_TYPE, "application/json-patch+json")
            .body("[]")
    }

    async fn probe(&self, request: RequestBuilder) -> Result<(), AdoError> {
        self.send::<IgnoredAny>(request, Importance::Essential)
            .await
            .map(|_| ())
    }
}
