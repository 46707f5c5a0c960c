//! Installing, removing and starting, with everything that is the same on every system: the first
//! `kado.toml`, what is said to the person, and what is removed at the end.

#![expect(
    clippy::disallowed_methods,
    reason = "files of the installation are written and removed"
)]

use std::io;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use crate::config::Config;
use crate::config::paths::{self, ConfigError, Places};
use crate::error_chain::chain;
use crate::file_names::same;
use crate::secrets::store;
use crate::service::{
    Installation, Leftovers, Scope, ServiceError, Summary, account, flag, places_of, system,
};

/// The first `kado.toml`: every key, as comments.
const EXAMPLE: &str = include_str!("../../packaging/kado.toml");

/// Installs the service so that it starts with the machine (or the login), and starts it if it is
/// configured.
///
/// # Errors
/// When rights are missing, when the program lies in a place that a service cannot use, or when the
/// service manager refuses.
pub(crate) fn install(installation: &Installation) -> Result<Summary, ServiceError> {
    system::may_manage(installation.scope, "installing the service")?;

    let mut summary = Summary {
        done: system::install(installation)?,
        next: Vec::new(),
    };

    // Only now: on Windows the folders have been closed to everybody else by then.
    if write_example(installation.scope, &installation.config)? {
        summary
            .done
            .push(format!("wrote `{}`", installation.config.display()));
    }

    let config = match paths::read(&installation.config) {
        Ok(config) => config,
        // A service that would end at once is not started: its manager would start it again and
        // again.
        Err(problem) => {
            summary.next = before_start(installation, &problem);
            return Ok(summary);
        }
    };

    summary.next = after_start(&config, installation.scope);
    if system::start(installation.scope)? {
        summary.done.push("started".to_owned());
    } else {
        summary.next.push(format!(
            "the service was running and goes on as it was started; `kado service restart{}` after \
             an upgrade or a change of its unit",
            flag(installation.scope)
        ));
    }

    Ok(summary)
}

/// Removes the service; with [`Leftovers::Purge`] also configuration, state, log files and token.
///
/// # Errors
/// When rights are missing, or when the service manager refuses.
pub(crate) fn uninstall(scope: Scope, leftovers: Leftovers) -> Result<Summary, ServiceError> {
    system::may_manage(scope, "removing the service")?;

    let places = places_of(scope)?;
    let mut summary = Summary {
        done: system::uninstall(scope)?,
        next: Vec::new(),
    };

    match leftovers {
        Leftovers::Purge => {
            summary.done.extend(purge(&places)?);
            summary.done.extend(system::forget_account(scope)?);
        }

        Leftovers::Keep => {
            let kept: Vec<String> = [&places.config, &places.state, &places.token]
                .into_iter()
                .filter(|path| path.exists())
                .map(|path| path.display().to_string())
                .collect();
            if !kept.is_empty() {
                summary.next.push(format!(
                    "kept: {}; `kado service uninstall{} --purge` removes them",
                    kept.join(", "),
                    flag(scope)
                ));
            }
        }
    }

    Ok(summary)
}

/// Starts the service if its configuration can be used; otherwise it would only end again. `config`
/// is the one that it was installed with, when that is not the one of its scope.
///
/// # Errors
/// When it is not installed, not configured, or when the service manager refuses.
pub(crate) fn start(scope: Scope, config: Option<&Path>) -> Result<Summary, ServiceError> {
    paths::read(&config_of(scope, config)?)?;

    let mut summary = Summary::default();
    if system::start(scope)? {
        summary.done.push("started".to_owned());
    }
    if !system::state(scope)?.enabled {
        summary.next.push(format!(
            "it does not start with the machine; `kado service install{}` sees to that",
            flag(scope)
        ));
    }
    Ok(summary)
}

/// Ends the service and starts it again, if its configuration can be used.
///
/// # Errors
/// As for [`start`].
pub(crate) fn restart(scope: Scope, config: Option<&Path>) -> Result<Summary, ServiceError> {
    paths::read(&config_of(scope, config)?)?;
    system::restart(scope)?;
    Ok(Summary {
        done: vec!["restarted".to_owned()],
        next: Vec::new(),
    })
}

