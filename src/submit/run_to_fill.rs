//! A test run that somebody began in ADO and that a suite run is to fill: whether it can be, and
//! how kado adds to its comment.

use crate::ado::wire::{RunComment, TestRun};
use crate::ado::{AdoClient, AdoError};
use crate::discovery::filled_run::FilledRun;
use crate::plan::comment::has_key;
use crate::submit::stop::{NotFillable, Stop};

/// How often a comment is written that others write at the same time.
const TRIES: usize = 4;

/// The test plan of the run, once it is sure that it can be filled.
///
/// # Errors
/// [`Stop::NotFillable`], and when the server fails.
pub(super) async fn plan_of_run(
    client: &AdoClient,
    project: &str,
    into: FilledRun,
    submission: i64,
) -> Result<u32, Stop> {
    let not_fillable = |problem| Stop::NotFillable {
        run: into.run,
        problem,
        submission,
    };

    match client.test_run(project, into.run).await {
        Ok(run) => plan_of(&run).map_err(not_fillable),
        Err(AdoError::Gone { .. }) => Err(not_fillable(NotFillable::Gone)),
        Err(error) => Err(error.into()),
    }
}

/// The test plan of a run that can be filled.
///
/// # Errors
/// Why it cannot be.
pub(super) fn plan_of(run: &TestRun) -> Result<u32, NotFillable> {
    match run.state.as_deref() {
        Some(state) if run.is_over() => Err(NotFillable::Over(state.to_owned())),
        _ => run.plan().ok_or(NotFillable::WithoutPlan),
    }
}

/// Changes the comment of a run that others may be writing as well: what is lost of it is written
/// again.
///
/// # Errors
/// [`NotFillable::NoRoom`] as the inner one, when `change` finds none; when the server fails, and
/// when others write all the time.
pub(super) async fn change_comment(
    client: &AdoClient,
    project: &str,
    run: u32,
    key: &str,
    change: impl Fn(&str) -> Option<String>,
) -> Result<Result<(), NotFillable>, AdoError> {
    for _ in 0..TRIES {
        let there = client.test_run(project, run).await?;
        let before = there.comment.clone().unwrap_or_default();
        let Some(comment) = change(&before) else {
            return Ok(Err(NotFillable::NoRoom));
        };

        // Servers may change white space, but whoever wrote in between left none of this.
        let is_there = has_key(&before, key) && words(&before).eq(words(&comment));
        if is_there {
            return Ok(Ok(()));
        }
        let update = RunComment {
            comment: &comment,
            state: there.is_not_started().then_some("InProgress"),
        };
        client.comment_run(project, run, &update).await?;
    }

    Err(AdoError::unavailable(format!(
        "the comment of test run {run} is changed by somebody else again and again"
    )))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}
