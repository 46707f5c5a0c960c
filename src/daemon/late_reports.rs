//! Reports that appear after a run was submitted, up to a day later: ADO takes them after
//! completion.
//!
//! They are the only thing that is ever added to a stored plan (invariant I3).

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use crate::blocking::blocking;
use crate::katalon::run::{FileKind, RunFile, SuiteRun};
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
    fingerprints: HashMap<i64, u64>,
}

/// A submission whose folder looks different.
struct Changed {
    id: i64,
    /// How it looks; `None` when it changed a moment ago, so that a report may still be growing and
    /// another look is needed in any case.
    fingerprint: Option<u64>,
}

impl LateReports {
    /// Adds late reports of submitted runs as steps; tells whether there were any.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) async fn add(&mut self, outbox: &Outbox) -> Result<bool, StoreError> {
        let now = clock::now();
        let submitted = outbox
            .with(move |store| store.submitted_since(now.minus(LATEST)))
            .await?;

        // Submissions that are older than a day drop out, so what is remembered does not grow.
        let ids: HashSet<i64> = submitted.iter().map(|(id, _)| *id).collect();
        self.fingerprints.retain(|id, _| ids.contains(id));

        let before = self.fingerprints.clone();
        let mut any = false;
        for changed in blocking(move || changed_of(submitted, &before, now)).await? {
            any |= add_to(outbox, changed.id).await?;

            // Only now: should the outbox fail, the folder is looked at again.
            if let Some(fingerprint) = changed.fingerprint {
                self.fingerprints.insert(changed.id, fingerprint);
            }
        }
        Ok(any)
    }
}

/// Those of the submissions whose folders look different from `before`.
fn changed_of(
    submitted: Vec<(i64, String)>,
    before: &HashMap<i64, u64>,
    now: Moment,
) -> Vec<Changed> {
    let mut all = Vec::new();
    for (id, folder) in submitted {
        // A folder that is gone gets no reports.
        let Ok(listing) = workspace::list_run_folder(Path::new(&folder)) else {
            continue;
        };
        let fingerprint = fingerprint(&listing);
        if before.get(&id) == Some(&fingerprint) {
            continue;
        }

        let still = listing
            .newest()
            .is_none_or(|newest| newest.plus(STILL) <= now);
        all.push(Changed {
            id,
            fingerprint: still.then_some(fingerprint),
        });
    }
    all
}

async fn add_to(outbox: &Outbox, id: i64) -> Result<bool, StoreError> {
    let submission = match outbox.with(move |store| store.load(id)).await {
        Ok(submission) => submission,
        // What another version stored and this one cannot read gets no late reports.
        Err(StoreError::Content(_)) => return Ok(false),
        Err(error) => return Err(error),
    };

    let late = blocking(move || late_reports_of(&submission)).await?;
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

/// The reports in the folders of a submitted run that are neither planned nor were there when it
/// was planned.
fn late_reports_of(submission: &Submission) -> Vec<PlannedAttachment> {
    let Some(plan) = &submission.plan else {
        return Vec::new();
    };
    let snapshot = &submission.snapshot;

    let mut decided: HashSet<&str> = HashSet::new();
    for attachment in &plan.attachments {
        if let Source::File(path) = &attachment.source {
            decided.insert(path);
        }
    }

    // What was there when the run was planned was decided then, also when it was left out.
    for file in &snapshot.run.files {
        decided.insert(&file.path);
    }

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
            if is_of_earlier_run(&snapshot.run, &file, listed.modified) {
                continue;
            }

            // A report that is still being written is taken at a later look.
            let is_written = now.since(listed.modified) >= STILL;
            if is_report(&file) && is_written && !decided.contains(file.path.as_str()) {
                late.push(file);
            }
        }
    }
    attachments::late(snapshot, late.into_iter())
}

/// Whether a file lies there as an earlier run left it.
fn is_of_earlier_run(run: &SuiteRun, file: &RunFile, modified: Moment) -> bool {
    run.earlier_files.iter().any(|earlier| {
        earlier.path == file.path && earlier.size == file.size && earlier.modified == modified
    })
}

/// Of what Katalon writes only the reports may come long after the end of the suite.
fn is_report(file: &RunFile) -> bool {
    matches!(file.kind, FileKind::Html | FileKind::Pdf | FileKind::Csv)
}
