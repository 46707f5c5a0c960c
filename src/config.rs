//! `kado.toml`: what an administrator sets for a machine.
//!
//! Reading collects *all* problems with their positions before it gives up; an unknown key is a
//! problem too. A configuration that was read is complete: whoever holds a [`Config`] asks neither
//! the environment nor the disk for more. Tokens are not part of it, only the places where they lie
//! (see [`crate::secrets`]).

pub(crate) mod expiry;
mod file;
pub(crate) mod identity;
pub(crate) mod notify;
pub(crate) mod paths;
pub(crate) mod project_file;
pub(crate) mod proxy;
#[cfg(test)]
mod reference;
mod section;
pub(crate) mod status_page;
mod value_error;
mod values;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use section::nearest;
pub(crate) use values::day;

use jiff::civil::Date;

use crate::config::identity::Identity;
use crate::config::notify::NotifyRules;
use crate::config::project_file::ProjectFile;
use crate::config::proxy::{Exemption, ProxyUrl};
use crate::config::status_page::StatusPage;
use crate::discovery::eligibility::{History, RunsFrom};
use crate::file_names::is_in;
use crate::katalon::redaction::RedactPattern;
use crate::plan::overrides::Overrides;
use crate::secrets::{TokenOwner, TokenSources};
use crate::workspace;

/// Reads a machine's configuration that lies at no place: a door for `fuzzing`, which is part of no
/// program.
///
/// # Errors
/// All problems of the text.
#[cfg(any(test, fuzzing))]
pub(crate) fn of_text(text: &str) -> Result<Config, Vec<String>> {
    let around = file::Surroundings {
        file: PathBuf::from("kado.toml"),
        state_dir: PathBuf::from("state"),
        machine_token: None,
        token_store: None,
    };
    let config = file::parse(text, &around);
    config.map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// A validated configuration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Config {
    /// The file it was read from; `None` for the defaults of a machine without one.
    pub file: Option<PathBuf>,
    /// Folders that are searched for Katalon projects.
    pub watch: Vec<PathBuf>,
    /// Where outbox, spool and ledger lie.
    pub state_dir: PathBuf,
    /// Which finished runs the service submits.
    pub history: History,
    /// From which machines.
    pub runs_from: RunsFrom,
    /// How long an open run may be quiet before it counts as aborted.
    pub abort_after: Duration,
    /// Whether aborted runs are submitted.
    pub submit_aborted: bool,
    /// What becomes of a run whose points have a newer result already.
    pub overtaken: Overtaken,
    /// Whether `ado*` options are read from the command line of a katalonc that is running.
    pub katalonc_options: bool,
    /// Largest size of the spool, in bytes.
    pub spool_limit: u64,
    /// `redact.patterns`: what is hidden in texts before they are stored or sent.
    pub redact: Vec<RedactPattern>,
    /// `[status_page]`.
    pub status_page: StatusPage,
    /// `[notify]`; `None` where nobody is told.
    pub notify: Option<NotifyRules>,
    /// The tables `[azure]` and `[submit]`.
    pub machine: Tables,
    /// `[[project]]`: the same tables for the projects below a folder.
    pub projects: Vec<ProjectTables>,
    /// What is accepted and may not be what was meant, in words.
    pub warnings: Vec<String>,
}

/// What becomes of a run whose points have a newer result from kado (`late`): ADO would show the
/// older outcome as the latest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Overtaken {
    /// It needs a person.
    #[default]
    Park,
    /// It is sent all the same.
    Send,
}

/// The tables `[azure]` and `[submit]`, for the machine or for the projects below a folder.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tables {
    /// What overrides the project's own settings.
    pub overrides: Overrides,
    /// How the server is reached.
    pub access: Access,
}

/// How the server is reached; part of `[azure]`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Access {
    /// `azure.token_file`; always beside a `server_url`.
    pub token_file: Option<PathBuf>,
    /// `azure.api_version`.
    pub api_version: Option<String>,
    /// `azure.ca_file`: certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// `azure.identity`: an Entra identity in place of a token; always beside a `server_url`.
    pub identity: Option<Identity>,
    /// `azure.proxy`.
    pub proxy: Option<ProxyUrl>,
    /// `azure.no_proxy`: hosts that are reached without a proxy.
    pub no_proxy: Option<Vec<Exemption>>,
    /// `azure.suppress_sign_in`.
    pub suppress_sign_in: Option<bool>,
    /// `azure.expires`: the last day of the token or secret; nobody but a person knows it.
    pub expires: Option<Date>,
    /// `azure.allow_http`.
    pub allow_http: Option<bool>,
    /// Where `kado service set-token` keeps the token; only of the machine's own table.
    pub token_store: Option<PathBuf>,
}

