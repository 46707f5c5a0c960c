//! What the buttons do: they leave the request in the outbox that the command leaves there, and
//! wait a little for its answer. The [`guard`](crate::page::guard) has judged whoever asks by then.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::clock::Stopwatch;
use crate::outbox::request::{Answer, Request};
use crate::outbox::{Outbox, StoreError};
use crate::page::answers;

/// How long the answer of the service is waited for.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Has a request carried out; `body` has to be an object of JSON, which says nothing more so far.
pub(super) async fn ask(outbox: &Outbox, request: Request, body: &Bytes) -> Response {
    if !matches!(serde_json::from_slice(body), Ok(Value::Object(_))) {
        let error = json!({ "error": "the body has to be an object of JSON, such as {}" });
        return answers::json_with(StatusCode::BAD_REQUEST, &error);
    }

    match answer_to(outbox, request).await {
        Ok(Some(Answer::Taken { note, .. })) => {
            answers::json_with(StatusCode::OK, &json!({ "taken": true, "note": note }))
        }
        Ok(Some(Answer::Refused(reason))) => {
            answers::json_with(StatusCode::CONFLICT, &json!({ "error": reason }))
        }
        // It stands in the outbox, and is carried out when the service gets to it.
        Ok(None) => answers::json_with(
            StatusCode::ACCEPTED,
            &json!({ "taken": false, "note": "kado is busy and gets to it by and by" }),
        ),
        Err(error) => answers::failed(&error),
    }
}

async fn answer_to(outbox: &Outbox, request: Request) -> Result<Option<Answer>, StoreError> {
    let ids = outbox.ask(vec![request]).await?;
    let Some(id) = ids.first().copied() else {
        return Ok(None);
    };

    let waited = Stopwatch::start();
    while waited.elapsed() < PATIENCE {
        if let Some(answer) = outbox.with(move |store| store.answer_to(id)).await? {
            return Ok(Some(answer));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(None)
}
