//! What was done about a run folder that is due, and with that what becomes of the folder.

use crate::discovery::folder_answer::FolderAnswer;
use crate::discovery::run_identity::RunIdentity;
use crate::error_chain::chain;
use crate::intake::{FinishedRun, IntakeError};
use crate::moment::Moment;
use crate::outbox::new_run::RecordOutcome;
use crate::workspace::ReadError;

/// Why a run is not submitted of which nothing else is known.
pub(crate) const NAMELESS: &str = "its log holds no record that tells which run it is, and no report beside it \
                        does; `kado inspect FOLDER` shows what can be read";

/// What was done about a run that is due.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Handling {
    /// It is recorded, or will not be: its folder need not be looked at again.
    Settled {
        /// What became of it.
        answer: FolderAnswer,
        /// Which run it is, if its log tells.
        run: Option<RunIdentity>,
        /// The submissions that are new.
        submissions: Vec<i64>,
    },
    /// It is kept until its collection has ended.
    WithCollection(Option<RunIdentity>),
    /// It cannot be read at this moment, which passes; why.
    NotYet(String),
    /// It is the same run as one of another project, and what becomes of that decides; which.
    AwaitsOther(String),
    /// It cannot be read, which does not pass by itself; why.
    Unread(String, Again),
}

/// When it is tried again to read what could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Again {
    /// At the next look.
    Next,
    /// When the folder or the settings of its project change, and at the next start: what is in the
    /// way may be of this machine, or of this version.
    AtRestart,
    /// When the folder or the settings of its project change.
    WhenChanged,
}

/// What recording a run led to.
pub(super) enum Recorded {
    /// Its submissions that are new; it is in the outbox by now.
    New(Vec<i64>),
    /// It is older than the history, and is not in the outbox.
    Older {
        /// When it ended.
        ended: Moment,
    },
    /// The same run of another project comes first: what becomes of that decides.
    Waits {
        /// The submissions of that one.
        submissions: Vec<i64>,
    },
    /// Its log does not tell which run it is.
    Nameless,
}

impl Handling {
    /// Whether a run was stored for it.
    pub(super) fn adds_to_outbox(&self) -> bool {
        match self {
            Self::Settled { submissions, .. } => !submissions.is_empty(),
            Self::WithCollection(_) => true,
            Self::NotYet(_) | Self::AwaitsOther(_) | Self::Unread(..) => false,
        }
    }
}

impl Recorded {
    /// The submissions that are new.
    pub(super) fn submissions(self) -> Vec<i64> {
        match self {
            Self::New(submissions) => submissions,
            Self::Older { .. } | Self::Waits { .. } | Self::Nameless => Vec::new(),
        }
    }
}

/// What becomes of a folder that cannot be read.
pub(super) fn handling_of_unreadable(error: &IntakeError) -> Handling {
    let reason = chain(error);
    if error.passes() {
        return Handling::NotYet(reason);
    }

    match error {
        IntakeError::Read(ReadError::Io { .. }) | IntakeError::SettingsInFlux(_) => {
            Handling::Unread(reason, Again::Next)
        }
        // A later version may read what is too much for this one.
        IntakeError::Settings(_) | IntakeError::TooLarge { .. } | IntakeError::Defect(_) => {
            Handling::Unread(reason, Again::AtRestart)
        }
        // A folder that belongs to no project, or is no run, stays what it is.
        IntakeError::Read(_) | IntakeError::NoProject(_) => {
            Handling::Unread(reason, Again::WhenChanged)
        }
    }
}

/// What was done about a run that was read.
pub(super) fn handling_of(recorded: Recorded, run: Option<RunIdentity>) -> Handling {
    let (answer, submissions) = match recorded {
        Recorded::New(submissions) => (FolderAnswer::Recorded, submissions),
        Recorded::Older { ended } => (FolderAnswer::Older { ended }, Vec::new()),
        Recorded::Waits { submissions } => {
            let first = submissions.first().copied().unwrap_or_default();
            return Handling::AwaitsOther(format!(
                "run {first} is the same run with the same results, from another project; what \
                 becomes of it decides, and `kado runs show {first}` shows it"
            ));
        }
        Recorded::Nameless => return Handling::Unread(NAMELESS.to_owned(), Again::WhenChanged),
    };

    Handling::Settled {
        answer,
        run,
        submissions,
    }
}

/// A run that is older than the history: it has an end, or a last record.
pub(super) fn older(run: &FinishedRun) -> Recorded {
    let run = &run.snapshot.run;
    Recorded::Older {
        ended: run.ended.or(run.last_record).unwrap_or_default(),
    }
}

/// Says why a run that is known leads to nothing new.
pub(super) fn log_why_nothing_is_new(folder: &str, recorded: &RecordOutcome) {
    match recorded {
        RecordOutcome::PartOf(whole) => tracing::info!(
            folder,
            id = whole.first(),
            "this suite run is part of a collection that is one run, and is not submitted by itself"
        ),
        _ => tracing::debug!(folder, "this suite run is known already"),
    }
}
