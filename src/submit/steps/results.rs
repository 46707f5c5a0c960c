//! The steps about the results of a run: which belongs to which point, and what stands in them.
//!
//! **Asked before they are sent again:**
//! * *Reading* asks anyway, and adds results only for points that have none.
//! * *Writing a batch* asks for all results of the run and leaves out those that are completed. ADO
//!   appends sub-results (`ado/api.md` §8), so a result that arrived must not be sent again. It is
//!   completed by the request that fills it in, so its state says whether that request arrived,
//!   also where only a part of a batch did. What showed it while the suite ran completed it too,
//!   and says so in its comment.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use futures_util::future;

use crate::ado::AdoError;
use crate::ado::runs::Wanted;
use crate::ado::wire::{AdoResult, NewResult, ResultUpdate, SubResultUpdate};
use crate::clock;
use crate::config::Overtaken;
use crate::moment::Moment;
use crate::outbox::step::{BATCH, batches};
use crate::plan::automation::TEST_TYPE;
use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::plan::results::PlannedResult;
use crate::plan::sub_results::SubResult;
use crate::submit::execution::{Earlier, Execution, OpenStep, ResultRef, StepResult};
use crate::submit::planning;
use crate::submit::steps::unplanned;
use crate::submit::stop::Stop;

/// How often a batch can be halved until a single result is left: so many refusals in a row may be
/// about one of them.
const HALVINGS: usize = 8;

/// Reads the results of a run that was just made, for [`read_results`]. A failure is left to that.
pub(super) async fn read_early(execution: &Execution<'_>, run: u32) {
    let points = points_of_plan(execution);
    let wanted = Wanted::OfPoints(&points);
    match execution
        .client
        .results(execution.project(), run, wanted)
        .await
    {
        Ok(results) => execution.keep_early_results(results),
        Err(error) => tracing::debug!(%error, "results are read again"),
    }
}

/// Reads back which result belongs to which point; points that have none get one.
pub(in crate::submit) async fn read_results(
    execution: &Execution<'_>,
    open: OpenStep,
) -> StepResult {
    let client = execution.client;
    let project = execution.project();
    let run = execution.run_id()?;
    let planned = &execution.plan().results;
    let points = points_of_plan(execution);
    let wanted = Wanted::OfPoints(&points);

    // What was read a moment ago will do if it is all: else the server may only be slow to show it,
    // and nothing is added on the word of one look.
    let mut refs = by_point(execution.take_early_results().unwrap_or_default());
    if !points.iter().all(|point| refs.contains_key(point)) {
        refs = by_point(client.results(project, run, wanted).await?);
    }

    let missing: Vec<&PlannedResult> = planned
        .iter()
        .filter(|result| !refs.contains_key(&result.point_id))
        .collect();
    // A run that kado did not make gets nothing but what it was begun for.
    if !missing.is_empty() && execution.plan().into.is_none() {
        add(execution, run, &missing).await?;
        refs = by_point(client.results(project, run, wanted).await?);
    }

    let mut in_order_of_plan = Vec::new();
    for result in planned {
        let point = result.point_id;
        match refs.remove(&point) {
            Some(result_ref) => in_order_of_plan.push(result_ref),
            None => return Err(Stop::NoResult { run, point }),
        }
    }

    if execution.is_live() {
        unplanned::settle(execution, run).await?;
    }
    execution.confirm(open, &in_order_of_plan).await
}

fn points_of_plan(execution: &Execution<'_>) -> Vec<u32> {
    let results = &execution.plan().results;
    results.iter().map(|result| result.point_id).collect()
}

