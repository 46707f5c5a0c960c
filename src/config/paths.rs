//! Where configuration and state lie, by system and by scope: the only module that knows such
//! places.

#![expect(
    clippy::disallowed_methods,
    reason = "the places come from the environment and the disk tells which exist"
)]

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "macos")]
use macos as system;
#[cfg(windows)]
use windows as system;

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::config::file::{DEFAULT_SPOOL_LIMIT, Surroundings, parse};
use crate::config::section::ConfigProblem;
use crate::config::status_page::StatusPage;
use crate::config::{Config, Overtaken};
use crate::discovery::eligibility::{History, RunsFrom};
use crate::door;
use crate::file_names::{is_in, same};
use crate::katalon::run::lifecycle::ABORT_AFTER;
use crate::plural::counted;
use crate::secrets::{CREDENTIAL, TokenOwner, TokenSources};

/// Name of the environment variable that names the configuration file.
pub(crate) const CONFIG_VARIABLE: &str = "KADO_CONFIG";

/// Name of the configuration file in its folder.
pub(crate) const CONFIG_FILE: &str = "kado.toml";

/// Whose service, configuration and state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scope {
    /// The machine's: an account of its own, started with the machine.
    System,
    /// A person's: that person's account, started with the login.
    User,
}

impl Scope {
    /// The word for it in messages and JSON.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
        }
    }
}

/// Where everything of a scope lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Places {
    /// `kado.toml`.
    pub config: PathBuf,
    /// Outbox, spool and ledger, unless `state_dir` says otherwise.
    pub state: PathBuf,
    /// Log files of the service.
    pub logs: PathBuf,
    /// What `kado service set-token` writes.
    pub token: PathBuf,
}

/// The places of a scope; `None` for the user's where the system knows no home folder.
pub(crate) fn places(scope: Scope) -> Option<Places> {
    match scope {
        Scope::System => Some(system::of_the_system()),
        Scope::User => ProjectDirs::from("", "", "kado").map(|dirs| of_the_user(&dirs)),
    }
}

/// The user's places: those of the crate `directories`, which knows each system.
fn of_the_user(dirs: &ProjectDirs) -> Places {
    Places {
        config: dirs.config_dir().join(CONFIG_FILE),
        state: dirs.data_local_dir().to_owned(),
        logs: dirs.data_local_dir().join("logs"),
        token: dirs.config_dir().join(CREDENTIAL),
    }
}

/// Whose configuration a file is; `None` for one that lies elsewhere.
pub(crate) fn scope_of(file: &Path) -> Option<Scope> {
    for scope in [Scope::System, Scope::User] {
        if let Some(places) = places(scope)
            && same(&places.config, file)
        {
            return Some(scope);
        }
    }
    None
}

/// A configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("configuration `{}` cannot be read{}", file.display(), way_in(source))]
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
        problems: Vec<ConfigProblem>,
    },
}

fn way_in(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => system::ASK_WITH_MORE_RIGHTS,
        std::io::ErrorKind::InvalidData => {
            "; save it as UTF-8 (editors may call UTF-16 \"Unicode\")"
        }
        _ => "",
    }
}

fn listed(problems: &[ConfigProblem]) -> String {
    let mut list = counted(problems.len(), "problem");
    list.push(':');
    for problem in problems {
        list.push_str(&format!("\n  {problem}"));
    }
    list
}

/// Finds and reads the configuration: the file that was asked for, else `$KADO_CONFIG`, else the
/// system's file if it exists, else the user's. Without any of them the defaults are in force, with
/// nothing to watch. Its watched folders are those of the process from now on ([`take_effect`]).
///
/// # Errors
/// When a file was asked for that cannot be read, when the only one there is closed to this
/// account, or when the file has problems.
pub(crate) fn load(asked: Option<&Path>) -> Result<Config, ConfigError> {
    let config = match file_of(asked) {
        Some(file) => read(&file)?,
        None => without_file(),
    };
    take_effect(&config);
    Ok(config)
}

fn file_of(asked: Option<&Path>) -> Option<PathBuf> {
    if let Some(file) = asked {
        return Some(file.to_owned());
    }
    match std::env::var_os(CONFIG_VARIABLE) {
        Some(file) => Some(PathBuf::from(file)),
        None => chosen(&candidates(), presence),
    }
}

/// The file that [`load`] would read, or that the first configuration goes to: that of `scope`.
/// `None` where the account has no home for it.
pub(crate) fn file_or_first(asked: Option<&Path>, scope: Scope) -> Option<PathBuf> {
    let file = match file_of(asked) {
        Some(file) => file,
        None => places(scope)?.config,
    };
    Some(std::path::absolute(&file).unwrap_or(file))
}

/// Lets the door know below which folders projects are opened.
pub(crate) fn take_effect(config: &Config) {
    door::set_watched(&config.watch);
}

