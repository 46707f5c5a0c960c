//! Builds and classic releases, to link runs with.

use serde_json::{Value, json};

use super::Call;
use crate::answer::{Outcome, error, list, ok};
use crate::model::{Build, Definition, Release};

fn build_json(call: &Call<'_>, build: &Build) -> Value {
    let web = format!(
        "{}/{}/_build/results?buildId={}",
        call.base,
        call.project().name,
        build.id
    );
    let mut answer = json!({"id": build.id, "buildNumber": build.number, "status": build.status,
        "uri": format!("vstfs:///Build/Build/{}", build.id), "sourceBranch": "refs/heads/main",
        "url": format!("{}/build/Builds/{}", call.apis(), build.id),
        "definition": {"id": build.definition, "name": format!("Definition {}", build.definition)},
        "project": {"id": call.project().id, "name": call.project().name}, "_links": {"web": {"href": web}}});
    if let Some(result) = &build.result {
        answer["result"] = json!(result);
    }

    if let Some(finished) = build.finished {
        answer["finishTime"] = json!(finished);
    }

    answer
}

/// Whether a comma-separated filter lets a word pass.
fn passes(filter: Option<&str>, word: &str) -> bool {
    filter.is_none_or(|filter| {
        filter
            .split(',')
            .any(|part| part.trim().eq_ignore_ascii_case(word) || part.eq_ignore_ascii_case("all"))
    })
}

pub(super) fn builds(call: &Call<'_>) -> Outcome {
    let definitions = call.query.ids("definitions")?;
    let (_, top) = call.query.window(1000, 5000)?;
    let mut wanted: Vec<&Build> = call.project().builds.iter().collect();
    wanted.retain(|build| {
        definitions
            .as_ref()
            .is_none_or(|ids| ids.contains(&build.definition))
            && passes(call.query.get("statusFilter"), &build.status)
            && passes(
                call.query.get("resultFilter"),
                build.result.as_deref().unwrap_or("none"),
            )
    });
    let ascending = call
        .query
        .get("queryOrder")
        .is_some_and(|order| order.to_lowercase().ends_with("ascending"));
    wanted.sort_by_key(|build| (build.finished, build.id));
    if !ascending {
        wanted.reverse();
    }

    Ok(list(
        wanted
            .into_iter()
            .take(top)
            .map(|build| build_json(call, build))
            .collect(),
    ))
}

pub(super) fn build(call: &Call<'_>, id: u32) -> Outcome {
    let build = call.project().builds.iter().find(|build| build.id == id);
    let missing = || {
        error(
            404,
            "Microsoft.TeamFoundation.Build.WebApi.BuildNotFoundException, Microsoft.TeamFoundation.Build2.WebApi",
            &format!("The requested build {id} could not be found."),
        )
    };

    Ok(ok(&build_json(call, build.ok_or_else(missing)?)))
}

/// How much of the stages an answer tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stages {
    None,
    Names,
    All,
}

fn release_json(call: &Call<'_>, release: &Release, stages: Stages) -> Value {
    let web = format!(
        "{}/{}/_releaseProgress?releaseId={}",
        call.base,
        call.project().name,
        release.id
    );
    let mut answer = json!({"id": release.id, "name": release.name, "status": release.status,
        "createdOn": "2026-01-02T09:00:00Z", "_links": {"web": {"href": web}},
        "releaseDefinition": {"id": release.definition, "name": format!("Release definition {}", release.definition)}});

    if stages != Stages::None {
        let environments = release.stages.iter().map(|stage| {
            let mut answer = json!({"id": stage.id, "name": stage.name, "status": stage.status, "releaseId": release.id,
                "definitionEnvironmentId": 1000 + stage.id});
            if let Some(started) = stage.started.filter(|_| stages == Stages::All) {
                answer["deploySteps"] =
                    json!([{"id": stage.id, "attempt": 1, "status": stage.status, "queuedOn": started}]);
                answer["createdOn"] = json!(started);
            }
            answer
        });
        answer["environments"] = environments.collect();
    }

    answer
}

