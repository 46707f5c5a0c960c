//! The two lists of the settings of which rows change and others stay as they are: outcomes and
//! test configurations. Rows are kept with members that kado does not know.

use serde_json::Value as Json;

use super::RowChoice;
use crate::katalon::gson::{self, Members};
use crate::katalon::settings::ConfigurationRow;
use crate::katalon::status::Status;

/// Katalon's statuses in the order of its dialog (every file of the corpus).
const STATUSES: [Status; 5] = [
    Status::Passed,
    Status::Failed,
    Status::Incomplete,
    Status::Error,
    Status::Skipped,
];

/// What matches everything.
const ANY: &str = "--Any--";

/// The key of the execution profile in a row, where no row of the file has one. Katalon has the
/// column since 10.1.1, but no public file shows what it calls it; kado reads any key that speaks
/// of a profile.
const PROFILE: &str = "profile";

/// The list of outcomes with these; a status without an entry gets one, and Katalon's default
/// unless it is chosen. `None` where the list that is there cannot be read.
pub(super) fn with_outcomes(list: Option<&str>, outcomes: &[(Status, String)]) -> Option<String> {
    let mut rows = rows_of(list)?;
    for status in STATUSES {
        let chosen = outcomes.iter().find(|(chosen, _)| *chosen == status);
        let row = rows.iter_mut().find(|row| {
            row.word("katalonStatus")
                .is_some_and(|word| word.eq_ignore_ascii_case(status.word()))
        });

        match (row, chosen) {
            (Some(row), Some((_, outcome))) => row.set("azureStatus", outcome.as_str().into()),
            (Some(_), None) => {}
            (None, chosen) => {
                let outcome =
                    chosen.map_or(status.default_outcome(), |(_, outcome)| outcome.as_str());
                rows.push(Members(vec![
                    ("katalonStatus".to_owned(), status.word().into()),
                    ("azureStatus".to_owned(), outcome.into()),
                ]));
            }
        }
    }
    Some(gson::pretty(&rows))
}

/// The list of test configurations with these changes; new rows come last. `None` where the list
/// that is there cannot be read.
pub(super) fn with_rows(list: Option<&str>, choices: &[RowChoice]) -> Option<String> {
    let mut rows = rows_of(list)?;
    let profile_key = rows
        .iter()
        .find_map(profile_key_of)
        .unwrap_or(PROFILE)
        .to_owned();

    for choice in choices {
        match choice {
            RowChoice::Remove(wanted) => rows.retain(|row| !has_conditions(row, wanted)),
            RowChoice::Set(wanted) => {
                let id = Json::from(wanted.configuration_id);
                match rows.iter_mut().find(|row| has_conditions(row, wanted)) {
                    Some(row) => row.set("azureTestConfigurationId", id),
                    None => rows.push(new_row(wanted, &profile_key)),
                }
            }
        }
    }
    Some(gson::pretty(&rows))
}

fn rows_of(list: Option<&str>) -> Option<Vec<Members>> {
    match list {
        None => Some(Vec::new()),
        Some(text) => serde_json::from_str(text).ok(),
    }
}

fn new_row(row: &ConfigurationRow, profile_key: &str) -> Members {
    let mut members = vec![
        ("os".to_owned(), or_any(row.os.as_deref())),
        ("platform".to_owned(), or_any(row.platform.as_deref())),
    ];
    if let Some(profile) = &row.profile {
        members.push((profile_key.to_owned(), profile.as_str().into()));
    }
    members.push((
        "azureTestConfigurationId".to_owned(),
        row.configuration_id.into(),
    ));
    Members(members)
}

fn or_any(condition: Option<&str>) -> Json {
    condition.unwrap_or(ANY).into()
}

fn profile_key_of(row: &Members) -> Option<&str> {
    let mut keys = row.0.iter().map(|(key, _)| key.as_str());
    keys.find(|key| key.to_ascii_lowercase().contains("profile"))
}

/// Whether a row matches the same runs: no regard for case, as Katalon compares.
fn has_conditions(row: &Members, wanted: &ConfigurationRow) -> bool {
    let profile = profile_key_of(row).and_then(|key| row.word(key));
    let columns = [
        (row.word("os"), &wanted.os),
        (row.word("platform"), &wanted.platform),
        (profile, &wanted.profile),
    ];
    columns.into_iter().all(|(there, wanted)| {
        let there = there.filter(|there| !there.is_empty()).unwrap_or(ANY);
        let wanted = wanted.as_deref().unwrap_or(ANY).trim();
        there.to_lowercase() == wanted.to_lowercase()
    })
}
