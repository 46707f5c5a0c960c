//! A suite that is shown: finds or makes its test runs, and writes into them what ended.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::ado::AdoClient;
use crate::ado::wire::TestRun;
use crate::clock::{self, Stopwatch};
use crate::discovery::run_identity::RunIdentity;
use crate::live::Previewer;
use crate::live::requests::{LivePlan, PATIENCE, ShownPlan};
use crate::live::stop::{PreviewStop, TICK};
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

/// A suite that is shown.
pub(super) struct ShownSuite {
    pub location: Location,
    /// What the project said when the run was made.
    pub snapshot: Snapshot,
    pub client: Arc<AdoClient>,
    /// How many requests were too many for the server before the first one for this suite.
    pub too_many: u64,
    pub plans: Vec<ShownPlan>,
    /// Since the last request that wrote.
    pub written: Option<Stopwatch>,
    /// Since it was noted that the suite runs.
    pub noted: Stopwatch,
}

impl ShownSuite {
    pub(super) fn is_of(&self, run: &RunIdentity) -> bool {
        self.snapshot
            .identity()
            .is_some_and(|shown| shown.is_same_run(run))
    }

    pub(super) fn has_news(&self) -> bool {
        self.plans.iter().any(ShownPlan::has_news)
    }

    pub(super) fn until_next_request(&self) -> Duration {
        match self.written {
            Some(written) => BETWEEN_REQUESTS.saturating_sub(written.elapsed()),
            None => Duration::ZERO,
        }
    }

    /// Asks which test plans are meant, where the settings describe them.
    pub(super) async fn settle_plans(&mut self, previewer: &Previewer) -> Result<(), PreviewStop> {
        if !self.snapshot.options.has_open_plans() {
            return Ok(());
        }
        self.refuse_out_of_turn(previewer).await?;
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
    pub(super) async fn open_all(
        &mut self,
        previewer: &Previewer,
        folder: &Path,
    ) -> Result<(), PreviewStop> {
        let Some(project) = self.snapshot.options.project.clone() else {
            return Err(PreviewStop::NotShown("no project is set".to_owned()));
        };
        for plan_id in self.snapshot.options.plan_ids() {
            self.refuse_out_of_turn(previewer).await?;
            let waited = WaitSoFar {
                attempts: 0,
                since: clock::now(),
            };
            let options = &self.snapshot.options;
            let read = facts::read(&self.client, &project, plan_id, options, waited);
            let facts = read.await?;
            let plan = LivePlan {
                client: Arc::clone(&self.client),
                project: project.clone(),
                plan_id,
                key: self.key(&project, plan_id)?,
                started: self.snapshot.started(),
            };

            let outline = preview::outline(&self.snapshot, plan_id, &plan.key, &facts);
            if !outline.results.is_empty() {
                let ado_run = self.open(&plan, &outline, previewer, folder).await?;
                remark_on_points(&plan, &outline, previewer).await?;
                let mut shown = plan.show(ado_run, facts).await?;
                let key = &shown.plan.key;
                shown.wanted = preview::so_far(&self.snapshot, plan_id, key, &shown.facts);
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
        let earlier = match noted {
            Some(LiveRun {
                ado_run_id: Some(ado_run),
                ..
            }) => return Ok(ado_run),
            Some(_) => Earlier::Perhaps,
            None => Earlier::Never,
        };

        // From here on its submission waits, and none begins that was not there.
        let _under_way = outbox.begin_preview(&plan.key);
        if !previewer.is_running(folder) {
            return Err(PreviewStop::NotShown("it has ended".to_owned()));
        }
        match (plan.find(earlier).await?.with_key, earlier) {
            (Some(_), Earlier::Never) => {
                return Err(PreviewStop::NotShown(
                    "another kado made its test run".to_owned(),
                ));
            }
            (Some(run), Earlier::Perhaps) => return self.confirm(plan, &run, previewer).await,
            (None, _) => {}
        }

        self.intend(plan, previewer).await?;
        let made = plan.create(outline).await?;
        match plan.find(Earlier::Never).await?.with_key {
            Some(first) if first.id < made.id => {
                let comment = format!("{}.", ended_in_favour_of(first.id));
                plan.end(made.id, &comment).await?;
                let key = plan.key.clone();
                outbox.with(move |store| store.forget_live(&key)).await?;
                Err(PreviewStop::NotShown(
                    "another kado made its test run".to_owned(),
                ))
            }
            _ => self.confirm(plan, &made, previewer).await,
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
            url: None,
            remark: None,
            seen: clock::now(),
            snapshot,
        };
        let intended = previewer.outbox.with(move |store| store.intend_live(&live));
        Ok(intended.await?)
    }

    async fn confirm(
        &self,
        plan: &LivePlan,
        run: &TestRun,
        previewer: &Previewer,
    ) -> Result<u32, PreviewStop> {
        let ado_run = run.id;
        let key = plan.key.clone();
        let url = run.page(self.client.server(), &plan.project);
        let confirmed = previewer
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
    pub(super) async fn note(&mut self, previewer: &Previewer) -> Result<(), PreviewStop> {
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
    pub(super) async fn write_news(
        &mut self,
        previewer: &Previewer,
        folder: &Path,
    ) -> Result<(), PreviewStop> {
        if !self.has_news() || !self.until_next_request().is_zero() {
            return Ok(());
        }
        self.refuse_out_of_turn(previewer).await?;

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
        write(shown, self.snapshot.identity(), previewer).await
    }

    /// # Errors
    /// When others have the right of way.
    async fn refuse_out_of_turn(&self, previewer: &Previewer) -> Result<(), PreviewStop> {
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

/// Writes what is new of one plan, unless the suite run is recorded by now: its submission, which
/// another process may send, waits for a request that is under way, and for none that comes later.
async fn write(
    shown: &mut ShownPlan,
    identity: Option<RunIdentity>,
    previewer: &Previewer,
) -> Result<(), PreviewStop> {
    let outbox = &previewer.outbox;
    let now = clock::now();
    let until = now.plus(PATIENCE);
    let key = shown.plan.key.clone();
    let asked = outbox.with(move |store| {
        // In this order: whoever records the run looks for this note afterwards.
        if !store.ask_for_live(&key, now, until)? {
            return Ok(None);
        }
        let fate = match identity {
            Some(run) => store.fate_of_live(&key, &run)?,
            None => LiveFate::Running,
        };
        Ok(Some(fate))
    });
    let written = match asked.await? {
        None => {
            let reason = "another kado writes at this moment".to_owned();
            return Err(PreviewStop::Later(reason, TICK));
        }
        Some(LiveFate::Running) => shown.write().await.map_err(PreviewStop::from),
        Some(_) => Err(PreviewStop::NotShown("its run is recorded".to_owned())),
    };

    let key = shown.plan.key.clone();
    outbox
        .with(move |store| store.live_answered(&key, until))
        .await?;
    written
}

/// Notes how much of the suite its test run shows: it has as many points as a request takes.
async fn remark_on_points(
    plan: &LivePlan,
    outline: &SubmissionPlan,
    previewer: &Previewer,
) -> Result<(), PreviewStop> {
    let shown = points_of(outline).len();
    let all = outline.results.len();
    let remark = (shown < all)
        .then(|| format!("until it is over the first {shown} of its {all} test points are shown"));
    if let Some(remark) = &remark {
        tracing::info!(suite = outline.name, remark, "a suite is shown in part");
    }

    let key = plan.key.clone();
    previewer
        .outbox
        .with(move |store| store.remark_on_live(&key, remark.as_deref()))
        .await?;
    Ok(())
}
