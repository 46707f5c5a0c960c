//! Reads from ADO what a plan depends on: points, and the build and release to link with.
//!
//! Without the points there is no plan. A link is a side matter: it is looked up for a bounded
//! time, and one that cannot be found is a fact of its own, which the run's comment names.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::ado::runs::Wanted;
use crate::ado::wire::AdoResult;
use crate::ado::{AdoClient, AdoError};
use crate::moment::Moment;
use crate::plan::ado_facts::{AdoFacts, OtherPlan};
use crate::plan::filling::ResultsBefore;
use crate::plan::links::{BuildChoice, BuildLink, LookUp, NoSuchStage, ReleaseChoice, ReleaseLink};
use crate::plan::options::Options;
use crate::plan::point_rule::Points;

/// Pauses before each try to look a link up: one that fails for long costs the link, but a hiccup
/// does not.
const TRIES: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(3),
];
/// Longest time for a look-up with all its tries: the run is not to wait for a side matter.
const LOOK_UP: Duration = Duration::from_secs(20);

/// How often a submission waits for another test plan of its run that does not answer, while its
/// own does.
const WAITS: u32 = 3;

/// Why a run is not linked with a build or a release, as its comment says it.
#[derive(Debug, thiserror::Error)]
enum NoLink {
    #[error("there is no {0} of it in this project")]
    NotThere(&'static str),
    #[error(transparent)]
    NoStage(#[from] NoSuchStage),
    #[error(transparent)]
    Ado(#[from] AdoError),
    #[error("Azure DevOps did not answer within {} seconds", LOOK_UP.as_secs())]
    TooLong,
}

/// How a submission has waited until now for what is read for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitSoFar {
    /// How many attempts failed before.
    pub attempts: u32,
    /// Since when it waits: points that were read later are good enough.
    pub since: Moment,
}

/// Reads everything that planning the submission to `plan_id` needs.
///
/// # Errors
/// When the points cannot be read.
pub(crate) async fn read(
    client: &AdoClient,
    project: &str,
    plan_id: u32,
    options: &Options,
    waited: WaitSoFar,
) -> Result<AdoFacts, AdoError> {
    let points = client.points_since(project, plan_id, waited.since).await?;

    // Only when its own plan is there: else there is nothing to wait for.
    let mut elsewhere = Vec::new();
    for other in options.plan_ids() {
        if other != plan_id {
            elsewhere.push(read_other_plan(client, project, other, waited).await?);
        }
    }

    let (build, release) = tokio::join!(
        look_up_build(client, project, options),
        look_up_release(client, project, options)
    );

    let mut results_before = ResultsBefore::default();
    let points = match options.into {
        Some(into) => {
            let results = client.results(project, into.run, Wanted::All).await?;
            results_before = by_point(&results);
            results_before.only_of_run(points)
        }
        None => points.into(),
    };

    Ok(AdoFacts {
        points,
        results_before,
        elsewhere,
        build,
        release,
        no_tags: client.is_before_2020(),
    })
}

/// Which points a test run has, and which of them are filled.
fn by_point(results: &[AdoResult]) -> ResultsBefore {
    let mut filled = BTreeMap::new();
    for result in results {
        if let Some(point) = &result.test_point {
            *filled.entry(point.id).or_default() |= result.is_completed();
        }
    }
    ResultsBefore(filled)
}

/// The points of another plan of the run: which submission names what is missing depends on all of
/// them. That a plan cannot be read is named by the submission to it; this one waits for it only
/// for a while.
async fn read_other_plan(
    client: &AdoClient,
    project: &str,
    plan_id: u32,
    waited: WaitSoFar,
) -> Result<OtherPlan, AdoError> {
    let mut other = OtherPlan {
        plan_id,
        points: Points::default(),
        unread: None,
    };

    match client.points_since(project, plan_id, waited.since).await {
        Ok(points) => other.points = points.into(),
        // A plan that does not exist has no points.
        Err(AdoError::Gone { .. }) => {}
        Err(error @ (AdoError::Unavailable { .. } | AdoError::InBetween { .. }))
            if waited.attempts < WAITS =>
        {
            return Err(AdoError::Unavailable {
                message: format!("test plan {plan_id}, which this run goes to as well: {error}"),
                wait: error.wait(),
            });
        }
        // The token may be good for one plan and not for the other; one that ended is good for
        // none.
        Err(error @ AdoError::CredentialsRefused { .. }) if client.token_is_refused() => {
            return Err(error);
        }
        Err(error @ (AdoError::Configuration(_) | AdoError::File { .. })) => return Err(error),
        Err(error) => other.unread = Some(error.to_string()),
    }

    Ok(other)
}

async fn look_up_build(client: &AdoClient, project: &str, options: &Options) -> LookUp<BuildLink> {
    let definition = match &options.build {
        None => return LookUp::NotAsked,
        Some(BuildChoice::Exactly(build)) => return LookUp::Found(build.clone()),
        Some(BuildChoice::LatestOf(definition)) => *definition,
    };

    let reason = match patiently(|| client.latest_build(project, definition)).await {
        Ok(Some(build)) => return LookUp::Found(build),
        Ok(None) => NoLink::NotThere("completed build"),
        Err(reason) => reason,
    };
    LookUp::Failed(format!(
        "the run is not linked with the latest build of definition {definition}: {reason}"
    ))
}

async fn look_up_release(
    client: &AdoClient,
    project: &str,
    options: &Options,
) -> LookUp<ReleaseLink> {
    let (definition, stage) = match &options.release {
        None => return LookUp::NotAsked,
        Some(ReleaseChoice::Exactly(release)) => return LookUp::Found(release.clone()),
        Some(ReleaseChoice::LatestOf { definition, stage }) => (*definition, stage.as_deref()),
    };

    match stage_of_latest(client, project, definition, stage).await {
        Ok(link) => LookUp::Found(link),
        Err(reason) => LookUp::Failed(format!(
            "the run is not linked with the latest release of definition {definition}: {reason}"
        )),
    }
}

/// The named stage of the newest release, else the one that started last.
async fn stage_of_latest(
    client: &AdoClient,
    project: &str,
    definition: u32,
    stage: Option<&str>,
) -> Result<ReleaseLink, NoLink> {
    let latest = patiently(|| client.latest_release(project, definition)).await?;
    let Some(mut release) = latest else {
        return Err(NoLink::NotThere("active release"));
    };

    // The list of releases need not say when its stages were deployed; the release itself does.
    let is_silent =
        release.stages.len() > 1 && release.stages.iter().all(|stage| stage.started.is_none());
    if stage.is_none() && is_silent {
        release = patiently(|| client.release(project, release.id)).await?;
    }
    Ok(release.link(stage)?)
}

/// Tries again what may pass, for a bounded time.
async fn patiently<T, F: Future<Output = Result<T, AdoError>>>(
    call: impl Fn() -> F,
) -> Result<T, NoLink> {
    let tries = async {
        let mut last = NoLink::TooLong;
        for pause in TRIES {
            tokio::time::sleep(pause).await;
            match call().await {
                Ok(answer) => return Ok(answer),
                Err(error @ (AdoError::Unavailable { .. } | AdoError::InBetween { .. })) => {
                    last = error.into();
                }
                Err(error) => return Err(error.into()),
            }
        }

        Err(last)
    };

    match tokio::time::timeout(LOOK_UP, tries).await {
        Ok(answer) => answer,
        Err(_) => Err(NoLink::TooLong),
    }
}
