//! The machine: configuration, watched folders, state folder.

#![expect(clippy::disallowed_methods, reason = "folders are looked at")]

use std::io::ErrorKind;
use std::path::Path;

use crate::check::folders::check_room;
use crate::check::report::Report;
use crate::config::Config;
use crate::config::proxy::ProxyUrl;
use crate::error_chain::chain;
use crate::exit::Exit;
use crate::outbox::Store;
use crate::outbox::lock::StateLock;
use crate::secrets::{self, TokenError};
use crate::{service, watch};

/// Looks at the configuration and the folders that it names.
pub(crate) fn check_machine(config: &Config, report: &mut Report) {
    match &config.file {
        Some(file) => report.fine("configuration", file.display().to_string()),
        None => report.note(
            "configuration",
            "there is no kado.toml; the defaults are in force",
            "`kado run` needs one with `watch = [\"FOLDER\"]`",
        ),
    }
    for warning in &config.warnings {
        report.note("configuration", warning.clone(), "");
    }
    for key in &config.not_carried_out {
        report.note(
            format!("key {key}"),
            "this version does not carry it out yet",
            "",
        );
    }
    if let Some(remark) = service::another_account() {
        let hint =
            "`kado check --as-service` looks with the account and the sandbox of the service";
        report.note("account", remark, hint);
    }
    for folder in &config.watch {
        check_folder(folder, report);
    }
    check_tables(config, report);
    proxy_password(config, report);
    let name = format!("state {}", config.state_dir.display());
    match Store::open_to_read(&config.state_dir) {
        Ok(Some(store)) => {
            report.fine(name, "the outbox can be read");
            check_events(&store, config, report);
        }
        Ok(None) => report.note(
            name,
            "there is no outbox yet",
            "the first `kado run` or `kado submit` makes it",
        ),
        Err(error) => {
            report.failed(
                name,
                chain(&error),
                "see `What happens when things go wrong` in the README",
                Exit::NotDone,
            );
        }
    }
    check_room(config, report);
}

/// Whether the folders of all `[[project]]` are there.
fn check_tables(config: &Config, report: &mut Report) {
    for project in config
        .projects
        .iter()
        .filter(|project| !project.path.is_dir())
    {
        report.note(
            format!("[[project]] {}", project.path.display()),
            "there is no such folder, so its tables are in force for no project at present",
            "correct `path`, unless the folder comes and goes",
        );
    }
}

/// A password in `azure.proxy` makes kado.toml a file to keep closed.
fn proxy_password(config: &Config, report: &mut Report) {
    let tables = config
        .projects
        .iter()
        .map(|project| &project.tables)
        .chain([&config.machine]);
    let has_password = tables
        .filter_map(|tables| tables.access.proxy.as_ref())
        .any(ProxyUrl::has_password);
    let Some(file) = config.file.as_ref().filter(|_| has_password) else {
        return;
    };
    if let Err(TokenError::Exposed { found, remedy, .. }) = secrets::closed_file(file) {
        let detail = format!("holds the proxy's password and can be read by others ({found})");
        report.note(format!("file {}", file.display()), detail, remedy);
    }
}

/// Whether the running service hears of changes, or polls.
fn check_events(store: &Store, config: &Config, report: &mut Report) {
    let running = StateLock::is_held(&config.state_dir) == Some(true);
    if let Some(reason) = store.polled().ok().flatten().filter(|_| running) {
        report.note(
            "file events",
            format!("folders are polled: {reason}"),
            "runs are found within half a minute",
        );
    }
}

/// Whether a watched folder can be read with everything in it that the search for projects meets.
fn check_folder(folder: &Path, report: &mut Report) {
    let name = format!("watch {}", folder.display());
    if let Some(account) = service::closed_to_service(folder) {
        let hint = format!(
            "this gives it: `{}`",
            service::command_to_grant(folder, account)
        );
        return report.wrong(
            name,
            format!("`{account}`, the account of the service, has no right to read it"),
            hint,
        );
    }
    match std::fs::read_dir(folder) {
        Ok(_) => {
            let closed = watch::find_closed(&[folder.to_owned()]);
            match closed.first() {
                None => report.fine(name, "can be read"),
                Some(first) => {
                    let detail = match closed.len() {
                        1 => format!("`{}` in it cannot be read", first.display()),
                        many => format!(
                            "{many} folders in it cannot be read, `{}` is one of them",
                            first.display()
                        ),
                    };
                    report.wrong(name, detail, to_grant(folder));
                }
            }
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            report.wrong(name, error.to_string(), to_grant(folder));
        }
        Err(error) => report.wrong(
            name,
            error.to_string(),
            "correct `watch`, or make the folder",
        ),
    }
}

fn to_grant(folder: &Path) -> String {
    let account = service::own_account();
    let command = service::command_to_grant(folder, &account);
    format!(
        "`{account}`, which kado runs as here, has no right to read it; this gives it: `{command}`"
    )
}
