//! Test runs and their results.

use std::collections::HashSet;
use std::ops::ControlFlow;

use reqwest::Method;
use serde::Serialize;
use serde::de::IgnoredAny;

use crate::ado::error::AdoError;
use crate::ado::transport::{AdoClient, Importance};
use crate::ado::version::Call;
use crate::ado::wire::{
    AdoResult, NewResult, OutcomeUpdate, ResultUpdate, RunComment, RunCreation, RunEnd, RunUpdate,
    TestRun,
};

/// Results on a page: what servers give without details (`ado/api.md` §11).
const PAGE_SIZE: usize = 1000;

/// Which results of a run are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted<'a> {
    /// All there are.
    All,
    /// One for each of these points.
    OfPoints(&'a [u32]),
}

impl AdoClient {
    /// Creates a run.
    ///
    /// # Errors
    /// When the server fails or refuses it.
    pub(crate) async fn create_run(
        &self,
        project: &str,
        run: &RunCreation<'_>,
    ) -> Result<TestRun, AdoError> {
        let path = [project, "_apis", "test", "runs"];
        // Never sent again from here: an unanswered creation may have made a run, and only a look
        // for its key can tell.
        self.send_json(Method::POST, &path, run, Importance::Essential)
            .await
    }

    /// A run, with everything that is known of it.
    ///
    /// # Errors
    /// When the server fails, and when there is no such run.
    pub(crate) async fn test_run(&self, project: &str, run: u32) -> Result<TestRun, AdoError> {
        let path = [project, "_apis", "test", "runs", &run.to_string()];
        Ok(self.get(&path, Call::Released, &[]).await?.content)
    }

    /// Adds to the comment of a run that somebody else began.
    ///
    /// # Errors
    /// When the server fails or refuses it.
    pub(crate) async fn comment_run(
        &self,
        project: &str,
        run: u32,
        comment: &RunComment<'_>,
    ) -> Result<TestRun, AdoError> {
        self.patch_run(project, run, comment).await
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
        self.patch_run(project, run, update).await
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
        self.patch_run(project, run, end).await
    }

    async fn patch_run(
        &self,
        project: &str,
        run: u32,
        body: &(impl Serialize + Sync),
    ) -> Result<TestRun, AdoError> {
        let path = [project, "_apis", "test", "runs", &run.to_string()];
        self.send_json(Method::PATCH, &path, body, Importance::Essential)
            .await
    }

    /// The results of a run: all of them, or as soon as each of `points` has one, no more.
    ///
    /// # Errors
    /// When the server fails.
    pub(crate) async fn results(
        &self,
        project: &str,
        run: u32,
        points: Wanted<'_>,
    ) -> Result<Vec<AdoResult>, AdoError> {
        let run_id = run.to_string();
        let path = results_path(project, &run_id);
        let id = |result: &AdoResult| result.id;
        let mut missing = match points {
            Wanted::All => None,
            Wanted::OfPoints(points) => Some(points.iter().copied().collect::<HashSet<u32>>()),
        };

        let mut results = Vec::new();
        self.each_by_offset(&path, &[], PAGE_SIZE, id, |result| {
            if let (Some(missing), Some(point)) = (&mut missing, &result.test_point) {
                missing.remove(&point.id);
            }
            results.push(result);

            match &missing {
                Some(missing) if missing.is_empty() => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        })
        .await?;
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
        self.send_results(Method::POST, project, run, &results)
            .await
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
        self.send_results(Method::PATCH, project, run, &results)
            .await
    }

    /// Writes the outcomes of results of a run, and nothing else of them.
    ///
    /// # Errors
    /// When the server fails or refuses them.
    pub(crate) async fn write_outcomes(
        &self,
        project: &str,
        run: u32,
        outcomes: &[OutcomeUpdate<'_>],
    ) -> Result<(), AdoError> {
        self.send_results(Method::PATCH, project, run, &outcomes)
            .await
    }

    async fn send_results(
        &self,
        method: Method,
        project: &str,
        run: u32,
        results: &(impl Serialize + Sync),
    ) -> Result<(), AdoError> {
        let run_id = run.to_string();
        let path = results_path(project, &run_id);

        // The answer holds ids in the order of the request and no outcome, so there is nothing to
        // compare.
        let _: IgnoredAny = self
            .send_json(method, &path, results, Importance::Essential)
            .await?;
        Ok(())
    }
}

fn results_path<'a>(project: &'a str, run: &'a str) -> [&'a str; 6] {
    [project, "_apis", "test", "Runs", run, "results"]
}
