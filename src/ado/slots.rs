//! How many requests are under way at once: fewer when the server is in trouble, more again when it is well. Uploads
//! never take the last slot, so a slow file holds up no other call.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Requests that go well before one more is allowed at once.
const WELL: u32 = 20;

/// Slots for requests.
pub struct Slots {
    calls: Semaphore,
    uploads: Semaphore,
    most: usize,
    state: Mutex<State>,
}

struct State {
    allowed: usize,
    /// Slots that are to be taken back as soon as they are free.
    owed: usize,
    well: u32,
}

/// A slot that is in use.
pub struct Slot<'a> {
    _call: SemaphorePermit<'a>,
    _upload: Option<SemaphorePermit<'a>>,
}

impl Slots {
    /// At most `most` requests at once; at least two.
    pub fn new(most: usize) -> Self {
        let most = most.max(2);
        let state = Mutex::new(State { allowed: most, owed: 0, well: 0 });
        Self { calls: Semaphore::new(most), uploads: Semaphore::new(most - 1), most, state }
    }

    /// Waits for a slot.
    pub async fn take(&self, upload: bool) -> Slot<'_> {
        let wait = "the semaphores are never closed";
        let upload = if upload { Some(self.uploads.acquire().await.expect(wait)) } else { None };
        Slot { _call: self.calls.acquire().await.expect(wait), _upload: upload }
    }

    /// The server answered as it should.
    pub fn went_well(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.well += 1;
        if state.well >= WELL && state.allowed < self.most {
            state.well = 0;
            state.allowed += 1;
            if state.owed > 0 { state.owed -= 1 } else { self.calls.add_permits(1) }
        }
        state.owed -= self.calls.forget_permits(state.owed);
    }

    /// The server is busy or cannot be reached: half as many from now on.
    pub fn went_badly(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let fewer = state.allowed.div_ceil(2).max(2);
        state.owed += state.allowed - fewer;
        (state.allowed, state.well) = (fewer, 0);
        state.owed -= self.calls.forget_permits(state.owed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_halves_the_slots_and_well_being_brings_them_back() {
        let slots = Slots::new(8);
        slots.went_badly();
        assert_eq!(slots.calls.available_permits(), 4);
        slots.went_badly();
        slots.went_badly();
        assert_eq!(slots.calls.available_permits(), 2, "never fewer than two, so that uploads leave one");
        for _ in 0..200 {
            slots.went_well();
        }
        assert_eq!(slots.calls.available_permits(), 8);
    }

    #[tokio::test]
    async fn uploads_leave_a_slot_for_other_calls() {
        let slots = Slots::new(2);
        let _upload = slots.take(true).await;
        let _call = slots.take(false).await;
        assert_eq!((slots.uploads.available_permits(), slots.calls.available_permits()), (0, 0));
    }

    #[tokio::test]
    async fn slots_in_use_are_taken_back_when_they_are_free() {
        let slots = Slots::new(4);
        let mut used = Vec::new();
        for _ in 0..4 {
            used.push(slots.take(false).await);
        }
        slots.went_badly();
        drop(used);
        slots.went_well();
        assert_eq!(slots.calls.available_permits(), 2);
    }
}
