//! Answers of the service: JSON, pages, the bodies of errors.

use bytes::Bytes;
use serde_json::{Value, json};

/// What a handler gives: the answer, or an error answer.
pub(crate) type Outcome = Result<Answer, Answer>;

/// A whole answer, before it becomes a response.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// Who gives it.
    pub(crate) speaker: Speaker,
}

/// Who gives an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// Azure DevOps, which puts headers of its own to each answer.
    AzureDevOps,
    /// Something before it.
    InBetween,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Answer {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Answer {
            status,
            headers,
            body: body.into(),
            speaker: Speaker::AzureDevOps,
        }
    }

    /// No body and no content type.
    pub(crate) fn empty(status: u16) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
            speaker: Speaker::AzureDevOps,
        }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Answer {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// 200 with JSON.
pub(crate) fn ok(value: &Value) -> Answer {
    json_answer(200, value)
}

/// 200 with the usual `{count,value}`.
pub(crate) fn list(values: Vec<Value>) -> Answer {
    let count = values.len();
    ok(&json!({"count": count, "value": Value::Array(values)}))
}

/// One page of a list with `x-ms-continuationtoken` while more is left.
pub(crate) fn page(
    values: Vec<Value>,
    from: usize,
    size: usize,
    token: impl FnOnce(usize) -> String,
) -> Answer {
    let total = values.len();
    let next = from.saturating_add(size);
    let answer = list(values.into_iter().skip(from).take(size).collect());

    if next < total {
        answer.with("x-ms-continuationtoken", token(next))
    } else {
        answer
    }
}

pub(crate) fn json_answer(status: u16, value: &Value) -> Answer {
    Answer::new(status, "application/json; charset=utf-8", value.to_string())
}

/// An error in the usual form.
pub(crate) fn error(status: u16, type_name: &str, message: &str) -> Answer {
    let key = type_name
        .rsplit_once(',')
        .map_or(type_name, |(name, _)| name);
    let key = key.rsplit('.').next().unwrap_or(key);
    let body = json!({"$id": "1", "innerException": null, "message": message, "typeName": type_name,
        "typeKey": key, "errorCode": 0, "eventId": 3000});

    json_answer(status, &body)
}

/// 400: an argument is wrong.
pub(crate) fn bad(message: &str) -> Answer {
    error(400, "System.ArgumentException, mscorlib", message)
}

/// 400: a property has a value that is not allowed.
pub(crate) fn invalid(message: &str) -> Answer {
    let name = "Microsoft.TeamFoundation.TestManagement.WebApi.InvalidPropertyException, Microsoft.TeamFoundation.TestManagement.WebApi";
    error(400, name, message)
}

/// 404: an object of the test area is not there.
pub(crate) fn missing(message: &str) -> Answer {
    let name = "Microsoft.TeamFoundation.TestManagement.WebApi.TestObjectNotFoundException, Microsoft.TeamFoundation.TestManagement.WebApi";
    error(404, name, message)
}

/// 404: the project is not there, or hidden.
pub(crate) fn no_project(name: &str) -> Answer {
    let kind = "Microsoft.TeamFoundation.Core.WebApi.ProjectDoesNotExistWithNameException, Microsoft.TeamFoundation.Core.WebApi";
    let message = format!(
        "TF200016: The following project does not exist: {name}. Verify that the name of the project is correct \
         and that the project exists on the specified Azure DevOps Server."
    );
    error(404, kind, &message)
}

/// 404 as plain text: no such route.
pub(crate) fn no_route(path: &str) -> Answer {
    let text = format!(
        "The controller for path '{path}' was not found or does not implement IController."
    );
    Answer::new(404, "text/plain; charset=utf-8", text)
}

/// 400 of the model binding: the body is not what the operation takes.
pub(crate) fn binding(message: &str) -> Answer {
    json_answer(400, &json!({"count": 1, "value": {"Message": message}}))
}
