//! What people write as options of `kado setup PROJECT`. Each reader says what would be right, in
//! words that go behind the option. Pure.

use std::str::FromStr as _;

use crate::katalon::run::FileKind;
use crate::katalon::settings::{ConfigurationRow, RowChoice, SendingRule};
use crate::katalon::status::Status;
use crate::plan::outcome::{OUTCOMES, known_outcome};
use crate::plan::overrides::Definition;
use crate::plan::plan_choice::PlanChoice;
use crate::setup::project::prepared::SettingsTarget;

/// What is wrong with the text of an option, with what would be right.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misentered(String);

/// Words for everything, in a column of the configuration mapping.
const ANY: [&str; 4] = ["", "*", "any", "--any--"];
/// Words for nothing.
const NONE: &str = "none";

/// `18`, or the name of a test plan.
///
/// # Errors
/// When it is empty, or a number that is no id.
pub(crate) fn plan(text: &str) -> Result<PlanChoice, Misentered> {
    let text = text.trim();
    if text.is_empty() {
        return wrong("takes the id or name of a test plan");
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(PlanChoice::Name(text.to_owned()));
    }
    match text.parse() {
        Ok(id) if id > 0 => Ok(PlanChoice::Id(id)),
        _ => wrong(&format!("is `{text}`, which is no id of a test plan")),
    }
}

/// `FAILED=Blocked`.
///
/// # Errors
/// When either side is no word for it.
pub(crate) fn status_outcome(text: &str) -> Result<(Status, String), Misentered> {
    let Some((status, word)) = text.split_once('=') else {
        return wrong(&format!(
            "is `{text}`; write it as STATUS=OUTCOME, such as FAILED=Failed"
        ));
    };
    match Status::from_str(status) {
        Ok(status) => Ok((status, outcome(word)?)),
        Err(error) => wrong(&format!("is `{text}`: {error}")),
    }
}

/// A word for an outcome, as Azure DevOps writes it.
///
/// # Errors
/// When Azure DevOps has no such outcome.
pub(crate) fn outcome(text: &str) -> Result<String, Misentered> {
    match known_outcome(text.trim()) {
        Some(word) => Ok(word.to_owned()),
        None => wrong(&format!(
            "has `{text}`, which is no outcome of Azure DevOps; the outcomes are {}",
            OUTCOMES.join(", ")
        )),
    }
}

/// `Windows,Chrome=3`, `Windows,Chrome,qa=3`, or `Windows,Chrome=none` to take the row away; `*`
/// stands for any.
///
/// # Errors
/// When it has another form.
pub(crate) fn row(text: &str) -> Result<RowChoice, Misentered> {
    let form = || {
        Misentered(format!(
            "is `{text}`; write it as OS,BROWSER=ID or OS,BROWSER,PROFILE=ID, such as \
             Windows,Chrome=3; `*` stands for any, and `none` as ID takes the row away"
        ))
    };
    let (conditions, id) = text.rsplit_once('=').ok_or_else(form)?;
    let columns: Vec<&str> = conditions.split(',').collect();
    let (os, platform, profile) = match columns.as_slice() {
        [os, platform] => (os, platform, ""),
        [os, platform, profile] => (os, platform, *profile),
        _ => return Err(form()),
    };

    let mut row = ConfigurationRow {
        os: condition(os),
        platform: condition(platform),
        profile: condition(profile),
        configuration_id: 0,
    };
    if id.trim().eq_ignore_ascii_case(NONE) {
        return Ok(RowChoice::Remove(row));
    }
    match id.trim().parse() {
        Ok(id) if id > 0 => {
            row.configuration_id = id;
            Ok(RowChoice::Set(row))
        }
        _ => Err(form()),
    }
}

fn condition(text: &str) -> Option<String> {
    let text = text.trim();
    let is_any = ANY.contains(&text.to_ascii_lowercase().as_str());
    (!is_any).then(|| text.to_owned())
}

/// `LOG,PNG`, or `none`.
///
/// # Errors
/// When a word is no type of file that can be attached, or one that only `kado.toml` has.
pub(crate) fn attachments(text: &str, target: SettingsTarget) -> Result<Vec<FileKind>, Misentered> {
    let mut kinds = Vec::new();
    if text.trim().eq_ignore_ascii_case(NONE) {
        return Ok(kinds);
    }

    for word in text.split(',').map(str::trim) {
        let kind = FileKind::SENDABLE
            .into_iter()
            .find(|kind| kind.word().eq_ignore_ascii_case(word));
        match kind {
            Some(FileKind::Video) if target == SettingsTarget::Settings => {
                return wrong(
                    "has VIDEO, which Katalon's settings do not know; `--to kado.toml` writes it",
                );
            }
            Some(kind) if kinds.contains(&kind) => {}
            Some(kind) => kinds.push(kind),
            None => {
                return wrong(&format!(
                    "has `{word}`; write types of files such as LOG,PNG,HTML,PDF,CSV, or none"
                ));
            }
        }
    }
    Ok(kinds)
}

