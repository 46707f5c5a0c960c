//! Installing, removing and starting, with everything that is the same on every system: the first
//! `kado.toml`, what is said to the person, and what is removed at the end.

#![expect(
    clippy::disallowed_methods,
    reason = "files of the installation are written and removed"
)]

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use crate::config::Config;
use crate::config::paths::{self, ConfigError, Places};
use crate::error_chain::chain;
use crate::file_names::same;
use crate::secrets::store;
use crate::service::{
    Installation, Leftovers, Scope, ServiceError, Told, account, flag, places_of, system,
};

/// The first `kado.toml`: every key, as comments.
const EXAMPLE: &str = include_str!("../../packaging/kado.toml");

/// Installs the service so that it starts with the machine (or the login), and starts it if it is
/// configured.
///
/// # Errors
/// When rights are missing, when the program lies in a place that a service cannot use, or when the
/// service manager refuses.
pub(crate) fn install(installation: &Installation) -> Result<Told, ServiceError> {
    system::may_manage(installation.scope, "installing the service")?;
    let mut told = Told {
        done: system::install(installation)?,
        next: Vec::new(),
    };
    if write_example(installation.scope, &installation.config)? {
        told.done
            .push(format!("wrote `{}`", installation.config.display()));
    }
    match configured(&installation.config) {
        Ok(config) => {
            let started = system::start(installation.scope)?;
            told.next = after_start(&config, installation.scope);
            if started {
                told.done.push("started".to_owned());
            } else {
                told.next.push(format!(
                    "the service was running and goes on as it was started; `kado service restart{}` after an upgrade or a \
                     change of its unit",
                    flag(installation.scope)
                ));
            }
        }
        Err(problem) => told.next = before_start(installation, &problem),
    }
    Ok(told)
}

/// Removes the service; with [`Leftovers::Purge`] also configuration, state, log files and token.
///
/// # Errors
/// When rights are missing, or when the service manager refuses.
pub(crate) fn uninstall(scope: Scope, leftovers: Leftovers) -> Result<Told, ServiceError> {
    system::may_manage(scope, "removing the service")?;
    let places = places_of(scope)?;
    let mut told = Told {
        done: system::uninstall(scope)?,
        next: Vec::new(),
    };
    if leftovers == Leftovers::Purge {
        told.done.extend(purge(&places)?);
        told.done.extend(system::forget_account(scope)?);
    } else {
        let kept = [&places.config, &places.state, &places.token];
        let kept: Vec<_> = kept
            .into_iter()
            .filter(|path| path.exists())
            .map(|path| path.display().to_string())
            .collect();
        if !kept.is_empty() {
            told.next.push(format!(
                "kept: {}; `kado service uninstall{} --purge` removes them",
                kept.join(", "),
                flag(scope)
            ));
        }
    }
    Ok(told)
}

/// The configuration of the service: the one that was named, as at its installation, else that of
/// its scope.
fn config_of(scope: Scope, named: Option<&Path>) -> Result<PathBuf, ServiceError> {
    named.map_or_else(
        || places_of(scope).map(|places| places.config),
        |named| Ok(named.to_owned()),
    )
}

/// Starts the service if its configuration can be used; otherwise it would only end again. `config`
/// is the one that it was installed with, when that is not the one of its scope.
///
/// # Errors
/// When it is not installed, not configured, or when the service manager refuses.
pub(crate) fn start(scope: Scope, config: Option<&Path>) -> Result<Told, ServiceError> {
    configured(&config_of(scope, config)?)?;
    let changed = system::start(scope)?;
    let mut told = Told {
        done: changed.then(|| "started".to_owned()).into_iter().collect(),
        next: Vec::new(),
    };
    if !system::status(scope)?.enabled {
        let install = format!("kado service install{}", flag(scope));
        told.next.push(format!(
            "it does not start with the machine; `{install}` sees to that"
        ));
    }
    Ok(told)
}

/// Ends the service and starts it again, if its configuration can be used.
///
/// # Errors
/// As for [`start`].
pub(crate) fn restart(scope: Scope, config: Option<&Path>) -> Result<Told, ServiceError> {
    configured(&config_of(scope, config)?)?;
    system::restart(scope)?;
    Ok(Told {
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
) -> Result<Told, ServiceError> {
    system::may_manage(scope, "storing a token")?;
    system::hands_tokens_over(scope)?;
    let (places, file) = (places_of(scope)?, config_of(scope, config)?);
    if scope == Scope::User && !same(&file, &places.config) {
        return Err(ServiceError::NoStore {
            file,
            standard: places.config,
        });
    }
    let mut told = Told::default();
    match configured(&file) {
        Ok(config) if config.machine.overrides.server_url.is_none() => {
            return Err(ServiceError::NoServer(file));
        }
        Ok(_) => {}
        Err(problem) => told.next.push(chain(&problem)),
    }
    store::write(&places.token, token).map_err(|source| ServiceError::File {
        action: "written",
        path: places.token.clone(),
        source,
    })?;
    told.done.push("stored the token".to_owned());
    told.done
        .extend(system::token_changed(scope, &places.token)?);
    Ok(told)
}

/// The configuration of the service, if it can be used.
fn configured(file: &Path) -> Result<Config, ConfigError> {
    paths::read(file)
}

/// Writes the commented example where there is no configuration yet.
fn write_example(scope: Scope, file: &Path) -> Result<bool, ServiceError> {
    if file.exists() {
        return Ok(false);
    }
    let failed = |source| ServiceError::File {
        action: "written",
        path: file.to_owned(),
        source,
    };
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(file, EXAMPLE).map_err(failed)?;
    // A `--config` elsewhere is in a folder that is not kado's to open.
    if places_of(scope)?.config == file {
        system::open_to_service(scope, file).map_err(failed)?;
    }
    Ok(true)
}

/// What a person has to do before the service can start.
fn before_start(installation: &Installation, problem: &ConfigError) -> Vec<String> {
    let (scope, file) = (installation.scope, installation.config.display());
    let mut next = vec![format!("name the folders to watch in `{file}` ({problem})")];
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
        "`kado check` looks whether everything is as a submission needs it, `kado status` says how things stand"
            .to_owned(),
    );
    next
}

fn about_token(scope: Scope) -> String {
    format!(
        "the tokens of the Katalon projects are used; for a token of this machine set `[azure] server_url` and run `kado \
         service set-token{}`, which reads it from standard input",
        flag(scope)
    )
}

/// Removes what belongs to a scope, and nothing that lies elsewhere by the wish of `kado.toml`.
fn purge(places: &Places) -> Result<Vec<String>, ServiceError> {
    let mut done = Vec::new();
    let mut remove = |path: &PathBuf| {
        let removed = if path.is_dir() {
            std::fs::remove_dir_all(path)
        } else {
            std::fs::remove_file(path)
        };
        match removed {
            Ok(()) => done.push(format!("removed `{}`", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => {
                return Err(ServiceError::File {
                    action: "removed",
                    path: path.clone(),
                    source,
                });
            }
        }
        Ok(())
    };
    remove(&places.token)?;
    remove(&places.config)?;
    remove(&places.logs)?;
    remove(&places.state)?;
    if let Some(folder) = places.config.parent() {
        // Somebody else's files stay.
        let _ = std::fs::remove_dir(folder);
    }
    Ok(done)
}
