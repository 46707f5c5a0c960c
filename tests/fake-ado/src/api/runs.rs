//! Runs: create, read, update, delete, count.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Call;
use super::core::identity;
use crate::answer::{Answer, Outcome, bad, invalid, missing, ok};
use crate::query::{cut, id_of, longer_than, moment_of, text_of};
use crate::runs_model::{RunBuild, TestResult, TestRun};

const CREATE_STATES: [&str; 4] = ["Unspecified", "NotStarted", "InProgress", "Waiting"];
const UPDATE_STATES: [&str; 6] = [
    "NotStarted",
    "InProgress",
    "Completed",
    "Aborted",
    "Waiting",
    "NeedsInvestigation",
];

/// A word of an enumeration in its proper case; unknown words are refused.
pub(super) fn word(
    value: Option<&str>,
    allowed: &[&str],
    parameter: &str,
) -> Result<Option<String>, Answer> {
    let Some(text) = value else { return Ok(None) };
    let found = allowed.iter().find(|word| word.eq_ignore_ascii_case(text));
    let refused = || {
        bad(&format!(
            "Invalid value specified\r\nParameter name: {parameter}"
        ))
    };

    found
        .map(|word| Some((*word).to_owned()))
        .ok_or_else(refused)
}

/// Refuses a text that is too long.
pub(super) fn at_most(body: &Value, name: &str, limit: usize) -> Result<(), Answer> {
    match body[name].as_str() {
        Some(text) if longer_than(text, limit) => Err(invalid(&format!(
            "The value of {name} is longer than the allowed {limit} characters."
        ))),
        _ => Ok(()),
    }
}

/// Refuses an end before its start.
pub(super) fn in_order(
    started: Option<Timestamp>,
    completed: Option<Timestamp>,
) -> Result<(), Answer> {
    match (started, completed) {
        (Some(started), Some(completed)) if completed < started => {
            Err(invalid("CompletedDate should be greater than StartedDate."))
        }
        _ => Ok(()),
    }
}

pub(super) fn create(call: &mut Call<'_>) -> Outcome {
    let mut run = requested(call)?;
    let ids = point_ids(&call.body.value)?;

    for id in &ids {
        let planned = planned_result(call, run.plan_id, *id, run.automated)?;
        run.results.push(planned);
    }

    for (number, result) in run.results.iter_mut().enumerate() {
        result.id = 100_000 + u32::try_from(number).unwrap_or(u32::MAX);
    }

    if !ids.is_empty() && run.state == "Unspecified" {
        run.state = "NotStarted".into();
    }

    run.point_ids = ids;
    let id = call.world.add_run(run);
    touch_points(call, id);
    let answer = run_json(call, call.run(id)?, false);

    Ok(ok(&answer))
}

fn requested(call: &Call<'_>) -> Result<TestRun, Answer> {
    let body = &call.body.value;
    let name = text_of(body, "name").filter(|name| !name.trim().is_empty());
    let name =
        name.ok_or_else(|| bad("The test run name must be specified.\r\nParameter name: name"))?;
    at_most(body, "name", 256)?;
    at_most(body, "comment", 1000)?;
    let state = word(body["state"].as_str(), &CREATE_STATES, "TestRunState")?;
    let (started, completed) = (
        moment_of(body, "startDate")?,
        moment_of(body, "completeDate")?,
    );
    in_order(started, completed)?;
    let plan_id = plan_of(call)?;
    let now = crate::query::now();

    Ok(TestRun {
        project: call.project().name.clone(),
        name,
        plan_id,
        state: state.unwrap_or_else(|| "Unspecified".into()),
        automated: body["automated"].as_bool().unwrap_or(false),
        comment: text_of(body, "comment"),
        error_message: text_of(body, "errorMessage"),
        started,
        completed,
        created: now,
        updated: now,
        build: build_of(call)?,
        pipeline_reference: pipeline_of(body)?,
        release_uri: text_of(body, "releaseUri"),
        release_environment_uri: text_of(body, "releaseEnvironmentUri"),
        tags: tags_of(body)?,
        revision: 2,
        ..TestRun::default()
    })
}

fn plan_of(call: &Call<'_>) -> Result<Option<u32>, Answer> {
    let plan = &call.body.value["plan"];
    if plan.is_null() || plan["id"].is_null() {
        return Ok(None);
    }

    let id = id_of(&plan["id"])
        .ok_or_else(|| bad("The plan id is not valid.\r\nParameter name: plan"))?;

    call.plan(id).map(|plan| Some(plan.id))
}

/// The linked build; where the project has builds it must be one of them.
fn build_of(call: &Call<'_>) -> Result<Option<RunBuild>, Answer> {
    let build = &call.body.value["build"];
    let Some(id) = id_of(build) else {
        return Ok(None);
    };
    let builds = &call.project().builds;

    if !builds.is_empty() && !builds.iter().any(|known| known.id == id) {
        return Err(bad(&format!(
            "The build {id} could not be found in the project.\r\nParameter name: build"
        )));
    }

    Ok(Some(RunBuild { id: id.to_string() }))
}

