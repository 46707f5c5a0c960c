//! The submitting half of the service: whatever becomes due is attempted, several submissions at a
//! time, those of one test plan one after the other until their results are written. No server
//! takes all places, nor do all together of which nothing was heard at last, because one server can
//! have any number of names: while they hang, others get their runs. Nor does one project take all
//! places of its server, however long its files take.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::{self, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::ado::slots::on_behalf_of;
use crate::clock;
use crate::error_chain::chain;
use crate::outbox::submission::{Destination, DueSubmission};
use crate::outbox::{Outage, StoreError};
use crate::submit::{SendAttempt, Submitter};

/// Submissions that are under way at once; the connections they use are limited elsewhere.
const AT_ONCE: usize = 32;
/// Submissions of one project to one server that are under way at once.
const OF_A_PROJECT: usize = 8;
/// Submissions to one server that are under way at once; those beyond [`OF_A_PROJECT`] are for
/// projects that have none under way there.
const OF_A_SERVER: usize = 12;
/// Submissions that are under way at once to all servers of which nothing was heard at last.
const FOR_SILENT: usize = 16;
/// Of these, places that are kept for servers that have none.
const FOR_OTHER_SILENT: usize = 8;
/// Longest sleep without a look at the outbox.
const LONGEST: Duration = Duration::from_secs(60);
/// Shortest sleep: what is due and cannot be started must not keep a processor busy.
const SHORTEST: Duration = Duration::from_millis(20);
/// Time for steps in hand when the service stops.
const GRACE: Duration = Duration::from_secs(5);

/// How a task ended.
type TaskEnd = Result<(task::Id, Result<SendAttempt, StoreError>), JoinError>;

/// What is under way.
struct Tasks {
    attempts: JoinSet<Result<SendAttempt, StoreError>>,
    /// Which submission a task works on.
    ids: HashMap<task::Id, i64>,
    /// Each submission that is under way.
    submissions: HashMap<i64, UnderWay>,
    /// Which submission holds which test plan: its results are not written yet.
    plans: HashMap<Destination, i64>,
}

/// A submission that is under way.
struct UnderWay {
    server: String,
    /// The root of its project.
    root: String,
    /// What was heard of its server when it began.
    heard: HeardOfServer,
}

/// Whether a server answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum HeardOfServer {
    Answers,
    /// Nothing was ever heard of it, or nothing at last.
    Nothing,
}

/// What is under way of a project and a server.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    of_server: usize,
    /// Of the project, to the same server.
    of_project: usize,
    /// To all servers of which nothing was heard.
    silent: usize,
}

impl Taken {
    /// Whether one more may be under way to the server.
    fn leaves_room(self, heard: HeardOfServer) -> bool {
        let for_server = match self.of_project {
            0 => OF_A_SERVER,
            _ => OF_A_PROJECT,
        };
        let for_silent = match self.of_server {
            0 => FOR_SILENT,
            _ => FOR_SILENT - FOR_OTHER_SILENT,
        };
        let is_heard = heard == HeardOfServer::Answers;
        self.of_server < for_server && (is_heard || self.silent < for_silent)
    }
}

impl Tasks {
    fn new() -> Self {
        Self {
            attempts: JoinSet::new(),
            ids: HashMap::new(),
            submissions: HashMap::new(),
            plans: HashMap::new(),
        }
    }

    /// Whether a submission that is listed as due may be begun now.
    fn may_begin(&self, submission: &DueSubmission, heard: HeardOfServer) -> bool {
        // An attempt may have ended after the list was read: what it recorded is not in there.
        let is_under_way = self.submissions.contains_key(&submission.id);
        !is_under_way
            && self.attempts.len() < AT_ONCE
            && !self.plans.contains_key(&submission.goes_to)
            && self.taken(submission).leaves_room(heard)
    }

    /// What is under way of the project and the server of a submission.
    fn taken(&self, submission: &DueSubmission) -> Taken {
        let mut taken = Taken::default();
        for other in self.submissions.values() {
            let same_server = other.server == submission.goes_to.server;
            let same_project = other.root == submission.root;
            taken.of_server += usize::from(same_server);
            taken.of_project += usize::from(same_server && same_project);
            taken.silent += usize::from(other.heard == HeardOfServer::Nothing);
        }
        taken
    }

