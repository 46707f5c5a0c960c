//! Looking for a test run that may be there already: by kado's key, and by its name for one that
//! Katalon made.
//!
//! ADO's lists have comments only with details, and there are servers that leave them out all the
//! same; then the runs are asked one by one (`ado/api.md` §10). Times are those of the server.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use crate::ado::error::AdoError;
use crate::ado::known_keys::KnownKey;
use crate::ado::transport::{AdoClient, Page};
use crate::ado::version::Call;
use crate::ado::wire::{List, TestRun};
use crate::moment::Moment;
use crate::plan::comment::key_in;

/// Runs on a page of the list (`ado/api.md` §11).
const RUNS: usize = 100;
/// A day, by which clocks may differ before anything is known of them.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Most windows that are looked into one by one; for older suite runs the list of all runs of the
/// plan is shorter.
const WINDOWS: usize = 4;

/// What is looked for among the runs of a test plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// The test plan.
    pub(crate) plan: u32,
    /// kado's key.
    pub(crate) key: &'a str,
    /// Names of runs without any key of kado's.
    pub(crate) names: &'a [&'a str],
    /// The end of the suite run: what is looked for was made later.
    pub(crate) since: Moment,
    /// The time of this look.
    pub(crate) now: Moment,
    /// By how much clocks may differ.
    pub(crate) clocks: Duration,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The run whose comment starts with the key; of several the first that was made, which has the
    /// lowest id.
    pub(crate) own: Option<TestRun>,
    /// Others with the key that are still in progress.
    pub(crate) doubles: Vec<u32>,
    /// Runs without any key of kado's that have one of the names, the newest first; not all of them
    /// when `own` is there.
    pub(crate) others: Vec<TestRun>,
}

impl Found {
    /// Takes a run in whose comment is known.
    fn take(&mut self, run: TestRun, wanted: &Wanted<'_>) {
        match run.comment.as_deref().and_then(key_in) {
            Some(key) if key == wanted.key => self.take_own(run),
            Some(_) => {}
            None if is_named(&run, wanted)
                && self.others.iter().all(|other| other.id != run.id) =>
            {
                self.others.push(run);
            }
            None => {}
        }
    }

    fn take_own(&mut self, run: TestRun) {
        let later = match self.own.take() {
            Some(known) if known.id == run.id => None,
            Some(known) if known.id < run.id => {
                self.own = Some(known);
                Some(run)
            }
            known => {
                self.own = Some(run);
                known
            }
        };
        self.doubles
            .extend(later.filter(TestRun::is_in_progress).map(|run| run.id));
    }
}

fn is_named(run: &TestRun, wanted: &Wanted<'_>) -> bool {
    let name = run.name.as_deref().unwrap_or_default().trim();
    wanted.names.iter().any(|wanted| wanted.trim() == name)
}

/// What a list of runs came to.
#[derive(Debug, Default)]
struct Listed {
    found: Found,
    /// Runs of which the list gave no comment.
    silent: Vec<TestRun>,
    /// Whether any run of the list had a comment.
    any_comment: bool,
}

impl Listed {
    fn take(&mut self, run: TestRun, wanted: &Wanted<'_>) {
        if run.comment.is_none() {
            self.silent.push(run);
        } else {
            self.any_comment = true;
            self.found.take(run, wanted);
        }
    }
}

impl AdoClient {
    /// Looks for runs.
    ///
    /// # Errors
    /// When the server fails.
    pub(crate) async fn find_run(
        &self,
        project: &str,
        wanted: &Wanted<'_>,
    ) -> Result<Found, AdoError> {
        // What the server calls now is what counts: a clock that is wrong here must hide no run.
        let windows = windows(
            self.on_server(wanted.since),
            self.on_server(wanted.now),
            wanted.clocks,
        );
        let mut listed = if windows.len() > WINDOWS {
            self.list_all_runs(project, wanted).await?
        } else {
            self.list_runs_in(project, wanted, windows).await?
        };
        if listed.found.own.is_none() && !listed.any_comment {
            return self.find_one_by_one(project, wanted, listed.silent).await;
        }
        for run in listed.silent {
            listed.found.take(run, wanted);
        }
        listed
            .found
            .others
            .sort_unstable_by_key(|run| std::cmp::Reverse(run.id));
        Ok(listed.found)
    }