pub(super) fn releases(call: &Call<'_>) -> Outcome {
    let definition = call.query.number("definitionId")?;
    let (_, top) = call.query.window(50, 100)?;
    let expanded = call
        .query
        .get("$expand")
        .is_some_and(|expand| expand.to_lowercase().contains("environments"));
    let stages = match (expanded, call.world.settings.release_list_without_steps) {
        (false, _) => Stages::None,
        (true, true) => Stages::Names,
        (true, false) => Stages::All,
    };
    let mut wanted: Vec<&Release> = call.project().releases.iter().collect();
    wanted.retain(|release| {
        definition.is_none_or(|id| release.definition as usize == id)
            && passes(call.query.get("statusFilter"), &release.status)
    });
    wanted.sort_by_key(|release| release.id);

    if !call
        .query
        .get("queryOrder")
        .is_some_and(|order| order.eq_ignore_ascii_case("ascending"))
    {
        wanted.reverse();
    }

    Ok(list(
        wanted
            .into_iter()
            .take(top)
            .map(|release| release_json(call, release, stages))
            .collect(),
    ))
}

pub(super) fn release(call: &Call<'_>, id: u32) -> Outcome {
    let release = call
        .project()
        .releases
        .iter()
        .find(|release| release.id == id);
    let missing = || {
        error(
            404,
            "Microsoft.VisualStudio.Services.ReleaseManagement.Data.Exceptions.ReleaseNotFoundException, Microsoft.VisualStudio.Services.ReleaseManagement2.Data",
            &format!("VS402881: No release found with ID {id}."),
        )
    };

    Ok(ok(&release_json(
        call,
        release.ok_or_else(missing)?,
        Stages::All,
    )))
}

fn definition_json(call: &Call<'_>, area: &str, definition: &Definition) -> Value {
    json!({"id": definition.id, "name": definition.name, "path": "\\", "revision": 1,
        "url": format!("{}/{area}/Definitions/{}", call.apis(), definition.id)})
}

pub(super) fn build_definition(call: &Call<'_>, id: u32) -> Outcome {
    let project = call.project();
    let named = project
        .build_definitions
        .iter()
        .find(|known| known.id == id)
        .cloned();
    let of_build = project.builds.iter().any(|build| build.definition == id);
    let found = named.or_else(|| {
        of_build.then(|| Definition {
            id,
            name: format!("Definition {id}"),
        })
    });
    let missing = || {
        error(
            404,
            "Microsoft.TeamFoundation.Build.WebApi.DefinitionNotFoundException, Microsoft.TeamFoundation.Build2.WebApi",
            &format!("The build definition {id} could not be found."),
        )
    };

    Ok(ok(&definition_json(
        call,
        "build",
        &found.ok_or_else(missing)?,
    )))
}

pub(super) fn release_definition(call: &Call<'_>, id: u32) -> Outcome {
    let project = call.project();
    let named = project
        .release_definitions
        .iter()
        .find(|known| known.id == id)
        .cloned();
    let of_release = project
        .releases
        .iter()
        .any(|release| release.definition == id);
    let found = named.or_else(|| {
        of_release.then(|| Definition {
            id,
            name: format!("Release definition {id}"),
        })
    });
    let missing = || {
        error(
            404,
            "Microsoft.VisualStudio.Services.ReleaseManagement.Data.Exceptions.ReleaseDefinitionNotFoundException, Microsoft.VisualStudio.Services.ReleaseManagement2.Data",
            &format!(
                "VS402880: Release definition with ID {id} does not exist. Specify a valid ID and try again."
            ),
        )
    };

    let mut answer = definition_json(call, "release", &found.ok_or_else(missing)?);
    let mut releases = project
        .releases
        .iter()
        .filter(|release| release.definition == id);
    let stages = releases
        .next_back()
        .map(|release| release.stages.as_slice())
        .unwrap_or_default();
    answer["environments"] = stages
        .iter()
        .map(|stage| json!({"id": 1000 + stage.id, "name": stage.name}))
        .collect();

    Ok(ok(&answer))
}
