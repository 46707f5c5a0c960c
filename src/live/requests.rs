//! What is asked and written in Azure DevOps about one live run.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::ado::runs::Wanted;
use crate::ado::search::FoundRuns;
use crate::ado::wire::{OutcomeUpdate, RunEnd, TestRun};
use crate::ado::{AdoClient, AdoError};
use crate::moment::Moment;
use crate::outbox::step::BATCH;
use crate::plan::SubmissionPlan;
use crate::plan::ado_facts::AdoFacts;
use crate::plan::preview::{self, Preview};
use crate::submit::creation::{RunLinks, creation, points_of};
use crate::submit::probe::{self, ProbedRun};
use crate::submit::{Earlier, ResultRef};

/// Longest time for a request: nobody waits for a live run.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Where a live run goes, whether it is made or not.
#[derive(Clone)]
pub(super) struct LiveTarget {
    pub client: Arc<AdoClient>,
    pub project: String,
    pub plan_id: u32,
    /// kado's key.
    pub key: String,
    /// When the suite started.
    pub started: Moment,
}

/// A live run that is made, and what is written into it.
pub(super) struct OpenLiveRun {
    pub target: LiveTarget,
    /// What ADO said of the test plan.
    pub facts: AdoFacts,
    ado_run: u32,
    /// Its results in Azure DevOps, by their points.
    results: HashMap<u32, ResultRef>,
    /// What is written of them.
    written: BTreeMap<u32, Preview>,
    /// What is to be written.
    pub wanted: BTreeMap<u32, Preview>,
}

impl LiveTarget {
    /// The live run, found by its key, if it is there.
    ///
    /// # Errors
    /// When the server fails.
    pub(super) async fn find(&self, earlier: Earlier) -> Result<FoundRuns, AdoError> {
        let probed = ProbedRun {
            plan_id: self.plan_id,
            key: &self.key,
            names: &[],
            since: self.started,
        };
        probe::run(
            &self.client,
            &self.project,
            &probed,
            earlier,
            Some(PATIENCE),
        )
        .await
    }

    /// Makes the live run, with a result for each point of `outline`.
    ///
    /// # Errors
    /// When the server fails or refuses it; it may be there all the same.
    pub(super) async fn create(&self, outline: &SubmissionPlan) -> Result<TestRun, AdoError> {
        let points = points_of(outline);
        let comment = preview::comment(&self.key);
        let new = creation(outline, &points, &comment, RunLinks::OfPlan, &self.client);
        in_time(self.client.create_run(&self.project, &new)).await
    }

    /// Ends a live run that nobody will complete; it keeps the results that it has, and loses the
    /// key, so that nobody takes it for the run of the suite.
    ///
    /// # Errors
    /// When the server fails.
    pub(super) async fn end(&self, ado_run: u32, comment: &str) -> Result<(), AdoError> {
        let end = RunEnd {
            state: "Aborted",
            comment,
            delete_in_progress_results: true,
        };
        in_time(self.client.end_run(&self.project, ado_run, &end)).await?;
        Ok(())
    }

    /// Reads the results of the live run, which was made, so that they can be written.
    ///
    /// # Errors
    /// When the server fails.
    pub(super) async fn open(self, ado_run: u32, facts: AdoFacts) -> Result<OpenLiveRun, AdoError> {
        let read = self.client.results(&self.project, ado_run, Wanted::All);
        let mut results = HashMap::new();
        for result in in_time(read).await? {
            if let Some(result) = ResultRef::of(result) {
                results.entry(result.point_id).or_insert(result);
            }
        }

        Ok(OpenLiveRun {
            target: self,
            facts,
            ado_run,
            results,
            written: BTreeMap::new(),
            wanted: BTreeMap::new(),
        })
    }
}

impl OpenLiveRun {
    /// Whether something is to be written.
    pub(super) fn has_news(&self) -> bool {
        !self.news().is_empty()
    }

    /// What differs from what is written, as much as one request takes.
    fn news(&self) -> Vec<u32> {
        let mut news = Vec::new();
        for (point, result) in &self.wanted {
            // A point that became known only when its test ran is left to the submission.
            let is_there = self.results.contains_key(point);
            if is_there && self.written.get(point) != Some(result) {
                news.push(*point);
            }
        }
        news.truncate(BATCH);
        news
    }

    /// Writes what is new, in one request. Writing the same once more changes nothing.
    ///
    /// # Errors
    /// When the server fails or refuses it.
    pub(super) async fn write(&mut self) -> Result<(), AdoError> {
        let news = self.news();
        let mut outcomes = Vec::new();
        for point in &news {
            let result = &self.results[point];
            let wanted = &self.wanted[point];
            outcomes.push(OutcomeUpdate {
                id: result.result_id,
                test_point: (*point).into(),
                test_case_title: result.title.as_deref(),
                test_case_revision: result.revision,
                state: "Completed",
                outcome: &wanted.outcome,
                comment: &wanted.comment,
            });
        }

        let LiveTarget {
            client, project, ..
        } = &self.target;
        in_time(client.write_outcomes(project, self.ado_run, &outcomes)).await?;
        for point in news {
            self.written.insert(point, self.wanted[&point].clone());
        }
        Ok(())
    }
}

/// Gives a request up that takes long; it may have been carried out.
async fn in_time<T>(request: impl Future<Output = Result<T, AdoError>>) -> Result<T, AdoError> {
    probe::in_time(request, Some(PATIENCE)).await
}
