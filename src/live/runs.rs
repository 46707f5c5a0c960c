//! The live runs of one suite: finds or makes them, and writes into them what ended.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::ado::AdoClient;
use crate::ado::wire::TestRun;
use crate::clock::{self, Stopwatch};
use crate::discovery::run_identity::RunIdentity;
use crate::live::LiveWriter;
use crate::live::requests::{LiveTarget, OpenLiveRun, PATIENCE};
use crate::live::stop::{LiveStop, TICK};
use crate::outbox::store::{LiveFate, LiveRun};
use crate::plan::SubmissionPlan;
use crate::plan::comment::ended_in_favour_of;
use crate::plan::key::{KeyParts, KeyedPlan, key};
use crate::plan::preview;
use crate::plan::snapshot::Snapshot;
use crate::submit::Earlier;
use crate::submit::creation::points_of;
use crate::submit::facts::{self, WaitSoFar};
use crate::workspace::Location;

/// Shortest time between two requests that write for one suite.
const BETWEEN_REQUESTS: Duration = Duration::from_secs(2);
/// How often it is noted that a suite still runs.
const BETWEEN_NOTES: Duration = Duration::from_secs(60);

/// The live runs of a suite, one for each test plan.
pub(super) struct LiveRuns {
    pub location: Location,
    /// Which run it is; its uuid may come later than the rest.
    pub identity: RunIdentity,
    /// The suite as far as it is read, with what the project said when the runs were made.
    pub snapshot: Snapshot,
    pub client: Arc<AdoClient>,
    /// How many requests were too many for the server before the first one for this suite.
    pub too_many: u64,
    pub runs: Vec<OpenLiveRun>,
    /// Since the last request that wrote.
    pub written: Option<Stopwatch>,
    /// Since it was noted that the suite runs.
    pub noted: Stopwatch,
}

impl LiveRuns {
    pub(super) fn has_news(&self) -> bool {
        self.runs.iter().any(OpenLiveRun::has_news)
    }

    pub(super) fn until_next_request(&self) -> Duration {
        match self.written {
            Some(written) => BETWEEN_REQUESTS.saturating_sub(written.elapsed()),
            None => Duration::ZERO,
        }
    }

