//! How fast the server wants to be asked, read from its headers before it has to refuse anything
//! (`ado/api.md` §14). Pure.

use std::time::Duration;

/// Longest pause between two requests that is only a precaution.
const PRECAUTION: Duration = Duration::from_secs(5);
/// Longest wait for a budget to be filled again.
const REFILL: Duration = Duration::from_secs(60);

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
    /// How long to wait before the next request; `None` when there is plenty. `Retry-After` counts
    /// on any status.
    pub(super) fn pause(&self) -> Option<Duration> {
        if self.retry_after.is_some() {
            return self.retry_after;
        }

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
    fn retry_after_counts_whatever_else_is_said() {
        let asked = Budget {
            retry_after: Some(Duration::from_secs(7)),
            ..budget(150.0)
        };
        assert_eq!(asked.pause(), Some(Duration::from_secs(7)));
    }
}
