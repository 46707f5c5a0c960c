//! Looking for a test run that may be there already: by kado's key, and by its name for one that
//! Katalon made.
//!
//! ADO's lists have comments only with details, and there are servers that leave them out all the
//! same; then the runs are asked one by one (`ado/api.md` §10). Times are those of the server.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::time::Duration;

use crate::ado::error::AdoError;
use crate::ado::known_keys::KnownKey;
use crate::ado::transport::AdoClient;
use crate::ado::version::Call;
use crate::ado::wire::TestRun;
use crate::moment::Moment;
use crate::plan::comment::{has_key, is_of_filled_run, key_in};

/// Runs on a page of the list (`ado/api.md` §11).
const PAGE_SIZE: usize = 100;
/// A day, by which clocks may differ before anything is known of them.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest time span that ADO answers.
const LONGEST_WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Most windows that are looked into one by one; for older suite runs the list of all runs of the
/// plan is shorter.
const MOST_WINDOWS: usize = 4;

/// What is looked for among the runs of a test plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunSearch<'a> {
    /// The test plan.
    pub(crate) plan: u32,
    /// kado's key.
    pub(crate) key: &'a str,
    /// Which runs without any key of kado's are wanted as well.
    pub(crate) others: OtherRuns<'a>,
    /// The end of the suite run: what is looked for was made later.
    pub(crate) since: Moment,
    /// The time of this look.
    pub(crate) now: Moment,
    /// By how much clocks may differ.
    pub(crate) clocks: Duration,
}

/// Which runs without any key of kado's are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OtherRuns<'a> {
    /// Those of one of these names; they may be Katalon's own.
    Named(&'a [&'a str]),
    /// All: what is wanted is not known yet.
    All,
}

impl OtherRuns<'_> {
    fn include(self, run: &TestRun) -> bool {
        let Self::Named(names) = self else {
            return true;
        };
        let name = run.name.as_deref().unwrap_or_default().trim();
        names.iter().any(|wanted| wanted.trim() == name)
    }
}

/// The runs that were found.
#[derive(Debug, Default)]
pub(crate) struct FoundRuns {
    /// The run whose comment starts with the key; of several the first that was made, which has the
    /// lowest id.
    pub(crate) with_key: Option<TestRun>,
    /// Others with the key that are still in progress.
    pub(crate) duplicates: Vec<u32>,
    /// The wanted runs without any key of kado's, the newest first; not all of them when there is
    /// one with the key.
    pub(crate) others: Vec<TestRun>,
    ids_of_others: HashSet<u32>,
}

impl FoundRuns {
    /// Drops the runs without a key that have none of these names.
    pub(crate) fn keep_named(&mut self, names: &[&str]) {
        let wanted = OtherRuns::Named(names);
        self.others.retain(|run| wanted.include(run));
    }

    /// Takes in a run whose comment is known.
    fn take(&mut self, run: TestRun, search: &RunSearch<'_>) {
        let comment = run.comment.as_deref().unwrap_or_default();
        match key_in(comment) {
            Some(_) if has_key(comment, search.key) => self.take_with_key(run),
            // Another suite run's.
            Some(_) => {}
            None if search.others.include(&run) => self.take_other(run),
            None => {}
        }
    }

    fn take_with_key(&mut self, run: TestRun) {
        // Machines that look at the same moment have to choose the same run, and ids only grow.
        let later = match self.with_key.take() {
            None => {
                self.with_key = Some(run);
                return;
            }

            // A run at the border of two windows comes twice.
            Some(first) if first.id == run.id => {
                self.with_key = Some(first);
                return;
            }

            Some(first) if first.id < run.id => {
                self.with_key = Some(first);
                run
            }

            Some(later) => {
                self.with_key = Some(run);
                later
            }
        };

        // One that is over cannot be ended any more, and one that somebody else began is not kado's
        // to end.
        let comment = later.comment.as_deref().unwrap_or_default();
        if later.is_in_progress() && !is_of_filled_run(comment) {
            self.duplicates.push(later.id);
        }
    }

    fn take_other(&mut self, run: TestRun) {
        // As above, one may come twice.
        if self.ids_of_others.insert(run.id) {
            self.others.push(run);
        }
    }
}

/// What a list of runs came to.
#[derive(Debug, Default)]
struct RunList {
    found: FoundRuns,
    /// Runs of which the list gave no comment.
    without_comment: Vec<TestRun>,
    /// Whether any run of the list had a comment.
    has_comments: bool,
}