    /// A list that leaves all comments out tells nothing: each run is asked for, the newest first.
    /// Nobody creates a run before all were, or there would be two.
    async fn find_one_by_one(
        &self,
        project: &str,
        wanted: &Wanted<'_>,
        runs: Vec<TestRun>,
    ) -> Result<Found, AdoError> {
        let runs: BTreeMap<Reverse<u32>, TestRun> =
            runs.into_iter().map(|run| (Reverse(run.id), run)).collect();
        let mut found = Found::default();
        for (Reverse(id), listed) in runs {
            let run = match self.known_keys().get(project, id) {
                // Its comment is known to be another one's, or none of kado's.
                KnownKey::Key(key) if key != wanted.key => continue,
                KnownKey::None => listed,
                KnownKey::Key(_) | KnownKey::Unknown => self.run_with_comment(project, id).await?,
            };
            found.take(run, wanted);
        }
        Ok(found)
    }

    async fn run_with_comment(&self, project: &str, id: u32) -> Result<TestRun, AdoError> {
        let path = [project, "_apis", "test", "runs", &id.to_string()];
        let run: TestRun = self.get(&path, Call::Released, &[]).await?.content;
        let key = run.comment.as_deref().and_then(key_in);
        self.known_keys().insert(project, id, key);
        Ok(run)
    }

    /// The runs that were changed in these windows.
    async fn list_runs_in(
        &self,
        project: &str,
        wanted: &Wanted<'_>,
        windows: Vec<(Moment, Moment)>,
    ) -> Result<Listed, AdoError> {
        let mut listed = Listed::default();
        for window in windows {
            let mut token: Option<String> = None;
            loop {
                let page = self
                    .runs_page(project, wanted.plan, window, token.clone())
                    .await?;
                page.content
                    .value
                    .into_iter()
                    .for_each(|run| listed.take(run, wanted));
                // A server that repeats itself has no more to say.
                match page
                    .next
                    .filter(|next| !next.is_empty() && token.as_ref() != Some(next))
                {
                    Some(next) => token = Some(next),
                    None => break,
                }
            }
        }
        Ok(listed)
    }

    /// All runs of a plan.
    async fn list_all_runs(&self, project: &str, wanted: &Wanted<'_>) -> Result<Listed, AdoError> {
        let mut listed = Listed::default();
        let mut known = HashSet::new();
        for page in 0.. {
            let query = [
                ("planId", wanted.plan.to_string()),
                ("includeRunDetails", "true".to_owned()),
                ("$top", RUNS.to_string()),
                ("$skip", (page * RUNS).to_string()),
            ];
            let path = [project, "_apis", "test", "runs"];
            let runs = self
                .get::<List<TestRun>>(&path, Call::Released, &query)
                .await?
                .content
                .value;
            let last = runs.len() < RUNS;
            let before = known.len();
            for run in runs {
                if known.insert(run.id) {
                    listed.take(run, wanted);
                }
            }
            if last || known.len() == before {
                break;
            }
        }
        Ok(listed)
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
        self.get(&[project, "_apis", "test", "runs"], Call::Released, &query)
            .await
    }
}

/// Spans of at most seven days, the longest that ADO answers, from `since` to `now` and a while
/// before and after them: clocks differ. The newest comes first.
fn windows(since: Moment, now: Moment, clocks: Duration) -> Vec<(Moment, Moment)> {
    let begin = since.min(now).minus(clocks);
    let mut windows = Vec::new();
    let mut to = now.plus(clocks);
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
            let windows = windows(since, now, DAY);
            assert_eq!(windows[0].1, now.plus(DAY));
            assert_eq!(windows.last().unwrap().0, since.minus(DAY));
            assert!(
                windows
                    .iter()
                    .all(|(from, to)| to.since(*from) <= 7 * DAY && from < to)
            );
            assert!(windows.windows(2).all(|pair| pair[0].0 == pair[1].1));
        }
    }

    #[test]
    fn a_suite_that_ended_in_the_future_is_looked_for_today() {
        let now = Moment::from_millis(1_800_000_000_000);
        assert_eq!(
            windows(now.plus(30 * DAY), now, DAY),
            [(now.minus(DAY), now.plus(DAY))]
        );
    }
}