/// What this account sees of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Presence {
    There,
    /// It may be there, but this account may not look.
    Closed,
    Absent,
}

fn presence(file: &Path) -> Presence {
    match std::fs::metadata(file) {
        Ok(metadata) if metadata.is_file() => Presence::There,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Presence::Closed,
        Ok(_) | Err(_) => Presence::Absent,
    }
}

/// The first file that is there. Where there is none, the first that is closed: reading it then
/// says so, instead of defaults that would say that nothing is watched.
fn chosen(candidates: &[PathBuf], presence: impl Fn(&Path) -> Presence) -> Option<PathBuf> {
    for wanted in [Presence::There, Presence::Closed] {
        if let Some(file) = candidates.iter().find(|file| presence(file) == wanted) {
            return Some(file.clone());
        }
    }
    None
}

/// Reads a configuration file.
///
/// # Errors
/// When it cannot be read or has problems.
pub(crate) fn read(file: &Path) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|source| ConfigError::Unreadable {
        file: file.to_owned(),
        source,
    })?;
    read_text(file, &text)
}

/// Reads a configuration as it would be if `file` held this text.
///
/// # Errors
/// When it has problems.
pub(crate) fn read_text(file: &Path, text: &str) -> Result<Config, ConfigError> {
    // Whole, because its place tells whether it is the system's or the user's.
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let token_store = scope_of(&file).and_then(places).map(|places| places.token);
    // Looked for without `token_file`: whether that is named is in the text.
    let around_the_file = TokenSources {
        owner: TokenOwner::Machine,
        store: token_store.as_deref(),
        file: None,
    };

    let around = Surroundings {
        state_dir: default_state_dir(&file),
        machine_token: around_the_file.first(),
        token_store,
        file: file.clone(),
    };

    parse(text, &around).map_err(|problems| ConfigError::Problems { file, problems })
}

/// Where a configuration is looked for when none is named, the system's first.
pub(crate) fn candidates() -> Vec<PathBuf> {
    // Where a service is installed, a person's commands are about what that service does.
    [Scope::System, Scope::User]
        .into_iter()
        .filter_map(places)
        .map(|places| places.config)
        .collect()
}

/// Where log files go: `$LOGS_DIRECTORY` of the service manager, else beside the state.
pub(crate) fn log_dir(config: &Config) -> PathBuf {
    // systemd made it for the account of the unit, which may not write everywhere.
    std::env::var_os("LOGS_DIRECTORY").map_or_else(|| config.state_dir.join("logs"), PathBuf::from)
}

/// `$STATE_DIRECTORY` of the service manager, else the system's place for a file in the system's
/// folder, else the user's.
fn default_state_dir(file: &Path) -> PathBuf {
    if let Some(folder) = std::env::var_os("STATE_DIRECTORY") {
        return PathBuf::from(folder);
    }

    let system = system::of_the_system();
    let is_of_the_system = system
        .config
        .parent()
        .is_some_and(|folder| is_in(file, folder));
    if is_of_the_system {
        return system.state;
    }
    // Without a home folder, as for some accounts of services, the system's is the only one.
    places(Scope::User).map_or(system.state, |user| user.state)
}

/// The defaults: everything can be submitted by hand, nothing is watched.
fn without_file() -> Config {
    Config {
        file: None,
        watch: Vec::new(),
        // Beside no file of the system, so it is the user's.
        state_dir: default_state_dir(Path::new("")),

        history: History::New,
        runs_from: RunsFrom::ThisHost,
        abort_after: ABORT_AFTER,
        submit_aborted: false,
        overtaken: Overtaken::Park,
        katalonc_options: true,
        spool_limit: DEFAULT_SPOOL_LIMIT,
        redact: Vec::new(),
        machine: Default::default(),
        projects: Vec::new(),
        status_page: StatusPage::default(),
        notify: None,
        warnings: Vec::new(),
    }
}

/// The text of a file, to notice that it changed; `None` when it cannot be read.
pub(crate) fn text_of(file: &Path) -> Option<String> {
    std::fs::read_to_string(file).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of two files is chosen, where they are seen like this.
    fn chosen_of(of_system: Presence, of_user: Presence) -> Option<PathBuf> {
        let candidates = [PathBuf::from("system"), PathBuf::from("user")];
        chosen(&candidates, |file| {
            if file == Path::new("system") {
                of_system
            } else {
                of_user
            }
        })
    }

    #[test]
    fn a_closed_configuration_is_named_unless_there_is_another() {
        use Presence::{Absent, Closed, There};
        let system = Some(PathBuf::from("system"));
        let user = Some(PathBuf::from("user"));

        assert_eq!(chosen_of(There, There), system);
        assert_eq!(chosen_of(Closed, There), user);
        assert_eq!(chosen_of(Closed, Absent), system);
        assert_eq!(chosen_of(Absent, Closed), user);
        assert_eq!(chosen_of(Absent, Absent), None);
    }
}
