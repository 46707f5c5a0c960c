//! The results of a run: which belongs to which point, and what stands in them.

use std::collections::{HashMap, HashSet};

use crate::ado::AdoError;
use crate::ado::wire::{NewResult, ResultUpdate, SubResultUpdate, TestResult};
use crate::moment::Moment;
use crate::outbox::step::{BATCH, Step, batches};
use crate::plan::automation::TEST_TYPE;
use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::plan::results::PlannedResult;
use crate::plan::sub_results::SubResult;
use crate::submit::execution::{Execution, Moved, ResultRef};
use crate::submit::stop::Stop;

/// Reads back which result belongs to which point; points that have none get one.
pub(in crate::submit) async fn read_results(execution: &Execution<'_>, position: usize) -> Moved {
    let (client, project, run) = (execution.client, execution.project(), execution.run_id()?);
    let mut refs = by_point(client.results(project, run).await?);
    let missing: Vec<&PlannedResult> = execution
        .plan()
        .results
        .iter()
        .filter(|result| !refs.contains_key(&result.point_id))
        .collect();
    if !missing.is_empty() {
        add(execution, run, &missing).await?;
        refs = by_point(client.results(project, run).await?);
    }
    let mut ordered = Vec::new();
    for result in &execution.plan().results {
        match refs.remove(&result.point_id) {
            Some(found) => ordered.push(found),
            None => {
                return Err(Stop::Park(format!(
                    "test run {run} has no result for test point {}; was it changed by somebody? `kado runs retry` tries again",
                    result.point_id
                )));
            }
        }
    }
    execution
        .confirm(position, Step::ReadResults, &ordered)
        .await
}

fn by_point(results: Vec<TestResult>) -> HashMap<u32, ResultRef> {
    let mut refs = HashMap::new();
    for result in results {
        if let Some(point) = result.test_point {
            let found = ResultRef {
                point_id: point.id,
                result_id: result.id,
                title: result.test_case_title,
                revision: result.test_case_revision,
            };
            // The first one counts should a point have several.
            refs.entry(point.id).or_insert(found);
        }
    }
    refs
}

/// Adds results for points that the creation of the run did not take, with title and revision,
/// which newer servers demand.
async fn add(
    execution: &Execution<'_>,
    run: u32,
    missing: &[&PlannedResult],
) -> Result<(), AdoError> {
    let (client, project) = (execution.client, execution.project());
    let ids: Vec<u32> = missing
        .iter()
        .map(|result| result.test_case_id)
        .collect::<HashSet<_>>()
        .into_iter()
        .collect();
    let cases: HashMap<_, _> = client
        .work_items(project, &ids)
        .await?
        .into_iter()
        .map(|item| (item.id, item))
        .collect();
    let new: Vec<NewResult> = missing
        .iter()
        .map(|result| {
            let case = cases.get(&result.test_case_id);
            NewResult {
                test_point: result.point_id.into(),
                test_case: result.test_case_id.into(),
                test_case_title: case
                    .and_then(|case| case.fields.title.clone())
                    .unwrap_or_default(),
                test_case_revision: case.map_or(1, |case| case.rev),
                configuration: result.configuration_id.into(),
                state: "Pending",
            }
        })
        .collect();
    for batch in new.chunks(BATCH) {
        client.add_results(project, run, batch).await?;
    }
    Ok(())
}

/// Writes one batch. ADO appends sub-results, so a batch that may have arrived is looked at before
/// it is sent again.
pub(in crate::submit) async fn write_batch(
    execution: &Execution<'_>,
    position: usize,
    batch: usize,
    resumed: bool,
) -> Moved {
    let refs: HashMap<u32, ResultRef> = execution
        .result_refs()?
        .into_iter()
        .map(|found| (found.point_id, found))
        .collect();
    let done = if resumed {
        completed(execution).await?
    } else {
        HashSet::new()
    };
    let range = batches(execution.plan())
        .into_iter()
        .nth(batch)
        .unwrap_or_default();
    let planned = &execution.plan().results[range];
    let mut open = Vec::new();
    for result in planned {
        match refs.get(&result.point_id) {
            Some(found) if done.contains(&found.result_id) => {}
            Some(found) => open.push((result, found)),
            None => {
                return Err(Stop::Park(format!(
                    "no result is known for test point {}",
                    result.point_id
                )));
            }
        }
    }
    let refused = write(execution, open).await?;
    if !refused.is_empty() {
        let id = execution.submission.id;
        execution
            .outbox
            .with(move |store| store.leave_out(id, &refused))
            .await?;
    }
    execution
        .confirm(position, Step::WriteResults(batch), &())
        .await
}

