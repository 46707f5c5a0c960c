//! `kado setup PROJECT`: what a tester chooses in Katalon's Azure DevOps dialog, without Katalon's
//! licence for it.
//!
//! [`CurrentProject`] reads what is there, [`RunsSeen`] what ran in the project; `entered` (pure)
//! reads what people write as options; [`verify`] asks Azure DevOps whether it has what was chosen;
//! [`PreparedFile`] is the file with the choices in it, which is written as a whole or not at all:
//! Katalon's settings file, or the project's own `kado.toml`.
//!
//! Everything is known to be right before anything is written, and everything that is wrong is told
//! at once. What cannot be done is an error with its exit code.

mod current;
mod entered;
mod own_file;
mod prepared;
mod runs_seen;
mod verified;

use secrecy::SecretString;

pub(crate) use current::CurrentProject;
pub(crate) use entered::{
    Misentered, attachments, definition, plan, row, sending, status_outcome, yes_or_no,
};
pub(crate) use own_file::NoOwnFile;
pub(crate) use prepared::{PreparedFile, SettingsTarget};
pub(crate) use runs_seen::{RunsSeen, SeenEnvironment};
pub(crate) use verified::{DefinitionAnswer, Verified, verify, verify_definition};

use crate::ado::AdoError;
use crate::connect::ConnectError;
use crate::exit::Exit;
use crate::katalon::run::FileKind;
use crate::katalon::settings::{NoSettings, RowChoice, SendingRule};
use crate::katalon::status::Status;
use crate::plan::overrides::Definition;
use crate::plan::plan_choice::PlanChoice;
use crate::server::Server;
use crate::workspace::{ReadError, ReplaceError};

/// What the project is to be set up with; what is `None` or empty stays as it is.
#[derive(Default)]
pub(crate) struct ProjectChoices {
    pub server: Option<Server>,
    pub token: Option<SecretString>,
    /// Name or GUID of the ADO project.
    pub project: Option<String>,
    /// The test plans, all of them.
    pub plans: Vec<PlanChoice>,
    pub run_name: Option<String>,
    /// Outcomes of some statuses.
    pub outcomes: Vec<(Status, String)>,
    /// Rows of the test configuration mapping.
    pub rows: Vec<RowChoice>,
    /// The types of files; none sends no files.
    pub attachments: Option<Vec<FileKind>>,
    pub attach: Option<SendingRule>,
    pub multiple_points: Option<bool>,
    pub build_definition: Option<Definition>,
    pub release_definition: Option<Definition>,
}

impl ProjectChoices {
    /// Whether a row with an execution profile is written where no row has one.
    pub(crate) fn has_new_profile(&self, current: &CurrentProject) -> bool {
        let stored = &current.settings.configuration_rows;
        let is_known = stored.iter().any(|row| row.profile.is_some());
        !is_known
            && self
                .rows
                .iter()
                .any(|row| matches!(row, RowChoice::Set(row) if row.profile.is_some()))
    }
}

/// Why a project is not set up; nothing was written then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoSetup {
    /// There is no project, or it cannot be read.
    #[error("{}", crate::error_chain::chain(.0))]
    Unreadable(#[from] ReadError),
    /// The project's own `kado.toml` cannot be used.
    #[error("{0}")]
    ProjectFile(String),
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server did not answer as it should.
    #[error(transparent)]
    Ado(#[from] AdoError),
    /// Azure DevOps does not have what was chosen.
    #[error("{}", .0.join("\n"))]
    Wrong(Vec<String>),
    /// The settings file cannot hold it.
    #[error(transparent)]
    Settings(#[from] NoSettings),
    /// The project's `kado.toml` cannot hold it.
    #[error(transparent)]
    OwnFile(#[from] NoOwnFile),
    /// The file cannot be read or replaced.
    #[error(transparent)]
    File(#[from] ReplaceError),
}

impl NoSetup {
    /// The exit code of the command that this ends.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Unreadable(ReadError::NoProject(_)) | Self::ProjectFile(_) => Exit::Usage,
            Self::Connect(error) => error.exit(),
            Self::Ado(error) => error.exit(),
            Self::Unreadable(_)
            | Self::Wrong(_)
            | Self::Settings(_)
            | Self::OwnFile(_)
            | Self::File(_) => Exit::NotDone,
        }
    }
}
