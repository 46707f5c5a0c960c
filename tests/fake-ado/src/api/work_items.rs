//! Work items: the batch read that verifies test case ids, single items, their types.

use serde_json::{Map, Value, json};

use super::Call;
use crate::answer::{Answer, Outcome, bad, error, list, ok};
use crate::model::WorkItem;

const STATUS: &str = "Microsoft.VSTS.TCM.AutomationStatus";

impl WorkItem {
    /// Whether an automated test is associated.
    pub(crate) fn is_automated(&self) -> bool {
        self.fields.get(STATUS).and_then(Value::as_str) == Some("Automated")
    }

    /// All fields by reference name.
    fn all_fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("System.Id".into(), self.id.into());
        fields.insert("System.Rev".into(), self.rev.into());
        fields.insert("System.WorkItemType".into(), self.kind.clone().into());
        fields.insert("System.Title".into(), self.title.clone().into());
        fields.insert("System.State".into(), "Design".into());
        fields.insert("System.TeamProject".into(), self.project.clone().into());
        if self.kind == "Test Case" {
            fields.insert(STATUS.into(), "Not Automated".into());
        }

        fields.extend(self.fields.clone());

        fields
    }
}

fn item_json(base: &str, item: &WorkItem, fields: Option<&Vec<String>>) -> Value {
    let mut all = item.all_fields();
    if let Some(wanted) = fields {
        all.retain(|name, _| wanted.iter().any(|field| field.eq_ignore_ascii_case(name)));
    }

    json!({"id": item.id, "rev": item.rev, "fields": all, "url": format!("{base}/_apis/wit/workItems/{}", item.id)})
}

fn no_item(id: u32) -> Answer {
    let kind = "Microsoft.TeamFoundation.WorkItemTracking.Server.WorkItemUnauthorizedAccessException, Microsoft.TeamFoundation.WorkItemTracking.Server";
    error(
        404,
        kind,
        &format!(
            "TF401232: Work item {id} does not exist, or you do not have permissions to read it."
        ),
    )
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array().map(|items| {
        items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    })
}

