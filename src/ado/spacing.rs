//! How far apart the requests to one server are. Pure.
//!
//! Azure DevOps gives an identity a budget (`ado/api.md` §14), and every agent with the same token
//! lives on it without knowing of the others. So each goes by what it meets: usually there is no
//! gap between requests; a throttled answer doubles the gap, quick answers take it back bit by bit.
//! All agents together come to what the budget bears, and each to its share.

use std::time::Duration;

/// The gap after the first time. A single busy answer is hardly felt.
const FIRST: Duration = Duration::from_millis(250);
/// The longest gap: a request now and then shows when the budget is filled again.
const LONGEST: Duration = Duration::from_secs(20);
/// A gap that is shorter than this is none.
const SHORTEST: Duration = Duration::from_millis(50);
/// What is left of the gap after a quick answer, while the budget is ample.
const EASING: f64 = 0.5;
/// The same while it is scarce. Much slower down than up: of fifty agents each notices only by the
/// budget what the others do.
const EASING_SCARCE: f64 = 0.9;

/// How far apart the requests to one server are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spacing {
    gap: Duration,
}

impl Spacing {
    /// No gap.
    pub(super) const NONE: Self = Self {
        gap: Duration::ZERO,
    };

    /// The time between the beginnings of two requests.
    pub(super) const fn gap(self) -> Duration {
        self.gap
    }

    /// The server throttles.
    pub(super) fn widen(&mut self) {
        self.gap = (self.gap * 2).clamp(FIRST, LONGEST);
    }

    /// The server answered well, and says nothing of a budget, or that there is plenty.
    pub(super) fn ease(&mut self) {
        self.ease_by(EASING);
    }

    /// The server answered well, and less than half of the budget is left.
    pub(super) fn ease_with_care(&mut self) {
        self.ease_by(EASING_SCARCE);
    }

    fn ease_by(&mut self, factor: f64) {
        let eased = self.gap.mul_f64(factor);
        self.gap = if eased < SHORTEST {
            Duration::ZERO
        } else {
            eased
        };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::ado::allowance::{Allowance, QUICK, Sign, TroubleCount};
    use crate::ado::pace::Budget;

    /// What an identity may use in [`WINDOW`] (`ado/api.md` §14).
    const LIMIT: f64 = 200.0;
    /// The window that slides, in milliseconds.
    const WINDOW: u64 = 300_000;
    /// What a request costs: a guess, and the outcome hardly depends on it.
    const COST: f64 = 0.2;
    /// Beyond this requests are refused. Microsoft does not say how far beyond the limit that is,
    /// only that requests are delayed first.
    const REFUSED: f64 = 1.5 * LIMIT;
    /// How long an answer takes, in milliseconds.
    const LATENCY: u64 = 80;
    const AGENTS: usize = 50;
    /// Requests of an agent: a run with fifty pictures.
    const WORK: u32 = 67;
    /// A step of the simulation, in milliseconds.
    const STEP: u64 = 10;

    /// The budget of one identity.
    #[derive(Default)]
    struct SharedBudget {
        /// When each request of the window came.
        window: VecDeque<u64>,
        refused: Vec<u64>,
    }

    /// An answer under way to an agent.
    struct AnswerOnTheWay {
        at: u64,
        asked: u64,
        budget: Budget,
        is_refused: bool,
        before: TroubleCount,
    }

    impl SharedBudget {
        fn used(&self) -> f64 {
            self.window.len() as f64 * COST
        }

        /// Takes a request in; says when its answer comes.
        fn take(&mut self, now: u64, before: TroubleCount) -> AnswerOnTheWay {
            while self.window.front().is_some_and(|at| at + WINDOW <= now) {
                self.window.pop_front();
            }

            let is_refused = self.used() > REFUSED;
            if is_refused {
                self.refused.push(now);
            } else {
                self.window.push_back(now);
            }

            // Up to 30 s, the more the further beyond the limit.
            let beyond = (self.used() - LIMIT).max(0.0) / (REFUSED - LIMIT);
            let delay = (beyond.min(1.0) * 30_000.0) as u64;
            AnswerOnTheWay {
                at: now + LATENCY + delay,
                asked: now,
                budget: Budget {
                    retry_after: (delay > 0).then(|| Duration::from_millis(delay)),
                    limit: Some(LIMIT),
                    remaining: Some((LIMIT - self.used()).max(0.0)),
                    reset: Some(Duration::from_millis(WINDOW)),
                },
                is_refused,
                before,
            }
        }
    }

    /// A kado that sends one run.
    struct Agent {
        allowance: Allowance,
        /// No request begins before.
        not_before: u64,
        under_way: Vec<AnswerOnTheWay>,
        left: u32,
        done_at: Option<u64>,
    }

    impl Agent {
        fn new() -> Self {
            Self {
                allowance: Allowance::new(),
                not_before: 0,
                under_way: Vec::new(),
                left: WORK,
                done_at: None,
            }
        }

        fn step(&mut self, now: u64, server: &mut SharedBudget) {
            let (ended, under_way) = std::mem::take(&mut self.under_way)
                .into_iter()
                .partition(|answer: &AnswerOnTheWay| answer.at <= now);
            self.under_way = under_way;
            for answer in ended {
                self.take_in(now, &answer);
            }

            if self.left == 0 && self.under_way.is_empty() {
                self.done_at = self.done_at.or(Some(now));
            }
            while self.left > 0
                && now >= self.not_before
                && self.under_way.len() < self.allowance.allowed()
            {
                self.left -= 1;
                self.under_way
                    .push(server.take(now, self.allowance.troubles()));
                self.not_before = now + self.allowance.gap().as_millis() as u64;
            }
        }

        fn take_in(&mut self, now: u64, answer: &AnswerOnTheWay) {
            if answer.is_refused {
                // It is sent again.
                self.left += 1;
            }

            let sign = if answer.is_refused || answer.budget.is_short() {
                Sign::Throttled
            } else if now - answer.asked >= QUICK.as_millis() as u64 {
                Sign::Slow
            } else if answer.budget.is_scarce() {
                Sign::QuickWhileScarce
            } else {
                Sign::Quick
            };
            self.allowance.note(sign, answer.before);
            if let Some(pause) = answer.budget.pause() {
                self.not_before = self.not_before.max(now + pause.as_millis() as u64);
            }
        }
    }

    #[test]
    fn fifty_agents_on_one_budget_all_get_through_and_after_a_minute_none_is_refused() {
        let mut server = SharedBudget::default();
        let mut agents: Vec<Agent> = (0..AGENTS).map(|_| Agent::new()).collect();
        let all = f64::from(WORK) * AGENTS as f64 * COST;
        let soonest = ((all - LIMIT) / LIMIT * WINDOW as f64) as u64;

        let mut now = 0;
        while agents.iter().any(|agent| agent.done_at.is_none()) && now < 10 * soonest {
            for agent in &mut agents {
                agent.step(now, &mut server);
            }
            now += STEP;
        }

        let late: Vec<u64> = server
            .refused
            .iter()
            .copied()
            .filter(|at| *at > 60_000)
            .collect();
        assert_eq!(late, Vec::<u64>::new());
        let done: Vec<u64> = agents.iter().filter_map(|agent| agent.done_at).collect();
        let last = done.iter().max().copied().unwrap_or_default();
        assert_eq!(done.len(), AGENTS, "nobody starves");
        assert!(
            last < 2 * soonest,
            "the last after {last} ms, {soonest} at the soonest"
        );
    }
}
