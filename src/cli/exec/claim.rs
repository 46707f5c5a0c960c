//! The claim on the runs of a command, and finding them when it has ended.

use std::cell::LazyCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::blocking::blocking;
use crate::clock::Stopwatch;
use crate::config::Config;
use crate::discovery::claim::{Claim, KnownCommands, Terms};
use crate::discovery::command::{Command, Sought, candidates};
use crate::katalon::run::SuiteRun;
use crate::moment::Moment;
use crate::outbox::{Outbox, StoreError};
use crate::watch::processes::katalon_commands_of_others;
use crate::workspace::JunitState;
use crate::{clock, watch, workspace};

/// Time between two signs of life; the outbox believes in the claim for a minute after the last
/// one, where no other one is surer.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// File systems that count in seconds or two may make a file look older than the claim.
const FILE_TIMES: Duration = Duration::from_secs(2);

/// Keeps a claim while the command runs.
pub(super) struct ClaimKeeper {
    outbox: Outbox,
    id: i64,
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
        let (now, elapsed) = (clock::now(), self.watch.elapsed());
        (
            self.from.min(now.minus(elapsed)),
            now.max(self.from.plus(elapsed)),
        )
    }
}

impl ClaimKeeper {
    /// Claims the runs of the project at `root` that start from now on.
    ///
    /// # Errors
    /// When the outbox cannot be opened or written.
    pub(super) async fn claim(config: &Config, root: &Path, terms: &Terms) -> anyhow::Result<Self> {
        // Only for as long as it takes: a service may be started while the command runs.
        let outbox = Outbox::open_beside(&config.state_dir)?;
        let plain = workspace::without_links(root).unwrap_or_else(|| root.to_owned());
        let span = Span::begin();
        let stored = terms.clone();
        let id = outbox
            .with(move |store| store.claim(&plain, &stored, span.from))
            .await?;
        let signs_of_life = tokio::spawn(give_signs_of_life(outbox.clone(), id, span));
        Ok(Self {
            outbox,
            id,
            root: root.to_owned(),
            terms: terms.clone(),
            span,
            signs_of_life,
        })
    }

    /// Ends the claim and finds the runs that started while it lasted, the oldest first.
    ///
    /// # Errors
    /// When the outbox cannot be written.
    pub(super) async fn end(self) -> Result<Found, StoreError> {
        self.signs_of_life.abort();
        let (id, root) = (self.id, self.root);
        let (from, until) = self.span.until_now();
        let claims = self.outbox.with(move |store| {
            store.end_claim(id, from, until)?;
            store.claims(clock::now())
        });
        // What is not ended lasts longer than what ended now.
        let others: Vec<_> = claims
            .await?
            .into_iter()
            .filter(|claim| !claim.lost && claim.until > until)
            .collect();
        let plain = workspace::without_links(&root).unwrap_or_default();
        let claim = Claim {
            root: plain,
            from,
            seen: until,
            until,
            lost: false,
            terms: self.terms,
        };
        Ok(blocking(move || runs_of(&root, &claim, &others)).await?)
    }
}

async fn give_signs_of_life(outbox: Outbox, id: i64, span: Span) {
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        let (from, seen) = span.until_now();
        if let Err(error) = outbox
            .with(move |store| store.keep_claim(id, from, seen))
            .await
        {
            tracing::debug!(%error, "no sign of life can be given");
        }
    }
}

/// What was found when a command had ended.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Folders of its runs.
    pub runs: Vec<PathBuf>,
    /// Folders of runs that may be its own and go on, so that another command runs them.
    pub of_others: Vec<PathBuf>,
}

/// The runs of a claim whose command has ended. A folder in which nothing changed since the claim
/// was made is not read. `others` are claims that last. A run that goes on although the command has
/// ended is somebody else's.
fn runs_of(root: &Path, claim: &Claim, others: &[Claim]) -> Found {
    let mut found: Vec<(Moment, PathBuf)> = Vec::new();
    let mut of_others = Vec::new();
    let host = clock::host_name();
    let running = LazyCell::new(katalon_commands_of_others);
    for folder in watch::find_runs(root) {
        let newest = workspace::list_run_folder(&folder)
            .ok()
            .and_then(|listing| listing.newest());
        if newest.is_none_or(|newest| newest.plus(FILE_TIMES) < claim.from) {
            continue;
        }
        let Ok(run) = workspace::read_run(&folder) else {
            continue;
        };
        let known = |claims: Vec<Claim>| KnownCommands {
            root: claim.root.clone(),
            collection: workspace::collection_of(&folder).map(|found| found.collection.id),
            claims,
            seen: Vec::new(),
        };
        if !known(vec![claim.clone()])
            .of_run(&run, &folder, &host)
            .claimed
        {
            continue;
        }
        let goes_on = || {
            let is_over =
                run.ended.is_some() || workspace::read_junit(&folder) == JunitState::Complete;
            let by_claim = || known(others.to_vec()).of_run(&run, &folder, &host).claimed;
            !is_over && (by_claim() || may_run(&run, &claim.root, &folder, &running))
        };
        if goes_on() {
            of_others.push(folder);
        } else {
            found.push((run.started.unwrap_or(claim.from), folder));
        }
    }
    found.sort();
    Found {
        runs: found.into_iter().map(|(_, folder)| folder).collect(),
        of_others,
    }
}

/// Whether one of these commands may have started a run.
fn may_run(run: &SuiteRun, root: &Path, folder: &Path, commands: &[Command]) -> bool {
    let collection = workspace::collection_of(folder).map(|found| found.collection.id);
    let sought = Sought {
        root,
        suite: &run.suite,
        collection: collection.as_ref().map(Option::as_deref),
        seen: run.started.unwrap_or_default(),
    };
    !candidates(&sought, commands).is_empty()
}
