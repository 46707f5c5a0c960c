//! The states of a submission and what moves it from one to the next. Pure.
//!
//! ```text
//!              ┌──────────── dropped ────────────┐
//!              ▼                                 │
//! (recorded) pending ──── planned ────▶ submitting ── completed ──▶ submitted
//!              │ ▲                         │ ▲  ▲                       │
//!              │ └──── begun anew ─────────┤ │  └──── late reports ─────┘
//!              ▼                           ▼ │
//!        parked, ignored ◀── parked ───────┘ └── resumed ── parked, ignored
//! ```
//!
//! Nothing but late reports moves what is submitted. Whoever asks for another move has made a
//! mistake: the store then changes nothing, and neither does the ledger.

use crate::outbox::submission::SubmissionState;

/// Something that happens to a submission.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// Its plan and its steps are stored.
    Planned,
    /// Its plan is dropped before it has an ADO run, because ADO does not take it any more.
    Dropped,
    /// It waits for its next attempt.
    Waits,
    /// All its steps are settled.
    Completed,
    /// Katalon submitted the run itself.
    SubmittedByKatalon,
    /// Files that appeared after the run was submitted are added to it, or files that were given up
    /// are tried again.
    LateReports,
    /// It needs a person.
    Parked,
    /// Its test plan has nothing to get from this run.
    NothingToSend,
    /// A person took it off the list.
    Forgotten,
    /// It has an ADO run and goes on where it was.
    Resumed,
    /// It has no ADO run and begins anew, in a state that was decided as for a new one.
    BegunAnew(SubmissionState),
}

/// A move that no submission may make.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a submission that is {} cannot have the event {event:?}", from.word())]
pub struct IllegalTransition {
    /// The state it is in.
    pub from: SubmissionState,
    /// What is to happen to it.
    pub event: Event,
}

/// The state of a submission after an event.
///
/// # Errors
/// When the event cannot happen in this state.
pub(crate) const fn transition(
    from: SubmissionState,
    event: Event,
) -> Result<SubmissionState, IllegalTransition> {
    use SubmissionState::{Ignored, Parked, Pending, Submitted, Submitting};

    Ok(match (from, event) {
        (Pending | Submitting, Event::Planned) => Submitting,
        (Submitting, Event::Dropped) => Pending,
        (Pending | Submitting, Event::Waits) => from,
        // Katalon may be seen to have submitted a run before kado planned it.
        (Pending | Submitting, Event::Completed | Event::SubmittedByKatalon) => Submitted,
        // Steps of an earlier report may be under way when the next one appears.
        (Submitted | Submitting, Event::LateReports) => Submitting,
        (Pending | Submitting, Event::Parked) => Parked,
        // What was begun is not given up: some of it is in ADO.
        (Pending, Event::NothingToSend) => Ignored,
        (Pending | Submitting | Parked | Ignored, Event::Forgotten) => Ignored,
        // A person may ask for what goes on already; that is no mistake.
        (Pending | Submitting | Parked | Ignored, Event::Resumed) => Submitting,
        (
            Pending | Submitting | Parked | Ignored,
            Event::BegunAnew(to @ (Pending | Parked | Ignored)),
        ) => to,
        _ => return Err(IllegalTransition { from, event }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Event; 13] = [
        Event::Planned,
        Event::Dropped,
        Event::Waits,
        Event::Completed,
        Event::SubmittedByKatalon,
        Event::LateReports,
        Event::Parked,
        Event::NothingToSend,
        Event::Forgotten,
        Event::Resumed,
        Event::BegunAnew(SubmissionState::Pending),
        Event::BegunAnew(SubmissionState::Parked),
        Event::BegunAnew(SubmissionState::Ignored),
    ];

    #[test]
    fn each_move_of_a_submission_is_one_of_these() {
        use SubmissionState::{Ignored, Parked, Pending, Submitted, Submitting};
        let moves = [
            (Pending, Event::Planned, Submitting),
            (Submitting, Event::Planned, Submitting),
            (Submitting, Event::Dropped, Pending),
            (Pending, Event::Waits, Pending),
            (Submitting, Event::Waits, Submitting),
            (Pending, Event::Completed, Submitted),
            (Submitting, Event::Completed, Submitted),
            (Pending, Event::SubmittedByKatalon, Submitted),
            (Submitting, Event::SubmittedByKatalon, Submitted),
            (Submitted, Event::LateReports, Submitting),
            (Submitting, Event::LateReports, Submitting),
            (Pending, Event::Parked, Parked),
            (Submitting, Event::Parked, Parked),
            (Pending, Event::NothingToSend, Ignored),
        ];

        for event in EVENTS {
            for from in SubmissionState::ALL {
                let by_a_person = match event {
                    Event::Forgotten => Some(Ignored),
                    Event::Resumed => Some(Submitting),
                    Event::BegunAnew(to) => Some(to),
                    _ => None,
                };
                let expected = match by_a_person {
                    Some(to) => (from != Submitted).then_some(to),
                    None => moves
                        .iter()
                        .find(|(state, happened, _)| (*state, *happened) == (from, event))
                        .map(|(.., to)| *to),
                };

                assert_eq!(
                    transition(from, event).ok(),
                    expected,
                    "{from:?}: {event:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_submitted_is_only_moved_by_late_reports() {
        for event in EVENTS {
            let moved = transition(SubmissionState::Submitted, event);

            assert_eq!(moved.is_ok(), event == Event::LateReports, "{event:?}");
        }
    }

    #[test]
    fn what_needs_a_person_goes_on_only_on_a_persons_word() {
        for state in [SubmissionState::Parked, SubmissionState::Ignored] {
            for event in EVENTS {
                let by_a_person = matches!(
                    event,
                    Event::Forgotten | Event::Resumed | Event::BegunAnew(_)
                );

                assert_eq!(transition(state, event).is_ok(), by_a_person, "{event:?}");
            }
        }
    }

    #[test]
    fn nothing_begins_anew_as_submitted_or_under_way() {
        for to in [SubmissionState::Submitting, SubmissionState::Submitted] {
            for from in SubmissionState::ALL {
                assert!(transition(from, Event::BegunAnew(to)).is_err(), "{from:?}");
            }
        }
    }
}
