//! The command line of katalonc, as far as kado needs it: the project, what is executed, and the
//! `ado*` options.
//!
//! A command line can hold secrets (`-apiKey=…`, `-g_password=…`), so nothing else of it is kept,
//! and a value that is kept was written for Azure DevOps.

use serde::{Deserialize, Serialize};

use crate::katalon::collection_report::Membership;
use crate::katalon::run::RunOptions;

/// The arguments of one katalonc (`behaviour.md` §4.6 and §5.2).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct CommandLine {
    /// `-projectPath`, as written: the project's folder or its `.prj` file.
    pub project: Option<String>,
    /// What is executed.
    pub target: CommandTarget,
    /// `-executionUUID`.
    pub execution_uuid: Option<String>,
    /// The `ado*` options, also those behind `--info`.
    pub options: RunOptions,
}

/// What katalonc executes.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CommandTarget {
    /// A suite, `Test Suites/…` (`-testSuitePath`).
    Suite(String),
    /// A collection, `Test Suites/…` (`-testSuiteCollectionPath`).
    Collection(String),
    /// Something that is not named by its path, such as the result of a query.
    #[default]
    Unnamed,
}

impl CommandLine {
    /// Reads arguments. Letter case of their names does not matter, nor whether a value follows
    /// behind `=` or as the next argument. Katalon's launcher, its Java process and a script around
    /// them all carry the same ones.
    pub(crate) fn read<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let mut line = Self::default();
        let mut arguments = arguments.into_iter().peekable();
        while let Some(argument) = arguments.next() {
            if !argument.starts_with('-') {
                continue;
            }

            // An argument without a value may stand before one, so the next one is not consumed.
            let option = argument.trim_start_matches('-');
            if let Some((name, value)) = option.split_once('=') {
                line.set(name, without_quotes(value));
            } else if let Some(next) = arguments.peek()
                && !next.starts_with('-')
            {
                line.set(option, without_quotes(next));
            }
        }
        line
    }

    fn set(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }

        match name.to_ascii_lowercase().as_str() {
            "projectpath" => self.project = Some(value.to_owned()),
            "testsuitepath" => self.target = CommandTarget::Suite(id_of(value)),
            "testsuitecollectionpath" => self.target = CommandTarget::Collection(id_of(value)),
            "executionuuid" => self.execution_uuid = Some(value.to_owned()),
            // Whatever begins otherwise is none of kado's, and is not looked at.
            name => self.options.set(name, value),
        }
    }
}

/// What shells call the option behind which a text to run stands.
const TO_A_SHELL: [&str; 6] = ["-c", "-lc", "-ec", "-ic", "-Command", "-lic"];

/// The first `ado*` option that stands inside the text of an argument, as in `sh -c "katalonc …
/// -adoPlanId=18"`, where [`CommandLine::read`] does not see it: what a shell makes of such a text
/// is its own business.
pub(crate) fn hidden_option<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut before = "";
    for argument in arguments {
        // Behind any other option such a text is its value, as a name of a run is.
        let is_for_shell = !before.starts_with('-')
            || TO_A_SHELL
                .iter()
                .any(|word| word.eq_ignore_ascii_case(before));
        before = argument;

        let is_text = !argument.starts_with('-') && argument.contains(char::is_whitespace);
        if !is_for_shell || !is_text {
            continue;
        }
        let mut words = argument
            .split(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | '='));
        if let Some(option) = words.find(|word| is_ado_option(word)) {
            return Some(option.to_owned());
        }
    }
    None
}

/// Whether a word names one of the `ado*` options.
fn is_ado_option(word: &str) -> bool {
    // Whoever reads the options is asked, so that their spellings stand in one place.
    let mut options = RunOptions::default();
    options.set(word.trim_start_matches('-'), "1");
    word.starts_with('-') && options != RunOptions::default()
}

impl CommandTarget {
    /// Whether a run is one of these: a run of this suite alone, or of a member of this collection.
    pub(crate) fn covers(&self, suite: &str, membership: &Membership) -> bool {
        match (self, membership) {
            (Self::Unnamed, _) => true,
            (Self::Suite(path), Membership::Single) => is_same_id(path, suite),
            (Self::Collection(path), Membership::Of(id)) => is_same_id(path, id),
            // It may be this one; the project and the time say more.
            (Self::Collection(_), Membership::OfUnnamed) => true,
            (Self::Suite(_), Membership::Of(_) | Membership::OfUnnamed)
            | (Self::Collection(_), Membership::Single) => false,
        }
    }
}

