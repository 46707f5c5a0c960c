//! From the text of `kado.toml` to a [`Config`].

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use crate::config::section::{ConfigProblem, Problems, Section};
use crate::config::value_error::{ValueError, with_way_out};
use crate::config::{
    Access, Config, ProjectTables, Tables, identity, notify, proxy, status_page, values,
};
use crate::discovery::eligibility::{History, RunsFrom};
use crate::katalon::redaction::RedactPattern;
use crate::katalon::run::lifecycle::ABORT_AFTER;
use crate::plan::overrides::Overrides;
use crate::plan::run_name::{self, NamePattern};
use crate::secrets::TokenSource;
use crate::server::Server;
use crate::workspace;

/// `spool_limit` when the file does not say: 10 GiB.
pub(super) const DEFAULT_SPOOL_LIMIT: u64 = 10 << 30;

/// What the surroundings of the file add to it.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    /// The file itself.
    pub file: PathBuf,
    /// `state_dir` when the file does not say.
    pub state_dir: PathBuf,
    /// Whether a token for the machine is there besides `token_file`: a credential of the service
    /// manager or `$KADO_TOKEN`, by the name of its source.
    pub machine_token: Option<TokenSource>,
    /// Where the machine's token is kept by `kado service set-token`; only for the system's or the
    /// user's own file.
    pub token_store: Option<PathBuf>,
}

/// Reads a configuration.
///
/// # Errors
/// All problems of the file, by line.
pub(super) fn parse(text: &str, around: &Surroundings) -> Result<Config, Vec<ConfigProblem>> {
    // A mistake of syntax does not end the reading, or people would be told of one problem after
    // the other.
    let (document, syntax_errors) = DeTable::parse_recoverable(text);
    let mut problems = Problems::new(text);
    for error in syntax_errors {
        problems.add(error.span().unwrap_or(0..0), with_way_out(error.message()));
    }

    let mut reader = Reader {
        around,
        problems,
        warnings: Vec::new(),
    };
    let mut root = Section::new("", document.get_ref());
    let config = reader.config(&mut root);
    root.finish(&mut reader.problems);

    let problems = reader.problems.into_sorted();
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Config {
        warnings: reader.warnings,
        ..config
    })
}

struct Reader<'t, 's> {
    around: &'s Surroundings,
    problems: Problems<'t>,
    warnings: Vec<String>,
}

impl Reader<'_, '_> {
    fn config(&mut self, root: &mut Section<'_, '_>) -> Config {
        let watch = self.watch(root);
        let folder = self.folder().to_owned();
        let state_dir = root.read("state_dir", &mut self.problems, values::path);

        Config {
            file: Some(self.around.file.clone()),
            watch,
            state_dir: state_dir
                .map_or_else(|| self.around.state_dir.clone(), |path| self.path(&path)),
            // A machine may hold the runs of years, and installing kado must not submit them all.
            history: root
                .read("history", &mut self.problems, values::history)
                .unwrap_or(History::New),
            // Reports folders are committed to git, so there may be runs of machines that submit
            // them themselves.
            runs_from: root
                .read("runs_from", &mut self.problems, values::runs_from)
                .unwrap_or(RunsFrom::ThisHost),
            abort_after: root
                .read("abort_after", &mut self.problems, values::duration)
                .unwrap_or(ABORT_AFTER),
            overtaken: root
                .read("late", &mut self.problems, values::overtaken)
                .unwrap_or_default(),
            // Katalon's own integration never uploads such a run either.
            submit_aborted: root
                .read("submit_aborted", &mut self.problems, values::boolean)
                .unwrap_or(false),
            katalonc_options: root
                .read("katalonc_options", &mut self.problems, values::boolean)
                .unwrap_or(true),
            spool_limit: root
                .read("spool_limit", &mut self.problems, values::size)
                .unwrap_or(DEFAULT_SPOOL_LIMIT),
            redact: self.redact(root),
            status_page: status_page::read(root, &folder, &mut self.problems),
            notify: notify::read(root, &folder, &mut self.problems),
            machine: self.machine(root),
            projects: self.projects(root),
            warnings: Vec::new(),
        }
    }

    /// Reads `[redact]`. A pattern may be the word that it hides, so none is repeated in a message.
    fn redact(&mut self, root: &mut Section<'_, '_>) -> Vec<RedactPattern> {
        let Some(mut redact) = root.table("redact", &mut self.problems) else {
            return Vec::new();
        };

        let patterns = redact.read_hidden("patterns", &mut self.problems, values::redact_patterns);
        redact.finish(&mut self.problems);
        patterns.unwrap_or_default()
    }

