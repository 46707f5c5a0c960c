//! What becomes of live runs: most are completed by their submissions. One that none will have (the
//! suite was aborted, its folder is gone, it goes to another plan) is abandoned: it is ended with
//! the results that it has, so that no run stays open, also after a kado that was killed.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ado::{AdoError, as_live};
use crate::blocking::blocking;
use crate::clock;
use crate::door;
use crate::live::LiveWriter;
use crate::live::requests::LiveTarget;
use crate::live::stop::LiveStop;
use crate::outbox::StoreError;
use crate::outbox::store::{LiveFate, LiveRun};
use crate::plan::comment::ended_in_favour_of;
use crate::plan::preview;
use crate::shell_word::shell_word;
use crate::submit::Earlier;
use crate::workspace;

/// What becomes of a live run.
enum LiveEnd {
    /// Its suite runs, or its submission is on the way.
    GoesOn,
    /// Its submission has it.
    HasSubmission,
    /// It is ended, with this comment.
    Ends(String),
}

/// A live run that is ended as *Aborted*.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct EndedLiveRun {
    /// Its id in Azure DevOps.
    pub ado_run: u32,
    /// The suite.
    pub suite: String,
}

impl LiveWriter {
    /// Looks what became of the suites of the live runs, and ends those that nobody will complete;
    /// gives those that it ended. What cannot be ended now is ended later.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(crate) async fn end_abandoned(&self) -> Result<Vec<EndedLiveRun>, StoreError> {
        let mut ended = Vec::new();
        for live in self.outbox.with(|store| store.live_runs()).await? {
            let comment = match self.what_becomes_of(&live).await? {
                LiveEnd::GoesOn => continue,
                LiveEnd::HasSubmission => {
                    let key = live.key;
                    self.outbox
                        .with(move |store| store.forget_live(&key))
                        .await?;
                    continue;
                }
                LiveEnd::Ends(comment) => comment,
            };

            match as_live(self.end(&live, &comment)).await {
                Ok(ado_run) => {
                    tracing::info!(
                        ado_run,
                        suite = live.snapshot.run.suite,
                        reason = comment,
                        "a test run that showed a suite is ended"
                    );
                    if let Some(ado_run) = ado_run {
                        let suite = live.snapshot.run.suite;
                        ended.push(EndedLiveRun { ado_run, suite });
                    }
                    let key = live.key;
                    self.outbox
                        .with(move |store| store.forget_live(&key))
                        .await?;
                }
                Err(reason) => {
                    let ado_run = live.ado_run_id;
                    tracing::debug!(ado_run, %reason, "a run cannot be ended yet");
                }
            }
        }
        Ok(ended)
    }

    /// What becomes of a live run.
    async fn what_becomes_of(&self, live: &LiveRun) -> Result<LiveEnd, StoreError> {
        let key = live.key.clone();
        let Some(identity) = live.snapshot.identity() else {
            return Ok(LiveEnd::GoesOn);
        };
        let root = live.snapshot.root();
        let asked = self
            .outbox
            .with(move |store| store.fate_of_live(&key, &identity, &root));

        let folder = &live.snapshot.folder;
        Ok(match asked.await? {
            LiveFate::Awaited => LiveEnd::GoesOn,
            // A run that its submission fills is never ended here.
            LiveFate::Submitted(ado_run) => match live.ado_run_id {
                Some(other) if other != ado_run => {
                    LiveEnd::Ends(format!("{}.", ended_in_favour_of(ado_run)))
                }
                _ => LiveEnd::HasSubmission,
            },
            LiveFate::NotSubmitted => LiveEnd::Ends(format!(
                "Ended: this suite run is not submitted; `kado why {}` says why. The results are those \
                 that it had by then.",
                shell_word(folder)
            )),
            LiveFate::Running if self.is_lost(live) => {
                let reason = why_lost(folder).await;
                LiveEnd::Ends(format!(
                    "Ended: the suite did not end, and {reason}. The results are those that it \
                     had by then."
                ))
            }
            LiveFate::Running => LiveEnd::GoesOn,
        })
    }

    /// Whether nothing was seen of a suite for so long that it was aborted.
    fn is_lost(&self, live: &LiveRun) -> bool {
        let running = self.running.borrow();
        let folder = Path::new(&live.snapshot.folder);
        // When it was last seen to run may be long ago for one that has just ended: the machine
        // may have slept since.
        let is_there = running.folders.contains(folder) || running.over.contains(folder);

        let abort_after = self.config.borrow().abort_after;
        running.is_whole && !is_there && clock::now().since(live.seen) >= abort_after
    }

    /// Ends a run, if it was made; gives which one it is.
    async fn end(&self, live: &LiveRun, comment: &str) -> Result<Option<u32>, LiveStop> {
        let connections = Arc::clone(&self.connections);
        let config = Arc::clone(&self.config.borrow());
        let snapshot = live.snapshot.clone();
        let client = blocking(move || connections.for_run(&config, &snapshot)).await??;

        let target = LiveTarget {
            client,
            project: live.snapshot.options.project.clone().unwrap_or_default(),
            plan_id: live.plan_id,
            key: live.key.clone(),
            started: live.snapshot.started(),
        };
        match self.end_in(&target, live, comment).await {
            // Somebody deleted it, or completed it.
            Err(AdoError::Gone { .. } | AdoError::Rejected { .. }) => Ok(None),
            Ok(ado_run) => Ok(ado_run),
            Err(error) => Err(error.into()),
        }
    }

    async fn end_in(
        &self,
        target: &LiveTarget,
        live: &LiveRun,
        comment: &str,
    ) -> Result<Option<u32>, AdoError> {
        if let Some(ado_run) = live.ado_run_id {
            target.end(ado_run, comment).await?;
            return Ok(Some(ado_run));
        }

        // Whether it was made is not known; what is not live any more is somebody's submission.
        let found = target.find(Earlier::Perhaps).await?.with_key;
        if let Some(run) = found
            && run.comment.as_deref().is_some_and(preview::is_live)
        {
            target.end(run.id, comment).await?;
            return Ok(Some(run.id));
        }
        Ok(None)
    }
}

/// Why a suite is taken for lost of which nothing was seen for so long.
async fn why_lost(folder: &str) -> String {
    let path = PathBuf::from(folder);
    let looked = blocking(move || door::answered(move || workspace::list_run_folder(&path)));
    match looked.await {
        Ok(Ok(Err(error))) if error.kind() == ErrorKind::NotFound => {
            format!("its folder `{folder}` is gone")
        }
        // The folder may also be another suite's by now, or not be readable.
        _ => format!("nothing was seen of it in `{folder}` for as long as `abort_after` says"),
    }
}
