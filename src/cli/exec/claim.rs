//! The claim on the runs of a command, and finding them when it has ended.

use std::cell::LazyCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::blocking::blocking;
use crate::clock::Stopwatch;
use crate::config::Config;
use crate::discovery::claim::{Claim, Terms};
use crate::discovery::command::{Command, SoughtRun, candidates};
use crate::discovery::command_of_run::KnownCommands;
use crate::katalon::run::SuiteRun;
use crate::moment::Moment;
use crate::outbox::lock::ClaimMark;
use crate::outbox::{Outbox, StoreError};
use crate::watch::accounts::trusted_for;
use crate::watch::processes::katalon_commands_of_others;
use crate::workspace::{JunitState, Location};
use crate::{clock, watch, workspace};

/// Time between two signs of life; the outbox believes in the claim for a minute after the last
/// one, where no other one is surer.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// File systems that count in seconds or two may make a file look older than the claim.
pub(super) const FILE_TIMES: Duration = Duration::from_secs(2);

/// Keeps a claim while the command runs.
pub(super) struct ClaimKeeper {
    outbox: Outbox,
    state_dir: PathBuf,
    id: i64,
    /// Says to others that it has not been killed; without it their patience decides.
    mark: Option<ClaimMark>,
    root: PathBuf,
    terms: Terms,
    span: Span,
    signs_of_life: JoinHandle<()>,
}

/// The time of a command by the clock of its runs, which may be set while it lasts: what started by
/// either clock started in it.
#[derive(Clone, Copy)]
struct Span {
    from: Moment,
    watch: Stopwatch,
}

impl Span {
    fn begin() -> Self {
        Self {
            from: clock::now(),
            watch: Stopwatch::start(),
        }
    }

    /// Begin and end, if it ended now.
    fn until_now(self) -> (Moment, Moment) {
        let now = clock::now();
        let elapsed = self.watch.elapsed();
        (
            self.from.min(now.minus(elapsed)),
            now.max(self.from.plus(elapsed)),
        )
    }
}

/// The runs of a command that has ended.
#[derive(Debug, Default)]
pub(super) struct RunsOfCommand {
    /// Folders of its runs, the oldest run first.
    pub own: Vec<PathBuf>,
    /// Folders of runs that may be its own and go on, so that another command runs them.
    pub of_others: Vec<PathBuf>,
}

impl ClaimKeeper {
    /// Claims the runs of the project at `root` that start from now on.
    ///
    /// # Errors
    /// When the outbox cannot be opened or written.
    pub(super) async fn claim(config: &Config, root: &Path, terms: &Terms) -> anyhow::Result<Self> {
        // Without the lock of the state folder: a service may be started while the command runs.
        let outbox = Outbox::open_beside(&config.state_dir)?;

        // The project of a run is compared without links as well.
        let without_links = workspace::without_links(root).unwrap_or_else(|| root.to_owned());
        let stored = terms.clone();
        let span = Span::begin();
        let id = outbox
            .with(move |store| store.claim(&without_links, &stored, span.from))
            .await?;

        // A command may run for hours; without signs of life its claim is lost.
        let signs_of_life = tokio::spawn(give_signs_of_life(outbox.clone(), id, span));

        let mark = ClaimMark::set(&config.state_dir, id);
        if let Err(error) = &mark {
            tracing::debug!(%error, "the claim cannot be marked");
        }

        Ok(Self {
            outbox,
            state_dir: config.state_dir.clone(),
            id,
            mark: mark.ok(),
            root: root.to_owned(),
            terms: terms.clone(),
            span,
            signs_of_life,
        })
    }

    /// Where its runs are found and noted: the outbox, the project, and since when.
    pub(super) fn ground(&self) -> (Outbox, PathBuf, Moment) {
        (self.outbox.clone(), self.root.clone(), self.span.from)
    }

    /// Ends the claim and finds the runs that started while it lasted.
    ///
    /// # Errors
    /// When the outbox cannot be written.
    pub(super) async fn end(self) -> Result<RunsOfCommand, StoreError> {
        self.signs_of_life.abort();
        let id = self.id;
        let (from, until) = self.span.until_now();
        let claims = self
            .outbox
            .with(move |store| {
                store.end_claim(id, from, until)?;
                store.claims(clock::now())
            })
            .await?;
        if let Some(Err(error)) = self.mark.map(ClaimMark::remove) {
            tracing::debug!(%error, "the mark of the claim cannot be removed");
        }

        let search = Search {
            claim: Claim {
                id,
                root: workspace::without_links(&self.root).unwrap_or_default(),
                from,
                seen: until,
                until,
                lost: false,
                terms: self.terms,
            },
            lasting_claims: lasting(claims, until, &self.state_dir),
            host: clock::host_name(),
            running_commands: LazyCell::new(katalon_commands_of_others),
        };

        let root = self.root;
        Ok(blocking(move || search.runs(&root)).await?)
    }
}

