//! What is done after each sweep, and between two where an event may have told of it: late reports,
//! files that were given up, copies that nobody needs, and forgetting what is old.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::blocking::blocking;
use crate::clock;
use crate::config::Config;
use crate::daemon::given_up;
use crate::daemon::late_reports::LateReports;
use crate::discovery::run_identity::RunIdentity;
use crate::moment::Moment;
use crate::outbox::{Outbox, StoreError};
use crate::record::recorder::Recorder;
use crate::spool::Spool;

/// Least time between two tidyings, however often sweeps and events ask for one.
const BETWEEN: Duration = Duration::from_secs(10);
/// Time between two removals of what is old, and how long answered requests are kept.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long commands are remembered: a run that is retried later has only the options that its
/// folder has.
const COMMANDS: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Tidies up.
pub(super) struct Tidier {
    outbox: Outbox,
    last_tidied: Moment,
    /// When there may be something that is not to wait for the next sweep.
    next: Option<Moment>,
    last_pruned: Moment,
    /// Whether remarks on folders that are gone may be remembered since the last removal.
    has_old_remarks: bool,
    late: LateReports,
}

impl Tidier {
    /// One that has never tidied.
    pub(super) fn new(outbox: Outbox) -> Self {
        Self {
            outbox,
            last_tidied: Moment::default(),
            next: None,
            last_pruned: Moment::default(),
            has_old_remarks: false,
            late: LateReports::default(),
        }
    }

    /// Looks for what comes late and removes what nobody needs any more, unless that was done a
    /// moment ago; tells whether there is something to send. `all` are all run folders that are
    /// there, after a sweep that listed them.
    ///
    /// # Errors
    /// When the outbox fails.
    pub(super) async fn tidy(
        &mut self,
        config: &Config,
        recorder: &mut Recorder,
        projects: &[PathBuf],
        all: Option<Vec<PathBuf>>,
    ) -> Result<bool, StoreError> {
        if !self.take_turn() {
            // Who asked may know of something that came since.
            self.next = Some(self.last_tidied.plus(BETWEEN));
            return Ok(false);
        }

        self.next = None;
        let has_more = self.add_what_is_late().await?;
        self.has_old_remarks |= self.prune().await?;
        // Only who listed everything knows which folders are gone.
        if let Some(folders) = all
            && self.has_old_remarks
        {
            let there: HashSet<PathBuf> = folders.into_iter().collect();
            recorder.forget_remarks_but_of(&there, projects);
            self.has_old_remarks = false;
        }
        self.purge_spool(config, recorder.unrecorded_runs()).await?;
        Ok(has_more)
    }

    /// When to tidy up again, if that is not to wait for the next sweep.
    pub(super) const fn next(&self) -> Option<Moment> {
        self.next
    }

    /// Takes the turn to tidy up if it is time; it will not be for a while then.
    fn take_turn(&mut self) -> bool {
        take_turn_if_due(&mut self.last_tidied, BETWEEN)
    }

    /// Adds to submitted runs what comes late: reports, and files that were given up before; tells
    /// whether there was anything.
    async fn add_what_is_late(&mut self) -> Result<bool, StoreError> {
        let late = self.late.add(&self.outbox).await?;
        if late.is_any_young {
            self.next = Some(self.last_tidied.plus(BETWEEN));
        }

        let has_files = given_up::try_again(&self.outbox).await?;
        Ok(late.is_any_added || has_files)
    }

    /// Forgets requests and commands of long ago, once a day; tells whether it was time for that.
    async fn prune(&mut self) -> Result<bool, StoreError> {
        if !take_turn_if_due(&mut self.last_pruned, DAY) {
            return Ok(false);
        }

        let now = clock::now();
        self.outbox
            .with(move |store| {
                store.prune_requests(now.minus(DAY))?;
                store.prune_commands(now.minus(COMMANDS))
            })
            .await?;
        Ok(true)
    }

    /// Removes the copies of all runs but those that the outbox needs and these. While it is not
    /// known which these are (`None`), every copy stays.
    async fn purge_spool(
        &self,
        config: &Config,
        unrecorded: Option<Vec<RunIdentity>>,
    ) -> Result<(), StoreError> {
        let Some(unrecorded) = unrecorded else {
            return Ok(());
        };

        // Everything that is not named goes, so whatever may still be sent has to be in this list.
        let mut needed = self.outbox.with(|store| store.open_runs()).await?;
        needed.extend(unrecorded);

        let spool = Spool::new(&config.state_dir, config.spool_limit);
        blocking(move || spool.purge(needed.iter())).await?;
        Ok(())
    }
}

/// Tells whether so much time has passed since `last`, and sets that to now if so. A clock that was
/// set back puts nothing off.
fn take_turn_if_due(last: &mut Moment, time: Duration) -> bool {
    let now = clock::now();
    let passed = now < *last || now.since(*last) >= time;
    if passed {
        *last = now;
    }
    passed
}
