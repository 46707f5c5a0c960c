//! `kado submit --dry-run`: plans with the points that ADO has, and sends nothing that writes.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::json;
use crate::cli::plan_tables::{self, target};
use crate::cli::table::plain;
use crate::config::Config;
use crate::connect::Connections;
use crate::discovery::claim::KnownCommands;
use crate::exit::Exit;
use crate::katalon::run::FileKind;
use crate::outbox::Store;
use crate::outbox::new_run::new_submissions;
use crate::outbox::store::Remaining;
use crate::outbox::submission::SubmissionState;
use crate::plan::attachments::{PlannedAttachment, Source};
use crate::plan::left_out::LeftOut;
use crate::plan::links::{BuildLink, ReleaseLink};
use crate::plan::several_plans::NoResultsHere;
use crate::plan::snapshot::Snapshot;
use crate::plan::{SubmissionPlan, plan};
use crate::record::{CommandClues, take_finished};
use crate::submit::facts;

/// A plan as scripts see it (product contract, section 6).
#[derive(Debug, Serialize)]
struct View<'a> {
    plan_id: u32,
    name: &'a str,
    build: Option<&'a BuildLink>,
    release: Option<&'a ReleaseLink>,
    points: Vec<PointView<'a>>,
    attachments: Vec<AttachmentView<'a>>,
    skipped: &'a [LeftOut],
}

#[derive(Debug, Serialize)]
struct PointView<'a> {
    point_id: u32,
    test_case_id: u32,
    configuration_id: u32,
    outcome: &'a str,
    iterations: usize,
}

/// `target` is `run` or `point:ID`.
#[derive(Debug, Serialize)]
struct AttachmentView<'a> {
    target: String,
    path: &'a str,
    #[serde(rename = "type")]
    kind: FileKind,
    size: u64,
}

/// Prints what submitting these folders would send.
pub(super) async fn dry_run(
    folders: &[PathBuf],
    json: bool,
    config: &Config,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let connections = Connections::default();
    let mut plans = Vec::new();
    let mut exit = Exit::Done;
    for folder in folders {
        match plans_of(folder, config, &connections).await {
            Ok(found) => plans.extend(found),
            Err((reason, code)) => {
                eprintln!("error: {}", plain(&reason));
                exit = exit.and(code);
            }
        }
    }
    let left_out = plans
        .iter()
        .flat_map(|plan| &plan.skipped)
        .any(|left_out| left_out.kind.counts());
    if left_out
        || plans
            .iter()
            .any(|plan| plan.results.is_empty() && !goes_elsewhere(plan))
    {
        exit = exit.and(Exit::NotDone);
    }
    if json {
        let views: Vec<_> = plans.iter().map(view).collect();
        json::print(&views, out)?;
    } else {
        for plan in &plans {
            people(plan, out)?;
        }
    }
    Ok(exit)
}

async fn plans_of(
    folder: &PathBuf,
    config: &Config,
    connections: &Connections,
) -> Result<Vec<SubmissionPlan>, (String, Exit)> {
    let refused = |reason: String| (reason, Exit::NotDone);
    let folder = std::path::absolute(folder).map_err(|error| refused(error.to_string()))?;
    let known = known(config, &folder).map_err(|error| refused(format!("{error:#}")))?;
    let mut taken = take_finished(&folder, config, &known).map_err(refused)?;
    match rest(config, &taken.snapshot).map_err(|error| refused(format!("{error:#}")))? {
        Remaining::Whole => {}
        Remaining::Part(rest) => taken.snapshot = *rest,
        Remaining::Nothing(_) => {
            return Err(refused(
                "each suite of the collection was submitted as a run of its own".to_owned(),
            ));
        }
    }
    let Some(identity) = &taken.identity else {
        return Err(refused(format!(
            "the log in `{}` holds no record",
            folder.display()
        )));
    };
    let snapshot = &taken.snapshot;
    let mut plans = Vec::new();
    for new in new_submissions(snapshot, identity, 0, 0, None) {
        let (SubmissionState::Pending, Some(plan_id)) = (new.state, new.plan_id) else {
            return Err(refused(new.reason.unwrap_or_default()));
        };
        let client = connections
            .for_run(config, snapshot)
            .map_err(|error| (error.to_string(), error.exit()))?;
        let project = snapshot.options.project.as_deref().unwrap_or_default();
        let read = facts::read(&client, project, plan_id, &snapshot.options, 0).await;
        let facts = read.map_err(|error| (error.to_string(), error.exit()))?;
        plans.push(plan(snapshot, plan_id, &new.key, &facts));
    }
    Ok(plans)
}

/// Whether another test plan of the run gets its results.
fn goes_elsewhere(plan: &SubmissionPlan) -> bool {
    matches!(plan.none_here, Some(NoResultsHere::GoTo(_)))
}

/// What the outbox knows of the command that started a run, if there is an outbox.
fn known(config: &Config, folder: &Path) -> anyhow::Result<KnownCommands> {
    match (
        CommandClues::of(folder),
        Store::open_to_read(&config.state_dir)?,
    ) {
        (Some(place), Some(store)) => Ok(place.known_in(&store)?),
        _ => Ok(KnownCommands::nothing()),
    }
}

/// What of a run was not submitted in parts before, if there is an outbox.
fn rest(config: &Config, snapshot: &Snapshot) -> anyhow::Result<Remaining> {
    let store = Store::open_to_read(&config.state_dir)?;
    Ok(store.map_or(Ok(Remaining::Whole), |store| store.remaining(snapshot))?)
}

fn view(plan: &SubmissionPlan) -> View<'_> {
    View {
        plan_id: plan.plan_id,
        name: &plan.name,
        build: plan.build.as_ref(),
        release: plan.release.as_ref(),
        points: plan
            .results
            .iter()
            .map(|result| PointView {
                point_id: result.point_id,
                test_case_id: result.test_case_id,
                configuration_id: result.configuration_id,
                outcome: &result.outcome,
                iterations: result.iterations,
            })
            .collect(),
        attachments: plan.attachments.iter().map(attachment).collect(),
        skipped: &plan.skipped,
    }
}

fn attachment(planned: &PlannedAttachment) -> AttachmentView<'_> {
    let path = match &planned.source {
        Source::File(path) => path,
        // A text of kado has no file; its name tells what it is.
        Source::Text(_) => &planned.name,
    };
    AttachmentView {
        target: target(planned.target),
        path,
        kind: planned.kind,
        size: planned.size,
    }
}

fn people(plan: &SubmissionPlan, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "Test plan    {}", plan.plan_id)?;
    if let Some(NoResultsHere::GoTo(other)) = plan.none_here {
        writeln!(
            out,
            "    nothing: the results of this run go to test plan {other}"
        )?;
        return Ok(());
    }
    writeln!(out, "Run name     {}", plain(&plan.name))?;
    writeln!(
        out,
        "Comment\n    {}",
        plan.comment(&[])
            .text
            .lines()
            .map(plain)
            .collect::<Vec<_>>()
            .join("\n    ")
    )?;
    plan_tables::write(plan, out)?;
    for left_out in &plan.skipped {
        writeln!(out, "left out: {}", plain(&left_out.to_string()))?;
    }
    Ok(())
}
