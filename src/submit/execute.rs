//! Executes the steps of one submission: intent, request, record.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::ado::attachments::Owner;
use crate::ado::projects::is_about_plan;
use crate::ado::slots::USUAL;
use crate::ado::upload::Upload;
use crate::ado::wire::{RunUpdate, TestRun};
use crate::ado::{AdoClient, AdoError};
use crate::blocking::{Stopped, blocking};
use crate::clock;
use crate::outbox::step::{Step, StepState, next};
use crate::outbox::store::{StoredStep, Submission};
use crate::outbox::{Outbox, StoreError};
use crate::plan::attachments::{PlannedAttachment, Source, Target};
use crate::plan::comment::LEFT_OUT_FILE;
use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::plan::several::NoneHere;
use crate::plan::{SubmissionPlan, plan as make_plan};
use crate::spool::Spool;
use crate::submit::{Stop, automation, create, facts, probe, write};
use crate::workspace::open;

/// How often a file that another program holds for itself, such as a virus scanner, is looked at
/// again, and how long it is waited each time. What is still held then is named as left out.
const HELD: u32 = 10;
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// What the step that makes the run confirms: that it made it, or found it. JSON texts.
pub(super) const CREATED: &str = "\"created\"";
pub(super) const ADOPTED: &str = "\"adopted\"";

/// A result of the ADO run and the point it belongs to; what [`Step::ReadResults`] confirms.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct ResultRef {
    /// The point.
    pub point_id: u32,
    /// The result inside the run.
    pub result_id: u32,
    /// Title of the test case, as ADO has it.
    pub title: Option<String>,
    /// Revision of the test case, as ADO has it.
    pub revision: Option<u32>,
}

/// Reads what ADO says and plans a submission.
pub(super) async fn plan(
    client: &AdoClient,
    submission: &Submission,
) -> Result<SubmissionPlan, Stop> {
    let snapshot = &submission.snapshot;
    let (Some(plan_id), Some(project)) = (submission.plan_id, &snapshot.options.project) else {
        return Err(Stop::Park(
            "no test plan or project is set for this run".to_owned(),
        ));
    };
    match facts::read(
        client,
        project,
        plan_id,
        &snapshot.options,
        submission.attempts,
    )
    .await
    {
        Ok(facts) => Ok(make_plan(snapshot, plan_id, &submission.key, &facts)),
        Err(AdoError::Gone(message)) if is_about_plan(&message, plan_id) => {
            Err(Stop::Park(format!("{message}; {}", correct(submission))))
        }
        Err(error) => Err(error.into()),
    }
}

/// How a plan that is not there is corrected.
fn correct(submission: &Submission) -> String {
    match &submission.snapshot.run.options.plan {
        Some(plan) => format!(
            "the run was started with `-adoPlanId={plan}`, and `kado runs retry {} --plan PLAN` submits it to another one",
            submission.id
        ),
        None => "correct it in Katalon's Azure DevOps settings or as `submit.test_plans` in kado.toml, then `kado runs retry`"
            .to_owned(),
    }
}

/// What becomes of a plan without results.
pub(super) fn nothing_to_submit(plan: SubmissionPlan) -> Stop {
    let own = plan.plan_id;
    let reason = match plan.none_here {
        Some(NoneHere::GoTo(other)) => {
            let reason = format!(
                "no test of this run has a test point in test plan {own}; its results go to test plan {other}"
            );
            return Stop::Elsewhere {
                reason,
                plan: Box::new(plan),
            };
        }
        // Nothing is lost by waiting: there is nothing to send to this plan.
        Some(NoneHere::Unread(other)) => {
            return Stop::Ado(AdoError::not_sent(format!(
                "no test of this run has a test point in test plan {own}, and test plan {other} cannot be read"
            )));
        }
        Some(NoneHere::ToldWith(other)) => format!(
            "no result can be submitted: no test of this run has a test point in test plan {own}, and none in the others; \
             see its submission to test plan {other}"
        ),
        None => why_nothing(&plan),
    };
    Stop::Nothing {
        reason,
        plan: Box::new(plan),
    }
}

/// Why a plan without results is parked.
fn why_nothing(plan: &SubmissionPlan) -> String {
    let ids = || {
        plan.skipped
            .iter()
            .filter(|left_out| left_out.azure_id.is_some() || left_out.test.is_some())
    };
    let counting = || ids().filter(|left_out| left_out.kind.counts());
    match (counting().next(), counting().count()) {
        (Some(first), 1) => format!("no result can be submitted: {}", first.reason),
        (Some(first), count) => {
            format!("no result can be submitted: {} (and {} more reasons)", first.reason, count - 1)
        }
        (None, _) => {
            "no test of this run has an Azure DevOps test case id; enter ids on the Integration tab of the test cases"
                .to_owned()
        }
    }
}

