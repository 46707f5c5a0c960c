//! Who has to be told of what, from what is there and what was told. Pure.
//!
//! Each way is told of each cause once, again only when it has grown worse, and once when it is
//! over. A cause that needs patience is told when it has been there for so long; one that goes
//! before that was never told, and neither is its end.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::moment::Moment;
use crate::outbox::notification::{
    Account, CauseKey, Decision, Notice, NoticeEvent, Stage, StoredCause, Way,
};

/// A cause that is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct FoundCause {
    /// How bad it is.
    pub stage: Stage,
    /// How long it has to be there before it is told.
    pub patience: Duration,
    /// When it was last seen not to be there, where that is known: it began anew after that.
    pub not_before: Option<Moment>,
    pub account: Account,
}

/// All causes that are there.
pub(super) type FoundCauses = BTreeMap<CauseKey, FoundCause>;

/// Who looks, and by which ways people are told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Teller<'a> {
    pub host: &'a str,
    pub ways: &'a [Way],
}

impl Teller<'_> {
    /// What follows from what is known of the causes and what was found of them at `now`.
    pub(super) fn decide(
        &self,
        known: &[StoredCause],
        found: &FoundCauses,
        now: Moment,
    ) -> Decision {
        let mut decision = Decision::default();
        for cause in known {
            if !found.contains_key(&cause.key) {
                self.end(cause, now, &mut decision);
            }
        }

        for (key, found) in found {
            let known = known.iter().find(|cause| cause.key == *key);
            self.meet(key, found, known, now, &mut decision);
        }
        decision
    }

    /// A cause is over: whoever was told of it is told that.
    fn end(&self, cause: &StoredCause, now: Moment, decision: &mut Decision) {
        for way in cause.told.keys() {
            if self.ways.contains(way) {
                let notice = self.notice(cause, NoticeEvent::Over, now);
                decision.notices.push((*way, notice));
            }
        }
        decision.gone.push(cause.key.clone());
    }

    /// A cause is there.
    fn meet(
        &self,
        key: &CauseKey,
        found: &FoundCause,
        known: Option<&StoredCause>,
        now: Moment,
        decision: &mut Decision,
    ) {
        let known = match known {
            Some(known) if found.not_before.is_some_and(|not| known.since < not) => {
                self.end(known, now, decision);
                None
            }
            known => known,
        };

        let mut cause = StoredCause {
            key: key.clone(),
            since: now,
            told: BTreeMap::new(),
            account: found.account.clone(),
        };
        if let Some(known) = known {
            // A clock that was set back puts nothing off for longer than the patience.
            cause.since = known.since.min(now);
            cause.told.clone_from(&known.told);
        }

        if cause.told.is_empty() && now.since(cause.since) < found.patience {
            let ripe = cause.since.plus(found.patience);
            decision.next = Some(decision.next.map_or(ripe, |next| next.min(ripe)));
        } else {
            for way in self.ways {
                let told = cause.told.get(way);
                if told.is_none_or(|stage| *stage < found.stage) {
                    cause.told.insert(*way, found.stage);
                    let notice = self.notice(&cause, NoticeEvent::Begun, now);
                    decision.notices.push((*way, notice));
                }
            }
        }

        // What is said of it changes all the time, as the number of runs; its end tells the last.
        if known != Some(&cause) {
            decision.kept.push(cause);
        }
    }

    fn notice(&self, cause: &StoredCause, event: NoticeEvent, now: Moment) -> Notice {
        Notice {
            cause: self.name(cause),
            kind: cause.key.kind,
            event,
            since: cause.since,
            at: now,
            account: cause.account.clone(),
        }
    }

    /// The same for the begin and the end of a cause, another one when it begins anew, and another
    /// one on another machine. It tells nobody what its subject is.
    fn name(&self, cause: &StoredCause) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("kado cause of a notification");
        for part in [self.host, cause.key.kind.word(), &cause.key.subject] {
            hasher.update(part.as_bytes());
            hasher.update(&[0]);
        }
        hasher.update(&cause.since.millis().to_be_bytes());
        hasher.finalize().to_hex()[..32].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::config::notify::NotificationKind;

    const HOUR: Duration = Duration::from_secs(3600);
    const WAYS: [Way; 2] = [Way::Webhook, Way::Log];

    fn at(seconds: i64) -> Moment {
        Moment::from_millis(seconds * 1000)
    }

    fn key(subject: &str) -> CauseKey {
        CauseKey {
            kind: NotificationKind::Parked,
            subject: subject.to_owned(),
        }
    }

    fn cause(stage: Stage, patience: Duration, not_before: Option<Moment>) -> FoundCause {
        FoundCause {
            stage,
            patience,
            not_before,
            account: Account::default(),
        }
    }

    /// A machine with its memory of causes.
    #[derive(Default)]
    struct Memory(Vec<StoredCause>);

    impl Memory {
        /// One look; what was told by the webhook, as `subject event`.
        fn look(&mut self, ways: &[Way], found: &FoundCauses, now: Moment) -> Vec<String> {
            let teller = Teller {
                host: "agent-7",
                ways,
            };
            let decision = teller.decide(&self.0, found, now);

            self.0.retain(|cause| !decision.gone.contains(&cause.key));
            for cause in decision.kept {
                self.0.retain(|known| known.key != cause.key);
                self.0.push(cause);
            }
            let mut told = Vec::new();
            for (way, notice) in decision.notices {
                if way == Way::Webhook {
                    told.push(format!("{:?} {}", notice.event, notice.cause));
                }
            }
            told
        }
    }

    fn one(found: FoundCause) -> FoundCauses {
        BTreeMap::from([(key("7"), found)])
    }

    #[test]
    fn a_cause_is_told_once_and_its_end_once_under_the_same_name() {
        let mut memory = Memory::default();
        let there = one(cause(0, Duration::ZERO, None));
        let nothing = FoundCauses::new();

        let begun = memory.look(&WAYS, &there, at(0));
        let still = memory.look(&WAYS, &there, at(60));
        let over = memory.look(&WAYS, &nothing, at(120));
        let after = memory.look(&WAYS, &nothing, at(180));
        let again = memory.look(&WAYS, &there, at(240));

        assert!(begun[0].starts_with("Begun "), "{begun:?}");
        assert_eq!(still, [""; 0]);
        assert_eq!(over, [begun[0].replace("Begun", "Over")]);
        assert_eq!(after, [""; 0]);
        assert!(again[0].starts_with("Begun "), "{again:?}");
        assert_ne!(again, begun, "it is another one");
    }

    #[test]
    fn what_needs_patience_is_told_when_it_is_old_enough() {
        let mut memory = Memory::default();
        let there = one(cause(0, HOUR, None));

        assert_eq!(memory.look(&WAYS, &there, at(0)), [""; 0]);
        assert_eq!(memory.look(&WAYS, &there, at(3599)), [""; 0]);
        assert_eq!(memory.look(&WAYS, &there, at(3600)).len(), 1);
        assert_eq!(memory.look(&WAYS, &there, at(9000)), [""; 0]);
    }

    #[test]
    fn what_goes_before_it_is_old_enough_is_never_told() {
        let mut memory = Memory::default();
        let there = one(cause(0, HOUR, None));

        memory.look(&WAYS, &there, at(0));
        let gone = memory.look(&WAYS, &FoundCauses::new(), at(1800));
        let anew = memory.look(&WAYS, &there, at(3600));

        assert_eq!(gone, [""; 0]);
        assert_eq!(anew, [""; 0], "its hour begins anew");
    }

    #[test]
    fn a_success_in_between_ends_it_and_begins_it_anew() {
        let mut memory = Memory::default();
        memory.look(&WAYS, &one(cause(0, HOUR, None)), at(0));
        memory.look(&WAYS, &one(cause(0, HOUR, Some(at(-9)))), at(3600));

        let sent = one(cause(0, HOUR, Some(at(4000))));
        let over = memory.look(&WAYS, &sent, at(4010));
        let later = memory.look(&WAYS, &sent, at(4010 + 3600));

        assert!(over.len() == 1 && over[0].starts_with("Over "), "{over:?}");
        assert!(later[0].starts_with("Begun "), "{later:?}");
    }

    #[test]
    fn what_grows_worse_is_told_again_and_what_grows_better_is_not() {
        let mut memory = Memory::default();

        let mut told = Vec::new();
        for stage in [1, 1, 2, 1, 2, 3] {
            let there = one(cause(stage, Duration::ZERO, None));
            told.push(memory.look(&WAYS, &there, at(0)).len());
        }

        assert_eq!(told, [1, 0, 1, 0, 0, 1]);
    }

    #[test]
    fn a_way_that_is_new_is_told_of_what_is_there() {
        let mut memory = Memory::default();
        let there = one(cause(0, HOUR, None));
        memory.look(&[Way::Log], &there, at(0));
        memory.look(&[Way::Log], &there, at(3600));

        assert_eq!(memory.look(&WAYS, &there, at(3601)).len(), 1);
        assert_eq!(memory.look(&WAYS, &there, at(3602)), [""; 0]);
    }

    #[test]
    fn time_that_makes_something_of_it_is_named() {
        let teller = Teller {
            host: "agent-7",
            ways: &WAYS,
        };

        let decision = teller.decide(&[], &one(cause(0, HOUR, None)), at(10));

        assert_eq!(decision.next, Some(at(3610)));
    }

    #[test]
    fn a_clock_that_is_set_back_tells_nothing_twice_and_puts_nothing_off() {
        let mut memory = Memory::default();
        let there = one(cause(0, HOUR, None));
        memory.look(&WAYS, &there, at(100_000));

        assert_eq!(memory.look(&WAYS, &there, at(1000)), [""; 0]);
        assert_eq!(memory.look(&WAYS, &there, at(4600)).len(), 1);
        assert_eq!(memory.look(&WAYS, &there, at(500)), [""; 0]);
    }

    proptest! {
        /// Each look has some of four causes, at a stage of three.
        #[test]
        fn every_cause_is_begun_once_and_ended_once(
            looks in prop::collection::vec(
                prop::collection::btree_map(0_u8..4, 0_u8..3, 0..4),
                1..40,
            ),
            patience in 0_u64..5,
        ) {
            let mut memory = Memory::default();
            let mut open = BTreeSet::new();
            let mut ended = BTreeSet::new();

            for (second, look) in (0_i64..).zip(&looks) {
                let mut found = FoundCauses::new();
                for (subject, stage) in look {
                    let cause = cause(*stage, Duration::from_secs(patience), None);
                    found.insert(key(&subject.to_string()), cause);
                }
                let worst: u8 = look.values().copied().max().unwrap_or(0);

                for told in memory.look(&WAYS, &found, at(second)) {
                    let (event, name) = told.split_once(' ').unwrap();
                    let name = name.to_owned();
                    prop_assert!(!ended.contains(&name), "told after its end");
                    if event == "Over" {
                        prop_assert!(open.remove(&name), "ended and never begun");
                        ended.insert(name);
                    } else {
                        // The first time, or because it has grown worse.
                        prop_assert!(open.insert(name) || worst > 0);
                    }
                }
            }

            memory.look(&WAYS, &FoundCauses::new(), at(1_000_000));
            prop_assert!(memory.0.is_empty());
        }
    }
}
