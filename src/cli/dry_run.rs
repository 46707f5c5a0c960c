//! `kado submit --dry-run`: plans with the points that ADO has, and sends nothing that writes.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::ado::AdoError;
use crate::cli::facts::fact;
use crate::cli::json::{self, OutputForm};
use crate::cli::plain::plain;
use crate::cli::plan_tables::{self, target};
use crate::cli::tell::tell;
use crate::cli::terminal::Screen;
use crate::clock;
use crate::config::Config;
use crate::connect::{ConnectError, Connections};
use crate::discovery::command_of_run::KnownCommands;
use crate::error_chain::chain;
use crate::exit::Exit;
use crate::intake;
use crate::katalon::id_source::IdSource;
use crate::katalon::run::FileKind;
use crate::outbox::Store;
use crate::outbox::new_run::new_submissions;
use crate::outbox::store::Remaining;
use crate::outbox::submission::SubmissionState;
use crate::plan::attachments::{PlannedAttachment, Source};
use crate::plan::history::{TestMemory, to_recall};
use crate::plan::left_out::LeftOut;
use crate::plan::links::{BuildLink, ReleaseLink};
use crate::plan::results::PlannedResult;
use crate::plan::several_plans::NoResultsHere;
use crate::plan::snapshot::Snapshot;
use crate::plan::{SubmissionPlan, plan};
use crate::record::CommandClues;
use crate::submit::facts::{self, WaitSoFar};
use crate::workspace::Location;

/// A plan as scripts see it (product contract, section 6).
#[derive(Debug, Serialize)]
struct PlanView<'a> {
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
    #[serde(skip_serializing_if = "IdSource::is_integration")]
    source: IdSource,
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

