//! The JSON of `kado inspect`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use serde::Serialize;

use crate::error_chain::chain;
use crate::katalon::azure_ids::{self, Resolved};
use crate::katalon::damage::Damage;
use crate::katalon::id_effort::IdEffort;
use crate::katalon::id_rule::IdRule;
use crate::katalon::id_source::IdSource;
use crate::katalon::project::Project;
use crate::katalon::run::difference::Difference;
use crate::katalon::run::lifecycle::RunState;
use crate::katalon::run::{FileKind, RunFile, SuiteRun, TestResult};
use crate::katalon::settings::{
    AzureSettings, ConfigurationRow, PlanReference, ProjectReference, SendingRule,
};
use crate::katalon::status::Status;
use crate::katalon::test_case::TestCase;
use crate::moment::Moment;
use crate::workspace::{self, ReadError};

/// `"kind": "run"`.
#[derive(Serialize)]
pub(super) struct RunView {
    kind: &'static str,
    pub state: RunState,
    pub suite: String,
    pub execution_uuid: Option<String>,
    pub started: Option<Moment>,
    pub ended: Option<Moment>,
    pub host: Option<String>,
    pub os: Option<String>,
    pub browser: Option<String>,
    pub profile: Option<String>,
    pub katalon_version: Option<String>,
    /// `None` where there is no log to tell it.
    pub katalon_status: Option<Status>,
    pub tests: Vec<TestView>,
    pub files: Vec<RunFile>,
    pub warnings: Vec<String>,
}

/// A final result.
#[derive(Serialize)]
pub(super) struct TestView {
    pub id: String,
    /// Number of the iteration; `None` when there is only one.
    pub iteration: Option<u32>,
    pub attempts: usize,
    pub status: Status,
    /// Start and end of the attempt that counts.
    pub started: Moment,
    pub ended: Option<Moment>,
    pub duration_ms: Option<u64>,
    pub message: Option<String>,
    pub stack_trace: Option<String>,
    /// Of all attempts, each once.
    pub attachments: Vec<String>,
    pub azure_ids: Vec<u32>,
    /// Where the ids stand, if that is not the integration tab.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<IdSource>,
}

impl RunView {
    /// The view of a run whose test cases are these.
    pub(super) fn of(run: SuiteRun, state: RunState, mut cases: TestCases) -> Self {
        let mut warnings: Vec<String> = run.damage.iter().map(Damage::to_string).collect();
        warnings.extend(run.differences.iter().map(Difference::to_string));
        warnings.extend(run.warnings);
        if cases.root.is_none() {
            warnings.push(
                "there is no Katalon project above this folder, so no ADO ids are known".to_owned(),
            );
        }

        // Several executions of a test case have the same problem: it is shown once.
        let mut shown = BTreeSet::new();
        let mut tests = Vec::new();
        for test in run.tests {
            let ids = cases.ids(&test);
            for warning in &ids.warnings {
                if shown.insert(warning.clone()) {
                    warnings.push(warning.clone());
                }
            }

            tests.push(TestView::of(test, run.last_record, ids));
        }

        Self {
            kind: "run",
            state,
            suite: run.suite,
            execution_uuid: run.execution_uuid,
            // A log without a record says nothing about the status; the default would look like
            // one.
            katalon_status: run.last_record.map(|_| run.status),
            started: run.started,
            ended: run.ended,
            host: run.environment.host,
            os: run.environment.os,
            browser: run.environment.browser,
            profile: run.environment.profile,
            katalon_version: run.environment.katalon_version,
            tests,
            files: run.files,
            warnings,
        }
    }
}

impl TestView {
    /// The view of a test. One that never ended lasted until the run's last record, as it does in
    /// Katalon's own report.
    fn of(test: TestResult, last_record: Option<Moment>, ids: IdsOfTest) -> Self {
        let mut attachments: Vec<String> = Vec::new();
        for attempt in &test.attempts {
            for path in &attempt.attachments {
                if !attachments.contains(path) {
                    attachments.push(path.clone());
                }
            }
        }

        // Of several attempts the last one counts, as in Katalon's own report.
        let last = test.last();
        let duration = last
            .ended
            .or(last_record)
            .map(|ended| ended.since(last.started));

        Self {
            iteration: test.iteration.as_ref().map(|iteration| iteration.number),
            attempts: test.attempts.len(),
            status: last.status,
            started: last.started,
            ended: last.ended,
            duration_ms: duration
                .map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
            message: last.message.clone(),
            stack_trace: last.stack_trace.clone(),
            attachments,
            azure_ids: ids.ids,
            source: ids.source,
            id: test.id,
        }
    }
}

/// The test cases of a project, each read when the run names it first.
pub(super) struct TestCases {
    root: Option<PathBuf>,
    rule: IdRule,
    effort: IdEffort,
    by_id: HashMap<String, Result<Option<TestCase>, ReadError>>,
}

/// The ids of a test, and what is wrong with them and with the file that holds them.
#[derive(Default)]
struct IdsOfTest {
    ids: Vec<u32>,
    source: Option<IdSource>,
    warnings: Vec<String>,
}

impl TestCases {
    /// The test cases of the project at `root`, with their ids from where the rule says.
    pub(super) fn of(root: Option<PathBuf>, rule: IdRule) -> Self {
        Self {
            root,
            rule,
            effort: IdEffort::of_reading(),
            by_id: HashMap::new(),
        }
    }