    fn watch(&mut self, root: &mut Section<'_, '_>) -> Vec<PathBuf> {
        let folders = root.read("watch", &mut self.problems, |value| {
            values::list(value, values::path)
        });

        // A value that is no list at all is a problem already.
        let is_list_or_missing = root
            .raw("watch")
            .is_none_or(|value| value.get_ref().is_array());
        if folders.as_ref().is_none_or(Vec::is_empty) && is_list_or_missing {
            self.problems.add(
                0..0,
                "`watch` is missing or empty: name the folders that hold Katalon projects, such as \
                 watch = [\"/srv/agent/_work\"]",
            );
        }
        let folders = folders.unwrap_or_default();
        folders.iter().map(|path| self.path(path)).collect()
    }

    /// The machine's tables: only they have the token that was stored for the machine.
    fn machine(&mut self, root: &mut Section<'_, '_>) -> Tables {
        let mut tables = self.tables(root, self.around.machine_token.as_ref());
        tables.access.token_store = self.around.token_store.clone();
        tables
    }

    fn projects(&mut self, root: &mut Section<'_, '_>) -> Vec<ProjectTables> {
        let Some(value) = root.raw("project") else {
            return Vec::new();
        };
        let Some(items) = value.get_ref().as_array() else {
            self.problems
                .add(value.span(), "`project` must be written as [[project]]");
            return Vec::new();
        };

        let mut projects = Vec::new();
        for item in items {
            let DeValue::Table(table) = item.get_ref() else {
                self.problems
                    .add(item.span(), "`project` must be written as [[project]]");
                continue;
            };

            let mut section = Section::new("project", table);
            let path = section.read("path", &mut self.problems, values::path);
            // Before the path is judged, so that what is wrong in here is told together with a path
            // that is missing.
            let tables = self.tables(&mut section, None);
            section.finish(&mut self.problems);

            let Some(path) = path else {
                self.problems.add(
                    item.span(),
                    "`project.path` is missing: name the folder of the project",
                );
                continue;
            };

            let path = self.path(&path);
            projects.push(ProjectTables {
                resolved: workspace::resolved(&path),
                path,
                tables,
            });
        }
        projects
    }

    /// Reads `[azure]` and `[submit]` of the machine or of a `[[project]]`. `machine_token` is one
    /// that the machine has without a key of the file.
    fn tables(
        &mut self,
        section: &mut Section<'_, '_>,
        machine_token: Option<&TokenSource>,
    ) -> Tables {
        let mut tables = Tables::default();
        let azure_at = section.raw("azure").map_or(0..0, toml::Spanned::span);
        let mut names_server = false;
        if let Some(mut azure) = section.table("azure", &mut self.problems) {
            names_server = azure.raw("server_url").is_some();
            self.azure(&mut azure, &mut tables);
            azure.finish(&mut self.problems);
        }

        if let Some(mut submit) = section.table("submit", &mut self.problems) {
            self::submit(&mut submit, &mut self.problems, &mut tables.overrides);
            if let Some(name) = &tables.overrides.test_run_name {
                self.warnings.extend(run_name::unknown_in(name));
            }
            submit.finish(&mut self.problems);
        }

        let access = &tables.access;
        let name = section.name("azure");
        if access.identity.is_some() && access.token_file.is_some() {
            self.problems.add(
                azure_at.clone(),
                format!("`{name}` has both `token_file` and `identity`; keep one"),
            );
        }

        // A token without its server is one of which nobody could say where it may go (invariant
        // I10).
        let token = if access.identity.is_some() {
            Some("`identity`".to_owned())
        } else if access.token_file.is_some() {
            Some("`token_file`".to_owned())
        } else {
            machine_token.map(TokenSource::to_string)
        };

        // A server that is named and wrong is a problem of its own.
        if let Some(token) = token
            && !names_server
        {
            self.problems.add(
                azure_at,
                format!(
                    "a token ({token}) comes with its server: `{name}.server_url` is missing \
                     beside it"
                ),
            );
        }
        tables
    }

