//! The operations of the service, by area.

mod attachments;
mod builds;
mod core;
mod plans;
mod points;
mod results;
mod results_write;
mod run_lists;
mod runs;
mod work_items;

use hyper::HeaderMap;
use serde_json::Value;

use crate::answer::{Answer, Outcome, error, list, missing, no_route};
use crate::body::Body;
use crate::model::{Plan, Project};
use crate::query::Query;
use crate::route::{Route, Version};
use crate::runs_model::TestRun;
use crate::world::World;

/// The recorded entries of the resource-location table for what is implemented.
const LOCATIONS: &str = include_str!("locations.json");

/// An authorized call of a known operation.
pub(crate) struct Call<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) project: Option<usize>,
    pub(crate) query: Query,
    pub(crate) body: Body<'a>,
    pub(crate) base: &'a str,
    pub(crate) version: Version,
    pub(crate) headers: &'a HeaderMap,
}

impl Call<'_> {
    /// The project named by the path. Routes without one do not ask.
    fn project(&self) -> &Project {
        let index = self.project.expect("the route has a project");
        &self.world.projects[index]
    }

    fn project_mut(&mut self) -> &mut Project {
        let index = self.project.expect("the route has a project");
        &mut self.world.projects[index]
    }

    /// `{base}/{project}/_apis`.
    fn apis(&self) -> String {
        format!("{}/{}/_apis", self.base, self.project().name)
    }

    /// `$skip` and `$top`, at most as many as this server gives.
    fn window(&self, default_top: usize, max_top: usize) -> Result<(usize, usize), Answer> {
        let most = max_top.min(self.world.settings.most_on_a_page);
        self.query.window(default_top, most)
    }

    fn plan(&self, id: u32) -> Result<&Plan, Answer> {
        self.project()
            .find_plan(id)
            .ok_or_else(|| missing(&format!("Test plan {id} not found.")))
    }

    fn run(&self, id: u32) -> Result<&TestRun, Answer> {
        let run = self
            .world
            .run(id)
            .filter(|run| run.project == self.project().name);
        run.ok_or_else(|| no_run(id))
    }

    fn run_mut(&mut self, id: u32) -> Result<&mut TestRun, Answer> {
        let project = self.project().name.clone();
        let run = self.world.run_mut(id).filter(|run| run.project == project);
        run.ok_or_else(|| no_run(id))
    }
}

fn no_run(id: u32) -> Answer {
    missing(&format!("Test run {id} not found."))
}

/// Calls the operation of a method on a route.
pub(crate) fn dispatch(method: &str, route: &Route, mut call: Call<'_>) -> Outcome {
    use Route as R;
    let call = &mut call;

    match (method, route) {
        ("GET", R::ConnectionData) => core::connection_data(call),
        ("GET", R::ResourceAreas) => Ok(list(Vec::new())),
        ("GET", R::Projects) => core::projects(call),
        ("GET", R::Project(key)) => core::project(call, key),
        ("GET", R::SuitesOfTestCase) => plans::suites_of_test_case(call),
        ("GET", R::Plans) => plans::plans(call),
        ("GET", R::Plan(plan)) => plans::plan(call, *plan),
        ("GET", R::Suites(plan)) => plans::suites(call, *plan),
        ("GET", R::Configurations) => plans::configurations(call),
        ("GET", R::TestPoints(plan, suite)) => plans::test_points(call, *plan, *suite),
        ("GET", R::OldPoints(plan, suite)) => points::of_suite(call, *plan, *suite),
        ("POST", R::PointsQuery) => points::query(call),
        ("POST", R::ResultsQuery) => results::query(call),
        ("POST", R::WorkItemsBatch) => work_items::batch(call),
        ("POST", R::Wiql) => work_items::query(call),
        ("GET", R::WorkItem(id)) => work_items::get(call, *id),
        ("PATCH", R::WorkItem(id)) => work_items::patch(call, *id),
        ("GET", R::WorkItemTypeCategory(name)) => work_items::category(call, name),
        ("GET", R::Builds) => builds::builds(call),
        ("GET", R::Build(id)) => builds::build(call, *id),
        ("GET", R::Releases) => builds::releases(call),
        ("GET", R::Release(id)) => builds::release(call, *id),
        ("GET", R::BuildDefinition(id)) => builds::build_definition(call, *id),
        ("GET", R::ReleaseDefinition(id)) => builds::release_definition(call, *id),
        _ => dispatch_runs(method, route, call),
    }
}

fn dispatch_runs(method: &str, route: &Route, call: &mut Call<'_>) -> Outcome {
    use Route as R;
    match (method, route) {
        ("POST", R::Runs) => runs::create(call),
        ("GET", R::Runs) => run_lists::list_runs(call),
        ("GET", R::Run(run)) => runs::get(call, *run),
        ("PATCH", R::Run(run)) => runs::update(call, *run),
        ("DELETE", R::Run(run)) => runs::delete(call, *run),
        ("GET", R::Statistics(run)) => runs::statistics(call, *run),
        ("GET", R::Results(run)) => results::list_results(call, *run),
        ("GET", R::Result(run, result)) => results::get(call, *run, *result),
        ("POST", R::Results(run)) => results_write::add(call, *run),
        ("PATCH", R::Results(run)) => results_write::update(call, *run),
        ("POST", R::RunAttachments(run)) => attachments::add(call, *run, None),
        ("POST", R::ResultAttachments(run, result)) => attachments::add(call, *run, Some(*result)),
        ("GET", R::RunAttachments(run)) => attachments::all(call, *run, None),
        ("GET", R::ResultAttachments(run, result)) => attachments::all(call, *run, Some(*result)),
        ("GET", R::RunAttachment(run, id)) => attachments::content(call, *run, None, *id),
        ("GET", R::ResultAttachment(run, result, id)) => {
            attachments::content(call, *run, Some(*result), *id)
        }
        (_, R::Locations) => Err(no_route("_apis")),
        _ => {
            let message =
                format!("The requested resource does not support http method '{method}'.");
            Err(error(
                405,
                "System.NotSupportedException, mscorlib",
                &message,
            ))
        }
    }
}

/// `OPTIONS _apis[/area]`: where the resources are, for clients that negotiate.
pub(crate) fn locations(area: Option<&str>, max: &str) -> Answer {
    let table: Vec<Value> = serde_json::from_str(LOCATIONS).expect("the table is valid JSON");
    let wanted = table.into_iter().filter(|entry| {
        area.is_none_or(|area| {
            entry["area"]
                .as_str()
                .is_some_and(|name| name.eq_ignore_ascii_case(area))
        })
    });

    list(wanted.map(|entry| capped(entry, max)).collect())
}

fn capped(mut entry: Value, max: &str) -> Value {
    let number = |text: &str| text.parse::<f64>().unwrap_or(0.0);
    for key in ["maxVersion", "releasedVersion"] {
        if number(entry[key].as_str().unwrap_or_default()) > number(max) {
            entry[key] = max.into();
        }
    }

    entry
}