/// The tables of one `[[project]]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ProjectTables {
    /// Projects in or below this folder.
    pub path: PathBuf,
    /// The same without links, as it was when the configuration was read.
    pub resolved: PathBuf,
    pub tables: Tables,
}

impl Access {
    /// Where the token of this table may lie.
    pub(crate) fn token_sources(&self, owner: TokenOwner) -> TokenSources<'_> {
        TokenSources {
            owner,
            store: self.token_store.as_deref(),
            file: self.token_file.as_deref(),
        }
    }
}

impl Config {
    /// The `[[project]]` that counts for a project folder: the one with the longest path. Links do
    /// not matter, so that a project has the same tables by whichever path it is reached.
    pub(crate) fn project_tables(&self, root: &Path) -> Option<&Tables> {
        // Most machines have none, and then the disk need not be asked.
        if self.projects.is_empty() {
            return None;
        }

        let resolved = workspace::resolved(root);
        let project = self
            .deepest_around(&resolved, |project| &project.resolved)
            // A path that leads nowhere now, such as one on a share that is away.
            .or_else(|| self.deepest_around(root, |project| &project.path))?;
        Some(&project.tables)
    }

    fn deepest_around(
        &self,
        root: &Path,
        path: fn(&ProjectTables) -> &Path,
    ) -> Option<&ProjectTables> {
        self.projects
            .iter()
            .filter(|project| is_in(root, path(project)))
            // By parts and not by letters: a long name is no deeper folder.
            .max_by_key(|project| path(project).components().count())
    }

    /// What overrides the settings of a project: its own table, key by key before the machine's.
    pub(crate) fn overrides(&self, root: &Path) -> Overrides {
        match self.project_tables(root) {
            Some(tables) => merge(&tables.overrides, &self.machine.overrides),
            None => self.machine.overrides.clone(),
        }
    }

    /// As [`Config::overrides`], with the project's own file behind the machine's.
    pub(crate) fn overrides_over(&self, root: &Path, project: &ProjectFile) -> Overrides {
        merge(&self.overrides(root), &project.overrides)
    }

    /// How the server of a project is reached. Token and identity are not merged: they come with
    /// their server.
    pub(crate) fn access(&self, root: &Path) -> Access {
        let machine = self.machine.access.clone();
        let Some(tables) = self.project_tables(root) else {
            return machine;
        };

        let project = tables.access.clone();
        Access {
            token_file: project.token_file,
            // A stored token is the machine's, and goes to the machine's server alone.
            token_store: None,
            identity: project.identity,
            expires: project.expires,
            api_version: project.api_version.or(machine.api_version),
            ca_file: project.ca_file.or(machine.ca_file),
            proxy: project.proxy.or(machine.proxy),
            no_proxy: project.no_proxy.or(machine.no_proxy),
            suppress_sign_in: project.suppress_sign_in.or(machine.suppress_sign_in),
            allow_http: project.allow_http.or(machine.allow_http),
        }
    }
}

/// Key by key the stronger of two tables. Every key is named, so that a new one is not forgotten.
fn merge(stronger: &Overrides, weaker: &Overrides) -> Overrides {
    let stronger = stronger.clone();
    let weaker = weaker.clone();

    Overrides {
        server_url: stronger.server_url.or(weaker.server_url),
        project: stronger.project.or(weaker.project),
        automated: stronger.automated.or(weaker.automated),
        max_attachment: stronger.max_attachment.or(weaker.max_attachment),
        auto_submit: stronger.auto_submit.or(weaker.auto_submit),
        katalon_submits: stronger.katalon_submits.or(weaker.katalon_submits),
        live: stronger.live.or(weaker.live),
        collections: stronger.collections.or(weaker.collections),
        katalon_wait: stronger.katalon_wait.or(weaker.katalon_wait),
        give_up_files_after: stronger.give_up_files_after.or(weaker.give_up_files_after),
        test_plans: stronger.test_plans.or(weaker.test_plans),
        test_run_name: stronger.test_run_name.or(weaker.test_run_name),
        build_definition: stronger.build_definition.or(weaker.build_definition),
        release_definition: stronger.release_definition.or(weaker.release_definition),
        release_stage: stronger.release_stage.or(weaker.release_stage),
        automation: stronger.automation.or(weaker.automation),
        tags: stronger.tags.or(weaker.tags),
        ids_from: stronger.ids_from.or(weaker.ids_from),
        ids_pattern: stronger.ids_pattern.or(weaker.ids_pattern),
        unmapped: stronger.unmapped.or(weaker.unmapped),
        attachments: stronger.attachments.or(weaker.attachments),
        attach: stronger.attach.or(weaker.attach),
        multiple_points: stronger.multiple_points.or(weaker.multiple_points),
        history_line: stronger.history_line.or(weaker.history_line),
        failure_type: stronger.failure_type.or(weaker.failure_type),
        verify: stronger.verify.or(weaker.verify),
    }
}