    /// Takes note that a submission begins.
    fn begin(&mut self, submission: DueSubmission, heard: HeardOfServer) {
        let DueSubmission { id, goes_to, root } = submission;
        let under_way = UnderWay {
            server: goes_to.server.clone(),
            root,
            heard,
        };
        self.submissions.insert(id, under_way);
        // The test plan is held until the results are written: ADO shows the outcome that came last
        // as the latest, so an older run must not come after a newer one.
        self.plans.insert(goes_to, id);
    }

    /// The results of a submission are written: the next one of its test plan may begin.
    fn free_plan(&mut self, submission: i64) {
        self.plans.retain(|_, holder| *holder != submission);
    }

    /// A task ended; gives its submission.
    fn end(&mut self, task: task::Id) -> Option<i64> {
        let submission = self.ids.remove(&task)?;
        self.submissions.remove(&submission);
        self.free_plan(submission);
        Some(submission)
    }
}

impl Submitter {
    /// Works until `stop`. `changed` wakes it when something was added; it calls `turned` at every
    /// turn.
    ///
    /// While the outbox cannot be written for want of room or rights, nothing is sent and the
    /// service goes on looking.
    ///
    /// # Errors
    /// When the outbox fails in a way that does not pass.
    pub(crate) async fn serve(
        self: Arc<Self>,
        changed: Arc<Notify>,
        stop: CancellationToken,
        turned: impl Fn(),
    ) -> Result<(), StoreError> {
        let mut tasks = Tasks::new();
        let mut outage = Outage::new("nothing is sent");
        let (written_sender, mut written) = mpsc::channel::<i64>(2 * AT_ONCE);

        while !stop.is_cancelled() {
            turned();
            let started = self.start_due(&mut tasks, &written_sender).await;
            let idle = outage.pause_after(started)?;

            tokio::select! {
                () = stop.cancelled() => break,
                () = changed.notified() => {}
                () = tokio::time::sleep(idle) => {}
                Some(submission) = written.recv() => tasks.free_plan(submission),
                // Without any task it gives `None`, and only the others are waited for.
                Some(end) = tasks.attempts.join_next_with_id() => {
                    let noted = self.note_end(&mut tasks, end).await;
                    let pause = outage.pause_after(noted.map(|()| Duration::ZERO))?;
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(pause) => {}
                    }
                }
            }
        }

        finish(tasks.attempts).await;
        Ok(())
    }

    /// Starts what is due; gives how long to sleep at most.
    async fn start_due(
        self: &Arc<Self>,
        tasks: &mut Tasks,
        written: &mpsc::Sender<i64>,
    ) -> Result<Duration, StoreError> {
        // Which servers answered before this process began.
        self.remember_tokens().await?;

        let now = clock::now();
        for submission in self.outbox.with(move |store| store.due(now, None)).await? {
            let heard = self.heard_of(&submission.goes_to.server);
            if !tasks.may_begin(&submission, heard) {
                continue;
            }

            // A person's retry or forget has it in hand; that ends soon and wakes this loop.
            let id = submission.id;
            let Some(under_way) = self.outbox.mark_under_way(id) else {
                continue;
            };

            let root = submission.root.clone();
            tasks.begin(submission, heard);
            let submitter = Arc::clone(self);
            let written = written.clone();
            let attempt = async move {
                let _under_way = under_way;
                submitter
                    .attempt_until_written(id, || {
                        // Should the channel be full, the end of the attempt frees the plan.
                        let _ = written.try_send(id);
                    })
                    .await
            };
            let task = tasks.attempts.spawn(on_behalf_of(root, attempt));
            tasks.ids.insert(task.id(), id);
        }

        let next = self.outbox.with(move |store| store.next_due(now)).await?;
        Ok(match next {
            Some(next) => next.since(now).clamp(SHORTEST, LONGEST),
            None => LONGEST,
        })
    }

    fn heard_of(&self, server: &str) -> HeardOfServer {
        if self.connections.is_silent(server) {
            HeardOfServer::Nothing
        } else {
            HeardOfServer::Answers
        }
    }

    /// Takes note of the end of an attempt. One that panicked, or that the outbox does not take,
    /// is parked, so that it costs only itself.
    async fn note_end(&self, tasks: &mut Tasks, end: TaskEnd) -> Result<(), StoreError> {
        let task = match &end {
            Ok((task, _)) => *task,
            Err(error) => error.id(),
        };
        let Some(id) = tasks.end(task) else {
            return Ok(());
        };

        let error = match end {
            Ok((_, Ok(_))) => return Ok(()),
            Ok((_, Err(error))) if error.concerns_one_run() => chain(&error),
            Ok((_, Err(error))) => return Err(error),
            Err(error) => error.to_string(),
        };
        let reason =
            format!("kado failed on this run ({error}); that is a defect, please report it");
        match self.park(id, None, &reason, None).await {
            // A person forgot it between the look at what is due and the attempt: it stays so.
            Err(StoreError::IllegalTransition { .. }) => Ok(()),
            parked => parked,
        }
    }
}

