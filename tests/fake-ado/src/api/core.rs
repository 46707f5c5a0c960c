//! Who is calling, and which projects there are.

use serde_json::{Value, json};

use super::Call;
use crate::answer::{Outcome, no_project, ok, page};
use crate::model::Project;

/// The id of the one user of every world.
pub(super) const USER: &str = "22157d54-1821-6536-a446-928b06348385";

/// The user as other answers refer to it.
pub(super) fn identity() -> Value {
    json!({"displayName": "Fake User", "id": USER, "uniqueName": "fake.user@example.com"})
}

pub(super) fn connection_data(call: &Call<'_>) -> Outcome {
    let user = json!({"id": USER, "descriptor": "aad.RkFLRQ", "subjectDescriptor": "aad.RkFLRQ",
        "providerDisplayName": "Fake User", "customDisplayName": "Fake User", "isActive": true,
        "properties": {"Account": {"$type": "System.String", "$value": "fake.user@example.com"}},
        "resourceVersion": 2, "metaTypeId": 0});
    Ok(ok(
        &json!({"authenticatedUser": user, "authorizedUser": user,
        "instanceId": "2ad38d1e-3eaf-4769-931c-3a2da67bbb01",
        "deploymentId": "ed30ce5c-9d0a-f73c-3580-4315c7f84d83",
        "deploymentType": call.world.settings.deployment_type,
        "locationServiceData": {"serviceOwner": "00025394-6065-48ca-87d9-7f5672854ef7",
            "defaultAccessMappingMoniker": "PublicAccessMapping",
            "lastChangeId": 424_239_147, "lastChangeId64": 424_239_147}}),
    ))
}

fn project_json(base: &str, project: &Project) -> Value {
    json!({"id": project.id, "name": project.name, "url": format!("{base}/_apis/projects/{}", project.id),
        "state": "wellFormed", "revision": 11, "visibility": "private",
        "lastUpdateTime": "2026-01-02T08:00:00.27Z"})
}

pub(super) fn projects(call: &Call<'_>) -> Outcome {
    let (skip, top) = call.window(100, 10_000)?;
    let from = call.query.number("continuationToken")?.unwrap_or(skip);
    let all = call
        .world
        .projects
        .iter()
        .map(|project| project_json(call.base, project))
        .collect();

    Ok(page(all, from, top, |next| next.to_string()))
}

pub(super) fn project(call: &Call<'_>, key: &str) -> Outcome {
    let project = call
        .world
        .find_project(key)
        .ok_or_else(|| no_project(key))?;
    let mut answer = project_json(call.base, project);
    answer["defaultTeam"] = json!({"id": "24a24c07-d755-4b33-bfaf-4b16ecf0fd85", "name": format!("{} Team", project.name)});
    answer["_links"] = json!({"self": {"href": answer["url"]}, "web": {"href": format!("{}/{}", call.base, project.name)}});
    if call.query.flag("includeCapabilities") == Some(true) {
        answer["capabilities"] = json!({"processTemplate": {"templateName": "Agile"}, "versioncontrol": {"sourceControlType": "Git"}});
    }

    Ok(ok(&answer))
}
