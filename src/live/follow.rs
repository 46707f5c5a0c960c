//! Follows one suite that runs: reads its log as it grows, makes its test run, and writes what
//! ended.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::ado::{AdoClient, as_preview};
use crate::blocking::blocking;
use crate::clock::{self, Stopwatch};
use crate::config::Config;
use crate::config::project_file::ProjectFile;
use crate::discovery::claim::KnownCommands;
use crate::discovery::eligibility::{Eligibility, ran_here};
use crate::discovery::run_identity::RunIdentity;
use crate::door;
use crate::intake::{self, FinishedRun, IntakeError};
use crate::katalon::run::lifecycle::RunState;
use crate::live::requests::{LivePlan, MadeBefore, ShownPlan};
use crate::live::stop::{AFTER_FAILURE, PreviewStop, TICK};
use crate::live::{Previewer, rules};
use crate::outbox::store::{LiveFate, LiveRun};
use crate::plan::SubmissionPlan;
use crate::plan::key::{KeyParts, KeyedPlan, key};
use crate::plan::overrides::Overrides;
use crate::plan::preview;
use crate::plan::snapshot::Snapshot;
use crate::record::{commands, eligibility_of};
use crate::submit::facts::{self, WaitSoFar};
use crate::workspace::{self, GrowingLog, Location};

/// So many times as long as a look took the disk is left alone.
const LEAVE_ALONE: u32 = 20;
/// Shortest time between two requests that write for one suite.
const BETWEEN_REQUESTS: Duration = Duration::from_secs(2);
/// How often it is noted that a suite still runs.
const BETWEEN_NOTES: Duration = Duration::from_secs(60);

/// Follows the suite in a folder until it does not run any more, or is not to be shown.
pub(super) async fn follow(previewer: Previewer, folder: PathBuf) {
    let mut suite = FollowedSuite {
        previewer,
        folder,
        log: GrowingLog::default(),
        waits_for_more: false,
        looked: Duration::ZERO,
        too_many: None,
        shown: None,
    };

    while suite.previewer.is_running(&suite.folder) {
        let pause = match as_preview(suite.turn()).await {
            Ok(()) => suite.pause(),
            Err(stop) => {
                let folder = suite.folder.display();
                match &stop {
                    PreviewStop::Later(reason, pause) => {
                        tracing::debug!(%folder, reason, "a suite is not shown at this moment");
                        *pause
                    }
                    PreviewStop::NotShown(reason) => {
                        tracing::debug!(%folder, reason, "a suite is not shown while it runs");
                        return;
                    }
                }
            }
        };
        suite.rest(pause).await;
    }
}

/// A suite that is followed.
struct FollowedSuite {
    previewer: Previewer,
    folder: PathBuf,
    log: GrowingLog,
    /// Whether its log does not say enough yet.
    waits_for_more: bool,
    /// How long the last look at its files took.
    looked: Duration,
    /// How many requests were too many for the server before the first one for this suite.
    too_many: Option<u64>,
    shown: Option<ShownSuite>,
}

/// A suite that is shown.
struct ShownSuite {
    location: Location,
    /// What the project said when the run was made.
    snapshot: Snapshot,
    client: Arc<AdoClient>,
    /// How many requests were too many for the server before the first one for this suite.
    too_many: u64,
    plans: Vec<ShownPlan>,
    /// Since the last request that wrote.
    written: Option<Stopwatch>,
    /// Since it was noted that the suite runs.
    noted: Stopwatch,
}

impl FollowedSuite {
    /// How long to wait for the next turn.
    fn pause(&self) -> Duration {
        let pause = TICK.max(self.looked * LEAVE_ALONE);
        match &self.shown {
            // What waits for its turn leaves when that has come.
            Some(shown) if shown.has_news() => pause.min(shown.until_next_request()),
            _ => pause,
        }
    }