    /// Asks which test plans are meant, where the settings describe them.
    pub(super) async fn settle_plans(&mut self, writer: &LiveWriter) -> Result<(), LiveStop> {
        if !self.snapshot.options.has_open_plans() {
            return Ok(());
        }
        self.refuse_out_of_turn(writer).await?;

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

    /// Finds or makes the live run for each test plan.
    pub(super) async fn open_all(
        &mut self,
        writer: &LiveWriter,
        folder: &Path,
    ) -> Result<(), LiveStop> {
        let Some(project) = self.snapshot.options.project.clone() else {
            return Err(LiveStop::ForGood("no project is set".to_owned()));
        };

        for plan_id in self.snapshot.options.plan_ids() {
            self.refuse_out_of_turn(writer).await?;
            let run = self.open(&project, plan_id, writer, folder).await?;
            self.runs.extend(run);
        }

        if self.runs.is_empty() {
            return Err(LiveStop::ForGood("no test has a point".to_owned()));
        }
        Ok(())
    }

    /// Finds or makes the live run for a test plan; `None` where no test has a point in it.
    async fn open(
        &self,
        project: &str,
        plan_id: u32,
        writer: &LiveWriter,
        folder: &Path,
    ) -> Result<Option<OpenLiveRun>, LiveStop> {
        let waited = WaitSoFar {
            attempts: 0,
            since: clock::now(),
        };
        let options = &self.snapshot.options;
        let facts = facts::read(&self.client, project, plan_id, options, waited).await?;

        let target = LiveTarget {
            client: Arc::clone(&self.client),
            project: project.to_owned(),
            plan_id,
            key: self.key(project, plan_id),
            started: self.snapshot.started(),
        };
        let outline = preview::outline(&self.snapshot, plan_id, &target.key, &facts);
        if outline.results.is_empty() {
            return Ok(None);
        }

        let ado_run = self.find_or_make(&target, &outline, writer, folder).await?;
        remark_on_points(&target, &outline, writer).await?;

        let mut run = target.open(ado_run, facts).await?;
        run.wanted = preview::so_far(&self.snapshot, plan_id, &run.target.key, &run.facts);
        Ok(Some(run))
    }

    fn key(&self, project: &str, plan_id: u32) -> String {
        key(&KeyParts {
            run: &self.identity,
            twin: 0,
            server: self.client.server().identity(),
            project,
            plan: KeyedPlan::Id(plan_id),
            again: 0,
        })
    }

    /// The live run for a plan: the one that this kado made before, or a new one.
    async fn find_or_make(
        &self,
        target: &LiveTarget,
        outline: &SubmissionPlan,
        writer: &LiveWriter,
        folder: &Path,
    ) -> Result<u32, LiveStop> {
        let earlier = match self.noted(target, writer).await? {
            Some(LiveRun {
                ado_run_id: Some(ado_run),
                ..
            }) => return Ok(ado_run),
            Some(_) => Earlier::Perhaps,
            None => Earlier::Never,
        };

        // From here on its submission waits, and none begins that was not there.
        let _under_way = writer.outbox.begin_live_request(&target.key);
        if !writer.is_running(folder) {
            return Err(LiveStop::ForGood("it has ended".to_owned()));
        }

        match (target.find(earlier).await?.with_key, earlier) {
            (Some(_), Earlier::Never) => Err(made_by_another()),
            (Some(run), Earlier::Perhaps) => self.confirm(target, &run, writer).await,
            (None, _) => self.make(target, outline, writer).await,
        }
    }

    /// What the outbox noted of a live run, if it did.
    ///
    /// # Errors
    /// When the suite run is recorded by now.
    async fn noted(
        &self,
        target: &LiveTarget,
        writer: &LiveWriter,
    ) -> Result<Option<LiveRun>, LiveStop> {
        let key = target.key.clone();
        let identity = self.identity.clone();
        let root = self.snapshot.root();
        let (noted, fate) = writer
            .outbox
            .with(move |store| {
                let fate = store.fate_of_live(&key, &identity, &root)?;
                Ok((store.live_run(&key)?, fate))
            })
            .await?;

        match fate {
            LiveFate::Running => Ok(noted),
            LiveFate::Awaited | LiveFate::Submitted(_) | LiveFate::NotSubmitted => Err(recorded()),
        }
    }

    /// Makes a live run. Where another kado did so at the same moment, the first one counts.
    async fn make(
        &self,
        target: &LiveTarget,
        outline: &SubmissionPlan,
        writer: &LiveWriter,
    ) -> Result<u32, LiveStop> {
        self.intend(target, writer).await?;
        let made = target.create(outline).await?;

        match target.find(Earlier::Never).await?.with_key {
            Some(first) if first.id < made.id => {
                let comment = format!("{}.", ended_in_favour_of(first.id));
                target.end(made.id, &comment).await?;

                let key = target.key.clone();
                writer
                    .outbox
                    .with(move |store| store.forget_live(&key))
                    .await?;
                Err(made_by_another())
            }
            _ => self.confirm(target, &made, writer).await,
        }
    }

    /// Notes a live run that is about to be made.
    async fn intend(&self, target: &LiveTarget, writer: &LiveWriter) -> Result<(), LiveStop> {
        let mut snapshot = self.snapshot.clone();
        snapshot.run.tests.clear();
        snapshot.cases = BTreeMap::new();
        let live = LiveRun {
            key: target.key.clone(),
            plan_id: target.plan_id,
            ado_run_id: None,
            url: None,
            remark: None,
            seen: clock::now(),
            snapshot,
        };

        let intended = writer.outbox.with(move |store| store.intend_live(&live));
        Ok(intended.await?)
    }

    async fn confirm(
        &self,
        target: &LiveTarget,
        run: &TestRun,
        writer: &LiveWriter,
    ) -> Result<u32, LiveStop> {
        let ado_run = run.id;
        let key = target.key.clone();
        let url = run.page(self.client.server(), &target.project);
        let confirmed = writer
            .outbox
            .with(move |store| store.confirm_live(&key, ado_run, &url));
        confirmed.await?;

        tracing::info!(
            ado_run,
            suite = self.snapshot.run.suite,
            "a suite is shown while it runs"
        );
        Ok(ado_run)
    }

    /// Notes from time to time that the suite still runs.
    pub(super) async fn note(&mut self, writer: &LiveWriter) -> Result<(), LiveStop> {
        if self.noted.elapsed() < BETWEEN_NOTES {
            return Ok(());
        }
        for run in &self.runs {
            let key = run.target.key.clone();
            let now = clock::now();
            writer
                .outbox
                .with(move |store| store.saw_live(&key, now))
                .await?;
        }
        self.noted = Stopwatch::start();
        Ok(())
    }

    /// Writes what is new of one live run, if it is time.
    pub(super) async fn write_news(
        &mut self,
        writer: &LiveWriter,
        folder: &Path,
    ) -> Result<(), LiveStop> {
        if !self.has_news() || !self.until_next_request().is_zero() {
            return Ok(());
        }
        self.refuse_out_of_turn(writer).await?;

        let Some(run) = self.runs.iter_mut().find(|run| run.has_news()) else {
            return Ok(());
        };
        // In this order: the submission begins after the suite was seen to be over, and waits for
        // what is under way.
        let _under_way = writer.outbox.begin_live_request(&run.target.key);
        if !writer.is_running(folder) {
            return Ok(());
        }
        self.written = Some(Stopwatch::start());
        write(run, self.identity.clone(), self.snapshot.root(), writer).await
    }

    /// # Errors
    /// When others have the right of way.
    async fn refuse_out_of_turn(&self, writer: &LiveWriter) -> Result<(), LiveStop> {
        if self.client.refused_as_too_many() > self.too_many {
            let reason = "the server said that there are too many requests".to_owned();
            return Err(LiveStop::ForGood(reason));
        }
        if self.client.is_paused() {
            let reason = "the server asked for a pause".to_owned();
            return Err(LiveStop::Later(reason, TICK));
        }

        let now = clock::now();
        let due = writer
            .outbox
            .with(move |store| store.due(now, None))
            .await?;
        let server = self.client.server().identity().to_string();
        if due
            .iter()
            .any(|submission| submission.goes_to.server == server)
        {
            let reason = "what is due goes first".to_owned();
            return Err(LiveStop::Later(reason, TICK));
        }
        Ok(())
    }
}

/// Writes what is new of one live run, unless the suite run is recorded by now: its submission,
/// which another process may send, waits for a request that is under way, and for none that comes
/// later.
async fn write(
    run: &mut OpenLiveRun,
    identity: RunIdentity,
    root: String,
    writer: &LiveWriter,
) -> Result<(), LiveStop> {
    let outbox = &writer.outbox;
    let now = clock::now();
    let until = now.plus(PATIENCE);
    let key = run.target.key.clone();

    let asked = outbox.with(move |store| {
        // In this order: whoever records the run looks for this note afterwards.
        if !store.ask_for_live(&key, now, until)? {
            return Ok(None);
        }
        store.fate_of_live(&key, &identity, &root).map(Some)
    });
    let written = match asked.await? {
        None => {
            let reason = "another kado writes at this moment".to_owned();
            return Err(LiveStop::Later(reason, TICK));
        }
        Some(LiveFate::Running) => run.write().await.map_err(LiveStop::from),
        Some(LiveFate::Awaited | LiveFate::Submitted(_) | LiveFate::NotSubmitted) => {
            Err(recorded())
        }
    };

    let key = run.target.key.clone();
    let answered = outbox
        .with(move |store| store.live_answered(&key, until))
        .await;

    // What became of the request counts more: the note ends by itself.
    written?;
    Ok(answered?)
}

fn recorded() -> LiveStop {
    LiveStop::ForGood("its run is recorded".to_owned())
}

fn made_by_another() -> LiveStop {
    LiveStop::ForGood("another kado made its test run".to_owned())
}

/// Notes how much of the suite its live run shows: it has as many points as a request takes.
async fn remark_on_points(
    target: &LiveTarget,
    outline: &SubmissionPlan,
    writer: &LiveWriter,
) -> Result<(), LiveStop> {
    let shown = points_of(outline).len();
    let all = outline.results.len();
    let remark = (shown < all)
        .then(|| format!("until it is over the first {shown} of its {all} test points are shown"));
    if let Some(remark) = &remark {
        tracing::info!(suite = outline.name, remark, "a suite is shown in part");
    }

    let key = target.key.clone();
    writer
        .outbox
        .with(move |store| store.remark_on_live(&key, remark.as_deref()))
        .await?;
    Ok(())
}
