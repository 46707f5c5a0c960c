//! The `testplan` area: ids are numbers, enumerations camelCase, pages have continuation tokens.

use serde_json::{Value, json};

use super::Call;
use super::core::identity;
use crate::answer::{Outcome, bad, missing, ok, page};
use crate::model::{Plan, Point, Project, Suite};

fn project_reference(project: &Project) -> Value {
    json!({"id": project.id, "name": project.name})
}

fn plan_json(call: &Call<'_>, plan: &Plan) -> Value {
    let project = call.project();
    let or = |path: &str, default: String| {
        if path.is_empty() {
            default
        } else {
            path.to_owned()
        }
    };
    let first_iteration = format!("{}\\Iteration 1", project.name);
    json!({"id": plan.id, "name": plan.name, "project": project_reference(project),
        "areaPath": or(&plan.area_path, project.name.clone()),
        "iteration": or(&plan.iteration, first_iteration), "owner": identity(),
        "startDate": plan.start_date.as_deref().unwrap_or("2026-01-01T00:00:00Z"),
        "endDate": plan.end_date.as_deref().unwrap_or("2027-01-01T00:00:00Z"), "state": plan.state,
        "rootSuite": {"id": plan.root(), "name": plan.name}, "revision": 3,
        "testOutcomeSettings": {"syncOutcomeAcrossSuites": plan.sync_outcome_across_suites}})
}

pub(super) fn plans(call: &Call<'_>) -> Outcome {
    let active_only = call.query.flag("filterActivePlans") == Some(true);
    let wanted = call
        .project()
        .plans
        .iter()
        .filter(|plan| !active_only || plan.state.eq_ignore_ascii_case("active"));
    paged(call, wanted.map(|plan| plan_json(call, plan)).collect())
}

pub(super) fn plan(call: &Call<'_>, id: u32) -> Outcome {
    Ok(ok(&plan_json(call, call.plan(id)?)))
}

pub(super) fn configurations(call: &Call<'_>) -> Outcome {
    let project = project_reference(call.project());
    let all = call.project().configurations.iter().map(|configuration| {
        json!({"id": configuration.id, "name": configuration.name, "description": "", "isDefault": false,
            "state": "active", "values": [], "project": project})
    });
    paged(call, all.collect())
}

fn paged(call: &Call<'_>, all: Vec<Value>) -> Outcome {
    let from = call.query.continuation()?;
    Ok(page(all, from, call.world.settings.page_size, |next| {
        next.to_string()
    }))
}

fn suite_json(call: &Call<'_>, plan: &Plan, suite: &Suite) -> Value {
    let kind = if suite.parent.is_some() {
        "staticTestSuite"
    } else {
        "none"
    };
    let mut answer = json!({"id": suite.id, "name": suite.name, "revision": 1, "project": project_reference(call.project()),
        "plan": {"id": plan.id, "name": plan.name}, "suiteType": kind, "inheritDefaultConfigurations": true,
        "hasChildren": plan.suites.iter().any(|other| other.parent == Some(suite.id))});
    let above = plan
        .suites
        .iter()
        .find(|other| Some(other.id) == suite.parent);
    if let Some(above) = above {
        answer["parentSuite"] = json!({"id": above.id, "name": above.name});
    }

    answer
}

/// The children of a suite, each with its own: `asTreeView=true`.
fn tree(call: &Call<'_>, plan: &Plan, parent: Option<u32>) -> Vec<Value> {
    let level = plan.suites.iter().filter(|suite| suite.parent == parent);
    level
        .map(|suite| {
            let mut answer = suite_json(call, plan, suite);
            answer["children"] = tree(call, plan, Some(suite.id)).into();
            answer
        })
        .collect()
}

pub(super) fn suites(call: &Call<'_>, id: u32) -> Outcome {
    let plan = call.plan(id)?;
    let all = if call.query.flag("asTreeView") == Some(true) {
        tree(call, plan, None)
    } else {
        plan.suites
            .iter()
            .map(|suite| suite_json(call, plan, suite))
            .collect()
    };

    paged(call, all)
}

