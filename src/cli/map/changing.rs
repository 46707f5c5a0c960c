//! What `set`, `clear`, `suggest --apply` and `import` share: the options of writing, asking ADO
//! whether it has the ids, and the report of the files that changed.

use clap::Args;

use super::{ask, failed, warn};
use crate::cli::plain::plain;
use crate::config::Config;
use crate::exit::Exit;
use crate::mapping::{
    AdoCases, CaseChange, CaseScope, EnteredIds, MappedProject, applied, is_katalon_at_work,
};
use crate::plural::counted;

/// Options of a command that writes.
#[derive(Debug, Args)]
pub(super) struct WritingArguments {
    /// Show what would be written, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Write also ids that Azure DevOps does not have, and while Katalon works on the project
    #[arg(long)]
    pub(super) force: bool,
}

/// Whether ADO is asked for ids before they are written.
#[derive(Debug, Args)]
pub(super) struct AskingArguments {
    /// Do not ask Azure DevOps whether it has the ids
    #[arg(long)]
    pub(super) offline: bool,
}

/// Asks ADO for ids; `None` where nobody could be asked, which is said and keeps nothing from being
/// written.
pub(super) fn known_ids(
    project: &MappedProject,
    config: &Config,
    ids: &[u32],
    asking: &AskingArguments,
) -> anyhow::Result<Option<AdoCases>> {
    if asking.offline || ids.is_empty() {
        return Ok(None);
    }

    match ask(project, config, ids, CaseScope::Plans)? {
        Ok(cases) => Ok(Some(cases)),
        Err(error) => {
            warn(&format!(
                "Azure DevOps was not asked whether it has these ids: {error}"
            ));
            Ok(None)
        }
    }
}

/// What is wrong with ids that ADO was asked for, each in a sentence.
pub(super) fn wrong_ids(cases: &AdoCases, ids: &[u32]) -> Vec<String> {
    let mut wrong = Vec::new();
    for id in ids {
        let reason = cases
            .cases
            .get(id)
            .and_then(|case| case.no_test_case.as_ref());
        if let Some(reason) = reason {
            wrong.push(format!("work item {id} {reason}"));
        }
    }
    wrong
}

/// Warns of what is written and will give no result.
pub(super) fn warn_of_gaps(
    project: &MappedProject,
    test_case: &str,
    ids: &EnteredIds,
    cases: Option<&AdoCases>,
) {
    let case = project
        .katalon
        .test_cases
        .iter()
        .find(|case| case.id == test_case);
    for name in ids.variables() {
        if case.is_some_and(|case| !case.variables.contains_key(name)) {
            warn(&format!(
                "`{test_case}` has no variable `{name}`; add it, or no run gives an id for it"
            ));
        }
    }

    let Some(cases) = cases.filter(|cases| !cases.plans.is_empty()) else {
        return;
    };
    for id in ids.numbers() {
        let has_none = cases
            .cases
            .get(&id)
            .is_some_and(|case| case.no_test_case.is_none() && case.points.is_empty());
        if has_none {
            warn(&format!(
                "test case {id} has no test point in {}, so nothing is submitted for it; add it to \
                 a suite of the plan",
                cases.plans_in_words()
            ));
        }
    }
}

/// Makes changes, or shows them; `say` gets each line of the report.
pub(super) fn carry_out(
    project: &MappedProject,
    changes: &[CaseChange],
    writing: &WritingArguments,
    mut say: impl FnMut(&str) -> anyhow::Result<()>,
) -> anyhow::Result<Exit> {
    if writing.dry_run {
        for change in changes {
            say(&format!("would change {}", in_words(change)))?;
        }
        say(&format!(
            "{} would change; nothing was written",
            counted(changes.len(), "file")
        ))?;
        return Ok(Exit::Done);
    }

    if !changes.is_empty() && !writing.force && is_katalon_at_work(&project.katalon.root) {
        let reason = "Katalon works on this project, as a running command says: it could overwrite \
                      what is written now. Nothing was written; wait until it has ended, or write \
                      all the same with `--force`";
        return Ok(failed(reason, Exit::NotDone));
    }

    let failures = applied(changes);
    for change in changes {
        if failures
            .iter()
            .all(|(failed, _)| *failed != change.test_case)
        {
            say(&format!("changed {}", in_words(change)))?;
        }
    }
    say(&format!(
        "{} changed",
        counted(changes.len() - failures.len(), "file")
    ))?;

    let mut exit = Exit::Done;
    for error in failures.values() {
        exit = failed(&error.to_string(), Exit::NotDone);
    }
    Ok(exit)
}

fn in_words(change: &CaseChange) -> String {
    let before = change.before.as_deref().map_or("none", str::trim);
    let after = change.after.as_deref().unwrap_or("none");
    format!(
        "`{}.tc`: {} → {}",
        plain(&change.test_case),
        plain(before),
        plain(after)
    )
}