/// Gives steps in hand a short time to end; what is cut off stays intended and is asked for at the
/// next start (invariant I5).
async fn finish<T: 'static>(mut tasks: JoinSet<T>) {
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all).await.is_err() {
        tracing::info!("stopping in the middle of a request; it is looked up at the next start");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(id: i64) -> DueSubmission {
        due_of("/shop", id)
    }

    /// Due, of this project, on a test plan of its own.
    fn due_of(root: &str, id: i64) -> DueSubmission {
        due_at("https://ado.example", root, id)
    }

    fn due_at(server: &str, root: &str, id: i64) -> DueSubmission {
        DueSubmission {
            id,
            goes_to: Destination {
                server: server.to_owned(),
                plan_id: u32::try_from(id).ok(),
            },
            root: root.to_owned(),
        }
    }

    /// Begins of these what may be begun; gives how many that were.
    fn begin_all(
        tasks: &mut Tasks,
        due: impl IntoIterator<Item = DueSubmission>,
        heard: HeardOfServer,
    ) -> usize {
        let mut begun = 0;
        for submission in due {
            if tasks.may_begin(&submission, heard) {
                tasks.begin(submission, heard);
                begun += 1;
            }
        }
        begun
    }

    #[test]
    fn what_is_under_way_is_not_begun_again_although_its_test_plan_is_free() {
        let mut tasks = Tasks::new();
        tasks.begin(due(1), HeardOfServer::Answers);

        tasks.free_plan(1);

        assert!(!tasks.may_begin(&due(1), HeardOfServer::Answers));
        assert!(tasks.may_begin(&due(2), HeardOfServer::Answers));
    }

    #[test]
    fn submissions_of_a_test_plan_whose_results_are_not_written_wait() {
        let mut tasks = Tasks::new();
        tasks.begin(due(1), HeardOfServer::Answers);

        let of_same_plan = DueSubmission { id: 2, ..due(1) };

        assert!(!tasks.may_begin(&of_same_plan, HeardOfServer::Answers));
        tasks.free_plan(1);
        assert!(tasks.may_begin(&of_same_plan, HeardOfServer::Answers));
    }

    #[test]
    fn long_uploads_of_one_project_leave_places_to_others_of_its_server() {
        let mut tasks = Tasks::new();

        let of_shop = begin_all(
            &mut tasks,
            (0..20).map(|id| due_of("/shop", id)),
            HeardOfServer::Answers,
        );
        let of_bank = begin_all(
            &mut tasks,
            (20..40).map(|id| due_of("/bank", id)),
            HeardOfServer::Answers,
        );
        let of_mail = begin_all(
            &mut tasks,
            (40..60).map(|id| due_of("/mail", id)),
            HeardOfServer::Answers,
        );

        assert_eq!((of_shop, of_bank, of_mail), (OF_A_PROJECT, 1, 1));
    }

    #[test]
    fn however_many_names_a_hanging_server_has_places_are_left_to_those_that_answer() {
        let mut tasks = Tasks::new();
        let names = (0..40).map(|id| due_at(&format!("https://{id}.example"), "/shop", id));

        let hanging = begin_all(&mut tasks, names, HeardOfServer::Nothing);

        assert_eq!(hanging, FOR_SILENT);
        assert!(tasks.may_begin(&due(100), HeardOfServer::Answers));
    }

    #[test]
    fn one_server_of_which_nothing_was_heard_leaves_places_to_others() {
        let mut tasks = Tasks::new();

        let hanging = begin_all(&mut tasks, (0..20).map(due), HeardOfServer::Nothing);

        assert_eq!(hanging, FOR_SILENT - FOR_OTHER_SILENT);
        assert!(tasks.may_begin(
            &due_at("https://other.example", "/bank", 100),
            HeardOfServer::Nothing
        ));
    }
}
