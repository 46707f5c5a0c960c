//! The one way to take a lock that no `await` is held over.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock. Whoever panicked while holding it left nothing half done: what these locks guard
/// is changed by one assignment or one call, and the panic itself goes on elsewhere (`blocking`).
pub(crate) fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
