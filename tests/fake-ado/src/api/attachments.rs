//! Attachments of runs, results and sub-results: base64 in JSON, never idempotent.

use std::io::Read as _;

use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;
use serde_json::{Value, json};

use super::Call;
use super::plans::camel_case;
use super::results::no_result;
use super::runs::at_most;
use crate::answer::{Answer, Outcome, bad, error, list, missing, ok};
use crate::query::{longer_than, text_of};
use crate::runs_model::{Attachment, SubResult, TestResult, TestRun};

const FORBIDDEN: [char; 9] = ['\\', '/', ':', '*', '?', '"', '<', '>', '|'];

pub(super) fn add(call: &mut Call<'_>, run: u32, result: Option<u32>) -> Outcome {
    let settings = call.world.settings.clone();
    let sub = sub_id(call)?;
    let closed =
        call.run(run)?.state == "Completed" && settings.refuse_result_attachments_after_completed;

    if closed && result.is_some() {
        return Err(bad(&format!(
            "Test run {run} is completed. Attachments cannot be added to its results."
        )));
    }

    holder(call.run_mut(run)?, result, sub)?;
    let mut attachment = described(&call.body.value)?;
    let stream = call
        .body
        .stream
        .take()
        .ok_or_else(|| bad("Value cannot be null.\r\nParameter name: stream"))?;
    decode(
        &stream,
        &mut attachment,
        settings.keep_attachment_bytes,
        settings.max_attachment_bytes,
    )?;
    call.world.last_attachment_id += 1;
    attachment.id = call.world.last_attachment_id;
    let answer = json!({"id": attachment.id, "url": format!("{}/{}", place(call, run, result), attachment.id)});
    holder(call.run_mut(run)?, result, sub)?.push(attachment);

    Ok(ok(&answer))
}

fn sub_id(call: &Call<'_>) -> Result<Option<u32>, Answer> {
    Ok(call
        .query
        .number("testSubResultId")?
        .and_then(|id| u32::try_from(id).ok()))
}

fn described(body: &Value) -> Result<Attachment, Answer> {
    let name = text_of(body, "fileName").filter(|name| !name.is_empty());
    let file_name = name.ok_or_else(|| bad("Value cannot be null.\r\nParameter name: fileName"))?;

    if file_name.contains(FORBIDDEN) || longer_than(&file_name, 255) {
        return Err(bad(&format!(
            "The file name '{file_name}' is not valid.\r\nParameter name: fileName"
        )));
    }

    at_most(body, "comment", 1000)?;
    let kind = text_of(body, "attachmentType").unwrap_or_else(|| "GeneralAttachment".into());

    Ok(Attachment {
        file_name,
        kind,
        comment: text_of(body, "comment"),
        created: crate::query::now(),
        ..Attachment::default()
    })
}

/// Decodes piece by piece: only small attachments are kept whole.
fn decode(stream: &str, into: &mut Attachment, keep: usize, most: usize) -> Result<(), Answer> {
    let mut reader = DecoderReader::new(stream.as_bytes(), &STANDARD);
    let mut digest = blake3::Hasher::new();
    let mut piece = vec![0; 64 << 10];
    let small = stream.len() / 4 * 3 <= keep.saturating_add(3);
    let mut size = 0;

    loop {
        let read = reader.read(&mut piece).map_err(|_| {
            bad("The input is not a valid Base-64 string.\r\nParameter name: stream")
        })?;
        if read == 0 {
            break;
        }
        size += read;
        digest.update(&piece[..read]);
        if small {
            into.bytes.extend_from_slice(&piece[..read]);
        }
    }

    if size > most {
        let kind = "Microsoft.VisualStudio.Services.Common.VssServiceException, Microsoft.VisualStudio.Services.Common";
        let message =
            format!("Cannot upload file as it exceeded the maximum file size ({most} bytes)");
        return Err(error(400, kind, &message));
    }

    into.size = size as u64;
    into.blake3 = digest.finalize().to_hex().to_string();

    Ok(())
}

/// The address of the attachments of a run or a result.
fn place(call: &Call<'_>, run: u32, result: Option<u32>) -> String {
    let of_result = result
        .map(|result| format!("/Results/{result}"))
        .unwrap_or_default();
    format!("{}/test/Runs/{run}{of_result}/Attachments", call.apis())
}

/// The list an attachment goes to, or is looked for in.
fn holder(
    run: &mut TestRun,
    result: Option<u32>,
    sub: Option<u32>,
) -> Result<&mut Vec<Attachment>, Answer> {
    let run_id = run.id;
    let Some(id) = result else {
        return Ok(&mut run.attachments);
    };
    let result = run.result_mut(id).ok_or_else(|| no_result(run_id, id))?;
    let Some(sub) = sub else {
        return Ok(&mut result.attachments);
    };
    let TestResult { sub_results, .. } = result;
    let found = find_sub(sub_results, sub).ok_or_else(|| {
        missing(&format!(
            "Test sub-result {sub} does not exist in test result {id}"
        ))
    })?;

    Ok(&mut found.attachments)
}

fn find_sub(level: &mut [SubResult], id: u32) -> Option<&mut SubResult> {
    for sub in level {
        if sub.id == id {
            return Some(sub);
        }
        if let Some(found) = find_sub(&mut sub.sub_results, id) {
            return Some(found);
        }
    }
    None
}

pub(super) fn all(call: &mut Call<'_>, run: u32, result: Option<u32>) -> Outcome {
    let sub = sub_id(call)?;
    let place = place(call, run, result);
    let found = holder(call.run_mut(run)?, result, sub)?;
    let entries = found.iter().map(|attachment| {
        json!({"id": attachment.id, "fileName": attachment.file_name, "comment": attachment.comment,
            "size": attachment.size, "createdDate": attachment.created, "attachmentType": camel_case(&attachment.kind),
            "url": format!("{place}/{}", attachment.id)})
    });

    Ok(list(entries.collect()))
}

/// The bytes, when they were kept.
pub(super) fn content(call: &mut Call<'_>, run: u32, result: Option<u32>, id: u32) -> Outcome {
    let sub = sub_id(call)?;
    let found = holder(call.run_mut(run)?, result, sub)?
        .iter()
        .find(|attachment| attachment.id == id);
    let found = found.ok_or_else(|| missing(&format!("Attachment {id} not found.")))?;

    if found.bytes.len() as u64 != found.size {
        return Err(missing(&format!(
            "fake-ado keeps only size and digest of attachment {id}."
        )));
    }

    let disposition = format!(
        "attachment; filename=\"{}\"",
        found.file_name.escape_default()
    );

    Ok(
        Answer::new(200, "application/octet-stream", found.bytes.clone())
            .with("content-disposition", disposition),
    )
}
