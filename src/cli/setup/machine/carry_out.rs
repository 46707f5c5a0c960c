//! Writes what was chosen, and says each thing once it is done: where a later one fails, it is
//! known what is there. `kado.toml` and the token belong together; either both are written or none.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::cli::check;
use crate::cli::service::print_summary;
use crate::cli::setup::Writing;
use crate::cli::setup::machine::answers::{
    Answers, NewCredential, ServiceChoice, TokenPlace, usage,
};
use crate::cli::tell::tell;
use crate::cli::terminal::Screen;
use crate::config::paths::{self, Scope};
use crate::exit::Exit;
use crate::file_names::same;
use crate::service::{self, Installation};
use crate::setup::difference::difference;
use crate::setup::machine::{TestedCredential, write_config, write_token};
use crate::shell_word::shell_word;
use crate::{watch, workspace};

/// What the server says of a credential, a line each.
pub(super) fn tell_tested(tested: &TestedCredential) -> Vec<String> {
    let mut lines = vec![format!("the server knows it as that of {}", tested.who)];
    for lack in &tested.lacking {
        lines.push(format!("it lacks the scope {}: {}", lack.scope, lack.costs));
    }
    lines.extend(tested.remarks.iter().cloned());
    lines
}

/// What would change, for people.
pub(super) fn difference_of(answers: &Answers) -> anyhow::Result<String> {
    let before = answers.file.text.as_deref().unwrap_or_default();
    let after = answers.new_text().map_err(usage)?;
    // What makes no sense is said before anybody agrees to it.
    answers
        .new_config(&after)
        .map_err(|error| answers.refusal_of(error))?;

    let mut text = difference(&answers.file.path, before, &after);
    if text.is_empty() {
        text = format!("`{}` stays as it is\n", answers.file.path.display());
    }
    if let Some(NewCredential::Token(_)) = answers.credential {
        text.push_str(&format!("the token goes into {}\n", place_of(answers)));
    }
    if answers.service == Some(ServiceChoice::Install) {
        text.push_str("the service is installed and started\n");
    }
    Ok(text)
}

fn place_of(answers: &Answers) -> String {
    match answers.token_place() {
        TokenPlace::Store(scope) => match paths::places(scope) {
            Some(places) => format!("`{}`", places.token.display()),
            None => "the store of `kado service set-token`".to_owned(),
        },
        TokenPlace::File(file) => format!("`{}`", file.display()),
    }
}

/// Does what was chosen, or shows it.
pub(super) fn carry_out(
    answers: &Answers,
    writing: Writing,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    if writing == Writing::Dry {
        write!(out, "{}", difference_of(answers)?)?;
        return Ok(Exit::Done);
    }

    let after = answers.new_text().map_err(usage)?;
    answers
        .new_config(&after)
        .map_err(|error| answers.refusal_of(error))?;
    let pause = pause_service(answers, out)?;
    let written = write_both(answers, &after, out);
    // Also where nothing was written: it ran before.
    if let Pause::Stopped = pause {
        print_summary(&service::start(answers.scope, named(answers))?, out)?;
    }
    written?;

    if answers.service == Some(ServiceChoice::Install) {
        let installation = Installation::of_this_program(answers.scope, named(answers))?;
        let summary = service::install(&installation)
            .context("the configuration is written, and the service is not installed")?;
        print_summary(&summary, out)?;
    }
    finish(answers, out)
}

/// Whether a running service was stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pause {
    Stopped,
    Not,
}

/// Stops the service where the server becomes another one: between the new token and the new server
/// it would send one of them to the wrong place (invariant I10).
fn pause_service(answers: &Answers, out: &mut Screen<'_>) -> anyhow::Result<Pause> {
    let is_pair_torn = answers.is_other_server() && answers.has_credential();
    let is_running = service::status(answers.scope).is_ok_and(|status| status.running);
    let is_its = paths::scope_of(&answers.file.path) == Some(answers.scope);
    if !(is_pair_torn && is_running && is_its) {
        return Ok(Pause::Not);
    }

    print_summary(&service::stop(answers.scope)?, out)?;
    Ok(Pause::Stopped)
}

/// Writes `kado.toml` and the token.
fn write_both(answers: &Answers, after: &str, out: &mut Screen<'_>) -> anyhow::Result<()> {
    let file = &answers.file.path;
    let is_changed = answers.file.text.as_deref() != Some(after);
    let before = if is_changed {
        Some(write_config(
            file,
            answers.file.text.as_deref(),
            after,
            paths::scope_of(file),
        )?)
    } else {
        None
    };

    let mut done = Vec::new();
    if let Some(NewCredential::Token(token)) = &answers.credential {
        let kept = match answers.token_place() {
            TokenPlace::Store(scope) => service::store_token(scope, None, token)
                .map(|summary| summary.done)
                .map_err(anyhow::Error::from),
            TokenPlace::File(file) => write_token(&file, token)
                .map(|()| vec![format!("wrote `{}`", file.display())])
                .map_err(anyhow::Error::from),
        };
        match kept {
            Ok(lines) => done = lines,
            Err(error) => {
                if let Some(before) = before {
                    before.restore()?;
                }
                return Err(error.context(format!(
                    "the token is not kept, and `{}` is as it was",
                    file.display()
                )));
            }
        }
    }

    if is_changed {
        writeln!(out, "wrote `{}`", file.display())?;
    }
    for line in done {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// `--config` for the service, where its file is none of its own places.
fn named(answers: &Answers) -> Option<&Path> {
    let places = paths::places(answers.scope)?;
    let file = answers.file.path.as_path();
    (!same(&places.config, file)).then_some(file)
}

/// What `kado check` says, and what comes next. What it finds is not what this command failed at.
fn finish(answers: &Answers, out: &mut Screen<'_>) -> anyhow::Result<Exit> {
    let config = paths::load(Some(&answers.file.path))?;
    writeln!(out, "\nkado check:")?;
    check::print_all(&config, out)?;

    writeln!(out, "\nnext:")?;
    let projects = watch::survey(&config.watch).projects;
    let project = match projects.as_slice() {
        [project] => shell_word(project.display()),
        _ => "PROJECT".to_owned(),
    };
    writeln!(
        out,
        "  • `kado setup {project}` says what of a project is submitted, and to which test plan"
    )?;

    for project in &projects {
        if is_switched_off(project) {
            let folder = project.display();
            writeln!(
                out,
                "  • nothing of `{folder}` is submitted, because its integration is switched off; `kado setup \
                 {}` switches it on",
                shell_word(&folder)
            )?;
        }
    }

    let is_installed = service::status(answers.scope).is_ok_and(|status| status.installed);
    if !is_installed {
        let flag = service::flag(answers.scope);
        writeln!(
            out,
            "  • `kado service install{flag}` lets kado start by itself; `kado run` runs it here"
        )?;
    }
    if answers.scope == Scope::System && is_installed {
        tell("`sudo kado check --as-service` looks with the rights of the service");
    }
    Ok(Exit::Done)
}

/// Whether the settings of a project say, whole as they are, that its runs go nowhere.
fn is_switched_off(project: &Path) -> bool {
    workspace::read_azure_settings(project)
        .is_ok_and(|settings| !settings.enabled && settings.damage.is_none())
}
