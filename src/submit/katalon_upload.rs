//! Looks in ADO for Katalon's own submission before kado creates a run. [`crate::plan::katalon_upload`]
//! says what it is.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::ado::wire::{TestResult, TestRun};
use crate::clock;
use crate::moment::Moment;
use crate::outbox::store::Overlap;
use crate::outbox::{Store, StoreError};
use crate::plan::SubmissionPlan;
use crate::plan::katalon_upload::{
    ForeignResult, ForeignRun, Likeness, compare, compare_together, is_part, project_key,
};
use crate::submit::execution::Execution;
use crate::submit::stop::Stop;

mod collection;

/// Runs that are compared in one look: the newest ones that fit by name and time.
const MOST: usize = 10;
/// How far the clocks of this machine and of the server may differ: a run of Katalon's is made
/// after its suite ended.
const CLOCKS: Duration = Duration::from_secs(60 * 60);
/// Pause before the next look at a run that Katalon seems to be filling.
const GROWING: Duration = Duration::from_secs(15);
/// How long, after `katalon_wait`, such a run is believed to grow.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// Suite runs of kado that may have been submitted twice: those that ended this long before.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Compares the runs of the same name and without a key of kado's with this submission, and with
/// those before it that Katalon may have submitted as well.
///
/// # Errors
/// When Katalon submitted this run or may be about to, and when ADO or the outbox fails.
pub(super) async fn look(execution: &Execution<'_>, others: &[TestRun]) -> Result<(), Stop> {
    let (plan, snapshot) = (execution.plan(), &execution.submission.snapshot);
    let (rule, project) = (
        &snapshot.options.katalon,
        project_key(&snapshot.options, &snapshot.project_name),
    );
    let (growing, seen) = compare_all(execution, others).await?;
    let doubled = find_doubles(execution, others, seen, &project).await?;
    let now = clock::now();
    let wait = Duration::from_millis(rule.wait_ms);
    if let Some(run) = growing.filter(|_| now < plan.completed.plus(wait).plus(PATIENCE)) {
        let reason = format!("Katalon seems to be submitting this run itself, as test run {run}");
        return Err(Stop::AwaitsAnother {
            until: now.plus(GROWING),
            reason,
        });
    }
    if collection::is_awaited(execution, &project).await? {
        let reason = "Katalon submits runs of this project itself, and those of a collection when the whole has ended";
        return Err(Stop::AwaitsAnother {
            until: now.plus(collection::BETWEEN_LOOKS),
            reason: reason.to_owned(),
        });
    }
    let until = plan.completed.plus(wait);
    if doubled && rule.expected && execution.patient && now < until {
        let reason = "Katalon submits runs of this project itself; this one is waited for (`submit.katalon_wait`)";
        return Err(Stop::AwaitsAnother {
            until,
            reason: reason.to_owned(),
        });
    }
    if rule.expected && !doubled {
        execution
            .outbox
            .with(move |store| store.katalon_in_vain(&project))
            .await?;
    }
    Ok(())
}

