//! How many requests one server gets at once. Pure.
//!
//! It begins with [`START`] and grows to [`MOST`] while answers come quickly and nothing is said
//! about limits; the first sign of trouble halves it, and after that it comes back slowly. What
//! several requests under way at the same time meet is one trouble: it halves once. How far apart
//! they are follows the same signs (`spacing`).

use std::time::Duration;

use crate::ado::spacing::Spacing;

/// Requests at once before anything is known of a server.
pub(super) const START: usize = 4;
/// Most requests that are under way at once, over all servers of a process.
pub(crate) const MOST: usize = 8;
/// Fewest, also in trouble: one for uploads and one for other calls.
const FEWEST: usize = 2;
/// Azure DevOps delays the requests of whoever is near a limit before it refuses any
/// (`ado/api.md` §14), so a slower answer is no invitation to ask for more.
pub(super) const QUICK: Duration = Duration::from_secs(1);
/// Quick answers in a row before one more request is allowed again after trouble.
const WELL: u32 = 20;

/// What an answer, or its lack, says of how its server is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sign {
    /// A good answer within [`QUICK`].
    Quick,
    /// The same, with a budget of which less than half is left.
    QuickWhileScarce,
    /// A good answer that took longer.
    Slow,
    /// No answer, or one of a busy server.
    Trouble,
    /// The server says that it is asked too much, or the budget nears its end.
    Throttled,
}

/// Which trouble a request may be the first to meet: those that were under way when it began have
/// the same number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TroubleCount(u64);

/// How many requests one server gets at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    allowed: usize,
    /// Quick answers since it changed last.
    well: u32,
    troubles: u64,
    spacing: Spacing,
}

impl Allowance {
    pub(super) const fn new() -> Self {
        Self {
            allowed: START,
            well: 0,
            troubles: 0,
            spacing: Spacing::NONE,
        }
    }

    /// How many may be under way now.
    pub(super) const fn allowed(self) -> usize {
        self.allowed
    }

    /// The time between the beginnings of two requests.
    pub(super) const fn gap(self) -> Duration {
        self.spacing.gap()
    }

    /// What a request that begins now has to hand in with its sign.
    pub(super) const fn troubles(self) -> TroubleCount {
        TroubleCount(self.troubles)
    }

    /// Takes in the sign of a request that began after `before` troubles. A trouble that is known
    /// already says no more.
    pub(super) fn note(&mut self, sign: Sign, before: TroubleCount) {
        match sign {
            Sign::Quick => {
                self.spacing.ease();
                self.grow();
            }
            Sign::QuickWhileScarce => {
                self.spacing.ease_with_care();
                self.grow();
            }
            Sign::Slow => self.well = 0,
            Sign::Trouble | Sign::Throttled if before != self.troubles() => self.well = 0,
            Sign::Trouble | Sign::Throttled => {
                self.allowed = self.allowed.div_ceil(2).max(FEWEST);
                self.well = 0;
                self.troubles += 1;

                // One that is away wants nothing of that kind when it is back.
                if sign == Sign::Throttled {
                    self.spacing.widen();
                }
            }
        }
    }

    fn grow(&mut self) {
        if self.allowed == MOST {
            return;
        }

        // A server that never was in trouble is tried out at once, one that was with care.
        let enough = if self.troubles == 0 { 1 } else { WELL };
        self.well += 1;
        if self.well >= enough {
            self.well = 0;
            self.allowed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is allowed after these signs, each of a request that began after the one before.
    fn after(signs: impl IntoIterator<Item = Sign>) -> usize {
        let mut allowance = Allowance::new();
        for sign in signs {
            let before = allowance.troubles();
            allowance.note(sign, before);
        }
        allowance.allowed()
    }

    fn quick(times: usize) -> Vec<Sign> {
        vec![Sign::Quick; times]
    }

    #[test]
    fn it_grows_to_eight_on_quick_answers_halves_in_trouble_and_comes_back_slowly() {
        let trouble = || [quick(4), vec![Sign::Trouble]].concat();
        let table = [
            (quick(0), 4),
            (quick(1), 5),
            (quick(4), 8),
            (quick(100), 8),
            (vec![Sign::Slow; 100], 4),
            (vec![Sign::Trouble], 2),
            (vec![Sign::Trouble; 3], 2),
            (vec![Sign::Throttled], 2),
            (trouble(), 4),
            ([trouble(), quick(19)].concat(), 4),
            ([trouble(), quick(20)].concat(), 5),
            (
                [trouble(), quick(19), vec![Sign::Slow], quick(19)].concat(),
                4,
            ),
            ([trouble(), quick(80)].concat(), 8),
            ([trouble(), vec![Sign::Trouble]].concat(), 2),
        ];

        for (signs, allowed) in table {
            assert_eq!(after(signs.clone()), allowed, "{signs:?}");
        }
    }

    #[test]
    fn eight_requests_that_meet_one_trouble_halve_once() {
        let mut allowance = Allowance::new();
        for sign in quick(4) {
            allowance.note(sign, allowance.troubles());
        }
        let all_at_once = allowance.troubles();

        for _ in 0..8 {
            allowance.note(Sign::Trouble, all_at_once);
        }

        assert_eq!(allowance.allowed(), 4);
    }

    fn any_sign() -> impl Strategy<Value = Sign> {
        prop_oneof![
            Just(Sign::Quick),
            Just(Sign::QuickWhileScarce),
            Just(Sign::Slow),
            Just(Sign::Trouble),
            Just(Sign::Throttled)
        ]
    }

    proptest! {
        #[test]
        fn it_is_never_more_than_eight_nor_fewer_than_two(
            signs in proptest::collection::vec(any_sign(), 0..300)
        ) {
            prop_assert!((FEWEST..=MOST).contains(&after(signs)));
        }
    }
}
