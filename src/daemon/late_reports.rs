//! Reports that appear after a run was submitted, up to a day later: ADO takes them after
//! completion.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use crate::blocking::blocking;
use crate::katalon::run::{FileKind, RunFile};
use crate::moment::Moment;
use crate::outbox::submission::Submission;
use crate::outbox::{Outbox, StoreError};
use crate::plan::attachments;
use crate::plan::attachments::{PlannedAttachment, Source};
use crate::watch::fingerprint;
use crate::{clock, workspace};

/// How long after its end late reports of a run are taken.
const LATEST: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a report must be unchanged before it counts as written.
const STILL: Duration = Duration::from_secs(3);

/// Looks for late reports. A run is read only when its folder looks different from the last time.
#[derive(Debug, Default)]
pub(super) struct LateReports {
    /// How the folders of submitted runs looked, by submission.
    seen: HashMap<i64, u64>,
}

impl LateReports {
    /// Adds late reports of submitted runs as steps; tells whether there were any.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) async fn add(&mut self, outbox: &Outbox) -> Result<bool, StoreError> {
        let now = clock::now();
        let open = outbox
            .with(move |store| store.submitted_since(now.minus(LATEST)))
            .await?;
        let ids: HashSet<i64> = open.iter().map(|(id, _)| *id).collect();
        self.seen.retain(|id, _| ids.contains(id));
        let known = self.seen.clone();
        let changed = blocking(move || changed(open, &known, now)).await?;
        let mut any = false;
        for (id, look) in changed {
            any |= add_to(outbox, id).await?;
            self.seen.extend(look.map(|look| (id, look)));
        }
        Ok(any)
    }
}

/// Submissions whose folder looks different, with how it looks; `None` for one that changed a
/// moment ago, because a report may still be growing.
fn changed(
    open: Vec<(i64, String)>,
    known: &HashMap<i64, u64>,
    now: Moment,
) -> Vec<(i64, Option<u64>)> {
    let look = |(id, folder): (i64, String)| {
        let listing = workspace::list_run_folder(Path::new(&folder)).ok()?;
        let look = fingerprint(&listing);
        let still = listing
            .newest()
            .is_none_or(|newest| newest.plus(STILL) <= now);
        (known.get(&id) != Some(&look)).then_some((id, still.then_some(look)))
    };
    open.into_iter().filter_map(look).collect()
}

async fn add_to(outbox: &Outbox, id: i64) -> Result<bool, StoreError> {
    // What another version stored and this one cannot read gets no late reports.
    let submission = match outbox.with(move |store| store.load(id)).await {
        Err(StoreError::Content(_)) => return Ok(false),
        loaded => loaded?,
    };
    let late = blocking(move || late_reports(&submission)).await?;
    if late.is_empty() {
        return Ok(false);
    }
    tracing::info!(
        id,
        reports = late.len(),
        "reports appeared late and are added to the run"
    );
    outbox
        .with(move |store| store.add_attachments(id, &late, clock::now()))
        .await?;
    Ok(true)
}

fn late_reports(submission: &Submission) -> Vec<PlannedAttachment> {
    let Some(plan) = &submission.plan else {
        return Vec::new();
    };
    let snapshot = &submission.snapshot;
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
    let is_report =
        |file: &RunFile| matches!(file.kind, FileKind::Html | FileKind::Pdf | FileKind::Csv);
    let now = clock::now();
    let mut late = Vec::new();
    for run_folder in snapshot.run_folders() {
        let Ok(listing) = workspace::list_run_folder(Path::new(&run_folder.path)) else {
            continue;
        };
        for listed in listing.files {
            let file = RunFile {
                path: run_folder.path_of(&listed.file.path),
                ..listed.file
            };
            // A report that is still being written is taken at a later look.
            let still = now.since(listed.modified) >= STILL;
            if is_report(&file) && still && !known.contains(file.path.as_str()) {
                late.push(file);
            }
        }
    }
    attachments::late(snapshot, late.into_iter())
}
