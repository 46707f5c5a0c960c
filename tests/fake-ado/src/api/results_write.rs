//! Adding and updating results. A batch is taken as a whole or not at all; sub-results are
//! appended.

use serde_json::{Value, json};

use super::Call;
use super::results::no_result;
use super::runs::{at_most, in_order, touch_points, word};
use crate::answer::{Answer, Outcome, bad, invalid, list, missing};
use crate::query::{cut, id_of, moment_of, text_of};
use crate::runs_model::{SubResult, TestResult, TestRun};

const OUTCOMES: [&str; 15] = [
    "Unspecified",
    "None",
    "Passed",
    "Failed",
    "Inconclusive",
    "Timeout",
    "Aborted",
    "Blocked",
    "NotExecuted",
    "Warning",
    "Error",
    "NotApplicable",
    "Paused",
    "InProgress",
    "NotImpacted",
];
const STATES: [&str; 6] = [
    "Unspecified",
    "Pending",
    "Queued",
    "InProgress",
    "Paused",
    "Completed",
];
const FAILURE_TYPES: [&str; 5] = ["Known Issue", "New Issue", "Regression", "Unknown", "None"];
const GROUPS: [&str; 5] = ["none", "rerun", "dataDriven", "orderedTest", "generic"];

/// The results of the body, when the run still takes any.
fn batch(body: Value, run: &TestRun) -> Result<Vec<Value>, Answer> {
    let Value::Array(items) = body else {
        return Err(bad("Value cannot be null.\r\nParameter name: results"));
    };
    if items.is_empty() || items.len() > 1000 {
        return Err(bad(
            "Between 1 and 1000 results are allowed in a request.\r\nParameter name: results",
        ));
    }

    if run.state == "Completed" {
        return Err(bad(&format!(
            "Test run {} is completed. Test results cannot be added or updated.",
            run.id
        )));
    }

    Ok(items)
}

/// The short answer to both, in the order of the request.
fn short(run: u32, results: &[(u32, Vec<u32>)], outcomes: &[Value]) -> Answer {
    let values = results.iter().zip(outcomes).map(|((id, subs), item)| {
        let mut value = json!({"id": id, "project": {}, "testRun": {"id": run.to_string()}, "priority": 0,
            "lastUpdatedBy": {"displayName": null, "id": null}, "url": ""});
        if let Some(outcome) = item["outcome"].as_str() {
            value["outcome"] = outcome.into();
        }
        if !subs.is_empty() {
            value["subResults"] = subs.iter().map(|id| json!({"id": id})).collect();
        }
        value
    });
    list(values.collect())
}

pub(super) fn update(call: &mut Call<'_>, id: u32) -> Outcome {
    let body = std::mem::take(&mut call.body.value);
    let limit = call.world.settings.error_text_limit;
    let refuses_failure_types = call.world.settings.refuse_failure_types;
    let run = call.run_mut(id)?;
    let items = batch(body, run)?;
    let mut changed: Vec<(TestResult, Vec<SubResult>)> = Vec::new();

    for item in &items {
        if refuses_failure_types && item["failureType"].is_string() {
            return Err(bad(
                "Invalid value specified\r\nParameter name: FailureType",
            ));
        }
        let Some(result) = id_of(&item["id"]).filter(|id| *id > 0) else {
            return Err(bad(
                "TestResult Id must be specified\r\nParameter name: TestResult",
            ));
        };
        if changed.iter().any(|(other, _)| other.id == result) {
            return Err(bad(&format!(
                "Test result {result} is given twice.\r\nParameter name: results"
            )));
        }
        let old = run
            .result_mut(result)
            .ok_or_else(|| no_result(id, result))?;
        let mut new = light_copy(old);
        apply(&mut new, item, limit)?;
        changed.push((new, append(old, item, limit)?));
    }

    let mut answered = Vec::new();

    for (mut new, subs) in changed {
        let old = run.result_mut(new.id).expect("it was found above");
        answered.push((new.id, subs.iter().map(|sub| sub.id).collect()));
        new.attachments = std::mem::take(&mut old.attachments);
        new.sub_results = std::mem::take(&mut old.sub_results);
        new.sub_results.extend(subs);
        *old = new;
    }

    run.updated = crate::query::now();
    touch_points(call, id);

    Ok(short(id, &answered, &items))
}

