//! What is known of each Katalon project without asking Azure DevOps: by its files, which somebody
//! has to read first, and by what is recorded of its last run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config::Config;
use crate::config::project_file::ProjectFile;
use crate::file_names;
use crate::katalon::project::Project;
use crate::katalon::run::RunOptions;
use crate::katalon::settings::AzureSettings;
use crate::moment::Moment;
use crate::outbox::store::LastRun;
use crate::outbox::submission::SubmissionSummary;
use crate::plan::left_out::LeftOutKind;
use crate::plan::options::Options;
use crate::plan::overrides::{self, KatalonSubmits, Overrides};
use crate::plan::plan_choice::PlanChoice;
use crate::server::Server;
use crate::workspace;

/// A project, as scripts see it. What is `null` nobody knows yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct ProjectState {
    pub name: String,
    pub path: PathBuf,
    /// Of its last recorded run.
    pub katalon_version: Option<String>,
    pub integration: Option<Integration>,
    pub server_url: Option<String>,
    pub test_plans: Vec<PlanState>,
    /// Who submits its runs.
    pub submitted_by: Option<WhoSubmits>,
    pub test_cases: Option<usize>,
    /// Test cases with ADO ids.
    pub mapped: Option<usize>,
    /// Ids without a point, in the plan of its last run.
    pub without_point: Option<usize>,
    /// When its last recorded run ended.
    pub last_run_seen: Option<Moment>,
}

/// A test plan of a project.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct PlanState {
    pub id: Option<u32>,
    /// Its name where Katalon or kado.toml names it; else its id.
    pub name: String,
    pub url: Option<String>,
}

/// Whether the integration is switched on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Integration {
    On,
    Off,
    /// The settings cannot be read.
    Unreadable,
}

/// Who submits the runs of a project by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WhoSubmits {
    Kado,
    Katalon,
    /// kado, unless Katalon does.
    Either,
    Nobody,
}

/// What the files of a project say.
#[derive(Clone, Debug)]
pub(crate) struct ProjectContent {
    name: String,
    integration: Integration,
    server_url: Option<String>,
    test_plans: Vec<PlanState>,
    submitted_by: WhoSubmits,
    test_cases: usize,
    mapped: usize,
}

impl ProjectContent {
    /// Reads the files of the project at `root`, its test cases as well, which may take long;
    /// `None` where there is no project any more.
    pub(crate) fn read(root: &Path, config: &Config) -> Option<Self> {
        let mut project = workspace::read_project(root).ok()?;
        let own_file = ProjectFile::of(root, config);
        let overrides = config.overrides_over(root, &own_file);
        project.find_ids(&overrides.id_rule());

        let is_readable =
            workspace::read_azure_settings(root).is_ok() && project.settings.damage.is_none();
        let integration = match (is_readable, project.settings.enabled) {
            (false, _) => Integration::Unreadable,
            (true, true) => Integration::On,
            (true, false) => Integration::Off,
        };

        let options = overrides::effective(&project.settings, &overrides, &RunOptions::default());
        Some(Self {
            integration,
            submitted_by: submitter(&project.settings, &overrides, integration),
            test_plans: plans(&project, &options),
            server_url: options.server_url,
            test_cases: project.test_cases.len(),
            mapped: project
                .test_cases
                .iter()
                .filter(|case| case.azure_ids.is_some())
                .count(),
            name: project.name,
        })
    }
}

/// Who submits by itself.
fn submitter(
    settings: &AzureSettings,
    overrides: &Overrides,
    integration: Integration,
) -> WhoSubmits {
    if integration != Integration::On {
        return WhoSubmits::Nobody;
    }
    if overrides.katalon_submits == Some(KatalonSubmits::Always) {
        return WhoSubmits::Katalon;
    }

    let kado_submits = overrides::auto_submit(settings, overrides);
    match (
        kado_submits,
        overrides::katalon_may_submit(settings, overrides),
    ) {
        (true, true) => WhoSubmits::Either,
        (true, false) => WhoSubmits::Kado,
        (false, true) => WhoSubmits::Katalon,
        (false, false) => WhoSubmits::Nobody,
    }
}