/// Organization level: the suites of all projects that hold a test case.
pub(super) fn suites_of_test_case(call: &Call<'_>) -> Outcome {
    let wanted = call
        .query
        .number("testCaseId")?
        .ok_or_else(|| bad("testCaseId must be specified."))?;
    let mut found: Vec<Value> = Vec::new();

    for project in &call.world.projects {
        for plan in &project.plans {
            let holds = |suite: &&Suite| {
                project
                    .points
                    .iter()
                    .any(|point| point.suite == suite.id && point.test_case as usize == wanted)
            };
            found.extend(plan.suites.iter().filter(holds).map(|suite| {
                json!({"id": suite.id, "name": suite.name, "project": project_reference(project),
                    "plan": {"id": plan.id, "name": plan.name}, "suiteType": "staticTestSuite"})
            }));
        }
    }

    let count = found.len();

    Ok(page(found, 0, count.max(1), |next| next.to_string()))
}

/// The suites a read of points covers.
pub(super) fn covered(
    call: &Call<'_>,
    plan: u32,
    suite: u32,
    deep: bool,
) -> Result<Vec<u32>, crate::answer::Answer> {
    let plan = call.plan(plan)?;
    if !plan.suites.iter().any(|entry| entry.id == suite) {
        return Err(missing(&format!("Test suite {suite} not found.")));
    }

    Ok(plan.suites_from(suite, deep))
}

pub(super) fn test_points(call: &Call<'_>, plan: u32, suite: u32) -> Outcome {
    let deep = call.version >= (6, 0) && call.query.flag("isRecursive") == Some(true);
    let suites = covered(call, plan, suite, deep)?;
    let plan = call.plan(plan)?;
    let test_case = call.query.number("testCaseId")?;
    let ids = call.query.ids("testPointIds")?;
    let wanted = call.project().points.iter().filter(|point| {
        suites.contains(&point.suite)
            && test_case.is_none_or(|id| point.test_case as usize == id)
            && ids.as_ref().is_none_or(|ids| ids.contains(&point.id))
    });
    let details = call.query.flag("includePointDetails") != Some(false);
    let all = wanted
        .map(|point| point_json(call, plan, point, details))
        .collect();
    let from = match call.query.get("continuationToken") {
        Some(token) => token
            .strip_prefix("-2147483648;")
            .and_then(|next| next.parse().ok()),
        None => Some(0),
    };
    let from = from.ok_or_else(|| bad("The continuation token is not valid."))?;

    Ok(page(all, from, call.world.settings.page_size, |next| {
        format!("-2147483648;{next}")
    }))
}

fn point_json(call: &Call<'_>, plan: &Plan, point: &Point, details: bool) -> Value {
    let suite = plan.suites.iter().find(|suite| suite.id == point.suite);
    let item = call.world.find_work_item(point.test_case);
    let title = item.map_or("", |item| &item.title);
    let automated = item.is_some_and(|item| item.is_automated());
    let mut answer = json!({"id": point.id, "testCaseReference": {"id": point.test_case, "name": title, "state": "Design"},
        "configuration": {"id": point.configuration, "name": call.project().configuration_name(point.configuration)},
        "testPlan": {"id": plan.id, "name": plan.name},
        "testSuite": {"id": point.suite, "name": suite.map_or("", |suite| &suite.name)},
        "project": project_reference(call.project()), "tester": identity(),
        "isActive": true, "isAutomated": automated});
    if details {
        answer["results"] = last_result(point);
    }

    answer
}

fn last_result(point: &Point) -> Value {
    let Some(run) = point.last_run else {
        return json!({"outcome": "unspecified", "state": "ready", "lastResultState": "unspecified"});
    };
    let camel = |text: &Option<String>| camel_case(text.as_deref().unwrap_or("Unspecified"));
    let done = point.last_result_state.as_deref() == Some("Completed");

    json!({"lastTestRunId": run, "lastResultId": point.last_result, "outcome": camel(&point.outcome),
        "lastResultState": camel(&point.last_result_state), "state": if done { "completed" } else { "inProgress" }})
}

/// An enumeration as newer operations write it.
pub(super) fn camel_case(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}
