//! The task of one suite that runs: reads its log as it grows, and has written what ended.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::ado::{AdoClient, as_live};
use crate::blocking::blocking;
use crate::clock::{self, Stopwatch};
use crate::config::Config;
use crate::config::project_file::ProjectFile;
use crate::discovery::command_of_run::KnownCommands;
use crate::discovery::eligibility::{Eligibility, ran_here};
use crate::discovery::run_identity::RunIdentity;
use crate::door;
use crate::intake::{self, FinishedRun, IntakeError};
use crate::katalon::run::lifecycle::RunState;
use crate::live::requests::LiveTarget;
use crate::live::runs::LiveRuns;
use crate::live::stop::{AFTER_FAILURE, LiveStop, TICK};
use crate::live::{LiveWriter, rules};
use crate::plan::overrides::Overrides;
use crate::plan::preview;
use crate::record::{commands, eligibility_of};
use crate::workspace::{self, GrowingLog, Location};

/// So many times as long as a look took the disk is left alone.
const LEAVE_ALONE: u32 = 20;

/// Keeps the suite in a folder live until it does not run any more, or is not to be live.
pub(super) async fn run(writer: LiveWriter, folder: PathBuf) {
    let mut suite = SuiteTask {
        writer,
        folder,
        log: GrowingLog::default(),
        waits_for_more: false,
        looks: LookTimes::default(),
        reads: LookTimes::default(),
        looked: Duration::ZERO,
        too_many: None,
        live: None,
    };

    while suite.writer.is_running(&suite.folder) {
        let turn = as_live(suite.turn()).await;
        let folder = suite.folder.display();
        let pause = match turn {
            Ok(()) => suite.pause(),
            Err(LiveStop::Later(reason, pause)) => {
                tracing::debug!(%folder, reason, "a suite is not shown at this moment");
                pause
            }
            Err(stop @ LiveStop::Off) => {
                tracing::debug!(%folder, %stop, "a suite is not shown while it runs");
                return;
            }
            Err(LiveStop::ForGood(reason)) => {
                tracing::info!(%folder, reason, "a suite is not shown while it runs");
                suite.remark(&reason).await;
                return;
            }
        };
        suite.rest(pause).await;
    }
}

/// How long the last two looks of a kind took.
#[derive(Clone, Copy, Default)]
struct LookTimes {
    last: Duration,
    before: Duration,
}

impl LookTimes {
    fn took(&mut self, time: Duration) {
        self.before = self.last;
        self.last = time;
    }

    /// A single one that takes long says nothing of the disk: the machine was busy for a moment,
    /// and results would be late by many times that.
    fn usual(self) -> Duration {
        self.last.min(self.before)
    }
}

/// A suite that runs.
struct SuiteTask {
    writer: LiveWriter,
    folder: PathBuf,
    log: GrowingLog,
    /// Whether its log does not say enough yet.
    waits_for_more: bool,
    /// How long looks at its files take.
    looks: LookTimes,
    /// How long it takes to read what is new.
    reads: LookTimes,
    /// How long what was done last usually takes.
    looked: Duration,
    /// How many requests were too many for the server before the first one for this suite.
    too_many: Option<u64>,
    /// Its live runs, once they are made.
    live: Option<LiveRuns>,
}

impl SuiteTask {
    /// How long to wait for the next turn.
    fn pause(&self) -> Duration {
        let pause = TICK.max(self.looked * LEAVE_ALONE);
        match &self.live {
            // What waits for its turn leaves when that has come.
            Some(live) if live.has_news() => pause.min(live.until_next_request()),
            _ => pause,
        }
    }