/// A copy without what may be large: that stays where it is.
fn light_copy(result: &mut TestResult) -> TestResult {
    let large = (
        std::mem::take(&mut result.attachments),
        std::mem::take(&mut result.sub_results),
    );
    let copy = result.clone();
    (result.attachments, result.sub_results) = large;

    copy
}

pub(super) fn add(call: &mut Call<'_>, id: u32) -> Outcome {
    let body = std::mem::take(&mut call.body.value);
    let items = batch(body, call.run(id)?)?;
    let mut new = Vec::new();
    for item in &items {
        new.push(added(call, call.run(id)?, item)?);
    }

    let run = call.run_mut(id)?;
    let first = run
        .results
        .iter()
        .map(|result| result.id + 1)
        .max()
        .unwrap_or(100_000);
    let mut answered = Vec::new();

    for (mut result, number) in new.into_iter().zip(first..) {
        result.id = number;
        answered.push((
            number,
            result.sub_results.iter().map(|sub| sub.id).collect(),
        ));
        run.results.push(result);
    }

    run.updated = crate::query::now();
    touch_points(call, id);

    Ok(short(id, &answered, &items))
}

/// A result as it is added: planned runs want the point, title and revision.
fn added(call: &Call<'_>, run: &TestRun, item: &Value) -> Result<TestResult, Answer> {
    let limit = call.world.settings.error_text_limit;
    let mut result = TestResult {
        state: "Pending".into(),
        outcome: "Unspecified".into(),
        ..TestResult::default()
    };

    // Only newer versions want title and revision of the test case, which is why some clients ask
    // for an older one (`microsoft/azure-devops-node-api` issue 318).
    let knows_the_rest = run.plan_id.is_some() && call.version <= (5, 0);

    if let Some(plan) = run.plan_id {
        let wanted = id_of(&item["testPoint"]).unwrap_or(0);
        let point = call
            .project()
            .find_point(wanted)
            .filter(|point| point.plan == plan);
        let point = point.ok_or_else(|| missing(&format!("Test point {wanted} not found.")))?;
        result.point_id = Some(point.id);
        result.test_case_id = Some(point.test_case);
        result.configuration_id = Some(point.configuration);
        if let Some(case) = call
            .world
            .find_work_item(point.test_case)
            .filter(|_| knows_the_rest)
        {
            result.title.clone_from(&case.title);
            result.test_case_revision = case.rev;
        }
        if id_of(&item["testCaseRevision"]).is_none() && !knows_the_rest {
            return Err(bad(
                "The test case revision must be specified.\r\nParameter name: testCaseRevision",
            ));
        }
    } else {
        result.test_case_id = id_of(&item["testCase"]);
        result.configuration_id = id_of(&item["configuration"]);
    }

    let is_untitled = text_of(item, "testCaseTitle").is_none_or(|title| title.is_empty());
    if is_untitled && !knows_the_rest {
        return Err(bad(
            "Value cannot be null.\r\nParameter name: testCaseTitle",
        ));
    }

    apply(&mut result, item, limit)?;
    result.sub_results = append(&result, item, limit)?;

    Ok(result)
}

/// Takes over what the request says; nothing is changed when something in it is refused.
fn apply(result: &mut TestResult, item: &Value, limit: usize) -> Result<(), Answer> {
    for (name, most) in [
        ("comment", 1000),
        ("automatedTestName", 512),
        ("computerName", 256),
    ] {
        at_most(item, name, most)?;
    }

    if let Some(outcome) = word(item["outcome"].as_str(), &OUTCOMES, "TestOutcome")? {
        result.outcome = outcome;
    }

    if let Some(state) = word(item["state"].as_str(), &STATES, "TestResultState")? {
        result.state = state;
    }

    if let Some(group) = word(item["resultGroupType"].as_str(), &GROUPS, "ResultGroupType")? {
        result.result_group_type = Some(group);
    }

    if let Some(kind) = word(item["failureType"].as_str(), &FAILURE_TYPES, "FailureType")? {
        result.failure_type = Some(kind);
    }

    result.started = moment_of(item, "startedDate")?.or(result.started);
    result.completed = moment_of(item, "completedDate")?.or(result.completed);
    in_order(result.started, result.completed)?;
    result.duration_ms = item["durationInMs"].as_f64().or(result.duration_ms);
    result.priority = item["priority"].as_i64().or(result.priority);
    result.title = text_of(item, "testCaseTitle").unwrap_or_else(|| result.title.clone());
    result.test_case_revision =
        id_of(&item["testCaseRevision"]).unwrap_or(result.test_case_revision);
    apply_texts(result, item, limit);
    result.revision += 1;
    result.updated = crate::query::now();

    Ok(())
}

