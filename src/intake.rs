//! From a run folder on disk to a snapshot: the run, its project's settings and ids, the overrides
//! of this machine.
//!
//! This is the last moment at which the project is read; what follows works from the snapshot
//! (invariant I3).

pub(crate) mod collection;
mod environment;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::blocking::Failed;
use crate::clock;
use crate::config::Config;
use crate::config::project_file::ProjectFile;
use crate::discovery::claim::KnownCommands;
use crate::discovery::run_identity::RunIdentity;
use crate::error_chain::chain;
use crate::katalon::run::SuiteRun;
use crate::katalon::secret::ProjectToken;
use crate::katalon::settings::AzureSettings;
use crate::plan::options::Options;
use crate::plan::overrides::{self, KatalonSubmits, Overrides};
use crate::plan::sensitive::looks_secret;
use crate::plan::snapshot::{CaseIds, Snapshot};
use crate::plan::{job_links, run_name};
use crate::server::{Server, ServerIdentity};
use crate::workspace::{self, ReadError};

/// How long after a change the settings may still be in the middle of a burst of changes.
const WRITING: Duration = Duration::from_secs(2);
/// How long settings that are cut are taken for being written.
const DAMAGED: Duration = Duration::from_secs(60);

/// A run with everything that its submission depends on.
#[derive(Clone, Debug)]
pub(crate) struct FinishedRun {
    /// The run, the settings in force and the ids.
    pub snapshot: Snapshot,
    /// What makes it this run; `None` when its log holds no record.
    pub identity: Option<RunIdentity>,
    /// On what terms it is submitted.
    pub standing: SubmissionTerms,
    /// The project's own token with the server it belongs to.
    pub token: Option<(ServerIdentity, SecretString)>,
}

/// What the settings said about submitting a run at the moment it was over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct SubmissionTerms {
    /// `enableIntegration`.
    pub enabled: bool,
    /// Whether automatic submission is on.
    pub auto_submit: bool,
    /// `katalon_submits = "always"`.
    pub left_to_katalon: bool,
    /// Whether Katalon may submit this run as well.
    pub katalon_may_submit: bool,
    /// Whether `kado exec` started it.
    #[serde(default)]
    pub claimed: bool,
}

/// A run folder cannot be taken in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IntakeError {
    /// The run or its project cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Katalon rewrites the settings at this moment; a look a little later finds them whole.
    #[error("the settings of `{}` are being written", .0.display())]
    SettingsInFlux(PathBuf),
    /// No project lies above the run.
    #[error("`{}` belongs to no Katalon project: no folder above it holds a `.prj` file", .0.display())]
    NoProject(PathBuf),
    /// Something in it was too much for kado.
    #[error(transparent)]
    Defect(#[from] Failed),
}

impl IntakeError {
    /// Whether the run or its project is not there, as opposed to being there and not readable.
    pub(crate) fn is_gone(&self) -> bool {
        match self {
            Self::NoProject(_) | Self::Read(ReadError::NoProject(_) | ReadError::NoRun(_)) => true,
            Self::Read(ReadError::Io { source, .. }) => {
                source.kind() == std::io::ErrorKind::NotFound
            }
            Self::SettingsInFlux(_) | Self::Defect(_) => false,
        }
    }
}

/// Reads a run folder and its project; `known` is what is known of the command that started the
/// run.
///
/// # Errors
/// When the folder is no run, belongs to no project, or holds a file that another program keeps for
/// itself.
pub(crate) fn take(
    folder: &Path,
    config: &Config,
    known: &KnownCommands,
) -> Result<FinishedRun, IntakeError> {
    let mut run = workspace::read_run(folder)?;
    let root = workspace::find_project_root(folder)
        .ok_or_else(|| IntakeError::NoProject(folder.to_owned()))?;
    let settings = workspace::read_azure_settings(&root)?;
    let given = known.of_run(&run, folder, &clock::host_name());
    // The command line is what the options of the run folder and of `console.properties` come
    // after.
    run.options = given.options.or(run.options);
    // A plan in the run's own folder is its command's; `console.properties` says what holds without
    // a command.
    let of_folder = || workspace::read_launch(folder).and_then(|launch| launch.options.plan);
    let unclear_plan = given.unclear_plan.filter(|_| of_folder().is_none());
    let mut taken = join(folder, run, &root, &settings, config)?;
    let options = &mut taken.snapshot.options;
    (options.unclear_options, options.unclear_plan) = (given.unclear_options, unclear_plan);
    if let Some(job) = &given.pipeline {
        let snapshot = &mut taken.snapshot;
        snapshot.run.warnings.extend(job_links::link(
            &mut snapshot.options,
            &snapshot.run.options,
            job,
        ));
    }
    taken.standing.claimed = given.claimed;
    Ok(taken)
}

/// Takes in again what a snapshot was made of, from the files and settings of today; `None` when
/// they are gone or hold another run by now.
///
/// # Errors
/// Why what is there cannot be read, in words for the person who asked.
pub(crate) fn take_again(
    snapshot: &Snapshot,
    config: &Config,
    known: &KnownCommands,
) -> Result<Option<FinishedRun>, String> {
    let folder = Path::new(&snapshot.folder);
    let taken = match snapshot.joined {
        None => match take(folder, config, known) {
            Err(error) if error.is_gone() => None,
            taken => Some(taken.map_err(|error| chain(&error))?),
        },
        Some(_) => collection::take_again(folder, config, known)?,
    };
    let place_in_time = |snapshot: &Snapshot| {
        (
            snapshot.run.suite.clone(),
            snapshot.identity().map(|run| run.started),
        )
    };
    Ok(taken.filter(|taken| place_in_time(&taken.snapshot) == place_in_time(snapshot)))
}