/// `all` or `failed`.
///
/// # Errors
/// When it is another word.
pub(crate) fn sending(text: &str) -> Result<SendingRule, Misentered> {
    match text.trim().to_ascii_lowercase().as_str() {
        "all" => Ok(SendingRule::All),
        "failed" => Ok(SendingRule::Failed),
        _ => wrong(&format!(
            "is `{text}`; write all, or failed for runs with a test that did not pass"
        )),
    }
}

/// `true` or `false`.
///
/// # Errors
/// When it is another word.
pub(crate) fn yes_or_no(text: &str) -> Result<bool, Misentered> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" => Ok(true),
        "false" | "no" => Ok(false),
        _ => wrong(&format!("is `{text}`; write true or false")),
    }
}

/// The id of a definition, or `none`.
///
/// # Errors
/// When it is no id.
pub(crate) fn definition(text: &str) -> Result<Definition, Misentered> {
    let text = text.trim();
    if text.eq_ignore_ascii_case(NONE) || text == "-1" {
        return Ok(Definition::None);
    }
    match text.parse::<u32>() {
        // Katalon stores it as a Java `int`.
        Ok(id) if id > 0 && i32::try_from(id).is_ok() => Ok(Definition::Of(id)),
        _ => wrong(&format!(
            "is `{text}`; write the id of a definition, or none"
        )),
    }
}

fn wrong<T>(what: &str) -> Result<T, Misentered> {
    Err(Misentered(what.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any_row(configuration_id: u32) -> ConfigurationRow {
        ConfigurationRow {
            os: None,
            platform: None,
            profile: None,
            configuration_id,
        }
    }

    #[test]
    fn a_row_has_two_or_three_conditions_and_an_id() {
        assert_eq!(row("*, any=3"), Ok(RowChoice::Set(any_row(3))));
        assert_eq!(row("--Any--,=none"), Ok(RowChoice::Remove(any_row(0))));
        assert_eq!(
            row("Windows, Chrome (headless) ,qa = 12"),
            Ok(RowChoice::Set(ConfigurationRow {
                os: Some("Windows".to_owned()),
                platform: Some("Chrome (headless)".to_owned()),
                profile: Some("qa".to_owned()),
                configuration_id: 12,
            }))
        );
    }

    #[test]
    fn what_is_no_row_is_told_with_the_form() {
        for text in ["", "Windows=3", "a,b,c,d=3", "a,b=0", "a,b=x", "a,b"] {
            let told = row(text).unwrap_err().to_string();
            assert!(told.contains("OS,BROWSER=ID"), "{text}: {told}");
        }
    }

    #[test]
    fn a_plan_is_an_id_or_a_name() {
        assert_eq!(plan(" 18 "), Ok(PlanChoice::Id(18)));
        assert_eq!(plan("18a"), Ok(PlanChoice::Name("18a".to_owned())));
        assert!(plan("0").is_err() && plan("99999999999").is_err() && plan(" ").is_err());
    }

    #[test]
    fn an_outcome_is_written_as_azure_devops_writes_it() {
        assert_eq!(
            status_outcome("failed= blocked"),
            Ok((Status::Failed, "Blocked".to_owned()))
        );
        assert!(status_outcome("FAILED").is_err());
        assert!(status_outcome("BROKEN=Failed").is_err());
        assert!(status_outcome("FAILED=Broken").is_err());
    }

    #[test]
    fn types_of_files_are_those_that_the_file_can_hold() {
        let kinds = attachments("log, PNG,log", SettingsTarget::Settings);

        assert_eq!(kinds, Ok(vec![FileKind::Log, FileKind::Png]));
        assert_eq!(
            attachments("none", SettingsTarget::Settings),
            Ok(Vec::new())
        );
        assert!(attachments("LOG,VIDEO", SettingsTarget::Settings).is_err());
        assert!(attachments("LOG,VIDEO", SettingsTarget::OwnFile).is_ok());
        assert!(attachments("LOG,EXE", SettingsTarget::OwnFile).is_err());
    }

    #[test]
    fn no_definition_is_katalons_word_for_it() {
        assert_eq!(definition("none"), Ok(Definition::None));
        assert_eq!(definition("-1"), Ok(Definition::None));
        assert_eq!(definition("12"), Ok(Definition::Of(12)));
        assert!(definition("0").is_err() && definition("4294967295").is_err());
    }
}
