//! The first step: the ADO run of a submission, which must be one however many kados look at the
//! same suite run.
//!
//! **Asked before it is sent again:** whether a run with kado's key is there, several times over 9
//! seconds, because the server's list of runs may lag behind an answer that was lost. That is
//! enough: the key stands in the run's comment from its creation on, and no two submissions have
//! the same.
//!
//! It is asked also before the first creation, and once more right after it: another kado may have
//! created its own meanwhile. The run with the lowest id is the one that counts; whoever made
//! another one ends that, and goes on with the first when the other kado has had its time. A run is
//! never deleted (`ado/api.md` §5).
//!
//! The run that showed the suite while it ran is asked for by its id, which the outbox knows: a
//! list may lag behind it. One that somebody ended meanwhile takes no results, so it loses the key.

use std::time::Duration;

use crate::ado::AdoError;
use crate::ado::search::FoundRuns;
use crate::ado::wire::{RunEnd, TestRun};
use crate::clock::{self, Stopwatch};
use crate::moment::Moment;
use crate::outbox::StoreError;
use crate::outbox::store::LiveRun;
use crate::outbox::submission::HowMade;
use crate::plan::comment::{ended_in_favour_of, has_key, is_of_filled_run};
use crate::plan::left_out::LeftOut;
use crate::plan::preview;
use crate::submit::creation::{RunLinks, creation, points_of};
use crate::submit::execution::{Earlier, Execution, OpenStep, Sender, StepResult};
use crate::submit::katalon_upload;
use crate::submit::probe::{self, ProbedRun};
use crate::submit::steps::{fill, results};
use crate::submit::stop::{Awaited, Stop};

/// How long another kado that is filling a run is left alone after its last sign of life there.
const OTHERS_TIME: Duration = Duration::from_secs(2 * 60);
/// Time between two looks whether a request about the live run is over.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// Longest wait for one, because the clock may be set back meanwhile. None takes longer: four looks
/// with their pauses (49 s), a creation, a look and an end, each of which has 10 s.
const LONGEST_LIVE_REQUEST: Duration = Duration::from_secs(90);

/// Creates the run, or finds the one that is there.
pub(in crate::submit) async fn create_run(execution: &Execution<'_>, open: OpenStep) -> StepResult {
    let plan = execution.plan();

    // Katalon's own upload has one of these names. Who asks for a run again wants kado's own.
    let rule = &execution.submission.snapshot.options.katalon;
    let looks_for_katalon = rule.look && execution.submission.again == 0 && plan.into.is_none();
    let both_names = [plan.name.as_str(), rule.run_name.as_str()];
    let names: &[&str] = if looks_for_katalon { &both_names } else { &[] };

    // Looking changes nothing, so the creation is intended only after it: a look that fails leaves
    // nothing unclear.
    let live = live_run(execution).await?;
    let before = look_with_live(execution, open, names, live.as_ref()).await?;
    if let Some(into) = plan.into {
        return fill::begin(execution, open, into, before.with_key.as_ref()).await;
    }

    // What another kado left out there is for a person to fill.
    if let Some(run) = &before.with_key
        && is_of_filled_run(run.comment.as_deref().unwrap_or_default())
    {
        return Err(Stop::InFilledRun {
            run: run.id,
            submission: execution.submission.id,
            folder: execution.submission.snapshot.folder.clone(),
        });
    }

    if before.with_key.is_none() && looks_for_katalon {
        katalon_upload::look(execution, &before.others).await?;
    }

    // A run that this submission may have made itself is its own to fill.
    if let Some(run) = &before.with_key
        && open.earlier == Earlier::Never
        && execution.sender == Sender::Service
        && !is_own(live.as_ref(), run)
    {
        leave_alone(execution, run)?;
    }

    // From here on a crash leaves the step intended: the next attempt looks for the run several
    // times before it creates one.
    execution.intend(open).await?;
    match before.with_key {
        Some(run) => {
            end_all(execution, &before.duplicates, run.id).await?;
            execution.confirm_run(open, &run, how_made_of(&run)).await
        }
        None => create(execution, open).await,
    }
}