/// Texts: left out stays, null clears.
fn apply_texts(result: &mut TestResult, item: &Value, limit: usize) {
    let all = usize::MAX;
    for (name, target, limit) in [
        ("errorMessage", &mut result.error_message, limit),
        ("stackTrace", &mut result.stack_trace, limit),
        ("comment", &mut result.comment, all),
        ("computerName", &mut result.computer_name, all),
        ("automatedTestName", &mut result.automated_test_name, all),
        (
            "automatedTestStorage",
            &mut result.automated_test_storage,
            all,
        ),
        ("automatedTestType", &mut result.automated_test_type, all),
    ] {
        if let Some(value) = item.get(name) {
            *target = value.as_str().map(|text| cut(text, limit));
        }
    }
}

/// The sub-results to append, numbered after those that are there.
fn append(result: &TestResult, item: &Value, limit: usize) -> Result<Vec<SubResult>, Answer> {
    let mut next = 1 + result.sub_results.iter().map(SubResult::count).sum::<u32>();
    let more = item["subResults"].as_array().map_or(0, Vec::len);
    if result.sub_results.len() + more > 1000 {
        return Err(invalid("At most 1000 sub-results are allowed on a level."));
    }

    level(&item["subResults"], None, 1, &mut next, limit)
}

impl SubResult {
    /// Itself and all below.
    fn count(&self) -> u32 {
        1 + self.sub_results.iter().map(SubResult::count).sum::<u32>()
    }
}

fn level(
    items: &Value,
    parent: Option<u32>,
    depth: u32,
    next: &mut u32,
    limit: usize,
) -> Result<Vec<SubResult>, Answer> {
    let Some(items) = items.as_array().filter(|items| !items.is_empty()) else {
        return Ok(Vec::new());
    };
    if items.len() > 1000 || depth > 3 {
        return Err(invalid(
            "At most 1000 sub-results on a level and 3 levels are allowed.",
        ));
    }

    items
        .iter()
        .map(|item| sub_result(item, parent, depth, next, limit))
        .collect()
}

fn sub_result(
    item: &Value,
    parent_id: Option<u32>,
    depth: u32,
    next: &mut u32,
    limit: usize,
) -> Result<SubResult, Answer> {
    at_most(item, "comment", 1000)?;
    at_most(item, "displayName", 256)?;
    let id = *next;
    *next += 1;
    let short = |name: &str| text_of(item, name).map(|text| cut(&text, limit));
    let (started, completed) = (
        moment_of(item, "startedDate")?,
        moment_of(item, "completedDate")?,
    );
    in_order(started, completed)?;

    Ok(SubResult {
        id,
        parent_id,
        sequence_id: item["sequenceId"].as_i64(),
        display_name: text_of(item, "displayName"),
        outcome: word(item["outcome"].as_str(), &OUTCOMES, "TestOutcome")?
            .unwrap_or_else(|| "Unspecified".into()),
        started,
        completed,
        duration_ms: item["durationInMs"].as_i64(),
        error_message: short("errorMessage"),
        stack_trace: short("stackTrace"),
        comment: text_of(item, "comment"),
        computer_name: text_of(item, "computerName"),
        result_group_type: word(item["resultGroupType"].as_str(), &GROUPS, "ResultGroupType")?,
        sub_results: level(&item["subResults"], Some(id), depth + 1, next, limit)?,
        attachments: Vec::new(),
    })
}
