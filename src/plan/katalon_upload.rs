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
    let server = options
        .server_url
        .as_deref()
        .and_then(|url| Server::parse(url).ok());
    let server = server.map_or_else(ServerIdentity::unknown, |server| server.identity().clone());
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
        let made_after = self
            .created
            .is_none_or(|created| created.plus(EARLY) >= ended);
        let lately = self
            .changed
            .or(self.created)
            .is_none_or(|changed| now.since(changed) < QUIET);
        !self.over && made_after && lately
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

/// Compares a foreign run of the same plan and name with what kado would send.
pub(crate) fn compare(plan: &SubmissionPlan, foreign: &ForeignRun) -> Likeness {
    let (mut open, mut proven, mut shared) = (false, true, false);
    for ours in &plan.results {
        // Should a point have several results, the one that fits best counts.
        match fits(plan, foreign, ours).max() {
            None => open = true,
            Some(Fit::Open) => (open, shared) = (true, true),
            Some(Fit::Contrary) => return Likeness::Other,
            Some(Fit::Timeless) => (proven, shared) = (false, true),
            Some(Fit::Same) => shared = true,
        }
    }
    match (open, proven) {
        _ if !shared && !foreign.results.is_empty() => Likeness::Other,
        (true, _) if foreign.over => Likeness::Other,
        (true, _) => Likeness::Growing,
        (false, true) => Likeness::Same,
        (false, false) if is_of_suite(plan, foreign) => Likeness::Same,
        (false, false) => Likeness::Unproven,
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
    let &&(id, _) = parts.first()?;
    let is_there = |ours: &PlannedResult| {
        parts
            .iter()
            .any(|(_, run)| fits(plan, run, ours).any(|fit| fit == Fit::Same))
    };
    let whole = plan.results.iter().all(is_there);
    Some((
        id,
        if whole {
            Likeness::Same
        } else {
            Likeness::Growing
        },
    ))
}

/// Whether a foreign run is the upload of one suite of a collection that kado sends as one: it has
/// results of points that kado writes, and the times of each of them are those of the log.
pub(crate) fn is_part(plan: &SubmissionPlan, foreign: &ForeignRun) -> bool {
    let mut shared = plan
        .results
        .iter()
        .flat_map(|ours| fits(plan, foreign, ours))
        .peekable();
    shared.peek().is_some() && shared.all(|fit| fit == Fit::Same)
}

/// How the results of the same point fit.
fn fits(
    plan: &SubmissionPlan,
    foreign: &ForeignRun,
    ours: &PlannedResult,
) -> impl Iterator<Item = Fit> {
    let of_point = foreign
        .results
        .iter()
        .filter(|theirs| theirs.point_id == Some(ours.point_id));
    of_point.map(|theirs| fit(plan, foreign, ours, theirs))
}

/// Whether the times that somebody gave the run are those of the suite. That both merely overlap
/// says nothing: so do the runs of two agents.
fn is_of_suite(plan: &SubmissionPlan, foreign: &ForeignRun) -> bool {
    are_told(
        foreign.started,
        foreign.ended,
        [plan.started],
        [plan.completed],
    )
}

/// Whether a start and an end that ADO tells are among these of the log: one of them has to be.
fn are_told(
    started: Option<Moment>,
    ended: Option<Moment>,
    starts: impl IntoIterator<Item = Moment>,
    ends: impl IntoIterator<Item = Moment>,
) -> bool {
    let began =
        started.is_some_and(|time| starts.into_iter().any(|start| is_the_same(time, start)));
    let over = ended.is_some_and(|time| ends.into_iter().any(|end| is_the_same(time, end)));
    // Whole seconds say so little that both have to be right.
    let whole = [started, ended]
        .iter()
        .all(|time| time.is_some_and(is_whole));
    if whole { began && over } else { began || over }
}

/// How one result fits, the worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Fit {
    Contrary,
    /// It has no outcome yet.
    Open,
    /// The outcome fits, and its times are not those of a test.
    Timeless,
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
    let parts = if ours.group == Some(GroupType::DataDriven) {
        ours.sub_results.as_slice()
    } else {
        &[]
    };
    let mut outcomes = parts
        .iter()
        .map(|part| part.outcome.as_str())
        .chain([ours.outcome.as_str()]);
    let other_machine = match (
        machine(ours.computer_name.as_deref()),
        machine(theirs.computer.as_deref()),
    ) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    };
    if other_machine || !outcomes.any(|outcome| outcome.eq_ignore_ascii_case(&theirs.outcome)) {
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
    // A time from before the run was made is that of some test; a later one may be that of the
    // upload.
    let of_upload = |time: &Moment| {
        foreign
            .created
            .is_some_and(|created| time.plus(UPLOAD) >= created)
    };
    match are_told(theirs.started, theirs.ended, starts, ends) {
        true => Fit::Same,
        false if theirs.started.iter().chain(&theirs.ended).all(of_upload) => Fit::Timeless,
        false => Fit::Contrary,
    }
}

/// Whether a time of ADO and one of the log are the same, as precisely as ADO tells: to the
/// millisecond or so, or to the second, cut or rounded.
fn is_the_same(theirs: Moment, ours: Moment) -> bool {
    let (theirs_ms, ours_ms) = (theirs.millis(), ours.millis());
    if is_whole(theirs) {
        return [ours_ms, ours_ms + 500]
            .iter()
            .any(|time| time.div_euclid(1000) * 1000 == theirs_ms);
    }
    theirs_ms.abs_diff(ours_ms) <= ROUNDED
}

/// Whether a time tells no fraction of its second.
fn is_whole(time: Moment) -> bool {
    time.millis() % 1000 == 0
}

/// A computer's name without user, domain and case.
fn machine(name: Option<&str>) -> Option<String> {
    let name = name?
        .rsplit(" - ")
        .next()?
        .trim()
        .split('.')
        .next()?
        .to_lowercase();
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
