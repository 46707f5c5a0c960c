//! "Verify" for the build and release definitions whose latest build and release a run is linked
//! with.

use crate::ado::listing::DefinitionKind;
use crate::ado::{AdoClient, AdoError};
use crate::check::report::{CORRECT_SETTINGS, Report};

/// Verifies one definition; of a release, the `stage` that is named has to be there.
///
/// A link that cannot be made costs the link and never the run, so a token without the scope does
/// not end the command as one that was refused.
pub(super) async fn check_definition(
    client: &AdoClient,
    project: &str,
    kind: DefinitionKind,
    id: u32,
    stage: Option<&str>,
    report: &mut Report,
) {
    let word = match kind {
        DefinitionKind::Build => "build",
        DefinitionKind::Release => "release",
    };
    let title = format!("{word} definition {id}");

    // A refusal is remembered for the token, but scopes differ: the one before and this one must
    // not answer for each other.
    client.forget_refusal();
    let answer = client.definition(project, kind, id).await;
    client.forget_refusal();

    match answer {
        Ok(definition) => {
            let stages: Vec<String> = definition
                .environments
                .unwrap_or_default()
                .into_iter()
                .map(|environment| environment.name)
                .collect();
            check_stage(title, definition.name, &stages, stage, report);
        }

        Err(AdoError::CredentialsRefused { refusal, .. }) => {
            let scope = match kind {
                DefinitionKind::Build => "Build (read)",
                DefinitionKind::Release => "Release (read)",
            };

            // Not as a refused token: results are submitted without this scope.
            report.wrong(
                title,
                format!("the token may not read it ({refusal})"),
                format!("give the token the scope {scope}; without it runs are not linked"),
            );
        }
        Err(AdoError::Gone { message, .. }) => {
            let detail = format!("project {project} has no such {word} definition ({message})");
            report.wrong(title, detail, CORRECT_SETTINGS);
        }

        Err(error) => report.ado_failed(&title, &error),
    }
}

fn check_stage(
    title: String,
    definition: String,
    stages: &[String],
    wanted: Option<&str>,
    report: &mut Report,
) {
    let Some(wanted) = wanted else {
        return report.fine(title, definition);
    };

    // A definition whose answer names no stages says nothing about the one that is wanted.
    if stages.is_empty()
        || stages
            .iter()
            .any(|stage| stage.eq_ignore_ascii_case(wanted))
    {
        return report.fine(title, definition);
    }

    report.wrong(
        title,
        format!("{definition} has no stage `{wanted}`"),
        format!(
            "it has {}; correct `submit.release_stage`",
            stages.join(", ")
        ),
    );
}