/// Results by their points, never by the order of an answer (`ado/api.md` §6).
fn by_point(results: Vec<AdoResult>) -> HashMap<u32, ResultRef> {
    let mut refs = HashMap::new();
    for result in results {
        // The first one counts should a point have several.
        if let Some(result_ref) = ResultRef::of(result) {
            refs.entry(result_ref.point_id).or_insert(result_ref);
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
    let client = execution.client;
    let project = execution.project();

    let case_ids: BTreeSet<u32> = missing.iter().map(|result| result.test_case_id).collect();
    let case_ids: Vec<u32> = case_ids.into_iter().collect();
    let mut cases = HashMap::new();
    for case in client.work_items(project, &case_ids).await? {
        cases.insert(case.id, case);
    }

    let mut new = Vec::new();
    for result in missing {
        let case = cases.get(&result.test_case_id);
        let title = case.and_then(|case| case.fields.title.clone());
        new.push(NewResult {
            test_point: result.point_id.into(),
            test_case: result.test_case_id.into(),
            test_case_title: title.unwrap_or_default(),
            test_case_revision: case.map_or(1, |case| case.rev),
            configuration: result.configuration_id.into(),
            // Never completed here: by that state it is seen later that the result was filled in.
            state: "Pending",
        });
    }

    let mut batches = Vec::new();
    for batch in new.chunks(BATCH) {
        batches.push(client.add_results(project, run, batch));
    }

    // All of them are waited for, also when one fails: what is still under way could be added after
    // the next attempt has looked.
    let added = future::join_all(batches).await;
    added.into_iter().collect()
}

/// Writes one batch, without the results that arrived earlier. A result that ADO refuses costs only
/// itself.
pub(in crate::submit) async fn write_batch(
    execution: &Execution<'_>,
    open: OpenStep,
    batch: usize,
) -> StepResult {
    let mut refs = HashMap::new();
    for result_ref in execution.result_refs()? {
        refs.insert(result_ref.point_id, result_ref);
    }
    let completed = match open.earlier {
        Earlier::Perhaps => {
            let completed = completed(execution).await?;

            // Nothing of it is in ADO yet, and a newer run may have gone ahead while this one
            // waited.
            if completed.is_empty() && execution.overtaken == Overtaken::Park {
                let id = execution.submission.id;
                planning::refuse_overtaken(execution.outbox, id, execution.plan()).await?;
            }
            completed
        }
        Earlier::Never => HashSet::new(),
    };

    let batches = batches(execution.plan());
    let range = batches.get(batch).cloned().unwrap_or_default();
    let mut unwritten = Vec::new();
    for result in &execution.plan().results[range] {
        let point = result.point_id;
        let result_ref = refs.get(&point).ok_or(Stop::ResultUnknown { point })?;
        if !completed.contains(&result_ref.result_id) {
            unwritten.push((result, result_ref));
        }
    }

    let refused = write(execution, open, unwritten).await?;

    // Before the confirmation: a crash in between names a result twice at most, and never not at
    // all.
    execution.leave_out(refused).await?;
    execution.confirm(open, &()).await
}

/// The ids of the results of the run that are completed.
async fn completed(execution: &Execution<'_>) -> Result<HashSet<u32>, Stop> {
    let points = points_of_plan(execution);
    let results = execution
        .client
        .results(
            execution.project(),
            execution.run_id()?,
            Wanted::OfPoints(&points),
        )
        .await?;

    Ok(results
        .into_iter()
        .filter(|result| execution.is_filled_in(result))
        .map(|result| result.id)
        .collect())
}

/// Whether the failure types of a request go along.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FailureTypes {
    Sent,
    LeftOut,
}

/// Results that belong together in one request.
type ResultBatch<'a> = Vec<(&'a PlannedResult, &'a ResultRef)>;

/// Sends results; of a batch that is refused the halves are tried, until the bad item stands alone.
/// ADO does not say which item of a batch it objects to, and neither does a web filter.
async fn write(
    execution: &Execution<'_>,
    open: OpenStep,
    results: ResultBatch<'_>,
) -> Result<Vec<LeftOut>, Stop> {
    let mut refused = Vec::new();
    let mut filtered = Filtered::default();
    let mut waiting = vec![(results, FailureTypes::Sent)];
    while let Some((mut batch, failure_types)) = waiting.pop() {
        if batch.is_empty() {
            continue;
        }
        let updates: Vec<ResultUpdate<'_>> = batch
            .iter()
            .map(|(result, result_ref)| update(result, result_ref, failure_types))
            .collect();

        match execution
            .client
            .write_results(execution.project(), execution.run_id()?, &updates)
            .await
        {
            Ok(()) => {
                filtered.in_a_row = 0;
                if failure_types == FailureTypes::LeftOut {
                    tracing::warn!(
                        id = execution.submission.id,
                        "Azure DevOps takes these results without failure types only"
                    );
                }
            }
            Err(error) => {
                let objection = objection_to_body(&error);
                if objection.is_none() && !filtered.count_refusal(&error) {
                    return Err(error.into());
                }

                // What was stored all the same is not refused, and may not be sent again.
                let stored = completed(execution).await?;
                batch.retain(|(_, result_ref)| !stored.contains(&result_ref.result_id));

                // A failure type that a server does not know costs itself and not the result.
                let has_types = batch
                    .iter()
                    .any(|(result, _)| result.failure_type.is_some());
                if objection.is_some() && has_types && failure_types == FailureTypes::Sent {
                    waiting.push((batch, FailureTypes::LeftOut));
                    continue;
                }

                match (batch.as_slice(), objection) {
                    ([], _) => {}
                    ([(only, _)], Some(by)) => refused.push(refused_result(only, &by)),
                    ([(only, _)], None) => filtered.results.push((*only, error)),
                    _ => {
                        let (front, back) = batch.split_at(batch.len() / 2);
                        waiting.push((back.to_vec(), FailureTypes::Sent));
                        waiting.push((front.to_vec(), FailureTypes::Sent));
                    }
                }
            }
        }
    }

    refused.extend(filtered.given_up(execution, open).await?);
    Ok(refused)
}

/// Results that something before the server does not let through, while the server answers.
#[derive(Default)]
struct Filtered<'a> {
    results: Vec<(&'a PlannedResult, AdoError)>,
    /// How many requests it refused without letting one through in between.
    in_a_row: usize,
}

impl Filtered<'_> {
    /// Takes note of an answer; tells whether it may be about one result of the request. What lets
    /// no request through at all is waited for as a whole.
    fn count_refusal(&mut self, error: &AdoError) -> bool {
        let is_refusal = matches!(
            error,
            AdoError::InBetween { answer, .. } if answer.refuses_request()
        );
        self.in_a_row += usize::from(is_refusal);
        is_refusal && self.in_a_row <= HALVINGS
    }

    /// The results to name, once they have been kept back for as long as files are tried.
    ///
    /// # Errors
    /// Before that: they are tried again.
    async fn given_up(
        self,
        execution: &Execution<'_>,
        open: OpenStep,
    ) -> Result<Vec<LeftOut>, Stop> {
        let Some((_, first)) = self.results.first() else {
            return Ok(Vec::new());
        };
        let now = clock::now();
        let since = execution.breaks_off_since(open, now).await?;
        let limit = execution.submission.snapshot.options.give_up_files_ms;
        if now.since(since) < Duration::from_millis(limit) {
            return Err(first.clone().into());
        }

        Ok(self
            .results
            .iter()
            .map(|(result, error)| refused_result(result, &error.to_string()))
            .collect())
    }
}