/// The place in a pipeline; an empty one, or one of another build than the linked one, is refused.
fn pipeline_of(body: &Value) -> Result<Option<Value>, Answer> {
    let reference = &body["pipelineReference"];
    if reference.is_null() {
        return Ok(None);
    }

    let pipeline = reference["pipelineId"].as_u64();

    if pipeline.is_none() || pipeline != id_of(&body["build"]).map(u64::from) {
        return Err(bad(
            "The pipeline id must be that of the build.\r\nParameter name: pipelineReference",
        ));
    }

    Ok(Some(reference.clone()))
}

fn tags_of(body: &Value) -> Result<Vec<String>, Answer> {
    let tags: Vec<String> = body["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|tag| text_of(tag, "name"))
        .collect();
    let fine = |tag: &String| tag.chars().count() < 30 && tag.chars().all(char::is_alphanumeric);

    if tags.len() > 5 || !tags.iter().all(fine) {
        return Err(invalid(
            "At most 5 alphanumeric tags of less than 30 characters are allowed.",
        ));
    }

    Ok(tags)
}

/// The points of the body, each once.
fn point_ids(body: &Value) -> Result<Vec<u32>, Answer> {
    let mut ids = Vec::new();
    for value in body["pointIds"].as_array().into_iter().flatten() {
        let id = id_of(value)
            .ok_or_else(|| bad("The value is not valid.\r\nParameter name: pointIds"))?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }

    Ok(ids)
}

/// The pending result a planned run begins with.
fn planned_result(
    call: &Call<'_>,
    plan: Option<u32>,
    id: u32,
    automated: bool,
) -> Result<TestResult, Answer> {
    let plan = plan.ok_or_else(|| {
        bad("A test plan must be specified for test points.\r\nParameter name: plan")
    })?;
    let point = call
        .project()
        .find_point(id)
        .filter(|point| point.plan == plan);
    let point = point.ok_or_else(|| missing(&format!("Test point {id} not found.")))?;
    let item = call.world.find_work_item(point.test_case);
    let manual = !item.is_some_and(|item| item.is_automated());

    if automated && manual && call.world.settings.refuse_automated_run_of_manual_cases {
        return Err(bad(&format!(
            "Test case {} has no associated automation.",
            point.test_case
        )));
    }

    Ok(TestResult {
        point_id: Some(id),
        test_case_id: Some(point.test_case),
        configuration_id: Some(point.configuration),
        title: item.map(|item| item.title.clone()).unwrap_or_default(),
        test_case_revision: item.map_or(1, |item| item.rev),
        state: "Pending".into(),
        outcome: "Unspecified".into(),
        revision: 1,
        updated: crate::query::now(),
        ..TestResult::default()
    })
}

/// Tells the points of a run about their last result.
pub(super) fn touch_points(call: &mut Call<'_>, id: u32) {
    let results = call
        .world
        .run(id)
        .map(|run| run.results.as_slice())
        .unwrap_or_default();
    let told = results.iter().map(|result| {
        (
            result.point_id,
            result.id,
            result.outcome.clone(),
            result.state.clone(),
        )
    });

    let told: Vec<_> = told.collect();
    let points = &mut call.project_mut().points;

    for (point, result, outcome, state) in told {
        if let Some(point) = points.iter_mut().find(|entry| Some(entry.id) == point) {
            point.last_run = Some(id);
            point.last_result = Some(result);
            point.outcome = Some(outcome);
            point.last_result_state = Some(state);
        }
    }
}

pub(super) fn get(call: &Call<'_>, id: u32) -> Outcome {
    Ok(ok(&run_json(call, call.run(id)?, true)))
}

pub(super) fn update(call: &mut Call<'_>, id: u32) -> Outcome {
    let body = std::mem::take(&mut call.body.value);
    let limit = call.world.settings.error_text_limit;
    let lost = call.world.settings.lose_result_of_point;
    let changed = call.world.settings.change_result_of_point;
    let run = call.run_mut(id)?;
    at_most(&body, "name", 256)?;
    at_most(&body, "comment", 1000)?;
    let state = word(body["state"].as_str(), &UPDATE_STATES, "TestRunState")?;

    if run.state == "Completed" && state.as_deref().is_some_and(|state| state != "Completed") {
        return Err(bad(&format!(
            "The state of test run {id} cannot be changed from Completed."
        )));
    }

    let started = moment_of(&body, "startedDate")?.or(run.started);
    let completed = moment_of(&body, "completedDate")?.or(run.completed);
    in_order(started, completed)?;
    let tags = tags_of(&body)?;
    (run.started, run.completed) = (started, completed);
    run.state = state.unwrap_or_else(|| run.state.clone());
    run.tags.extend(tags);
    take_texts(run, &body, limit);
    if body["deleteInProgressResults"] == true {
        run.results.retain(|result| result.state == "Completed");
    }

    if run.state == "Completed" {
        spoil(run, lost, changed);
    }

    run.revision += 1;
    run.updated = crate::query::now();

    Ok(ok(&run_json(call, call.run(id)?, true)))
}

/// Loses one result and changes another, where the world says so.
fn spoil(run: &mut TestRun, lost: Option<u32>, changed: Option<u32>) {
    if lost.is_some() {
        run.results.retain(|result| result.point_id != lost);
    }
    for result in &mut run.results {
        if changed.is_some() && result.point_id == changed {
            result.outcome = "Inconclusive".into();
        }
    }
}

/// What is left out or null stays.
fn take_texts(run: &mut TestRun, body: &Value, limit: usize) {
    for (name, member) in [
        ("comment", &mut run.comment),
        ("substate", &mut run.substate),
        ("releaseUri", &mut run.release_uri),
        ("releaseEnvironmentUri", &mut run.release_environment_uri),
        ("errorMessage", &mut run.error_message),
    ] {
        *member = text_of(body, name)
            .map(|text| cut(&text, limit))
            .or(member.take());
    }
    run.name = text_of(body, "name").unwrap_or_else(|| run.name.clone());
}

pub(super) fn delete(call: &mut Call<'_>, id: u32) -> Outcome {
    call.run(id)?;
    call.world.runs.retain(|run| run.id != id);
    Ok(Answer::empty(204))
}

pub(super) fn statistics(call: &Call<'_>, id: u32) -> Outcome {
    let run = call.run(id)?;
    let mut counts: BTreeMap<(&str, &str), u32> = BTreeMap::new();

    if !stale(call, run) {
        for result in &run.results {
            *counts.entry((&result.state, &result.outcome)).or_default() += 1;
        }
    }

    let rows: Vec<Value> = counts
        .iter()
        .map(
            |((state, outcome), count)| json!({"state": state, "outcome": outcome, "count": count}),
        )
        .collect();

    Ok(ok(
        &json!({"run": {"id": id.to_string(), "name": run.name, "url": run_url(call, id)}, "runStatistics": rows}),
    ))
}

fn run_url(call: &Call<'_>, id: u32) -> String {
    format!("{}/test/Runs/{id}", call.apis())
}

/// Whether the totals are not computed yet.
fn stale(call: &Call<'_>, run: &TestRun) -> bool {
    let lag = i128::from(call.world.settings.statistics_lag_ms);
    lag > 0 && crate::query::now().duration_since(run.updated).as_millis() < lag
}

/// A run as JSON; the comment and more only with details.
pub(super) fn run_json(call: &Call<'_>, run: &TestRun, details: bool) -> Value {
    let total = run.results.len();
    let done = run
        .results
        .iter()
        .filter(|result| result.state == "Completed" && !stale(call, run));
    let of = |outcome: &str| {
        done.clone()
            .filter(|result| result.outcome == outcome)
            .count()
    };
    let mut answer = json!({"id": run.id, "name": run.name, "url": run_url(call, run.id), "isAutomated": run.automated,
        "owner": identity(), "project": {"id": call.project().id, "name": run.project}, "state": run.state,
        "totalTests": total, "incompleteTests": total - done.clone().count(), "notApplicableTests": of("NotApplicable"),
        "passedTests": of("Passed"), "unanalyzedTests": of("Failed"), "revision": run.revision,
        "webAccessUrl": format!("{}/{}/_TestManagement/Runs?runId={}&_a=runCharts", call.base, run.project, run.id)});
    put(
        &mut answer,
        &[
            ("startedDate", json!(run.started)),
            ("completedDate", json!(run.completed)),
            (
                "plan",
                run.plan_id
                    .map_or(Value::Null, |id| json!({"id": id.to_string()})),
            ),
            (
                "build",
                run.build
                    .as_ref()
                    .map_or(Value::Null, |build| json!({"id": build.id})),
            ),
            ("releaseUri", json!(run.release_uri)),
            ("releaseEnvironmentUri", json!(run.release_environment_uri)),
        ],
    );
    if details {
        put(&mut answer, &more_of_run(run));
    }

    answer
}

fn more_of_run(run: &TestRun) -> [(&'static str, Value); 7] {
    let tags = run.tags.iter().map(|tag| json!({"name": tag})).collect();
    [
        ("comment", json!(run.comment)),
        ("errorMessage", json!(run.error_message)),
        ("createdDate", json!(run.created)),
        ("lastUpdatedDate", json!(run.updated)),
        ("lastUpdatedBy", identity()),
        ("substate", json!(run.substate)),
        ("tags", tags),
    ]
}

/// Members that are left out when they are not set.
pub(super) fn put(answer: &mut Value, members: &[(&str, Value)]) {
    for (name, value) in members {
        if !value.is_null() {
            answer[*name] = value.clone();
        }
    }
}
