//! From a run folder on disk to a [`FinishedRun`]: the run, the settings of its project, the ids of
//! its test cases, and what `kado.toml` says about all of them.
//!
//! This is the last time that the project is read, but for its token and the files that are
//! attached: what follows works from the snapshot (invariant I3). So nothing that ADO will be told
//! may be left to be looked up later, when the project may have changed or be gone.
//!
//! A file that cannot be read for the moment, because another program keeps it for itself, is an
//! error, and the run is read again later. Everything else that is wrong with a file is damage of
//! the run, or a warning where it is only odd, and costs only what stood in that file.

pub(crate) mod collection;
mod command;
mod environment;
mod refusal;
mod requested;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::blocking::Failed;
use crate::clock;
use crate::config::Config;
use crate::config::project_file::ProjectFile;
use crate::discovery::command_of_run::KnownCommands;
use crate::discovery::run_identity::RunIdentity;
use crate::door::{self, Refused};
use crate::error_chain::chain;
use crate::katalon::damage::{Damage, DamageKind};
use crate::katalon::id_effort::IdEffort;
use crate::katalon::id_rule::IdRule;
use crate::katalon::masked::MaskedValues;
use crate::katalon::redaction::{RedactPattern, Redaction};
use crate::katalon::remarks::Remarks;
use crate::katalon::run::{SuiteRun, VariableValue};
use crate::katalon::secret::ProjectToken;
use crate::katalon::settings::AzureSettings;
use crate::moment::Moment;
use crate::plan::hidden;
use crate::plan::options::Options;
use crate::plan::overrides::{self, KatalonSubmits, Overrides};
use crate::plan::run_name;
use crate::plan::sensitive::looks_secret;
use crate::plan::snapshot::{CaseIds, Snapshot};
use crate::server::{Server, ServerIdentity};
use crate::workspace::{self, GrowingLog, Location, ReadError, RunReader};

pub(crate) use refusal::RunRefusal;
pub(crate) use requested::{read_again, read_ended, read_requested};

/// Bytes of a run that are stored. One at every limit of what is read of it takes less; the
/// defaults of its test cases have none together.
const LONGEST_STORED: u64 = 64 << 20;
/// How long a run without an end must be still before a person's command takes it as aborted. The
/// service waits longer (`abort_after`): nobody told it that the run is over.
const STILL_WITHOUT_END: Duration = Duration::from_secs(60);
/// How long after a change the settings may still be in the middle of a burst of changes.
const BURST: Duration = Duration::from_secs(2);
/// How long settings that are cut off are believed to be in the middle of being written.
const CUT_OFF: Duration = Duration::from_secs(60);

/// What was read from a run folder that is over, with everything that its submission depends on.
#[derive(Clone, Debug)]
pub(crate) struct FinishedRun {
    /// The run, the settings in force and the ids.
    pub snapshot: Snapshot,
    /// Which run it is; `None` when its log holds no record that tells.
    pub identity: Option<RunIdentity>,
    /// When it was first seen to be over: it ended by then, whatever its log says.
    pub noticed: Moment,
    /// On what terms it is submitted.
    pub terms: SubmissionTerms,
    /// The project's own token, with the server that it belongs to.
    pub token: Option<(ServerIdentity, SecretString)>,
}

/// What the settings said about submitting a run at the moment it was over. Stored with the members
/// of collections: what is added here needs a `serde` default.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct SubmissionTerms {
    /// `enableIntegration`.
    pub enabled: bool,
    /// Whether there is no file of settings that would say it.
    #[serde(default)]
    pub lacks_settings: bool,
    /// Whether automatic submission is on.
    pub auto_submit: bool,
    /// `katalon_submits = "always"`.
    pub left_to_katalon: bool,
    /// Whether Katalon may submit this run as well.
    pub katalon_may_submit: bool,
    /// Whether `kado exec` started it.
    #[serde(default)]
    pub claimed: bool,
    /// Whether `kado exec` wants the suite shown while it runs.
    #[serde(default)]
    pub live: bool,
}