/// One submission that is being carried out.
pub(super) struct Execution<'a> {
    pub(super) outbox: &'a Outbox,
    pub(super) client: &'a AdoClient,
    pub(super) submission: Submission,
    /// Whether nobody waits for it, so that it may wait for others.
    pub(super) patient: bool,
    /// Whether it had an ADO run when this attempt began: any step may have been carried out
    /// already, also one that is not even intended here, because the state folder may be a copy of
    /// an earlier day.
    taken_up: bool,
    /// Where copies of the run's files lie.
    spool: Spool,
}

/// What a step led to; it is recorded already.
pub(super) type Moved = Result<StoredStep, Stop>;

impl<'a> Execution<'a> {
    /// A submission whose plan is stored.
    pub(super) fn new(
        outbox: &'a Outbox,
        client: &'a AdoClient,
        spool: &Spool,
        submission: Submission,
        patient: bool,
    ) -> Self {
        let taken_up = submission.ado_run_id.is_some();
        Self {
            outbox,
            client,
            submission,
            patient,
            taken_up,
            spool: spool.clone(),
        }
    }

    /// Carries out all steps that are left; gives the ADO run. `written` is called when all results
    /// are written.
    ///
    /// # Errors
    /// When it cannot go on now; what is done is recorded.
    pub(super) async fn run(mut self, written: &(dyn Fn() + Send + Sync)) -> Result<u32, Stop> {
        loop {
            let states: Vec<(Step, StepState)> = self
                .submission
                .steps
                .iter()
                .map(|stored| (stored.step, stored.state))
                .collect();
            let ready = next(&states);
            if ready.is_empty() {
                break;
            }
            if !matches!(
                states[ready[0]].0,
                Step::CreateRun | Step::ReadResults | Step::WriteResults(_)
            ) {
                written();
            }
            let mut failed = None;
            for (position, moved) in self.steps(ready).await {
                match moved {
                    Ok(stored) => self.submission.steps[position] = stored,
                    // All others have ended by now, so none is cut off by the first one that
                    // failed.
                    Err(stop) => failed = failed.or(Some(stop)),
                }
            }
            if let Some(stop) = failed {
                return Err(self.with_way_out(stop));
            }
            let id = self.submission.id;
            let fresh = self.outbox.with(move |store| store.load(id)).await?;
            self.submission.ado_run_id = fresh.ado_run_id;
            self.submission.attempts = fresh.attempts;
            self.submission.refused = fresh.refused;
        }
        self.run_id()
    }

    /// What is gone when there is a run already is the run: nothing but a new one helps.
    fn with_way_out(&self, stop: Stop) -> Stop {
        let folder = &self.submission.snapshot.folder;
        match (stop, self.submission.ado_run_id) {
            (Stop::Ado(AdoError::Gone(message)), Some(run)) => Stop::Park(format!(
                "{message} If somebody deleted test run {run}, `kado submit --again \"{folder}\"` makes a new one"
            )),
            (stop, _) => stop,
        }
    }

    /// Carries out steps, some at a time. When one fails no other one begins: what keeps it back
    /// keeps back the others.
    async fn steps(&self, ready: Vec<usize>) -> Vec<(usize, Moved)> {
        let failed = &AtomicBool::new(false);
        let step = |position| async move {
            if failed.load(Ordering::Relaxed) {
                return None;
            }
            let moved = self.step(position).await;
            failed.fetch_or(moved.is_err(), Ordering::Relaxed);
            Some((position, moved))
        };
        let moved = futures_util::stream::iter(ready)
            .map(step)
            .buffer_unordered(USUAL);
        moved.filter_map(std::future::ready).collect().await
    }

    async fn step(&self, position: usize) -> Moved {
        let stored = self.submission.steps[position].clone();
        // A step that was intended before may have happened; in a run that was there before, any
        // step may.
        let resumed = stored.state == StepState::Intended || self.taken_up || self.is_adopted();
        if stored.step != Step::CreateRun {
            self.intend(position).await?;
        }
        match stored.step {
            Step::CreateRun => {
                create::create_run(self, position, resumed || self.submission.create_unclear).await
            }
            Step::ReadResults => write::read_results(self, position).await,
            Step::WriteResults(batch) => write::write_batch(self, position, batch, resumed).await,
            Step::AutomationFields => match self.plan().automation {
                Some(rule) => automation::set_fields(self, position, rule).await,
                None => self.confirm(position, stored.step, &()).await,
            },
            Step::Attach(index) => {
                self.attach(position, &self.plan().attachments[index], resumed)
                    .await
            }
            Step::LeftOutList => self.left_out_list(position, resumed).await,
            Step::Complete => self.complete(position).await,
        }
    }

