//! `kado inspect PATH`: what kado reads from a run folder or a project, without any network.
//!
//! For scripts it is the JSON of the product contract, section 6; for people a few lines and a
//! table. Neither shows the token, a value of a variable, or the value that names an iteration: all
//! of them can be secrets.

mod people;
mod views;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::cli::json;
pub use crate::cli::json::OutputForm;
use crate::cli::terminal::{Screen, Terminal};
use crate::clock;
use crate::config::Config;
use crate::config::project_file::ProjectFile;
use crate::door::{self, Kind};
use crate::intake;
use crate::katalon::id_rule::IdRule;
use crate::katalon::project::Project;
use crate::katalon::redaction::RedactPattern;
use crate::workspace;
use views::{ProjectView, RunView, TestCases};

/// What an inspection takes from the configuration.
#[derive(Debug)]
pub struct InspectTerms {
    /// How long a run without an end may be quiet before it counts as aborted.
    abort_after: Duration,
    /// The machine's configuration, where there is a good one.
    config: Option<Config>,
}

impl InspectTerms {
    /// Those of a configuration.
    pub(crate) fn of(config: Config) -> Self {
        Self {
            abort_after: config.abort_after,
            config: Some(config),
        }
    }

    /// Without a configuration.
    pub fn without_config(abort_after: Duration) -> Self {
        Self {
            abort_after,
            config: None,
        }
    }

    /// Where the ids of the test cases of a project stand.
    fn id_rule(&self, root: &Path) -> IdRule {
        let overrides = match &self.config {
            Some(config) => config.overrides_over(root, &ProjectFile::of(root, config)),
            None => ProjectFile::read(root).overrides,
        };
        overrides.id_rule()
    }

    /// What is hidden in texts.
    fn redact_patterns(&self) -> &[RedactPattern] {
        match &self.config {
            Some(config) => &config.redact,
            None => &[],
        }
    }
}

/// Writes what lies at `path`: a run folder or a file in it, a project's folder or its `.prj`.
///
/// # Errors
/// When `path` is none of these or cannot be read, and when `out` cannot be written.
pub fn inspect(
    path: &Path,
    terms: &InspectTerms,
    form: OutputForm,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    show(path, terms, form, &mut Screen::new(out, Terminal::pipe()))
}

/// The same on a screen.
pub(super) fn show(
    path: &Path,
    terms: &InspectTerms,
    form: OutputForm,
    out: &mut Screen<'_>,
) -> anyhow::Result<()> {
    let folder = folder_of(path)?;
    if workspace::is_run_folder(&folder) {
        let view = inspect_run(&folder, terms)?;
        return write(&view, form, out, people::run);
    }

    match workspace::read_project(&folder) {
        Ok(project) => {
            let view = inspect_project(project, terms);
            write(&view, form, out, people::project)
        }
        Err(workspace::ReadError::NoProject(_)) => bail!(
            "`{}` is neither a run folder nor a Katalon project; name a folder that holds \
             `execution0.log` or a `.prj` file",
            path.display()
        ),
        Err(error) => Err(error.into()),
    }
}

/// The folder itself, or that of a file.
fn folder_of(path: &Path) -> anyhow::Result<PathBuf> {
    let kind = door::kind_of_target(path)
        .with_context(|| format!("`{}` cannot be read", path.display()))?;
    let absolute = std::path::absolute(path)?;
    if kind == Kind::Folder {
        return Ok(absolute);
    }

    absolute
        .parent()
        .map(Path::to_owned)
        .with_context(|| format!("`{}` lies in no folder", path.display()))
}

fn write<V: serde::Serialize>(
    view: &V,
    form: OutputForm,
    out: &mut Screen<'_>,
    for_people: fn(&V, &mut Screen<'_>) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    if form == OutputForm::Json {
        json::print(view, out)
    } else {
        Ok(for_people(view, out)?)
    }
}

fn inspect_project(mut project: Project, terms: &InspectTerms) -> ProjectView {
    project.find_ids(&terms.id_rule(&project.root));

    let own_file = ProjectFile::read(&project.root);
    project.warnings.extend(own_file.problem());
    project.warnings.extend(own_file.warnings);

    ProjectView::of(&project)
}

fn inspect_run(folder: &Path, terms: &InspectTerms) -> anyhow::Result<RunView> {
    let mut run = workspace::read_run(folder)?;
    let root = workspace::find_project_root(folder);

    // A folder that vanished since counts as one without files.
    let listing = workspace::list_run_folder(folder).unwrap_or_default();
    let state = workspace::state_of(folder, &run, &listing, terms.abort_after, clock::now());

    let rule = root.as_deref().map(|root| terms.id_rule(root));
    intake::redact(&mut run, root.as_deref(), terms.redact_patterns())?;
    let cases = TestCases::of(root, rule.unwrap_or_default());
    Ok(RunView::of(run, state, cases))
}
