//! Which suites are live. Pure.

use std::fmt;

use crate::intake::SubmissionTerms;
use crate::plan::overrides::{Collections, Overrides};

/// Why the suites of a project are not live, although `submit.live` is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NotLive {
    /// Katalon may make a test run of its own.
    KatalonMaySubmit,
    /// Submitting is left to Katalon.
    LeftToKatalon,
    /// A collection becomes one test run.
    CollectionsAreOne,
    /// Nothing of the project is submitted without a command.
    NotAutomatic,
    /// The integration is switched off.
    SwitchedOff,
}

impl fmt::Display for NotLive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KatalonMaySubmit => {
                "Katalon may submit the same runs (autoSubmitTestRun is on, and \
                 `submit.katalon_submits` is \"detect\")"
            }
            Self::LeftToKatalon => "`submit.katalon_submits` is \"always\"",
            Self::CollectionsAreOne => "`submit.collections` is \"one\"",
            Self::NotAutomatic => "automatic submission is off for this project",
            Self::SwitchedOff => "the integration is switched off",
        })
    }
}

impl NotLive {
    /// What mends it.
    pub(crate) const fn way_out(self) -> &'static str {
        match self {
            Self::KatalonMaySubmit => {
                "without Katalon's licence set `submit.katalon_submits = \"never\"`"
            }
            Self::LeftToKatalon => "remove the key, then kado submits and shows them",
            Self::CollectionsAreOne => {
                "`submit.collections = \"each\"` makes a test run for each suite"
            }
            Self::NotAutomatic => "`submit.auto_submit = true` switches it on",
            Self::SwitchedOff => {
                "switch it on in Katalon under Project > Settings > Integrations > Azure DevOps"
            }
        }
    }
}

/// Why the suites of a project are not live; `None` when they are, where `submit.live` is on.
pub(crate) fn why_not(terms: &SubmissionTerms, overrides: &Overrides) -> Option<NotLive> {
    if !terms.enabled {
        Some(NotLive::SwitchedOff)
    } else if terms.left_to_katalon {
        Some(NotLive::LeftToKatalon)
    } else if terms.katalon_may_submit {
        Some(NotLive::KatalonMaySubmit)
    } else if overrides.collections == Some(Collections::One) {
        Some(NotLive::CollectionsAreOne)
    } else if !terms.auto_submit && !terms.claimed {
        Some(NotLive::NotAutomatic)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: SubmissionTerms = SubmissionTerms {
        enabled: true,
        lacks_settings: false,
        auto_submit: true,
        left_to_katalon: false,
        katalon_may_submit: false,
        claimed: false,
        live: false,
    };

    #[test]
    fn a_project_that_kado_alone_submits_is_live() {
        assert_eq!(why_not(&TERMS, &Overrides::default()), None);
    }

    #[test]
    fn what_is_not_submitted_by_kado_alone_and_run_by_run_is_not_live() {
        let may = SubmissionTerms {
            katalon_may_submit: true,
            ..TERMS
        };
        let by_command = SubmissionTerms {
            auto_submit: false,
            ..TERMS
        };
        let claimed = SubmissionTerms {
            claimed: true,
            ..by_command
        };
        let one = Overrides {
            collections: Some(Collections::One),
            ..Overrides::default()
        };

        let each = Overrides::default();
        assert_eq!(why_not(&may, &each), Some(NotLive::KatalonMaySubmit));
        assert_eq!(why_not(&by_command, &each), Some(NotLive::NotAutomatic));
        assert_eq!(why_not(&claimed, &each), None);
        assert_eq!(why_not(&TERMS, &one), Some(NotLive::CollectionsAreOne));
    }
}
