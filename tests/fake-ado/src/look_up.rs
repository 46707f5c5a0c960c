//! Looking into a world: for tests, and for the service itself.

use crate::model::{Plan, Point, Project, Suite, WorkItem};
use crate::runs_model::{TestResult, TestRun};
use crate::world::{World, stable_guid};

/// What is encoded in a segment of a path.
const ENCODED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

impl World {
    /// The organization's name.
    pub fn organization(&self) -> &str {
        &self.organization
    }

    /// Replaces the accepted tokens, as a rotation or a revocation (an empty list) would.
    pub fn set_tokens(&mut self, tokens: &[&str]) {
        self.tokens = tokens.iter().map(|token| (*token).into()).collect();
    }

    /// The path of the organization or collection, with its virtual directory, percent-encoded.
    pub(crate) fn path(&self) -> String {
        let encode = |text: &str| percent_encoding::utf8_percent_encode(text, ENCODED).to_string();
        let parts = [self.virtual_directory.as_str(), &self.organization];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(encode)
            .collect();

        parts.join("/")
    }

    /// All runs in the order they were made.
    pub fn runs(&self) -> &[TestRun] {
        &self.runs
    }

    /// A run by its id.
    pub fn run(&self, id: u32) -> Option<&TestRun> {
        self.runs.iter().find(|run| run.id == id)
    }

    /// A run by its id, to alter it.
    pub fn run_mut(&mut self, id: u32) -> Option<&mut TestRun> {
        self.runs.iter_mut().find(|run| run.id == id)
    }

    /// Deletes a run, as a person does.
    pub fn delete_run(&mut self, id: u32) {
        self.runs.retain(|run| run.id != id);
    }

    /// All projects.
    pub fn projects(&self) -> &[Project] {
        &self.projects
    }

    /// A project by name or GUID, without case.
    pub fn find_project(&self, key: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.is(key))
    }

    pub(crate) fn position(&self, key: &str) -> Option<usize> {
        self.projects.iter().position(|project| project.is(key))
    }

    /// A project by name or GUID, to alter it.
    pub fn project_mut(&mut self, key: &str) -> Option<&mut Project> {
        self.projects.iter_mut().find(|project| project.is(key))
    }

    /// Gives a project another name; what belongs to it goes along.
    pub fn rename_project(&mut self, from: &str, to: &str) {
        for project in self.projects.iter_mut().filter(|project| project.is(from)) {
            project.name = to.into();
        }
        for item in self
            .work_items
            .iter_mut()
            .filter(|item| item.project == from)
        {
            item.project = to.into();
        }
        for run in self.runs.iter_mut().filter(|run| run.project == from) {
            run.project = to.into();
        }
    }

    /// A work item of any project.
    pub fn find_work_item(&self, id: u32) -> Option<&WorkItem> {
        self.work_items.iter().find(|item| item.id == id)
    }

    /// A work item of any project, to alter it.
    pub fn work_item_mut(&mut self, id: u32) -> Option<&mut WorkItem> {
        self.work_items.iter_mut().find(|item| item.id == id)
    }

    /// Adds a run as if somebody else (Katalon itself, say) had made it; gives its id.
    pub fn add_run(&mut self, mut run: TestRun) -> u32 {
        self.last_run_id = self.last_run_id.max(149) + 1;
        run.id = self.last_run_id;
        self.runs.push(run);

        self.last_run_id
    }

    /// Fills what the short JSON form leaves out: GUIDs, root suites, plans of points.
    pub(crate) fn complete(&mut self) {
        for project in &mut self.projects {
            project.complete();
        }

        let first = self
            .projects
            .first()
            .map(|project| project.name.clone())
            .unwrap_or_default();

        for item in &mut self.work_items {
            item.rev = item.rev.max(1);
            if item.kind.is_empty() {
                item.kind = "Test Case".into();
            }
            if item.project.is_empty() {
                item.project.clone_from(&first);
            }
        }

        let highest = self.runs.iter().map(|run| run.id).max().unwrap_or(0);
        self.last_run_id = self.last_run_id.max(highest);
    }
}

impl Project {
    /// Whether this is its name or its GUID, without case.
    pub fn is(&self, key: &str) -> bool {
        self.name.to_lowercase() == key.to_lowercase() || self.id.eq_ignore_ascii_case(key)
    }

    /// A plan by its id.
    pub fn find_plan(&self, id: u32) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id == id)
    }

    /// A point by its id.
    pub fn find_point(&self, id: u32) -> Option<&Point> {
        self.points.iter().find(|point| point.id == id)
    }

    /// The name of a configuration, empty when there is none.
    pub fn configuration_name(&self, id: u32) -> &str {
        self.configurations
            .iter()
            .find(|entry| entry.id == id)
            .map_or("", |entry| &entry.name)
    }

    pub(crate) fn plan_of_suite(&self, suite: u32) -> Option<&Plan> {
        self.plans
            .iter()
            .find(|plan| plan.suites.iter().any(|entry| entry.id == suite))
    }

    fn complete(&mut self) {
        if self.id.is_empty() {
            self.id = stable_guid(&self.name);
        }

        for plan in &mut self.plans {
            if plan
                .suites
                .iter()
                .all(|suite| suite.id != Plan::automatic_root(plan.id))
            {
                let root = Suite {
                    id: Plan::automatic_root(plan.id),
                    name: plan.name.clone(),
                    parent: None,
                };
                plan.suites.insert(0, root);
            }
            let root = plan.root();
            for suite in plan.suites.iter_mut().skip(1) {
                suite.parent.get_or_insert(root);
            }
        }

        let mut points = std::mem::take(&mut self.points);

        for point in &mut points {
            if point.plan == 0 {
                point.plan = self.plan_of_suite(point.suite).map_or(0, |plan| plan.id);
            }
        }

        self.points = points;
    }
}

impl Plan {
    /// A suite and, with `deep`, all suites below it.
    pub(crate) fn suites_from(&self, suite: u32, deep: bool) -> Vec<u32> {
        let mut found = vec![suite];
        let mut next = 0;

        while deep && next < found.len() {
            let parent = found[next];
            found.extend(
                self.suites
                    .iter()
                    .filter(|entry| entry.parent == Some(parent))
                    .map(|entry| entry.id),
            );
            next += 1;
        }

        found
    }
}

impl TestRun {
    /// The result with this id, to alter it.
    pub(crate) fn result_mut(&mut self, id: u32) -> Option<&mut TestResult> {
        self.results.iter_mut().find(|result| result.id == id)
    }
}
