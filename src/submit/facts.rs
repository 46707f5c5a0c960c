//! Reads from ADO what a plan depends on: points, and the build and release to link with.

use std::time::Duration;

use crate::ado::{AdoClient, AdoError};
use crate::plan::ado_facts::{AdoFacts, OtherPlan};
use crate::plan::links::{BuildChoice, BuildLink, LookUp, ReleaseChoice, ReleaseLink};
use crate::plan::options::Options;

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

/// Reads everything that planning the submission to `plan_id` needs; `attempts` of it failed
/// before.
///
/// # Errors
/// When the points cannot be read. A link that cannot be looked up is a fact of its own.
pub(crate) async fn read(
    client: &AdoClient,
    project: &str,
    plan_id: u32,
    options: &Options,
    attempts: u32,
) -> Result<AdoFacts, AdoError> {
    let points = client.points(project, plan_id).await?;
    let elsewhere = elsewhere(client, project, plan_id, options, attempts < WAITS).await?;
    let (build, release) = tokio::join!(
        build(client, project, options),
        release(client, project, options)
    );
    Ok(AdoFacts {
        points,
        elsewhere,
        build,
        release,
        no_tags: client.is_before_2020(),
    })
}

/// The points of the run's other plans: who tells what is missing depends on all of them. That one
/// cannot be read is told by the submission to it; this one waits for it only for a while.
async fn elsewhere(
    client: &AdoClient,
    project: &str,
    plan_id: u32,
    options: &Options,
    patient: bool,
) -> Result<Vec<OtherPlan>, AdoError> {
    let mut others = Vec::new();
    for other in options
        .plans
        .iter()
        .copied()
        .filter(|other| *other != plan_id)
    {
        let (points, unread) = match client.points(project, other).await {
            Ok(points) => (points, None),
            Err(AdoError::Gone { .. }) => (Vec::new(), None),
            Err(AdoError::Unavailable {
                message,
                wait,
                web_page,
            }) if patient => {
                let message =
                    format!("test plan {other}, which this run goes to as well: {message}");
                return Err(AdoError::Unavailable {
                    message,
                    wait,
                    web_page,
                });
            }
            // The token may be good for one plan and not for the other; one that ended is good for
            // none.
            Err(error @ AdoError::CredentialsRefused { .. }) if client.token_is_refused() => {
                return Err(error);
            }
            Err(error @ (AdoError::Configuration(_) | AdoError::File { .. })) => return Err(error),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        others.push(OtherPlan {
            plan_id: other,
            points,
            unread,
        });
    }
    Ok(others)
}

async fn build(client: &AdoClient, project: &str, options: &Options) -> LookUp<BuildLink> {
    match &options.build {
        None => LookUp::NotAsked,
        Some(BuildChoice::Exactly(build)) => LookUp::Found(build.clone()),
        Some(BuildChoice::LatestOf(definition)) => {
            let what = format!("build of definition {definition}");
            let none = "there is no completed build of it in this project";
            match patiently(|| client.latest_build(project, *definition)).await {
                Ok(Some(build)) => LookUp::Found(build),
                Ok(None) => LookUp::Failed(not_linked(&what, none)),
                Err(reason) => LookUp::Failed(not_linked(&what, &reason)),
            }
        }
    }
}

async fn release(client: &AdoClient, project: &str, options: &Options) -> LookUp<ReleaseLink> {
    let (definition, stage) = match &options.release {
        None => return LookUp::NotAsked,
        Some(ReleaseChoice::Exactly(release)) => return LookUp::Found(release.clone()),
        Some(ReleaseChoice::LatestOf { definition, stage }) => (*definition, stage.as_deref()),
    };
    let what = format!("release of definition {definition}");
    match stage_of_latest(client, project, definition, stage).await {
        Ok(link) => LookUp::Found(link),
        Err(reason) => LookUp::Failed(not_linked(&what, &reason)),
    }
}

async fn stage_of_latest(
    client: &AdoClient,
    project: &str,
    definition: u32,
    stage: Option<&str>,
) -> Result<ReleaseLink, String> {
    let latest = patiently(|| client.latest_release(project, definition)).await?;
    let mut release =
        latest.ok_or_else(|| "there is no active release of it in this project".to_owned())?;
    let unsaid =
        release.stages.len() > 1 && release.stages.iter().all(|stage| stage.started.is_none());
    if stage.is_none() && unsaid {
        release = patiently(|| client.release(project, release.id)).await?;
    }
    release.link(stage)
}

/// Tries again what may pass, for a bounded time.
async fn patiently<T, F: Future<Output = Result<T, AdoError>>>(
    call: impl Fn() -> F,
) -> Result<T, String> {
    let tries = async {
        let mut last = String::new();
        for pause in TRIES {
            tokio::time::sleep(pause).await;
            match call().await {
                Ok(found) => return Ok(found),
                Err(AdoError::Unavailable { message, .. }) => last = message,
                Err(error) => return Err(error.to_string()),
            }
        }
        Err(last)
    };
    let late = || {
        format!(
            "Azure DevOps did not answer within {} seconds",
            LOOK_UP.as_secs()
        )
    };
    tokio::time::timeout(LOOK_UP, tries)
        .await
        .unwrap_or_else(|_| Err(late()))
}

fn not_linked(what: &str, reason: &str) -> String {
    format!("the run is not linked with the latest {what}: {reason}")
}
