//! Test runs and their results.

use std::collections::HashSet;
use std::time::Duration;

use reqwest::Method;
use serde::de::IgnoredAny;

use crate::ado::error::AdoError;
use crate::ado::transport::{AdoClient, Kind, Page};
use crate::ado::version::Call;
use crate::ado::wire::{List, NewResult, NewRun, ResultUpdate, RunUpdate, TestResult, TestRun};
use crate::moment::Moment;
use crate::plan::comment::key_in;

/// Runs on a page of the list (`ado/api.md` §11).
const RUNS: usize = 100;
/// A day, by which clocks may differ.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Most windows that are looked into one by one; for older suite runs the list of all runs of the plan is shorter.
const WINDOWS: usize = 4;
/// Most runs that are asked one by one when a list has no comments.
const ONE_BY_ONE: usize = 20;
/// Results on a page.
const RESULTS: usize = 200;

impl AdoClient {
    /// The run of a plan whose comment starts with kado's key; `None` when there is none. Such a run was made after
    /// `since`, the end of the suite run.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn find_run(
        &self,
        project: &str,
        plan: u32,
        key: &str,
        since: Moment,
        now: Moment,
    ) -> Result<Option<TestRun>, AdoError> {
        let mut without_comment = Vec::new();
        let mut any_comment = false;
        let windows = windows(since, now);
        if windows.len() > WINDOWS {
            return self.find_in_all_runs(project, plan, key).await;
        }
        for window in windows {
            let mut token: Option<String> = None;
            loop {
                let page = self.runs_page(project, plan, window, token.clone()).await?;
                for run in page.content.value {
                    match run.comment.as_deref() {
                        Some(comment) if key_in(comment) == Some(key) => return Ok(Some(run)),
                        Some(_) => any_comment = true,
                        None => without_comment.push(run.id),
                    }
                }
                // A server that repeats itself has no more to say.
                match page.next.filter(|next| !next.is_empty() && token.as_ref() != Some(next)) {
                    Some(next) => token = Some(next),
                    None => break,
                }
            }
        }
        if any_comment { Ok(None) } else { self.find_one_by_one(project, key, without_comment).await }
    }

    /// A list that leaves all comments out tells nothing; the newest runs are asked one by one.
    async fn find_one_by_one(&self, project: &str, key: &str, mut runs: Vec<u32>) -> Result<Option<TestRun>, AdoError> {
        runs.sort_unstable_by(|one, other| other.cmp(one));
        for id in runs.into_iter().take(ONE_BY_ONE) {
            let path = [project, "_apis", "test", "runs", &id.to_string()];
            let run: TestRun = self.get(&path, Call::Released, &[]).await?.content;
            if run.comment.as_deref().and_then(key_in) == Some(key) {
                return Ok(Some(run));
            }
        }
        Ok(None)
    }

    /// As [`AdoClient::find_run`], in the list of all runs of a plan.
    async fn find_in_all_runs(&self, project: &str, plan: u32, key: &str) -> Result<Option<TestRun>, AdoError> {
        let mut known = HashSet::new();
        for page in 0.. {
            let query = [
                ("planId", plan.to_string()),
                ("includeRunDetails", "true".to_owned()),
                ("$top", RUNS.to_string()),
                ("$skip", (page * RUNS).to_string()),
            ];
            let path = [project, "_apis", "test", "runs"];
            let runs = self.get::<List<TestRun>>(&path, Call::Released, &query).await?.content.value;
            let last = runs.len() < RUNS;
            let before = known.len();
            for run in runs {
                known.insert(run.id);
                if run.comment.as_deref().and_then(key_in) == Some(key) {
                    return Ok(Some(run));
                }
            }
            if last || known.len() == before {
                break;
            }
        }
        Ok(None)
    }

    async fn runs_page(
        &self,
        project: &str,
        plan: u32,
        (from, to): (Moment, Moment),
        token: Option<String>,
    ) -> Result<Page<List<TestRun>>, AdoError> {
        let mut query = vec![
            ("minLastUpdatedDate", from.to_string()),
            ("maxLastUpdatedDate", to.to_string()),
            ("planIds", plan.to_string()),
            // Without details a list has no comments.
            ("includeRunDetails", "true".to_owned()),
            ("$top", RUNS.to_string()),
        ];
        query.extend(token.map(|token| ("continuationToken", token)));
        self.get(&[project, "_apis", "test", "runs"], Call::Released, &query).await
    }

    /// Creates a run.
    ///
    /// # Errors
    /// When the server fails or refuses it.
    pub async fn create_run(&self, project: &str, run: &NewRun<'_>) -> Result<TestRun, AdoError> {
        self.put_json(Method::POST, &[project, "_apis", "test", "runs"], run, Kind::Write).await
    }

    /// Completes a run, or rewrites its comment.
    ///
    /// # Errors
    /// When the server fails or refuses it.
    pub async fn update_run(&self, project: &str, run: u32, update: &RunUpdate<'_>) -> Result<TestRun, AdoError> {
        self.put_json(Method::PATCH, &[project, "_apis", "test", "runs", &run.to_string()], update, Kind::Write).await
    }

    /// All results of a run.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn results(&self, project: &str, run: u32) -> Result<Vec<TestResult>, AdoError> {
        let mut results: Vec<TestResult> = Vec::new();
        let mut known = HashSet::new();
        for page in 0.. {
            let query = [("$top", RESULTS.to_string()), ("$skip", (page * RESULTS).to_string())];
            let path = results_path(project, run);
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let found = self.get::<List<TestResult>>(&path, Call::Released, &query).await?.content.value;
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
    pub async fn add_results(&self, project: &str, run: u32, results: &[NewResult]) -> Result<(), AdoError> {
        let path = results_path(project, run);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        self.put_json::<IgnoredAny>(Method::POST, &path, &results, Kind::Write).await.map(|_| ())
    }

    /// Writes results of a run.
    ///
    /// # Errors
    /// When the server fails or refuses them.
    pub async fn write_results(&self, project: &str, run: u32, results: &[ResultUpdate<'_>]) -> Result<(), AdoError> {
        let path = results_path(project, run);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        self.put_json::<IgnoredAny>(Method::PATCH, &path, &results, Kind::Write).await.map(|_| ())
    }
}

/// Spans of at most seven days, the longest that ADO answers, from a day before `since` to a day after `now`: clocks
/// differ. The newest comes first.
fn windows(since: Moment, now: Moment) -> Vec<(Moment, Moment)> {
    let begin = since.min(now).minus(DAY);
    let mut windows = Vec::new();
    let mut to = now.plus(DAY);
    while to > begin {
        let from = to.minus(7 * DAY).max(begin);
        windows.push((from, to));
        to = from;
    }
    windows
}

fn results_path(project: &str, run: u32) -> [String; 6] {
    [project, "_apis", "test", "Runs", &run.to_string(), "results"].map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_windows_cover_everything_since_the_suite_ended_without_a_gap() {
        let now = Moment::from_millis(1_800_000_000_000);
        for days in [0, 1, 6, 7, 20, 400] {
            let since = now.minus(days * DAY);
            let windows = windows(since, now);
            assert_eq!(windows[0].1, now.plus(DAY));
            assert_eq!(windows.last().unwrap().0, since.minus(DAY));
            assert!(windows.iter().all(|(from, to)| to.since(*from) <= 7 * DAY && from < to));
            assert!(windows.windows(2).all(|pair| pair[0].0 == pair[1].1));
        }
    }

    #[test]
    fn a_suite_that_ended_in_the_future_is_looked_for_today() {
        let now = Moment::from_millis(1_800_000_000_000);
        assert_eq!(windows(now.plus(30 * DAY), now), [(now.minus(DAY), now.plus(DAY))]);
    }
}
