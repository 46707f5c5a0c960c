//! The step that sets the automation fields of the test cases which got a result.
//!
//! It reads first, so carrying it out again does no harm, and changes nothing that is so already.
//! Each update holds only for the revision that was read; one that is refused costs only itself and
//! is named.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;

use crate::ado::AdoError;
use crate::ado::slots::USUAL;
use crate::ado::work_items::{AutomatedCase, Updated};
use crate::outbox::step::Step;
use crate::plan::automation::{AutomationRule, automated, changes};
use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::submit::execution::{Execution, Moved};
use crate::submit::stop::Stop;

/// Pauses before each try at a work item that somebody else changes at the same time.
const TRIES: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_secs(2),
];

/// How often the whole step waits for work items that do not answer.
const WAITS: u32 = 5;

/// What became of one test case.
enum Case {
    /// Its fields are set, or were so already.
    Fine {
        /// Whether they were changed.
        changed: bool,
    },
    /// The token may not write work items, or not this one: areas have permissions of their own.
    NotAllowed(String),
    /// It is left as it was, and why.
    Refused(String),
}

/// Sets the fields of all test cases that have a result.
pub(in crate::submit) async fn set_fields(
    execution: &Execution<'_>,
    position: usize,
    rule: AutomationRule,
) -> Moved {
    let tests = with_result(execution);
    let ids: Vec<u32> = tests.keys().copied().collect();
    let cases = match execution
        .client
        .automation_fields(execution.project(), &ids)
        .await
    {
        Ok(cases) => cases,
        Err(error @ AdoError::Unavailable { .. }) => return Err(error.into()),
        Err(error) => {
            let left_out = vec![all_refused(ids.len(), &error.to_string())];
            return settle(execution, position, Vec::new(), left_out).await;
        }
    };
    let known: Vec<u32> = cases.iter().map(|case| case.id).collect();
    let mut left_out: Vec<LeftOut> = ids
        .iter()
        .filter(|id| !known.contains(id))
        .map(|id| refused(&tests, *id, "the work item cannot be read"))
        .collect();
    let open: Vec<AutomatedCase> = cases
        .into_iter()
        .filter(|case| !changes(rule, &tests[&case.id], &case.fields).is_empty())
        .collect();
    let (mut changed, total) = (Vec::new(), open.len());
    let done = set_all(execution, rule, &tests, open).await?;
    if let [.., (_, Case::NotAllowed(reason))] = done.as_slice()
        && done
            .iter()
            .all(|(_, case)| matches!(case, Case::NotAllowed(_)))
    {
        left_out.push(all_refused(total, reason));
        return settle(execution, position, changed, left_out).await;
    }
    for (id, case) in done {
        match case {
            Case::Fine { changed: true } => changed.push(id),
            Case::Fine { changed: false } => {}
            Case::NotAllowed(reason) | Case::Refused(reason) => {
                left_out.push(refused(&tests, id, &reason));
            }
        }
    }
    settle(execution, position, changed, left_out).await
}

/// Sets the fields of these test cases. The first ones alone: where the token may not write two of
/// them, nobody has to hear so for each, and those two are all there is then.
async fn set_all(
    execution: &Execution<'_>,
    rule: AutomationRule,
    tests: &BTreeMap<u32, Vec<String>>,
    open: Vec<AutomatedCase>,
) -> Result<Vec<(u32, Case)>, Stop> {
    let one = |case: AutomatedCase| async move {
        Ok((case.id, set(execution, rule, &tests[&case.id], case).await?))
    };
    let mut waiting = open.into_iter();
    let mut done = Vec::new();
    for first in waiting.by_ref().take(2) {
        done.push(one(first).await?);
        if !done
            .iter()
            .all(|(_, case)| matches!(case, Case::NotAllowed(_)))
        {
            break;
        }
    }
    if done.len() == 2
        && done
            .iter()
            .all(|(_, case)| matches!(case, Case::NotAllowed(_)))
    {
        return Ok(done);
    }
    let rest: Vec<Result<(u32, Case), Stop>> = futures_util::stream::iter(waiting)
        .map(one)
        .buffer_unordered(USUAL)
        .collect()
        .await;
    done.into_iter().map(Ok).chain(rest).collect()
}

