//! Reports that appear after a run was submitted, up to a day later: ADO takes them after
//! completion.
//!
//! They are the only thing that is ever added to a stored plan (invariant I3). They come from the
//! folder that the run was read from and from no other: one that was put in its place, be it a link
//! or a folder, is left alone, and that is said once.

use std::collections::{HashMap, HashSet};
use std::io;
use std::time::Duration;

use crate::blocking::blocking;
use crate::door;
use crate::file_names::KnownFolder;
use crate::katalon::run::{EarlierFile, FileKind, RunFile};
use crate::moment::Moment;
use crate::outbox::submission::Submission;
use crate::outbox::{Outbox, StoreError};
use crate::plan::attachments;
use crate::plan::attachments::{PlannedAttachment, Source};
use crate::plan::members::RunFolder;
use crate::watch::fingerprint;
use crate::{clock, workspace};

/// How long after its end late reports of a run are taken.
const LATEST: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a report must be unchanged before it counts as written.
const STILL: Duration = Duration::from_secs(3);

/// Looks for late reports. A run is read only when one of its folders looks different from the last
/// time.
#[derive(Debug, Default)]
pub(super) struct LateReports {
    /// Where reports of submitted runs may come, by submission.
    runs: HashMap<i64, SubmittedRun>,
    /// Submissions of which it was said that there is something else in the place of their folder.
    told: HashSet<i64>,
}

/// The folders of a submitted run.
#[derive(Clone, Debug)]
struct SubmittedRun {
    /// One, or those of the members of a collection that is one run, which lie beside its own.
    folders: Vec<KnownFolder>,
    /// How they looked; `None` where they are to be looked at in any case.
    look: Option<Vec<FolderLook>>,
}

/// How a folder looked; `None` for one that is gone, which gets no reports.
type FolderLook = Option<u64>;

/// What came of a look for late reports.
#[derive(Clone, Copy, Default)]
pub(super) struct LateLook {
    /// Reports were added: there is something to send.
    pub is_any_added: bool,
    /// Something was written a moment ago, so that a report may still be growing: another look is
    /// needed soon.
    pub is_any_young: bool,
}

/// What a look at the folders of submitted runs saw.
#[derive(Default)]
struct Looks {
    changed: Vec<Changed>,
    /// Submissions whose folders are there and are not looked into, with the reason.
    refused: Vec<(i64, io::Error)>,
}

/// A submission of which a folder looks different.
struct Changed {
    id: i64,
    /// How they look; `None` when one changed a moment ago, so that a report may still be growing
    /// and another look is needed in any case.
    look: Option<Vec<FolderLook>>,
}

impl LateReports {
    /// Adds late reports of submitted runs as steps.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) async fn add(&mut self, outbox: &Outbox) -> Result<LateLook, StoreError> {
        let now = clock::now();
        self.meet(outbox, now).await?;

        let runs = self.runs.clone();
        let looked = blocking(move || door::answered(move || look_at(runs, now)));
        let looks = match looked.await? {
            Ok(looks) => looks,
            // Told by the sweep; what lies elsewhere is looked at next time, when this is passed
            // over.
            Err(_silent) => return Ok(LateLook::default()),
        };
        for (id, error) in looks.refused {
            self.tell(id, &error);
        }

        let mut late = LateLook::default();
        for changed in looks.changed {
            late.is_any_added |= self.add_to(outbox, changed.id).await?;
            late.is_any_young |= changed.look.is_none();

            // Only now: should the outbox fail, the folder is looked at again.
            if let Some(run) = self.runs.get_mut(&changed.id) {
                run.look = changed.look;
            }
        }
        Ok(late)
    }

    /// Takes in what was submitted since the last time. Submissions that are older than a day drop
    /// out, so what is remembered does not grow.
    async fn meet(&mut self, outbox: &Outbox, now: Moment) -> Result<(), StoreError> {
        let submitted: HashSet<i64> = outbox
            .with(move |store| store.submitted_since(now.minus(LATEST)))
            .await?
            .into_iter()
            .collect();
        self.runs.retain(|id, _| submitted.contains(id));
        self.told.retain(|id| submitted.contains(id));

        for id in submitted {
            if self.runs.contains_key(&id) {
                continue;
            }
            let folders = match load(outbox, id).await? {
                Some(submission) => folders_of(&submission),
                None => Vec::new(),
            };
            self.runs.insert(
                id,
                SubmittedRun {
                    folders,
                    look: None,
                },
            );
        }
        Ok(())
    }

    async fn add_to(&mut self, outbox: &Outbox, id: i64) -> Result<bool, StoreError> {
        let Some(submission) = load(outbox, id).await? else {
            return Ok(false);
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

/// A submission; `None` for what another version stored and this one cannot read, which gets no
/// late reports.
async fn load(outbox: &Outbox, id: i64) -> Result<Option<Submission>, StoreError> {
    match outbox.with(move |store| store.load(id)).await {
        Ok(submission) => Ok(Some(submission)),
        Err(StoreError::Content(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn folders_of(submission: &Submission) -> Vec<KnownFolder> {
    let run_folders = submission.snapshot.run_folders();
    run_folders.iter().map(RunFolder::known).collect()
}

/// Looks which of these submissions have a folder that looks different from the last time.
fn look_at(runs: HashMap<i64, SubmittedRun>, now: Moment) -> Looks {
    let mut looks = Looks::default();
    for (id, run) in runs {
        let mut look = Vec::new();
        let mut is_still = true;
        for folder in &run.folders {
            match workspace::list_known_folder(folder) {
                Ok(listing) => {
                    look.push(Some(fingerprint(&listing)));
                    is_still &= listing
                        .newest()
                        .is_none_or(|newest| newest.plus(STILL) <= now);
                }

                Err(error) => {
                    look.push(None);
                    if error.kind() != io::ErrorKind::NotFound {
                        looks.refused.push((id, error));
                    }
                }
            }
        }

        if run.look.as_ref() != Some(&look) {
            looks.changed.push(Changed {
                id,
                look: is_still.then_some(look),
            });
        }
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
