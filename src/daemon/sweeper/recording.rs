//! Records the runs that a sweep or a look found to be over, and says what became of their folders.
//!
//! What was recorded before something failed counts: its answers are stored, and its submissions
//! are announced.

use crate::clock::Stopwatch;
use crate::config::Config;
use crate::daemon::sweeper::{KatalonPatience, Sweeper};
use crate::discovery::folder_answer::{AnsweredFolder, FolderAnswer};
use crate::discovery::run_identity::RunIdentity;
use crate::outbox::StoreError;
use crate::record::MemberFolder;
use crate::record::disk::on_disk;
use crate::record::handling::{Again, Handling};
use crate::record::recorder::{Extent, RecordedCollections};
use crate::watch::{self, FinishedFolder, LookTotals, SeenFolders};

/// What recording led to.
#[derive(Default)]
struct Done {
    /// What became of folders that are settled, or left alone for now.
    answered: Vec<AnsweredFolder>,
    /// New submissions.
    submissions: Vec<i64>,
    /// Those of them that need not wait for Katalon's own upload.
    released: Vec<i64>,
    /// What is left to later looks.
    totals: LookTotals,
}

impl Sweeper {
    /// Records what is due or gone, and holds what is in its grace time; gives what is left to
    /// later looks.
    pub(super) async fn record(
        &mut self,
        config: &Config,
        seen: SeenFolders,
    ) -> Result<LookTotals, StoreError> {
        self.recorder.note_vanished(&seen.gone);
        let mut done = Done {
            answered: seen.remembered,
            totals: seen.totals,
            ..Done::default()
        };
        let recorded = self
            .record_each(config, seen.due, seen.in_grace, &mut done)
            .await;

        // What was recorded before something failed is recorded all the same. Nothing is let go
        // before that: a newer run would overtake an older one that is recorded a moment later.
        self.answers.note(done.answered).await?;
        self.let_go(done.released).await?;
        self.announce_submissions(done.submissions).await?;
        recorded?;
        Ok(done.totals)
    }

    async fn record_each(
        &mut self,
        config: &Config,
        mut due: Vec<FinishedFolder>,
        mut in_grace: Vec<FinishedFolder>,
        done: &mut Done,
    ) -> Result<(), StoreError> {
        // The runs of a test plan are sent in the order of their ends.
        due.sort_by_key(|finished| finished.ended);

        for finished in due {
            // It is as due in the next round: those of other projects have their turn first.
            let project = self.scout.project_or_parent(&finished.folder);
            if self.turns.is_over(&project) {
                done.totals.postponed.push(finished.folder);
                continue;
            }

            let taken = Stopwatch::start();
            let handling = self.recorder.record(config, &finished).await?;
            self.rules.note_run_read(&project).await?;
            self.turns.spend(&project, taken.elapsed());

            if let Handling::NotYet(_) = handling {
                in_grace.push(finished.clone());
            }
            self.take_note(finished, handling, done);
        }

        // Among these is what could not be recorded just now: it is held as well.
        done.totals.in_grace = in_grace.len();
        self.hold_in_grace(config, &in_grace).await?;
        self.recorder
            .record_vanished(config, &mut done.submissions)
            .await
    }

    /// Takes note of what was done about a run that is due.
    fn take_note(&mut self, finished: FinishedFolder, handling: Handling, done: &mut Done) {
        match handling {
            Handling::Settled {
                answer,
                run,
                submissions,
            } => {
                done.answered.push(self.settle(&finished, answer, run));
                let released = self
                    .running_commands
                    .recorded(&finished.folder, &submissions);
                done.released.extend(released);
                done.submissions.extend(submissions);
            }

            // Not settled over a restart: the collection may have to be read anew then.
            Handling::WithCollection(run) | Handling::CopyOfMember(run) => {
                let waits = FolderAnswer::Waiting {
                    reason: "the run is over, and its collection is not".to_owned(),
                };
                done.answered.push(AnsweredFolder {
                    settled: None,
                    ..self.settle(&finished, waits, run)
                });
            }

            // What waits for another one is looked at again with each sweep.
            Handling::NotYet(reason) | Handling::AwaitsOther(reason) => {
                let waits = FolderAnswer::Waiting { reason };
                self.scout.note(&finished.folder, waits);
            }

            Handling::Unread(reason, again) => {
                done.answered.extend(self.leave(&finished, reason, again));
                done.totals.unread.push(finished.folder);
            }
        }
    }

