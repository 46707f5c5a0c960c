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

/// A test run that may have been made.
pub(crate) struct ProbedRun<'a> {
    /// The test plan.
    pub plan_id: u32,
    /// kado's key.
    pub key: &'a str,
    /// Runs without a key of kado's that are wanted as well, by their names.
    pub names: &'a [&'a str],
    /// Nothing of what is looked for changed last before this.
    pub since: Moment,
}

/// The run that carries kado's key, and those without one that have one of the names. Before the
/// first creation one look is enough: it finds what another machine or an earlier installation
/// made; after a creation that may have been lost several looks are needed. `patience` is how long
/// a look may take, where it is not to take as long as the server likes.
///
/// # Errors
/// When the server fails. Nothing may be created then.
pub(crate) async fn run(
    client: &AdoClient,
    project: &str,
    probed: &ProbedRun<'_>,
    earlier: Earlier,
    patience: Option<Duration>,
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
            plan: probed.plan_id,
            key: probed.key,
            others: OtherRuns::Named(probed.names),
            since: probed.since,
            now: clock::now(),
            clocks: DAY,
            memory,
        };
        found = in_time(client.find_run(project, &wanted), patience).await?;
        if found.with_key.is_some() {
            break;
        }
    }
    Ok(found)
}

/// Gives a request up that takes longer than `patience`; it may have been carried out.
///
/// # Errors
/// Those of the request, and when it is given up.
pub(crate) async fn in_time<T>(
    request: impl Future<Output = Result<T, AdoError>>,
    patience: Option<Duration>,
) -> Result<T, AdoError> {
    let Some(patience) = patience else {
        return request.await;
    };
    match tokio::time::timeout(patience, request).await {
        Ok(answer) => answer,
        Err(_) => Err(AdoError::unavailable("no answer in time")),
    }
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