/// Why a run folder cannot be read with its project.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IntakeError {
    /// The run or its project cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The project's settings are there and cannot be read, which waiting does not mend.
    #[error(
        "{}, so it is not known what is to be submitted, and where; make it a file that the account \
         of kado may read, and kado reads the runs of this project by itself",
        chain(.0)
    )]
    Settings(ReadError),
    /// Somebody writes the settings at this moment; a look a little later finds them whole.
    #[error("the settings of `{}` are being written", .0.display())]
    SettingsInFlux(PathBuf),
    /// No project lies above the run.
    #[error("`{}` belongs to no Katalon project: no folder above it holds a `.prj` file", .0.display())]
    NoProject(PathBuf),
    /// What would be stored of the run is too much.
    #[error(
        "what kado would store of the run has {} MiB, and at most {} MiB of one are stored; less test \
         data in its variables and names, or fewer tests in the suite, mend it", size >> 20, LONGEST_STORED >> 20
    )]
    TooLarge {
        /// Its size in bytes.
        size: u64,
    },
    /// kado failed on what somebody put into the folder.
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
            Self::Settings(_)
            | Self::SettingsInFlux(_)
            | Self::TooLarge { .. }
            | Self::Defect(_) => false,
        }
    }

    /// Whether it passes by itself: somebody writes a file, holds it for itself, is about to delete
    /// the folder, or made another in its place.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::SettingsInFlux(_) => true,
            Self::Read(ReadError::Io { source, .. }) => {
                door::is_held(source)
                    || source.kind() == std::io::ErrorKind::NotFound
                    || matches!(door::refused(source), Some(Refused::OtherFolder(_)))
            }
            Self::Settings(_)
            | Self::Read(_)
            | Self::NoProject(_)
            | Self::TooLarge { .. }
            | Self::Defect(_) => false,
        }
    }
}

/// Reads a run folder and its project; `commands` is what is known of the commands that may have
/// started the run. `reader` may have parsed its log before.
///
/// # Errors
/// When the folder is no run, belongs to no project, or holds a file that another program keeps for
/// itself.
pub(crate) fn read(
    location: &Location,
    reader: &RunReader,
    config: &Config,
    commands: &KnownCommands,
) -> Result<FinishedRun, IntakeError> {
    let run = reader.read(location)?;
    read_with_project(location, run, config, commands)
}

/// Reads a suite that still runs and its project, as [`read_settled`] will when it is over; planned
/// tests that have not started are open. `log` is what was read of its log before.
///
/// # Errors
/// As [`read_settled`].
pub(crate) fn read_running(
    location: &Location,
    log: &mut GrowingLog,
    config: &Config,
    commands: &KnownCommands,
) -> Result<FinishedRun, IntakeError> {
    refuse_unsettled(location)?;

    let run = workspace::read_running(location, log)?;
    read_with_project(location, run, config, commands)
}

/// Reads what the project of a run says.
fn read_with_project(
    location: &Location,
    mut run: SuiteRun,
    config: &Config,
    commands: &KnownCommands,
) -> Result<FinishedRun, IntakeError> {
    let root = root_of(location)?;
    let settings = settings_of(root)?;

    // Before `with_settings`, which lays the options of the run over the settings: those of its
    // command are the strongest of all.
    let command = command::take_options(&mut run, &location.folder, commands);
    let mut finished = with_settings(location, run, root, settings, config)?;
    command::apply(command, &mut finished);

    let size = stored_size(&finished.snapshot);
    if size > LONGEST_STORED {
        return Err(IntakeError::TooLarge { size });
    }
    Ok(finished)
}

/// Bytes that a run takes in the outbox.
pub(crate) fn stored_size(snapshot: &Snapshot) -> u64 {
    let mut counter = Counter(0);
    // What cannot be written fails where it is stored.
    let _ = serde_json::to_writer(&mut counter, snapshot);
    counter.0
}

