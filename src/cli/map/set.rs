//! `kado map set` and `kado map clear`: ids by hand.

use clap::Args;

use super::changing::{
    AskingArguments, WritingArguments, carry_out, known_ids, warn_of_gaps, wrong_ids,
};
use super::{ProjectArgument, failed, refused};
use crate::cli::terminal::Screen;
use crate::config::Config;
use crate::exit::Exit;
use crate::mapping::{AdoCases, CaseChange, CaseIndex, EnteredIds, MappedProject, Wish, prepared};

/// Arguments of `kado map set`.
#[derive(Debug, Args)]
pub(super) struct SetArguments {
    /// The test case, such as "Test Cases/Login"; `Test Cases/` and `.tc` may be left out
    test_case: String,
    /// Ids of test case work items, separated by commas, or variables as ${name}
    #[arg(required = true)]
    ids: Vec<String>,
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    asking: AskingArguments,
    #[command(flatten)]
    writing: WritingArguments,
}

/// Arguments of `kado map clear`.
#[derive(Debug, Args)]
pub(super) struct ClearArguments {
    /// The test cases, such as "Test Cases/Login"; `Test Cases/` and `.tc` may be left out
    #[arg(required = true)]
    test_cases: Vec<String>,
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    writing: WritingArguments,
}

/// Gives a test case its ids.
pub(super) fn set(
    arguments: &SetArguments,
    config: &Config,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let ids = match EnteredIds::parse(&arguments.ids.join(",")) {
        Ok(ids) => ids,
        Err(error) => return Ok(failed(&error.to_string(), Exit::Usage)),
    };
    let project = match arguments.project.read(config) {
        Ok(project) => project,
        Err(error) => return Ok(refused(&error)),
    };

    let wanted = [arguments.test_case.clone()];
    let changes = match changes(&project, &wanted, &Wish::Ids(ids.clone())) {
        Ok(changes) => changes,
        Err(exit) => return Ok(exit),
    };
    let Some(change) = changes.first() else {
        out.sentence(
            0,
            "The test case has these ids already; nothing was written.",
        )?;
        return Ok(Exit::Done);
    };

    let known = known_ids(&project, config, &ids.numbers(), &arguments.asking)?;
    if let Some(cases) = &known {
        let wrong = wrong_ids(cases, &ids.numbers());
        if !wrong.is_empty() && !arguments.writing.force {
            let reason = format!(
                "{}; nothing was written; `--force` writes it all the same",
                wrong.join("; ")
            );
            return Ok(failed(&reason, Exit::NotDone));
        }
        tell_titles(cases, &ids, out)?;
    }
    warn_of_gaps(&project, &change.test_case, &ids, known.as_ref());

    carry_out(&project, &changes, &arguments.writing, |line| {
        Ok(out.sentence(4, line)?)
    })
}

fn tell_titles(cases: &AdoCases, ids: &EnteredIds, out: &mut Screen<'_>) -> std::io::Result<()> {
    for id in ids.numbers() {
        if let Some(case) = cases.cases.get(&id)
            && !case.title.is_empty()
        {
            out.sentence(0, &format!("{id} is `{}` ({})", case.title, case.state))?;
        }
    }
    Ok(())
}

/// Takes the ids away from test cases.
pub(super) fn clear(
    arguments: &ClearArguments,
    config: &Config,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let project = match arguments.project.read(config) {
        Ok(project) => project,
        Err(error) => return Ok(refused(&error)),
    };
    let changes = match changes(&project, &arguments.test_cases, &Wish::Nothing) {
        Ok(changes) => changes,
        Err(exit) => return Ok(exit),
    };

    if changes.is_empty() {
        out.sentence(0, "There are no ids to take away; nothing was written.")?;
        return Ok(Exit::Done);
    }
    carry_out(&project, &changes, &arguments.writing, |line| {
        Ok(out.sentence(4, line)?)
    })
}

/// Prepares the same change of several test cases; the first that cannot be made ends the command.
fn changes(
    project: &MappedProject,
    names: &[String],
    wish: &Wish,
) -> Result<Vec<CaseChange>, Exit> {
    let index = CaseIndex::new(&project.katalon.test_cases);
    let mut changes: Vec<CaseChange> = Vec::new();
    for name in names {
        let case = index
            .find(name)
            .map_err(|error| failed(&error.to_string(), Exit::NotDone))?;
        if changes.iter().any(|change| change.test_case == case.id) {
            continue;
        }

        match prepared(project, &case.id, wish) {
            Ok(change) => changes.extend(change),
            Err(error) => {
                let reason = format!("{error}; nothing was written");
                return Err(failed(&reason, Exit::NotDone));
            }
        }
    }
    Ok(changes)
}
