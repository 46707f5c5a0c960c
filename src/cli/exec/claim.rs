//! The claim on the runs of a command, and finding them when it has ended.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::blocking::blocking;
use crate::clock::Stopwatch;
use crate::config::Config;
use crate::discovery::claim::{Claim, KnownCommands, Terms};
use crate::moment::Moment;
use crate::outbox::{Outbox, StoreError};
use crate::{clock, watch, workspace};

/// Time between two signs of life; the outbox believes in the claim for a minute after the last one, where no other one
/// is surer.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// File systems that count in seconds or two may make a file look older than the claim.
const FILE_TIMES: Duration = Duration::from_secs(2);

/// Keeps a claim while the command runs.
pub struct ClaimKeeper {
    outbox: Outbox,
    id: i64,
    root: PathBuf,
    terms: Terms,
    span: Span,
    signs_of_life: JoinHandle<()>,
}

/// The time of a command by the clock of its runs, which may be set while it lasts: what started by either clock started
/// in it.
#[derive(Clone, Copy)]
struct Span {
    from: Moment,
    watch: Stopwatch,
}

impl Span {
    fn begin() -> Self {
        Self { from: clock::now(), watch: Stopwatch::start() }
    }

    /// Begin and end, if it ended now.
    fn until_now(self) -> (Moment, Moment) {
        let (now, elapsed) = (clock::now(), self.watch.elapsed());
        (self.from.min(now.minus(elapsed)), now.max(self.from.plus(elapsed)))
    }
}

impl ClaimKeeper {
    /// Claims the runs of the project at `root` that start from now on.
    ///
    /// # Errors
    /// When the outbox cannot be opened or written.
    pub async fn claim(config: &Config, root: &Path, terms: &Terms) -> anyhow::Result<Self> {
        // Only for as long as it takes: a service may be started while the command runs.
        let outbox = Outbox::open_beside(&config.state_dir)?;
        let plain = workspace::without_links(root).unwrap_or_else(|| root.to_owned());
        let span = Span::begin();
        let stored = terms.clone();
        let id = outbox.with(move |store| store.claim(&plain, &stored, span.from)).await?;
        let signs_of_life = tokio::spawn(give_signs_of_life(outbox.clone(), id, span));
        Ok(Self { outbox, id, root: root.to_owned(), terms: terms.clone(), span, signs_of_life })
    }

    /// Ends the claim and finds the runs that started while it lasted, the oldest first.
    ///
    /// # Errors
    /// When the outbox cannot be written.
    pub async fn end(self) -> Result<Vec<PathBuf>, StoreError> {
        self.signs_of_life.abort();
        let (id, root) = (self.id, self.root);
        let (from, until) = self.span.until_now();
        self.outbox.with(move |store| store.end_claim(id, from, until)).await?;
        let plain = workspace::without_links(&root).unwrap_or_default();
        let claim = Claim { root: plain, from, seen: until, until, lost: false, terms: self.terms };
        Ok(blocking(move || runs_of(&root, &claim)).await?)
    }
}

async fn give_signs_of_life(outbox: Outbox, id: i64, span: Span) {
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        let (from, seen) = span.until_now();
        if let Err(error) = outbox.with(move |store| store.keep_claim(id, from, seen)).await {
            tracing::debug!(%error, "no sign of life can be given");
        }
    }
}

/// The folders of a project that hold runs of a claim. A folder in which nothing changed since the claim was made is
/// not read.
fn runs_of(root: &Path, claim: &Claim) -> Vec<PathBuf> {
    let mut found: Vec<(Moment, PathBuf)> = Vec::new();
    for folder in watch::find_runs(root) {
        let newest = workspace::list_run_folder(&folder).ok().and_then(|listing| listing.newest());
        if newest.is_none_or(|newest| newest.plus(FILE_TIMES) < claim.from) {
            continue;
        }
        let Ok(run) = workspace::read_run(&folder) else { continue };
        let known = KnownCommands {
            root: claim.root.clone(),
            collection: workspace::collection_of(&folder).map(|found| found.collection.id),
            claims: vec![claim.clone()],
            seen: Vec::new(),
        };
        if known.of_run(&run, &folder, &clock::host_name()).claimed {
            found.push((run.started.unwrap_or(claim.from), folder));
        }
    }
    found.sort();
    found.into_iter().map(|(_, folder)| folder).collect()
}