    async fn attach(&self, position: usize, planned: &PlannedAttachment, resumed: bool) -> Moved {
        let step = self.submission.steps[position].step;
        let owner = self.owner(planned.target)?;
        let content = match self.patient_content(&planned.source).await? {
            Ok(content) => content,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let reason = format!("file `{}` vanished before it was sent", planned.name);
                return self.refuse(position, LeftOut::file(None, reason)).await;
            }
            Err(error) => {
                let reason = format!("file `{}` cannot be read: {error}", planned.name);
                return self.refuse(position, LeftOut::file(None, reason)).await;
            }
        };
        if resumed
            && let Some(there) =
                probe::attachment(self.client, self.project(), owner, &planned.name, &content)
                    .await?
        {
            return self.confirm(position, step, &there).await;
        }
        let upload = content.upload(planned.name.clone()).await?;
        match self.client.attach(self.project(), owner, upload).await {
            Ok(attachment) => self.confirm(position, step, &attachment.id).await,
            Err(AdoError::Rejected { message, .. } | AdoError::Gone(message)) => {
                let reason = format!(
                    "file `{}` was refused by Azure DevOps: {message}",
                    planned.name
                );
                let left_out = LeftOut {
                    test: None,
                    azure_id: None,
                    reason,
                    kind: LeftOutKind::Refused,
                };
                self.refuse(position, left_out).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn left_out_list(&self, position: usize, resumed: bool) -> Moved {
        let Some(list) = self.plan().comment(&self.submission.refused).overflow else {
            return self.confirm(position, Step::LeftOutList, &()).await;
        };
        let attachment = PlannedAttachment {
            target: Target::Run,
            size: list.len() as u64,
            source: Source::Text(list),
            name: LEFT_OUT_FILE.to_owned(),
            kind: crate::katalon::run::FileKind::Other,
        };
        self.attach(position, &attachment, resumed).await
    }

    async fn complete(&self, position: usize) -> Moved {
        let plan = self.plan();
        let update = RunUpdate {
            state: "Completed",
            started_date: plan.started.to_string(),
            completed_date: plan.completed.to_string(),
            comment: &plan.comment(&self.submission.refused).text,
        };
        // Completing twice does no harm, so nobody is asked whether it happened.
        self.client
            .update_run(self.project(), self.run_id()?, &update)
            .await?;
        self.confirm(position, Step::Complete, &()).await
    }

    /// Records that the request of a step is about to leave (invariant I4).
    pub(super) async fn intend(&self, position: usize) -> Result<(), StoreError> {
        let id = self.submission.id;
        self.outbox
            .with(move |store| store.intend(id, position))
            .await
    }

    pub(super) async fn confirm(
        &self,
        position: usize,
        step: Step,
        detail: &impl Serialize,
    ) -> Moved {
        let detail = serde_json::to_value(detail).map_err(StoreError::from)?;
        let id = self.submission.id;
        let text = detail.to_string();
        self.outbox
            .with(move |store| store.confirm(id, position, &detail, clock::now()))
            .await?;
        Ok(StoredStep {
            step,
            state: StepState::Confirmed,
            detail: Some(text),
        })
    }

    async fn refuse(&self, position: usize, left_out: LeftOut) -> Moved {
        let (id, step) = (self.submission.id, self.submission.steps[position].step);
        tracing::warn!(id, reason = left_out.reason, "left out");
        self.outbox
            .with(move |store| store.refuse(id, position, &[left_out], clock::now()))
            .await?;
        Ok(settled(step, StepState::Refused))
    }

    /// Whether the run was there when this submission looked for one: another machine, an earlier
    /// installation or a request without an answer made it.
    fn is_adopted(&self) -> bool {
        self.submission
            .steps
            .first()
            .is_some_and(|first| first.detail.as_deref() == Some(ADOPTED))
    }

    pub(super) fn plan(&self) -> &SubmissionPlan {
        self.submission
            .plan
            .as_ref()
            .expect("a submission is executed with its plan stored")
    }

    pub(super) fn project(&self) -> &str {
        self.submission
            .snapshot
            .options
            .project
            .as_deref()
            .unwrap_or_default()
    }

    pub(super) fn run_id(&self) -> Result<u32, Stop> {
        let missing = || {
            Stop::Park(
                "the ADO run of this submission is not known; `kado runs retry` starts anew"
                    .to_owned(),
            )
        };
        self.submission.ado_run_id.ok_or_else(missing)
    }

    /// The results of the run, as the step that read them recorded them.
    pub(super) fn result_refs(&self) -> Result<Vec<ResultRef>, Stop> {
        let read = self
            .submission
            .steps
            .iter()
            .find(|stored| stored.step == Step::ReadResults);
        let detail = read
            .and_then(|stored| stored.detail.as_deref())
            .unwrap_or("[]");
        Ok(serde_json::from_str(detail).map_err(StoreError::from)?)
    }

    fn owner(&self, target: Target) -> Result<Owner, Stop> {
        let run = self.run_id()?;
        let Target::Point(point) = target else {
            return Ok(Owner { run, result: None });
        };
        let result = self
            .result_refs()?
            .into_iter()
            .find(|result| result.point_id == point);
        Ok(Owner {
            run,
            result: result.map(|result| result.result_id),
        })
    }

    /// What is to be attached, once another program that holds the file has let go of it, at most
    /// after [`HELD`] looks.
    async fn patient_content(&self, source: &Source) -> Result<std::io::Result<Content>, Stopped> {
        for _ in 0..HELD {
            match self.content(source).await? {
                Err(error) if open::is_held(&error) => tokio::time::sleep(BETWEEN_LOOKS).await,
                content => return Ok(content),
            }
        }
        self.content(source).await
    }

    async fn content(&self, source: &Source) -> Result<std::io::Result<Content>, Stopped> {
        match source {
            Source::Text(text) => Ok(Ok(Content::Text(text.clone()))),
            Source::File(path) => {
                let Some((place, inside)) = self.submission.snapshot.place_of(path) else {
                    return Ok(Err(std::io::ErrorKind::NotFound.into()));
                };
                let path = PathBuf::from(inside);
                let spooled = place.run.map(|run| self.spool.folder_of(&run));
                let folder = PathBuf::from(place.folder);
                blocking(move || {
                    // Never through a link, whatever took the file's place since the folder was
                    // listed.
                    let look = |folder: PathBuf| {
                        let size = open::regular_below(&folder, &path)?.metadata()?.len();
                        Ok(Content::File {
                            folder,
                            path: path.clone(),
                            size,
                        })
                    };
                    let copy =
                        spooled.map_or_else(|| Err(std::io::ErrorKind::NotFound.into()), look);
                    copy.or_else(|_| look(folder))
                })
                .await
            }
        }
    }

    pub(super) fn web_url(&self, run: &TestRun) -> String {
        run.web_access_url
            .clone()
            .unwrap_or_else(|| page(self.client.server().base(), self.project(), run.id))
    }
}

/// Where a person sees a run, should the server not say it.
fn page(base: &str, project: &str, run: u32) -> String {
    let mut page = Url::parse(base).expect("the base of a server is a URL");
    page.path_segments_mut()
        .expect("http URLs have segments")
        .pop_if_empty()
        .extend([project, "_testManagement", "runs"]);
    page.set_query(Some(&format!("runId={run}&_a=runCharts")));
    page.into()
}

/// What is to be attached.
pub(super) enum Content {
    /// A text of our own.
    Text(String),
    /// A file.
    File {
        /// The folder that it must not lead out of.
        folder: PathBuf,
        /// Its path in there.
        path: PathBuf,
        /// Its size now.
        size: u64,
    },
}

impl Content {
    async fn upload(&self, name: String) -> Result<Upload, AdoError> {
        match self {
            Self::Text(text) => {
                let bytes = text.clone().into_bytes();
                Ok(Upload::new(
                    name,
                    PathBuf::from("a text of kado"),
                    bytes.len() as u64,
                    Cursor::new(bytes),
                ))
            }
            Self::File { folder, path, size } => {
                let file = folder.join(path);
                let failed = |error: std::io::Error| AdoError::File {
                    file: file.clone(),
                    message: error.to_string(),
                };
                let opened = open_file(folder, path).await.map_err(failed)?;
                Ok(Upload::new(name, file.clone(), *size, opened))
            }
        }
    }
}

pub(super) async fn open_file(folder: &Path, path: &Path) -> std::io::Result<tokio::fs::File> {
    let (folder, path) = (folder.to_owned(), path.to_owned());
    let opened = blocking(move || open::regular_below(&folder, &path))
        .await
        .map_err(std::io::Error::other)?;
    Ok(tokio::fs::File::from_std(opened?))
}

fn settled(step: Step, state: StepState) -> StoredStep {
    StoredStep {
        step,
        state,
        detail: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_a_run_is_found_whatever_its_project_is_called() {
        let page = page(
            "https://ado.example/tfs/Shop%20Floor",
            "Net/100% #1 Größe",
            150,
        );
        let expected = "https://ado.example/tfs/Shop%20Floor/Net%2F100%25%20%231%20Gr%C3%B6%C3%9Fe/_testManagement/runs";
        assert_eq!(page, format!("{expected}?runId=150&_a=runCharts"));
    }
}
