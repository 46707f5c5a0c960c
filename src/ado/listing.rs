//! What a server has, for people who look for ids: projects, test plans, definitions. Nothing in
//! here writes.

use std::ops::ControlFlow;

use crate::ado::error::AdoError;
use crate::ado::transport::AdoClient;
use crate::ado::version::Call;
use crate::ado::wire::{PipelineDefinition, Reference, SuiteOfCase, TeamProject, TestPlan, moment};
use crate::plan::plan_choice::KnownPlan;

/// Projects on a page.
const PAGE_SIZE: usize = 100;

/// The two kinds of definitions that a run can be linked with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DefinitionKind {
    /// A pipeline that builds.
    Build,
    /// A classic release pipeline.
    Release,
}

impl AdoClient {
    /// All projects of the organization or collection that this token can see.
    ///
    /// # Errors
    /// When the server fails.
    pub(crate) async fn projects(&self) -> Result<Vec<TeamProject>, AdoError> {
        let path = ["_apis", "projects"];
        // Without those that are being made or deleted.
        let query = [("stateFilter", "wellFormed".to_owned())];

        let mut projects = Vec::new();
        self.each_by_offset(
            &path,
            &query,
            PAGE_SIZE,
            |project: &TeamProject| project.id.clone(),
            |project| {
                projects.push(project);
                ControlFlow::Continue(())
            },
        )
        .await?;
        Ok(projects)
    }

    /// All test plans of a project, also those that are not active.
    ///
    /// # Errors
    /// When the project is not there or the server fails.
    pub(crate) async fn test_plans(&self, project: &str) -> Result<Vec<TestPlan>, AdoError> {
        let path = [project, "_apis", "testplan", "plans"];
        let query = [("includePlanDetails", "true".to_owned())];
        self.all(&path, Call::TestPlan, &query).await
    }

    /// The test plans of a project, as far as an entry of `submit.test_plans` can mean them.
    ///
    /// # Errors
    /// When the project is not there or the server fails.
    pub(crate) async fn known_plans(&self, project: &str) -> Result<Vec<KnownPlan>, AdoError> {
        let plans = self.test_plans(project).await?;
        Ok(plans.into_iter().map(known_plan).collect())
    }

    /// The plans of the whole organization that hold a test case.
    ///
    /// # Errors
    /// When the server fails.
    pub(crate) async fn plans_of_case(&self, test_case: u32) -> Result<Vec<Reference>, AdoError> {
        // The only call that goes from a test case to its plans. It knows no project, because the
        // id of a work item is unique in the whole collection (`ado/api.md` §3).
        let path = ["_apis", "testplan", "suites"];
        let query = [("testCaseId", test_case.to_string())];
        let suites: Vec<SuiteOfCase> = self.all(&path, Call::Released, &query).await?;

        // A plan holds the test case once for each of its suites that does.
        let mut plans: Vec<Reference> = suites.into_iter().filter_map(|suite| suite.plan).collect();
        plans.sort_by_key(|plan| plan.id);
        plans.dedup_by_key(|plan| plan.id);
        Ok(plans)
    }

    /// A build or release definition.
    ///
    /// # Errors
    /// [`AdoError::Gone`] when the project has no such definition.
    pub(crate) async fn definition(
        &self,
        project: &str,
        kind: DefinitionKind,
        id: u32,
    ) -> Result<PipelineDefinition, AdoError> {
        let (area, call) = match kind {
            DefinitionKind::Build => ("build", Call::Released),
            DefinitionKind::Release => ("release", Call::Release),
        };
        let path = [project, "_apis", area, "definitions", &id.to_string()];
        Ok(self.get(&path, call, &[]).await?.content)
    }
}

fn known_plan(plan: TestPlan) -> KnownPlan {
    KnownPlan {
        id: plan.id,
        name: plan.name,
        // A server that does not say leaves out those that are not.
        is_active: plan
            .state
            .is_none_or(|state| state.eq_ignore_ascii_case("Active")),
        area: plan.area_path.unwrap_or_default(),
        iteration: plan.iteration.unwrap_or_default(),
        begins: moment(plan.start_date.as_deref()),
        ends: moment(plan.end_date.as_deref()),
    }
}
