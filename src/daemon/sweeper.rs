//! Looks at run folders, and has recorded what is over (`recording`).
//!
//! A sweep finds everything that lies in the watched folders; a look at what is followed reads only
//! the folders whose run is not decided. Both work in batches, and record what is over of each
//! before the next: what is cut off by a stop or an error goes on from there.
//!
//! Everything that is remembered of a folder only saves work. Should it be lost, the folder is read
//! once more, and its run is found to be known (invariants I1, I2).

mod recording;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Notify, watch as watch_channel};
use tokio_util::sync::CancellationToken;

use crate::blocking::lend;
use crate::clock;
use crate::config::Config;
use crate::connect::SeenTokens;
use crate::daemon::answers::Answers;
use crate::daemon::commands::CommandWatch;
use crate::daemon::found_projects::FoundProjects;
use crate::daemon::listings::Listings;
use crate::daemon::running_commands::RunningCommands;
use crate::daemon::tidy::Tidier;
use crate::daemon::unseen::Unseen;
use crate::discovery::tracker::BETWEEN_LOOKS;
use crate::katalon::run::lifecycle::RunState;
use crate::live::RunningSuites;
use crate::moment::Moment;
use crate::outbox::{Outbox, StoreError};
use crate::record::recorder::{Extent, Recorder};
use crate::record::rules::ProjectRules;
use crate::watch::{FoundFolders, LookRules, LookTotals, Scout, SeenFolders, Turns, WalkExtent};

/// Run folders that are looked at before what was seen is recorded.
const BATCH: usize = 200;

/// Whether Katalon gets time for its own upload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum KatalonPatience {
    Waits,
    /// A single pass: what Katalon submitted already is found all the same.
    WaitsForNothing,
}

/// Looks at run folders and records what is over.
pub(super) struct Sweeper {
    outbox: Outbox,
    scout: Scout,
    recorder: Recorder,
    commands: CommandWatch,
    running_commands: RunningCommands,
    tidier: Tidier,
    unseen: Unseen,
    answers: Answers,
    rules: ProjectRules,
    /// How long recording the runs of each project held up the others.
    turns: Turns,
    first_seen: Moment,
    listings: Listings,
    /// Wakes the submitter.
    changed: Arc<Notify>,
    /// Tells which suites run.
    running: watch_channel::Sender<RunningSuites>,
    found_projects: FoundProjects,
    /// Whether Katalon gets time for its own upload of a run that is recorded.
    patience: KatalonPatience,
    /// Projects that the last sweep found.
    swept_projects: Vec<PathBuf>,
}