/// Counts the bytes that are written to it.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As [`read`], for a service that can wait: not while somebody seems to be writing the settings.
///
/// # Errors
/// As [`read`], and [`IntakeError::SettingsInFlux`].
pub(crate) fn read_settled(
    location: &Location,
    reader: &RunReader,
    config: &Config,
    commands: &KnownCommands,
) -> Result<FinishedRun, IntakeError> {
    refuse_unsettled(location)?;
    read(location, reader, config, commands)
}

/// The settings of a project, of which nothing is guessed where they are there and cannot be read.
fn settings_of(root: &Path) -> Result<AzureSettings, IntakeError> {
    workspace::read_azure_settings(root).map_err(|error| match error {
        ReadError::Io { source, path } if door::is_held(&source) => {
            IntakeError::Read(ReadError::Io { source, path })
        }
        error => IntakeError::Settings(error),
    })
}

fn root_of(location: &Location) -> Result<&Path, IntakeError> {
    match &location.root {
        Some(root) => Ok(root),
        None => Err(IntakeError::NoProject(location.folder.clone())),
    }
}

/// # Errors
/// When the run lies in no project, and while somebody seems to be writing the settings of that.
fn refuse_unsettled(location: &Location) -> Result<(), IntakeError> {
    let root = root_of(location)?;
    if settings_are_in_flux(root, clock::now()) {
        return Err(IntakeError::SettingsInFlux(root.to_owned()));
    }
    Ok(())
}

/// Whether a project's settings seem to be written at this moment. Katalon truncates its file and
/// writes it anew for each key, so a file of this moment may be cut off; and one that is cut off,
/// or lacks what Katalon writes at its end, is not believed until it has stayed so for a minute.
fn settings_are_in_flux(root: &Path, now: Moment) -> bool {
    if let Some(age) = workspace::azure_settings_modified(root).and_then(|at| age(at, now)) {
        if age < BURST {
            return true;
        }
        if age < CUT_OFF
            && workspace::read_azure_settings(root)
                .is_ok_and(|settings| settings.damage.is_some() || settings.doubt.is_some())
        {
            return true;
        }
    }

    workspace::project_file_modified(root)
        .and_then(|at| age(at, now))
        .is_some_and(|age| age < BURST)
}

/// How long ago something was; `None` of a time in the future, which says nothing.
fn age(then: Moment, now: Moment) -> Option<Duration> {
    (then <= now).then(|| now.since(then))
}

/// A run with what its project says of it, as far as that may be stored.
fn with_settings(
    location: &Location,
    mut run: SuiteRun,
    root: &Path,
    mut settings: AzureSettings,
    config: &Config,
) -> Result<FinishedRun, IntakeError> {
    let project_file = ProjectFile::of(root, config);
    let overrides = config.overrides_over(root, &project_file);

    let ReadCases { ids, masked } = cases_of(root, &overrides.id_rule(), &mut run)?;
    let mut entered = ids.values().filter(|case| case.source.is_integration());
    if entered.any(|case| case.azure_ids.is_some()) {
        settings.note_ids();
    }
    run.damage.extend(settings.damage.clone());
    run.warnings.extend(settings.warnings.iter().cloned());
    let options = options_of(&settings, &overrides, project_file, &mut run);
    forget_values(&mut run, &ids);

    let reruns = workspace::number_of_reruns(root, &run.suite).unwrap_or_else(|error| {
        let file = format!("{}.ts", run.suite);
        let error = error.to_string();
        run.damage
            .push(Damage::of(&file, DamageKind::Unreadable { error }));
        None
    });

    let collection = location
        .collection
        .as_ref()
        .and_then(|collection| collection.report.id.clone());
    let mut snapshot = Snapshot {
        folder: location.folder.to_string_lossy().into_owned(),
        folder_id: location.id,
        project_name: workspace::project_name(root),
        project_root: root.to_string_lossy().into_owned(),
        options,
        collection,
        joined: None,
        reruns,
        cases: ids,
        hidden: Vec::new(),
        run,
    };

    // The last word about texts: what follows stores them.
    hide(&Redaction::new(&config.redact, &masked), &mut snapshot);
    Ok(FinishedRun {
        identity: RunIdentity::of(&snapshot.run),
        noticed: clock::now(),
        terms: SubmissionTerms {
            // What nobody knows is not switched off: such a run is parked.
            enabled: settings.enabled || settings.is_undecided(),
            lacks_settings: settings.is_missing,
            auto_submit: overrides::auto_submit(&settings, &overrides),
            left_to_katalon: overrides.katalon_submits == Some(KatalonSubmits::Always),
            katalon_may_submit: overrides::katalon_may_submit(&settings, &overrides),
            claimed: false,
            live: false,
        },
        token: token_of(&settings),
        snapshot,
    })
}