    fn ids(&mut self, test: &TestResult) -> IdsOfTest {
        let Some(root) = &self.root else {
            return IdsOfTest::default();
        };

        let case = self.by_id.entry(test.id.clone()).or_insert_with(|| {
            let mut read = workspace::read_test_case(root, &test.id);
            if let Ok(Some(case)) = &mut read {
                self.rule.apply(case, &mut self.effort);
            }
            read
        });
        match case {
            Ok(Some(case)) => ids_of(test, case),
            Ok(None) => IdsOfTest {
                warnings: vec![format!(
                    "`{}` has no test case file any more; renamed or deleted?",
                    test.id
                )],
                ..IdsOfTest::default()
            },

            Err(error) => IdsOfTest {
                warnings: vec![chain(error)],
                ..IdsOfTest::default()
            },
        }
    }
}

fn ids_of(test: &TestResult, case: &TestCase) -> IdsOfTest {
    let resolved = azure_ids::resolve(
        case.azure_ids.as_deref().unwrap_or_default(),
        &azure_ids::variables(Some(test), Some(case)),
    );
    let iteration = test.iteration.as_ref().map(|iteration| iteration.number);

    let mut warnings = case.warnings.clone();
    warnings.extend(problems(&test.id, iteration, &resolved));
    IdsOfTest {
        source: source_of(case),
        ids: resolved.ids,
        warnings,
    }
}

/// Where the ids of a test case stand, if that is not the integration tab.
fn source_of(case: &TestCase) -> Option<IdSource> {
    let is_told = case.azure_ids.is_some() && !case.source.is_integration();
    is_told.then_some(case.source)
}

fn problems(id: &str, iteration: Option<u32>, resolved: &Resolved) -> Vec<String> {
    let iteration = match iteration {
        Some(number) => format!(", iteration {number}"),
        None => String::new(),
    };

    resolved
        .problems
        .iter()
        .map(|problem| format!("`{id}`{iteration}: `{}`: {}", problem.text, problem.reason))
        .collect()
}

/// `"kind": "project"`.
#[derive(Serialize)]
pub(super) struct ProjectView {
    kind: &'static str,
    pub name: String,
    pub path: String,
    pub settings: SettingsView,
    pub test_cases: Vec<CaseView>,
    pub warnings: Vec<String>,
}

/// The Azure settings, without the token.
#[derive(Serialize)]
pub(super) struct SettingsView {
    pub enabled: bool,
    pub server_url: Option<String>,
    /// `set`, `unset` or `undecryptable`.
    pub token: &'static str,
    pub project: Option<ProjectReference>,
    pub test_plans: Vec<PlanReference>,
    pub configurations: Vec<ConfigurationRow>,
    pub status_mappings: BTreeMap<&'static str, String>,
    pub auto_submit: Option<bool>,
    pub multiple_points: Option<bool>,
    pub override_automation_fields: Option<bool>,
    pub test_run_name: Option<String>,
    pub build_definition: Option<u32>,
    pub release_definition: Option<u32>,
    pub include_attachments: Option<bool>,
    pub attach: Option<SendingRule>,
    pub attachments: Vec<FileKind>,
}

/// A test case.
#[derive(Serialize)]
pub(super) struct CaseView {
    pub id: String,
    pub azure_ids: Vec<u32>,
    /// Where the ids stand, if that is not the integration tab.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<IdSource>,
    /// What is written in the place of an id, where each run gives that.
    #[serde(skip)]
    pub given_by_run: Option<String>,
    pub warnings: Vec<String>,
}

impl ProjectView {
    /// The view of a project.
    pub(super) fn of(project: &Project) -> Self {
        let mut warnings = project.warnings.clone();
        for warning in &project.settings.warnings {
            warnings.push(format!("settings: {warning}"));
        }

        Self {
            kind: "project",
            name: project.name.clone(),
            path: project.root.display().to_string(),
            settings: SettingsView::of(&project.settings),
            test_cases: project.test_cases.iter().map(CaseView::of).collect(),
            warnings,
        }
    }
}

impl SettingsView {
    fn of(settings: &AzureSettings) -> Self {
        let mappings = settings.status_mappings.iter();

        Self {
            enabled: settings.enabled,
            server_url: settings.server_url.clone(),
            token: settings.token.word(),
            project: settings.project.clone(),
            test_plans: settings.test_plans.clone(),
            configurations: settings.configuration_rows.clone(),
            status_mappings: mappings
                .map(|(status, outcome)| (status.word(), outcome.clone()))
                .collect(),
            auto_submit: settings.auto_submit,
            multiple_points: settings.multiple_points,
            override_automation_fields: settings.override_automation_fields,
            test_run_name: settings.test_run_name.clone(),
            build_definition: settings.build_definition,
            release_definition: settings.release_definition,
            include_attachments: settings.include_attachments,
            attach: settings.sending,
            attachments: settings.attachment_kinds.clone(),
        }
    }
}

impl CaseView {
    fn of(case: &TestCase) -> Self {
        let raw = case.azure_ids.as_deref().unwrap_or_default();
        let mut resolved = azure_ids::resolve(raw, &azure_ids::variables(None, Some(case)));

        // What a suite binds to a variable is known only in a run.
        let found = resolved.problems.len();
        resolved
            .problems
            .retain(|problem| !names_a_variable_of(case, &problem.text));
        let is_given_by_run = resolved.ids.is_empty() && resolved.problems.len() < found;

        let mut warnings = case.warnings.clone();
        warnings.extend(problems(&case.id, None, &resolved));
        Self {
            id: case.id.clone(),
            azure_ids: resolved.ids,
            source: source_of(case),
            given_by_run: is_given_by_run.then(|| raw.to_owned()),
            warnings,
        }
    }
}

fn names_a_variable_of(case: &TestCase, part: &str) -> bool {
    let part = part.replace(' ', "");
    case.variables
        .keys()
        .any(|name| part.contains(&format!("${{{}}}", name.replace(' ', ""))))
}