/// Why there is no plan for a folder.
#[derive(Debug, thiserror::Error)]
enum NoPlan {
    /// The run is not to be submitted, or not yet; in words for a person.
    #[error("{0}")]
    Refused(String),
    #[error("each suite of the collection was submitted as a run of its own")]
    SubmittedInParts,
    #[error("the log in `{}` holds no record", .0.display())]
    EmptyLog(PathBuf),
    /// The disk or the outbox.
    #[error("{0:#}")]
    Local(#[from] anyhow::Error),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Ado(#[from] AdoError),
}

impl NoPlan {
    const fn exit(&self) -> Exit {
        match self {
            Self::Refused(_) | Self::SubmittedInParts | Self::EmptyLog(_) | Self::Local(_) => {
                Exit::NotDone
            }
            Self::Connect(error) => error.exit(),
            Self::Ado(error) => error.exit(),
        }
    }
}

/// Prints what submitting these folders would send.
pub(super) async fn dry_run(
    folders: &[PathBuf],
    form: OutputForm,
    config: &Config,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let connections = Connections::default();
    let mut plans = Vec::new();
    let mut exit = Exit::Done;
    for folder in folders {
        match plans_of(folder, config, &connections).await {
            Ok(of_run) => plans.extend(of_run),
            // The other folders are planned all the same.
            Err(error) => {
                tell(&format!("error: {}", plain(&error.to_string())));
                exit = exit.and(error.exit());
            }
        }
    }

    if plans.iter().any(leaves_something_out) {
        exit = exit.and(Exit::NotDone);
    }

    if form == OutputForm::Json {
        let views: Vec<PlanView<'_>> = plans.iter().map(view).collect();
        json::print(&views, out)?;
    } else {
        for plan in &plans {
            print(plan, out)?;
        }
    }
    Ok(exit)
}

/// Plans as the service would for this run, but for what it would find in the outbox.
async fn plans_of(
    folder: &Path,
    config: &Config,
    connections: &Connections,
) -> Result<Vec<SubmissionPlan>, NoPlan> {
    let folder = std::path::absolute(folder).map_err(anyhow::Error::from)?;
    let location = Location::of(&folder);
    let commands = known_commands(config, &location)?;
    let run = intake::read_requested(&location, config, &commands)
        .map_err(|refusal| NoPlan::Refused(chain(&refusal)))?;

    // Suites that were submitted by themselves are no part of the collection any more.
    let snapshot = match remaining(config, &run.snapshot)? {
        Remaining::Whole => run.snapshot,
        Remaining::Part(rest) => *rest,
        Remaining::Nothing(_) => return Err(NoPlan::SubmittedInParts),
    };
    let Some(identity) = run.identity else {
        return Err(NoPlan::EmptyLog(folder));
    };

    let snapshot = with_plans_found(snapshot, config, connections).await?;
    let mut plans = Vec::new();

    // Nothing is recorded, so there is neither a twin of the run nor an earlier request for it.
    for submission in new_submissions(&snapshot, &identity, 0, 0, None) {
        let (SubmissionState::Pending, Some(plan_id)) = (submission.state, submission.plan_id)
        else {
            return Err(NoPlan::Refused(submission.reason.unwrap_or_default()));
        };

        let client = connections.for_run(config, &snapshot)?;

        // Never empty: a run without an ADO project is parked, and was refused above.
        let project = snapshot.options.project.as_deref().unwrap_or_default();

        // With no attempt before it, another test plan that does not answer ends the command.
        let waited = WaitSoFar {
            attempts: 0,
            since: clock::now(),
        };
        let facts = facts::read(&client, project, plan_id, &snapshot.options, waited).await?;
        let memory = memory_of(config, &snapshot)?;
        plans.push(plan(&snapshot, plan_id, &submission.key, &facts, &memory));
    }
    Ok(plans)
}

/// The snapshot with the ids of the test plans that its settings mean.
async fn with_plans_found(
    mut snapshot: Snapshot,
    config: &Config,
    connections: &Connections,
) -> Result<Snapshot, NoPlan> {
    let options = &snapshot.options;
    let (true, Some(project)) = (options.has_open_plans(), &options.project) else {
        return Ok(snapshot);
    };
    let client = connections.for_run(config, &snapshot)?;
    let known = client.known_plans(project).await?;

    let mut settled = Vec::new();
    for choice in &options.plans {
        let plan = choice
            .among(&known, project, snapshot.started())
            .map_err(|problem| NoPlan::Refused(problem.to_string()))?;
        settled.push((choice.clone(), plan));
    }
    snapshot.options.settle_plans(&settled);
    Ok(snapshot)
}

/// Whether something of the run would be missing in ADO that counts for the exit code.
fn leaves_something_out(plan: &SubmissionPlan) -> bool {
    // Nothing is missing where another one of several test plans takes the results.
    let is_empty = plan.results.is_empty() && other_plan(plan).is_none();
    is_empty || plan.skipped.iter().any(|left_out| left_out.kind.counts())
}

/// The test plan that gets the results of the run instead of this one.
const fn other_plan(plan: &SubmissionPlan) -> Option<u32> {
    match plan.none_here {
        Some(NoResultsHere::GoTo(other)) => Some(other),
        _ => None,
    }
}

/// What the outbox knows of the command that started a run, if there is an outbox.
fn known_commands(config: &Config, location: &Location) -> anyhow::Result<KnownCommands> {
    let clues = CommandClues::of(location);
    let store = Store::open_to_read(&config.state_dir)?;

    match (clues, store) {
        (Some(clues), Some(store)) => Ok(clues.known_in(&store)?),
        _ => Ok(KnownCommands::nothing()),
    }
}

/// What of a run was not submitted in parts before, if there is an outbox.
fn remaining(config: &Config, snapshot: &Snapshot) -> anyhow::Result<Remaining> {
    match Store::open_to_read(&config.state_dir)? {
        Some(store) => Ok(store.remaining(snapshot)?),
        None => Ok(Remaining::Whole),
    }
}

/// What is remembered of the tests of a run, if there is an outbox.
fn memory_of(config: &Config, snapshot: &Snapshot) -> anyhow::Result<TestMemory> {
    match Store::open_to_read(&config.state_dir)? {
        Some(store) => Ok(store.memory_of(&to_recall(snapshot), snapshot.ended())?),
        None => Ok(TestMemory::default()),
    }
}

fn view(plan: &SubmissionPlan) -> PlanView<'_> {
    PlanView {
        plan_id: plan.plan_id,
        name: &plan.name,
        build: plan.build.as_ref(),
        release: plan.release.as_ref(),
        points: plan.results.iter().map(point).collect(),
        attachments: plan.attachments.iter().map(attachment).collect(),
        skipped: &plan.skipped,
    }
}

fn point(result: &PlannedResult) -> PointView<'_> {
    PointView {
        point_id: result.point_id,
        test_case_id: result.test_case_id,
        configuration_id: result.configuration_id,
        outcome: &result.outcome,
        iterations: result.iterations,
        source: result.source,
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

fn print(plan: &SubmissionPlan, out: &mut Screen<'_>) -> anyhow::Result<()> {
    fact(out, "Test plan", plan.plan_id.to_string())?;
    if let Some(other) = other_plan(plan) {
        out.sentence(
            4,
            &format!("    nothing: the results of this run go to test plan {other}"),
        )?;
        return Ok(());
    }

    fact(out, "Run name", &*plan.name)?;
    writeln!(out, "Comment")?;

    // Nothing was sent yet, so ADO has refused nothing that the comment would name.
    for line in plan.comment(&[]).text.lines() {
        out.line(4, &[format!("    {}", line.trim_end()).into()])?;
    }

    plan_tables::write(plan, out)?;
    for left_out in &plan.skipped {
        out.line(4, &[left_out.labelled().into()])?;
    }
    Ok(())
}
