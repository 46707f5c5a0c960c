//! The project's own `kado.toml`, beside its `.prj`: settings that belong to the project and travel
//! with it.
//!
//! It is untrusted input, like everything inside a project. So it holds nothing that decides where
//! a token goes or how a server is reached, and names in it cannot use the environment of kado's
//! process. It is weaker than the machine's `kado.toml` and stronger than Katalon's settings.
//!
//! A key that is not read here is a warning. A value that is wrong is a problem, and parks the
//! project's runs: to go on without it could send them to another test plan than the one that
//! somebody tried to write down.

use std::path::Path;

use toml::de::DeTable;

use crate::config::section::{ConfigProblem, Problems, Section};
use crate::config::value_error::with_way_out;
use crate::config::{Config, file, values};
use crate::error_chain::chain;
use crate::plan::overrides::Overrides;
use crate::plan::run_name;
use crate::workspace;

/// Bytes of the file that are read.
const LARGEST: usize = 1024 * 1024;

/// What the file says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct ProjectFile {
    /// Settings of the project, stronger than Katalon's.
    pub overrides: Overrides,
    /// `azure.api_version`.
    pub api_version: Option<String>,
    /// What is not read or not filled in, by line.
    pub warnings: Vec<String>,
    /// What is wrong, by line; the runs of the project wait for somebody to correct it.
    pub problems: Vec<ConfigProblem>,
}

impl ProjectFile {
    /// Reads the file of the project at `root`; without one it says nothing. The machine's own
    /// configuration may lie at the same place, and is then no file of the project.
    pub(crate) fn of(root: &Path, config: &Config) -> Self {
        if config.file.as_deref() == Some(&*root.join(workspace::PROJECT_FILE)) {
            return Self::default();
        }
        Self::read(root)
    }

    /// As [`ProjectFile::of`], whatever the machine's configuration is.
    pub(crate) fn read(root: &Path) -> Self {
        match workspace::read_project_file(root) {
            Ok(None) => Self::default(),
            Ok(Some(bytes)) => match std::str::from_utf8(&bytes) {
                Ok(text) => Self::parse(text),
                Err(_) => Self::unreadable("save it as UTF-8, which it is not".to_owned()),
            },
            Err(error) => Self::unreadable(chain(&error)),
        }
    }

    fn unreadable(why: String) -> Self {
        Self {
            problems: vec![ConfigProblem { line: 0, text: why }],
            ..Self::default()
        }
    }

    /// Reads the text of the file. Never fails: what is wrong stands in the value.
    pub(crate) fn parse(text: &str) -> Self {
        if text.len() > LARGEST {
            return Self::unreadable(format!("it is larger than {LARGEST} bytes"));
        }

        let (document, syntax_errors) = DeTable::parse_recoverable(text);
        let mut problems = Problems::new(text);
        // A list of its own, because these park no run: a later kado may know the key.
        let mut unread = Problems::new(text);
        for error in syntax_errors {
            problems.add(error.span().unwrap_or(0..0), with_way_out(error.message()));
        }

        let mut root = Section::new("", document.get_ref());
        let mut file = Self::default();
        if let Some(mut azure) = root.table("azure", &mut problems) {
            file.azure(&mut azure, &mut problems);
            add_unread(&azure, &mut unread);
        }
        if let Some(mut submit) = root.table("submit", &mut problems) {
            file::submit(&mut submit, &mut problems, &mut file.overrides);
            add_unread(&submit, &mut unread);
        }
        add_unread(&root, &mut unread);

        file.problems = problems.into_sorted();
        file.warnings = unread
            .into_sorted()
            .iter()
            .map(ToString::to_string)
            .collect();
        file.name_without_environment();
        file
    }

    fn azure(&mut self, azure: &mut Section<'_, '_>, problems: &mut Problems<'_>) {
        self.overrides.project = azure.read("project", problems, values::word);
        self.overrides.automated = azure.read("automated", problems, values::boolean);
        self.overrides.max_attachment = azure.read("max_attachment", problems, values::size);
        // How a server is spoken to decides not where a token goes, so this may come from a
        // project.
        self.api_version = azure.read("api_version", problems, values::api_version);
    }

    /// Whoever can change a project must not be able to read the environment of a service.
    fn name_without_environment(&mut self) {
        if let Some(pattern) = &mut self.overrides.test_run_name {
            pattern.environment = false;
            self.warnings.extend(run_name::unknown_in(pattern));
        }
    }

    /// All problems in one text for a person; `None` without any.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.problems.is_empty() {
            return None;
        }

        let problems: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        Some(format!(
            "the `{}` of the project cannot be used: {}",
            workspace::PROJECT_FILE,
            problems.join("; ")
        ))
    }
}

