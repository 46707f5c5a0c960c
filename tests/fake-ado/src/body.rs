//! Request bodies. An attachment's `stream` is looked at where it lies, never copied.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::answer::{Answer, binding};

/// A parsed body; `stream` is taken out of an attachment's.
#[derive(Debug, Default)]
pub(crate) struct Body<'a> {
    pub(crate) value: Value,
    pub(crate) stream: Option<Cow<'a, str>>,
}

/// Parses any body; none at all is `null`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Body<'_>, Answer> {
    if bytes.is_empty() {
        return Ok(Body::default());
    }

    let value = serde_json::from_slice(bytes).map_err(|error| binding(&error.to_string()))?;
    Ok(Body {
        value,
        stream: None,
    })
}

/// Parses an attachment's body: `stream` becomes an empty text in the value.
pub(crate) fn parse_attachment(bytes: &[u8]) -> Result<Body<'_>, Answer> {
    let refused = |error: serde_json::Error| binding(&error.to_string());
    let members: BTreeMap<String, &RawValue> = serde_json::from_slice(bytes).map_err(refused)?;
    let mut value = Map::new();
    let mut stream = None;

    for (name, raw) in members {
        let text = raw.get();
        let quoted = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        match quoted {
            Some(inner) if name == "stream" => {
                let plain = !inner.contains('\\');
                stream = Some(if plain {
                    Cow::Borrowed(inner)
                } else {
                    Cow::Owned(serde_json::from_str(text).map_err(refused)?)
                });
                value.insert(name, Value::String(String::new()));
            }
            _ => {
                value.insert(name, serde_json::from_str(text).map_err(refused)?);
            }
        }
    }

    Ok(Body {
        value: Value::Object(value),
        stream,
    })
}
