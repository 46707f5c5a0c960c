//! Looking for a test run that may be there already: by kado's key, and by its name for one that Katalon made.
//!
//! ADO's lists have comments only with details, and there are servers that leave them out all the same; then the newest
//! runs are asked one by one (`ado/api.md` §10).

use std::collections::HashSet;
use std::time::Duration;

use crate::ado::error::AdoError;
use crate::ado::transport::{AdoClient, Page};
use crate::ado::version::Call;
use crate::ado::wire::{List, TestRun};
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

/// What is looked for among the runs of a test plan.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The test plan.
    pub plan: u32,
    /// kado's key.
    pub key: &'a str,
    /// Names of runs without any key of kado's.
    pub names: &'a [&'a str],
    /// The end of the suite run: what is looked for was made later.
    pub since: Moment,
    /// The time of this look.
    pub now: Moment,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The run whose comment starts with the key.
    pub own: Option<TestRun>,
    /// Runs without any key of kado's that have one of the names, the newest first; not all of them when
    /// `own` is there.
    pub others: Vec<TestRun>,
}

impl Found {
    /// Takes a run in whose comment is known; tells whether it is the wanted one.
    fn take(&mut self, run: TestRun, wanted: &Wanted<'_>) -> bool {
        match run.comment.as_deref().and_then(key_in) {
            Some(key) if key == wanted.key => self.own = Some(run),
            Some(_) => {}
            None if is_named(&run, wanted) && self.others.iter().all(|other| other.id != run.id) => {
                self.others.push(run);
            }
            None => {}
        }
        self.own.is_some()
    }
}

fn is_named(run: &TestRun, wanted: &Wanted<'_>) -> bool {
    let name = run.name.as_deref().unwrap_or_default().trim();
    wanted.names.iter().any(|wanted| wanted.trim() == name)
}

impl AdoClient {
    /// Looks for runs.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn find_run(&self, project: &str, wanted: &Wanted<'_>) -> Result<Found, AdoError> {
        let windows = windows(wanted.since, wanted.now);
        if windows.len() > WINDOWS {
            return self.find_in_all_runs(project, wanted).await;
        }
        let mut found = Found::default();
        let mut without_comment = Vec::new();
        let mut any_comment = false;
        for window in windows {
            let mut token: Option<String> = None;
            loop {
                let page = self.runs_page(project, wanted.plan, window, token.clone()).await?;
                for run in page.content.value {
                    if run.comment.is_none() {
                        without_comment.push(run);
                        continue;
                    }
                    any_comment = true;
                    if found.take(run, wanted) {
                        return Ok(found);
                    }
                }
                // A server that repeats itself has no more to say.
                match page.next.filter(|next| !next.is_empty() && token.as_ref() != Some(next)) {
                    Some(next) => token = Some(next),
                    None => break,
                }
            }
        }
        without_comment.sort_unstable_by_key(|run| std::cmp::Reverse(run.id));
        if !any_comment {
            return self.find_one_by_one(project, wanted, without_comment).await;
        }
        for run in without_comment {
            found.take(run, wanted);
        }
        found.others.sort_unstable_by_key(|run| std::cmp::Reverse(run.id));
        Ok(found)
    }

    /// A list that leaves all comments out tells nothing; the newest runs are asked one by one.
    async fn find_one_by_one(&self, project: &str, wanted: &Wanted<'_>, runs: Vec<TestRun>) -> Result<Found, AdoError> {
        let mut found = Found::default();
        let mut known = HashSet::new();
        for listed in runs.into_iter().filter(|run| known.insert(run.id)).take(ONE_BY_ONE) {
            let path = [project, "_apis", "test", "runs", &listed.id.to_string()];
            let run: TestRun = self.get(&path, Call::Released, &[]).await?.content;
            if found.take(run, wanted) {
                break;
            }
        }
        Ok(found)
    }

    /// As [`AdoClient::find_run`], in the list of all runs of a plan.
    async fn find_in_all_runs(&self, project: &str, wanted: &Wanted<'_>) -> Result<Found, AdoError> {
        let mut found = Found::default();
        let mut known = HashSet::new();
        for page in 0.. {
            let query = [
                ("planId", wanted.plan.to_string()),
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
                if found.take(run, wanted) {
                    return Ok(found);
                }
            }
            if last || known.len() == before {
                break;
            }
        }
        Ok(found)
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