/// Every key that was not asked for is named and ignored.
fn add_unread(section: &Section<'_, '_>, unread: &mut Problems<'_>) {
    for unknown in section.rest() {
        unread.add_with(unknown.at, || {
            let name = section.name(&unknown.key);
            let meant = section.meant(&unknown.key);
            format!(
                "`{name}` is not read from a project's `{}` and is ignored; {meant}; how a server \
                 is reached is set in the kado.toml of the machine",
                workspace::PROJECT_FILE
            )
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::plan_choice::PlanChoice;

    #[test]
    fn of_very_many_unknown_keys_the_first_are_told_and_the_others_counted() {
        let mut text = String::new();
        for number in 0..300 {
            text.push_str(&format!("key{number} = 1\n"));
        }

        let warnings = ProjectFile::parse(&text).warnings;

        assert_eq!(warnings.len(), 101);
        assert!(warnings[0].starts_with("line 1: `key0`"), "{}", warnings[0]);
        assert!(warnings[99].starts_with("line 100: `key99`"));
        assert_eq!(warnings[100], "… and 200 more problems");
    }

    #[test]
    fn a_key_that_is_no_key_is_shown_in_part() {
        let text = format!("{} = 1\n", "k".repeat(900_000));

        let warnings = ProjectFile::parse(&text).warnings;

        assert!(warnings[0].len() < 1000, "{} bytes", warnings[0].len());
    }

    #[test]
    fn a_file_that_is_too_large_to_be_one_is_not_read() {
        let file = ProjectFile::parse(&"# \n".repeat(400_000));

        assert_eq!(file.problems[0].text, "it is larger than 1048576 bytes");
    }

    #[test]
    fn more_test_plans_than_a_project_has_are_a_problem() {
        let plans: Vec<String> = (1..=101).map(|plan| plan.to_string()).collect();
        let text = format!("[submit]\ntest_plans = [{}]\n", plans.join(", "));

        let problems = ProjectFile::parse(&text).problems;

        assert!(
            problems[0]
                .text
                .contains("must hold at most 100 test plans")
        );
    }

    #[test]
    fn settings_of_the_project_are_read() {
        let file = ProjectFile::parse(
            "[azure]\nproject = \"Shop\"\napi_version = \"7.0\"\n\
             [submit]\ntest_plans = [18, 19]\nattach = \"all\"\n",
        );
        assert_eq!(file.problem(), None);
        assert_eq!(file.warnings, [""; 0]);
        assert_eq!(file.overrides.project.as_deref(), Some("Shop"));
        assert_eq!(
            file.overrides.test_plans,
            Some(vec![PlanChoice::Id(18), PlanChoice::Id(19)])
        );
        assert_eq!(file.api_version.as_deref(), Some("7.0"));
    }

    #[test]
    fn nothing_that_decides_where_a_token_goes_is_read() {
        let text = "watch = [\"/\"]\n\
                    [azure]\nserver_url = \"https://evil.example/x\"\n\
                    token_file = \"/etc/shadow\"\nproxy = \"http://evil.example\"\n\
                    ca_file = \"ca.pem\"\nallow_http = true\n\
                    [[project]]\npath = \"/\"\n";
        let file = ProjectFile::parse(text);
        assert_eq!(file.overrides, Overrides::default());
        assert_eq!(file.api_version, None);

        let named: Vec<_> = file
            .warnings
            .iter()
            .filter_map(|line| line.split('`').nth(1))
            .collect();
        assert_eq!(
            named,
            [
                "watch",
                "azure.server_url",
                "azure.token_file",
                "azure.proxy",
                "azure.ca_file",
                "azure.allow_http",
                "project"
            ]
        );
    }

    #[test]
    fn a_wrong_value_is_a_problem_and_an_unknown_key_is_none() {
        let file = ProjectFile::parse("[submit]\ntest_plans = [0]\nfuture = 1\n");
        assert_eq!(file.problems.len(), 1);
        let problem = file.problem().unwrap();
        assert!(
            problem.contains("line 2: `submit.test_plans` holds `0`; an item"),
            "{problem}"
        );
        assert!(
            file.warnings[0].starts_with("line 3: `submit.future` is not read"),
            "{file:?}"
        );
        assert!(ProjectFile::parse("[submit\n").problem().is_some());
    }

    #[test]
    fn a_name_of_the_project_cannot_use_the_environment() {
        let file = ProjectFile::parse("[submit]\ntest_run_name = \"{suite} {env:HOME}\"\n");
        assert!(!file.overrides.test_run_name.as_ref().unwrap().environment);
        assert!(file.warnings[0].contains("{env:HOME}"), "{file:?}");
    }
}
