//! What was done about a run folder that is due, and with that what becomes of the folder.

use crate::discovery::folder_answer::FolderAnswer;
use crate::discovery::run_identity::RunIdentity;
use crate::error_chain::chain;
use crate::intake::{FinishedRun, IntakeError};
use crate::outbox::StoreError;
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
    /// It is the copy of a run that is kept so; nothing is stored of it.
    CopyOfMember(Option<RunIdentity>),
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

/// Why a run that is over is not read now.
pub(super) enum NotRead {
    /// Its project has used its share of the day; in words.
    ShareUsed(String),
    /// It cannot be told where it goes: what is known of its command, or its collection, cannot
    /// be read, or a file system does not answer.
    Unsure(StoreError),
    /// The run or its project cannot be read.
    Run(IntakeError),
}

impl Handling {
    /// The run is in the outbox by now; `new` are its submissions that were not there before.
    pub(super) const fn in_outbox(run: Option<RunIdentity>, new: Vec<i64>) -> Self {
        Self::Settled {
            answer: FolderAnswer::Recorded,
            run,
            submissions: new,
        }
    }

    /// The run is older than the history, and is not in the outbox: it has an end, or a last
    /// record.
    pub(super) fn older(run: &FinishedRun) -> Self {
        let parsed = &run.snapshot.run;
        let ended = parsed.ended.or(parsed.last_record).unwrap_or_default();
        Self::Settled {
            answer: FolderAnswer::Older { ended },
            run: run.identity.clone(),
            submissions: Vec::new(),
        }
    }

    /// The same run of another project comes first, with this submission.
    pub(super) fn awaits(first: i64) -> Self {
        Self::AwaitsOther(format!(
            "run {first} is the same run with the same results, from another project; what \
             becomes of it decides, and `kado runs show {first}` shows it"
        ))
    }

    /// Its log does not tell which run it is.
    pub(super) fn nameless() -> Self {
        Self::Unread(NAMELESS.to_owned(), Again::WhenChanged)
    }

    /// Whether a run was stored for it.
    pub(super) fn adds_to_outbox(&self) -> bool {
        match self {
            Self::Settled { submissions, .. } => !submissions.is_empty(),
            Self::WithCollection(_) => true,
            Self::CopyOfMember(_) | Self::NotYet(_) | Self::AwaitsOther(_) | Self::Unread(..) => {
                false
            }
        }
    }

    /// The submissions that are new.
    pub(super) fn new_submissions(self) -> Vec<i64> {
        match self {
            Self::Settled { submissions, .. } => submissions,
            Self::WithCollection(_)
            | Self::CopyOfMember(_)
            | Self::NotYet(_)
            | Self::AwaitsOther(_)
            | Self::Unread(..) => Vec::new(),
        }
    }
}

/// What becomes of a folder whose run is not read.
pub(super) fn handling_of_unread(not_read: &NotRead) -> Handling {
    let error = match not_read {
        NotRead::ShareUsed(reason) => return Handling::Unread(reason.clone(), Again::Next),
        NotRead::Unsure(error) => return Handling::Unread(chain(error), Again::Next),
        NotRead::Run(error) => error,
    };

    let reason = chain(error);
    match error {
        IntakeError::SettingsInFlux(_) => Handling::NotYet(reason),
        IntakeError::Read(ReadError::Io { .. }) if error.passes() => Handling::NotYet(reason),
        IntakeError::Read(ReadError::Io { .. }) => Handling::Unread(reason, Again::Next),
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
