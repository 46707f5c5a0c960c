//! Reports that appear after a run was submitted, up to a day later: ADO takes them after
//! completion.
//!
//! They are the only thing that is ever added to a stored plan (invariant I3). They come from the
//! folder that the run was read from and from no other: one that was put in its place, be it a link
//! or a folder, is left alone, and that is said once.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::blocking::blocking;
use crate::door;
use crate::katalon::run::{EarlierFile, FileKind, RunFile};
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
    /// Submissions of which it was said that there is something else in the place of their folder.
    told: HashSet<i64>,
}

/// What a look at the folders of submitted runs saw.
#[derive(Default)]
struct Looks {
    changed: Vec<Changed>,
    /// Submissions whose folders are there and are not looked into, with the reason.
    refused: Vec<(i64, io::Error)>,
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
        self.told.retain(|id| ids.contains(id));

        let before = self.fingerprints.clone();
        let looked = blocking(move || door::answered(move || look_at(submitted, &before, now)));
        let looks = match looked.await? {
            Ok(looks) => looks,
            // Told by the sweep; what lies elsewhere is looked at next time, when this is passed
            // over.
            Err(_silent) => return Ok(false),
        };
        for (id, error) in looks.refused {
            self.tell(id, &error);
        }

        let mut any = false;
        for changed in looks.changed {
            any |= self.add_to(outbox, changed.id).await?;

            // Only now: should the outbox fail, the folder is looked at again.
            if let Some(fingerprint) = changed.fingerprint {
                self.fingerprints.insert(changed.id, fingerprint);
            }
        }
        Ok(any)
    }

    async fn add_to(&mut self, outbox: &Outbox, id: i64) -> Result<bool, StoreError> {
        let submission = match outbox.with(move |store| store.load(id)).await {
            Ok(submission) => submission,
            // What another version stored and this one cannot read gets no late reports.
            Err(StoreError::Content(_)) => return Ok(false),
            Err(error) => return Err(error),
        };

        let looked = blocking(move || door::answered(move || late_reports_of(&submission)));
        let Ok((late, refused)) = looked.await? else {
            return Ok(false);
        };
        for error in refused {
            self.tell(id, &error);
        }
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

    /// Says once of a submission why nothing of its folder is sent late.
    fn tell(&mut self, id: i64, error: &io::Error) {
        if self.told.insert(id) {
            tracing::warn!(id, %error, "reports that came late are not looked for");
        }
    }
}

/// Looks which of the folders of submissions look different from `before`.
fn look_at(submitted: Vec<(i64, String)>, before: &HashMap<i64, u64>, now: Moment) -> Looks {
    let mut looks = Looks::default();
    for (id, folder) in submitted {
        let listing = match workspace::list_run_folder(Path::new(&folder)) {
            Ok(listing) => listing,
            // A folder that is gone gets no reports.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                looks.refused.push((id, error));
                continue;
            }
        };
        let fingerprint = fingerprint(&listing);
        if before.get(&id) == Some(&fingerprint) {
            continue;
        }

        let still = listing
            .newest()
            .is_none_or(|newest| newest.plus(STILL) <= now);
        looks.changed.push(Changed {
            id,
            fingerprint: still.then_some(fingerprint),
        });
    }
    looks
}

/// The reports in the folders of a submitted run that are neither planned nor were there when it
/// was planned, and why folders are not looked into.
fn late_reports_of(submission: &Submission) -> (Vec<PlannedAttachment>, Vec<io::Error>) {
    let mut refused = Vec::new();
    let Some(plan) = &submission.plan else {
        return (Vec::new(), refused);
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
    let earlier: HashMap<&str, &EarlierFile> = snapshot
        .run
        .earlier_files
        .iter()
        .map(|file| (file.path.as_str(), file))
        .collect();
    let mut late = Vec::new();
    for run_folder in snapshot.run_folders() {
        let listing = match workspace::list_known_folder(&run_folder.known()) {
            Ok(listing) => listing,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                refused.push(error);
                continue;
            }
        };
        for listed in listing.files {
            let file = RunFile {
                path: run_folder.path_of(&listed.file.path),
                ..listed.file
            };
            let left = earlier.get(file.path.as_str());
            if left.is_some_and(|left| left.size == file.size && left.modified == listed.modified) {
                continue;
            }

            // A report that is still being written is taken at a later look.
            let is_written = now.since(listed.modified) >= STILL;
            if is_report(&file) && is_written && !decided.contains(file.path.as_str()) {
                late.push(file);
            }
        }
    }
    (attachments::late(snapshot, late.into_iter()), refused)
}

/// Of what Katalon writes only the reports may come long after the end of the suite.
fn is_report(file: &RunFile) -> bool {
    matches!(file.kind, FileKind::Html | FileKind::Pdf | FileKind::Csv)
}
