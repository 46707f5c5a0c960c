//! Asks ADO whether something that may have happened did happen (invariant I5).

use std::io::Cursor;
use std::time::Duration;

use crate::ado::attachments::Owner;
use crate::ado::search::{DAY, Wanted};
use crate::ado::upload::comment_of;
use crate::ado::{AdoClient, AdoError};
use crate::clock;
use crate::plan::SubmissionPlan;
use crate::submit::content::{Content, open_file};

pub(super) use crate::ado::search::Found;

/// Pauses before each look for a run whose creation may have been lost: the list of runs can lag.
const LOOKS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_secs(3),
    Duration::from_secs(3),
    Duration::from_secs(3),
];

/// How long ago another kado may have made a run at the same moment; the server's clock is known by
/// then.
const MOMENT: Duration = Duration::from_secs(5 * 60);

/// The run that carries kado's key, and those without one that have one of `names`. Before the
/// first creation one look is enough: it finds what another machine or an earlier installation
/// made; after a creation that may have been lost several looks are needed.
pub(super) async fn run(
    client: &AdoClient,
    project: &str,
    plan: &SubmissionPlan,
    names: &[&str],
    resumed: bool,
) -> Result<Found, AdoError> {
    let looks = if resumed {
        LOOKS.as_slice()
    } else {
        &LOOKS[..1]
    };
    let mut found = Found::default();
    for pause in looks {
        tokio::time::sleep(*pause).await;
        let (key, since, now) = (plan.key.as_str(), plan.completed, clock::now());
        found = client
            .find_run(
                project,
                &Wanted {
                    plan: plan.plan_id,
                    key,
                    names,
                    since,
                    now,
                    clocks: DAY,
                },
            )
            .await?;
        if let Some(run) = &found.own {
            tracing::info!(
                ado_run = run.id,
                "found this submission's run in azure devops and goes on with it"
            );
            break;
        }
    }
    Ok(found)
}

/// The runs that carry kado's key right after one was made. Another one that is missed because the
/// list lags is one of two kados at the very same moment; nobody waits for that.
pub(super) async fn after_creation(
    client: &AdoClient,
    project: &str,
    plan: &SubmissionPlan,
) -> Result<Found, AdoError> {
    let now = clock::now();
    let wanted = Wanted {
        plan: plan.plan_id,
        key: plan.key.as_str(),
        names: &[],
        since: now,
        now,
        clocks: MOMENT,
    };
    client.find_run(project, &wanted).await
}

/// The attachment of this name and content, if it arrived.
pub(super) async fn attachment(
    client: &AdoClient,
    project: &str,
    owner: Owner,
    name: &str,
    content: &Content,
) -> Result<Option<u32>, AdoError> {
    let there = client.attachments(project, owner).await?;
    let candidates: Vec<_> = there
        .into_iter()
        .filter(|attachment| attachment.file_name.as_deref() == Some(name))
        .collect();
    if candidates.is_empty() {
        return Ok(None);
    }
    let comment = match content {
        Content::Text(text) => comment_of(Cursor::new(text.as_bytes()), text.len() as u64).await,
        Content::File { folder, path, size } => match open_file(folder, path).await {
            Ok(opened) => comment_of(opened, *size).await,
            Err(error) => Err(error),
        },
    };
    let comment = comment.map_err(|error| AdoError::File {
        file: name.into(),
        message: error.to_string(),
    })?;
    Ok(candidates
        .into_iter()
        .find(|attachment| attachment.comment.as_ref() == Some(&comment))
        .map(|found| found.id))
}
