//! Katalon's own submission of a suite run: which test run in ADO it is, and how long to wait for
//! it (product contract, section 3). Pure.
//!
//! Katalon with a licence uploads each suite run right after it wrote `JUnit_Report.xml`
//! (behaviour.md §4.2, step e), and leaves no mark on what it uploads. So a test run without kado's
//! key and with the same name in the same plan counts as that upload only if nothing speaks against
//! it and its times speak for it:
//!
//! * every point that kado would write has a completed result there,
//! * with the same outcome, or, where several executions share the point, with the outcome of one
//!   of them,
//! * that began or ended when the test or its suite began or ended by the log, to the precision in
//!   which ADO gives the time; where the results do not tell when the tests ran, the run itself
//!   began or ended when the suite did,
//! * and no result there names another computer.
//!
//! Two agents that run the same suite at the same time differ in these times, so the upload of one
//! never stands for the run of the other. When in doubt kado sends its own: two test runs are a
//! nuisance, a missing one is a loss.

use std::collections::HashMap;
use std::time::Duration;

use crate::moment::Moment;
use crate::plan::SubmissionPlan;
use crate::plan::options::Options;
use crate::plan::results::PlannedResult;
use crate::plan::sub_results::GroupType;
use crate::server::{Server, ServerIdentity};

/// Times of ADO with fractions of a second are those of the log, but for the 1/300 s to which SQL
/// Server rounds.
const ROUNDED: u64 = 10;
/// How much before the making of its run the time of an upload may lie.
const UPLOAD: Duration = Duration::from_secs(5);
/// How much before the end of its suite an upload may seem to have begun: ADO's time is known to a
/// second or so.
const EARLY: Duration = Duration::from_secs(30);
/// How long nothing may come to a run that is being filled: a large file takes its time.
const QUIET: Duration = Duration::from_secs(2 * 60);

/// What a project is remembered by: server, ADO project and Katalon project.
pub(crate) fn project_key(options: &Options, project_name: &str) -> String {
    let server = match options.server_url.as_deref().map(Server::parse) {
        Some(Ok(server)) => server.identity().clone(),
        _ => ServerIdentity::unknown(),
    };

    // ADO reads names of projects without regard to case, and what was learnt of one is to be found
    // again under either spelling.
    let project = options
        .project
        .as_deref()
        .unwrap_or_default()
        .to_lowercase();
    format!("{server}\n{project}\n{project_name}")
}

/// A test run in ADO that carries no key of kado's.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct ForeignRun {
    /// Whether nothing comes to it any more.
    pub over: bool,
    /// When ADO made it.
    pub created: Option<Moment>,
    /// When something came to it last, by ADO's clock.
    pub changed: Option<Moment>,
    /// When it began, as somebody told ADO.
    pub started: Option<Moment>,
    /// When it ended, as somebody told ADO.
    pub ended: Option<Moment>,
    /// Its results.
    pub results: Vec<ForeignResult>,
}

impl ForeignRun {
    /// Whether somebody may be uploading a suite run to it that ended at `ended`: it is open, was
    /// made after that, and something came to it lately. Both times are by ADO's clock. Of a run
    /// that somebody left open nothing is expected.
    pub(crate) fn is_being_filled(&self, ended: Moment, now: Moment) -> bool {
        if self.over {
            return false;
        }

        // ADO may not say when; then it counts as made after, and as changed lately.
        if let Some(created) = self.created
            && created.plus(EARLY) < ended
        {
            return false;
        }
        match self.changed.or(self.created) {
            Some(changed) => now.since(changed) < QUIET,
            None => true,
        }
    }
}

/// A result of such a run.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct ForeignResult {
    /// Its test point.
    pub point_id: Option<u32>,
    /// Whether it has its outcome.
    pub completed: bool,
    /// ADO's outcome word.
    pub outcome: String,
    /// When the test started, as somebody told ADO.
    pub started: Option<Moment>,
    /// When it ended, as somebody told ADO.
    pub ended: Option<Moment>,
    /// The computer, as somebody told ADO.
    pub computer: Option<String>,
}

/// How a foreign run compares with what kado would send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Likeness {
    /// It is the upload of the same suite run.
    Same,
    /// It may become that: it is not over, and nothing speaks against it so far.
    Growing,
    /// All outcomes are the same, but its times do not tell when the tests ran, so nothing proves
    /// it.
    Unproven,
    /// It is another one.
    Other,
}

