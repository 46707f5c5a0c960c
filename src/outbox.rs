//! The durable part: which runs are known, what is to be sent, and how far each submission is.
//!
//! `new_run` says what a run becomes, `transition` how a submission moves from state to state,
//! and `step` in which order its steps are carried out; all three are pure. `store` holds all
//! SQL of the program. Readers work beside a running service; only the process that holds
//! `lock::StateLock` sends.
//!
//! # The database on disk
//!
//! ## What it has to stand
//!
//! * **Nothing is sent twice, and nothing is lost.** What was committed survives a power cut: the
//!   database is in WAL mode with `synchronous=FULL`, and each change is one transaction together
//!   with the row of the ledger that reports it. What is about to be sent is committed before the
//!   request leaves (invariants I3 and I4).
//! * **It is never begun anew by mistake**, because everything would arrive a second time: beside
//!   `kado.db` lies `kado.mark`, written when the database was first made. With the mark there and
//!   the database missing, empty or foreign, kado refuses to start; a damaged one is set aside.
//! * **Several processes use it at once.** The holder of `kado.lock` sends; commands beside it read
//!   without writing, and leave requests, claims and what they saw of `katalonc`. So a writer takes
//!   the lock of SQLite at the beginning of its transaction and waits for others.
//! * **A version that cannot read one row works on with all others.** What is stored as JSON can be
//!   refused row by row. A *word* that is not known (the state of a submission or of a step, an
//!   obstacle) is an error everywhere: a guess could send something again.
//!
//! ## Layout
//!
//! `application_id` is `kado` in ASCII and `user_version` the number of the schema, which
//! `schema/0001.sql` describes column by column:
//!
//! | table | what it is for |
//! |---|---|
//! | `run` | one suite run, by what its log says (invariant I2), with the snapshot of the moment it finished |
//! | `run_member` | of a collection that is one run, the suite runs it consists of |
//! | `test_history` | how each test ended in its newest runs; the rest is forgotten |
//! | `submission` | a run for one test plan: its state, its plan, what it waits for |
//! | `step` | the requests of a submission that write, and how far each is |
//! | `refused` | what was left out of a submission while it was sent, a row for each |
//! | `ledger` | what happened to submissions; rows are only added |
//! | `pending_member` | members that are over, of collections that are not |
//! | `folder` | every run folder that was met, with its answer; a settled one need not be read again while it looks the same |
//! | `project_rules` | what the runs of a project were decided by last, so that a change decides anew about what was left out |
//! | `request` | what commands ask of the service, and its answers |
//! | `seen_command`, `claim` | which command started a run |
//! | `katalon_upload` | what was seen of Katalon's own uploads, by project |
//! | `live_run` | test runs that show a suite while it runs, until its submission has them |
//! | `cause` | what people are to be told of, as long as it is there |
//! | `notice`, `message` | what each way has to tell, and how far each message is |
//! | `fact` | single facts |
//!
//! ## What may change
//!
//! A new column or table is a new file in `schema`, listed in `store/schema.rs`, and for a column
//! its name in the list of `store` that reads it. A file that was released is never edited, and
//! uses nothing of the program, so that it means the same for ever. Fields may be added to stored
//! JSON when they have a default; a field is never renamed.
//!
//! A migration has to keep
//!
//! * `submission.key`, by which a run in ADO is recognised, and the id of each submission, which
//!   people and scripts have noted;
//! * `run.snapshot` and `submission.plan`, for what is under way goes on as it was planned;
//! * every step's state, and `create_unclear`, or something is sent twice;
//! * `pending_member.run`, by which copies in the spool are kept.
//!
//! It runs in one transaction when a process opens the database to write. A command that only reads
//! may meet the older schema, because the service was not restarted yet, and must not write: the
//! migration then comes with temporary views that make the old tables look like the new ones. A
//! newer schema is refused by all, as are those of kados that were never released.

pub(crate) mod bell;
mod kinship;
pub(crate) mod lock;
pub(crate) mod new_run;
pub(crate) mod notification;
mod outage;
pub(crate) mod request;
pub(crate) mod run_folders;
pub(crate) mod step;
pub(crate) mod store;
pub(crate) mod submission;
mod transition;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::blocking::blocking;
use crate::clock;
use crate::locked::locked;
use crate::outbox::request::Request;
use crate::outbox::submission::StepsProgress;

pub(crate) use outage::Outage;
pub use store::{OpenError, Store, StoreError};