/// Takes what is hidden out of the texts of a snapshot, and has it remember the pieces of its names
/// that are.
fn hide(redaction: &Redaction<'_>, snapshot: &mut Snapshot) {
    redaction.clean(&mut snapshot.run);
    let run_name = &mut snapshot.options.run_name;
    redaction.clean_text(&mut run_name.text);
    for value in run_name.variables.values_mut() {
        redaction.clean_text(value);
    }

    let mut hidden = redaction.pieces_of_names(&snapshot.run);
    if let Some(id) = &snapshot.collection {
        hidden::add(&mut hidden, redaction.pieces_of(id));
    }
    hide_in_cases(redaction, &mut snapshot.cases, &mut hidden);
    snapshot.hidden = hidden;
}

/// The same for what test cases say of their ids: what is no id is repeated to whoever entered it,
/// so it is stored as it is and hidden where it is sent.
fn hide_in_cases(
    redaction: &Redaction<'_>,
    cases: &mut BTreeMap<String, CaseIds>,
    hidden: &mut Vec<String>,
) {
    for case in cases.values_mut() {
        if let Some(damage) = &mut case.damage {
            redaction.clean_damage(damage);
            hidden::add(hidden, redaction.pieces_of(&damage.file));
        }
        if let Some(ids) = &case.azure_ids {
            hidden::add(hidden, redaction.pieces_of(ids));
        }
    }
}

/// What was read of the test cases of a run.
struct ReadCases {
    /// What they say of their ids.
    ids: BTreeMap<String, CaseIds>,
    /// Values that Katalon masks.
    masked: MaskedValues,
}

/// Reads the test cases of a run; what is wrong with them is added to the warnings of the run.
fn cases_of(root: &Path, rule: &IdRule, run: &mut SuiteRun) -> Result<ReadCases, IntakeError> {
    let mut masked = std::mem::take(&mut run.masked);
    let mut masked_names = HashMap::new();
    let mut cases = BTreeMap::new();
    let mut warnings = Remarks::default();
    let mut effort = IdEffort::of_reading();
    for test in &run.tests {
        // One test case may run many times: with other data, or again after a failure.
        if cases.contains_key(&test.id) {
            continue;
        }

        // A test without a file is left out with its reason when the submission is planned.
        let Some(mut case) = workspace::read_test_case(root, &test.id)? else {
            continue;
        };
        rule.apply(&mut case, &mut effort);
        masked.merge(&case.masked);
        masked_names.insert(test.id.clone(), case.masked_names);

        let mut ids = CaseIds {
            azure_ids: case.azure_ids,
            source: case.source,
            defaults: case.variables,
            damage: case.damage,
        };
        let names = variables_in(&ids);
        ids.defaults.retain(|name, _| names.contains(name));
        cases.insert(test.id.clone(), ids);
        for warning in case.warnings {
            warnings.add(|| warning);
        }
    }

    run.warnings.extend(warnings.into_list("more remark"));
    mask_bound_values(run, &masked_names, &mut masked);
    Ok(ReadCases { ids: cases, masked })
}