impl Sweeper {
    /// A sweeper for an outbox; it wakes `changed` when there is something to send, and adds tokens
    /// of projects that it comes across to `tokens`. It tells `running` which suites run.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub(super) async fn new(
        outbox: Outbox,
        first_seen: Moment,
        tokens: Arc<SeenTokens>,
        changed: Arc<Notify>,
        running: watch_channel::Sender<RunningSuites>,
    ) -> Result<Self, StoreError> {
        let settled = outbox.with(|store| store.settled_folders()).await?;
        let scout = Scout::new(settled);
        let recorder = Recorder::new(outbox.clone(), first_seen, tokens, scout.reader()).await?;

        Ok(Self {
            scout,
            recorder,
            commands: CommandWatch::default(),
            running_commands: RunningCommands::default(),
            tidier: Tidier::new(outbox.clone()),
            unseen: Unseen::default(),
            answers: Answers::load(outbox.clone()).await?,
            rules: ProjectRules::load(outbox.clone()).await?,
            turns: Turns::default(),
            outbox,
            first_seen,
            listings: Listings::default(),
            changed,
            running,
            found_projects: FoundProjects::default(),
            patience: KatalonPatience::Waits,
            swept_projects: Vec::new(),
        })
    }

    /// Corrects when kado first saw this machine, after its clock was set back.
    pub(super) fn correct_first_seen(&mut self, first_seen: Moment) {
        self.first_seen = first_seen;
        self.recorder.correct_first_seen(first_seen);
    }

    /// Gives Katalon no time for its own uploads from now on.
    pub(super) const fn wait_for_nothing(&mut self) {
        self.patience = KatalonPatience::WaitsForNothing;
    }

    /// Who knows the folders that are followed, and their sessions.
    pub(super) const fn scout(&self) -> &Scout {
        &self.scout
    }

    /// Whether a collection that is to be one run is to be looked at soon.
    pub(super) fn has_news(&self) -> bool {
        self.recorder.has_news()
    }

    /// Whether the last sweep did not see everything in the watched folders.
    pub(super) fn has_unseen(&self) -> bool {
        self.unseen.is_any()
    }

    /// Looks at everything that may have changed and records what is over; gives the projects and
    /// what the looks leave to later ones.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) async fn sweep(
        &mut self,
        config: &Config,
        stop: &CancellationToken,
    ) -> Result<(Vec<PathBuf>, LookTotals), StoreError> {
        self.turns.begin_round();
        self.note_ended_commands().await?;

        let extent = self.listings.next();
        let mut totals = LookTotals::default();
        let mut found = self.find(config, extent, &mut totals).await?;
        if extent == WalkExtent::Everything {
            self.listings.listed_all(found.took);
        }

        // What is decided anew may lie in sessions in which nothing has changed.
        if self.mind_rules(config).await? && found.unchanged > 0 {
            found = self.find(config, extent, &mut totals).await?;
        }

        let projects = found.projects;
        let folders = found.folders;
        let looks = self.look_in_batches(config, &folders, Extent::Everything, stop);
        totals.absorb(looks.await?);
        if stop.is_cancelled() {
            return Ok((projects, totals));
        }
        tracing::debug!(
            projects = projects.len(),
            folders = folders.len(),
            unchanged_sessions = found.unchanged,
            read = totals.read,
            "looked at everything"
        );

        self.tell_running(Extent::Everything);

        // After the looks, which may have found the last member of a collection to be over.
        self.record_collections(config, Extent::Everything).await?;
        self.found_projects.tell(&self.outbox, &projects).await?;
        let folders = self.answers.age(&mut self.scout, folders).await?;
        let all = (extent == WalkExtent::Everything).then_some(folders);
        self.tidy(config, all).await?;
        self.answers.note_followed(&self.scout).await?;
        self.answers.report(config).await?;
        self.scout.remember_sessions();
        totals.look_again_at(self.running_commands.look_again());
        Ok((projects, totals))
    }

    /// Looks for what came late, and removes what nobody needs any more; `all` are all run folders,
    /// if they were listed just now.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) async fn tidy(
        &mut self,
        config: &Config,
        all: Option<Vec<PathBuf>>,
    ) -> Result<(), StoreError> {
        let tidied = self
            .tidier
            .tidy(config, &mut self.recorder, &self.swept_projects, all);
        if tidied.await? {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// When to tidy up again, if that is not to wait for the next sweep.
    pub(super) const fn next_tidying(&self) -> Option<Moment> {
        self.tidier.next()
    }

    /// Finds what may have changed, and records what is gone.
    async fn find(
        &mut self,
        config: &Config,
        extent: WalkExtent,
        totals: &mut LookTotals,
    ) -> Result<FoundFolders, StoreError> {
        let watch = config.watch.clone();
        let rules = self.look_rules(config).await?;
        let found = lend(&mut self.scout, move |scout| {
            scout.find(&watch, &rules, extent, clock::now())
        })
        .await?;

        // What vanished is seen once, so it is recorded before anything can fail or be cut off.
        let vanished = SeenFolders {
            gone: found.gone.clone(),
            ..SeenFolders::default()
        };
        totals.absorb(self.record(config, vanished).await?);

        // Before the looks, which may take long.
        self.unseen.report(&self.outbox, &found.problems).await?;
        self.swept_projects.clone_from(&found.projects);
        Ok(found)
    }

    /// Looks whether what decides about runs that were left out has changed in the projects that
    /// the last sweep found; says whether any of their folders is to be looked at again.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) async fn mind_rules(&mut self, config: &Config) -> Result<bool, StoreError> {
        let reconsidered = self
            .rules
            .reconsider(config, self.first_seen, &self.swept_projects)
            .await?;
        let is_any = !reconsidered.is_empty();
        self.answers.reopen(&reconsidered);
        self.scout.reconsider(reconsidered);
        Ok(is_any)
    }

    /// The run folders in sessions of known projects; `None` where only a sweep tells.
    ///
    /// # Errors
    /// When the program is ending.
    pub(super) async fn find_in_sessions(
        &mut self,
        sessions: BTreeSet<PathBuf>,
    ) -> Result<Option<Vec<PathBuf>>, StoreError> {
        Ok(lend(&mut self.scout, move |scout| {
            scout.find_in_sessions(&sessions)
        })
        .await?)
    }

    /// Looks at the folders that are not settled, which may be thousands after a first sweep, and
    /// at those that were `found`; records what is over.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) async fn look_at_followed(
        &mut self,
        config: &Config,
        found: Vec<PathBuf>,
        stop: &CancellationToken,
    ) -> Result<LookTotals, StoreError> {
        self.note_ended_commands().await?;
        let mut folders = BTreeSet::from_iter(found);
        folders.extend(self.scout.followed());
        let folders = Vec::from_iter(folders);
        let mut totals = self
            .look_in_batches(config, &folders, Extent::News, stop)
            .await?;
        if stop.is_cancelled() {
            return Ok(totals);
        }

        self.record_collections(config, Extent::News).await?;
        self.answers.note_followed(&self.scout).await?;
        if self.has_news() {
            totals.look_again_at(Some(clock::now().plus(BETWEEN_LOOKS)));
        }
        totals.look_again_at(self.running_commands.look_again());
        Ok(totals)
    }

    async fn look_in_batches(
        &mut self,
        config: &Config,
        folders: &[PathBuf],
        extent: Extent,
        stop: &CancellationToken,
    ) -> Result<LookTotals, StoreError> {
        let mut totals = LookTotals::default();
        for batch in folders.chunks(BATCH) {
            if stop.is_cancelled() {
                break;
            }
            totals.absorb(self.look_at(config, batch.to_vec(), extent).await?);
        }
        Ok(totals)
    }

    /// Looks at some folders and records what is over.
    async fn look_at(
        &mut self,
        config: &Config,
        folders: Vec<PathBuf>,
        extent: Extent,
    ) -> Result<LookTotals, StoreError> {
        let rules = self.look_rules(config).await?;
        let mut seen = lend(&mut self.scout, move |scout| {
            let now = clock::now();
            let mut seen = scout.look(&folders, &rules, now);
            // A sweep finds all of them in any case.
            if extent == Extent::News {
                scout.look_beside(&rules, now, &mut seen);
            }
            seen
        })
        .await?;

        // Before anything is recorded: what makes a suite live must have ended by then.
        self.tell_running(Extent::News);

        // Commands are looked for before their runs are recorded. Should that fail, what vanished
        // is recorded all the same: it is seen once.
        let commands_noted = self.look_for_commands(config, &mut seen).await;
        let totals = self.record(config, seen).await?;
        commands_noted?;
        Ok(totals)
    }

    /// What looks at this moment depend on.
    async fn look_rules(&self, config: &Config) -> Result<LookRules, StoreError> {
        Ok(LookRules {
            abort_after: config.abort_after,
            history_begins: config.history.begin(self.first_seen),
            claimed: self.outbox.with(|store| store.open_claims()).await?,
            command_ended: self.running_commands.ended(),
        })
    }

    /// Tells which suites run; after a look at everything those that are not told do not.
    fn tell_running(&self, extent: Extent) {
        let folders = self.scout.followed_in(&[RunState::Running]);
        let over = [RunState::Finished, RunState::Crashed];
        let over = self.scout.followed_in(&over);

        self.running.send_if_modified(|told| {
            let now = RunningSuites {
                folders,
                over,
                is_whole: told.is_whole || extent == Extent::Everything,
            };
            let is_news = *told != now;
            *told = now;
            is_news
        });
    }

    /// Looks for the commands of runs that are young.
    async fn look_for_commands(
        &mut self,
        config: &Config,
        seen: &mut SeenFolders,
    ) -> Result<(), StoreError> {
        if !config.katalonc_options {
            return Ok(());
        }

        self.commands.want(&seen.new, clock::now());
        self.commands
            .look(&self.outbox, &mut self.running_commands)
            .await?;

        // A command that was not found yet is worth a look before anything else is.
        seen.totals.look_again_at(self.commands.look_again());
        Ok(())
    }

    /// Looks which commands have ended, and lets go of what waited for Katalon's own upload.
    async fn note_ended_commands(&mut self) -> Result<(), StoreError> {
        let released = self.running_commands.look().await?;
        self.let_go(released).await
    }
}
