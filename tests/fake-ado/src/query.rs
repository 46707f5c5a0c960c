//! Query strings, percent-encoding and moments as the service reads them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::answer::{Answer, bad};

/// Decodes a path segment.
pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The parameters of a query, their names without case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Query {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (
                decode(name).to_lowercase(),
                decode(&value.replace('+', " ")),
            )
        });
        Query(pairs.collect())
    }

    /// A parameter that is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let wanted = name.to_lowercase();
        let found = self.0.iter().find(|(key, _)| *key == wanted);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// A number; something else is refused as the model binding does.
    pub(crate) fn number(&self, name: &str) -> Result<Option<usize>, Answer> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let refused = || bad(&format!("The value '{text}' is not valid for {name}."));
        text.parse().map(Some).map_err(|_| refused())
    }

    /// A flag; absent is `None`.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.get(name)
            .map(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A comma-separated list of ids.
    pub(crate) fn ids(&self, name: &str) -> Result<Option<Vec<u32>>, Answer> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let refused = || bad(&format!("The value '{text}' is not valid for {name}."));
        let ids: Result<Vec<u32>, _> = text.split(',').map(|id| id.trim().parse()).collect();

        ids.map(Some).map_err(|_| refused())
    }

    /// `$skip` and `$top`.
    pub(crate) fn window(
        &self,
        default_top: usize,
        max_top: usize,
    ) -> Result<(usize, usize), Answer> {
        let skip = self.number("$skip")?.unwrap_or(0);
        let top = self.number("$top")?.unwrap_or(default_top);
        Ok((skip, top.min(max_top)))
    }

    /// A continuation token that is a number.
    pub(crate) fn continuation(&self) -> Result<usize, Answer> {
        Ok(self.number("continuationToken")?.unwrap_or(0))
    }
}

/// A moment in any form the service takes; without an offset it is UTC.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let with_offset = text.parse::<Timestamp>().ok();
    with_offset.or_else(|| {
        let local: DateTime = text.parse().ok()?;
        local
            .to_zoned(TimeZone::UTC)
            .ok()
            .map(|zoned| zoned.timestamp())
    })
}

/// The moment of a member: absent, null or the year 1 is unset, nonsense is refused.
pub(crate) fn moment_of(body: &Value, name: &str) -> Result<Option<Timestamp>, Answer> {
    match &body[name] {
        Value::Null => Ok(None),
        Value::String(text) if text.starts_with("0001-01-01") => Ok(None),
        Value::String(text) => match moment(text) {
            Some(found) => Ok(Some(found)),
            None => Err(bad(&format!(
                "The value '{text}' is not a valid date.\r\nParameter name: {name}"
            ))),
        },
        other => Err(bad(&format!(
            "The value '{other}' is not a valid date.\r\nParameter name: {name}"
        ))),
    }
}

/// An id that may come as string or number, bare or as a reference's `id`.
pub(crate) fn id_of(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => number.as_u64().and_then(|id| u32::try_from(id).ok()),
        Value::String(text) => text.trim().parse().ok(),
        Value::Object(members) => members.get("id").and_then(id_of),
        _ => None,
    }
}

/// A text of a member.
pub(crate) fn text_of(body: &Value, name: &str) -> Option<String> {
    body[name].as_str().map(str::to_owned)
}

/// Whether a text is longer than so many UTF-16 units.
pub(crate) fn longer_than(text: &str, limit: usize) -> bool {
    text.len() > limit && text.encode_utf16().count() > limit
}

/// The head of a text of so many UTF-16 units, as the service cuts silently.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if !longer_than(text, limit) {
        return text.to_owned();
    }

    let units: Vec<u16> = text.encode_utf16().take(limit).collect();
    String::from_utf16_lossy(&units)
}

/// The server's clock, in milliseconds.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