impl RunList {
    fn take(&mut self, run: TestRun, search: &RunSearch<'_>) {
        if run.comment.is_none() {
            self.without_comment.push(run);
        } else {
            self.has_comments = true;
            self.found.take(run, search);
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
        search: &RunSearch<'_>,
    ) -> Result<FoundRuns, AdoError> {
        // What the server calls now is what counts: a clock that is wrong here must hide no run.
        let windows = windows(
            self.on_server(search.since),
            self.on_server(search.now),
            search.clocks,
        );
        let list = if windows.len() > MOST_WINDOWS {
            self.list_all_runs(project, search).await?
        } else {
            self.list_runs_in(project, search, windows).await?
        };

        // A request for each run is dear, so it takes a list in which not one run had a comment.
        if list.found.with_key.is_none() && !list.has_comments {
            return self
                .find_one_by_one(project, search, list.without_comment)
                .await;
        }

        // Where others have comments, a run without one really has none.
        let mut found = list.found;
        for run in list.without_comment {
            found.take(run, search);
        }
        found.others.sort_unstable_by_key(|run| Reverse(run.id));
        Ok(found)
    }

    /// A list that leaves all comments out tells nothing: each run is asked for, the newest first.
    /// Nobody creates a run before all were, or there would be two.
    async fn find_one_by_one(
        &self,
        project: &str,
        search: &RunSearch<'_>,
        runs: Vec<TestRun>,
    ) -> Result<FoundRuns, AdoError> {
        // Each once, the newest first.
        let runs: BTreeMap<Reverse<u32>, TestRun> =
            runs.into_iter().map(|run| (Reverse(run.id), run)).collect();

        let mut found = FoundRuns::default();
        for (Reverse(id), listed) in runs {
            let run = match self.known_keys().get(project, id) {
                KnownKey::Key(key) if key != search.key => continue,
                // Without a key only its name counts, and that is what the list gave.
                KnownKey::None => listed,
                KnownKey::Key(_) | KnownKey::Unknown => self.run_with_comment(project, id).await?,
            };
            found.take(run, search);
        }
        Ok(found)
    }

    async fn run_with_comment(&self, project: &str, id: u32) -> Result<TestRun, AdoError> {
        let run = self.test_run(project, id).await?;

        // Others may yet fill a run that was filled, and add their keys.
        let comment = run.comment.as_deref().unwrap_or_default();
        if !is_of_filled_run(comment) {
            self.known_keys().insert(project, id, key_in(comment));
        }
        Ok(run)
    }

    /// The runs that were changed in these windows.
    async fn list_runs_in(
        &self,
        project: &str,
        search: &RunSearch<'_>,
        windows: Vec<(Moment, Moment)>,
    ) -> Result<RunList, AdoError> {
        let path = [project, "_apis", "test", "runs"];
        let mut list = RunList::default();

        for (from, to) in windows {
            let query = [
                ("minLastUpdatedDate", from.to_string()),
                ("maxLastUpdatedDate", to.to_string()),
                ("planIds", search.plan.to_string()),
                // Without details a list has no comments.
                ("includeRunDetails", "true".to_owned()),
                ("$top", PAGE_SIZE.to_string()),
            ];
            self.each_by_token(&path, Call::Released, &query, |run| list.take(run, search))
                .await?;
        }
        Ok(list)
    }

    /// All runs of a plan.
    async fn list_all_runs(
        &self,
        project: &str,
        search: &RunSearch<'_>,
    ) -> Result<RunList, AdoError> {
        let path = [project, "_apis", "test", "runs"];
        let query = [
            // Without dates the same address is another call, which names the plan by itself and
            // pages by offset (`ado/api.md` §10).
            ("planId", search.plan.to_string()),
            ("includeRunDetails", "true".to_owned()),
        ];

        let mut list = RunList::default();
        self.each_by_offset(
            &path,
            &query,
            PAGE_SIZE,
            |run: &TestRun| run.id,
            |run| {
                list.take(run, search);
                ControlFlow::Continue(())
            },
        )
        .await?;
        Ok(list)
    }
}

/// Spans that ADO answers, from `since` to `now` and a while before and after them: clocks differ.
/// The newest comes first.
fn windows(since: Moment, now: Moment, clocks: Duration) -> Vec<(Moment, Moment)> {
    // By a clock that was ahead a suite ends in the future; it is looked for today.
    let begin = since.min(now).minus(clocks);

    let mut windows = Vec::new();
    let mut to = now.plus(clocks);
    while to > begin {
        let from = to.minus(LONGEST_WINDOW).max(begin);
        windows.push((from, to));
        to = from;
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_millis(1_800_000_000_000);

    #[test]
    fn the_windows_cover_everything_since_the_suite_ended_without_a_gap() {
        for days in [0, 1, 6, 7, 20, 400] {
            let since = NOW.minus(days * DAY);

            let windows = windows(since, NOW, DAY);

            assert_eq!(windows[0].1, NOW.plus(DAY));
            assert_eq!(windows.last().unwrap().0, since.minus(DAY));
            for (from, to) in &windows {
                assert!(from < to);
                assert!(to.since(*from) <= 7 * DAY);
            }
            for pair in windows.windows(2) {
                assert_eq!(pair[0].0, pair[1].1);
            }
        }
    }

    #[test]
    fn a_suite_that_ended_in_the_future_is_looked_for_today() {
        assert_eq!(
            windows(NOW.plus(30 * DAY), NOW, DAY),
            [(NOW.minus(DAY), NOW.plus(DAY))]
        );
    }
}