/// The test cases whose result ADO took, with the tests that feed them.
fn with_result(execution: &Execution<'_>) -> BTreeMap<u32, Vec<String>> {
    let mut tests = automated(execution.plan());
    let refused = |id: &u32| {
        let of_id = |left_out: &&LeftOut| {
            left_out.kind == LeftOutKind::Refused && left_out.azure_id == Some(*id)
        };
        let without = execution.submission.refused.iter().filter(of_id).count();
        let points = execution
            .plan()
            .results
            .iter()
            .filter(|result| result.test_case_id == *id)
            .count();
        without >= points
    };
    tests.retain(|id, _| !refused(id));
    tests
}

async fn set(
    execution: &Execution<'_>,
    rule: AutomationRule,
    tests: &[String],
    case: AutomatedCase,
) -> Result<Case, Stop> {
    let (client, project) = (execution.client, execution.project());
    let mut case = case;
    let (mut last, mut away) = (String::new(), None);
    for pause in TRIES {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
            match client
                .automation_fields(project, &[case.id])
                .await
                .map(|mut cases| cases.pop())
            {
                Ok(Some(fresh)) => case = fresh,
                Ok(None) => return Ok(Case::Refused("the work item is gone".to_owned())),
                Err(error @ AdoError::Unavailable { .. }) => return Err(error.into()),
                Err(error) => return Ok(Case::Refused(error.to_string())),
            }
        }
        let wanted = changes(rule, tests, &case.fields);
        if wanted.is_empty() {
            return Ok(Case::Fine {
                changed: !pause.is_zero(),
            });
        }
        match client
            .update_work_item(project, case.id, case.revision, &wanted)
            .await
        {
            Ok(Updated::Done) => return Ok(Case::Fine { changed: true }),
            Ok(Updated::Conflict) => {
                "somebody else changed the work item at the same time".clone_into(&mut last);
                away = None;
            }
            Err(error @ AdoError::Unavailable { .. }) => {
                last = error.to_string();
                away = Some(error);
            }
            Err(AdoError::CredentialsRefused { refusal, .. }) => {
                let scope = "the token needs the scope Work Items (read & write)";
                return Ok(Case::NotAllowed(format!("{refusal}; {scope}")));
            }
            Err(error) => return Ok(Case::Refused(error.to_string())),
        }
    }
    match away {
        // The step reads before it writes, so it can be repeated as a whole.
        Some(error) if execution.submission.attempts < WAITS => Err(error.into()),
        _ => Ok(Case::Refused(format!("{last}, {} times", TRIES.len()))),
    }
}

/// Records what is left out and that the step is done, with the ids of the work items that were
/// changed.
async fn settle(
    execution: &Execution<'_>,
    position: usize,
    changed: Vec<u32>,
    left_out: Vec<LeftOut>,
) -> Moved {
    if !left_out.is_empty() {
        let id = execution.submission.id;
        for item in &left_out {
            tracing::warn!(id, reason = item.reason, "left out");
        }
        execution
            .outbox
            .with(move |store| store.leave_out(id, &left_out))
            .await?;
    }
    execution
        .confirm(position, Step::AutomationFields, &changed)
        .await
}

fn refused(tests: &BTreeMap<u32, Vec<String>>, id: u32, reason: &str) -> LeftOut {
    let test = tests
        .get(&id)
        .and_then(|tests| tests.first())
        .map(String::as_str)
        .unwrap_or_default();
    let reason = format!("the automation fields of test case {id} are not set: {reason}");
    LeftOut::id(LeftOutKind::AutomationFields, test, Some(id), reason)
}

fn all_refused(count: usize, reason: &str) -> LeftOut {
    let cases = if count == 1 {
        "one test case".to_owned()
    } else {
        format!("{count} test cases")
    };
    let reason = format!("the automation fields of {cases} are not set: {reason}");
    LeftOut {
        test: None,
        azure_id: None,
        reason,
        kind: LeftOutKind::AutomationFields,
    }
}
