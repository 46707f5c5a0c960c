//! The steps that attach a file, and the list of what was left out.
//!
//! **Asked before it is sent again:** the list of attachments, for one with the name and the digest
//! of the file, which kado writes into each attachment's comment. ADO does not notice that a file
//! is attached twice, and nobody should find two. A name alone would not do: another file of the
//! same name may be there, and a file that changed meanwhile is another file.
//!
//! A file that cannot be read or that ADO refuses costs only itself; the run's comment names it. So
//! does one that a web filter refuses while the server answers everything else, and one whose
//! upload always breaks off, after a day; those two are tried again later (`daemon/given_up.rs`).
//! One whose file system does not answer is waited for.

use std::io;
use std::time::Duration;

use crate::ado::AdoError;
use crate::ado::attachments::Owner;
use crate::clock;
use crate::door;
use crate::katalon::run::FileKind;
use crate::plan::attachments::{AttachmentTarget, PlannedAttachment, Source};
use crate::plan::comment::LEFT_OUT_FILE;
use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::submit::content::{self, Content};
use crate::submit::execution::{Earlier, Execution, OpenStep, StepResult};
use crate::submit::probe;
use crate::submit::stop::Stop;

/// How often a file is sent that something before the server refuses, while the server answers: a
/// filter may be about to look into it.
const TRIES_PAST_FILTER: u32 = 2;

/// Attaches a file of the plan, by its place there.
pub(in crate::submit) async fn attach_file(
    execution: &Execution<'_>,
    open: OpenStep,
    index: usize,
) -> StepResult {
    attach(execution, open, &execution.plan().attachments[index]).await
}

/// Attaches the list of everything that was left out, where it does not fit into the run's comment.
pub(in crate::submit) async fn attach_left_out_list(
    execution: &Execution<'_>,
    open: OpenStep,
) -> StepResult {
    let list = execution
        .plan()
        .left_out_file(&execution.submission.refused);
    let Some(list) = list else {
        return execution.confirm(open, &()).await;
    };

    let attachment = PlannedAttachment {
        target: AttachmentTarget::Run,
        size: list.len() as u64,
        source: Source::Text(list),
        name: LEFT_OUT_FILE.to_owned(),
        kind: FileKind::Other,
    };
    attach(execution, open, &attachment).await
}

async fn attach(
    execution: &Execution<'_>,
    open: OpenStep,
    planned: &PlannedAttachment,
) -> StepResult {
    let owner = execution.owner(planned.target)?;
    let name = &planned.name;

    let content = match content::read(execution, &planned.source).await? {
        Ok(content) => content,
        // The share may be there again in a moment, and the results have arrived already.
        Err(error) if door::is_silent(&error) => {
            return Err(Stop::Ado(AdoError::File {
                file: name.into(),
                message: error.to_string(),
            }));
        }
        Err(error) => {
            let reason = if error.kind() == io::ErrorKind::NotFound {
                format!("file `{name}` vanished before it was sent")
            } else {
                format!("file `{name}` cannot be read: {error}")
            };
            return execution.refuse(open, LeftOut::file(None, reason)).await;
        }
    };

    let file = File {
        owner,
        name,
        content: &content,
    };
    if open.earlier == Earlier::Perhaps
        && let Some(there) = look(execution, &file).await?
    {
        return execution.confirm(open, &there).await;
    }
    send(execution, open, &file).await
}

/// A file whose content can be read, with what it is attached to.
struct File<'a> {
    owner: Owner,
    name: &'a str,
    content: &'a Content,
}

/// What an upload led to that failed.
enum FailedUpload {
    /// The file is there all the same, as this attachment.
    Arrived(u32),
    /// Something before the server refuses it, for this reason.
    Filtered(String),
    /// It does not get through for so long that it is given up, for this reason.
    GivenUp(String),
    /// ADO refuses it, for this reason.
    Refused(String),
}

/// Sends a file that is not there yet.
async fn send(execution: &Execution<'_>, open: OpenStep, file: &File<'_>) -> StepResult {
    let mut tries = 0;
    loop {
        tries += 1;
        let upload = file
            .content
            .upload(file.name.to_owned())
            .await?
            .counted(execution.submission.id, execution.client.measures());
        let sent = execution
            .client
            .attach(execution.project(), file.owner, upload)
            .await;
        let failed = match sent {
            Ok(attachment) => return execution.confirm(open, &attachment.id).await,
            Err(error) => after_failure(execution, open, file, error).await?,
        };

        let left_out = match failed {
            FailedUpload::Arrived(there) => return execution.confirm(open, &there).await,
            FailedUpload::Filtered(_) if tries < TRIES_PAST_FILTER => continue,
            // What is in the way may go away; `daemon::given_up` has the file sent again.
            FailedUpload::Filtered(reason) | FailedUpload::GivenUp(reason) => {
                execution.note_given_up(open, clock::now()).await?;
                LeftOut::of_run(LeftOutKind::GivenUp, reason)
            }
            FailedUpload::Refused(reason) => LeftOut::of_run(LeftOutKind::Refused, reason),
        };
        return execution.refuse(open, left_out).await;
    }
}

/// Looks what an upload led to that failed.
///
/// # Errors
/// When that is not known, or when it is to be tried again later.
async fn after_failure(
    execution: &Execution<'_>,
    open: OpenStep,
    file: &File<'_>,
    error: AdoError,
) -> Result<FailedUpload, Stop> {
    let name = file.name;
    match &error {
        AdoError::Rejected { message, .. } | AdoError::Gone { message, .. } => {
            let reason = format!("file `{name}` was refused by Azure DevOps: {message}");
            // A server may fail behind what it stored. Where not even the list is there, as of a
            // result that is gone, nothing is stored.
            match look(execution, file).await {
                Ok(there) => Ok(arrived_or(there, FailedUpload::Refused(reason))),
                Err(AdoError::Rejected { .. } | AdoError::Gone { .. }) => {
                    Ok(FailedUpload::Refused(reason))
                }
                Err(unknown) => Err(unknown.into()),
            }
        }

        AdoError::InBetween { answer, .. } if answer.refuses_request() => {
            let reason = format!("file `{name}` was not let through: {error}");
            // Whoever refuses everything refuses this look, too, and is waited for.
            let there = look(execution, file).await?;
            Ok(arrived_or(there, FailedUpload::Filtered(reason)))
        }

        // The look before it was answered, so it is not the server that is away.
        AdoError::Unavailable { .. } if open.earlier == Earlier::Perhaps => {
            let now = clock::now();
            let since = execution.breaks_off_since(open, now).await?;
            let options = &execution.submission.snapshot.options;
            if now.since(since) < Duration::from_millis(options.give_up_files_ms) {
                return Err(error.into());
            }

            let reason = format!(
                "file `{name}` was given up: sending it fails since {since}, while Azure DevOps \
                 answers everything else (`submit.give_up_files_after`): {error}"
            );
            // This last time it may have arrived.
            let there = look(execution, file).await?;
            Ok(arrived_or(there, FailedUpload::GivenUp(reason)))
        }
        _ => Err(error.into()),
    }
}

/// Looks for the file among what is attached already; gives its attachment.
async fn look(execution: &Execution<'_>, file: &File<'_>) -> Result<Option<u32>, AdoError> {
    probe::attachment(
        execution.client,
        execution.project(),
        file.owner,
        file.name,
        file.content,
    )
    .await
}

fn arrived_or(there: Option<u32>, otherwise: FailedUpload) -> FailedUpload {
    there.map_or(otherwise, FailedUpload::Arrived)
}
