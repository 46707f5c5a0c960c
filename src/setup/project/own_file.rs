//! The project's own `kado.toml` with the choices in it: comments, order and blank lines stay, and
//! a key that says already what it is to say keeps its form. Pure.

use toml_edit::{Array, DocumentMut, Item, Value};

use crate::config::project_file::ProjectFile;
use crate::katalon::settings::SendingRule;
use crate::plan::overrides::{Definition, Overrides};
use crate::plan::plan_choice::PlanChoice;
use crate::setup::project::{CurrentProject, ProjectChoices, Verified};
use crate::workspace::PROJECT_FILE;

/// How a file begins that is made anew.
const HEAD: &str =
    "# kado's settings of this project; docs/configuration.md describes every key.\n";
/// What some editors put before a text.
const MARK: char = '\u{feff}';

/// Why the file is left as it is.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum NoOwnFile {
    /// It is not UTF-8.
    #[error("the project's `{PROJECT_FILE}` is not UTF-8; save it as UTF-8 first")]
    NotUtf8,
    /// It is no TOML.
    #[error("the project's `{PROJECT_FILE}` is no TOML; mend it first: {0}")]
    NoToml(String),
    /// What is to be a table is something else.
    #[error("`{0}` in the project's `{PROJECT_FILE}` is no table; mend it first")]
    NoTable(&'static str),
    /// What was made would not be read.
    #[error("the project's `{PROJECT_FILE}` cannot hold this: {0}")]
    Unusable(String),
}

/// The file with these choices.
pub(super) fn with_choices(
    bytes: &[u8],
    current: &CurrentProject,
    choices: &ProjectChoices,
    verified: &Verified,
) -> Result<Vec<u8>, NoOwnFile> {
    let text = std::str::from_utf8(bytes).map_err(|_| NoOwnFile::NotUtf8)?;
    let there = &current.own_file.overrides;
    let wanted = Wanted::of(current, choices, verified);
    let new = with_keys(text, there, &wanted)?;

    match ProjectFile::parse(&new).problem() {
        None => Ok(new.into_bytes()),
        Some(problem) => Err(NoOwnFile::Unusable(problem)),
    }
}

/// What the file is to say.
#[derive(Default)]
struct Wanted {
    project: Option<String>,
    test_plans: Option<Vec<PlanChoice>>,
    run_name: Option<String>,
    attachments: Option<Vec<&'static str>>,
    attach: Option<SendingRule>,
    multiple_points: Option<bool>,
    build_definition: Option<Definition>,
    release_definition: Option<Definition>,
}

impl Wanted {
    fn of(current: &CurrentProject, choices: &ProjectChoices, verified: &Verified) -> Self {
        // What Katalon's settings say already needs no word in this file.
        let in_force = &current.options;
        let project = choices
            .project
            .as_ref()
            .filter(|_| in_force.project.as_ref() != Some(&verified.project.name));

        let kinds = choices.attachments.as_ref();
        Self {
            project: project.map(|_| verified.project.name.clone()),
            test_plans: (!choices.plans.is_empty()).then(|| choices.plans.clone()),
            run_name: choices.run_name.clone(),
            attachments: kinds.map(|kinds| kinds.iter().map(|kind| kind.word()).collect()),
            attach: choices.attach,
            multiple_points: choices.multiple_points,
            build_definition: choices.build_definition,
            release_definition: choices.release_definition,
        }
    }
}

