//! How many requests are under way at once, over all servers of the process.
//!
//! Never more than [`MOST`], and of one server as many as its [`Allowance`] says. While other
//! servers of the process have nothing under way a slot is kept for each of them, up to
//! [`FOR_OTHERS`]: a slow or hanging server holds up only its own work. One server can have any
//! number of names, so all of which nothing was heard at last have [`FOR_SILENT`] slots together.
//!
//! Each client has a [`Lane`]; its uploads never take its last slot nor the last one of all, so a
//! slow file holds up no other call. The last one that is left for uploads is for a project that
//! has none under way ([`on_behalf_of`]), so the files of one project do not hold up those of
//! another.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::ado::allowance::{Allowance, MOST, Sign, TroubleCount};
use crate::locked::locked;

/// Slots that are kept for servers that have nothing under way, where there are so many.
const FOR_OTHERS: usize = 4;
/// Slots that all servers have together of which nothing was heard at last.
const FOR_SILENT: usize = 5;
/// Of these, slots that are kept for those that have nothing under way.
const FOR_OTHER_SILENT: usize = 3;
/// Slots of one such server: one for uploads and one for other calls.
const OF_SILENT: usize = 2;

tokio::task_local! {
    static PROJECT: String;
}

/// Does work whose requests are sent for this project.
pub(crate) async fn on_behalf_of<T>(project: String, work: impl Future<Output = T>) -> T {
    PROJECT.scope(project, work).await
}

/// The project that this task sends its requests for; empty where nobody says.
fn project_of_task() -> String {
    PROJECT.try_with(Clone::clone).unwrap_or_default()
}

/// What is known of a server before anything is sent to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Repute {
    /// It answered at some time.
    Answered,
    Unknown,
}

/// What was heard of a server after a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// A whole answer, whatever it said.
    Answer,
    Nothing,
}

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
    taken_for: TakenFor,
    troubles: TroubleCount,
}

/// What a slot is used for, and the project that it is used for.
#[derive(Clone, PartialEq, Eq, Debug)]
struct TakenFor {
    slot_use: SlotUse,
    project: String,
}

#[derive(Default)]
struct State {
    lanes: HashMap<u64, LaneState>,
    /// In the order in which they came.
    queue: VecDeque<Waiting>,
    next_lane: u64,
}

/// What a lane uses, and may use.
#[derive(Clone, Debug)]
struct LaneState {
    calls: usize,
    /// By the project that they are sent for, each with at least one.
    uploads: HashMap<String, usize>,
    allowance: Allowance,
    /// Nothing is known of its server, or nothing was heard of it at last.
    is_silent: bool,
}

/// Somebody in the queue.
struct Waiting {
    lane: u64,
    taken_for: TakenFor,
    granted: oneshot::Sender<Slot>,
}

/// Somebody who is let in.
struct Admitted {
    waiting: Waiting,
    troubles: TroubleCount,
}

impl Gate {
    /// A lane for one more client.
    pub(super) fn lane(&self, repute: Repute) -> Lane {
        let mut state = self.state();
        // Never given twice: a slot that outlives its lane must not be counted back to another.
        let id = state.next_lane;
        state.next_lane += 1;

        let unused = LaneState {
            calls: 0,
            uploads: HashMap::new(),
            allowance: Allowance::new(),
            is_silent: repute == Repute::Unknown,
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
            let slot = self.slot(waiting.lane, waiting.taken_for, troubles);
            let _ = waiting.granted.send(slot);
        }
    }

    fn slot(&self, lane: u64, taken_for: TakenFor, troubles: TroubleCount) -> Slot {
        Slot {
            gate: self.clone(),
            lane,
            taken_for,
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
            match self.enter(waiting.lane, &waiting.taken_for) {
                Some(troubles) => admitted.push(Admitted { waiting, troubles }),
                None => self.queue.push_back(waiting),
            }
        }
        admitted
    }

