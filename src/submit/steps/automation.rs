//! The step that sets the automation fields of the test cases which got a result.
//!
//! **Asked before it is sent again:** it reads the fields in any case and changes only what is not
//! so yet, so carrying it out again does no harm. Each update holds only for the revision that was
//! read, so it cannot cover up what somebody else wrote meanwhile.
//!
//! An update that is refused costs only itself and is named in the run's comment, once a last look
//! has shown that it was not made all the same.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use futures_util::StreamExt as _;

use crate::ado::AdoError;
use crate::ado::allowance::MOST;
use crate::ado::work_items::{AutomatedCase, Updated};
use crate::plan::automation::{AutomationRule, automated, changes};
use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::plural::counted;
use crate::submit::execution::{Execution, OpenStep, StepResult};
use crate::submit::stop::Stop;

/// Pauses before each try at a work item that somebody else changes at the same time.
const TRIES: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_secs(2),
];

/// How often the whole step waits for work items that do not answer.
const WAITS: u32 = 5;

/// How many test cases are tried alone before all others are tried at once.
const FIRST_CASES: usize = 2;

/// The ids of the tests that feed each test case, by the id of the work item.
type TestsOfCases = BTreeMap<u32, Vec<String>>;

/// What became of one test case.
enum CaseOutcome {
    /// Its fields were as they should be.
    Unchanged,
    /// Its fields are set now.
    Changed,
    /// The token may not write work items, or not this one: areas have permissions of their own.
    NotAllowed(String),
    /// It is left as it was, and why.
    Refused(String),
}

/// Sets the fields of all test cases that have a result.
pub(in crate::submit) async fn set_fields(execution: &Execution<'_>, open: OpenStep) -> StepResult {
    let Some(rule) = execution.plan().automation else {
        return execution.confirm(open, &()).await;
    };
    let tests = cases_with_result(execution);
    let ids: Vec<u32> = tests.keys().copied().collect();

    let read = execution
        .client
        .automation_fields(execution.project(), &ids)
        .await;
    let cases = match read {
        Ok(cases) => cases,
        Err(error @ (AdoError::Unavailable { .. } | AdoError::InBetween { .. })) => {
            return Err(error.into());
        }
        // Without the right to read them no try at a single one helps: one line names them all.
        Err(error) => {
            let left_out = vec![all_refused(ids.len(), &error.to_string())];
            return settle(execution, open, Vec::new(), left_out).await;
        }
    };

    let readable: HashSet<u32> = cases.iter().map(|case| case.id).collect();
    let mut left_out = Vec::new();
    for id in &ids {
        if !readable.contains(id) {
            left_out.push(refused(&tests, *id, "the work item cannot be read"));
        }
    }

    let to_change: Vec<AutomatedCase> = cases
        .into_iter()
        .filter(|case| !changes(rule, &tests[&case.id], &case.fields).is_empty())
        .collect();
    let count = to_change.len();
    let outcomes = set_all(execution, rule, &tests, to_change).await?;

    let mut changed = Vec::new();
    if let Some(reason) = reason_none_is_allowed(&outcomes) {
        left_out.push(all_refused(count, reason));
        return settle(execution, open, changed, left_out).await;
    }

    for (id, outcome) in outcomes {
        match outcome {
            CaseOutcome::Unchanged => {}
            CaseOutcome::Changed => changed.push(id),
            CaseOutcome::NotAllowed(reason) | CaseOutcome::Refused(reason) => {
                left_out.push(refused(&tests, id, &reason));
            }
        }
    }

    settle(execution, open, changed, left_out).await
}

/// The test cases whose result ADO took, with the tests that feed them. One whose results were all
/// refused has nothing to show for its automation.
fn cases_with_result(execution: &Execution<'_>) -> TestsOfCases {
    let mut refused: HashMap<u32, usize> = HashMap::new();
    for left_out in &execution.submission.refused {
        if let (LeftOutKind::Refused, Some(id)) = (left_out.kind, left_out.azure_id) {
            *refused.entry(id).or_default() += 1;
        }
    }

    let mut results: HashMap<u32, usize> = HashMap::new();
    for result in &execution.plan().results {
        *results.entry(result.test_case_id).or_default() += 1;
    }

    let mut tests = automated(execution.plan());
    tests.retain(|id, _| {
        let refused = refused.get(id).copied().unwrap_or(0);
        let results = results.get(id).copied().unwrap_or(0);
        refused < results
    });
    tests
}

/// Sets the fields of these test cases. The first ones alone: where the token may not write two of
/// them it may write none, which is said once; those two are all that is given then.
async fn set_all(
    execution: &Execution<'_>,
    rule: AutomationRule,
    tests: &TestsOfCases,
    cases: Vec<AutomatedCase>,
) -> Result<Vec<(u32, CaseOutcome)>, Stop> {
    let mut waiting = cases.into_iter();
    let mut outcomes = Vec::new();
    for case in waiting.by_ref().take(FIRST_CASES) {
        outcomes.push(set(execution, rule, tests, case).await?);
        if reason_none_is_allowed(&outcomes).is_none() {
            break;
        }
    }
    if outcomes.len() == FIRST_CASES && reason_none_is_allowed(&outcomes).is_some() {
        return Ok(outcomes);
    }

    let others: Vec<_> = futures_util::stream::iter(waiting)
        .map(|case| set(execution, rule, tests, case))
        .buffer_unordered(MOST)
        .collect()
        .await;
    for other in others {
        outcomes.push(other?);
    }
    Ok(outcomes)
}

