//! How many requests are under way at once, over all servers of the process.
//!
//! Usually [`USUAL`], never more than [`MOST`]. What lies between the two is for servers that would
//! otherwise have to wait for another one: a slow or hanging server holds up only its own work.
//! Each client has a [`Lane`]: it may use fewer slots when its server is in trouble, more again
//! when it is well, and its uploads never take its last slot, so a slow file holds up no other
//! call.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Requests that are under way at once, unless another server would have to wait.
pub const USUAL: usize = 4;
/// Most requests that are under way at once.
pub const MOST: usize = 8;
/// Fewest slots of a lane in trouble: one for uploads and one for other calls.
const FEWEST: usize = 2;
/// Requests that go well before a lane is allowed one more slot.
const WELL: u32 = 20;

/// The slots of a process; clones share them.
#[derive(Clone, Default)]
pub struct Gate(Arc<Mutex<State>>);

/// The share of one client.
pub struct Lane {
    gate: Gate,
    id: u64,
}

/// A slot that is in use, until this is dropped.
pub struct Slot {
    gate: Gate,
    lane: u64,
    upload: bool,
}

#[derive(Default)]
struct State {
    lanes: HashMap<u64, Use>,
    /// In the order in which they came.
    waiting: VecDeque<Waiting>,
    next_lane: u64,
}

/// What a lane uses, and may use.
#[derive(Clone, Copy, Debug)]
struct Use {
    calls: usize,
    uploads: usize,
    allowed: usize,
    well: u32,
}

struct Waiting {
    lane: u64,
    upload: bool,
    granted: oneshot::Sender<Slot>,
}

impl Gate {
    /// A lane for one more client.
    pub fn lane(&self) -> Lane {
        let mut state = self.state();
        let id = state.next_lane;
        state.next_lane += 1;
        state.lanes.insert(
            id,
            Use {
                calls: 0,
                uploads: 0,
                allowed: USUAL,
                well: 0,
            },
        );
        Lane {
            gate: self.clone(),
            id,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and lets in who may come in now.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let granted = {
            let mut state = self.state();
            change(&mut state);
            state.let_in()
        };
        for Waiting {
            lane,
            upload,
            granted,
        } in granted
        {
            // Whoever does not wait any longer gives the slot back by dropping it, and somebody
            // else is let in.
            let _ = granted.send(Slot {
                gate: self.clone(),
                lane,
                upload,
            });
        }
    }
}

impl State {
    /// Takes those out of the queue that may come in, and counts them as being in.
    fn let_in(&mut self) -> Vec<Waiting> {
        let mut granted = Vec::new();
        for waiting in std::mem::take(&mut self.waiting) {
            if self.enter(waiting.lane, waiting.upload) {
                granted.push(waiting);
            } else {
                self.waiting.push_back(waiting);
            }
        }
        granted
    }

    /// Counts a request of a lane if there is a slot for it.
    fn enter(&mut self, lane: u64, upload: bool) -> bool {
        let all = self.lanes.values().map(Use::total).sum();
        let Some(lane) = self
            .lanes
            .get_mut(&lane)
            .filter(|lane| lane.admits(all, upload))
        else {
            return false;
        };
        *lane.count(upload) += 1;
        true
    }
}

impl Use {
    const fn total(&self) -> usize {
        self.calls + self.uploads
    }

    const fn count(&mut self, upload: bool) -> &mut usize {
        if upload {
            &mut self.uploads
        } else {
            &mut self.calls
        }
    }

    /// Whether one more request may be under way while `all` are, over all lanes.
    const fn admits(&self, all: usize, upload: bool) -> bool {
        let room = self.total() < self.allowed && !(upload && self.uploads + 1 >= self.allowed);
        // Beyond the usual number a lane gets one call, and one upload if it has nothing else.
        let needed = if upload {
            self.total() == 0
        } else {
            self.calls == 0
        };
        room && all < MOST && (all < USUAL || needed)
    }
}

impl Lane {
    /// Waits for a slot.
    pub async fn take(&self, upload: bool) -> Slot {
        let wait = {
            let mut state = self.gate.state();
            let is_before = |other: &Waiting| other.lane == self.id && other.upload == upload;
            if !state.waiting.iter().any(is_before) && state.enter(self.id, upload) {
                return Slot {
                    gate: self.gate.clone(),
                    lane: self.id,
                    upload,
                };
            }
            let (granted, wait) = oneshot::channel();
            state.waiting.push_back(Waiting {
                lane: self.id,
                upload,
                granted,
            });
            wait
        };
        wait.await
            .expect("whoever waits is in the queue until a slot is sent")
    }

