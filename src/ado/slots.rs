//! How many requests are under way at once, over all servers of the process.
//!
//! Never more than [`MOST`], and of one server as many as its [`Allowance`] says. While other
//! servers of the process have nothing under way a slot is kept for each of them, up to
//! [`FOR_OTHERS`]: a slow or hanging server holds up only its own work. Each client has a [`Lane`];
//! its uploads never take its last slot nor the last one of all, so a slow file holds up no other
//! call.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::ado::allowance::{Allowance, MOST, Sign, TroubleCount};
use crate::locked::locked;

/// Slots that are kept for servers that have nothing under way, where there are so many.
const FOR_OTHERS: usize = 4;

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
    troubles: TroubleCount,
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
    allowance: Allowance,
}

/// Somebody in the queue.
struct Waiting {
    lane: u64,
    slot_use: SlotUse,
    granted: oneshot::Sender<Slot>,
}

/// Somebody who is let in.
struct Admitted {
    waiting: Waiting,
    troubles: TroubleCount,
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
            allowance: Allowance::new(),
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
    fn grant(&self, admitted: Vec<Admitted>) {
        for Admitted { waiting, troubles } in admitted {
            let slot = self.slot(waiting.lane, waiting.slot_use, troubles);
            let _ = waiting.granted.send(slot);
        }
    }

    fn slot(&self, lane: u64, slot_use: SlotUse, troubles: TroubleCount) -> Slot {
        Slot {
            gate: self.clone(),
            lane,
            slot_use,
            troubles,
        }
    }
}

impl State {
    /// Takes those out of the queue that may come in, and counts them as being in.
    fn admit(&mut self) -> Vec<Admitted> {
        let mut admitted = Vec::new();
        // All are asked, not the first alone: one of a full lane must not hold up those behind it.
        for waiting in std::mem::take(&mut self.queue) {
            match self.enter(waiting.lane, waiting.slot_use) {
                Some(troubles) => admitted.push(Admitted { waiting, troubles }),
                None => self.queue.push_back(waiting),
            }
        }
        admitted
    }

    /// Counts a request of a lane if there is a slot for it.
    fn enter(&mut self, lane: u64, slot_use: SlotUse) -> Option<TroubleCount> {
        let mut under_way = 0;
        let mut without_any = 0;
        for (id, other) in &self.lanes {
            under_way += other.total();
            without_any += usize::from(*id != lane && other.total() == 0);
        }

        let lane = self.lanes.get_mut(&lane)?;
        let others = Others {
            under_way,
            without_any,
        };
        if !lane.admits(others, slot_use) {
            return None;
        }
        *lane.count(slot_use) += 1;
        Some(lane.allowance.troubles())
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

    /// Whether one more request of this lane may be under way.
    fn admits(&self, others: Others, slot_use: SlotUse) -> bool {
        if others.under_way >= MOST || self.total() >= self.allowance.allowed() {
            return false;
        }

        // The last slot of a lane is for a call.
        if slot_use == SlotUse::Upload && self.uploads + 1 >= self.allowance.allowed() {
            return false;
        }

        // Whoever has none gets one.
        if self.total() == 0 {
            return true;
        }

        let kept_for_calls = usize::from(slot_use == SlotUse::Upload);
        let kept = others.without_any.min(FOR_OTHERS) + kept_for_calls;
        others.under_way + kept < MOST
    }
}

/// What a lane has to mind.
#[derive(Clone, Copy, Debug)]
struct Others {
    /// Requests that are under way, over all lanes.
    under_way: usize,
    /// Other lanes that have nothing under way.
    without_any: usize,
}

impl Lane {
    /// Waits for a slot.
    pub(super) async fn take(&self, slot_use: SlotUse) -> Slot {
        let wait = {
            let mut state = self.gate.state();
            // Nobody slips in before somebody who waits for the same already.
            if !state.has_waiting(self.id, slot_use)
                && let Some(troubles) = state.enter(self.id, slot_use)
            {
                return self.gate.slot(self.id, slot_use, troubles);
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
}

impl Slot {
    /// The time between the beginnings of two requests of this slot's lane.
    pub(super) fn gap(&self) -> Duration {
        let state = self.gate.state();
        let lane = state.lanes.get(&self.lane);
        lane.map_or(Duration::ZERO, |lane| lane.allowance.gap())
    }

    /// What the request that this slot is for says of its server.
    pub(super) fn note(&self, sign: Sign) {
        self.gate
            .change_lane(self.lane, |lane| lane.allowance.note(sign, self.troubles));
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
    use crate::ado::allowance::START;

    /// Takes all slots that are to be had at once.
    fn take_all(lane: &Lane, slot_use: SlotUse) -> Vec<Slot> {
        std::iter::from_fn(|| lane.take(slot_use).now_or_never()).collect()
    }

    /// Lets a lane grow to all that one server may get.
    fn grow(lane: &Lane) {
        for _ in START..MOST {
            let slot = lane.take(SlotUse::Call).now_or_never();
            slot.expect("a lane without any gets one").note(Sign::Quick);
        }
    }

    #[test]
    fn one_server_uses_four_slots_at_first_and_leaves_one_to_other_calls() {
        let gate = Gate::default();
        let lane = gate.lane();

        let uploads = take_all(&lane, SlotUse::Upload);
        let calls = take_all(&lane, SlotUse::Call);

        assert_eq!(uploads.len(), 3);
        assert_eq!(calls.len(), 1);
    }

    #[test]
    fn one_that_answers_quickly_gets_all_eight_and_still_leaves_one_to_other_calls() {
        let gate = Gate::default();
        let lane = gate.lane();
        grow(&lane);

        let uploads = take_all(&lane, SlotUse::Upload);
        let calls = take_all(&lane, SlotUse::Call);

        assert_eq!(uploads.len(), 7);
        assert_eq!(calls.len(), 1);
    }

    #[test]
    fn a_server_that_was_quick_before_it_hangs_holds_up_no_other() {
        let gate = Gate::default();
        let hanging = gate.lane();
        let other = gate.lane();
        grow(&hanging);

        let hanging_slots = take_all(&hanging, SlotUse::Call);
        let own = take_all(&other, SlotUse::Upload);

        assert_eq!(hanging_slots.len(), 7);
        assert_eq!(own.len(), 1);
    }

    #[test]
    fn a_server_that_hangs_holds_up_no_other() {
        let gate = Gate::default();
        let lanes: Vec<Lane> = (0..5).map(|_| gate.lane()).collect();
        grow(&lanes[0]);

        let mut slots = take_all(&lanes[0], SlotUse::Call);
        assert_eq!(slots.len(), MOST - FOR_OTHERS);

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
        grow(&hanging);
        grow(&other);
        let _hanging_slots = take_all(&hanging, SlotUse::Upload);

        let uploads = take_all(&other, SlotUse::Upload);
        let calls = take_all(&other, SlotUse::Call);

        assert_eq!(uploads.len(), 1);
        assert_eq!(calls.len(), 1);
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
