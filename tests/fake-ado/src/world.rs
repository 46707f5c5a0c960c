//! The world and the builder that lays it out.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::entra::{Application, Entra, Proof};
use crate::model::{
    Build, Configuration, Definition, Plan, Point, Project, Release, Suite, WorkItem,
};
use crate::runs_model::TestRun;
use crate::settings::Settings;

/// Everything that exists in one organization (or collection). Its JSON form is what
/// `fake-ado --world FILE` reads and `GET /_fake/world` answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct World {
    pub(crate) organization: String,
    #[serde(skip_serializing)]
    pub(crate) tokens: Vec<String>,
    /// Scopes of tokens; a token that is not in here may do everything.
    #[serde(skip_serializing)]
    pub(crate) scopes: BTreeMap<String, Vec<String>>,
    /// The virtual directory before the organization or collection, such as `tfs`.
    #[serde(skip_serializing)]
    pub(crate) virtual_directory: String,
    /// Identities of Entra, alterable while the server runs.
    #[serde(skip)]
    pub entra: Entra,
    /// The switches, alterable while the server runs.
    pub settings: Settings,
    pub(crate) projects: Vec<Project>,
    pub(crate) work_items: Vec<WorkItem>,
    pub(crate) runs: Vec<TestRun>,
    pub(crate) last_run_id: u32,
    pub(crate) last_attachment_id: u32,
    #[serde(skip_serializing)]
    pub(crate) schema: Option<PathBuf>,
    #[serde(skip_serializing)]
    pub(crate) without_schema: bool,
}

impl World {
    /// An empty organization.
    pub fn new(organization: &str) -> World {
        World {
            organization: organization.into(),
            ..World::default()
        }
    }

    /// The world the program starts with: project Shop, plan 18, two suites, three test cases,
    /// token `demo-token`.
    pub fn demo() -> World {
        World::new("acme")
            .token("demo-token")
            .project("Shop")
            .configuration(1, "Windows 10")
            .configuration(2, "Ubuntu")
            .plan(18, "Release 1")
            .suite(21, "Account")
            .suite(22, "Checkout")
            .test_case(12, "Login")
            .test_case(13, "Register")
            .test_case(14, "Pay by card")
            .point(5, 21, 12, 1)
            .point(6, 21, 13, 1)
            .point(7, 22, 14, 1)
            .point(8, 21, 12, 2)
            .build(637, 12, "20260102.1")
    }

    /// Accepts a token, as Basic password or as Bearer. Without one every request is refused.
    pub fn token(mut self, token: &str) -> Self {
        self.tokens.push(token.into());
        self
    }

    /// Accepts a token that has only these scopes, such as `vso.test_write`.
    pub fn token_with(mut self, token: &str, scopes: &[&str]) -> Self {
        self.scopes.insert(
            token.into(),
            scopes.iter().map(|scope| (*scope).into()).collect(),
        );
        self.token(token)
    }

    /// Registers an application of Entra that proves itself with a secret.
    pub fn application(mut self, tenant: &str, client_id: &str, secret: &str) -> Self {
        let proof = Proof::Secret(secret.into());
        self.entra.applications.push(Application {
            tenant: tenant.into(),
            client_id: client_id.into(),
            proof,
        });
        self
    }

    /// Registers an application of Entra that proves itself with a certificate: the certificate and
    /// its public key, as DER.
    pub fn application_with_certificate(
        mut self,
        tenant: &str,
        client_id: &str,
        certificate: &[u8],
        key: &[u8],
    ) -> Self {
        let proof = Proof::Certificate(certificate.into(), key.into());
        self.entra.applications.push(Application {
            tenant: tenant.into(),
            client_id: client_id.into(),
            proof,
        });
        self
    }

    /// Registers an application of Entra that a token of another issuer proves.
    pub fn federated_application(mut self, tenant: &str, client_id: &str, token: &str) -> Self {
        self.entra.applications.push(Application {
            tenant: tenant.into(),
            client_id: client_id.into(),
            proof: Proof::Federated(token.into()),
        });
        self
    }

    /// Gives the machine a managed identity; the first is the default one.
    pub fn managed_identity(mut self, client_id: &str) -> Self {
        self.entra.managed.push(client_id.into());
        self
    }

    /// Alters the switches.
    pub fn with(mut self, alter: impl FnOnce(&mut Settings)) -> Self {
        alter(&mut self.settings);
        self
    }

    /// Checks request bodies against this API description instead of the one found beside the
    /// workspace.
    pub fn schema(mut self, path: impl Into<PathBuf>) -> Self {
        self.schema = Some(path.into());
        self
    }

    /// Checks no request bodies: unknown members are ignored silently, as the real service does.
    pub fn no_schema(mut self) -> Self {
        self.without_schema = true;
        self
    }

