//! Every recorded answer of the real service that kado has a type for is read by that type. Skipped
//! without `../shared`.

#![expect(clippy::disallowed_methods, reason = "the recordings are files")]

use std::fs;
use std::path::{Path, PathBuf};

use kado::ado::classify::{Meaning, ServerAnswer, classify, is_own_header, without_mark};
use kado::ado::wire;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::support::skip;

/// All recordings; `None`, and the test is skipped, without any.
fn recordings() -> Option<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/ado/recordings");
    let mut files = Vec::new();
    let mut waiting = vec![folder];

    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                files.push(path);
            }
        }
    }

    files.sort();
    if files.is_empty() {
        skip("there are no recordings");
        return None;
    }
    Some(files)
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<(), String> {
    serde_json::from_value::<T>(value.clone())
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// Reads a body with the type that kado has for the call; `None` where it has none.
fn typed(name: &str, body: &Value) -> Option<Result<(), String>> {
    let get = |part: &str| name.contains(part);
    Some(match name {
        _ if get("ConnectionData") => read::<wire::ConnectionData>(body),
        _ if get("GET_200_apis_projects_") || get("projectValid") => {
            read::<wire::TeamProject>(body)
        }
        _ if get("GET_200_apis_projects.json") => read::<wire::List<wire::TeamProject>>(body),

        _ if get("_200_apis_wit_workitems_") => read::<wire::WorkItem>(body),
        _ if get("_200_apis_wit_workItems_") => read::<wire::WorkItem>(body),
        _ if get("GET_200_apis_wit_workItems.json") => {
            read::<wire::List<Option<wire::WorkItem>>>(body)
        }

        _ if get("createRunValid") || get("completeRunValid") || get("createTestRunResponse") => {
            read::<wire::TestRun>(body)
        }

        _ if get("getTestResultsByQuery") => read::<Vec<wire::AdoResult>>(&body["results"]),
        _ if get("addTestResults") && body.is_array() => read::<Vec<wire::AdoResult>>(body),
        _ if get("ValidResponse") && get("testRunResults") => {
            read::<wire::List<wire::AdoResult>>(body)
        }
        _ if get("testResults_unplanned") => match body {
            Value::Array(items) => items.iter().try_for_each(read::<wire::AdoResult>),
            other => read::<wire::List<wire::AdoResult>>(other),
        },

        _ if get("AttachmentsResponse") => read::<wire::Attachment>(body),
        _ if get("TestPoint_partial") => read::<wire::List<wire::TestPoint>>(body),
        _ => return None,
    })
}

#[test]
fn every_recorded_answer_is_read_by_its_type() {
    let Some(recordings) = recordings() else {
        return;
    };
    let mut counted = 0;
    let mut wrong = Vec::new();

    for file in recordings {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read(&file).unwrap();
        let json: Value = serde_json::from_slice(without_mark(&text)).unwrap();
        let body = body_of(&json);

        match typed(&name, &body) {
            Some(Ok(())) => counted += 1,
            Some(Err(error)) => wrong.push(format!("{name}: {error}")),
            None => {}
        }
    }

    println!("read {counted} recorded answers");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(counted >= 30, "only {counted} recordings have a type");
}

/// The body of an exchange; a recording without request and answer is a body itself.
fn body_of(json: &Value) -> Value {
    let answer = &json["response"];
    if answer.is_null() {
        return json.clone();
    }

    match &answer["body"] {
        Value::String(text) => {
            serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or(Value::Null)
        }
        Value::Object(object) if object.contains_key("string") => {
            serde_json::from_str(object["string"].as_str().unwrap_or("null")).unwrap_or(Value::Null)
        }
        other => other.clone(),
    }
}

/// Whether the recorded answer has a header of Azure DevOps' own.
fn has_own_header(json: &Value) -> bool {
    let headers = json["response"]["headers"].as_object();
    headers.is_some_and(|headers| headers.keys().any(|name| is_own_header(name)))
}

#[test]
fn every_recorded_refusal_is_classified_as_what_it_was() {
    let Some(recordings) = recordings() else {
        return;
    };
    let mut seen = Vec::new();

    for file in recordings {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let Some(status) = name
            .split('_')
            .nth(2)
            .and_then(|status| status.parse::<u16>().ok())
        else {
            continue;
        };

        if status < 300 {
            continue;
        }

        let json: Value = serde_json::from_slice(without_mark(&fs::read(&file).unwrap())).unwrap();
        let body = body_of(&json).to_string();
        let answer = ServerAnswer {
            status,
            content_type: Some("application/json"),
            own_header: has_own_header(&json),
            body: body.as_bytes(),
            ..ServerAnswer::default()
        };

        let kind = match classify(&answer) {
            Meaning::Done => "done",
            Meaning::Unavailable(_) => "unavailable",
            Meaning::InBetween(_) => "in between",
            Meaning::Rejected(_) => "rejected",
            Meaning::CredentialsRefused(_) => "credentials",
            Meaning::Forbidden(_) => "forbidden",
            Meaning::Gone(..) => "gone",
        };

        seen.push((status, kind));
    }

    seen.sort_unstable();
    seen.dedup();
    assert_eq!(
        seen,
        [
            (400, "rejected"),
            (401, "credentials"),
            (404, "gone"),
            (503, "unavailable")
        ]
    );
}
