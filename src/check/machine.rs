//! The machine: configuration, watched folders, state folder.

#![expect(clippy::disallowed_methods, reason = "folders are looked at")]

use std::io::ErrorKind;
use std::path::Path;

use crate::check::folders::{check_room, report_unseen};
use crate::check::report::Report;
use crate::clock;
use crate::config::Config;
use crate::config::expiry::EndPhase;
use crate::config::proxy::ProxyUrl;
use crate::error_chain::chain;
use crate::exit::Exit;
use crate::file_names::is_in;
use crate::outbox::Store;
use crate::outbox::lock::{ServiceMark, ServiceState, StateLock};
use crate::outbox::store::DATABASE;
use crate::plural::counted;
use crate::secrets::{self, TokenError};
use crate::shell_word::single_quoted;
use crate::watch::Survey;
use crate::{connect, service, state_dir, workspace};

/// Looks at the configuration and the folders that it names; `survey` is what was found in those
/// that are watched.
pub(crate) fn check_machine(config: &Config, survey: &Survey, report: &mut Report) {
    check_configuration(config, report);

    if let Some(remark) = service::another_account() {
        report.note(
            "account",
            remark,
            "`kado check --as-service` looks with the account and the sandbox of the service",
        );
    }

    for folder in &config.watch {
        check_watched_folder(folder, survey, report);
    }
    // Those of projects stand behind the others, and are told with their projects.
    let mut kept = survey.problems.iter();
    if let Some(more) = survey.problems.tell_more()
        && kept.all(|problem| problem.root().is_some())
    {
        report.wrong("watched folders", more.text, more.hint);
    }
    check_project_tables(config, report);
    check_secrets_in_file(config, report);
    check_token_ends(config, report);

    check_state(config, report);
    check_room(config, report);
}

fn check_configuration(config: &Config, report: &mut Report) {
    match &config.file {
        Some(file) => report.fine("configuration", file.display().to_string()),
        None => report.note(
            "configuration",
            "there is no kado.toml; the defaults are in force",
            "`kado setup` makes one; `kado run` needs it",
        ),
    }

    for warning in &config.warnings {
        report.note("configuration", warning.clone(), "");
    }
    if !config.redact.is_empty() {
        let patterns = counted(config.redact.len(), "pattern");
        report.fine("redaction", format!("{patterns} of `redact.patterns`"));
    }
}

/// Whether the folders of all `[[project]]` are there.
fn check_project_tables(config: &Config, report: &mut Report) {
    for project in &config.projects {
        // A note, because workspaces of agents come and go, and the table is right meanwhile.
        if !project.path.is_dir() {
            report.note(
                format!("[[project]] {}", project.path.display()),
                "there is no such folder, so its tables are in force for no project at present",
                "correct `path`, unless the folder comes and goes",
            );
        }
    }
}

/// A password in `azure.proxy` and the address of a webhook make kado.toml a file to keep closed.
fn check_secrets_in_file(config: &Config, report: &mut Report) {
    let Some(file) = &config.file else { return };

    // A password that the file shows to others is theirs, whichever project it is for.
    let of_projects = config.projects.iter().map(|project| &project.tables);
    let has_password = of_projects
        .chain([&config.machine])
        .filter_map(|tables| tables.access.proxy.as_ref())
        .any(ProxyUrl::has_password);
    let has_webhook = config
        .notify
        .as_ref()
        .is_some_and(|rules| rules.webhook.is_some());
    let secret = match (has_password, has_webhook) {
        (true, true) => "the proxy's password and the address of `notify.webhook`",
        (true, false) => "the proxy's password",
        (false, true) => "the address of `notify.webhook`, where whoever knows it can write,",
        (false, false) => return,
    };

    if let Err(TokenError::Exposed {
        readers, remedy, ..
    }) = secrets::closed_file(file)
    {
        report.note(
            format!("file {}", file.display()),
            format!("holds {secret} and can be read by others ({readers})"),
            remedy,
        );
    }
}

/// Whether a token ends soon, where a person said when it does.
fn check_token_ends(config: &Config, report: &mut Report) {
    for end in connect::token_ends(config, clock::today()) {
        let name = "end of the token";
        match end.phase {
            EndPhase::Far => report.fine(name, end.to_string()),
            // It is as good as before until then.
            EndPhase::Near(_) => report.note(name, end.to_string(), end.remedy()),
            EndPhase::Over => report.wrong(name, end.to_string(), end.remedy()),
        }
    }
}