pub(super) fn batch(call: &Call<'_>) -> Outcome {
    let body = &call.body.value;
    let ids: Vec<u32> = body["ids"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(crate::query::id_of)
        .collect();

    if ids.is_empty() || ids.len() > 200 {
        let kind = "Microsoft.VisualStudio.Services.Common.VssPropertyValidationException, Microsoft.VisualStudio.Services.Common";
        return Err(error(
            400,
            kind,
            "VS403474: You can request a maximum of 200 work items at a time.",
        ));
    }

    let omit = body["errorPolicy"]
        .as_str()
        .is_some_and(|policy| policy.eq_ignore_ascii_case("omit"));
    let fields = texts(&body["fields"]);
    let mut values = Vec::new();

    for id in ids {
        match call.world.find_work_item(id) {
            Some(item) => values.push(item_json(call.base, item, fields.as_ref())),
            None if !omit => return Err(no_item(id)),
            None if call.world.settings.omit_leaves_out => {}
            None => values.push(Value::Null),
        }
    }

    Ok(list(values))
}

/// A query in WIQL: the one for the test cases of the project; other ones are refused.
pub(super) fn query(call: &Call<'_>) -> Outcome {
    let query = call.body.value["query"].as_str().unwrap_or_default();
    let is_known = query.contains("[System.TeamProject] = @project")
        && query.contains("[System.WorkItemType] IN GROUP 'Microsoft.TestCaseCategory'");
    if !is_known {
        return Err(bad("The fake knows no such query."));
    }

    let top = call.query.number("$top")?.unwrap_or(usize::MAX);
    let project = &call.project().name;
    let types = &call.world.settings.test_case_types;
    let mut found: Vec<&WorkItem> = call
        .world
        .work_items
        .iter()
        .filter(|item| item.project == *project && types.contains(&item.kind))
        .collect();
    found.sort_by_key(|item| item.id);

    let items: Vec<Value> = found
        .into_iter()
        .take(top)
        .map(|item| {
            json!({"id": item.id,
                "url": format!("{}/_apis/wit/workItems/{}", call.base, item.id)})
        })
        .collect();
    let column = json!({"referenceName": "System.Id", "name": "ID",
        "url": format!("{}/_apis/wit/fields/System.Id", call.base)});
    Ok(ok(
        &json!({"queryType": "flat", "queryResultType": "workItem",
        "asOf": "2026-05-06T08:00:00Z", "columns": [column], "workItems": items}),
    ))
}

pub(super) fn get(call: &Call<'_>, id: u32) -> Outcome {
    let item = call.world.find_work_item(id).ok_or_else(|| no_item(id))?;
    let fields = call.query.get("fields").map(|names| {
        names
            .split(',')
            .map(|name| name.trim().to_owned())
            .collect()
    });
    Ok(ok(&item_json(call.base, item, fields.as_ref())))
}

/// JSON Patch on `/fields/…`, with `test` on `/rev`.
pub(super) fn patch(call: &mut Call<'_>, id: u32) -> Outcome {
    let content_type = call
        .headers
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !content_type.starts_with("application/json-patch+json") {
        return Err(error(
            415,
            "VssRequestContentTypeNotSupportedException",
            "The request indicated a Content-Type other than application/json-patch+json.",
        ));
    }

    let rival = call.world.settings.rival_edits > 0;
    call.world.settings.rival_edits = call.world.settings.rival_edits.saturating_sub(1);
    let item = call.world.work_item_mut(id).ok_or_else(|| no_item(id))?;

    if rival {
        item.rev += 1;
        item.fields.insert(
            "System.Tags".into(),
            format!("revision {}", item.rev).into(),
        );
    }

    let operations =
        call.body.value.as_array().ok_or_else(|| {
            bad("You must pass a valid patch document in the body of the request.")
        })?;
    let mut changed = item.clone();
    for operation in operations {
        apply(&mut changed, operation)?;
    }

    changed.rev += 1;
    *item = changed.clone();

    Ok(ok(&item_json(call.base, &changed, None)))
}

fn apply(item: &mut WorkItem, operation: &Value) -> Result<(), Answer> {
    let path = operation["path"].as_str().unwrap_or_default();
    let field = path.strip_prefix("/fields/").map(str::to_owned);

    match (operation["op"].as_str().unwrap_or_default(), field) {
        ("test", None) if path == "/rev" && operation["value"] == json!(item.rev) => Ok(()),
        ("test", None) if path == "/rev" => Err(error(
            412,
            "VssPropertyValidationException",
            "VS403351: Test Operation for path /rev failed.",
        )),
        ("test", Some(field))
            if item.all_fields().get(&field).unwrap_or(&Value::Null) == &operation["value"] =>
        {
            Ok(())
        }
        ("test", Some(_)) => Err(error(
            412,
            "VssPropertyValidationException",
            "VS403351: Test Operation failed.",
        )),
        ("add" | "replace", Some(field)) if field == "System.Title" => {
            item.title = operation["value"].as_str().unwrap_or_default().to_owned();
            Ok(())
        }
        ("add" | "replace", Some(field)) => {
            item.fields.insert(field, operation["value"].clone());
            Ok(())
        }
        ("remove", Some(field)) => {
            item.fields.remove(&field);
            Ok(())
        }
        _ => Err(bad(&format!(
            "The patch operation on '{path}' is not supported."
        ))),
    }
}

pub(super) fn category(call: &Call<'_>, name: &str) -> Outcome {
    let types: &[String] = match name.to_lowercase().as_str() {
        "microsoft.testcasecategory" => &call.world.settings.test_case_types,
        "microsoft.bugcategory" => &["Bug".to_owned()],
        _ => {
            return Err(error(
                404,
                "WorkItemTypeCategoryNotFoundException",
                &format!("TF401347: Work item type category '{name}' does not exist."),
            ));
        }
    };

    let url = |kind: &str| format!("{}/wit/workItemTypes/{kind}", call.apis());
    let references: Vec<Value> = types
        .iter()
        .map(|kind| json!({"name": kind, "url": url(kind)}))
        .collect();

    Ok(ok(
        &json!({"name": "Test Case Category", "referenceName": name,
        "defaultWorkItemType": references.first(), "workItemTypes": references}),
    ))
}
