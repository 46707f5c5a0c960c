//! Exit codes, which scripts and service managers rely on (product contract, section 4).

use std::process::ExitCode;

/// How an invocation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Exit {
    /// Everything was done.
    #[default]
    Done,
    /// Something was not done, and the output says what.
    NotDone,
    /// Wrong usage or configuration.
    Usage,
    /// ADO refused the credentials.
    Refused,
    /// ADO could not be reached.
    Unreachable,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::NotDone => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Unreachable => 4,
        }
    }

    /// The reason behind a number; `None` for a number that kado does not end with.
    pub fn from_code(code: i32) -> Option<Self> {
        let all = [
            Self::Done,
            Self::NotDone,
            Self::Usage,
            Self::Refused,
            Self::Unreachable,
        ];
        all.into_iter().find(|exit| i32::from(exit.code()) == code)
    }

    /// The one of two that counts: 2 before 3 before 4 before 1 before 0.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        if self.weight() >= other.weight() {
            self
        } else {
            other
        }
    }

    const fn weight(self) -> u8 {
        // As long as the configuration is wrong or the token refused, the rest cannot even be
        // tried.
        match self {
            Self::Usage => 4,
            Self::Refused => 3,
            Self::Unreachable => 2,
            Self::NotDone => 1,
            Self::Done => 0,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_reasons_the_one_counts_that_a_person_has_to_mend_first() {
        // From the lightest to the heaviest.
        let all = [
            Exit::Done,
            Exit::NotDone,
            Exit::Unreachable,
            Exit::Refused,
            Exit::Usage,
        ];
        for (weight, one) in all.into_iter().enumerate() {
            for (other_weight, other) in all.into_iter().enumerate() {
                assert_eq!(one.and(other), all[weight.max(other_weight)]);
            }
        }
    }
}