    /// The server answered as it should.
    pub fn went_well(&self) {
        self.adapt(|lane| {
            lane.well += 1;
            if lane.well >= WELL && lane.allowed < USUAL {
                lane.well = 0;
                lane.allowed += 1;
            }
        });
    }

    /// The server is busy or cannot be reached: half as many from now on.
    pub fn went_badly(&self) {
        self.adapt(|lane| {
            lane.well = 0;
            lane.allowed = lane.allowed.div_ceil(2).max(FEWEST);
        });
    }

    fn adapt(&self, adapt: impl FnOnce(&mut Use)) {
        self.gate.change(|state| {
            if let Some(lane) = state.lanes.get_mut(&self.id) {
                adapt(lane);
            }
        });
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.gate.change(|state| {
            state.lanes.remove(&self.id);
        });
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.gate.change(|state| {
            if let Some(lane) = state.lanes.get_mut(&self.lane) {
                *lane.count(self.upload) -= 1;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use proptest::prelude::*;

    use super::*;

    /// Slots that are to be had at once.
    fn slots(lane: &Lane, upload: bool) -> Vec<Slot> {
        std::iter::from_fn(|| lane.take(upload).now_or_never()).collect()
    }

    #[test]
    fn one_server_uses_four_slots_and_leaves_one_to_other_calls() {
        let gate = Gate::default();
        let lane = gate.lane();
        let uploads = slots(&lane, true);
        let calls = slots(&lane, false);
        assert_eq!((uploads.len(), calls.len()), (3, 1));
    }

    #[test]
    fn a_server_that_hangs_holds_up_no_other() {
        let gate = Gate::default();
        let lanes: Vec<Lane> = (0..5).map(|_| gate.lane()).collect();
        let mut held = slots(&lanes[0], false);
        assert_eq!(held.len(), USUAL);
        for lane in &lanes[1..] {
            let own = slots(lane, false);
            assert_eq!(own.len(), 1);
            held.extend(own);
        }
        assert_eq!(held.len(), MOST);
    }

    #[test]
    fn a_slow_upload_holds_up_no_call_even_where_another_server_hangs() {
        let gate = Gate::default();
        let (hangs, other) = (gate.lane(), gate.lane());
        let _held = slots(&hangs, false);
        let uploads = slots(&other, true);
        assert_eq!((uploads.len(), slots(&other, false).len()), (1, 1));
    }

    #[test]
    fn trouble_halves_the_slots_and_well_being_brings_them_back() {
        let gate = Gate::default();
        let lane = gate.lane();
        lane.went_badly();
        assert_eq!(slots(&lane, false).len(), 2);
        lane.went_badly();
        assert_eq!(
            slots(&lane, false).len(),
            2,
            "never fewer than two, so that uploads leave one"
        );
        for _ in 0..200 {
            lane.went_well();
        }
        assert_eq!(slots(&lane, false).len(), USUAL);
    }

    #[tokio::test]
    async fn who_waits_is_let_in_in_order_and_who_gave_up_is_passed_over() {
        let gate = Gate::default();
        let lane = gate.lane();
        let mut held = slots(&lane, false);
        let mut first = Box::pin(lane.take(false));
        let mut second = Box::pin(lane.take(false));
        let mut third = Box::pin(lane.take(false));
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        assert!(third.as_mut().now_or_never().is_none());
        drop(first);
        held.pop();
        let _in = second.await;
        assert!(third.as_mut().now_or_never().is_none());
        held.pop();
        drop(third.await);
    }

    proptest! {
        #[test]
        fn there_are_never_more_than_eight_and_never_fewer_than_one_for_who_has_none(
            moves in proptest::collection::vec((0usize..6, any::<bool>(), any::<bool>()), 0..200)
        ) {
            let gate = Gate::default();
            let lanes: Vec<Lane> = (0..6).map(|_| gate.lane()).collect();
            let mut held: Vec<(usize, Slot)> = Vec::new();
            for (lane, upload, gives_back) in moves {
                let own = held.iter().position(|(holder, _)| *holder == lane);
                match own.filter(|_| gives_back) {
                    Some(place) => drop(held.remove(place)),
                    None => {
                        let full = held.len() == MOST;
                        let slot = lanes[lane].take(upload).now_or_never();
                        prop_assert!(slot.is_some() || own.is_some() || full, "lane {} has none and gets none", lane);
                        held.extend(slot.map(|slot| (lane, slot)));
                    }
                }
                prop_assert!(held.len() <= MOST);
            }
        }
    }
}
