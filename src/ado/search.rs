//! Looking for a test run that may be there already: by kado's key, and by its name for one that
//! Katalon made.
//!
//! ADO's lists have comments only with details, and there are servers that leave them out all the
//! same; then the runs are asked one by one (`ado/api.md` §10). Times are those of the server.
//!
//! A search that follows another one of the same plan asks only for what changed since, and takes
//! the rest from memory (`known_runs`). A run that is in memory alone and has the key is asked for
//! before anybody goes on with it: it may have been deleted, or ended, meanwhile.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::mem;
use std::ops::ControlFlow;
use std::time::Duration;

use crate::ado::error::AdoError;
use crate::ado::known_keys::KnownKey;
use crate::ado::known_runs::{Extent, Remembered, ToldRun, ToldRuns};
use crate::ado::transport::AdoClient;
use crate::ado::version::Call;
use crate::ado::wire::TestRun;
use crate::moment::Moment;
use crate::plan::comment::{has_key, is_of_filled_run, key_in, line_of_key};

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
    /// What is known of the plan already.
    pub(crate) memory: Memory,
}

/// Whether a search may go by what an earlier one of the same plan was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Memory {
    /// It may, and asks for what changed since.
    Used,
    /// It asks for everything: a run may have been made and not be in any list yet.
    Unused,
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

/// What a search is about, by the server's clock.
#[derive(Clone, Copy)]
struct ServerSpan {
    /// What is looked for changed at this time or later.
    begin: Moment,
    /// The time of the search.
    now: Moment,
}

/// What a list of runs came to.
#[derive(Default)]
struct RunList {
    found: FoundRuns,
    /// Runs of which the list gave no comment.
    without_comment: Vec<TestRun>,
    /// Whether any run of the list had a comment.
    has_comments: bool,
    /// What is kept of each run whose comment is known.
    told: Vec<ToldRun>,
}

impl RunList {
    fn take(&mut self, run: TestRun, search: &RunSearch<'_>) {
        if run.comment.is_none() {
            self.without_comment.push(run);
        } else {
            self.has_comments = true;
            self.take_known(run, search);
        }
    }

    /// Takes in a run whose comment is known.
    fn take_known(&mut self, run: TestRun, search: &RunSearch<'_>) {
        self.told.push(ToldRun::new(&run));
        self.found.take(run, search);
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
        let found = match search.memory {
            Memory::Used => self.find_with_memory(project, search).await?,
            Memory::Unused => None,
        };

        // News alone do not say that a run is not there.
        let mut found = match found {
            Some(found) => found,
            None => self.find_without_memory(project, search).await?,
        };
        found.others.sort_unstable_by_key(|run| Reverse(run.id));
        Ok(found)
    }

    /// Looks among what changed since the last search and what memory has besides; `None` when
    /// memory does not go back far enough.
    async fn find_with_memory(
        &self,
        project: &str,
        search: &RunSearch<'_>,
    ) -> Result<Option<FoundRuns>, AdoError> {
        let plan = search.plan;
        let span = self.span_of(search);
        let known = self.known_runs();
        let Some(since) = known.ask_since(project, plan, span.begin, search.now) else {
            return Ok(None);
        };

        let windows = windows(since, span.now, search.clocks);
        let mut list = self.list_runs_in(project, search, windows).await?;
        self.complete(project, search, &mut list).await?;

        let news = told(list.told, Extent::News(since), search, span);
        let Some(besides) = known.besides(project, plan, &news, search.key, span.begin) else {
            return Ok(None);
        };
        let mut found = list.found;
        self.add_remembered(project, search, besides, &mut found)
            .await?;
        known.learn(project, plan, news);
        Ok(Some(found))
    }

    /// Looks among everything that changed since the suite run ended.
    async fn find_without_memory(
        &self,
        project: &str,
        search: &RunSearch<'_>,
    ) -> Result<FoundRuns, AdoError> {
        let span = self.span_of(search);
        let windows = windows(span.begin, span.now, search.clocks);
        let mut extent = Extent::Since(span.begin);
        let mut list = if windows.len() > MOST_WINDOWS {
            extent = Extent::Since(Moment::default());
            self.list_all_runs(project, search).await?
        } else {
            self.list_runs_in(project, search, windows).await?
        };
        self.complete(project, search, &mut list).await?;

        let known = told(list.told, extent, search, span);
        self.known_runs().learn(project, search.plan, known);
        Ok(list.found)
    }

