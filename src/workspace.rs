//! Katalon projects and report folders on disk: the shell around [`crate::katalon`].
//!
//! Everything here but `replace` goes through `crate::door`: it only reads, takes no lock, follows
//! no link and opens nothing but regular files; walks are bounded in depth and number. What cannot
//! be read becomes damage where the rest still makes sense, and what is odd a warning. Files change
//! while they are read: Katalon rotates logs and rewrites reports in place.
//!
//! `project_folder` reads a project, `run_folder` a run, `collection_folder` the report of a test
//! suite collection; `Location` says to which of them a folder belongs. `replace` is the one place
//! that writes a file of a project, when a command says so.

mod collection_folder;
mod earlier_run;
mod growing_log;
mod launch;
mod listing;
mod location;
mod log_size;
mod named_files;
mod names;
mod parsed_logs;
mod project_folder;
mod replace;
mod run_folder;
mod running_folder;
mod session_reports;

use std::io;
use std::path::PathBuf;

pub(crate) use collection_folder::{
    CollectionFolder, ListedMember, collection_in, collection_of, written_to,
};
pub(crate) use growing_log::GrowingLog;
pub(crate) use launch::read_launch;
pub use listing::is_run_folder;
pub(crate) use listing::{
    FolderListing, RunSigns, list_known_folder, list_run_folder, newest_change,
};
pub(crate) use location::Location;
pub(crate) use log_size::{LONGEST_LOG, check_log_size};
pub(crate) use project_folder::{
    CaseIdState, FileLook, PROJECT_FILE, RuleFiles, azure_settings_modified, id_state,
    look_of_test_case, number_of_reruns, project_at, project_file_modified, project_name,
    read_project_file, resolved, rule_files, without_links,
};
pub use project_folder::{find_project_root, read_azure_settings, read_project, read_test_case};
pub(crate) use replace::{Original, ReplaceError};
pub(crate) use run_folder::RunReader;
pub use run_folder::{JunitState, read_junit, read_run};
pub(crate) use run_folder::{junit_state, state_of, state_when_over};
pub(crate) use running_folder::{has_grown, read_running};

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The folder has no `.prj`.
    #[error("`{0}` is not a Katalon project: it holds no `.prj` file; name the project's folder")]
    NoProject(PathBuf),
    /// The folder has neither a log nor the launcher's files.
    #[error("`{0}` is not a run folder: it holds neither `execution0.log` nor `testCaseBinding`")]
    NoRun(PathBuf),
    /// The system refused.
    #[error("`{path}` cannot be read")]
    Io {
        /// What was to be read.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}
