//! The test points of a plan. Servers since 2020 hand them out for the whole plan, older ones suite
//! by suite (`ado/api.md` §4).

use std::collections::HashSet;

use crate::ado::error::{AdoError, Missing};
use crate::ado::transport::AdoClient;
use crate::ado::version::Call;
use crate::ado::wire::{List, Reference, SuitePoint, TestPoint, TestSuite};
use crate::plan::point_rule::Point;

/// Points on a page of a suite.
const PAGE: usize = 200;

impl AdoClient {
    /// All points of a plan, in whatever suite; points that belong to other plans are dropped.
    ///
    /// # Errors
    /// When the plan is not there or the server fails.
    pub(crate) async fn points(&self, project: &str, plan: u32) -> Result<Vec<Point>, AdoError> {
        let found = self.test_plan(project, plan).await?;
        if self.is_before_2020() {
            return self.points_by_suite(project, plan).await;
        }
        let Some(root) = found.root_suite else {
            return Err(AdoError::Gone {
                what: Missing::Object,
                message: format!("test plan {plan} of project `{project}` has no root suite"),
            });
        };
        let (plan_id, suite) = (plan.to_string(), root.id.to_string());
        let path = [
            project,
            "_apis",
            "testplan",
            "Plans",
            &plan_id,
            "Suites",
            &suite,
            "TestPoint",
        ];
        let query = [
            ("isRecursive", "true".to_owned()),
            ("includePointDetails", "true".to_owned()),
        ];
        let points: Vec<TestPoint> = self.all(&path, Call::TestPoint, &query).await?;
        let points = points
            .into_iter()
            .filter(|point| is_of(plan, point.test_plan.as_ref()));
        Ok(points.filter_map(|point| of_plan(&point)).collect())
    }

    async fn points_by_suite(&self, project: &str, plan: u32) -> Result<Vec<Point>, AdoError> {
        let plan_id = plan.to_string();
        let path = [project, "_apis", "testplan", "Plans", &plan_id, "suites"];
        let suites: Vec<TestSuite> = self.all(&path, Call::TestPlan, &[]).await?;
        let mut points = Vec::new();
        for suite in ids(suites) {
            let found = self.points_of_suite(project, &plan_id, suite).await?;
            let found = found
                .into_iter()
                .filter(|point| is_of(plan, point.test_plan.as_ref()));
            points.extend(found.filter_map(|point| of_suite(point, suite)));
        }
        Ok(points)
    }

    async fn points_of_suite(
        &self,
        project: &str,
        plan: &str,
        suite: u32,
    ) -> Result<Vec<SuitePoint>, AdoError> {
        let suite = suite.to_string();
        let path = [
            project, "_apis", "test", "Plans", plan, "Suites", &suite, "points",
        ];
        let mut points: Vec<SuitePoint> = Vec::new();
        let mut known = HashSet::new();
        loop {
            let query = [
                ("$top", PAGE.to_string()),
                ("$skip", points.len().to_string()),
            ];
            let page = self
                .get::<List<SuitePoint>>(&path, Call::Released, &query)
                .await?
                .content
                .value;
            let (last, before) = (page.len() < PAGE, points.len());
            points.extend(page.into_iter().filter(|point| known.insert(point.id)));
            // A server that repeats itself has no more to say.
            if last || points.len() == before {
                return Ok(points);
            }
        }
    }
}

/// The ids of suites and of those nested in them, each once.
fn ids(suites: Vec<TestSuite>) -> Vec<u32> {
    let mut ids = Vec::new();
    let mut known = HashSet::new();
    let mut waiting = suites;
    waiting.reverse();
    while let Some(suite) = waiting.pop() {
        if known.insert(suite.id) {
            ids.push(suite.id);
        }
        waiting.extend(suite.children.into_iter().flatten());
    }
    ids
}

fn is_of(plan: u32, of: Option<&Reference>) -> bool {
    of.is_none_or(|of| of.id == plan)
}

fn of_plan(point: &TestPoint) -> Option<Point> {
    let configuration = point.configuration.clone()?;
    Some(Point {
        id: point.id?,
        test_case_id: point.test_case_reference.as_ref()?.id,
        configuration_id: configuration.id,
        configuration_name: configuration.name,
        suite_id: point.test_suite.as_ref().map_or(0, |suite| suite.id),
    })
}

fn of_suite(point: SuitePoint, suite: u32) -> Option<Point> {
    let configuration = point.configuration?;
    Some(Point {
        id: point.id?,
        test_case_id: point.test_case?.id,
        configuration_id: configuration.id,
        configuration_name: configuration.name,
        suite_id: suite,
    })
}
