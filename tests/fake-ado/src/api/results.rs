//! Reading results.

use serde_json::{Value, json};

use super::Call;
use super::core::identity;
use super::runs::put;
use crate::answer::{Answer, Outcome, bad, list, missing, ok};
use crate::query::id_of;
use crate::runs_model::{SubResult, TestResult, TestRun};

/// What `detailsToInclude` asks for.
fn details(call: &Call<'_>) -> String {
    call.query
        .get("detailsToInclude")
        .unwrap_or("none")
        .to_lowercase()
}

pub(super) fn list_results(call: &Call<'_>, run: u32) -> Outcome {
    let details = details(call);
    let most = if details == "none" { 1000 } else { 200 };
    let (skip, top) = call.window(most, most)?;
    let outcomes = call.query.get("outcomes").map(str::to_lowercase);
    let run = call.run(run)?;
    let wanted = run.results.iter().filter(|result| {
        let outcome = result.outcome.to_lowercase();
        outcomes
            .as_ref()
            .is_none_or(|wanted| wanted.split(',').any(|word| word.trim() == outcome))
    });

    Ok(list(
        wanted
            .skip(skip)
            .take(top)
            .map(|result| result_json(call, run, result, &details))
            .collect(),
    ))
}

/// The results of any runs that the body names by their ids.
pub(super) fn query(call: &Call<'_>) -> Outcome {
    let body = &call.body.value;
    let mut found = Vec::new();
    for named in body["results"].as_array().into_iter().flatten() {
        let run = id_of(&named["testRun"]["id"]).and_then(|id| call.run(id).ok());
        let id = id_of(&named["id"]);
        let Some((run, id)) = run.zip(id) else {
            return Err(bad("The value is not valid.\r\nParameter name: results"));
        };
        let result = run.result(id).ok_or_else(|| no_result(run.id, id))?;
        found.push(result_json(call, run, result, "none"));
    }

    Ok(ok(&json!({"fields": body["fields"], "results": found})))
}

pub(super) fn get(call: &Call<'_>, run: u32, id: u32) -> Outcome {
    let run = call.run(run)?;
    let result = run.result(id).ok_or_else(|| no_result(run.id, id))?;
    Ok(ok(&result_json(call, run, result, &details(call))))
}

/// 404: the id is not of this run.
pub(super) fn no_result(run: u32, id: u32) -> Answer {
    missing(&format!(
        "Test result {id} does not exist in test run {run}"
    ))
}

fn result_json(call: &Call<'_>, run: &TestRun, result: &TestResult, details: &str) -> Value {
    let mut answer = json!({"id": result.id, "project": {"id": call.project().id, "name": run.project},
        "outcome": result.outcome, "state": result.state, "revision": result.revision,
        "testRun": {"id": run.id.to_string(), "name": run.name}, "priority": result.priority.unwrap_or(255),
        "url": format!("{}/test/Runs/{}/Results/{}", call.apis(), run.id, result.id),
        "failureType": result.failure_type.as_deref().unwrap_or("None"),
        "testCaseTitle": result.title, "testCaseRevision": result.test_case_revision, "customFields": [],
        "createdDate": run.created, "lastUpdatedDate": result.updated, "lastUpdatedBy": identity(),
        "owner": identity(), "runBy": identity()});

    put(&mut answer, &references(call, run, result));
    put(
        &mut answer,
        &[
            ("startedDate", json!(result.started)),
            ("completedDate", json!(result.completed)),
            ("durationInMs", json!(result.duration_ms)),
            ("errorMessage", json!(result.error_message)),
            ("stackTrace", json!(result.stack_trace)),
            ("comment", json!(result.comment)),
            ("computerName", json!(result.computer_name)),
            ("automatedTestName", json!(result.automated_test_name)),
            ("automatedTestStorage", json!(result.automated_test_storage)),
            ("automatedTestType", json!(result.automated_test_type)),
            ("resultGroupType", json!(result.result_group_type)),
        ],
    );
    if details.contains("subresults") {
        answer["subResults"] = result.sub_results.iter().map(sub_result_json).collect();
    }

    answer
}

fn references(call: &Call<'_>, run: &TestRun, result: &TestResult) -> [(&'static str, Value); 5] {
    let id = |id: u32| json!({"id": id.to_string()});
    let plan = run.plan_id.map_or(Value::Null, id);
    let point = result.point_id.map_or(Value::Null, id);
    let case = result.test_case_id.map_or(
        Value::Null,
        |id| json!({"id": id.to_string(), "name": result.title}),
    );
    let named =
        |id: u32| json!({"id": id.to_string(), "name": call.project().configuration_name(id)});
    let configuration = result.configuration_id.map_or(Value::Null, named);
    let suite = result
        .point_id
        .and_then(|id| call.project().find_point(id))
        .map_or(Value::Null, |point| id(point.suite));

    [
        ("testPlan", plan),
        ("testPoint", point),
        ("testCase", case),
        ("configuration", configuration),
        ("testSuite", suite),
    ]
}

fn sub_result_json(sub: &SubResult) -> Value {
    let mut answer = json!({"id": sub.id, "outcome": sub.outcome});
    put(
        &mut answer,
        &[
            ("parentId", json!(sub.parent_id)),
            ("sequenceId", json!(sub.sequence_id)),
            ("displayName", json!(sub.display_name)),
            ("startedDate", json!(sub.started)),
            ("completedDate", json!(sub.completed)),
            ("durationInMs", json!(sub.duration_ms)),
            ("errorMessage", json!(sub.error_message)),
            ("stackTrace", json!(sub.stack_trace)),
            ("comment", json!(sub.comment)),
            ("computerName", json!(sub.computer_name)),
            ("resultGroupType", json!(sub.result_group_type)),
        ],
    );
    if !sub.sub_results.is_empty() {
        answer["subResults"] = sub.sub_results.iter().map(sub_result_json).collect();
    }

    answer
}
