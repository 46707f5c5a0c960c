//! How things stand: is the service up, what waits, what failed, and what needs a person.
//!
//! It reads beside a running service and changes nothing. A part that cannot be read is a problem
//! like any other, and what else is known is said all the same.

mod disk;
mod exec_commands;
mod folder_counts;
pub(crate) mod live_suites;
mod notes;
mod problem;
pub(crate) mod projects;
pub(crate) mod run_details;
pub(crate) mod run_history;
mod where_to_look;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use exec_commands::FruitlessCommand;
use live_suites::{AbandonedSuite, LiveSuite};
use problem::reason;

use crate::clock;
use crate::config::Config;
use crate::config::expiry::TokenEnd;
use crate::config::notify::{NotificationKind, NotifyRules};
use crate::connect;
use crate::discovery::eligibility::{RunsFrom, may_have_run_here};
use crate::error_chain::chain;
use crate::moment::Moment;
use crate::outbox::lock::{NextTry, ServiceMark, ServiceState};
use crate::outbox::notification::Undelivered;
use crate::outbox::run_folders::{RunFolders, Standing};
use crate::outbox::store::{DoubleSubmission, LostRun, OlderRuns, ServiceFacts, UnreadableRow};
use crate::outbox::submission::{
    HeldUpServer, Obstacle, ServerRuns, ServerWithoutToken, SubmissionState, SubmissionSummary,
};
use crate::outbox::{OpenError, Store, StoreError};
use crate::plan::recount::Recount;
use crate::record::{self, Unreadable};
use crate::spool::Spool;
use crate::watch::{self, ToldWatchProblem};
use crate::{service, state_dir};

pub(crate) use disk::DiskFault;
pub(crate) use folder_counts::FolderCounts;
pub(crate) use problem::{DISK, Problem, ProblemKind};
pub(crate) use where_to_look::WHERE_TO_LOOK;

/// How long a run that arrived twice, or not as it was sent, is spoken of.
const RECENT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The state as scripts see it (product contract, section 6).
#[derive(Debug, Serialize)]
pub(crate) struct KadoStatus {
    pub running: bool,
    /// The version of the running service; without one, of this program.
    pub version: String,
    pub host: String,
    /// Whose service runs.
    pub account: Option<String>,
    pub uptime_s: Option<u64>,
    /// `kado.toml`, as this command read it.
    pub config: Option<PathBuf>,
    pub state_dir: PathBuf,
    /// These three are missing where the outbox cannot be read: 0 would not be true.
    pub pending: Option<usize>,
    pub submitting: Option<usize>,
    pub parked: Option<usize>,
    pub last_success: Option<Moment>,
    /// When the run ended that ended last of those that are recorded.
    pub last_run_seen: Option<Moment>,
    pub oldest_pending: Option<Moment>,
    pub run_folders: Option<FolderCounts>,
    /// Suites that are shown in Azure DevOps while they run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub live: Vec<LiveSuite>,
    pub problems: Vec<Problem>,
    /// What is worth a look and may be as it should be; they make no exit code.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Problem>,
}

/// The same with what people see besides.
pub(crate) struct Overview {
    pub status: KadoStatus,
    pub service: ServiceState,
    /// Bytes that are free where the state lies.
    pub free: Option<u64>,
    pub without_token: Vec<ServerWithoutToken>,
    /// How many run folders have which answer; `None` where the outbox cannot be read.
    pub run_folders: Option<String>,
    /// Servers to which nothing gets through, for another reason than a token.
    pub held_up: Vec<HeldUpServer>,
    /// Since when no Katalon run was seen; `None` while one runs, and where that is not known.
    pub quiet_since: Option<Moment>,
    /// Where tokens of kado.toml end, as far as that is known.
    pub token_ends: Vec<TokenEnd>,
    /// When kado first looked at this machine; `None` where it has not, and where the outbox cannot
    /// be read.
    pub first_look: Option<Moment>,
    /// Katalon projects that the last sweep found.
    pub swept_projects: Option<usize>,
    /// Every submission, the newest run first.
    pub rows: Vec<SubmissionSummary>,
    /// The folders that are watched.
    pub watched: Vec<PathBuf>,
    /// The projects that have runs, the one with the newest run first.
    pub projects: Vec<ProjectRuns>,
    /// The servers that submissions go to, by name.
    pub servers: Vec<ServerRuns>,
}