    /// Waits so long, or until the suite is over: who waits for its end waits for no pause.
    async fn rest(&self, pause: Duration) {
        let mut running = self.writer.running.clone();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            Ok(_) = running.wait_for(|now| !now.folders.contains(&self.folder)) => {}
        }
    }

    /// Notes of the live runs of a suite why nothing more is written into them.
    async fn remark(&self, reason: &str) {
        let Some(live) = &self.live else {
            return;
        };

        for run in &live.runs {
            let key = run.target.key.clone();
            let remark = format!("nothing more is shown of it: {reason}");
            let noted = self
                .writer
                .outbox
                .with(move |store| store.remark_on_live(&key, Some(&remark)));

            // The log has it in any case.
            if let Err(error) = noted.await {
                tracing::debug!(%error, "why a suite is not shown any more cannot be noted");
            }
        }
    }

    async fn turn(&mut self) -> Result<(), LiveStop> {
        let folder = self.folder.clone();
        let taken = Stopwatch::start();
        let has_grown = self
            .on_disk(move |log| workspace::has_grown(&folder, log))
            .await?;
        self.looks.took(taken.elapsed());
        self.looked = self.looks.usual();

        if self.live.is_none() {
            if self.waits_for_more && !has_grown {
                return Ok(());
            }
            // Should this fail, it is tried again whether the log grows or not.
            self.waits_for_more = false;
            self.live = self.begin().await?;
            self.waits_for_more = self.live.is_none();
            if self.live.is_none() {
                return Ok(());
            }
        }

        if has_grown {
            self.read_on().await?;
        }
        let Some(live) = &mut self.live else {
            return Ok(());
        };
        live.note(&self.writer).await?;
        live.write_news(&self.writer, &self.folder).await
    }

    /// Makes the live runs of a suite; `None` while its files do not say enough.
    async fn begin(&mut self) -> Result<Option<LiveRuns>, LiveStop> {
        let config = Arc::clone(&self.writer.config.borrow());
        let folder = self.folder.clone();
        let of_project = Arc::clone(&config);
        let (location, overrides) = self
            .on_disk(move |_| {
                let location = Location::of(&folder);
                let overrides = overrides_of(&location, &of_project);
                (location, overrides)
            })
            .await?;
        let commands = commands::look_up(&self.writer.outbox, &location).await?;

        // Most are not wanted: nothing of them is read.
        let is_wanted = overrides.live == Some(true);
        if !is_wanted && !commands.claims.iter().any(|claim| claim.terms.live) {
            return Err(LiveStop::Off);
        }

        let run = self.read(&location, &config, commands).await?;
        if !is_wanted && self.log.names_host() && !run.terms.live {
            return Err(LiveStop::Off);
        }
        if !self.log.names_host() || run.snapshot.run.tests.is_empty() {
            return Ok(None);
        }

        if let Some(why) = rules::why_not(&run.terms, &overrides) {
            return Err(LiveStop::ForGood(why.to_string()));
        }
        if let Some(into) = run.snapshot.options.into {
            let why = format!("its results go into test run {}, which is there", into.run);
            return Err(LiveStop::ForGood(why));
        }
        let Some(identity) = run.snapshot.identity() else {
            return Err(LiveStop::ForGood("nobody knows which run it is".to_owned()));
        };
        self.refuse_unsubmitted(&config, &run).await?;

        // What was refused when this was tried before counts as well.
        let client = self.connect(&config, &run).await?;
        let before = client.refused_as_too_many();
        let mut live = LiveRuns {
            location,
            too_many: *self.too_many.get_or_insert(before),
            client,
            runs: Vec::new(),
            identity,
            snapshot: run.snapshot,
            written: None,
            noted: Stopwatch::start(),
        };

        live.settle_plans(&self.writer).await?;
        live.open_all(&self.writer, &self.folder).await?;
        Ok(Some(live))
    }

    /// Reads the run as far as it is, with its project.
    async fn read(
        &mut self,
        location: &Location,
        config: &Arc<Config>,
        commands: KnownCommands,
    ) -> Result<FinishedRun, LiveStop> {
        let location = location.clone();
        let config = Arc::clone(config);
        let read = self
            .on_disk(move |log| intake::read_running(&location, log, &config, &commands))
            .await?;
        read.map_err(LiveStop::from)
    }

    /// # Errors
    /// When the service would not submit the run if it ended now.
    async fn refuse_unsubmitted(&self, config: &Config, run: &FinishedRun) -> Result<(), LiveStop> {
        // It is live where it runs, whatever `runs_from` says.
        let folder = run.snapshot.folder.replace('\\', "/");
        if !run.terms.claimed && !ran_here(&run.snapshot.run, &folder, &clock::host_name()) {
            return Err(LiveStop::ForGood("it runs on another host".to_owned()));
        }

        let now = clock::now();
        let outbox = &self.writer.outbox;
        let first_seen = outbox.with(move |store| store.first_seen(now)).await?;
        match eligibility_of(config, run, RunState::Finished, first_seen) {
            Eligibility::Submit => Ok(()),
            Eligibility::Ignore(reason) => Err(LiveStop::ForGood(reason)),
            Eligibility::Remember => Err(LiveStop::ForGood("it is older".to_owned())),
        }
    }

    async fn connect(
        &self,
        config: &Arc<Config>,
        run: &FinishedRun,
    ) -> Result<Arc<AdoClient>, LiveStop> {
        let connections = Arc::clone(&self.writer.connections);
        if let Some((server, token)) = &run.token {
            let root = Path::new(&run.snapshot.project_root);
            connections.seen_tokens().note(root, server, token);
        }

        let config = Arc::clone(config);
        let snapshot = run.snapshot.clone();
        let client = blocking(move || connections.for_run(&config, &snapshot)).await?;
        Ok(client?)
    }

    /// Reads what is new in the log, and says what each live run is to show of it.
    async fn read_on(&mut self) -> Result<(), LiveStop> {
        let Some(live) = &self.live else {
            return Ok(());
        };
        let location = live.location.clone();
        let taken = Stopwatch::start();
        let run = self
            .on_disk(move |log| workspace::read_running(&location, log))
            .await?
            .map_err(IntakeError::Read)?;
        self.reads.took(taken.elapsed());
        self.looked = self.reads.usual();

        let Some(live) = &mut self.live else {
            return Ok(());
        };
        // The folder may be used again (`-reportFolder`): that is another run.
        let read = RunIdentity::of(&run);
        let Some(identity) = read.filter(|read| live.identity.is_same_run(read)) else {
            self.live = None;
            self.waits_for_more = false;
            return Ok(());
        };

        live.identity = identity;
        live.snapshot.run = run;
        for run in &mut live.runs {
            let LiveTarget { plan_id, key, .. } = &run.target;
            run.wanted = preview::so_far(&live.snapshot, *plan_id, key, &run.facts);
        }
        Ok(())
    }

    /// Does work on files on a thread that is left behind where a file system does not answer.
    async fn on_disk<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut GrowingLog) -> T + Send + 'static,
    ) -> Result<T, LiveStop> {
        let mut log = std::mem::take(&mut self.log);
        let answered = blocking(move || {
            door::answered(move || {
                let done = work(&mut log);
                (log, done)
            })
        })
        .await?;

        let (log, done) =
            answered.map_err(|silent| LiveStop::Later(silent.to_string(), AFTER_FAILURE))?;
        self.log = log;
        Ok(done)
    }
}

/// What `kado.toml` says of the project of a run folder.
fn overrides_of(location: &Location, config: &Config) -> Overrides {
    match &location.root {
        Some(root) => config.overrides_over(root, &ProjectFile::of(root, config)),
        None => Overrides::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_slow_when_it_was_twice_in_a_row() {
        let mut looks = LookTimes::default();
        let mut usual = Vec::new();
        for millis in [1000, 1, 1000, 900, 2] {
            looks.took(Duration::from_millis(millis));
            usual.push(looks.usual().as_millis());
        }

        assert_eq!(usual, [0, 1, 1, 900, 2]);
    }
}