    /// What the server calls the time of a search is what counts: a clock that is wrong here must
    /// hide no run.
    fn span_of(&self, search: &RunSearch<'_>) -> ServerSpan {
        let now = self.on_server(search.now);
        ServerSpan {
            begin: begin(self.on_server(search.since), now, search.clocks),
            now,
        }
    }

    /// Takes in the runs of which a list gave no comment.
    async fn complete(
        &self,
        project: &str,
        search: &RunSearch<'_>,
        list: &mut RunList,
    ) -> Result<(), AdoError> {
        let without_comment = mem::take(&mut list.without_comment);

        // A request for each run is dear, so it takes a list in which not one run had a comment.
        if list.found.with_key.is_none() && !list.has_comments {
            return self
                .ask_one_by_one(project, search, without_comment, list)
                .await;
        }

        // Where others have comments, a run without one really has none.
        for run in without_comment {
            list.take_known(run, search);
        }
        Ok(())
    }

    /// A list that leaves all comments out tells nothing: each run is asked for, the newest first.
    /// Nobody creates a run before all were, or there would be two.
    async fn ask_one_by_one(
        &self,
        project: &str,
        search: &RunSearch<'_>,
        runs: Vec<TestRun>,
        list: &mut RunList,
    ) -> Result<(), AdoError> {
        // Each once, the newest first.
        let runs: BTreeMap<Reverse<u32>, TestRun> =
            runs.into_iter().map(|run| (Reverse(run.id), run)).collect();

        for (Reverse(id), listed) in runs {
            let run = match self.known_runs().keys().get(project, id) {
                KnownKey::Key(key) if key != search.key => {
                    list.told
                        .push(ToldRun::with_keys(&listed, &line_of_key(&key)));
                    continue;
                }
                // Without a key only its name counts, and that is what the list gave.
                KnownKey::None => listed,
                KnownKey::Key(_) | KnownKey::Unknown => self.run_with_comment(project, id).await?,
            };
            list.take_known(run, search);
        }
        Ok(())
    }

    /// Adds what memory knows besides a list of news. A run with the key is asked for: the server
    /// says whether it is there and how it stands.
    async fn add_remembered(
        &self,
        project: &str,
        search: &RunSearch<'_>,
        remembered: Vec<Remembered>,
        found: &mut FoundRuns,
    ) -> Result<(), AdoError> {
        for run in remembered {
            match run {
                Remembered::Other(run) => found.take(*run, search),
                Remembered::WithKey(id) => match self.test_run(project, id).await {
                    Ok(run) => found.take(run, search),
                    Err(AdoError::Gone { .. }) => self.known_runs().forget(project, id),
                    Err(error) => return Err(error),
                },
            }
        }
        Ok(())
    }

    /// A run that a search found turned out to be gone.
    pub(crate) fn forget_run(&self, project: &str, run: u32) {
        self.known_runs().forget(project, run);
    }

    async fn run_with_comment(&self, project: &str, id: u32) -> Result<TestRun, AdoError> {
        let run = self.test_run(project, id).await?;

        // Somebody may yet fill a run that kado did not make, or that was filled before, and add a
        // key. Nobody can once it is over.
        let comment = run.comment.as_deref().unwrap_or_default();
        let key = key_in(comment);
        let gets_no_other = !is_of_filled_run(comment) && (key.is_some() || run.is_over());
        if gets_no_other {
            self.known_runs().keys().insert(project, id, key);
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

/// Since when runs are looked for that were made after `since`: clocks differ.
fn begin(since: Moment, now: Moment, clocks: Duration) -> Moment {
    // By a clock that was ahead a suite ends in the future; it is looked for today.
    since.min(now).minus(clocks)
}

/// What a search was told, for those that follow.
fn told(runs: Vec<ToldRun>, extent: Extent, search: &RunSearch<'_>, span: ServerSpan) -> ToldRuns {
    ToldRuns {
        asked: search.now,
        asked_on_server: span.now,
        extent,
        runs,
    }
}

/// Spans that ADO answers, from `begin` to `now` and a while after it: clocks differ. The newest
/// comes first.
fn windows(begin: Moment, now: Moment, clocks: Duration) -> Vec<(Moment, Moment)> {
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

            let windows = windows(begin(since, NOW, DAY), NOW, DAY);

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
            windows(begin(NOW.plus(30 * DAY), NOW, DAY), NOW, DAY),
            [(NOW.minus(DAY), NOW.plus(DAY))]
        );
    }
}