/// What is recorded of one project.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ProjectRuns {
    pub name: String,
    /// How many runs; one for several test plans counts once.
    pub runs: usize,
    /// When the newest of them ended.
    pub last_ended: Option<Moment>,
}

/// Looks at the state folder, its outbox and the watched folders of a configuration.
///
/// # Errors
/// When the outbox is whole and cannot be asked.
pub(crate) fn look(config: &Config) -> Result<Overview, StoreError> {
    look_through(config, ServiceMark::look(&config.state_dir), open_whole)
}

/// As [`look`], for the service itself, which found the database whole when it began: reading all
/// of it would cost more than whoever asks every second may.
///
/// # Errors
/// As [`look`].
pub(crate) fn look_beside(config: &Config) -> Result<Overview, StoreError> {
    let service = ServiceMark::look(&config.state_dir);
    look_through(config, service, open_to_read)
}

/// As [`look_beside`], for a process that has just swept the watched folders, service or not: what
/// it did not see of them is what counts.
///
/// # Errors
/// As [`look`].
pub(crate) fn look_after_sweep(config: &Config) -> Result<Overview, StoreError> {
    look_through(config, ServiceState::Running, open_to_read)
}

fn look_through(
    config: &Config,
    service: ServiceState,
    open: fn(&Config) -> Result<Option<Store>, OpenError>,
) -> Result<Overview, StoreError> {
    let free = state_dir::free_bytes(&config.state_dir);
    let mut problems = Vec::new();
    problems.extend(Problem::of_service(config, service));

    // A damaged outbox is a problem like any other: what else is known is shown all the same.
    let outbox = match open(config) {
        Ok(Some(store)) => Some(OutboxState::read(&store, config, service)?),
        Ok(None) => Some(OutboxState::default()),
        Err(error) => {
            // That this account may not look is said already.
            if service != ServiceState::Unknown {
                problems.push(Problem::of_outbox(chain(&error)));
            }
            None
        }
    };

    problems.extend(Problem::of_disk(&config.state_dir, free));
    problems.extend(folder_problems(config, service, outbox.as_ref()));
    if let Some(outbox) = &outbox {
        problems.extend(outbox.problems(config));
    }
    for error in connect::misplaced(config) {
        // Runs that wait for it say so as well.
        let text = error.to_string();
        if !problems.iter().any(|problem| problem.text.contains(&text)) {
            problems.push(Problem::of_token(text));
        }
    }
    let token_ends = connect::token_ends(config, clock::today());
    problems.extend(token_ends.iter().filter_map(Problem::of_end));

    let mut notes = Vec::new();
    let quiet_since = outbox.as_ref().and_then(OutboxState::quiet_since);
    if let Some(silence) = quiet_since.and_then(|since| silence(config, since)) {
        // On a machine that nobody expects a run of, it would be a false alarm.
        if is_told(config, NotificationKind::Silence) {
            problems.push(silence);
        } else {
            notes.push(silence);
        }
    }
    if let Some(outbox) = &outbox {
        notes.extend(outbox.unreadable_rows.iter().map(Problem::of_unreadable));
        notes.extend(Problem::of_differences(&outbox.differences()));
        notes.extend(Problem::of_doubles(&outbox.doubles));
        notes.extend(Problem::of_lost(&outbox.lost_runs(config)));
        notes.extend(outbox.fruitless.iter().map(Problem::of_command));
        notes.extend(outbox.older_runs.iter().map(Problem::of_older));
    }

    let status = KadoStatus {
        notes,
        ..status_of(config, service, outbox.as_ref(), problems)
    };
    Ok(overview_of(
        config, service, status, free, token_ends, outbox,
    ))
}

