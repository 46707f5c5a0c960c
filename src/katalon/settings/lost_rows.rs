//! Whether rows of the mapping of test configurations are missing among those that are read.

use serde_json::Value as Json;

use super::cut::{cut_of, is_cut};
use crate::katalon::properties::{Properties, Value};

/// The mapping of test configurations.
pub(super) const CONFIGURATIONS: &str = "testConfigurationMappings";
/// Bytes of a list or object that are read.
pub(super) const LONGEST_JSON: usize = 1024 * 1024;
/// Rows of a list that are read.
pub(super) const MOST_ROWS: usize = 1_000;

/// Whether the file has more rows than are read, or not their end.
pub(super) fn has_lost_rows(properties: &Properties) -> bool {
    let Some(raw) = properties.raw(CONFIGURATIONS) else {
        // Lines beyond their limit are not read, whatever they hold.
        return properties.excess().is_some();
    };
    let is_last = properties
        .unended()
        .is_some_and(|line| line.key == CONFIGURATIONS);
    if is_cut(raw) || raw.len() > LONGEST_JSON || (is_last && cut_of(properties).is_some()) {
        return true;
    }

    let Value::Text(text) = Value::read(raw) else {
        return false;
    };
    match serde_json::from_str::<Json>(&text) {
        Ok(Json::Array(rows)) => rows.len() > MOST_ROWS,
        Ok(_) => false,
        Err(_) => !text.trim().is_empty(),
    }
}
