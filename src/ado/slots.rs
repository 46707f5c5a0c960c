//! How many requests are under way at once, over all servers of the process.
//!
//! Usually [`USUAL`], never more than [`MOST`]. What lies between the two is for servers that would
//! otherwise have to wait for another one: a slow or hanging server holds up only its own work.
//! Each client has a [`Lane`]: it may use fewer slots when its server is in trouble, more again
//! when it is well, and its uploads never take its last slot, so a slow file holds up no other
//! call.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::locked::locked;

use tokio::sync::oneshot;

/// Requests that are under way at once, unless another server would have to wait.
pub(crate) const USUAL: usize = 4;
/// Most requests that are under way at once.
const MOST: usize = 8;
/// Fewest slots of a lane in trouble: one for uploads and one for other calls.
const FEWEST: usize = 2;
/// Requests that go well before a lane is allowed one more slot.
const WELL: u32 = 20;

/// What a slot is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SlotUse {
    /// A call without a file.
    Call,
    /// A call that carries a file, and may last.
    Upload,
}

/// The slots of a process; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Mutex<State>>);

/// The share of one client.
pub(super) struct Lane {
    gate: Gate,
    id: u64,
}

/// A slot that is in use, until this is dropped.
pub(super) struct Slot {
    gate: Gate,
    lane: u64,
    slot_use: SlotUse,
}

#[derive(Default)]
struct State {
    lanes: HashMap<u64, LaneState>,
    /// In the order in which they came.
    queue: VecDeque<Waiting>,
    next_lane: u64,
}

/// What a lane uses, and may use.
#[derive(Clone, Copy, Debug)]
struct LaneState {
    calls: usize,
    uploads: usize,
    allowed: usize,
    /// Requests that went well since the last one that did not.
    well: u32,
}

/// Somebody in the queue.
struct Waiting {
    lane: u64,
    slot_use: SlotUse,
    granted: oneshot::Sender<Slot>,
}

impl Gate {
    /// A lane for one more client.
    pub(super) fn lane(&self) -> Lane {
        let mut state = self.state();
        // Never given twice: a slot that outlives its lane must not be counted back to another.
        let id = state.next_lane;
        state.next_lane += 1;

        let unused = LaneState {
            calls: 0,
            uploads: 0,
            allowed: USUAL,
            well: 0,
        };
        state.lanes.insert(id, unused);

        Lane {
            gate: self.clone(),
            id,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.0)
    }

    /// Changes a lane, if it is still there, and lets in who may come in now.
    fn change_lane(&self, id: u64, change: impl FnOnce(&mut LaneState)) {
        let admitted = {
            let mut state = self.state();
            if let Some(lane) = state.lanes.get_mut(&id) {
                change(lane);
            }
            state.admit()
        };
        self.grant(admitted);
    }

    fn remove_lane(&self, id: u64) {
        let admitted = {
            let mut state = self.state();
            state.lanes.remove(&id);
            state.admit()
        };
        self.grant(admitted);
    }

    /// Hands out slots. The state must not be locked: whoever does not wait any longer gives the
    /// slot back at once by dropping it, and somebody else is let in.
    fn grant(&self, admitted: Vec<Waiting>) {
        for waiting in admitted {
            let slot = self.slot(waiting.lane, waiting.slot_use);
            let _ = waiting.granted.send(slot);
        }
    }

    fn slot(&self, lane: u64, slot_use: SlotUse) -> Slot {
        Slot {
            gate: self.clone(),
            lane,
            slot_use,
        }
    }
}

impl State {
    /// Takes those out of the queue that may come in, and counts them as being in.
    fn admit(&mut self) -> Vec<Waiting> {
        let mut admitted = Vec::new();
        // All are asked, not the first alone: one of a full lane must not hold up those behind it.
        for waiting in std::mem::take(&mut self.queue) {
            if self.enter(waiting.lane, waiting.slot_use) {
                admitted.push(waiting);
            } else {
                self.queue.push_back(waiting);
            }
        }
        admitted
    }

    /// Counts a request of a lane if there is a slot for it.
    fn enter(&mut self, lane: u64, slot_use: SlotUse) -> bool {
        let under_way = self.lanes.values().map(LaneState::total).sum();
        match self.lanes.get_mut(&lane) {
            Some(lane) if lane.admits(under_way, slot_use) => {
                *lane.count(slot_use) += 1;
                true
            }
            _ => false,
        }
    }

    /// Whether somebody waits already for the same as a newcomer, who must not overtake him.
    fn has_waiting(&self, lane: u64, slot_use: SlotUse) -> bool {
        self.queue
            .iter()
            .any(|waiting| waiting.lane == lane && waiting.slot_use == slot_use)
    }
}

impl LaneState {
    const fn total(&self) -> usize {
        self.calls + self.uploads
    }

    const fn count(&mut self, slot_use: SlotUse) -> &mut usize {
        match slot_use {
            SlotUse::Call => &mut self.calls,
            SlotUse::Upload => &mut self.uploads,
        }
    }

    /// Whether one more request may be under way while `under_way` are, over all lanes.
    const fn admits(&self, under_way: usize, slot_use: SlotUse) -> bool {
        if under_way >= MOST || self.total() >= self.allowed {
            return false;
        }

        // The last slot of a lane is for a call.
        if matches!(slot_use, SlotUse::Upload) && self.uploads + 1 >= self.allowed {
            return false;
        }

        // While few are under way nobody has to wait for this lane, so it may take all of its own.
        if under_way < USUAL {
            return true;
        }

        // Beyond the usual number a lane gets one call, and one upload if it has nothing else.
        match slot_use {
            SlotUse::Call => self.calls == 0,
            SlotUse::Upload => self.total() == 0,
        }
    }
}