async fn completed(execution: &Execution<'_>) -> Result<HashSet<u32>, Stop> {
    let results = execution
        .client
        .results(execution.project(), execution.run_id()?)
        .await?;
    let is_completed = |result: &TestResult| {
        result
            .state
            .as_deref()
            .is_some_and(|state| state.eq_ignore_ascii_case("completed"))
    };
    Ok(results
        .into_iter()
        .filter(is_completed)
        .map(|result| result.id)
        .collect())
}

/// Sends results; of a batch that is refused the halves are tried, until the bad item stands alone.
async fn write(
    execution: &Execution<'_>,
    results: Vec<(&PlannedResult, &ResultRef)>,
) -> Result<Vec<LeftOut>, Stop> {
    let mut refused = Vec::new();
    let mut waiting = vec![results];
    while let Some(batch) = waiting.pop() {
        if batch.is_empty() {
            continue;
        }
        let updates: Vec<ResultUpdate<'_>> = batch
            .iter()
            .map(|(result, found)| update(result, found))
            .collect();
        match execution
            .client
            .write_results(execution.project(), execution.run_id()?, &updates)
            .await
        {
            Ok(()) => {}
            // 413: it is too large as a whole, which something before the server says, too.
            Err(AdoError::Rejected {
                status: 400 | 413, ..
            }) if batch.len() > 1 => {
                let (first, second) = batch.split_at(batch.len() / 2);
                waiting.extend([second.to_vec(), first.to_vec()]);
            }
            Err(AdoError::Rejected {
                status: 400 | 413,
                message,
            }) => {
                let (result, _) = batch[0];
                let test = result.tests.first().map(String::as_str).unwrap_or_default();
                let reason = format!(
                    "the result for test point {} was refused by Azure DevOps: {message}",
                    result.point_id
                );
                refused.push(LeftOut::id(
                    LeftOutKind::Refused,
                    test,
                    Some(result.test_case_id),
                    reason,
                ));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(refused)
}

fn update<'a>(result: &'a PlannedResult, found: &'a ResultRef) -> ResultUpdate<'a> {
    ResultUpdate {
        id: found.result_id,
        test_point: result.point_id.into(),
        test_case_title: found.title.as_deref(),
        test_case_revision: found.revision,
        state: "Completed",
        outcome: &result.outcome,
        started_date: result.started.to_string(),
        completed_date: result.completed.to_string(),
        duration_in_ms: millis(result.started, result.completed),
        error_message: result.error_message.as_deref(),
        stack_trace: result.stack_trace.as_deref(),
        comment: &result.comment,
        computer_name: result.computer_name.as_deref(),
        automated_test_name: &result.automated_test_name,
        automated_test_storage: &result.automated_test_storage,
        automated_test_type: TEST_TYPE,
        result_group_type: result.group,
        sub_results: sub_updates(&result.sub_results),
    }
}

fn sub_updates<'a>(parts: &'a [SubResult]) -> Vec<SubResultUpdate<'a>> {
    let update = |(place, part): (usize, &'a SubResult)| SubResultUpdate {
        sequence_id: place + 1,
        display_name: &part.name,
        outcome: &part.outcome,
        started_date: part.started.to_string(),
        completed_date: part.completed.to_string(),
        duration_in_ms: millis(part.started, part.completed),
        error_message: part.error_message.as_deref(),
        stack_trace: part.stack_trace.as_deref(),
        result_group_type: part.group,
        sub_results: sub_updates(&part.sub_results),
    };
    parts.iter().enumerate().map(update).collect()
}

fn millis(from: Moment, to: Moment) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)
}