/// The results of foreign runs by their points, each with its run.
struct ByPoint<'f>(HashMap<u32, Vec<(&'f ForeignRun, &'f ForeignResult)>>);

impl<'f> ByPoint<'f> {
    fn of(runs: impl IntoIterator<Item = &'f ForeignRun>) -> Self {
        let mut by_point: HashMap<u32, Vec<_>> = HashMap::new();
        for run in runs {
            for result in &run.results {
                if let Some(point) = result.point_id {
                    by_point.entry(point).or_default().push((run, result));
                }
            }
        }
        Self(by_point)
    }

    /// How the results of the same point fit.
    fn fits(&self, plan: &SubmissionPlan, ours: &PlannedResult) -> impl Iterator<Item = Fit> {
        let theirs = self.0.get(&ours.point_id).into_iter().flatten();
        theirs.map(|(run, theirs)| fit(plan, run, ours, theirs))
    }
}

/// Compares a foreign run of the same plan and name with what kado would send.
pub(crate) fn compare(plan: &SubmissionPlan, foreign: &ForeignRun) -> Likeness {
    let theirs = ByPoint::of([foreign]);
    let mut is_incomplete = false;
    let mut times_fit = true;
    let mut shares_a_point = false;

    for ours in &plan.results {
        // Should a point have several results, the one that fits best counts.
        let best = theirs.fits(plan, ours).max();
        shares_a_point |= best.is_some();
        match best {
            Some(Fit::Contrary) => return Likeness::Other,
            Some(Fit::Timeless) => times_fit = false,
            Some(Fit::Same) => {}
            Some(Fit::Open) | None => is_incomplete = true,
        }
    }

    // It has results, and none of a point of ours.
    if !shares_a_point && !foreign.results.is_empty() {
        return Likeness::Other;
    }
    if is_incomplete {
        // Nothing comes to it any more: what it lacks would be lost if it stood for our run.
        return if foreign.over {
            Likeness::Other
        } else {
            Likeness::Growing
        };
    }

    if times_fit || has_times_of_suite(plan, foreign) {
        Likeness::Same
    } else {
        Likeness::Unproven
    }
}

/// Compares several foreign runs at once with a collection that kado would send as one: Katalon
/// uploads each of its suites by itself.
///
/// Gives one of the runs that are such an upload, and whether all of them together are the
/// collection ([`Likeness::Same`]) or may become it ([`Likeness::Growing`]); `None` where no run is
/// a part of it. Only times of results prove that: a collection may take hours, in which other
/// agents run the same suites.
pub(crate) fn compare_together(
    plan: &SubmissionPlan,
    runs: &[(u32, ForeignRun)],
) -> Option<(u32, Likeness)> {
    let parts: Vec<&(u32, ForeignRun)> =
        runs.iter().filter(|(_, run)| is_part(plan, run)).collect();
    let (first_id, _) = parts.first()?;

    // Katalon 11 uploads the suites only when the whole collection has ended. So where one is there
    // the others may be on their way, and are waited for.
    let theirs = ByPoint::of(parts.iter().map(|(_, run)| run));
    let has_all = plan
        .results
        .iter()
        .all(|ours| theirs.fits(plan, ours).any(|fit| fit == Fit::Same));
    if has_all {
        Some((*first_id, Likeness::Same))
    } else {
        Some((*first_id, Likeness::Growing))
    }
}

/// Whether a foreign run is the upload of one suite of a collection that kado sends as one: it has
/// results of points that kado writes, and the times of each of them are those of the log.
pub(crate) fn is_part(plan: &SubmissionPlan, foreign: &ForeignRun) -> bool {
    let theirs = ByPoint::of([foreign]);
    let mut shares_a_point = false;

    for ours in &plan.results {
        for fit in theirs.fits(plan, ours) {
            if fit != Fit::Same {
                return false;
            }
            shares_a_point = true;
        }
    }

    shares_a_point
}

/// How one result fits, the worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Fit {
    /// Its outcome, its computer or its times are those of another run.
    Contrary,
    /// It has no outcome yet.
    Open,
    /// The outcome fits, and its times are not those of a test.
    Timeless,
    /// Outcome and times fit.
    Same,
}