    /// Adds a project; what is added next belongs to it.
    pub fn project(mut self, name: &str) -> Self {
        let id = stable_guid(name);
        self.projects.push(Project {
            id,
            name: name.into(),
            ..Project::default()
        });
        self
    }

    /// Adds a test configuration.
    pub fn configuration(mut self, id: u32, name: &str) -> Self {
        self.last_project().configurations.push(Configuration {
            id,
            name: name.into(),
        });
        self
    }

    /// Adds a plan with its root suite, whose id is [`Plan::automatic_root`].
    pub fn plan(mut self, id: u32, name: &str) -> Self {
        let root = Suite {
            id: Plan::automatic_root(id),
            name: name.into(),
            parent: None,
        };
        self.last_project().plans.push(Plan {
            id,
            name: name.into(),
            state: "Active".into(),
            area_path: String::new(),
            iteration: String::new(),
            start_date: None,
            end_date: None,
            sync_outcome_across_suites: false,
            suites: vec![root],
        });
        self
    }

    /// Gives the last plan its first and its last moment, such as `2026-05-01T00:00:00Z`.
    pub fn between(mut self, start: &str, end: &str) -> Self {
        let plan = self.last_plan();
        plan.start_date = Some(start.into());
        plan.end_date = Some(end.into());
        self
    }

    /// Puts the last plan into an area and an iteration, by their paths.
    pub fn in_area(mut self, area: &str, iteration: &str) -> Self {
        let plan = self.last_plan();
        plan.area_path = area.into();
        plan.iteration = iteration.into();
        self
    }

    /// Adds a suite below the root of the last plan.
    pub fn suite(mut self, id: u32, name: &str) -> Self {
        let plan = self
            .last_project()
            .plans
            .last_mut()
            .expect("a suite needs a plan before it");
        plan.suites.push(Suite {
            id,
            name: name.into(),
            parent: Some(plan.root()),
        });
        self
    }

    /// Adds a suite below another suite of the last plan.
    pub fn suite_below(mut self, parent: u32, id: u32, name: &str) -> Self {
        let plan = self
            .last_project()
            .plans
            .last_mut()
            .expect("a suite needs a plan before it");
        plan.suites.push(Suite {
            id,
            name: name.into(),
            parent: Some(parent),
        });
        self
    }

    /// Adds a test case.
    pub fn test_case(self, id: u32, title: &str) -> Self {
        let kind = self
            .settings
            .test_case_types
            .first()
            .cloned()
            .unwrap_or_else(|| "Test Case".into());
        self.work_item(id, &kind, title)
    }

    /// Adds a work item of any type.
    pub fn work_item(mut self, id: u32, kind: &str, title: &str) -> Self {
        let project = self.last_project().name.clone();
        let item = WorkItem {
            id,
            project,
            kind: kind.into(),
            title: title.into(),
            rev: 1,
            ..WorkItem::default()
        };

        self.work_items.push(item);

        self
    }

    /// Adds a test point.
    pub fn point(mut self, id: u32, suite: u32, test_case: u32, configuration: u32) -> Self {
        let project = self.last_project();
        let plan = project
            .plan_of_suite(suite)
            .expect("a point needs its suite before it")
            .id;
        project.points.push(Point {
            id,
            plan,
            suite,
            test_case,
            configuration,
            ..Point::default()
        });

        self
    }

    /// Adds a completed, succeeded build. For other states change it through
    /// [`World::project_mut`].
    pub fn build(mut self, id: u32, definition: u32, number: &str) -> Self {
        self.last_project().builds.push(Build {
            id,
            definition,
            number: number.into(),
            status: "completed".into(),
            result: Some("succeeded".into()),
            finished: Some(crate::query::now()),
        });
        self
    }

    /// Adds a build definition that has no build yet; those of builds are there by themselves.
    pub fn build_definition(mut self, id: u32, name: &str) -> Self {
        self.last_project().build_definitions.push(Definition {
            id,
            name: name.into(),
        });
        self
    }

    /// Adds a release definition that has no release yet; those of releases are there by
    /// themselves.
    pub fn release_definition(mut self, id: u32, name: &str) -> Self {
        self.last_project().release_definitions.push(Definition {
            id,
            name: name.into(),
        });
        self
    }

    /// Adds an active classic release with its stages.
    pub fn release(mut self, release: Release) -> Self {
        self.last_project().releases.push(release);
        self
    }

    fn last_plan(&mut self) -> &mut Plan {
        let plans = &mut self.last_project().plans;
        plans.last_mut().expect("a plan comes first")
    }

    fn last_project(&mut self) -> &mut Project {
        self.projects.last_mut().expect("a project comes first")
    }
}

/// A GUID that only depends on the name.
pub(crate) fn stable_guid(name: &str) -> String {
    let hex = blake3::hash(name.as_bytes()).to_hex();
    format!(
        "{}-{}-4{}-8{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..32]
    )
}
