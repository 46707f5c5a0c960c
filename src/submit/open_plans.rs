//! Asks ADO which test plans the settings of a run mean, where they name or describe them, and
//! records the answer before anything of the run is planned.

use crate::ado::AdoClient;
use crate::clock;
use crate::outbox::Outbox;
use crate::outbox::submission::Submission;
use crate::submit::run_to_fill::plan_of_run;
use crate::submit::stop::Stop;

/// Finds the test plans of a run; gives the submission with its own.
///
/// # Errors
/// [`Stop::PlanFound`] when the submission had none until now: it goes on where those of its plan
/// wait for each other. When no plan, or more than one, is what is meant for it, and when ADO or
/// the outbox fails.
pub(super) async fn settle(
    outbox: &Outbox,
    client: &AdoClient,
    submission: Submission,
) -> Result<Submission, Stop> {
    let id = submission.id;
    let snapshot = &submission.snapshot;
    let Some(project) = &snapshot.options.project else {
        return Err(Stop::NoDestination);
    };

    // A run that is there says by itself which plan it is of.
    let plans = match snapshot.options.into {
        Some(_) => Vec::new(),
        None => client.known_plans(project).await?,
    };

    let mut settled = Vec::new();
    let mut own_problem = None;
    for choice in &snapshot.options.plans {
        if let Some(into) = snapshot.options.into {
            let plan = plan_of_run(client, project, into, id).await?;
            settled.push((choice.clone(), plan));
            continue;
        }
        match choice.among(&plans, project, snapshot.started()) {
            Ok(plan) => settled.push((choice.clone(), plan)),
            Err(problem) if submission.open_plan.as_ref() == Some(choice) => {
                own_problem = Some(problem);
            }
            // The submission to that one says so.
            Err(_) => {}
        }
    }

    let after = outbox
        .with(move |store| {
            store.settle_plans(id, &settled, clock::now())?;
            store.load(id)
        })
        .await?;

    if let Some(problem) = own_problem {
        return Err(Stop::NoSuchPlan {
            problem: Box::new(problem),
            submission: id,
        });
    }
    match (submission.plan_id, after.plan_id) {
        (Some(_), Some(_)) => Ok(after),
        (None, Some(plan)) => Err(Stop::PlanFound { plan }),
        (_, None) => Err(Stop::SamePlan),
    }
}