fn fit(
    plan: &SubmissionPlan,
    foreign: &ForeignRun,
    ours: &PlannedResult,
    theirs: &ForeignResult,
) -> Fit {
    if !theirs.completed {
        return Fit::Open;
    }
    if !has_outcome_of(ours, theirs) || names_another_computer(ours, theirs) {
        return Fit::Contrary;
    }

    let starts = ours
        .sub_results
        .iter()
        .map(|part| part.started)
        .chain([ours.started, plan.started]);
    let ends = ours
        .sub_results
        .iter()
        .map(|part| part.completed)
        .chain([ours.completed, plan.completed]);
    if are_of_log(theirs.started, theirs.ended, starts, ends) {
        return Fit::Same;
    }

    // A time from before the run was made is that of some test; a later one may be that of the
    // upload.
    let times = [theirs.started, theirs.ended];
    if times
        .into_iter()
        .flatten()
        .all(|time| is_of_upload(foreign, time))
    {
        Fit::Timeless
    } else {
        Fit::Contrary
    }
}

/// Whether a result has the outcome of ours, or of one of the executions that share its point:
/// Katalon may have uploaded any of them.
fn has_outcome_of(ours: &PlannedResult, theirs: &ForeignResult) -> bool {
    if ours.outcome.eq_ignore_ascii_case(&theirs.outcome) {
        return true;
    }

    ours.group == Some(GroupType::DataDriven)
        && ours
            .sub_results
            .iter()
            .any(|part| part.outcome.eq_ignore_ascii_case(&theirs.outcome))
}

fn names_another_computer(ours: &PlannedResult, theirs: &ForeignResult) -> bool {
    let ours = ours.computer_name.as_deref().and_then(short_name);
    let theirs = theirs.computer.as_deref().and_then(short_name);
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => ours != theirs,
        // Without a name nothing speaks against it.
        _ => false,
    }
}

/// A computer's name without user, domain and case.
fn short_name(computer: &str) -> Option<String> {
    // Katalon itself calls a host `user - machine` (`katalon/files.md`).
    let machine = computer.rsplit(" - ").next()?.trim();
    let host = machine.split('.').next()?.to_lowercase();
    (!host.is_empty()).then_some(host)
}

fn is_of_upload(foreign: &ForeignRun, time: Moment) -> bool {
    match foreign.created {
        Some(created) => time.plus(UPLOAD) >= created,
        // Without it nothing excuses a time that is not the test's. In doubt the run is another
        // one, and kado sends its own.
        None => false,
    }
}

/// Whether the times that somebody gave the run are those of the suite. That both merely overlap
/// says nothing: so do the runs of two agents.
fn has_times_of_suite(plan: &SubmissionPlan, foreign: &ForeignRun) -> bool {
    are_of_log(
        foreign.started,
        foreign.ended,
        [plan.started],
        [plan.completed],
    )
}

/// Whether a start and an end that ADO tells are among these of the log: one of them has to be.
fn are_of_log(
    started: Option<Moment>,
    ended: Option<Moment>,
    starts: impl IntoIterator<Item = Moment>,
    ends: impl IntoIterator<Item = Moment>,
) -> bool {
    let start_fits =
        started.is_some_and(|time| starts.into_iter().any(|start| is_same_time(time, start)));
    let end_fits = ended.is_some_and(|time| ends.into_iter().any(|end| is_same_time(time, end)));

    // Whole seconds say so little that both have to be right.
    if started.is_some_and(is_whole) && ended.is_some_and(is_whole) {
        start_fits && end_fits
    } else {
        start_fits || end_fits
    }
}

/// Whether a time of ADO and one of the log are the same, as precisely as ADO tells: to the
/// millisecond or so, or to the second, cut or rounded.
fn is_same_time(theirs: Moment, ours: Moment) -> bool {
    if is_whole(theirs) {
        return theirs == whole_second(ours.millis())
            || theirs == whole_second(ours.millis() + 500);
    }
    theirs.millis().abs_diff(ours.millis()) <= ROUNDED
}

fn whole_second(millis: i64) -> Moment {
    Moment::from_millis(millis.div_euclid(1000) * 1000)
}

/// Whether a time tells no fraction of its second.
fn is_whole(time: Moment) -> bool {
    time.millis() % 1000 == 0
}

#[cfg(test)]
mod tests;