/// Compares the runs that may be Katalon's; gives one that it seems to be filling, and all that
/// were read.
async fn compare_all(
    execution: &Execution<'_>,
    others: &[TestRun],
) -> Result<(Option<u32>, Vec<(u32, ForeignRun)>), Stop> {
    let plan = execution.plan();
    let joined = execution.submission.snapshot.joined.as_ref();
    // Of a collection there is a run for each suite, and that of the first one is made long before
    // the last one ends.
    let most = MOST.max(2 * joined.map_or(0, |joined| joined.members.len()));
    let since = if joined.is_some() {
        plan.started
    } else {
        plan.completed
    };
    let mut growing = None;
    let mut seen = Vec::new();
    // Of many the nearest in time: a run that is submitted late has newer ones of its name.
    let mut near: Vec<&TestRun> = others
        .iter()
        .filter(|run| was_made_since(run, since))
        .collect();
    near.sort_by_key(|run| created(run).map_or(Duration::ZERO, |created| apart(created, since)));
    for run in near.into_iter().take(most) {
        let foreign = read(execution, run).await?;
        match compare(plan, &foreign) {
            Likeness::Same => return Err(by_katalon(execution, run)),
            Likeness::Growing if is_being_filled(execution, &foreign) => growing = Some(run.id),
            Likeness::Unproven => tracing::warn!(
                id = execution.submission.id,
                ado_run = run.id,
                "a test run of the same name has the same outcomes, but no times that prove it to be Katalon's own \
                 submission of this run; kado sends its own. `submit.katalon_submits` says who submits"
            ),
            Likeness::Other if joined.is_none() && foreign.over && is_part(plan, &foreign) => {
                tell_of_part(execution, run.id).await?;
            }
            Likeness::Growing | Likeness::Other => {}
        }
        seen.push((run.id, foreign));
    }
    match compare_together(plan, &seen).filter(|_| joined.is_some()) {
        Some((id, Likeness::Same)) => match others.iter().find(|run| run.id == id) {
            Some(run) => Err(by_katalon(execution, run)),
            None => Ok((growing, seen)),
        },
        Some((id, _)) => Ok((growing.or(Some(id)), seen)),
        None => Ok((growing, seen)),
    }
}

fn is_being_filled(execution: &Execution<'_>, foreign: &ForeignRun) -> bool {
    let client = execution.client;
    foreign.is_being_filled(
        client.on_server(execution.plan().completed),
        client.server_time(),
    )
}

/// Katalon's upload of this run ended before it was whole. It can neither be mended nor taken for
/// the run, so kado sends all of it, and says so.
async fn tell_of_part(execution: &Execution<'_>, run: u32) -> Result<(), StoreError> {
    let id = execution.submission.id;
    let snapshot = &execution.submission.snapshot;
    let project = project_key(&snapshot.options, &snapshot.project_name);
    let told =
        move |store: &mut Store| store.doubled(id, run, Overlap::Part, &project, clock::now());
    if execution.outbox.with(told).await? {
        tracing::warn!(
            id,
            ado_run = run,
            "Katalon submitted a part of this run, and ended its test run; kado sends the whole run, so that there are two \
             test runs of it"
        );
    }
    Ok(())
}

/// Whether the run was made after a time, as far as ADO tells.
fn was_made_since(run: &TestRun, since: Moment) -> bool {
    created(run).is_none_or(|created| created.plus(CLOCKS) >= since)
}

fn apart(one: Moment, other: Moment) -> Duration {
    one.max(other).since(one.min(other))
}

fn created(run: &TestRun) -> Option<Moment> {
    moment(run.created_date.as_deref())
}

fn moment(text: Option<&str>) -> Option<Moment> {
    // ADO writes unset times as the year 1, some without an offset.
    Moment::parse(text?)
        .ok()
        .filter(|moment| moment.millis() > 0)
}

async fn read(execution: &Execution<'_>, run: &TestRun) -> Result<ForeignRun, Stop> {
    let results = execution
        .client
        .results(execution.project(), run.id)
        .await?;
    // ADO need not count a result as a change of its run.
    let changes = results
        .iter()
        .filter_map(|result| moment(result.last_updated_date.as_deref()));
    Ok(ForeignRun {
        over: is_over(run),
        created: created(run),
        changed: changes.chain(run.changed()).max(),
        started: moment(run.started_date.as_deref()),
        ended: moment(run.completed_date.as_deref()),
        results: results.into_iter().map(foreign).collect(),
    })
}

fn is_over(run: &TestRun) -> bool {
    let over = ["completed", "aborted", "needsinvestigation"];
    run.state
        .as_deref()
        .is_some_and(|state| over.iter().any(|over| state.eq_ignore_ascii_case(over)))
}

