//! Test points in the old `test` area: ids of references are texts, pages by `$skip` and `$top`.

use serde_json::{Value, json};

use super::Call;
use super::plans::covered;
use crate::answer::{Outcome, list, ok};
use crate::model::Point;

fn point_json(call: &Call<'_>, point: &Point) -> Value {
    let project = call.project();
    let url = format!(
        "{}/test/Plans/{}/Suites/{}/Points/{}",
        call.apis(),
        point.plan,
        point.suite,
        point.id
    );

    let item = call.world.find_work_item(point.test_case);
    let automated = item.is_some_and(|item| item.is_automated());
    let status = if automated {
        "Automated"
    } else {
        "Not Automated"
    };
    let done = point.last_result_state.as_deref() == Some("Completed");
    let mut answer = json!({"id": point.id, "url": url, "automated": automated,
        "configuration": {"id": point.configuration.to_string(), "name": project.configuration_name(point.configuration)},
        "suite": {"id": point.suite.to_string()}, "testCase": {"id": point.test_case.to_string()},
        "testPlan": {"id": point.plan.to_string()}, "state": if done { "Completed" } else { "Ready" },
        "outcome": point.outcome.as_deref().unwrap_or("Unspecified"),
        "workItemProperties": [{"workItem": {"key": "Microsoft.VSTS.TCM.AutomationStatus", "value": status}}]});

    if let (Some(run), Some(result)) = (point.last_run, point.last_result) {
        answer["lastTestRun"] = json!({"id": run.to_string()});
        answer["lastResult"] = json!({"id": result.to_string()});
        answer["lastResultState"] = json!(point.last_result_state);
    }

    answer
}

/// `GET …/Suites/{s}/points`: one suite, not those below; `testCaseId` is ignored with
/// `configurationId`.
pub(super) fn of_suite(call: &Call<'_>, plan: u32, suite: u32) -> Outcome {
    let suites = covered(call, plan, suite, false)?;
    let (skip, top) = call.window(call.world.settings.points_default_top, 10_000)?;
    let configuration = call.query.number("configurationId")?;
    let test_case = call
        .query
        .number("testCaseId")?
        .filter(|_| configuration.is_none());
    let ids = call.query.ids("testPointIds")?;
    let wanted = call.project().points.iter().filter(|point| {
        suites.contains(&point.suite)
            && configuration.is_none_or(|id| point.configuration as usize == id)
            && test_case.is_none_or(|id| point.test_case as usize == id)
            && ids.as_ref().is_none_or(|ids| ids.contains(&point.id))
    });

    Ok(list(
        wanted
            .skip(skip)
            .take(top)
            .map(|point| point_json(call, point))
            .collect(),
    ))
}

/// `POST test/points`: the points of every plan of the project; what does not fit the page is cut
/// silently.
pub(super) fn query(call: &Call<'_>) -> Outcome {
    let (skip, top) = call.window(call.world.settings.points_default_top, 10_000)?;
    let filter = &call.body.value["pointsFilter"];
    let cases: Option<Vec<u64>> =
        member(filter, "testcaseIds").map(|ids| ids.iter().filter_map(Value::as_u64).collect());
    let names: Option<Vec<String>> = member(filter, "configurationNames").map(|names| {
        names
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_lowercase)
            .collect()
    });

    let project = call.project();
    let wanted = project.points.iter().filter(|point| {
        let name = project
            .configuration_name(point.configuration)
            .to_lowercase();
        cases
            .as_ref()
            .is_none_or(|ids| ids.contains(&u64::from(point.test_case)))
            && names.as_ref().is_none_or(|names| names.contains(&name))
    });

    let points: Vec<Value> = wanted
        .skip(skip)
        .take(top)
        .map(|point| point_json(call, point))
        .collect();

    Ok(ok(&json!({"points": points, "pointsFilter": filter})))
}

/// A list that is there and not empty.
fn member<'a>(filter: &'a Value, name: &str) -> Option<&'a Vec<Value>> {
    filter.as_object()?;
    filter[name].as_array().filter(|items| !items.is_empty())
}