/// Why the token may write none of these test cases, if that is so.
fn reason_none_is_allowed(outcomes: &[(u32, CaseOutcome)]) -> Option<&str> {
    let mut last = None;
    for (_, outcome) in outcomes {
        match outcome {
            CaseOutcome::NotAllowed(reason) => last = Some(reason.as_str()),
            CaseOutcome::Unchanged | CaseOutcome::Changed | CaseOutcome::Refused(_) => return None,
        }
    }
    last
}

/// Sets the fields of one test case, and tries again while somebody else changes it. Gives what
/// became of it together with its id.
async fn set(
    execution: &Execution<'_>,
    rule: AutomationRule,
    tests: &TestsOfCases,
    mut case: AutomatedCase,
) -> Result<(u32, CaseOutcome), Stop> {
    let id = case.id;
    let mut failure = TryFailure::Conflict;
    for (index, pause) in TRIES.into_iter().enumerate() {
        // What was read before the first try may be outdated by the second one.
        if index > 0 {
            tokio::time::sleep(pause).await;
            match read_again(execution, id).await? {
                Ok(fresh) => case = fresh,
                Err(outcome) => return Ok((id, outcome)),
            }
        }

        let wanted = changes(rule, &tests[&id], &case.fields);
        if wanted.is_empty() {
            // A first try that had no answer may have set them.
            let outcome = if index > 0 {
                CaseOutcome::Changed
            } else {
                CaseOutcome::Unchanged
            };
            return Ok((id, outcome));
        }

        let updated = execution
            .client
            .update_work_item(execution.project(), id, case.revision, &wanted)
            .await;
        match updated {
            Ok(Updated::Done) => return Ok((id, CaseOutcome::Changed)),
            Ok(Updated::Conflict) => failure = TryFailure::Conflict,
            Err(error @ (AdoError::Unavailable { .. } | AdoError::InBetween { .. })) => {
                failure = TryFailure::Unavailable(error);
            }
            Err(AdoError::CredentialsRefused { refusal, .. }) => {
                let reason =
                    format!("{refusal}; the token needs the scope Work Items (read & write)");
                return Ok((id, CaseOutcome::NotAllowed(reason)));
            }

            Err(error) => {
                let outcome = unless_set(execution, rule, tests, id, error.to_string()).await?;
                return Ok((id, outcome));
            }
        }
    }

    let reason = match failure {
        TryFailure::Conflict => "somebody else changed the work item at the same time".to_owned(),
        // The step reads before it writes, so it can be repeated as a whole; but it may not keep
        // the run from being completed for ever.
        TryFailure::Unavailable(error) if execution.submission.attempts < WAITS => {
            return Err(error.into());
        }
        TryFailure::Unavailable(error) => error.to_string(),
    };
    let reason = format!("{reason}, {} times", TRIES.len());
    Ok((id, unless_set(execution, rule, tests, id, reason).await?))
}

/// What became of a test case whose update failed for good: a server may fail behind what it
/// stored, and nothing is called refused that is there.
async fn unless_set(
    execution: &Execution<'_>,
    rule: AutomationRule,
    tests: &TestsOfCases,
    id: u32,
    reason: String,
) -> Result<CaseOutcome, Stop> {
    match read_again(execution, id).await {
        Ok(Ok(fresh)) if changes(rule, &tests[&id], &fresh.fields).is_empty() => {
            Ok(CaseOutcome::Changed)
        }
        Err(stop) if execution.submission.attempts < WAITS => Err(stop),
        // Work items that are never answered for may not keep the run open for ever.
        Ok(_) | Err(_) => Ok(CaseOutcome::Refused(reason)),
    }
}

/// What kept the last try at a work item from going through.
enum TryFailure {
    /// Somebody else changed it after it was read.
    Conflict,
    /// The server did not answer, or is busy.
    Unavailable(AdoError),
}

/// Reads one test case anew; the inner error is what became of it, when there is no use in trying
/// again.
async fn read_again(
    execution: &Execution<'_>,
    id: u32,
) -> Result<Result<AutomatedCase, CaseOutcome>, Stop> {
    let read = execution
        .client
        .automation_fields(execution.project(), &[id])
        .await;

    match read {
        Ok(mut cases) => match cases.pop() {
            Some(case) => Ok(Ok(case)),
            None => Ok(Err(CaseOutcome::Refused(
                "the work item is gone".to_owned(),
            ))),
        },
        Err(error @ (AdoError::Unavailable { .. } | AdoError::InBetween { .. })) => {
            Err(error.into())
        }
        Err(error) => Ok(Err(CaseOutcome::Refused(error.to_string()))),
    }
}

/// Records what is left out and that the step is done, with the ids of the work items that were
/// changed.
async fn settle(
    execution: &Execution<'_>,
    open: OpenStep,
    changed: Vec<u32>,
    left_out: Vec<LeftOut>,
) -> StepResult {
    execution.leave_out(left_out).await?;
    execution.confirm(open, &changed).await
}

fn refused(tests: &TestsOfCases, id: u32, reason: &str) -> LeftOut {
    let test = tests
        .get(&id)
        .and_then(|tests| tests.first())
        .map(String::as_str)
        .unwrap_or_default();
    let reason = format!("the automation fields of test case {id} are not set: {reason}");
    LeftOut::id(LeftOutKind::AutomationFields, test, Some(id), reason)
}

fn all_refused(count: usize, reason: &str) -> LeftOut {
    let cases = counted(count, "test case");
    let reason = format!("the automation fields of {cases} are not set: {reason}");
    LeftOut::of_run(LeftOutKind::AutomationFields, reason)
}