fn with_keys(text: &str, there: &Overrides, wanted: &Wanted) -> Result<String, NoOwnFile> {
    let azure = azure_keys(there, wanted);
    let submit = submit_keys(there, wanted);
    if azure.is_empty() && submit.is_empty() {
        return Ok(text.to_owned());
    }

    let has_mark = text.starts_with(MARK);
    let content = text.trim_start_matches(MARK);
    let begin = if content.trim().is_empty() { HEAD } else { "" };
    let mut document: DocumentMut = format!("{begin}{content}")
        .parse()
        .map_err(|error: toml_edit::TomlError| NoOwnFile::NoToml(error.message().to_owned()))?;
    set_all(&mut document, "azure", azure)?;
    set_all(&mut document, "submit", submit)?;

    let mut new = document.to_string();
    if begin == HEAD && !new.starts_with(HEAD) {
        // Without a key before it the comment would come to stand at the end.
        new = format!("{HEAD}{}", new.replace(HEAD, ""));
    }
    if content.contains("\r\n") {
        new = new.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    if has_mark {
        new.insert(0, MARK);
    }
    Ok(new)
}

fn azure_keys(there: &Overrides, wanted: &Wanted) -> Vec<(&'static str, Value)> {
    match &wanted.project {
        Some(project) if there.project.as_ref() != Some(project) => {
            vec![("project", project.as_str().into())]
        }
        _ => Vec::new(),
    }
}

/// The keys of `[submit]` that say something else, or nothing yet.
fn submit_keys(there: &Overrides, wanted: &Wanted) -> Vec<(&'static str, Value)> {
    let mut keys: Vec<(&'static str, Value)> = Vec::new();
    if let Some(plans) = &wanted.test_plans
        && there.test_plans.as_ref() != Some(plans)
    {
        keys.push(("test_plans", Value::Array(plans.iter().map(plan).collect())));
    }
    if let Some(name) = &wanted.run_name
        && there.test_run_name.as_ref().map(|there| &there.text) != Some(name)
    {
        keys.push(("test_run_name", name.as_str().into()));
    }

    let stored = there.attachments.as_ref();
    let stored: Option<Vec<&str>> =
        stored.map(|kinds| kinds.iter().map(|kind| kind.word()).collect());
    if let Some(kinds) = &wanted.attachments
        && stored.as_ref() != Some(kinds)
    {
        keys.push((
            "attachments",
            Value::Array(kinds.iter().copied().collect::<Array>()),
        ));
    }
    if let Some(attach) = wanted.attach
        && there.attach != Some(attach)
    {
        let word = match attach {
            SendingRule::All => "all",
            SendingRule::Failed => "failed",
        };
        keys.push(("attach", word.into()));
    }
    if let Some(multiple) = wanted.multiple_points
        && there.multiple_points != Some(multiple)
    {
        keys.push(("multiple_points", multiple.into()));
    }

    let definitions = [
        (
            "build_definition",
            wanted.build_definition,
            there.build_definition,
        ),
        (
            "release_definition",
            wanted.release_definition,
            there.release_definition,
        ),
    ];
    for (key, wanted, there) in definitions {
        if let Some(definition) = wanted
            && there != wanted
        {
            let number = match definition {
                Definition::None => -1,
                Definition::Of(id) => i64::from(id),
            };
            keys.push((key, number.into()));
        }
    }
    keys
}

fn plan(choice: &PlanChoice) -> Value {
    match choice {
        PlanChoice::Id(id) => i64::from(*id).into(),
        other => other.to_string().into(),
    }
}

fn set_all(
    document: &mut DocumentMut,
    name: &'static str,
    keys: Vec<(&'static str, Value)>,
) -> Result<(), NoOwnFile> {
    if keys.is_empty() {
        return Ok(());
    }

    let table = document
        .entry(name)
        .or_insert(toml_edit::table())
        .as_table_like_mut()
        .ok_or(NoOwnFile::NoTable(name))?;
    for (key, mut value) in keys {
        match table.get_mut(key).and_then(Item::as_value_mut) {
            Some(there) => {
                // The comment behind it stays.
                *value.decor_mut() = there.decor().clone();
                *there = value;
            }
            None => {
                table.insert(key, Item::Value(value));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, wanted: &Wanted) -> String {
        with_keys(text, &ProjectFile::parse(text).overrides, wanted).unwrap()
    }

    fn wanted() -> Wanted {
        Wanted {
            project: Some("Shop".to_owned()),
            test_plans: Some(vec![
                PlanChoice::Id(18),
                PlanChoice::Name("Next".to_owned()),
            ]),
            run_name: Some("Nightly".to_owned()),
            attachments: Some(vec!["LOG"]),
            attach: Some(SendingRule::Failed),
            multiple_points: Some(true),
            build_definition: Some(Definition::Of(12)),
            release_definition: Some(Definition::None),
        }
    }

    #[test]
    fn a_new_file_has_every_key_that_was_chosen() {
        insta::assert_snapshot!(written("", &wanted()));
    }

    #[test]
    fn comments_order_and_line_ends_stay() {
        let text = "\u{feff}# ours\r\n[submit]\r\nattach = \"all\" # always\r\n\r\n# plans\r\n\
                    test_plans = [ 18, \"Next\" ]\r\n";

        insta::assert_snapshot!(written(text, &wanted()).replace("\r\n", "␍\n"));
    }

    #[test]
    fn a_file_that_says_it_already_keeps_every_byte() {
        let text = written("", &wanted()).replace("= ", "=   ");

        assert_eq!(written(&text, &wanted()), text);
    }

    #[test]
    fn what_cannot_be_changed_is_refused() {
        let there = Overrides::default();

        let no_table = with_keys("submit = 1\n", &there, &wanted()).unwrap_err();
        let no_toml = with_keys("submit = [\n", &there, &wanted()).unwrap_err();

        assert_eq!(no_table, NoOwnFile::NoTable("submit"));
        assert!(matches!(no_toml, NoOwnFile::NoToml(_)), "{no_toml}");
    }
}
