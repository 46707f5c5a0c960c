//! Whether Azure DevOps has what was chosen. All that it does not have is told at once; nothing is
//! asked that writes.

use std::collections::BTreeSet;

use crate::ado::listing::DefinitionKind;
use crate::ado::wire::TestConfiguration;
use crate::ado::{AdoClient, AdoError};
use crate::clock;
use crate::katalon::settings::{RowChoice, StoredPlan, StoredProject};
use crate::plan::overrides::Definition;
use crate::plan::plan_choice::{KnownPlan, PlanChoice};
use crate::setup::project::{NoSetup, ProjectChoices};

/// Plans or configurations that a message names.
const MOST_NAMED: usize = 10;

/// What Azure DevOps has of the choices.
pub(crate) struct Verified {
    /// The ADO project.
    pub project: StoredProject,
    /// All projects that the token can see, for Katalon's dialog.
    pub projects: Vec<StoredProject>,
    /// The test plans that are meant.
    pub plans: Vec<StoredPlan>,
    /// All test plans of the project, for Katalon's dialog.
    pub all_plans: Vec<StoredPlan>,
    /// What could not be verified, and why that keeps nothing from being written.
    pub remarks: Vec<String>,
}

/// Asks for the project with this name or GUID, and for what was chosen in it; `plans` are those in
/// force.
///
/// # Errors
/// When something is not there, or the server does not answer as it should.
pub(crate) async fn verify(
    client: &AdoClient,
    project: &str,
    plans: &[PlanChoice],
    choices: &ProjectChoices,
) -> Result<Verified, NoSetup> {
    let projects = client.projects().await?.into_iter();
    let project: StoredProject = client.project(project).await?.into();
    let name = &project.name;

    let mut wrong = Vec::new();
    let known = client.known_plans(name).await?;
    let all_plans: Vec<StoredPlan> = known
        .iter()
        .map(|plan| StoredPlan {
            id: plan.id,
            name: plan.name.clone(),
        })
        .collect();
    let chosen = chosen_plans(plans, &known, &all_plans, name, &mut wrong);

    let configurations = wanted_configurations(choices);
    if !configurations.is_empty() {
        let there = client.configurations(name).await?;
        for id in configurations {
            if there.iter().all(|configuration| configuration.id != id) {
                wrong.push(no_configuration(id, name, &there));
            }
        }
    }

    let mut remarks = Vec::new();
    let definitions = [
        (DefinitionKind::Build, choices.build_definition),
        (DefinitionKind::Release, choices.release_definition),
    ];
    for (kind, definition) in definitions {
        if let Some(Definition::Of(id)) = definition {
            match verify_definition(client, name, kind, id).await? {
                DefinitionAnswer::There => {}
                DefinitionAnswer::Missing(what) => wrong.push(what),
                DefinitionAnswer::Closed(what) => remarks.push(what),
            }
        }
    }

    if !wrong.is_empty() {
        return Err(NoSetup::Wrong(wrong));
    }
    Ok(Verified {
        projects: projects.map(StoredProject::from).collect(),
        plans: chosen,
        all_plans,
        remarks,
        project,
    })
}

/// The plans that are meant; what means none is added to `wrong`.
fn chosen_plans(
    plans: &[PlanChoice],
    known: &[KnownPlan],
    there: &[StoredPlan],
    project: &str,
    wrong: &mut Vec<String>,
) -> Vec<StoredPlan> {
    let mut chosen: Vec<StoredPlan> = Vec::new();
    for plan in plans {
        let id = match plan.among(known, project, clock::now()) {
            Ok(id) => id,
            Err(error) => {
                wrong.push(error.to_string());
                continue;
            }
        };

        match there.iter().find(|plan| plan.id == id) {
            Some(plan) if chosen.contains(plan) => {}
            Some(plan) => chosen.push(plan.clone()),
            None => wrong.push(no_plan(id, project, there)),
        }
    }
    chosen
}

fn wanted_configurations(choices: &ProjectChoices) -> BTreeSet<u32> {
    let mut wanted = BTreeSet::new();
    for row in &choices.rows {
        if let RowChoice::Set(row) = row {
            wanted.insert(row.configuration_id);
        }
    }
    wanted
}

fn no_plan(id: u32, project: &str, there: &[StoredPlan]) -> String {
    let named = there
        .iter()
        .map(|plan| format!("{} `{}`", plan.id, plan.name));
    format!(
        "test plan {id} not found in project `{project}`; {}",
        what_there_is(named, there.len(), "plans")
    )
}

fn no_configuration(id: u32, project: &str, there: &[TestConfiguration]) -> String {
    let named = there
        .iter()
        .map(|configuration| format!("{} `{}`", configuration.id, configuration.name));
    format!(
        "test configuration {id} not found in project `{project}`; {}",
        what_there_is(named, there.len(), "configurations")
    )
}

/// The first of the things that could have been meant, or the command that shows all.
fn what_there_is(named: impl Iterator<Item = String>, count: usize, listed: &str) -> String {
    if count == 0 {
        return format!("this token can see none of its test {listed}");
    }
    let named: Vec<String> = named.take(MOST_NAMED).collect();
    let more = if count > named.len() {
        format!(", and more: `kado list {listed}` shows all")
    } else {
        String::new()
    };
    format!("there are {}{more}", named.join(", "))
}

/// What was said of a definition.
pub(crate) enum DefinitionAnswer {
    There,
    Missing(String),
    /// The token may not read it, which costs only the link.
    Closed(String),
}

/// Asks for a definition.
///
/// # Errors
/// When the server does not answer as it should.
pub(crate) async fn verify_definition(
    client: &AdoClient,
    project: &str,
    kind: DefinitionKind,
    id: u32,
) -> Result<DefinitionAnswer, AdoError> {
    let (word, scope) = match kind {
        DefinitionKind::Build => ("build", "Build (read)"),
        DefinitionKind::Release => ("release", "Release (read)"),
    };

    // A refusal is remembered for the token, but scopes differ.
    client.forget_refusal();
    let answer = client.definition(project, kind, id).await;
    client.forget_refusal();

    match answer {
        Ok(_) => Ok(DefinitionAnswer::There),
        Err(AdoError::Gone { message, .. }) => Ok(DefinitionAnswer::Missing(format!(
            "project `{project}` has no {word} definition {id} ({message})"
        ))),
        Err(AdoError::CredentialsRefused { .. }) => Ok(DefinitionAnswer::Closed(format!(
            "the token may not read {word} definition {id}: give it the scope {scope}, or runs are \
             not linked"
        ))),
        Err(error) => Err(error),
    }
}
