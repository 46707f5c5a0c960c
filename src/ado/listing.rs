//! What a server has, for people who look for ids: projects, test plans, definitions. Nothing in
//! here writes.

use std::collections::HashSet;

use crate::ado::error::AdoError;
use crate::ado::transport::AdoClient;
use crate::ado::version::Call;
use crate::ado::wire::{Definition, List, Reference, SuiteOfCase, TeamProject, TestPlan};

/// Projects on a page.
const PROJECTS: usize = 100;

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
        let mut projects: Vec<TeamProject> = Vec::new();
        let mut known = HashSet::new();
        loop {
            let query = [
                ("stateFilter", "wellFormed".to_owned()),
                ("$top", PROJECTS.to_string()),
                ("$skip", projects.len().to_string()),
            ];
            let page = self
                .get::<List<TeamProject>>(&["_apis", "projects"], Call::Released, &query)
                .await?
                .content
                .value;
            let (last, before) = (page.len() < PROJECTS, projects.len());
            projects.extend(
                page.into_iter()
                    .filter(|project| known.insert(project.id.clone())),
            );
            // A server that repeats itself has no more to say.
            if last || projects.len() == before {
                return Ok(projects);
            }
        }
    }

    /// All test plans of a project, also those that are not active.
    ///
    /// # Errors
    /// When the project is not there or the server fails.
    pub(crate) async fn test_plans(&self, project: &str) -> Result<Vec<TestPlan>, AdoError> {
        let query = [("includePlanDetails", "true".to_owned())];
        self.all(
            &[project, "_apis", "testplan", "plans"],
            Call::TestPlan,
            &query,
        )
        .await
    }

    /// The plans of the whole organization that hold a test case.
    ///
    /// # Errors
    /// When the server fails.
    pub(crate) async fn plans_of_case(&self, test_case: u32) -> Result<Vec<Reference>, AdoError> {
        let query = [("testCaseId", test_case.to_string())];
        let suites: Vec<SuiteOfCase> = self
            .all(&["_apis", "testplan", "suites"], Call::Released, &query)
            .await?;
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
    ) -> Result<Definition, AdoError> {
        let (area, call) = match kind {
            DefinitionKind::Build => ("build", Call::Released),
            DefinitionKind::Release => ("release", Call::Release),
        };
        let path = [project, "_apis", area, "definitions", &id.to_string()];
        Ok(self.get::<Definition>(&path, call, &[]).await?.content)
    }
}