impl Lane {
    /// Waits for a slot.
    pub(super) async fn take(&self, slot_use: SlotUse) -> Slot {
        let wait = {
            let mut state = self.gate.state();
            // Nobody slips in before somebody who waits for the same already.
            if !state.has_waiting(self.id, slot_use) && state.enter(self.id, slot_use) {
                return self.gate.slot(self.id, slot_use);
            }

            let (granted, wait) = oneshot::channel();
            state.queue.push_back(Waiting {
                lane: self.id,
                slot_use,
                granted,
            });
            wait
        };
        wait.await
            .expect("whoever waits is in the queue until a slot is sent")
    }

    /// The server answered as it should.
    pub(super) fn went_well(&self) {
        self.gate.change_lane(self.id, |lane| {
            lane.well += 1;
            if lane.well >= WELL && lane.allowed < USUAL {
                lane.well = 0;
                lane.allowed += 1;
            }
        });
    }

    /// The server is busy or cannot be reached: half as many from now on.
    pub(super) fn went_badly(&self) {
        self.gate.change_lane(self.id, |lane| {
            lane.well = 0;
            // Down by half and up by one: a server in trouble is spared at once, and then tried
            // with care.
            lane.allowed = lane.allowed.div_ceil(2).max(FEWEST);
        });
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.gate.remove_lane(self.id);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.gate
            .change_lane(self.lane, |lane| *lane.count(self.slot_use) -= 1);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use proptest::prelude::*;

    use super::*;

    /// Takes all slots that are to be had at once.
    fn take_all(lane: &Lane, slot_use: SlotUse) -> Vec<Slot> {
        std::iter::from_fn(|| lane.take(slot_use).now_or_never()).collect()
    }

    #[test]
    fn one_server_uses_four_slots_and_leaves_one_to_other_calls() {
        let gate = Gate::default();
        let lane = gate.lane();

        let uploads = take_all(&lane, SlotUse::Upload);
        let calls = take_all(&lane, SlotUse::Call);

        assert_eq!(uploads.len(), 3);
        assert_eq!(calls.len(), 1);
    }

    #[test]
    fn a_server_that_hangs_holds_up_no_other() {
        let gate = Gate::default();
        let lanes: Vec<Lane> = (0..5).map(|_| gate.lane()).collect();

        let mut slots = take_all(&lanes[0], SlotUse::Call);
        assert_eq!(slots.len(), USUAL);

        for lane in &lanes[1..] {
            let own = take_all(lane, SlotUse::Call);
            assert_eq!(own.len(), 1);
            slots.extend(own);
        }
        assert_eq!(slots.len(), MOST);
    }

    #[test]
    fn a_slow_upload_holds_up_no_call_even_where_another_server_hangs() {
        let gate = Gate::default();
        let hanging = gate.lane();
        let other = gate.lane();
        let _hanging_slots = take_all(&hanging, SlotUse::Call);

        let uploads = take_all(&other, SlotUse::Upload);
        let calls = take_all(&other, SlotUse::Call);

        assert_eq!(uploads.len(), 1);
        assert_eq!(calls.len(), 1);
    }

    #[test]
    fn trouble_halves_the_slots_and_well_being_brings_them_back() {
        let gate = Gate::default();
        let lane = gate.lane();

        lane.went_badly();
        assert_eq!(take_all(&lane, SlotUse::Call).len(), 2);

        lane.went_badly();
        assert_eq!(
            take_all(&lane, SlotUse::Call).len(),
            2,
            "never fewer than two, so that uploads leave one"
        );

        for _ in 0..200 {
            lane.went_well();
        }
        assert_eq!(take_all(&lane, SlotUse::Call).len(), USUAL);
    }

    #[tokio::test]
    async fn who_waits_is_let_in_in_order_and_who_gave_up_is_passed_over() {
        let gate = Gate::default();
        let lane = gate.lane();
        let mut slots = take_all(&lane, SlotUse::Call);
        let mut first = Box::pin(lane.take(SlotUse::Call));
        let mut second = Box::pin(lane.take(SlotUse::Call));
        let mut third = Box::pin(lane.take(SlotUse::Call));
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        assert!(third.as_mut().now_or_never().is_none());

        drop(first);
        slots.pop();
        let _slot = second.await;
        assert!(third.as_mut().now_or_never().is_none());

        slots.pop();
        drop(third.await);
    }

    fn any_use() -> impl Strategy<Value = SlotUse> {
        prop_oneof![Just(SlotUse::Call), Just(SlotUse::Upload)]
    }

    proptest! {
        #[test]
        fn there_are_never_more_than_eight_and_never_fewer_than_one_for_who_has_none(
            moves in proptest::collection::vec((0usize..6, any_use(), any::<bool>()), 0..200)
        ) {
            let gate = Gate::default();
            let lanes: Vec<Lane> = (0..6).map(|_| gate.lane()).collect();
            let mut slots: Vec<(usize, Slot)> = Vec::new();

            for (lane, slot_use, gives_back) in moves {
                let own = slots.iter().position(|(holder, _)| *holder == lane);
                if let Some(own) = own && gives_back {
                    drop(slots.remove(own));
                } else {
                    let full = slots.len() == MOST;
                    let slot = lanes[lane].take(slot_use).now_or_never();
                    prop_assert!(
                        slot.is_some() || own.is_some() || full,
                        "lane {lane} has none and gets none"
                    );
                    slots.extend(slot.map(|slot| (lane, slot)));
                }

                prop_assert!(slots.len() <= MOST);
            }
        }
    }
}
