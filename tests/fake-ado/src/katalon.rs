//! A test run as Katalon's own integration leaves it: planned, a result for each point, and no mark
//! of any kind.
//!
//! Which times it writes is not known; the switches cover what it may do.

use jiff::Timestamp;

use crate::query::now;
use crate::runs_model::{TestResult, TestRun};
use crate::world::World;

/// Describes what Katalon uploads of one suite run.
#[derive(Debug, Clone)]
pub struct KatalonUpload {
    run: TestRun,
}

impl KatalonUpload {
    /// An upload to a plan that is completed, without results.
    pub fn new(project: &str, plan: u32, name: &str) -> Self {
        let now = now();
        let run = TestRun {
            project: project.into(),
            name: name.into(),
            plan_id: Some(plan),
            state: "Completed".into(),
            automated: true,
            created: now,
            updated: now,
            revision: 3,
            ..TestRun::default()
        };

        Self { run }
    }

    /// Adds a result for a point, with the times of the test or without any.
    #[must_use]
    pub fn result(
        mut self,
        point: u32,
        outcome: &str,
        times: Option<(Timestamp, Timestamp)>,
    ) -> Self {
        let id = 100_000 + u32::try_from(self.run.results.len()).unwrap_or(u32::MAX);
        self.run.results.push(TestResult {
            id,
            point_id: Some(point),
            state: "Completed".into(),
            outcome: outcome.into(),
            started: times.map(|(start, _)| start),
            completed: times.map(|(_, end)| end),
            revision: 2,
            updated: self.run.updated,
            ..TestResult::default()
        });
        self
    }

    /// Leaves only the first of its results.
    #[must_use]
    pub fn first(mut self, count: usize) -> Self {
        self.run.results.truncate(count);
        self
    }

    /// Gives the run itself a start and an end.
    #[must_use]
    pub const fn took(mut self, started: Timestamp, completed: Timestamp) -> Self {
        (self.run.started, self.run.completed) = (Some(started), Some(completed));
        self
    }

    /// Names the computer in every result so far.
    #[must_use]
    pub fn computer(mut self, name: &str) -> Self {
        self.run
            .results
            .iter_mut()
            .for_each(|result| result.computer_name = Some(name.into()));
        self
    }

    /// With this comment, as a run that a person began may have.
    #[must_use]
    pub fn comment(mut self, text: &str) -> Self {
        self.run.comment = Some(text.into());
        self
    }

    /// As a run that was made without a test plan.
    #[must_use]
    pub fn without_plan(mut self) -> Self {
        self.run.plan_id = None;
        self
    }

    /// An upload that has only begun: the run is in progress, and its results are pending.
    #[must_use]
    pub fn begun(mut self) -> Self {
        self.run.state = "InProgress".into();
        self.run.results.iter_mut().for_each(|result| {
            (result.state, result.outcome) = ("Pending".into(), "Unspecified".into());
        });
        self
    }
}

impl World {
    /// Lays down what Katalon uploads; gives the run's id.
    pub fn add_katalon_upload(&mut self, upload: KatalonUpload) -> u32 {
        let mut run = upload.run;
        let project = self
            .find_project(&run.project)
            .expect("an upload needs its project before it");

        for result in &mut run.results {
            let point = result
                .point_id
                .and_then(|id| project.find_point(id))
                .expect("an upload needs its points");
            let item = self.find_work_item(point.test_case);
            (result.test_case_id, result.configuration_id) =
                (Some(point.test_case), Some(point.configuration));
            result.title = item.map(|item| item.title.clone()).unwrap_or_default();
            result.test_case_revision = item.map_or(1, |item| item.rev);
        }

        run.point_ids = run
            .results
            .iter()
            .filter_map(|result| result.point_id)
            .collect();

        self.add_run(run)
    }
}
