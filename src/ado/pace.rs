//! How fast the server wants to be asked, read from its headers before it has to refuse anything
//! (`ado/api.md` §14). Pure.

use std::time::Duration;

/// Longest pause between two requests that is only a precaution.
const PRECAUTION: Duration = Duration::from_secs(5);
/// Longest wait for a budget to be filled again: half of the window in which it is counted. All
/// that share it come back at about the same time, and what they asked for before counts until
/// then.
const REFILL: Duration = Duration::from_secs(150);

/// What the headers of an answer say about the budget of this identity.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Budget {
    /// `Retry-After`.
    pub(super) retry_after: Option<Duration>,
    /// `X-RateLimit-Limit`.
    pub(super) limit: Option<f64>,
    /// `X-RateLimit-Remaining`.
    pub(super) remaining: Option<f64>,
    /// Time until `X-RateLimit-Reset`.
    pub(super) reset: Option<Duration>,
}

impl Budget {
    /// Whether the server wants less: it asks for a pause, or less than a fifth of the budget is
    /// left.
    pub(super) fn is_short(&self) -> bool {
        self.retry_after.is_some() || self.has_less_than(0.2)
    }

    /// Whether less than half of the budget is left.
    pub(super) fn is_scarce(&self) -> bool {
        self.has_less_than(0.5)
    }

    fn has_less_than(&self, part: f64) -> bool {
        match (self.limit, self.remaining) {
            (Some(limit), Some(remaining)) => remaining < part * limit,
            _ => false,
        }
    }

    /// How long to wait before the next request; `None` when there is plenty. `Retry-After` counts
    /// on any status.
    pub(super) fn pause(&self) -> Option<Duration> {
        self.precaution().max(self.retry_after)
    }

    /// How long to wait for what the numbers say.
    fn precaution(&self) -> Option<Duration> {
        // The budget belongs to the identity: whatever else uses the same token lives on it too.
        // Past it Azure DevOps first delays every request and then refuses, so kado slows down
        // with the last tenth.
        let limit = self.limit?;
        let remaining = self.remaining?;
        // "NaN" and "inf" are numbers to the parser.
        let is_believable = limit.is_finite() && remaining.is_finite() && limit > 0.0;
        if !is_believable || remaining >= limit / 10.0 {
            return None;
        }

        let reset = self.reset.unwrap_or(PRECAUTION);
        if remaining < 1.0 {
            // The budget is one of a sliding window (`ado/api.md` §14): some of it is there again
            // long before all of it is.
            return Some(reset.min(REFILL));
        }

        // What is left is spread over the time until the budget is filled again.
        Some(reset.div_f64(remaining).min(PRECAUTION))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(remaining: f64) -> Budget {
        Budget {
            limit: Some(200.0),
            remaining: Some(remaining),
            reset: Some(Duration::from_secs(40)),
            retry_after: None,
        }
    }

    #[test]
    fn nothing_slows_down_while_there_is_plenty() {
        assert_eq!(budget(150.0).pause(), None);
        assert_eq!(Budget::default().pause(), None);
    }

    #[test]
    fn what_is_left_of_a_small_budget_is_spread_until_it_is_filled_again() {
        assert_eq!(budget(10.0).pause(), Some(Duration::from_secs(4)));
        assert_eq!(budget(1.0).pause(), Some(PRECAUTION));
        assert_eq!(budget(0.0).pause(), Some(Duration::from_secs(40)));
    }

    #[test]
    fn less_than_a_fifth_of_the_budget_or_a_pause_is_short() {
        let asked = Budget {
            retry_after: Some(Duration::ZERO),
            ..budget(150.0)
        };

        assert!(budget(39.0).is_short());
        assert!(!budget(40.0).is_short());
        assert!(asked.is_short());
        assert!(!Budget::default().is_short());
    }

    #[test]
    fn retry_after_counts_whatever_else_is_said() {
        let asked = Budget {
            retry_after: Some(Duration::from_secs(7)),
            ..budget(150.0)
        };
        assert_eq!(asked.pause(), Some(Duration::from_secs(7)));
    }
}