    /// Counts a request of a lane if there is a slot for it.
    fn enter(&mut self, lane: u64, taken_for: &TakenFor) -> Option<TroubleCount> {
        let mut others = Others::default();
        for (id, other) in &self.lanes {
            let total = other.total();
            others.under_way += total;
            others.without_any += usize::from(*id != lane && total == 0);
            if other.is_silent {
                others.silent += total;
            }
        }

        let lane = self.lanes.get_mut(&lane)?;
        if !lane.admits(others, taken_for) {
            return None;
        }
        lane.add(taken_for);
        Some(lane.allowance.troubles())
    }

    /// Whether somebody waits already for the same as a newcomer, who must not overtake him.
    fn has_waiting(&self, lane: u64, taken_for: &TakenFor) -> bool {
        self.queue
            .iter()
            .any(|waiting| waiting.lane == lane && waiting.taken_for == *taken_for)
    }
}

impl LaneState {
    fn total(&self) -> usize {
        self.calls + self.all_uploads()
    }

    fn all_uploads(&self) -> usize {
        self.uploads.values().sum()
    }

    fn add(&mut self, taken_for: &TakenFor) {
        match taken_for.slot_use {
            SlotUse::Call => self.calls += 1,
            SlotUse::Upload => *self.uploads.entry(taken_for.project.clone()).or_default() += 1,
        }
    }

    fn remove(&mut self, taken_for: &TakenFor) {
        match taken_for.slot_use {
            SlotUse::Call => self.calls -= 1,
            SlotUse::Upload => {
                if let Some(count) = self.uploads.get_mut(&taken_for.project) {
                    *count -= 1;
                }
                self.uploads.retain(|_, count| *count > 0);
            }
        }
    }

    /// How many requests may be under way.
    fn allowed(&self) -> usize {
        let allowed = self.allowance.allowed();
        if self.is_silent {
            allowed.min(OF_SILENT)
        } else {
            allowed
        }
    }

    /// Whether one more request of this lane may be under way.
    fn admits(&self, others: Others, taken_for: &TakenFor) -> bool {
        let has_none = self.total() == 0;
        if others.under_way >= MOST || self.total() >= self.allowed() {
            return false;
        }
        if taken_for.slot_use == SlotUse::Upload && !self.admits_upload(&taken_for.project) {
            return false;
        }

        let kept_for_silent = if has_none { 0 } else { FOR_OTHER_SILENT };
        if self.is_silent && others.silent + kept_for_silent >= FOR_SILENT {
            return false;
        }

        // Whoever has none gets one.
        if has_none {
            return true;
        }

        let kept_for_calls = usize::from(taken_for.slot_use == SlotUse::Upload);
        let kept = others.without_any.min(FOR_OTHERS) + kept_for_calls;
        others.under_way + kept < MOST
    }

    /// Whether one more upload for a project may be under way: the last slot of a lane is for a
    /// call, and the one before it for a project that has no upload under way.
    fn admits_upload(&self, project: &str) -> bool {
        let kept_for_projects = usize::from(self.uploads.contains_key(project));
        self.all_uploads() + kept_for_projects + 1 < self.allowed()
    }
}

/// What a lane has to mind.
#[derive(Clone, Copy, Debug, Default)]
struct Others {
    /// Requests that are under way, over all lanes.
    under_way: usize,
    /// Other lanes that have nothing under way.
    without_any: usize,
    /// Requests that are under way, over all lanes of which nothing was heard at last.
    silent: usize,
}

impl Lane {
    /// Waits for a slot.
    pub(super) async fn take(&self, slot_use: SlotUse) -> Slot {
        let taken_for = TakenFor {
            slot_use,
            project: project_of_task(),
        };
        let wait = {
            let mut state = self.gate.state();
            // Nobody slips in before somebody who waits for the same already.
            if !state.has_waiting(self.id, &taken_for)
                && let Some(troubles) = state.enter(self.id, &taken_for)
            {
                return self.gate.slot(self.id, taken_for, troubles);
            }

            let (granted, wait) = oneshot::channel();
            state.queue.push_back(Waiting {
                lane: self.id,
                taken_for,
                granted,
            });
            wait
        };
        wait.await
            .expect("whoever waits is in the queue until a slot is sent")
    }