/// A handle on the outbox for asynchronous code; clones share one connection.
#[derive(Clone)]
pub(crate) struct Outbox {
    state_dir: PathBuf,
    store: Arc<Mutex<Store>>,
    /// Told of each change that this process makes.
    written: Arc<Notify>,
    // A lock of its own: a mark is taken and dropped in asynchronous code, which must not wait
    // while somebody else's statement runs.
    under_way: Arc<Mutex<HashSet<i64>>>,
    /// Keys of the live runs that a request of this process is about at this moment.
    live_requests: Arc<Mutex<HashSet<String>>>,
}

/// A request about a live run, for which its submission waits, until this is dropped.
pub(crate) struct LiveRequest {
    key: String,
    all: Arc<Mutex<HashSet<String>>>,
}

impl Drop for LiveRequest {
    fn drop(&mut self) {
        locked(&self.all).remove(&self.key);
    }
}

/// A submission that is being sent by this process, until this is dropped.
pub(crate) struct UnderWay {
    id: i64,
    all: Arc<Mutex<HashSet<i64>>>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        locked(&self.all).remove(&self.id);
    }
}

impl Outbox {
    /// Opens the outbox of a state folder.
    ///
    /// # Errors
    /// See [`Store::open`].
    pub(crate) fn open(state_dir: &Path) -> Result<Self, OpenError> {
        Ok(Self::over(state_dir, Store::open(state_dir)?))
    }

    /// Opens the outbox beside the process that holds the lock of the state folder.
    ///
    /// # Errors
    /// See [`Store::open_beside`].
    pub(crate) fn open_beside(state_dir: &Path) -> Result<Self, OpenError> {
        Ok(Self::over(state_dir, Store::open_beside(state_dir)?))
    }

    fn over(state_dir: &Path, store: Store) -> Self {
        Self {
            state_dir: state_dir.to_owned(),
            store: Arc::new(Mutex::new(store)),
            written: Arc::default(),
            under_way: Arc::default(),
            live_requests: Arc::default(),
        }
    }

    /// Marks that a request about a live run is about to leave.
    pub(crate) fn begin_live_request(&self, key: &str) -> LiveRequest {
        locked(&self.live_requests).insert(key.to_owned());
        LiveRequest {
            key: key.to_owned(),
            all: Arc::clone(&self.live_requests),
        }
    }

    /// Whether a request about a live run is under way.
    pub(crate) fn has_live_request(&self, key: &str) -> bool {
        locked(&self.live_requests).contains(key)
    }

    /// Marks a submission as being sent; `None` when it is already.
    pub(crate) fn mark_under_way(&self, id: i64) -> Option<UnderWay> {
        // A retry plans a submission anew, which can take seconds for a large folder: without the
        // mark the submitter would begin to send it meanwhile, by steps that are just being
        // dropped.
        let is_new = locked(&self.under_way).insert(id);

        // Made only when it is new: dropping one ends the mark.
        is_new.then(|| UnderWay {
            id,
            all: Arc::clone(&self.under_way),
        })
    }

    /// Leaves requests for the running service, and wakes it. Gives their ids in the same order.
    ///
    /// # Errors
    /// See [`Store::ask`].
    pub(crate) async fn ask(&self, requests: Vec<Request>) -> Result<Vec<i64>, StoreError> {
        let state_dir = self.state_dir.clone();
        self.with(move |store| {
            let ids = store.ask(&requests, clock::now())?;
            bell::ring(&state_dir);
            Ok(ids)
        })
        .await
    }

    /// What the steps of a submission changed of it.
    ///
    /// # Errors
    /// See [`Store::progress`].
    pub(crate) async fn progress(&self, id: i64) -> Result<StepsProgress, StoreError> {
        self.with(move |store| store.progress(id)).await
    }

    /// Runs `work` on the store, on a thread that may block.
    ///
    /// # Errors
    /// What `work` returns.
    pub(crate) async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(&self.store);
        let written = Arc::clone(&self.written);
        blocking(move || {
            // Every change is a transaction of its own, so a panic elsewhere left nothing half done
            // in here.
            let mut store = locked(&store);
            let before = store.rows_written();
            let done = work(&mut store);
            if store.rows_written() != before {
                written.notify_one();
            }
            done
        })
        .await?
    }

    /// Waits until this process writes, or has written since this was last waited for. For one
    /// listener: what it was told of, another one does not hear.
    pub(crate) async fn written(&self) {
        self.written.notified().await;
    }
}
