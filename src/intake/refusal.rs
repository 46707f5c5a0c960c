//! Why a run that somebody asked for is not submitted, in words for that person.

use std::io;
use std::path::PathBuf;

use crate::error_chain::chain;
use crate::intake::{FinishedRun, IntakeError, STILL_WITHOUT_END};
use crate::katalon::settings::FILE as SETTINGS;
use crate::shell_word::shell_word;

/// Why a run that somebody asked for is not submitted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunRefusal {
    /// The run or its project cannot be read.
    #[error(transparent)]
    Unreadable(#[from] IntakeError),
    /// The folder cannot be listed.
    #[error("`{}` cannot be read: {error}", .folder.display())]
    Folder {
        /// The run folder, or that of the collection.
        folder: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The folder is that of a collection, and collections are not submitted as one run.
    #[error(
        "`{}` is the folder of a collection; name the run folders of its suites, or set \
         `submit.collections = \"one\"`",
        .0.display()
    )]
    IsCollection(PathBuf),
    /// The folder holds the report of a collection, which is damaged.
    #[error(
        "the report of the collection (`.rp`) cannot be read: {}; name the run folders of its \
         suites to submit each by itself",
        chain(.0)
    )]
    CollectionReport(io::Error),
    /// A run without an end may still go on.
    #[error(
        "the run in `{}` is still being written; a run without an end is submitted as aborted when \
         nothing has changed in it for {} seconds",
        .0.display(),
        STILL_WITHOUT_END.as_secs()
    )]
    StillWritten(PathBuf),
    /// A member of the collection runs or may still start.
    #[error(
        "the collection in `{}` is still running; it is submitted as a whole when it has ended, or \
         when nothing has changed in it for {} seconds",
        .0.display(),
        STILL_WITHOUT_END.as_secs()
    )]
    CollectionRuns(PathBuf),
    /// The collection is over and has no results.
    #[error("no suite of the collection in `{}` has run", .0.display())]
    NothingRan(PathBuf),
    /// The project's integration is off, which not even a command overrides.
    #[error(
        "the Azure DevOps integration of project {0} is switched off; switch it on in Katalon \
         under Project > Settings > Integrations > Azure DevOps"
    )]
    SwitchedOff(String),
    /// The project in this folder has no file of settings.
    #[error(
        "project `{root}` has no Azure DevOps settings, because `{SETTINGS}` is missing; `kado setup \
         {}` writes it, and so does Katalon under Project > Settings > Integrations > Azure DevOps",
        shell_word(root)
    )]
    NotSetUp {
        /// The folder.
        root: String,
    },
}

impl RunRefusal {
    /// Why a run is not submitted whose project's integration is not on.
    pub(crate) fn of_integration(run: &FinishedRun) -> Self {
        if run.terms.lacks_settings {
            Self::NotSetUp {
                root: run.snapshot.project_root.clone(),
            }
        } else {
            Self::SwitchedOff(run.snapshot.project_name.clone())
        }
    }
}