/// The claims of commands that run on when one has ended at `until`.
fn lasting(claims: Vec<Claim>, until: Moment, state_dir: &Path) -> Vec<Claim> {
    let mut lasting = Vec::new();
    for claim in claims {
        // What is not ended lasts longer than what ended now.
        let lasts = claim.until > until;
        if claim.lost && !lasts {
            // By now everybody knows without the mark that it was killed.
            ClaimMark::clear(state_dir, claim.id);
        } else if !claim.lost && lasts {
            lasting.push(claim);
        }
    }
    lasting
}

async fn give_signs_of_life(outbox: Outbox, id: i64, span: Span) {
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        let (from, seen) = span.until_now();
        let kept = outbox.with(move |store| store.keep_claim(id, from, seen));

        // The claim outlives a few of them, and a service that is not there needs none.
        if let Err(error) = kept.await {
            tracing::debug!(%error, "no sign of life can be given");
        }
    }
}

/// The search for the runs of a claim whose command has ended.
struct Search {
    claim: Claim,
    /// Claims of other commands, which have not ended.
    lasting_claims: Vec<Claim>,
    host: String,
    /// Asked for at most once, because it looks at every process of the machine, and only if a run
    /// goes on.
    running_commands: LazyCell<Vec<Command>>,
}

impl Search {
    fn runs(&self, root: &Path) -> RunsOfCommand {
        let mut own: Vec<(Moment, PathBuf)> = Vec::new();
        let mut of_others = Vec::new();
        for folder in watch::find_runs(root) {
            if !self.is_changed_since_claim(&folder) {
                continue;
            }

            // What cannot be read now is left to the service, which looks again.
            let Ok(run) = workspace::read_run(&folder) else {
                continue;
            };
            if !self.is_claimed_by(std::slice::from_ref(&self.claim), &run, &folder) {
                continue;
            }

            if self.is_of_another(&run, &folder) {
                of_others.push(folder);
            } else {
                own.push((run.started.unwrap_or(self.claim.from), folder));
            }
        }

        // In this order ADO's latest outcome is that of the newest run.
        own.sort();
        RunsOfCommand {
            own: own.into_iter().map(|(_, folder)| folder).collect(),
            of_others,
        }
    }

    /// A folder in which nothing changed since the claim was made is not read: projects keep
    /// thousands of old runs.
    fn is_changed_since_claim(&self, folder: &Path) -> bool {
        let Ok(listing) = workspace::list_run_folder(folder) else {
            return false;
        };
        listing
            .newest()
            .is_some_and(|newest| newest.plus(FILE_TIMES) >= self.claim.from)
    }

    fn is_claimed_by(&self, claims: &[Claim], run: &SuiteRun, folder: &Path) -> bool {
        // Only claims are asked about here, so what the service saw running does not matter.
        let commands = KnownCommands {
            root: self.claim.root.clone(),
            membership: Location::of(folder).membership(),
            claims: claims.to_vec(),
            seen: Vec::new(),
        };
        commands.of_run(run, folder, &self.host).claimed
    }

    /// A run that goes on although the command has ended is somebody else's, where there is
    /// somebody who may run it.
    fn is_of_another(&self, run: &SuiteRun, folder: &Path) -> bool {
        // The command has ended, so the reports of its own runs are there; `JUnit_Report.xml` is
        // written last. One that has it may be taken by two commands at once: it is recorded only
        // once.
        if workspace::read_junit(folder) == JunitState::Complete {
            return false;
        }

        self.is_claimed_by(&self.lasting_claims, run, folder) || self.may_be_running(run, folder)
    }

    /// Whether a command that runs on this machine may have started a run.
    fn may_be_running(&self, run: &SuiteRun, folder: &Path) -> bool {
        let sought = SoughtRun {
            root: &self.claim.root,
            suite: &run.suite,
            membership: &Location::of(folder).membership(),
            seen: run.started.unwrap_or_default(),
            accounts: &trusted_for(folder, &self.claim.root),
        };
        !candidates(&sought, &self.running_commands).is_empty()
    }
}