    fn azure(&mut self, azure: &mut Section<'_, '_>, tables: &mut Tables) {
        let problems = &mut self.problems;
        let server = azure.read_hidden("server_url", problems, |value| {
            let text = values::word(value)?;
            Server::parse(&text).map_err(ValueError::Server)
        });
        if let Some(server) = &server {
            let name = azure.name("server_url");
            for remark in [server.remark(), server.remark_on_host()]
                .into_iter()
                .flatten()
            {
                self.warnings.push(format!("`{name}`: {remark}"));
            }
        }

        let overrides = &mut tables.overrides;
        // As it is used and not as it was written: what stands behind the organization was cut off.
        overrides.server_url = server.map(|server| server.base().to_owned());
        overrides.project = azure.read("project", problems, values::word);
        overrides.automated = azure.read("automated", problems, values::boolean);
        overrides.max_attachment = azure.read("max_attachment", problems, values::size);

        let token_file = azure.read_hidden("token_file", problems, values::token_file);
        let ca_file = azure.read("ca_file", problems, values::path);
        let folder = self.folder().to_owned();
        tables.access = Access {
            identity: identity::read(azure, &folder, &mut self.problems),
            token_file: token_file.map(|path| self.path(&path)),
            ca_file: ca_file.map(|path| self.path(&path)),
            api_version: azure.read("api_version", &mut self.problems, values::api_version),
            proxy: azure.read_hidden("proxy", &mut self.problems, proxy::read),
            no_proxy: azure.read("no_proxy", &mut self.problems, proxy::exemptions),
            suppress_sign_in: azure.read("suppress_sign_in", &mut self.problems, values::boolean),
            expires: azure.read("expires", &mut self.problems, values::date),
            allow_http: azure.read("allow_http", &mut self.problems, values::boolean),
            token_store: None,
        };
    }

    /// A path of the file; a relative one starts at the folder of the file.
    fn path(&self, path: &str) -> PathBuf {
        self.folder().join(path)
    }

    /// The folder of the file.
    fn folder(&self) -> &Path {
        self.around.file.parent().unwrap_or(Path::new(""))
    }
}