/// Looks for the run, which may be the live run of the suite. One that somebody ended is given up.
async fn look_with_live(
    execution: &Execution<'_>,
    open: OpenStep,
    names: &[&str],
    live: Option<&LiveRun>,
) -> Result<FoundRuns, AdoError> {
    let plan = execution.plan();
    let earlier = match live {
        // It may have been made while the suite ran.
        Some(live) if live.ado_run_id.is_none() => Earlier::Perhaps,
        _ => open.earlier,
    };
    let since = match live {
        // A suite may hang for days.
        Some(_) => plan.started,
        None => plan.completed,
    };

    let mut found = look(execution, OpenStep { earlier, ..open }, names, since).await?;
    if found.with_key.is_none()
        && let Some(ado_run) = live.and_then(|live| live.ado_run_id)
    {
        // The list of runs may lag behind it.
        found.with_key = known_live_run(execution, ado_run).await?;
    }
    if let Some(closed) = found.with_key.take_if(|run| is_closed_live_run(run)) {
        give_up_live_run(execution, &closed).await?;
    }
    Ok(found)
}

/// The live run of the suite, once no request about it is under way: what such a request writes
/// must not come behind what this submission writes.
async fn live_run(execution: &Execution<'_>) -> Result<Option<LiveRun>, Stop> {
    let key = execution.submission.key.clone();
    let waited = Stopwatch::start();
    while waited.elapsed() < LONGEST_LIVE_REQUEST && has_live_request(execution, &key).await? {
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }

    let live = execution
        .outbox
        .with(move |store| store.live_run(&key))
        .await?;
    if live.is_some() {
        // It may have been taken before the run was made.
        execution.take_early_look();
    }
    Ok(live)
}

/// Whether a request about the live run may be under way: from this process, or from another one,
/// which may have been killed since.
async fn has_live_request(execution: &Execution<'_>, key: &str) -> Result<bool, StoreError> {
    if execution.outbox.has_live_request(key) {
        return Ok(true);
    }
    let key = key.to_owned();
    let until = execution
        .outbox
        .with(move |store| store.live_asked_until(&key));
    Ok(until.await?.is_some_and(|until| until > clock::now()))
}

/// Whether a run that is there is the one that this kado made while the suite ran.
fn is_own(live: Option<&LiveRun>, run: &TestRun) -> bool {
    live.is_some_and(|live| live.ado_run_id.is_none_or(|id| id == run.id))
}