    /// Whether nothing is known of its server, or nothing was heard of it at last.
    pub(super) fn is_silent(&self) -> bool {
        let state = self.gate.state();
        state.lanes.get(&self.id).is_none_or(|lane| lane.is_silent)
    }
}

impl Slot {
    /// The time between the beginnings of two requests of this slot's lane.
    pub(super) fn gap(&self) -> Duration {
        let state = self.gate.state();
        let lane = state.lanes.get(&self.lane);
        lane.map_or(Duration::ZERO, |lane| lane.allowance.gap())
    }

    /// Whether the request that this slot is for was answered.
    pub(super) fn hear(&self, heard: Heard) {
        self.gate.change_lane(self.lane, |lane| {
            lane.is_silent = heard == Heard::Nothing;
        });
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
            .change_lane(self.lane, |lane| lane.remove(&self.taken_for));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use proptest::prelude::*;

    use super::*;
    use crate::ado::allowance::START;

    /// The lane of a server that answers.
    fn answering(gate: &Gate) -> Lane {
        gate.lane(Repute::Answered)
    }

    /// Takes a slot if it is to be had at once, for a project.
    fn take_for(lane: &Lane, project: &str, slot_use: SlotUse) -> Option<Slot> {
        on_behalf_of(project.to_owned(), lane.take(slot_use)).now_or_never()
    }

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
    fn one_server_uses_four_slots_at_first_and_its_uploads_of_a_project_two() {
        let gate = Gate::default();
        let lane = answering(&gate);

        let uploads = take_all(&lane, SlotUse::Upload);
        let calls = take_all(&lane, SlotUse::Call);

        assert_eq!(uploads.len(), 2);
        assert_eq!(calls.len(), 2);
    }

    #[test]
    fn one_that_answers_quickly_gets_all_eight_and_its_uploads_of_a_project_six() {
        let gate = Gate::default();
        let lane = answering(&gate);
        grow(&lane);

        let uploads = take_all(&lane, SlotUse::Upload);
        let calls = take_all(&lane, SlotUse::Call);

        assert_eq!(uploads.len(), 6);
        assert_eq!(calls.len(), 2);
    }

    #[test]
    fn a_server_that_was_quick_before_it_hangs_holds_up_no_other() {
        let gate = Gate::default();
        let hanging = answering(&gate);
        let other = answering(&gate);
        grow(&hanging);

        let hanging_slots = take_all(&hanging, SlotUse::Call);
        let own = take_all(&other, SlotUse::Upload);

        assert_eq!(hanging_slots.len(), 7);
        assert_eq!(own.len(), 1);
    }

    #[test]
    fn a_server_that_hangs_holds_up_no_other() {
        let gate = Gate::default();
        let lanes: Vec<Lane> = (0..5).map(|_| answering(&gate)).collect();
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
        let hanging = answering(&gate);
        let other = answering(&gate);
        grow(&hanging);
        grow(&other);
        let _hanging_slots = take_all(&hanging, SlotUse::Upload);

        let uploads = take_all(&other, SlotUse::Upload);
        let calls = take_all(&other, SlotUse::Call);

        assert_eq!(uploads.len(), 1);
        assert_eq!(calls.len(), 1);
    }

    #[test]
    fn however_many_names_a_hanging_server_has_those_that_answer_find_room() {
        let gate = Gate::default();
        let names: Vec<Lane> = (0..40).map(|_| gate.lane(Repute::Unknown)).collect();
        let answering_lanes: Vec<Lane> = (0..MOST - FOR_SILENT).map(|_| answering(&gate)).collect();

        let hanging: Vec<Slot> = names
            .iter()
            .flat_map(|lane| take_all(lane, SlotUse::Call))
            .collect();

        assert_eq!(hanging.len(), FOR_SILENT);
        let mut slots = Vec::new();
        for lane in &answering_lanes {
            slots.extend(lane.take(SlotUse::Call).now_or_never());
        }
        assert_eq!(slots.len(), answering_lanes.len());
    }

    #[test]
    fn a_server_of_which_nothing_was_heard_has_two_slots_until_it_answers() {
        let gate = Gate::default();
        let lane = gate.lane(Repute::Unknown);
        let mut slots = take_all(&lane, SlotUse::Call);
        assert_eq!(slots.len(), OF_SILENT);

        slots[0].hear(Heard::Answer);
        slots.extend(take_all(&lane, SlotUse::Call));
        assert_eq!(slots.len(), START);

        slots[0].hear(Heard::Nothing);
        drop(slots);
        let slots = take_all(&lane, SlotUse::Call);
        assert_eq!(slots.len(), OF_SILENT);
    }

    #[test]
    fn the_uploads_of_one_project_leave_one_slot_to_another_project() {
        let gate = Gate::default();
        let lane = answering(&gate);
        grow(&lane);
        let mut slots = Vec::new();
        while let Some(slot) = take_for(&lane, "shop", SlotUse::Upload) {
            slots.push(slot);
        }

        let of_bank = take_for(&lane, "bank", SlotUse::Upload);
        let of_bank_too = take_for(&lane, "bank", SlotUse::Upload);
        let call = take_for(&lane, "bank", SlotUse::Call);

        assert_eq!(slots.len(), 6);
        assert!(of_bank.is_some() && of_bank_too.is_none() && call.is_some());
    }

    #[test]
    fn an_upload_that_waits_holds_up_none_of_another_project() {
        let gate = Gate::default();
        let lane = answering(&gate);
        let mut slots = Vec::new();
        while let Some(slot) = take_for(&lane, "shop", SlotUse::Upload) {
            slots.push(slot);
        }
        let mut waiting = Box::pin(on_behalf_of("shop".to_owned(), lane.take(SlotUse::Upload)));
        assert!(waiting.as_mut().now_or_never().is_none());

        let of_bank = take_for(&lane, "bank", SlotUse::Upload);

        assert!(of_bank.is_some());
        assert!(waiting.now_or_never().is_none());
    }

    #[tokio::test]
    async fn who_waits_is_let_in_in_order_and_who_gave_up_is_passed_over() {
        let gate = Gate::default();
        let lane = answering(&gate);
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

    /// Lanes of servers that answer, in the test of all properties.
    const ANSWERING: usize = 6;

    fn any_use() -> impl Strategy<Value = SlotUse> {
        prop_oneof![Just(SlotUse::Call), Just(SlotUse::Upload)]
    }

    proptest! {
        #[test]
        fn there_are_never_more_than_eight_and_never_fewer_than_one_for_who_has_none(
            moves in proptest::collection::vec((0usize..12, any_use(), any::<bool>()), 0..200)
        ) {
            let gate = Gate::default();
            let mut lanes: Vec<Lane> = (0..ANSWERING).map(|_| answering(&gate)).collect();
            lanes.resize_with(12, || gate.lane(Repute::Unknown));
            let mut slots: Vec<(usize, Slot)> = Vec::new();

            for (lane, slot_use, gives_back) in moves {
                let own = slots.iter().position(|(holder, _)| *holder == lane);
                if let Some(own) = own && gives_back {
                    drop(slots.remove(own));
                } else {
                    let silent = slots.iter().filter(|(holder, _)| *holder >= ANSWERING).count();
                    prop_assert!(silent <= FOR_SILENT);
                    let full = slots.len() == MOST
                        || lane >= ANSWERING && silent == FOR_SILENT;
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
