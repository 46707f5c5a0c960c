//! "Verify" for the build and release definitions whose latest build and release a run is linked
//! with.

use crate::ado::listing::DefinitionKind;
use crate::ado::{AdoClient, AdoError};
use crate::check::report::{CORRECT_SETTINGS, Report};

/// Verifies one definition. A link that cannot be made costs the link and never the run, so its
/// scope is a note. Of a release the `stage` that is named has to be there.
pub(super) async fn check_definition(
    client: &AdoClient,
    project: &str,
    kind: DefinitionKind,
    id: u32,
    stage: Option<&str>,
    report: &mut Report,
) {
    let (word, scope) = match kind {
        DefinitionKind::Build => ("build", "Build (read)"),
        DefinitionKind::Release => ("release", "Release (read)"),
    };
    let title = format!("{word} definition {id}");
    client.forget_refusal();
    match client.definition(project, kind, id).await {
        Ok(found) => {
            let stages = found.environments.unwrap_or_default();
            let is_there = |stage: &str| {
                stages
                    .iter()
                    .any(|known| known.name.eq_ignore_ascii_case(stage))
            };
            match stage.filter(|stage| !stages.is_empty() && !is_there(stage)) {
                None => report.fine(title, found.name),
                Some(stage) => {
                    let names: Vec<_> = stages.iter().map(|stage| stage.name.as_str()).collect();
                    let hint = format!(
                        "it has {}; correct `submit.release_stage`",
                        names.join(", ")
                    );
                    report.wrong(
                        title,
                        format!("{} has no stage `{stage}`", found.name),
                        hint,
                    );
                }
            }
        }
        Err(AdoError::CredentialsRefused { refusal, .. }) => {
            let detail = format!("the token may not read it ({refusal})");
            report.wrong(
                title,
                detail,
                format!("give the token the scope {scope}; without it runs are not linked"),
            );
        }
        Err(AdoError::Gone { message, .. }) => {
            let detail = format!("project {project} has no such {word} definition ({message})");
            report.wrong(title, detail, CORRECT_SETTINGS);
        }
        Err(error) => report.ado_failed(&title, &error),
    }
    client.forget_refusal();
}
