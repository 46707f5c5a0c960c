//! The durable part: which runs are known, what is to be sent, and how far each submission is.
//!
//! One SQLite database in the state folder, in WAL mode with `synchronous=FULL`: what was committed
//! survives a power cut. [`step`] holds the order of the steps and [`new_run`] what a run becomes,
//! both pure; [`store`] holds all SQL of the program. Readers work beside a running service; only
//! the process that holds [`lock::StateLock`] sends.

pub mod lock;
pub mod new_run;
pub mod request;
pub mod step;
pub mod store;
pub mod submission;

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::blocking::blocking;

pub use store::{OpenError, Store, StoreError};

/// A handle on the outbox for asynchronous code; clones share one connection.
#[derive(Clone)]
pub struct Outbox {
    store: Arc<Mutex<Store>>,
    under_way: Arc<Mutex<HashSet<i64>>>,
}

/// A submission that is being sent by this process, until this is dropped.
pub struct UnderWay {
    id: i64,
    all: Arc<Mutex<HashSet<i64>>>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.all
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.id);
    }
}

impl Outbox {
    /// Opens the outbox of a state folder.
    ///
    /// # Errors
    /// See [`Store::open`].
    pub fn open(state_dir: &Path) -> Result<Self, OpenError> {
        Ok(Self::over(Store::open(state_dir)?))
    }

    /// Opens the outbox beside the process that holds the lock of the state folder.
    ///
    /// # Errors
    /// See [`Store::open_beside`].
    pub fn open_beside(state_dir: &Path) -> Result<Self, OpenError> {
        Ok(Self::over(Store::open_beside(state_dir)?))
    }

    fn over(store: Store) -> Self {
        Self {
            store: Arc::new(Mutex::new(store)),
            under_way: Arc::default(),
        }
    }

    /// Marks a submission as being sent; `None` when it is already.
    pub fn begin(&self, id: i64) -> Option<UnderWay> {
        let new = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id);
        new.then(|| UnderWay {
            id,
            all: Arc::clone(&self.under_way),
        })
    }

    /// Runs `work` on the store, on a thread that may block.
    ///
    /// # Errors
    /// What `work` returns.
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(&self.store);
        let run = move || {
            // Every change is a transaction of its own, so a panic elsewhere left nothing half done
            // in here.
            let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut store)
        };
        blocking(run).await?
    }
}