    /// Waits so long, or until the suite is over: who waits for its end waits for no pause.
    async fn rest(&self, pause: Duration) {
        let mut running = self.previewer.running.clone();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            Ok(_) = running.wait_for(|now| !now.folders.contains(&self.folder)) => {}
        }
    }

    async fn turn(&mut self) -> Result<(), PreviewStop> {
        let folder = self.folder.clone();
        let taken = Stopwatch::start();
        let has_grown = self
            .on_disk(move |log| workspace::has_grown(&folder, log))
            .await?;
        self.looked = taken.elapsed();

        if self.shown.is_none() {
            if self.waits_for_more && !has_grown {
                return Ok(());
            }
            self.shown = self.begin().await?;
            self.waits_for_more = self.shown.is_none();
            if self.shown.is_none() {
                return Ok(());
            }
        }
        if has_grown {
            self.read_on().await?;
        }

        let Some(shown) = &mut self.shown else {
            return Ok(());
        };
        shown.note(&self.previewer).await?;
        shown.write_news(&self.previewer, &self.folder).await
    }

    /// Makes the test runs of a suite; `None` while its files do not say enough.
    async fn begin(&mut self) -> Result<Option<ShownSuite>, PreviewStop> {
        let config = Arc::clone(&self.previewer.config.borrow());
        let folder = self.folder.clone();
        let of_project = Arc::clone(&config);
        let (location, overrides) = self
            .on_disk(move |_| {
                let location = Location::of(&folder);
                let overrides = overrides_of(&location, &of_project);
                (location, overrides)
            })
            .await?;
        let commands = commands::look_up(&self.previewer.outbox, &location).await?;
        let off = || PreviewStop::NotShown("`submit.live` is off".to_owned());
        // Most are not wanted: nothing of them is read.
        let is_wanted = overrides.live == Some(true);
        if !is_wanted && !commands.claims.iter().any(|claim| claim.terms.live) {
            return Err(off());
        }

        let run = self.read(&location, &config, commands).await?;
        if !is_wanted && self.log.names_host() && !run.terms.live {
            return Err(off());
        }
        if !self.log.names_host() || run.snapshot.run.tests.is_empty() {
            return Ok(None);
        }
        if let Some(why) = rules::why_not(&run.terms, &overrides) {
            return Err(PreviewStop::NotShown(why.to_string()));
        }
        if let Some(into) = run.snapshot.options.into {
            let why = format!("its results go into test run {}, which is there", into.run);
            return Err(PreviewStop::NotShown(why));
        }
        self.is_to_be_submitted(&config, &run).await?;

        let client = self.connect(&config, &run).await?;
        // What was refused when this was tried before counts as well.
        let before = client.refused_as_too_many();
        let mut shown = ShownSuite {
            location,
            too_many: *self.too_many.get_or_insert(before),
            client,
            plans: Vec::new(),
            snapshot: run.snapshot,
            written: None,
            noted: Stopwatch::start(),
        };
        shown.settle_plans(&self.previewer).await?;
        shown.open_all(&self.previewer, &self.folder).await?;
        Ok(Some(shown))
    }

    /// Reads the run as far as it is, with its project.
    async fn read(
        &mut self,
        location: &Location,
        config: &Arc<Config>,
        commands: KnownCommands,
    ) -> Result<FinishedRun, PreviewStop> {
        let location = location.clone();
        let config = Arc::clone(config);
        let read = self
            .on_disk(move |log| intake::read_running(&location, log, &config, &commands))
            .await?;
        read.map_err(PreviewStop::from)
    }

    /// # Errors
    /// When the service would not submit the run if it ended now.
    async fn is_to_be_submitted(
        &self,
        config: &Config,
        run: &FinishedRun,
    ) -> Result<(), PreviewStop> {
        // Whoever runs the suite shows it, whatever `runs_from` says.
        let folder = run.snapshot.folder.replace('\\', "/");
        if !run.terms.claimed && !ran_here(&run.snapshot.run, &folder, &clock::host_name()) {
            return Err(PreviewStop::NotShown("it runs on another host".to_owned()));
        }

        let now = clock::now();
        let outbox = &self.previewer.outbox;
        let first_seen = outbox.with(move |store| store.first_seen(now)).await?;
        match eligibility_of(config, run, RunState::Finished, first_seen) {
            Eligibility::Submit => Ok(()),
            Eligibility::Ignore(reason) => Err(PreviewStop::NotShown(reason)),
            Eligibility::Remember => Err(PreviewStop::NotShown("it is older".to_owned())),
        }
    }

    async fn connect(
        &self,
        config: &Arc<Config>,
        run: &FinishedRun,
    ) -> Result<Arc<AdoClient>, PreviewStop> {
        let connections = Arc::clone(&self.previewer.connections);
        if let Some((server, token)) = &run.token {
            let root = Path::new(&run.snapshot.project_root);
            connections.seen_tokens().note(root, server, token);
        }

        let config = Arc::clone(config);
        let snapshot = run.snapshot.clone();
        let client = blocking(move || connections.for_run(&config, &snapshot)).await?;
        Ok(client?)
    }

    /// Reads what is new in the log, and says what each plan is to show of it.
    async fn read_on(&mut self) -> Result<(), PreviewStop> {
        let Some(shown) = &self.shown else {
            return Ok(());
        };
        let location = shown.location.clone();
        let taken = Stopwatch::start();
        let run = self
            .on_disk(move |log| workspace::read_running(&location, log))
            .await?
            .map_err(IntakeError::Read)?;
        self.looked = taken.elapsed();

        let Some(shown) = &mut self.shown else {
            return Ok(());
        };
        // The folder may be used again (`-reportFolder`): that is another run.
        if RunIdentity::of(&run).is_none_or(|run| !shown.is_of(&run)) {
            self.shown = None;
            self.waits_for_more = false;
            return Ok(());
        }
        shown.snapshot.run = run;
        for shown_plan in &mut shown.plans {
            let LivePlan {
                plan_id,
                key,
                facts,
                ..
            } = &shown_plan.plan;
            shown_plan.wanted = preview::so_far(&shown.snapshot, *plan_id, key, facts);
        }
        Ok(())
    }

    /// Does work on files on a thread that is left behind where a file system does not answer.
    async fn on_disk<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut GrowingLog) -> T + Send + 'static,
    ) -> Result<T, PreviewStop> {
        let mut log = std::mem::take(&mut self.log);
        let answered = blocking(move || {
            door::answered(move || {
                let done = work(&mut log);
                (log, done)
            })
        })
        .await?;

        let (log, done) =
            answered.map_err(|silent| PreviewStop::Later(silent.to_string(), AFTER_FAILURE))?;
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

impl ShownSuite {
    fn is_of(&self, run: &RunIdentity) -> bool {
        self.snapshot
            .identity()
            .is_some_and(|shown| shown.is_same_run(run))
    }

    fn has_news(&self) -> bool {
        self.plans.iter().any(ShownPlan::has_news)
    }

    fn until_next_request(&self) -> Duration {
        match self.written {
            Some(written) => BETWEEN_REQUESTS.saturating_sub(written.elapsed()),
            None => Duration::ZERO,
        }
    }

    /// Asks which test plans are meant, where the settings describe them.
    async fn settle_plans(&mut self, previewer: &Previewer) -> Result<(), PreviewStop> {
        if !self.snapshot.options.has_open_plans() {
            return Ok(());
        }
        self.may_ask(previewer).await?;
        let snapshot = &mut self.snapshot;
        let project = snapshot.options.project.clone().unwrap_or_default();
        let plans = self.client.known_plans(&project).await?;

        let mut settled = Vec::new();
        for choice in &snapshot.options.plans {
            if let Ok(plan) = choice.among(&plans, &project, snapshot.started()) {
                settled.push((choice.clone(), plan));
            }
        }
        snapshot.options.settle_plans(&settled);
        Ok(())
    }

    /// Finds or makes the test run for each test plan.
    async fn open_all(&mut self, previewer: &Previewer, folder: &Path) -> Result<(), PreviewStop> {
        let Some(project) = self.snapshot.options.project.clone() else {
            return Err(PreviewStop::NotShown("no project is set".to_owned()));
        };
        for plan_id in self.snapshot.options.plan_ids() {
            self.may_ask(previewer).await?;
            let waited = WaitSoFar {
                attempts: 0,
                since: clock::now(),
            };
            let options = &self.snapshot.options;
            let read = facts::read(&self.client, &project, plan_id, options, waited);
            let plan = LivePlan {
                client: Arc::clone(&self.client),
                project: project.clone(),
                plan_id,
                key: self.key(&project, plan_id)?,
                facts: read.await?,
                started: self.snapshot.started(),
            };

            let outline = preview::outline(&self.snapshot, plan_id, &plan.key, &plan.facts);
            if !outline.results.is_empty() {
                let ado_run = self.open(&plan, &outline, previewer, folder).await?;
                let mut shown = plan.show(ado_run).await?;
                let LivePlan { key, facts, .. } = &shown.plan;
                shown.wanted = preview::so_far(&self.snapshot, plan_id, key, facts);
                self.plans.push(shown);
            }
        }

        if self.plans.is_empty() {
            return Err(PreviewStop::NotShown("no test has a point".to_owned()));
        }
        Ok(())
    }

    fn key(&self, project: &str, plan_id: u32) -> Result<String, PreviewStop> {
        let Some(run) = self.snapshot.identity() else {
            return Err(PreviewStop::NotShown(
                "nobody knows which run it is".to_owned(),
            ));
        };
        Ok(key(&KeyParts {
            run: &run,
            twin: 0,
            server: self.client.server().identity(),
            project,
            plan: KeyedPlan::Id(plan_id),
            again: 0,
        }))
    }

    /// The test run for a plan: the one that this kado made before, or a new one.
    async fn open(
        &self,
        plan: &LivePlan,
        outline: &SubmissionPlan,
        previewer: &Previewer,
        folder: &Path,
    ) -> Result<u32, PreviewStop> {
        let outbox = &previewer.outbox;
        let asked = plan.key.clone();
        let identity = self.snapshot.identity();
        let (noted, fate) = outbox
            .with(move |store| {
                let fate = match identity {
                    Some(run) => store.fate_of_live(&asked, &run)?,
                    None => LiveFate::NotSubmitted,
                };
                Ok((store.live_run(&asked)?, fate))
            })
            .await?;
        if fate != LiveFate::Running {
            return Err(PreviewStop::NotShown("its run is recorded".to_owned()));
        }
        let made_before = match noted {
            Some(LiveRun {
                ado_run_id: Some(ado_run),
                ..
            }) => return Ok(ado_run),
            Some(_) => MadeBefore::Perhaps,
            None => MadeBefore::No,
        };

        // From here on its submission waits, and none begins that was not there.
        let _under_way = outbox.begin_preview(&plan.key);
        if !previewer.is_running(folder) {
            return Err(PreviewStop::NotShown("it has ended".to_owned()));
        }
        match (plan.find(made_before).await?.with_key, made_before) {
            (Some(_), MadeBefore::No) => {
                return Err(PreviewStop::NotShown(
                    "another kado made its test run".to_owned(),
                ));
            }
            (Some(run), MadeBefore::Perhaps) => return self.confirm(plan, run.id, previewer).await,
            (None, _) => {}
        }

        self.intend(plan, previewer).await?;
        let made = plan.create(outline).await?;
        match plan.find(MadeBefore::No).await?.with_key {
            Some(first) if first.id < made.id => {
                let comment = format!("Ended: test run {} is the one of this suite run.", first.id);
                plan.end(made.id, &comment).await?;
                let key = plan.key.clone();
                outbox.with(move |store| store.forget_live(&key)).await?;
                Err(PreviewStop::NotShown(
                    "another kado made its test run".to_owned(),
                ))
            }
            _ => self.confirm(plan, made.id, previewer).await,
        }
    }

    /// Notes a run that is about to be made.
    async fn intend(&self, plan: &LivePlan, previewer: &Previewer) -> Result<(), PreviewStop> {
        let mut snapshot = self.snapshot.clone();
        snapshot.run.tests.clear();
        snapshot.cases = BTreeMap::new();
        let live = LiveRun {
            key: plan.key.clone(),
            plan_id: plan.plan_id,
            ado_run_id: None,
            seen: clock::now(),
            snapshot,
        };
        let intended = previewer.outbox.with(move |store| store.intend_live(&live));
        Ok(intended.await?)
    }

    async fn confirm(
        &self,
        plan: &LivePlan,
        ado_run: u32,
        previewer: &Previewer,
    ) -> Result<u32, PreviewStop> {
        let key = plan.key.clone();
        let confirmed = previewer
            .outbox
            .with(move |store| store.confirm_live(&key, ado_run));
        confirmed.await?;

        tracing::info!(
            ado_run,
            suite = self.snapshot.run.suite,
            "a suite is shown while it runs"
        );
        Ok(ado_run)
    }

    /// Notes from time to time that the suite still runs.
    async fn note(&mut self, previewer: &Previewer) -> Result<(), PreviewStop> {
        if self.noted.elapsed() < BETWEEN_NOTES {
            return Ok(());
        }
        for shown in &self.plans {
            let key = shown.plan.key.clone();
            let now = clock::now();
            previewer
                .outbox
                .with(move |store| store.saw_live(&key, now))
                .await?;
        }
        self.noted = Stopwatch::start();
        Ok(())
    }

    /// Writes what is new of one plan, if it is time.
    async fn write_news(
        &mut self,
        previewer: &Previewer,
        folder: &Path,
    ) -> Result<(), PreviewStop> {
        if !self.has_news() || !self.until_next_request().is_zero() {
            return Ok(());
        }
        self.may_ask(previewer).await?;

        let Some(shown) = self.plans.iter_mut().find(|plan| plan.has_news()) else {
            return Ok(());
        };
        // In this order: the submission begins after the suite was seen to be over, and waits for
        // what is under way.
        let _under_way = previewer.outbox.begin_preview(&shown.plan.key);
        if !previewer.is_running(folder) {
            return Ok(());
        }
        self.written = Some(Stopwatch::start());
        Ok(shown.write().await?)
    }

    /// # Errors
    /// When others have the right of way.
    async fn may_ask(&self, previewer: &Previewer) -> Result<(), PreviewStop> {
        if self.client.refused_as_too_many() > self.too_many {
            let reason = "the server said that there are too many requests".to_owned();
            return Err(PreviewStop::NotShown(reason));
        }
        if self.client.is_paused() {
            let reason = "the server asked for a pause".to_owned();
            return Err(PreviewStop::Later(reason, TICK));
        }

        let now = clock::now();
        let due = previewer
            .outbox
            .with(move |store| store.due(now, None))
            .await?;
        let server = self.client.server().identity().to_string();
        if due
            .iter()
            .any(|submission| submission.goes_to.server == server)
        {
            let reason = "what is due goes first".to_owned();
            return Err(PreviewStop::Later(reason, TICK));
        }
        Ok(())
    }
}
