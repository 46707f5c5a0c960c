//! `/_fake/…`: how black-box scripts look at the world and make it misbehave, without credentials.
//!
//! - `GET /_fake/world`: what is there.
//! - `GET /_fake/requests`: what was asked.
//! - `GET /_fake/violations`: which bodies did not fit.
//! - `GET /_fake/attachments/{id}`: the bytes of an attachment, which the page of a run links to.
//! - `PUT /_fake/tokens`: the tokens that are accepted from now on: `["a", "b"]`.
//! - `POST /_fake/faults`: a fault for every request that fits:
//!   `{"method": "POST", "path": "attachments", "delay": 60000}` processes it after so many
//!   milliseconds, `"late": 60000` processes it at once and answers then, `"status": 503` answers
//!   with that instead.
//! - `DELETE /_fake/faults`: no faults any more.

use hyper::Method;
use serde::Deserialize;
use serde_json::json;

use crate::answer::{Answer, no_route, ok};
use crate::faults::{Fault, FaultAction, Nth};
use crate::page;
use crate::server::{Shared, lock};

/// A fault as a script writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    method: String,
    path: String,
    delay: Option<u64>,
    late: Option<u64>,
    status: Option<u16>,
}

/// Answers a script.
pub(crate) fn answer(shared: &Shared, method: &Method, path: &str, body: &[u8]) -> Answer {
    if let Some(id) = path.strip_prefix("/_fake/attachments/")
        && method == Method::GET
    {
        let found = page::attachment(&lock(&shared.world), id);
        return found.unwrap_or_else(|| no_route(path));
    }

    match (method, path) {
        (&Method::GET, "/_fake/world") => {
            ok(&serde_json::to_value(&*lock(&shared.world)).unwrap_or_default())
        }
        (&Method::GET, "/_fake/requests") => ok(&json!(lock(&shared.log).requests)),
        (&Method::GET, "/_fake/violations") => ok(&json!(lock(&shared.log).violations)),
        (&Method::PUT, "/_fake/tokens") => {
            carried_out(serde_json::from_slice(body), |tokens: Vec<String>| {
                lock(&shared.world).tokens = tokens;
            })
        }
        (&Method::POST, "/_fake/faults") => {
            carried_out(serde_json::from_slice(body), |order: Order| {
                lock(&shared.faults).add(fault(order));
            })
        }
        (&Method::DELETE, "/_fake/faults") => {
            lock(&shared.faults).clear();
            ok(&json!({}))
        }
        _ => no_route(path),
    }
}

fn carried_out<T>(read: Result<T, serde_json::Error>, carry_out: impl FnOnce(T)) -> Answer {
    match read {
        Ok(order) => {
            carry_out(order);
            ok(&json!({}))
        }
        Err(error) => Answer::new(400, "text/plain", error.to_string()),
    }
}

fn fault(order: Order) -> Fault {
    let action = match (order.status, order.late) {
        (Some(code), _) => FaultAction::error(code, "FakeException", "ordered by a script"),
        (None, Some(milliseconds)) => FaultAction::DelayAfter(milliseconds),
        (None, None) => FaultAction::Delay(order.delay.unwrap_or_default()),
    };
    Fault {
        method: order.method,
        path_contains: order.path,
        nth: Nth::Every,
        action,
    }
}