/// Reads the keys of `[submit]`, of the machine's file and of a project's own.
pub(super) fn submit(
    submit: &mut Section<'_, '_>,
    problems: &mut Problems<'_>,
    overrides: &mut Overrides,
) {
    overrides.auto_submit = submit.read("auto_submit", problems, values::boolean);
    overrides.katalon_submits = submit.read("katalon_submits", problems, values::katalon_submits);
    overrides.live = submit.read("live", problems, values::boolean);
    overrides.collections = submit.read("collections", problems, values::collections);
    overrides.katalon_wait = submit.read("katalon_wait", problems, values::katalon_wait);
    overrides.give_up_files_after = submit.read("give_up_files_after", problems, values::pause);

    overrides.test_plans = submit.read("test_plans", problems, values::plan_choices);
    let name = submit.read("test_run_name", problems, values::run_name);
    overrides.test_run_name = name.map(|text| NamePattern {
        text,
        // Whoever writes this file decides over the machine, and so may show the environment of its
        // service.
        environment: true,
    });

    overrides.tags = submit.read("tags", problems, values::tags);
    overrides.ids_from = submit.read("ids_from", problems, values::id_sources);
    overrides.ids_pattern = submit.read("ids_pattern", problems, values::id_pattern);
    overrides.unmapped = submit.read("unmapped", problems, values::unmapped);

    overrides.build_definition = submit.read("build_definition", problems, values::definition);
    overrides.release_definition = submit.read("release_definition", problems, values::definition);
    overrides.release_stage = submit.read("release_stage", problems, values::word);
    overrides.automation = submit.read("automation_fields", problems, values::automation);

    overrides.attachments = submit.read("attachments", problems, |value| {
        values::list(value, values::file_kind)
    });
    overrides.attach = submit.read("attach", problems, values::sending);
    overrides.multiple_points = submit.read("multiple_points", problems, values::boolean);
    overrides.history_line = submit.read("history_line", problems, values::boolean);
    overrides.failure_type = submit.read("failure_type", problems, values::boolean);
    overrides.verify = submit.read("verify", problems, values::verify);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::run::FileKind;
    use crate::katalon::settings::SendingRule;
    use crate::plan::plan_choice::PlanChoice;

    fn around(machine_token: Option<TokenSource>) -> Surroundings {
        Surroundings {
            file: "/etc/kado/kado.toml".into(),
            state_dir: "/var/lib/kado".into(),
            machine_token,
            token_store: None,
        }
    }

    fn problems(text: &str) -> Vec<String> {
        parse(text, &around(None))
            .unwrap_err()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn one_line_is_a_whole_configuration() {
        let config = parse("watch = [\"work\"]", &around(None)).unwrap();
        assert_eq!(config.watch, [PathBuf::from("/etc/kado/work")]);
        assert_eq!(config.history, History::New);
        assert_eq!(config.runs_from, RunsFrom::ThisHost);
        assert_eq!(config.abort_after, ABORT_AFTER);
        assert_eq!(config.state_dir, PathBuf::from("/var/lib/kado"));
    }

    #[test]
    fn the_example_of_the_contract_is_read() {
        let text = r#"
            watch = ["/srv/agent/_work"]
            state_dir = "/var/lib/kado"
            history = "2026-01-01T00:00:00Z"
            runs_from = "any"
            abort_after = "90 min"
            [azure]
            server_url = "https://dev.azure.com/org"
            token_file = "/etc/kado/token"
            max_attachment = "60 MiB"
            [submit]
            test_plans = [18]
            attachments = ["LOG", "png"]
            attach = "all"
            [[project]]
            path = "/srv/agent/_work/1/s/shop"
            submit.test_plans = [19]
        "#;

        let config = parse(text, &around(None)).unwrap();
        assert_eq!(config.abort_after, std::time::Duration::from_secs(5400));
        assert!(matches!(config.history, History::Since(_)));

        let other = config.overrides(Path::new("/srv/agent/_work/2"));
        assert_eq!(other.test_plans, Some(vec![PlanChoice::Id(18)]));
        assert_eq!(other.attachments, Some(vec![FileKind::Log, FileKind::Png]));

        let shop = config.overrides(Path::new("/srv/agent/_work/1/s/shop/sub"));
        assert_eq!(shop.test_plans, Some(vec![PlanChoice::Id(19)]));
        assert_eq!(shop.attach, Some(SendingRule::All));

        let neighbour = config.overrides(Path::new("/srv/agent/_work/1/s/shopping"));
        assert_eq!(neighbour.test_plans, Some(vec![PlanChoice::Id(18)]));
    }

    #[test]
    fn all_problems_are_named_at_once_with_their_lines() {
        let text = "watch = [\"/w\"]\nhistory = \"soon\"\nabort_after = \"0s\"\n\
                    [azure]\nservr_url = \"x\"\n[submit]\ntest_plans = [0]\n\
                    katalon_wait = \"876000h\"\n";
        insta::assert_snapshot!(problems(text).join("\n"), @r#"
        line 2: `history` is `soon`; it must be "new", "all" or an instant such as "2026-01-31T00:00:00Z"
        line 3: `abort_after` is `0s`; it must be a duration such as "2h" or "90m"
        line 5: unknown key `azure.servr_url`; did you mean `azure.server_url`?
        line 7: `submit.test_plans` holds `0`; an item must be a positive number
        line 8: `submit.katalon_wait` is `876000h`; it must be a duration of at most an hour, such as "2m" or "0s"
        "#);
    }

    #[test]
    fn a_key_that_stands_one_table_too_deep_is_told_where_it_belongs() {
        let text = "watch = [\"/w\"]\n[azure]\nserver_url = \"https://dev.azure.com/org\"\n\
                    [azure.identity]\nkind = \"managed-identity\"\n\
                    authority_url = \"https://login.example\"\n";
        assert_eq!(
            problems(text),
            [
                "line 6: unknown key `azure.identity.authority_url`; `authority_url` belongs to \
                 `[azure]`"
            ]
        );
    }

    #[test]
    fn a_token_without_its_server_is_refused() {
        let problems = problems("watch = [\"/w\"]\n[azure]\ntoken_file = \"/t\"\n");
        assert_eq!(
            problems,
            [
                "line 2: a token (`token_file`) comes with its server: `azure.server_url` is missing \
              beside it"
            ]
        );
        assert!(parse("watch = [\"/w\"]", &around(Some(TokenSource::Environment))).is_err());
    }

    #[test]
    fn a_token_beside_a_wrong_server_is_no_second_problem() {
        let problems = problems(
            "watch = [\"/w\"]\n[azure]\ntoken_file = \"/t\"\nserver_url = \"http://h:8080/tfs\"\n",
        );
        assert_eq!(
            problems,
            [
                "line 4: `azure.server_url` is wrong: server url `http://h:8080/tfs` names no \
              collection; expected something like http://h:8080/tfs/DefaultCollection"
            ]
        );
    }

    #[test]
    fn a_file_that_is_not_toml_is_a_problem_with_a_line() {
        assert!(
            problems("watch = [\n")
                .iter()
                .any(|problem| problem.starts_with("line "))
        );
    }
}
