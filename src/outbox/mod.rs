//! The durable part: which runs are known, what is to be sent, and how far each submission is.
//!
//! One SQLite database in the state folder, in WAL mode with `synchronous=FULL`: what was committed survives a power
//! cut. [`step`] holds the order of the steps and [`intake`] what a run becomes, both pure; [`store`] holds all SQL of
//! the program. Readers work beside a running service; only the process that holds [`lock::StateLock`] sends.

pub mod folder;
pub mod intake;
pub mod lock;
pub mod request;
pub mod row;
pub mod step;
pub mod store;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

pub use store::{OpenError, Store, StoreError};

/// A handle on the outbox for asynchronous code; clones share one connection.
#[derive(Clone)]
pub struct Outbox(Arc<Mutex<Store>>);

impl Outbox {
    /// Opens the outbox of a state folder.
    ///
    /// # Errors
    /// See [`Store::open`].
    pub fn open(state_dir: &Path) -> Result<Self, OpenError> {
        Ok(Self(Arc::new(Mutex::new(Store::open(state_dir)?))))
    }

    /// Runs `work` on the store, on a thread that may block.
    ///
    /// # Errors
    /// What `work` returns.
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(&self.0);
        let run = move || {
            // Every change is a transaction of its own, so a panic elsewhere left nothing half done in here.
            let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut store)
        };
        match tokio::task::spawn_blocking(run).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(StoreError::Stopped),
            },
        }
    }
}
