//! The last step: the run is complete.

use crate::ado::wire::RunUpdate;
use crate::outbox::step::Step;
use crate::submit::execution::{Execution, Moved};

impl Execution<'_> {
    pub(in crate::submit) async fn complete(&self, position: usize) -> Moved {
        let plan = self.plan();
        let update = RunUpdate {
            state: "Completed",
            started_date: plan.started.to_string(),
            completed_date: plan.completed.to_string(),
            comment: &plan.comment(&self.submission.refused).text,
        };
        // Completing twice does no harm, so nobody is asked whether it happened.
        self.client
            .update_run(self.project(), self.run_id()?, &update)
            .await?;
        self.confirm(position, Step::Complete, &()).await
    }
}
