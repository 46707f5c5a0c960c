//! Where configuration and state lie, by system and by scope: the only module that knows such places.

#![expect(clippy::disallowed_methods, reason = "the places come from the environment and the disk tells which exist")]

use std::path::{Path, PathBuf};

use crate::config::file::{DEFAULT_ABORT_AFTER, DEFAULT_SPOOL_LIMIT, Surroundings, parse};
use crate::config::section::Problem;
use crate::config::{Config, Late};
use crate::discovery::eligibility::{History, RunsFrom};
use crate::secrets;

/// Name of the environment variable that names the configuration file.
pub const CONFIG_VARIABLE: &str = "KADO_CONFIG";

/// A configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration `{}` cannot be read", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file has problems.
    #[error("configuration `{}` has {}", file.display(), listed(problems))]
    Problems {
        /// The file.
        file: PathBuf,
        /// All of them, by line.
        problems: Vec<Problem>,
    },
}

fn listed(problems: &[Problem]) -> String {
    let lines: String = problems.iter().map(|problem| format!("\n  {problem}")).collect();
    format!("{} problem{}:{lines}", problems.len(), if problems.len() == 1 { "" } else { "s" })
}

/// Finds and reads the configuration: the file that was asked for, else `$KADO_CONFIG`, else the system's file if it
/// exists, else the user's. Without any of them the defaults are in force, with nothing to watch.
///
/// # Errors
/// When a file was asked for that cannot be read, or when the file has problems.
pub fn load(asked: Option<&Path>) -> Result<Config, ConfigError> {
    let named = asked.map(Path::to_owned).or_else(|| std::env::var_os(CONFIG_VARIABLE).map(PathBuf::from));
    match named.or_else(|| candidates().into_iter().find(|file| file.is_file())) {
        Some(file) => read(&file),
        None => Ok(without_file()),
    }
}

/// Reads a configuration file.
///
/// # Errors
/// When it cannot be read or has problems.
pub fn read(file: &Path) -> Result<Config, ConfigError> {
    let text =
        std::fs::read_to_string(file).map_err(|source| ConfigError::Unreadable { file: file.to_owned(), source })?;
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let around = Surroundings {
        state_dir: default_state_dir(&file),
        machine_token: secrets::surrounding_token(),
        file: file.clone(),
    };
    parse(&text, &around).map_err(|problems| ConfigError::Problems { file, problems })
}

/// Where a configuration is looked for when none is named, the system's first.
pub fn candidates() -> Vec<PathBuf> {
    let user = directories::ProjectDirs::from("", "", "kado").map(|dirs| dirs.config_dir().join("kado.toml"));
    std::iter::once(system_folder().join("kado.toml")).chain(user).collect()
}

/// Where log files go: `$LOGS_DIRECTORY` of systemd, else beside the state.
pub fn log_dir(config: &Config) -> PathBuf {
    std::env::var_os("LOGS_DIRECTORY").map_or_else(|| config.state_dir.join("logs"), PathBuf::from)
}

fn system_folder() -> PathBuf {
    if cfg!(windows) {
        PathBuf::from(std::env::var_os("ProgramData").unwrap_or_else(|| "C:\\ProgramData".into())).join("kado")
    } else if cfg!(target_os = "macos") {
        PathBuf::from("/Library/Application Support/kado")
    } else {
        PathBuf::from("/etc/kado")
    }
}

/// `$STATE_DIRECTORY` of systemd, else the system's place for the system's file, else the user's.
fn default_state_dir(file: &Path) -> PathBuf {
    if let Some(folder) = std::env::var_os("STATE_DIRECTORY") {
        return PathBuf::from(folder);
    }
    let system = file.starts_with(system_folder());
    match directories::ProjectDirs::from("", "", "kado") {
        Some(dirs) if !system => dirs.data_local_dir().to_owned(),
        _ if cfg!(any(windows, target_os = "macos")) => system_folder().join("state"),
        _ => PathBuf::from("/var/lib/kado"),
    }
}

fn without_file() -> Config {
    Config {
        file: None,
        watch: Vec::new(),
        state_dir: default_state_dir(Path::new("")),
        history: History::New,
        runs_from: RunsFrom::ThisHost,
        abort_after: DEFAULT_ABORT_AFTER,
        submit_aborted: false,
        late: Late::Park,
        spool_limit: DEFAULT_SPOOL_LIMIT,
        machine: Default::default(),
        projects: Vec::new(),
        not_carried_out: Vec::new(),
    }
}

/// The text of a file, to notice that it changed; `None` when it cannot be read.
pub fn text_of(file: &Path) -> Option<String> {
    std::fs::read_to_string(file).ok()
}