/// All that is known, with the status that was made of it.
fn overview_of(
    config: &Config,
    service: ServiceState,
    status: KadoStatus,
    free: Option<u64>,
    token_ends: Vec<TokenEnd>,
    outbox: Option<OutboxState>,
) -> Overview {
    let run_folders = outbox
        .as_ref()
        .map(|known| folder_counts::in_words(&known.run_folders, config.history));
    let quiet_since = outbox.as_ref().and_then(OutboxState::quiet_since);
    let outbox = outbox.unwrap_or_default();

    Overview {
        status,
        service,
        free,
        without_token: outbox.without_token,
        run_folders,
        held_up: outbox.held_up,
        quiet_since,
        projects: projects_of(&outbox.rows),
        token_ends,
        first_look: outbox.first_look,
        swept_projects: outbox.swept_projects,
        rows: outbox.rows,
        watched: config.watch.clone(),
        servers: outbox.servers,
    }
}

/// The projects of these rows, in their order.
fn projects_of(rows: &[SubmissionSummary]) -> Vec<ProjectRuns> {
    let mut projects: Vec<ProjectRuns> = Vec::new();
    let mut seen = HashSet::new();

    for row in rows {
        // Of several test plans: a summary holds no identity, but these are alike in one run.
        let is_new = seen.insert((&row.folder, &row.suite, row.started));

        match projects.iter_mut().find(|known| known.name == row.project) {
            Some(known) => {
                known.runs += usize::from(is_new);
                known.last_ended = known.last_ended.max(row.ended);
            }
            None => projects.push(ProjectRuns {
                name: row.project.clone(),
                runs: 1,
                last_ended: row.ended,
            }),
        }
    }

    projects
}

/// What of the watched folders is not seen: by the service, which may have another account.
fn folder_problems(
    config: &Config,
    state: ServiceState,
    outbox: Option<&OutboxState>,
) -> Vec<Problem> {
    let unseen = match (state, outbox) {
        (ServiceState::Running, Some(known)) => known.unseen.clone(),
        // Without one the folders are looked at from above, no more: a walk may take long.
        _ => watch::problems_of_roots(&config.watch).tell(service::how_to_grant),
    };
    unseen.iter().map(Problem::of_folder).collect()
}

/// The outbox as it lies there.
fn open_to_read(config: &Config) -> Result<Option<Store>, OpenError> {
    Store::open_to_read(&config.state_dir)
}

/// The outbox, unless it is damaged.
fn open_whole(config: &Config) -> Result<Option<Store>, OpenError> {
    // Opening reads little of the file, so one that is damaged further on opens well.
    let store = Store::open_to_read(&config.state_dir)?;
    if let Some(store) = &store {
        store.check_whole(&config.state_dir)?;
    }
    Ok(store)
}

fn status_of(
    config: &Config,
    service: ServiceState,
    outbox: Option<&OutboxState>,
    problems: Vec<Problem>,
) -> KadoStatus {
    let facts = outbox.and_then(|known| known.service.as_ref());
    let uptime = facts.map(|facts| clock::now().since(facts.started));

    KadoStatus {
        running: service == ServiceState::Running,
        version: facts.map_or_else(
            || env!("CARGO_PKG_VERSION").to_owned(),
            |facts| facts.version.clone(),
        ),
        host: facts.map_or_else(clock::host_name, |facts| facts.host.clone()),
        account: facts.map(|facts| facts.account.clone()),
        uptime_s: uptime.as_ref().map(Duration::as_secs),
        config: config.file.clone(),
        state_dir: config.state_dir.clone(),
        pending: outbox.map(|known| known.count(SubmissionState::Pending)),
        submitting: outbox.map(|known| known.count(SubmissionState::Submitting)),
        parked: outbox.map(|known| known.count(SubmissionState::Parked)),
        last_success: outbox.and_then(|known| known.last_success),
        last_run_seen: outbox.and_then(|known| known.last_run_seen),
        oldest_pending: outbox.and_then(OutboxState::oldest_pending),
        run_folders: outbox.map(|known| FolderCounts::of(&known.run_folders)),
        live: outbox.map(|known| known.live.clone()).unwrap_or_default(),
        problems,
        notes: Vec::new(),
    }
}

