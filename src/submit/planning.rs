//! Makes the plan of a submission from its snapshot and what ADO says, or says why there is nothing to
//! send.

use crate::ado::{AdoClient, AdoError, Missing};
use crate::outbox::submission::Submission;
use crate::plan::several_plans::NoResultsHere;
use crate::plan::{SubmissionPlan, plan as make_plan};
use crate::submit::facts;
use crate::submit::stop::Stop;

/// Reads what ADO says and plans a submission.
pub(super) async fn plan(
    client: &AdoClient,
    submission: &Submission,
) -> Result<SubmissionPlan, Stop> {
    let snapshot = &submission.snapshot;
    let (Some(plan_id), Some(project)) = (submission.plan_id, &snapshot.options.project) else {
        return Err(Stop::Park(
            "no test plan or project is set for this run".to_owned(),
        ));
    };
    match facts::read(
        client,
        project,
        plan_id,
        &snapshot.options,
        submission.attempts,
    )
    .await
    {
        Ok(facts) => Ok(make_plan(snapshot, plan_id, &submission.key, &facts)),
        Err(AdoError::Gone {
            what: Missing::Plan(missing),
            message,
        }) if missing == plan_id => Err(Stop::Park(format!("{message}; {}", correct(submission)))),
        Err(error) => Err(error.into()),
    }
}

/// How a plan that is not there is corrected.
fn correct(submission: &Submission) -> String {
    match &submission.snapshot.run.options.plan {
        Some(plan) => format!(
            "the run was started with `-adoPlanId={plan}`, and `kado runs retry {} --plan PLAN` submits it to another one",
            submission.id
        ),
        None => "correct it in Katalon's Azure DevOps settings or as `submit.test_plans` in kado.toml, then `kado runs retry`"
            .to_owned(),
    }
}

/// What becomes of a plan without results.
pub(super) fn nothing_to_submit(plan: SubmissionPlan) -> Stop {
    let own = plan.plan_id;
    let reason = match plan.none_here {
        Some(NoResultsHere::GoTo(other)) => {
            let reason = format!(
                "no test of this run has a test point in test plan {own}; its results go to test plan {other}"
            );
            return Stop::Elsewhere {
                reason,
                plan: Box::new(plan),
            };
        }
        // Nothing is lost by waiting: there is nothing to send to this plan.
        Some(NoResultsHere::Unread(other)) => {
            return Stop::Ado(AdoError::unavailable(format!(
                "no test of this run has a test point in test plan {own}, and test plan {other} cannot be read"
            )));
        }
        Some(NoResultsHere::ToldWith(other)) => format!(
            "no result can be submitted: no test of this run has a test point in test plan {own}, and none in the others; \
             see its submission to test plan {other}"
        ),
        None => why_nothing(&plan),
    };
    Stop::Nothing {
        reason,
        plan: Box::new(plan),
    }
}

/// Why a plan without results is parked.
fn why_nothing(plan: &SubmissionPlan) -> String {
    let ids = || {
        plan.skipped
            .iter()
            .filter(|left_out| left_out.azure_id.is_some() || left_out.test.is_some())
    };
    let counting = || ids().filter(|left_out| left_out.kind.counts());
    match (counting().next(), counting().count()) {
        (Some(first), 1) => format!("no result can be submitted: {}", first.reason),
        (Some(first), count) => {
            format!("no result can be submitted: {} (and {} more reasons)", first.reason, count - 1)
        }
        (None, _) => {
            "no test of this run has an Azure DevOps test case id; enter ids on the Integration tab of the test cases"
                .to_owned()
        }
    }
}