/// Who objects to what was sent, and why, in words that go behind "was refused by"; `None` when the
/// error says nothing about that. 413: it is too large as a whole, which something before the
/// server says, too.
fn objection_to_body(error: &AdoError) -> Option<String> {
    match error {
        AdoError::Rejected {
            status: 400 | 413,
            message,
        } => Some(format!("Azure DevOps: {message}")),
        AdoError::InBetween { answer, .. } if answer.objects_to_body() => Some(error.to_string()),
        _ => None,
    }
}

fn refused_result(result: &PlannedResult, by: &str) -> LeftOut {
    let test = result.tests.first().map(String::as_str).unwrap_or_default();
    let reason = format!(
        "the result for test point {} was refused by {by}",
        result.point_id
    );

    LeftOut::id(
        LeftOutKind::Refused,
        test,
        Some(result.test_case_id),
        reason,
    )
}

fn update<'a>(
    result: &'a PlannedResult,
    result_ref: &'a ResultRef,
    failure_types: FailureTypes,
) -> ResultUpdate<'a> {
    ResultUpdate {
        id: result_ref.result_id,
        test_point: result.point_id.into(),
        // Some servers answer 500 where title or revision is missing (`ado/api.md` §6).
        test_case_title: result_ref.title.as_deref(),
        test_case_revision: result_ref.revision,

        // An outcome without a state leaves the result pending (`ado/api.md` §6).
        state: "Completed",
        outcome: &result.outcome,
        started_date: result.started.to_string(),
        completed_date: result.completed.to_string(),
        duration_in_ms: millis(result.started, result.completed),

        error_message: result.error_message.as_deref(),
        stack_trace: result.stack_trace.as_deref(),
        comment: &result.comment,
        failure_type: match failure_types {
            FailureTypes::Sent => result.failure_type,
            FailureTypes::LeftOut => None,
        },
        computer_name: result.computer_name.as_deref(),
        automated_test_name: &result.automated_test_name,
        automated_test_storage: &result.automated_test_storage,
        automated_test_type: TEST_TYPE,
        result_group_type: result.group,
        sub_results: sub_updates(&result.sub_results),
    }
}

fn sub_updates(parts: &[SubResult]) -> Vec<SubResultUpdate<'_>> {
    let mut updates = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        updates.push(SubResultUpdate {
            // Counted from 1.
            sequence_id: index + 1,
            display_name: &part.name,
            outcome: &part.outcome,
            started_date: part.started.to_string(),
            completed_date: part.completed.to_string(),
            duration_in_ms: millis(part.started, part.completed),
            error_message: part.error_message.as_deref(),
            stack_trace: part.stack_trace.as_deref(),
            result_group_type: part.group,
            sub_results: sub_updates(&part.sub_results),
        });
    }

    updates
}

fn millis(from: Moment, to: Moment) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)
}
