//! What exists before anything is submitted: projects, plans, suites, points, work items, builds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A team project with everything that belongs to it but work items and runs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Project {
    /// The project's GUID, made of its name when empty.
    pub id: String,
    /// The project's name.
    pub name: String,
    /// Test configurations.
    pub configurations: Vec<Configuration>,
    /// Test plans.
    pub plans: Vec<Plan>,
    /// Test points of all plans.
    pub points: Vec<Point>,
    /// Build definitions besides those that builds name.
    pub build_definitions: Vec<Definition>,
    /// Release definitions besides those that releases name.
    pub release_definitions: Vec<Definition>,
    /// Builds, in the order they were made.
    pub builds: Vec<Build>,
    /// Classic releases, in the order they were made.
    pub releases: Vec<Release>,
}

/// A test configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Configuration {
    /// Its id.
    pub id: u32,
    /// Its name, such as `Windows 10`.
    pub name: String,
}

/// A build or release definition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Definition {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
}

/// A test plan with its suites, the root suite first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// `Active` or `Inactive`.
    #[serde(default = "active")]
    pub state: String,
    /// Path of its area; that of the project when empty.
    #[serde(default)]
    pub area_path: String,
    /// Path of its iteration; the first one of the project when empty.
    #[serde(default)]
    pub iteration: String,
    /// Its first day; the first of January 2026 when it has none.
    #[serde(default)]
    pub start_date: Option<String>,
    /// Its last day; the first of January 2027 when it has none.
    #[serde(default)]
    pub end_date: Option<String>,
    /// The plan's setting "sync outcome across suites".
    #[serde(default)]
    pub sync_outcome_across_suites: bool,
    /// Its suites, first the root ([`Plan::automatic_root`]), which is added when it is left out;
    /// a suite without a parent is below the root.
    #[serde(default)]
    pub suites: Vec<Suite>,
}

fn active() -> String {
    "Active".into()
}

impl Plan {
    /// The id of the root suite that a plan gets by itself.
    pub fn automatic_root(plan: u32) -> u32 {
        100_000 + plan
    }

    /// The id of the plan's root suite.
    pub fn root(&self) -> u32 {
        self.suites
            .first()
            .map_or_else(|| Plan::automatic_root(self.id), |suite| suite.id)
    }
}

/// A test suite.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Suite {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The suite above; `None` for the root suite.
    #[serde(default)]
    pub parent: Option<u32>,
}

/// A test point: a test case with a configuration in a suite.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Point {
    /// Its id.
    pub id: u32,
    /// The plan it is in.
    pub plan: u32,
    /// The suite it is in.
    pub suite: u32,
    /// The id of the test case.
    pub test_case: u32,
    /// The id of the configuration.
    pub configuration: u32,
    /// The run that touched it last.
    pub last_run: Option<u32>,
    /// The result that touched it last.
    pub last_result: Option<u32>,
    /// The outcome of that result.
    pub outcome: Option<String>,
    /// The state of that result.
    pub last_result_state: Option<String>,
}

/// A work item: a test case, a bug, …
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkItem {
    /// Its id, unique over all projects.
    pub id: u32,
    /// The name of its project.
    pub project: String,
    /// Its type, such as `Test Case`.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Its revision.
    pub rev: u32,
    /// Further fields by reference name.
    pub fields: BTreeMap<String, Value>,
}

/// A build of a pipeline.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Build {
    /// Its id.
    pub id: u32,
    /// The id of its definition.
    pub definition: u32,
    /// Its number, as people see it.
    pub number: String,
    /// `completed`, `inProgress`, …
    pub status: String,
    /// `succeeded`, `failed`, … once it is completed.
    #[serde(default)]
    pub result: Option<String>,
    /// When it finished.
    #[serde(default)]
    pub finished: Option<Timestamp>,
}

/// A classic release.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Release {
    /// Its id.
    pub id: u32,
    /// The id of its definition.
    pub definition: u32,
    /// Its name.
    pub name: String,
    /// `active`, `draft` or `abandoned`.
    pub status: String,
    /// Its stages in their order.
    #[serde(default)]
    pub stages: Vec<Stage>,
}

/// A stage ("environment") of a release.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stage {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// `notStarted`, `inProgress`, `succeeded`, …
    pub status: String,
    /// When its deployment started, if it did.
    #[serde(default)]
    pub started: Option<Timestamp>,
}
