//! The test points of a plan. Servers since 2020 hand them out for the whole plan, older ones suite
//! by suite (`ado/api.md` §4).

use std::collections::HashSet;
use std::ops::ControlFlow;

use crate::ado::error::{AdoError, Missing};
use crate::ado::transport::AdoClient;
use crate::ado::version::Call;
use crate::ado::wire::{Reference, SuitePoint, TestPoint, TestSuite};
use crate::clock;
use crate::moment::Moment;
use crate::plan::point_rule::Point;

/// Points on a page of a suite.
const PAGE_SIZE: usize = 200;

impl AdoClient {
    /// All points of a plan, in whatever suite; points that belong to other plans are dropped.
    ///
    /// # Errors
    /// [`Missing::Plan`] when the plan is not there, or when the server fails.
    pub(crate) async fn points(&self, project: &str, plan: u32) -> Result<Vec<Point>, AdoError> {
        let asked = clock::now();
        let points = self.read_points(project, plan).await?;
        self.recent_plans()
            .know_points(project, plan, &points, asked);
        Ok(points)
    }

    /// As [`AdoClient::points`], for somebody who waits since `since`: points that were read after
    /// that are not read again.
    ///
    /// # Errors
    /// As [`AdoClient::points`].
    pub(crate) async fn points_since(
        &self,
        project: &str,
        plan: u32,
        since: Moment,
    ) -> Result<Vec<Point>, AdoError> {
        match self
            .recent_plans()
            .points(project, plan, since, clock::now())
        {
            Some(points) => Ok(points),
            None => self.points(project, plan).await,
        }
    }

    async fn read_points(&self, project: &str, plan: u32) -> Result<Vec<Point>, AdoError> {
        let known = self.recent_plans();
        if let Some(root_suite) = known.root_suite(project, plan, clock::now()) {
            match self.points_below(project, plan, root_suite).await {
                // The plan itself says what became of it.
                Err(AdoError::Gone { .. }) => known.forget(project, plan),
                points => return points,
            }
        }

        // It also finds the version of the server, on which the way to the points depends.
        let asked = clock::now();
        let test_plan = self.test_plan(project, plan).await?;
        if self.is_before_2020() {
            return self.points_by_suite(project, plan).await;
        }

        let Some(root_suite) = test_plan.root_suite else {
            return Err(AdoError::Gone {
                what: Missing::RootSuite,
                message: format!("test plan {plan} of project `{project}` has no root suite"),
            });
        };
        let points = self.points_below(project, plan, root_suite.id).await?;
        known.know_root_suite(project, plan, root_suite.id, asked);
        Ok(points)
    }

    async fn points_below(
        &self,
        project: &str,
        plan: u32,
        root_suite: u32,
    ) -> Result<Vec<Point>, AdoError> {
        // Not `POST test/points`: it gives the points of every plan, and cuts a list that is longer
        // than a page without a word (`ado/api.md` §4).
        let path = [
            project,
            "_apis",
            "testplan",
            "Plans",
            &plan.to_string(),
            "Suites",
            &root_suite.to_string(),
            "TestPoint",
        ];
        let query = [
            ("isRecursive", "true".to_owned()),
            ("includePointDetails", "true".to_owned()),
        ];

        let mut points = Vec::new();
        self.each_by_token(&path, Call::TestPoint, &query, |point: TestPoint| {
            // Every point of a run has to be of the run's plan (`ado/api.md` §5), so one of another
            // plan among them could cost the whole run.
            if belongs_to(plan, point.test_plan.as_ref()) {
                points.extend(point_of_plan(point));
            }
        })
        .await?;
        Ok(points)
    }

    async fn points_by_suite(&self, project: &str, plan: u32) -> Result<Vec<Point>, AdoError> {
        let plan_id = plan.to_string();
        let path = [project, "_apis", "testplan", "Plans", &plan_id, "suites"];
        let suites: Vec<TestSuite> = self.all(&path, Call::TestPlan, &[]).await?;

        // A server before 2020 answers for one suite at a time, without those below it.
        let mut points = Vec::new();
        for suite in suite_ids(suites) {
            let suite_id = suite.to_string();
            let path = [
                project, "_apis", "test", "Plans", &plan_id, "Suites", &suite_id, "points",
            ];

            self.each_by_offset(
                &path,
                &[],
                PAGE_SIZE,
                |point: &SuitePoint| point.id,
                |point| {
                    if belongs_to(plan, point.test_plan.as_ref()) {
                        points.extend(point_of_suite(point, suite));
                    }
                    ControlFlow::Continue(())
                },
            )
            .await?;
        }

        Ok(points)
    }
}

/// The ids of suites and of those nested in them, each once, parents before children.
fn suite_ids(suites: Vec<TestSuite>) -> Vec<u32> {
    let mut ids = Vec::new();
    let mut unique = HashSet::new();
    // Taken from the end, so the first has to be the last.
    let mut stack = suites;
    stack.reverse();

    while let Some(suite) = stack.pop() {
        // A suite may be listed by itself and below its parent as well.
        if unique.insert(suite.id) {
            ids.push(suite.id);
        }
        stack.extend(suite.children.into_iter().flatten());
    }
    ids
}

/// Servers leave the plan out where it goes without saying.
fn belongs_to(plan: u32, plan_of_point: Option<&Reference>) -> bool {
    match plan_of_point {
        Some(reference) => reference.id == plan,
        None => true,
    }
}

/// `None` for a point that lacks what a result needs.
fn point_of_plan(point: TestPoint) -> Option<Point> {
    let configuration = point.configuration?;
    Some(Point {
        id: point.id?,
        test_case_id: point.test_case_reference?.id,
        configuration_id: configuration.id,
        configuration_name: configuration.name,
        suite_id: point.test_suite.map_or(0, |suite| suite.id),
    })
}

fn point_of_suite(point: SuitePoint, suite: u32) -> Option<Point> {
    let configuration = point.configuration?;
    Some(Point {
        id: point.id?,
        test_case_id: point.test_case?.id,
        configuration_id: configuration.id,
        configuration_name: configuration.name,
        suite_id: suite,
    })
}