fn check_state(config: &Config, report: &mut Report) {
    let name = format!("state {}", config.state_dir.display());

    // What this account may not do the one of the service may.
    let writable = may_write_state(&config.state_dir);
    if let Err(error) = &writable
        && error.kind() == ErrorKind::PermissionDenied
        && belongs_to_service(config)
    {
        return report.note(
            name,
            format!(
                "belongs to the service of another account; `{}`, which kado runs as here, cannot \
                 write to it",
                service::own_account()
            ),
            "`kado check --as-service` looks with the account of the service",
        );
    }

    if let Some(refusal) = state_dir::refusal(&config.state_dir) {
        return report.failed(name, refusal.to_string(), "", Exit::NotDone);
    }

    // For reading only: a damaged outbox is neither set aside nor mended by a look at it.
    match (Store::open_to_read(&config.state_dir), writable) {
        // SQLite cannot read either where it may not write.
        (_, Err(error)) => report_unwritable(name, &config.state_dir, &error, report),
        (Err(error), Ok(())) => report.failed(
            name,
            chain(&error),
            "docs/troubleshooting.md says what became of the outbox, and what to do",
            Exit::NotDone,
        ),

        (Ok(Some(store)), Ok(())) => {
            report.fine(name, "the outbox can be read and written to");
            check_events(&store, config, report);
        }
        (Ok(None), Ok(())) => report.note(
            name,
            "there is no outbox yet",
            "the first `kado run` or `kado submit` makes it",
        ),
    }
    check_exposure(config, report);
}

/// Whether this account may write to the state folder, or make it, and to the files that whoever
/// works with it writes to.
fn may_write_state(state_dir: &Path) -> std::io::Result<()> {
    for path in [
        state_dir.to_owned(),
        state_dir.join(DATABASE),
        StateLock::path(state_dir),
    ] {
        state_dir::may_write(&path)?;
    }
    Ok(())
}

/// Whether the state folder is that of a service which runs as another account.
fn belongs_to_service(config: &Config) -> bool {
    // A folder that this account may not even see is another's for sure.
    if state_dir::is_own(&config.state_dir) == Some(true) {
        return false;
    }

    let runs = matches!(
        ServiceMark::look(&config.state_dir),
        ServiceState::Running | ServiceState::Unknown
    );
    runs || service::is_of_system(&config.state_dir)
}

fn report_unwritable(name: String, state_dir: &Path, error: &std::io::Error, report: &mut Report) {
    let account = service::own_account();
    let hint = if error.kind() == ErrorKind::PermissionDenied {
        format!(
            "run kado as the account that the folder belongs to, give it to `{account}` (`sudo \
             chown -R {account} {}`), or set another `state_dir`",
            single_quoted(state_dir.display())
        )
    } else {
        "set another `state_dir`, or mend the file system".to_owned()
    };

    report.wrong(
        name,
        format!(
            "`{account}`, which kado runs as here, cannot write to it, and nothing is sent that \
             cannot be recorded: {error}"
        ),
        hint,
    );
}

/// Whether others can use the state folder. Where nothing but kado's own lies in it, the next `kado
/// run` closes it by itself.
fn check_exposure(config: &Config, report: &mut Report) {
    if let Some(exposure) = state_dir::exposure(&config.state_dir) {
        report.note(
            format!("folder {}", config.state_dir.display()),
            format!(
                "holds what was tested and where, and can be used by others ({})",
                exposure.permissions
            ),
            format!("this closes it: `{}`", exposure.remedy),
        );
    }
}

/// Whether the running service hears of changes, or polls. What a service that has ended could not
/// watch is no news.
fn check_events(store: &Store, config: &Config, report: &mut Report) {
    if ServiceMark::look(&config.state_dir) != ServiceState::Running {
        return;
    }

    if let Ok(Some(reason)) = store.polled() {
        report.note(
            "file events",
            format!("folders are polled: {reason}"),
            "runs are found within half a minute",
        );
    }
}

/// Whether a watched folder can be read with everything in it that the search for projects meets.
fn check_watched_folder(folder: &Path, survey: &Survey, report: &mut Report) {
    let name = format!("watch {}", folder.display());

    // What this account may read tells nothing of the account that the service has.
    if let Some(account) = service::closed_to_service(folder) {
        let command = service::command_to_grant(folder, account);
        return report.wrong(
            name,
            format!("`{account}`, the account of the service, has no right to read it"),
            format!("this gives it: `{command}`"),
        );
    }

    let mut is_all_seen = true;
    for problem in survey.problems.iter() {
        if problem.root() == Some(folder) {
            is_all_seen = false;
            report_unseen(problem, report);
        }
    }
    if !is_all_seen {
        return;
    }

    // Projects may come, so this alone is no fault.
    let has_projects = survey.projects.iter().any(|project| is_in(project, folder));
    match workspace::find_project_root(folder) {
        _ if has_projects => report.fine(name, "can be read"),
        Some(project) => report.note(
            name,
            format!(
                "lies in the project `{}`, which is not found",
                project.display()
            ),
            format!("add `{}` to `watch` in place of it", project.display()),
        ),
        None => report.note(
            name,
            "can be read; no Katalon project lies in it yet",
            "a Katalon project is a folder with a `.prj` file",
        ),
    }
}