/// That no run was seen for too long.
fn silence(config: &Config, quiet_since: Moment) -> Option<Problem> {
    let too_long = match &config.notify {
        Some(rules) => rules.silence_after,
        None => NotifyRules::default().silence_after,
    };
    let quiet_for = clock::now().since(quiet_since);
    (quiet_for >= too_long).then(|| Problem::of_silence(quiet_since, quiet_for))
}

/// Whether people are told of this.
fn is_told(config: &Config, kind: NotificationKind) -> bool {
    config
        .notify
        .as_ref()
        .is_some_and(|rules| rules.on.contains(&kind))
}

/// What the outbox says.
#[derive(Default)]
struct OutboxState {
    rows: Vec<SubmissionSummary>,
    last_success: Option<Moment>,
    last_run_seen: Option<Moment>,
    /// When kado first looked at this machine.
    first_look: Option<Moment>,
    swept_projects: Option<usize>,
    run_folders: RunFolders,
    older_runs: Vec<OlderRuns>,
    /// Submissions whose suites went on after they were sent.
    gone_on: Vec<i64>,
    doubles: Vec<DoubleSubmission>,
    /// Runs of which nothing is left.
    lost: Vec<LostRun>,
    /// Commands of `kado exec` of which nothing is submitted.
    fruitless: Vec<FruitlessCommand>,
    without_token: Vec<ServerWithoutToken>,
    held_up: Vec<HeldUpServer>,
    /// Ways by which no notification arrives.
    undelivered: Vec<Undelivered>,
    servers: Vec<ServerRuns>,
    /// The service, if it runs.
    service: Option<ServiceFacts>,
    /// Parts of it that failed while it goes on.
    failed_parts: Vec<String>,
    /// Why it polls folders, if it does.
    polled: Option<String>,
    /// What it does not see of the watched folders.
    unseen: Vec<ToldWatchProblem>,
    /// Suites that are shown while they run.
    live: Vec<LiveSuite>,
    /// Those of them that nobody is left to submit.
    abandoned: Vec<AbandonedSuite>,
    /// Members of collections that are kept and cannot be read.
    unreadable: Vec<Unreadable>,
    /// Claims and live runs that cannot be read.
    unreadable_rows: Vec<UnreadableRow>,
    /// Who tries what waits.
    next_try: NextTry,
}

impl OutboxState {
    fn read(store: &Store, config: &Config, service: ServiceState) -> Result<Self, StoreError> {
        let recent = clock::now().minus(RECENT);
        let mut state = Self {
            rows: store.summaries(None)?,
            last_success: store.last_success()?,
            last_run_seen: store.last_run_seen()?,
            first_look: store.known_first_seen()?,
            swept_projects: store.projects()?,
            run_folders: store.run_folders(&HashSet::new())?,
            older_runs: store.older_runs()?,
            gone_on: store.gone_on_since(recent)?,
            doubles: store.doubles_since(recent)?,
            lost: store.lost_runs(recent)?,
            fruitless: FruitlessCommand::read(store, &config.state_dir, recent)?,
            without_token: store.without_token()?,
            held_up: store.held_up()?,
            servers: store.servers()?,
            live: LiveSuite::read(store)?,
            next_try: NextTry::look(&config.state_dir),
            unreadable: record::unreadable(store)?,
            unreadable_rows: store.unreadable_rows(recent)?,
            ..Self::default()
        };

        // What a service that has ended was, and could not watch, is no news.
        if service == ServiceState::Running {
            state.service = store.service()?;
            state.failed_parts = store.failed_parts()?;
            state.polled = store.polled()?;
            state.unseen = store.watch_problems()?;
        }
        // A service submits what a `kado exec` leaves behind.
        if matches!(service, ServiceState::NotRunning | ServiceState::Failed) {
            state.abandoned = AbandonedSuite::read(store, &config.state_dir)?;
        }
        if config.notify.is_some() {
            state.undelivered = store.undelivered()?;
        }
        Ok(state)
    }

