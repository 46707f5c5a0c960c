//! Reports that appear after a run was submitted, up to a day later: ADO takes them after completion.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use crate::katalon::run::{FileKind, RunFile};
use crate::outbox::store::Submission;
use crate::outbox::{Outbox, StoreError};
use crate::plan::attachments;
use crate::plan::attachments::{PlannedAttachment, Source};
use crate::{clock, workspace};

/// How long after its end late reports of a run are taken.
const LATEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Adds late reports of submitted runs as steps; tells whether there were any.
pub async fn add_late_reports(outbox: &Outbox) -> Result<bool, StoreError> {
    let since = clock::now().minus(LATEST);
    let mut any = false;
    for id in outbox.with(move |store| store.submitted_since(since)).await? {
        // What another version stored and this one cannot read gets no late reports.
        let submission = match outbox.with(move |store| store.load(id)).await {
            Err(StoreError::Content(_)) => continue,
            loaded => loaded?,
        };
        let late = tokio::task::spawn_blocking(move || late_reports(&submission)).await.unwrap_or_default();
        if !late.is_empty() {
            tracing::info!(id, reports = late.len(), "reports appeared late and are added to the run");
            outbox.with(move |store| store.add_attachments(id, &late, clock::now())).await?;
            any = true;
        }
    }
    Ok(any)
}

fn late_reports(submission: &Submission) -> Vec<PlannedAttachment> {
    let Some(plan) = &submission.plan else { return Vec::new() };
    let snapshot = &submission.snapshot;
    let Ok(listing) = workspace::list_run_folder(Path::new(&snapshot.folder)) else { return Vec::new() };
    let known: HashSet<&str> = plan
        .attachments
        .iter()
        .filter_map(|attachment| match &attachment.source {
            Source::File(path) => Some(path.as_str()),
            Source::Text(_) => None,
        })
        // What was there before was decided when the run was planned.
        .chain(snapshot.run.files.iter().map(|file| file.path.as_str()))
        .collect();
    let is_report = |file: &RunFile| matches!(file.kind, FileKind::Html | FileKind::Pdf | FileKind::Csv);
    let now = clock::now();
    let late = listing.files.into_iter().filter(|listed| {
        // A report that is still being written is taken at a later look.
        is_report(&listed.file)
            && !known.contains(listed.file.path.as_str())
            && now.since(listed.modified) >= Duration::from_secs(3)
    });
    attachments::late(snapshot, late.map(|listed| listed.file))
}