/// Takes note of the values that the executions of a run have for masked variables, by the ids of
/// their test cases, and drops those that name an iteration.
fn mask_bound_values(
    run: &mut SuiteRun,
    masked_names: &HashMap<String, BTreeSet<String>>,
    masked: &mut MaskedValues,
) {
    for test in &mut run.tests {
        let Some(names) = masked_names.get(&test.id) else {
            continue;
        };

        for name in names {
            if let Some(VariableValue::Plain(value)) = test.variables.get(name) {
                masked.note(value);
            }
        }
        if let Some(iteration) = &mut test.iteration
            && let Some(variable) = &iteration.variable
            && names.contains(variable)
        {
            iteration.value = None;
        }
    }
}

/// Takes out of a run that is only shown what [`read`] takes out of one that is submitted.
///
/// # Errors
/// When a file of a test case is kept by another program.
pub(crate) fn redact(
    run: &mut SuiteRun,
    root: Option<&Path>,
    patterns: &[RedactPattern],
) -> Result<(), ReadError> {
    let mut masked = std::mem::take(&mut run.masked);
    let mut masked_names = HashMap::new();
    let ids: BTreeSet<&str> = run.tests.iter().map(|test| test.id.as_str()).collect();
    for id in ids {
        if let Some(root) = root
            && let Some(case) = workspace::read_test_case(root, id)?
        {
            masked.merge(&case.masked);
            masked_names.insert(id.to_owned(), case.masked_names);
        }
    }

    mask_bound_values(run, &masked_names, &mut masked);
    Redaction::new(patterns, &masked).clean(run);
    Ok(())
}

/// The settings in force for a run, with what only the machine of this moment knows: the variables
/// of its environment that the run's name may show.
fn options_of(
    settings: &AzureSettings,
    overrides: &Overrides,
    project_file: ProjectFile,
    run: &mut SuiteRun,
) -> Options {
    let mut options = overrides::effective(settings, overrides, &run.options);
    options.invalid_project_file = project_file.problem();
    options.api_version = project_file.api_version;

    // Values are taken now: the process that sends the run later may have another environment.
    let name = &mut options.run_name;
    let shown = environment::shown(&run_name::variables_in(name));
    name.variables = shown.values;

    for warning in project_file.warnings {
        let file = workspace::PROJECT_FILE;
        run.warnings.push(format!("`{file}`, {warning}"));
    }
    run.warnings.extend(shown.warnings);
    options
}

/// The token in a project's settings. Without a server that it belongs to it is of no use: it must
/// go to no other one (invariant I10).
fn token_of(settings: &AzureSettings) -> Option<(ServerIdentity, SecretString)> {
    let ProjectToken::Set(token) = &settings.token else {
        return None;
    };
    let server = Server::parse(settings.server_url.as_deref()?).ok()?;
    Some((server.identity().clone(), token.clone()))
}

/// Drops the values of variables that no id refers to, and of iterations that look like secrets: a
/// snapshot is stored, and test data can be secret.
fn forget_values(run: &mut SuiteRun, cases: &BTreeMap<String, CaseIds>) {
    // Once for each test case: it may have run many times.
    let mut names = HashMap::new();
    for (id, case) in cases {
        names.insert(id.as_str(), variables_in(case));
    }

    for test in &mut run.tests {
        // What an id refers to is kept, because it is resolved only when the run is planned.
        match names.get(test.id.as_str()) {
            Some(names) => test.variables.retain(|name, _| names.contains(name)),
            None => test.variables.clear(),
        }

        if let Some(iteration) = &mut test.iteration
            && let Some(value) = &iteration.value
            && looks_secret(iteration.variable.as_deref(), value)
        {
            iteration.value = None;
        }
    }
}

/// Names of the variables that the ids of a test case refer to, as `${name}`.
fn variables_in(case: &CaseIds) -> BTreeSet<String> {
    let ids = case.azure_ids.as_deref().unwrap_or_default();
    let mut names = BTreeSet::new();
    for after in ids.split("${").skip(1) {
        if let Some((name, _)) = after.split_once('}') {
            names.insert(name.trim().to_owned());
        }
    }
    names
}