    fn problems(&self, config: &Config) -> Vec<Problem> {
        let mut problems = Vec::new();
        for server in &self.without_token {
            problems.push(Problem::of_credentials(server, self.next_try, config));
        }
        problems.extend(
            self.failed_parts
                .iter()
                .map(|part| Problem::of_failed_part(part)),
        );
        problems.extend(self.polled.as_deref().map(Problem::of_polling));

        let spool = Spool::new(&config.state_dir, config.spool_limit);
        for member in &self.unreadable {
            problems.push(Problem::of_member(member, &spool));
        }

        for row in &self.rows {
            if row.state == SubmissionState::Parked {
                problems.push(Problem::of_parked(row));
            }
            if self.gone_on.contains(&row.id) {
                problems.push(Problem::of_gone_on(row));
            }
        }
        problems.extend(self.waiting(config));
        problems.extend(self.abandoned.iter().map(Problem::of_abandoned));
        problems.extend(self.undelivered.iter().map(Problem::of_undelivered));
        problems
    }

    /// Runs of the last days that did not arrive as they were sent, the newest first.
    fn differences(&self) -> Vec<&SubmissionSummary> {
        let since = clock::now().minus(RECENT);
        let mut different = Vec::new();
        for row in &self.rows {
            let is_recent = row.ended.is_some_and(|ended| ended >= since);
            if is_recent && row.recount.as_ref().is_some_and(Recount::is_different) {
                different.push(row);
            }
        }
        different
    }

    /// Those runs of which nothing is left that would have been submitted from this machine.
    fn lost_runs(&self, config: &Config) -> Vec<LostRun> {
        let host = clock::host_name();
        let mut lost = self.lost.clone();
        lost.retain(|lost| {
            config.runs_from == RunsFrom::Any || may_have_run_here(&lost.run.host, &host)
        });
        lost
    }

    /// Since when no run was seen: since the last one ended, or since kado first looked.
    fn quiet_since(&self) -> Option<Moment> {
        // One that runs is seen, however long it takes.
        if self.run_folders.count(&[Standing::Running]) > 0 {
            return None;
        }
        let first_look = self.first_look?;
        Some(
            self.last_run_seen
                .map_or(first_look, |last| last.max(first_look)),
        )
    }

    /// One for all runs that wait for the same reason, or for nothing but somebody who sends them;
    /// missing tokens are problems of their own.
    fn waiting(&self, config: &Config) -> Vec<Problem> {
        let wait_for_token: HashSet<i64> = self
            .without_token
            .iter()
            .flat_map(|server| server.ids.iter().copied())
            .collect();

        // A server that is down holds up hundreds of runs: one line says it.
        let mut by_reason: BTreeMap<&str, Vec<&SubmissionSummary>> = BTreeMap::new();
        let mut left = Vec::new();
        for row in &self.rows {
            if wait_for_token.contains(&row.id) {
                continue;
            }

            if is_held_up(row) {
                by_reason.entry(reason(row)).or_default().push(row);
            } else if self.next_try == NextTry::Never && row.is_waiting() {
                left.push(row);
            }
        }

        let mut problems = Vec::new();
        for (reason, rows) in by_reason {
            problems.push(Problem::of_waiting(reason, &rows, self.next_try, config));
        }
        problems.extend(Problem::of_left(&left, config));
        problems
    }

    /// When the run ended that waits longest: since then somebody waits for it.
    fn oldest_pending(&self) -> Option<Moment> {
        self.rows
            .iter()
            .filter(|row| row.is_waiting())
            .filter_map(|row| row.ended)
            .min()
    }

    fn count(&self, state: SubmissionState) -> usize {
        self.rows.iter().filter(|row| row.state == state).count()
    }
}

/// Whether it waits for something that went wrong; time that is given to Katalon is none.
fn is_held_up(row: &SubmissionSummary) -> bool {
    row.is_waiting() && row.error.is_some() && row.obstacle != Some(Obstacle::AnotherSender)
}