/// Keeps a token for the machine where the service finds it.
///
/// # Errors
/// When rights are missing, when `kado.toml` names no server for it or is one for which no token is
/// stored, or when it cannot be written.
pub(crate) fn store_token(
    scope: Scope,
    config: Option<&Path>,
    token: &SecretString,
) -> Result<Summary, ServiceError> {
    system::may_manage(scope, "storing a token")?;
    system::hands_tokens_over(scope)?;

    // The system's service gets its credential whatever file it is started with. A user's service
    // finds the store by the file that it reads.
    let places = places_of(scope)?;
    let file = config_of(scope, config)?;
    if scope == Scope::User && !same(&file, &places.config) {
        return Err(ServiceError::NoStore {
            file,
            standard: places.config,
        });
    }

    let mut summary = Summary::default();
    match paths::read(&file) {
        // With a token and no server the configuration counts as wrong, and the service would not
        // start any more.
        Ok(config) if config.machine.overrides.server_url.is_none() => {
            return Err(ServiceError::NoServer(file));
        }
        Ok(_) => {}
        // One that is not finished yet is no reason to refuse the token.
        Err(problem) => summary.next.push(chain(&problem)),
    }

    store::write(&places.token, token).map_err(|source| ServiceError::File {
        action: "written",
        path: places.token.clone(),
        source,
    })?;
    summary.done.push("stored the token".to_owned());
    summary
        .done
        .extend(system::token_changed(scope, &places.token)?);
    Ok(summary)
}

/// The configuration of the service: the one that was named, as at its installation, else that of
/// its scope.
fn config_of(scope: Scope, named: Option<&Path>) -> Result<PathBuf, ServiceError> {
    match named {
        Some(file) => Ok(file.to_owned()),
        None => Ok(places_of(scope)?.config),
    }
}

/// Writes the commented example where there is no configuration yet; whether it did.
fn write_example(scope: Scope, file: &Path) -> Result<bool, ServiceError> {
    if file.exists() {
        return Ok(false);
    }

    let written = write_with_folder(file, EXAMPLE).and_then(|()| {
        // A `--config` elsewhere is in a folder that is not kado's to open.
        let is_own_place = paths::places(scope).is_some_and(|places| places.config == file);
        if is_own_place {
            system::open_to_service(scope, file)?;
        }
        Ok(())
    });

    written.map_err(|source| ServiceError::File {
        action: "written",
        path: file.to_owned(),
        source,
    })?;
    Ok(true)
}

fn write_with_folder(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, text)
}

/// What a person has to do before the service can start.
fn before_start(installation: &Installation, problem: &ConfigError) -> Vec<String> {
    let scope = installation.scope;
    let mut next = vec![format!(
        "run `kado setup`, or name the folders to watch in `{}` ({problem})",
        installation.config.display()
    )];

    if let Some(account) = account(scope) {
        let grant = system::command_to_grant(Path::new("FOLDER"), account);
        next.push(format!("let the account `{account}` read them: `{grant}`"));
    }
    next.push(about_token(scope));
    next.push(format!(
        "`kado service start{}`, then `kado check` and `kado status`",
        flag(scope)
    ));
    next
}

/// What a person may want to do once it runs.
fn after_start(config: &Config, scope: Scope) -> Vec<String> {
    let mut next = Vec::new();
    if config.machine.overrides.server_url.is_none() {
        next.push(about_token(scope));
    }

    next.push(
        "`kado check` finds what would keep a run from being submitted, `kado status` says what \
         the service does"
            .to_owned(),
    );
    next
}

fn about_token(scope: Scope) -> String {
    format!(
        "the tokens of the Katalon projects are used; for a token of this machine set `[azure] \
         server_url` and run `kado service set-token{}`, which reads it from standard input",
        flag(scope)
    )
}

/// Removes what belongs to a scope, and nothing that lies elsewhere by the wish of `kado.toml`.
fn purge(places: &Places) -> Result<Vec<String>, ServiceError> {
    let mut done = Vec::new();
    for path in [&places.token, &places.config, &places.logs, &places.state] {
        let removed = if path.is_dir() {
            std::fs::remove_dir_all(path)
        } else {
            std::fs::remove_file(path)
        };

        match removed {
            Ok(()) => done.push(format!("removed `{}`", path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => {
                return Err(ServiceError::File {
                    action: "removed",
                    path: path.clone(),
                    source,
                });
            }
        }
    }

    if let Some(folder) = places.config.parent() {
        // Somebody else's files stay, and the folder with them.
        let _ = std::fs::remove_dir(folder);
    }
    Ok(done)
}