/// Ids are paths of files, which Windows opens in any case.
fn is_same_id(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// A path of a suite as its id: with `/` and without the file's extension.
fn id_of(path: &str) -> String {
    let path = path.replace('\\', "/");
    let path = path.trim_matches('/');
    path.strip_suffix(".ts").unwrap_or(path).to_owned()
}

/// Some scripts hand their quotes on.
fn without_quotes(value: &str) -> &str {
    let value = value.trim();
    for quote in ['"', '\''] {
        let inner = value
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner {
            return inner;
        }
    }

    value
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_command_line_as_in_katalons_documentation_is_read() {
        let line = CommandLine::read([
            "/opt/katalon/katalonc",
            "-noSplash",
            "-runMode=console",
            "-projectPath=/srv/work/Shop/Shop.prj",
            "-testSuitePath=Test Suites/Smoke",
            "-apiKey=not-to-be-kept",
            "-g_password=not-to-be-kept",
            "-executionUUID=4d2",
            "-ADOPlanId=19",
            "-adoTestRunName=Release night",
            "--info",
            "-adoDefinitionID=7",
            "--info",
            "-adoReleaseDefID=3",
        ]);

        let options = RunOptions {
            plan: Some("19".into()),
            run_name: Some("Release night".into()),
            build_definition: Some("7".into()),
            release_definition: Some("3".into()),
            unread: None,
        };
        assert_eq!(line.project.as_deref(), Some("/srv/work/Shop/Shop.prj"));
        assert_eq!(
            line.target,
            CommandTarget::Suite("Test Suites/Smoke".into())
        );
        assert_eq!(line.execution_uuid.as_deref(), Some("4d2"));
        assert_eq!(line.options, options);

        let stored = serde_json::to_string(&line).unwrap();
        assert!(!stored.contains("not-to-be-kept"));
    }

    #[test]
    fn an_option_inside_a_text_for_a_shell_is_noticed() {
        let hidden = |arguments: &[&str]| hidden_option(arguments.iter().copied());
        let text = "cd /srv && katalonc -projectPath=/srv/Shop '-ADOPlanID=19' -apiKey=x";
        assert_eq!(hidden(&["-c", text]).as_deref(), Some("-ADOPlanID"));
        assert_eq!(
            hidden(&["/c", "katalonc -adoTestRunName \"Night\""]).as_deref(),
            Some("-adoTestRunName")
        );

        assert_eq!(
            hidden(&["-adoTestRunName", "Night with -adoPlanId=19"]),
            None
        );
        // What is an option itself is read by whoever runs it.
        assert_eq!(
            hidden(&["-testSuitePath=Test Suites/A -adoPlanId=19"]),
            None
        );
        assert_eq!(
            hidden(&[
                "-adoPlanId=19",
                "-testSuitePath=Test Suites/A -adoPlanId=19",
                "-c",
                "katalonc -adoration"
            ]),
            None
        );
    }

    #[test]
    fn values_may_be_quoted_or_come_as_the_next_argument() {
        let line = CommandLine::read([
            "-projectPath",
            r"C:\work\Shop",
            r#"-testSuiteCollectionPath="Test Suites\All.ts""#,
            "-adoPlanID",
            "-noSplash",
            "-adoTestRunName=",
        ]);
        assert_eq!(line.project.as_deref(), Some(r"C:\work\Shop"));
        assert_eq!(
            line.target,
            CommandTarget::Collection("Test Suites/All".into())
        );
        assert_eq!(line.options, RunOptions::default());
    }

    #[test]
    fn a_suite_of_its_own_and_a_member_of_a_collection_are_told_apart() {
        let suite = CommandTarget::Suite("Test Suites/Smoke".into());
        let collection = CommandTarget::Collection("Test Suites/All".into());
        let member = Membership::Of("Test Suites/All".into());
        let member_of_another = Membership::Of("Test Suites/Other".into());

        assert!(suite.covers("test suites/smoke", &Membership::Single));
        assert!(!suite.covers("Test Suites/Smoke", &member));
        assert!(collection.covers("Test Suites/Smoke", &member));
        assert!(collection.covers("Test Suites/Smoke", &Membership::OfUnnamed));
        assert!(!collection.covers("Test Suites/Smoke", &member_of_another));
        assert!(!collection.covers("Test Suites/Smoke", &Membership::Single));
        assert!(CommandTarget::Unnamed.covers("Test Suites/Smoke", &Membership::Single));
    }

    proptest! {
        #[test]
        fn nothing_but_what_is_named_for_ado_is_kept(name in "[a-zA-Z_]{1,12}", value in "[a-z0-9]{12,20}") {
            prop_assume!(!name.to_lowercase().starts_with("ado"));
            let known = ["projectpath", "testsuitepath", "testsuitecollectionpath", "executionuuid"];
            prop_assume!(!known.contains(&name.to_lowercase().as_str()));
            let argument = format!("-{name}={value}");
            let line = CommandLine::read(["-adoPlanId=1", argument.as_str(), "-x", value.as_str()]);
            prop_assert!(!serde_json::to_string(&line).unwrap().contains(&value));
        }
    }
}
