//! Asks ADO whether something that may have happened did happen (invariant I5).

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::ado::attachments::Owner;
use crate::ado::search::{DAY, FoundRuns, Memory, OtherRuns, RunSearch};
use crate::ado::upload::comment_of;
use crate::ado::{AdoClient, AdoError};
use crate::clock;
use crate::moment::Moment;
use crate::outbox::submission::Submission;
use crate::plan::SubmissionPlan;
use crate::plan::without_ids::is_without_ids;
use crate::submit::content::Content;
use crate::submit::execution::Earlier;

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

/// What the first look before a creation finds, taken before there is a plan: beside what the plan
/// itself waits for. Of runs without kado's key all are given, because their names depend on the
/// plan. `None` when that is not known; then it is looked for as if nobody had.
///
/// It begins when an answer has shown that the server is understood, and not at all when
/// `facts_are_read` comes before that.
pub(super) async fn early_look(
    client: &AdoClient,
    project: &str,
    submission: &Submission,
    facts_are_read: &CancellationToken,
) -> Option<FoundRuns> {
    // A creation that may have been lost is looked for several times, and a run that nothing is to
    // be sent of not at all.
    if submission.create_unclear || is_without_ids(&submission.snapshot) {
        return None;
    }
    tokio::select! {
        biased;
        () = client.until_version_is_proven() => {}
        () = facts_are_read.cancelled() => return None,
    }

    let wanted = RunSearch {
        plan: submission.plan_id?,
        key: &submission.key,
        others: OtherRuns::All,
        since: submission.snapshot.ended(),
        now: clock::now(),
        clocks: DAY,
        memory: Memory::Used,
    };
    match client.find_run(project, &wanted).await {
        Ok(found) => Some(found),
        Err(error) => {
            tracing::debug!(%error, "the early look for a test run failed; it is repeated");
            None
        }
    }
}

/// The run that carries kado's key, and those without one that have one of `names`. Before the
/// first creation one look is enough: it finds what another machine or an earlier installation
/// made; after a creation that may have been lost several looks are needed. Nothing of what is
/// looked for changed last before `since`.
///
/// # Errors
/// When the server fails. Nothing may be created then.
pub(super) async fn run(
    client: &AdoClient,
    project: &str,
    plan: &SubmissionPlan,
    names: &[&str],
    since: Moment,
    earlier: Earlier,
) -> Result<FoundRuns, AdoError> {
    let looks = match earlier {
        Earlier::Never => &LOOKS[..1],
        Earlier::Perhaps => LOOKS.as_slice(),
    };
    let memory = match earlier {
        Earlier::Never => Memory::Used,
        Earlier::Perhaps => Memory::Unused,
    };

    let mut found = FoundRuns::default();
    for pause in looks {
        tokio::time::sleep(*pause).await;
        let wanted = RunSearch {
            plan: plan.plan_id,
            key: plan.key.as_str(),
            others: OtherRuns::Named(names),
            since,
            now: clock::now(),
            clocks: DAY,
            memory,
        };
        found = client.find_run(project, &wanted).await?;

        if let Some(run) = &found.with_key {
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
///
/// # Errors
/// When the server fails.
pub(super) async fn after_creation(
    client: &AdoClient,
    project: &str,
    plan: &SubmissionPlan,
) -> Result<FoundRuns, AdoError> {
    let now = clock::now();
    let wanted = RunSearch {
        plan: plan.plan_id,
        key: plan.key.as_str(),
        others: OtherRuns::Named(&[]),
        since: now,
        now,
        clocks: MOMENT,
        memory: Memory::Used,
    };

    client.find_run(project, &wanted).await
}

/// The id of the attachment of this name and content, if it arrived.
///
/// # Errors
/// When the server fails, and when the file can no longer be read.
pub(super) async fn attachment(
    client: &AdoClient,
    project: &str,
    owner: Owner,
    name: &str,
    content: &Content,
) -> Result<Option<u32>, AdoError> {
    let mut candidates = client.attachments(project, owner).await?;
    candidates.retain(|attachment| attachment.file_name.as_deref() == Some(name));

    // A digest means reading the whole file, which may be large.
    if candidates.is_empty() {
        return Ok(None);
    }

    let digest = match content.bytes().await {
        Ok((bytes, size)) => comment_of(bytes, size).await,
        Err(error) => Err(error),
    };
    let digest = digest.map_err(|error| AdoError::File {
        file: name.into(),
        message: error.to_string(),
    })?;
    Ok(candidates
        .into_iter()
        .find(|attachment| attachment.comment.as_ref() == Some(&digest))
        .map(|attachment| attachment.id))
}