    /// Holds the runs that are in their grace time.
    async fn hold_in_grace(
        &mut self,
        config: &Config,
        in_grace: &[FinishedFolder],
    ) -> Result<(), StoreError> {
        for finished in in_grace {
            let project = self.scout.project_or_parent(&finished.folder);
            if !self.turns.is_over(&project) {
                let taken = Stopwatch::start();
                self.recorder.hold(config, finished).await?;
                self.rules.note_run_read(&project).await?;
                self.turns.spend(&project, taken.elapsed());
            }
        }
        Ok(())
    }

    /// Has a folder not read again while it looks the same; `run` is known better than by the
    /// looks.
    fn settle(
        &mut self,
        finished: &FinishedFolder,
        answer: FolderAnswer,
        run: Option<RunIdentity>,
    ) -> AnsweredFolder {
        let settled = self
            .scout
            .settle(&finished.folder, finished.fingerprint, answer);
        AnsweredFolder {
            run: run.or(settled.run),
            ..settled
        }
    }

    /// Leaves a folder alone that cannot be read; gives what is to be stored of it, unless it is
    /// followed on.
    fn leave(
        &mut self,
        finished: &FinishedFolder,
        reason: String,
        again: Again,
    ) -> Option<AnsweredFolder> {
        let unread = FolderAnswer::Unread { reason };
        match again {
            Again::Next => {
                self.scout.note(&finished.folder, unread);
                None
            }
            Again::AtRestart => Some(AnsweredFolder {
                settled: None,
                ..self.settle(finished, unread, None)
            }),
            Again::WhenChanged => Some(self.settle(finished, unread, None)),
        }
    }

    /// Records collections that are over as one run each.
    pub(super) async fn record_collections(
        &mut self,
        config: &Config,
        extent: Extent,
    ) -> Result<(), StoreError> {
        let RecordedCollections {
            submissions,
            folders,
        } = self
            .recorder
            .record_collections(config, &self.scout, extent)
            .await?;

        // Reports may have come since the members were settled: each is settled as it looks now.
        let mut settled = Vec::new();
        for MemberFolder { folder, run } in folders {
            let listed = folder.clone();
            let looked = match on_disk(move || watch::fingerprint_of(&listed)).await {
                // It is found to be known at the next look that is answered.
                Err(StoreError::Silent(_)) => None,
                looked => looked?,
            };
            if let Some(fingerprint) = looked {
                let answered = self
                    .scout
                    .settle(&folder, fingerprint, FolderAnswer::Recorded);
                settled.push(AnsweredFolder { run, ..answered });
            }
        }
        self.answers.note(settled).await?;
        self.announce_submissions(submissions).await
    }

    /// Says in the log what was recorded, and wakes the submitter.
    async fn announce_submissions(&self, new: Vec<i64>) -> Result<(), StoreError> {
        if new.is_empty() {
            return Ok(());
        }
        // First, so that nothing is said to be waited for that is not.
        if self.patience == KatalonPatience::WaitsForNothing {
            self.let_go(new.clone()).await?;
        }

        let rows = self
            .outbox
            .with(move |store| store.summaries(Some(&new)))
            .await?;
        for row in rows {
            tracing::info!(
                id = row.id,
                suite = row.suite,
                folder = row.folder,
                state = row.state.word(),
                reason = row.error,
                until = row.next_attempt.map(tracing::field::display),
                "suite run is over"
            );
        }

        self.changed.notify_one();
        Ok(())
    }

    /// Katalon will not submit the runs of these submissions any more.
    pub(super) async fn let_go(&self, submissions: Vec<i64>) -> Result<(), StoreError> {
        if submissions.is_empty() {
            return Ok(());
        }
        self.outbox
            .with(move |store| store.release_from_katalon(&submissions))
            .await?;
        self.changed.notify_one();
        Ok(())
    }
}