fn foreign(result: TestResult) -> ForeignResult {
    ForeignResult {
        point_id: result.test_point.map(|point| point.id),
        completed: result
            .state
            .as_deref()
            .is_some_and(|state| state.eq_ignore_ascii_case("completed")),
        outcome: result.outcome.unwrap_or_default(),
        started: moment(result.started_date.as_deref()),
        ended: moment(result.completed_date.as_deref()),
        computer: result.computer_name,
    }
}

fn by_katalon(execution: &Execution<'_>, run: &TestRun) -> Stop {
    Stop::ByKatalon {
        run: run.id,
        url: execution.web_url(run),
    }
}

/// Whether runs that appeared since the last look stand for suite runs that kado had sent already.
/// They cannot be mended; that Katalon submits is learned from them.
async fn find_doubles(
    execution: &Execution<'_>,
    others: &[TestRun],
    mut read_already: Vec<(u32, ForeignRun)>,
    project: &str,
) -> Result<bool, Stop> {
    let key = project.to_owned();
    let compared = execution
        .outbox
        .with(move |store| store.katalon_compared(&key))
        .await?;
    let new: Vec<&TestRun> = others
        .iter()
        .filter(|run| run.id > compared)
        .take(MOST)
        .collect();
    let (plan_id, since) = (
        execution.plan().plan_id,
        execution.plan().completed.minus(DAY),
    );
    let sent = execution
        .outbox
        .with(move |store| store.sent_to_plan(plan_id, since))
        .await?;
    if new.is_empty() || sent.is_empty() {
        return Ok(false);
    }
    let mut doubled = false;
    let mut noted = BTreeSet::new();
    for run in &new {
        let foreign = match read_already.iter().position(|(id, _)| *id == run.id) {
            Some(at) => read_already.swap_remove(at).1,
            None => read(execution, run).await?,
        };
        let Some((submission, extent)) = doubled_by(execution, &sent, &foreign).await? else {
            continue;
        };
        doubled = true;
        // Of a collection there is a run for each suite; one is enough to be told of.
        if noted.insert(submission) {
            note(execution, submission, run.id, extent, project).await?;
        }
    }
    // One that still grows is compared again.
    if let Some(newest) = new
        .iter()
        .filter(|run| is_over(run))
        .map(|run| run.id)
        .max()
    {
        let key = project.to_owned();
        execution
            .outbox
            .with(move |store| store.katalon_compared_to(&key, newest))
            .await?;
    }
    Ok(doubled)
}

/// Which of kado's submissions a foreign run stands for as well: all of it, a suite of it where it
/// is a collection, or some of its results where it was broken off.
async fn doubled_by(
    execution: &Execution<'_>,
    sent: &[(i64, SubmissionPlan)],
    foreign: &ForeignRun,
) -> Result<Option<(i64, Overlap)>, StoreError> {
    if let Some((submission, _)) = sent
        .iter()
        .find(|(_, plan)| compare(plan, foreign) == Likeness::Same)
    {
        return Ok(Some((*submission, Overlap::Whole)));
    }
    for (submission, _) in sent.iter().filter(|(_, plan)| is_part(plan, foreign)) {
        let id = *submission;
        if execution
            .outbox
            .with(move |store| store.load(id))
            .await?
            .snapshot
            .joined
            .is_some()
        {
            return Ok(Some((id, Overlap::Whole)));
        }
        if foreign.over {
            return Ok(Some((id, Overlap::Part)));
        }
    }
    Ok(None)
}

async fn note(
    execution: &Execution<'_>,
    submission: i64,
    run: u32,
    extent: Overlap,
    project: &str,
) -> Result<(), StoreError> {
    let project = project.to_owned();
    let noted =
        move |store: &mut Store| store.doubled(submission, run, extent, &project, clock::now());
    if execution.outbox.with(noted).await? {
        tracing::warn!(
            id = submission,
            ado_run = run,
            "Katalon submitted {} as well, after kado: there are two test runs of it. kado waits for Katalon from now on \
             (`submit.katalon_wait`)",
            match extent {
                Overlap::Whole => "this run",
                Overlap::Part => "a part of this run",
            }
        );
    }
    Ok(())
}