/// The live run by its id; `None` where it is gone, or is not the suite's any more.
async fn known_live_run(
    execution: &Execution<'_>,
    ado_run: u32,
) -> Result<Option<TestRun>, AdoError> {
    let read = execution.client.test_run(execution.project(), ado_run);
    match read.await {
        Ok(run) => {
            let comment = run.comment.as_deref().unwrap_or_default();
            Ok(has_key(comment, &execution.plan().key).then_some(run))
        }
        Err(AdoError::Gone { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether somebody ended a live run: it takes no results any more.
fn is_closed_live_run(run: &TestRun) -> bool {
    let comment = run.comment.as_deref().unwrap_or_default();
    preview::is_live(comment) && !run.is_in_progress() && !run.is_not_started()
}

/// Takes the key from a live run that somebody ended, so that the run that is made in its place
/// counts. What it holds stays.
async fn give_up_live_run(execution: &Execution<'_>, closed: &TestRun) -> Result<(), AdoError> {
    tracing::warn!(
        id = execution.submission.id,
        ado_run = closed.id,
        "the test run that showed the suite was ended by somebody; another one is made"
    );

    let end = RunEnd {
        state: "Completed",
        comment: "This test run was ended while its suite still ran, so its results are not all. \
                  kado submits the suite run to a test run of its own.",
        delete_in_progress_results: false,
    };
    execution
        .client
        .end_run(execution.project(), closed.id, &end)
        .await?;
    Ok(())
}

/// How a run that is there came to be.
fn how_made_of(run: &TestRun) -> HowMade {
    match &run.comment {
        Some(comment) if preview::is_live(comment) => HowMade::Live,
        _ => HowMade::Adopted,
    }
}

/// Looks for the run, unless that was done while it was planned.
async fn look(
    execution: &Execution<'_>,
    open: OpenStep,
    names: &[&str],
    since: Moment,
) -> Result<FoundRuns, AdoError> {
    if open.earlier == Earlier::Never
        && let Some(mut found) = execution.take_early_look()
    {
        found.keep_named(names);
        return Ok(found);
    }

    ask(execution, names, since, open.earlier).await
}

/// Asks for the run as often as it takes.
async fn ask(
    execution: &Execution<'_>,
    names: &[&str],
    since: Moment,
    earlier: Earlier,
) -> Result<FoundRuns, AdoError> {
    let plan = execution.plan();
    let probed = ProbedRun {
        plan_id: plan.plan_id,
        key: &plan.key,
        names,
        since,
    };
    let found = probe::run(
        execution.client,
        execution.project(),
        &probed,
        earlier,
        None,
    )
    .await?;

    if let Some(run) = &found.with_key {
        tracing::info!(
            ado_run = run.id,
            "found this submission's run in azure devops and goes on with it"
        );
    }
    Ok(found)
}

/// Creates the run, and gives way to one that another kado created at the same moment.
async fn create(execution: &Execution<'_>, open: OpenStep) -> StepResult {
    let made = request_with_links(execution).await?;

    // Whether the run is the one that counts, and what it holds: one turn instead of two.
    let (after, ()) = tokio::join!(
        probe::after_creation(execution.client, execution.project(), execution.plan()),
        results::read_early(execution, made.id)
    );

    match after?.with_key {
        Some(first) if first.id < made.id => {
            execution.take_early_results();
            end_all(execution, &[made.id], first.id).await?;

            // As adopted, so that the next attempt asks before each step is sent: the other kado
            // may have carried it out by then.
            execution
                .confirm_run(open, &first, how_made_of(&first))
                .await?;
            Err(left_to_another_kado(first.id))
        }
        _ => execution.confirm_run(open, &made, HowMade::Created).await,
    }
}

/// A run that another kado is filling is left to it; one that has been left alone for long is not
/// being filled.
fn leave_alone(execution: &Execution<'_>, run: &TestRun) -> Result<(), Stop> {
    let Some(changed) = run.changed() else {
        return Ok(());
    };
    let is_fresh = execution.client.server_time().since(changed) < OTHERS_TIME;
    if run.is_in_progress() && is_fresh {
        return Err(left_to_another_kado(run.id));
    }
    Ok(())
}

fn left_to_another_kado(run: u32) -> Stop {
    Stop::AwaitsAnother {
        until: clock::now().plus(OTHERS_TIME),
        awaited: Awaited::AnotherKado { run },
    }
}

/// Ends runs that were made for a suite run that has one already. Their results, which nobody
/// filled in, go with them.
async fn end_all(execution: &Execution<'_>, runs: &[u32], counts: u32) -> Result<(), AdoError> {
    for run in runs {
        tracing::warn!(
            ado_run = run,
            counts,
            "two test runs were made for one suite run; the later one is ended"
        );
        let comment = format!(
            "{}; another kado made it at the same moment.",
            ended_in_favour_of(counts)
        );

        let end = RunEnd {
            state: "Aborted",
            comment: &comment,
            delete_in_progress_results: true,
        };

        execution
            .client
            .end_run(execution.project(), *run, &end)
            .await?;
    }
    Ok(())
}

/// Creates the ADO run; one that is refused with its links is created without them, and its comment
/// says so. A link is a side matter that must not cost the results.
async fn request_with_links(execution: &Execution<'_>) -> Result<TestRun, Stop> {
    let plan = execution.plan();
    let is_linked = plan.build.is_some() || plan.release.is_some() || plan.pipeline.is_some();

    match request_or_find(execution, RunLinks::OfPlan).await {
        Err(Stop::Ado(AdoError::Rejected {
            status: 400,
            message,
        })) if is_linked => {
            let made = request_or_find(execution, RunLinks::Without).await?;
            let left_out = LeftOut::link(&format!(
                "the run is not linked with its build or release: {message}"
            ));
            execution.leave_out(vec![left_out]).await?;
            Ok(made)
        }

        made => made,
    }
}

/// Creates the ADO run. A server may fail behind what it stored, so one that it refuses is looked
/// for before anybody is told so, or another one is made.
async fn request_or_find(execution: &Execution<'_>, links: RunLinks) -> Result<TestRun, Stop> {
    let refused = match request(execution, links).await {
        Err(refused @ (AdoError::Rejected { .. } | AdoError::Gone { .. })) => refused,
        made => return Ok(made?),
    };

    let since = execution.plan().completed;
    let found = ask(execution, &[], since, Earlier::Perhaps).await?;
    found.with_key.ok_or(Stop::Ado(refused))
}

/// Creates the ADO run, with as many points as one request takes.
async fn request(execution: &Execution<'_>, links: RunLinks) -> Result<TestRun, AdoError> {
    let plan = execution.plan();
    let points = points_of(plan);
    let comment = plan.comment(&[]).text;

    let new = creation(plan, &points, &comment, links, execution.client);
    execution.client.create_run(execution.project(), &new).await
}