/// The test plans of the settings, with their names as Katalon remembers them.
fn plans(project: &Project, options: &Options) -> Vec<PlanState> {
    let mut plans = Vec::new();
    for choice in &options.plans {
        let id = match choice {
            PlanChoice::Id(id) => Some(*id),
            PlanChoice::Name(_) | PlanChoice::Described(_) | PlanChoice::OfRun(_) => None,
        };
        let remembered = project
            .settings
            .test_plans
            .iter()
            .find(|plan| Some(plan.id) == id)
            .and_then(|plan| plan.name.clone());

        plans.push(PlanState {
            id,
            name: match (id, remembered) {
                (Some(id), Some(name)) => format!("{name} ({id})"),
                _ => choice.to_string(),
            },
            url: id.and_then(|id| plan_url(options, id)),
        });
    }
    plans
}

/// Where a person sees a test plan.
fn plan_url(options: &Options, plan: u32) -> Option<String> {
    let server = Server::parse(options.server_url.as_ref()?).ok()?;
    let mut url = url::Url::parse(server.base()).ok()?;
    url.path_segments_mut()
        .ok()?
        .push(options.project.as_ref()?)
        .extend(["_testPlans", "execute"]);
    url.query_pairs_mut()
        .append_pair("planId", &plan.to_string());
    Some(url.into())
}

/// What is known of each project that was found, by its files as far as they were read, and by its
/// last run.
pub(crate) fn states(
    roots: &[PathBuf],
    read: &HashMap<PathBuf, ProjectContent>,
    last_runs: &[LastRun],
    rows: &[SubmissionSummary],
) -> Vec<ProjectState> {
    let by_root: HashMap<&str, &LastRun> = last_runs
        .iter()
        .map(|last| (last.root.as_str(), last))
        .collect();
    let by_id: HashMap<i64, &SubmissionSummary> = rows.iter().map(|row| (row.id, row)).collect();

    let mut states = Vec::new();
    for root in roots {
        let last = by_root.get(file_names::key(root).as_str()).copied();
        let of_last = last.iter().flat_map(|last| &last.submissions);
        let of_last: Vec<_> = of_last.filter_map(|id| by_id.get(id).copied()).collect();
        states.push(state(root, read.get(root), last, &of_last));
    }
    states
}

fn state(
    root: &Path,
    files: Option<&ProjectContent>,
    last: Option<&LastRun>,
    rows: &[&SubmissionSummary],
) -> ProjectState {
    let folder = root.file_name().unwrap_or_default().to_string_lossy();
    let name = files
        .map(|files| files.name.clone())
        .or_else(|| last.map(|last| last.project.clone()))
        .unwrap_or_else(|| folder.into_owned());
    let missing = rows.iter().map(|row| {
        row.skipped
            .iter()
            .filter(|left_out| left_out.kind == LeftOutKind::NoPoint)
            .count()
    });

    ProjectState {
        name,
        path: root.to_owned(),
        katalon_version: last.and_then(|last| last.katalon_version.clone()),
        integration: files.map(|files| files.integration),
        server_url: files.and_then(|files| files.server_url.clone()),
        test_plans: files
            .map(|files| files.test_plans.clone())
            .unwrap_or_default(),
        submitted_by: files.map(|files| files.submitted_by),
        test_cases: files.map(|files| files.test_cases),
        mapped: files.map(|files| files.mapped),
        without_point: missing.max(),
        last_run_seen: last.and_then(|last| last.ended),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_test_plan_survives_any_project_name() {
        let overrides = Overrides {
            server_url: Some("https://dev.azure.com/org".to_owned()),
            project: Some("Shop / 店?".to_owned()),
            ..Overrides::default()
        };
        let settings = AzureSettings::default();
        let options = overrides::effective(&settings, &overrides, &RunOptions::default());

        assert_eq!(
            plan_url(&options, 18).unwrap(),
            "https://dev.azure.com/org/Shop%20%2F%20%E5%BA%97%3F/_testPlans/execute?planId=18"
        );
    }

    #[test]
    fn of_a_project_that_nobody_read_only_its_folder_is_known() {
        let states = states(&[PathBuf::from("/w/shop")], &HashMap::new(), &[], &[]);

        assert_eq!(states.len(), 1);
        assert_eq!(states[0].name, "shop");
        assert_eq!(states[0].integration, None);
    }
}
