//! Test runs and their results.

use std::collections::HashSet;

use reqwest::Method;
use serde::de::IgnoredAny;

use crate::ado::error::AdoError;
use crate::ado::transport::{AdoClient, Importance};
use crate::ado::version::Call;
use crate::ado::wire::{
    List, NewResult, NewRun, ResultUpdate, RunEnd, RunUpdate, TestResult, TestRun,
};

/// Results on a page.
const RESULTS: usize = 200;

impl AdoClient {
    /// Creates a run.
    ///
    /// # Errors
    /// When the server fails or refuses it.
    pub(crate) async fn create_run(
        &self,
        project: &str,
        run: &NewRun<'_>,
    ) -> Result<TestRun, AdoError> {
        self.send_json(
            Method::POST,
            &[project, "_apis", "test", "runs"],
            run,
            Importance::Essential,
        )
        .await
    }

    /// Completes a run, or rewrites its comment.
    ///
    /// # Errors
    /// When the server fails or refuses it.
    pub(crate) async fn update_run(
        &self,
        project: &str,
        run: u32,
        update: &RunUpdate<'_>,
    ) -> Result<TestRun, AdoError> {
        self.send_json(
            Method::PATCH,
            &[project, "_apis", "test", "runs", &run.to_string()],
            update,
            Importance::Essential,
        )
        .await
    }

    /// Ends a run that is not needed.
    ///
    /// # Errors
    /// When the server fails or refuses it.
    pub(crate) async fn end_run(
        &self,
        project: &str,
        run: u32,
        end: &RunEnd<'_>,
    ) -> Result<TestRun, AdoError> {
        self.send_json(
            Method::PATCH,
            &[project, "_apis", "test", "runs", &run.to_string()],
            end,
            Importance::Essential,
        )
        .await
    }

    /// All results of a run.
    ///
    /// # Errors
    /// When the server fails.
    pub(crate) async fn results(
        &self,
        project: &str,
        run: u32,
    ) -> Result<Vec<TestResult>, AdoError> {
        let mut results: Vec<TestResult> = Vec::new();
        let mut known = HashSet::new();
        for page in 0.. {
            let query = [
                ("$top", RESULTS.to_string()),
                ("$skip", (page * RESULTS).to_string()),
            ];
            let path = results_path(project, run);
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let found = self
                .get::<List<TestResult>>(&path, Call::Released, &query)
                .await?
                .content
                .value;
            let last = found.len() < RESULTS;
            let before = results.len();
            results.extend(found.into_iter().filter(|result| known.insert(result.id)));
            // A server that repeats itself has no more to say.
            if last || results.len() == before {
                break;
            }
        }
        Ok(results)
    }

    /// Adds results to a run.
    ///
    /// # Errors
    /// When the server fails or refuses them.
    pub(crate) async fn add_results(
        &self,
        project: &str,
        run: u32,
        results: &[NewResult],
    ) -> Result<(), AdoError> {
        let path = results_path(project, run);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        self.send_json::<IgnoredAny>(Method::POST, &path, &results, Importance::Essential)
            .await
            .map(|_| ())
    }

    /// Writes results of a run.
    ///
    /// # Errors
    /// When the server fails or refuses them.
    pub(crate) async fn write_results(
        &self,
        project: &str,
        run: u32,
        results: &[ResultUpdate<'_>],
    ) -> Result<(), AdoError> {
        let path = results_path(project, run);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        self.send_json::<IgnoredAny>(Method::PATCH, &path, &results, Importance::Essential)
            .await
            .map(|_| ())
    }
}

fn results_path(project: &str, run: u32) -> [String; 6] {
    [
        project,
        "_apis",
        "test",
        "Runs",
        &run.to_string(),
        "results",
    ]
    .map(str::to_owned)
}