/// As [`take`], for a service that can wait: not while Katalon seems to be writing the settings. It
/// truncates the file and writes it anew for each key, so a file of this moment may be cut, and a
/// cut one is not believed until it has stayed so for a minute.
///
/// # Errors
/// As [`take`], and [`IntakeError::SettingsInFlux`].
pub(crate) fn take_settled(
    folder: &Path,
    config: &Config,
    known: &KnownCommands,
) -> Result<FinishedRun, IntakeError> {
    let root = workspace::find_project_root(folder)
        .ok_or_else(|| IntakeError::NoProject(folder.to_owned()))?;
    if let Some(modified) = workspace::azure_settings_modified(&root) {
        let now = clock::now();
        let age = now.since(modified);
        let damaged =
            || workspace::read_azure_settings(&root).is_ok_and(|settings| settings.damaged);
        // A time in the future says nothing about how old the file is.
        if modified <= now && (age < WRITING || (age < DAMAGED && damaged())) {
            return Err(IntakeError::SettingsInFlux(root));
        }
    }
    let now = clock::now();
    if workspace::project_file_modified(&root)
        .is_some_and(|modified| modified <= now && now.since(modified) < WRITING)
    {
        return Err(IntakeError::SettingsInFlux(root));
    }
    take(folder, config, known)
}

fn join(
    folder: &Path,
    run: SuiteRun,
    root: &Path,
    settings: &AzureSettings,
    config: &Config,
) -> Result<FinishedRun, IntakeError> {
    let own = ProjectFile::of(root, config);
    let overrides = config.overrides_over(root, &own);
    let mut run = run;
    let mut cases = cases_of(root, &mut run)?;
    run.warnings.extend(settings.warnings.iter().cloned());
    let options = options(settings, &overrides, own, &mut run);
    forget_values(&mut run, &mut cases);
    Ok(FinishedRun {
        identity: RunIdentity::of(&run),
        standing: SubmissionTerms {
            enabled: settings.enabled,
            auto_submit: overrides::auto_submit(settings, &overrides),
            left_to_katalon: overrides.katalon_submits == Some(KatalonSubmits::Always),
            katalon_may_submit: overrides::katalon_may_submit(settings, &overrides),
            claimed: false,
        },
        token: own_token(settings),
        snapshot: Snapshot {
            folder: folder.to_string_lossy().into_owned(),
            project_name: workspace::project_name(root),
            project_root: root.to_string_lossy().into_owned(),
            options,
            collection: workspace::collection_of(folder)
                .and_then(|collection| collection.report.id),
            joined: None,
            reruns: workspace::number_of_reruns(root, &run.suite),
            cases,
            run,
        },
    })
}

/// What the test cases of a run say of their ids; what is wrong with them is added to the warnings
/// of the run.
fn cases_of(root: &Path, run: &mut SuiteRun) -> Result<BTreeMap<String, CaseIds>, IntakeError> {
    let mut cases = BTreeMap::new();
    for test in &run.tests {
        if cases.contains_key(&test.id) {
            continue;
        }
        match workspace::read_test_case(root, &test.id) {
            Ok(Some(case)) => {
                cases.insert(
                    test.id.clone(),
                    CaseIds {
                        azure_ids: case.azure_ids,
                        defaults: case.variables,
                    },
                );
                run.warnings.extend(case.warnings);
            }
            // Such a test is left out with its reason when the submission is planned.
            Ok(None) => {}
            Err(error) if error.passes() => return Err(error.into()),
            Err(error) => run.warnings.push(format!("{}: {error}", test.id)),
        }
    }
    Ok(cases)
}

/// The settings in force for a run, with what only the machine of this moment knows.
fn options(
    settings: &AzureSettings,
    overrides: &Overrides,
    own: ProjectFile,
    run: &mut SuiteRun,
) -> Options {
    let mut options = overrides::effective(settings, overrides, &run.options);
    options.invalid_project_file = own.problem();
    options.api_version = own.api_version;
    let shown = environment::shown(&run_name::variables_in(&options.run_name));
    options.run_name.variables = shown.values;
    let in_file = own
        .warnings
        .into_iter()
        .map(|warning| format!("`{}`, {warning}", workspace::PROJECT_FILE));
    run.warnings.extend(in_file.chain(shown.warnings));
    options
}

fn own_token(settings: &AzureSettings) -> Option<(ServerIdentity, SecretString)> {
    let ProjectToken::Set(token) = &settings.token else {
        return None;
    };
    let server = Server::parse(settings.server_url.as_deref()?).ok()?;
    Some((server.identity().clone(), token.clone()))
}

/// Drops the values of variables that no id refers to, and of iterations that look like secrets: a
/// snapshot is stored, and test data can be secret.
fn forget_values(run: &mut SuiteRun, cases: &mut BTreeMap<String, CaseIds>) {
    for test in &mut run.tests {
        let names = cases.get(&test.id).map(variables_in).unwrap_or_default();
        test.variables.retain(|name, _| names.contains(name));
        if let Some(iteration) = &mut test.iteration {
            let variable = iteration.variable.clone();
            iteration.value = iteration
                .value
                .take()
                .filter(|value| !looks_secret(variable.as_deref(), value));
        }
    }
    for case in cases.values_mut() {
        let names = variables_in(case);
        case.defaults.retain(|name, _| names.contains(name));
    }
}

/// Names of the variables that the ids of a test case refer to.
fn variables_in(case: &CaseIds) -> BTreeSet<String> {
    let ids = case.azure_ids.as_deref().unwrap_or_default();
    ids.split("${")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0.trim().to_owned()))
        .collect()
}
