//! What the server's lists said of the runs of test plans a moment ago, so that a backlog of runs
//! does not list its whole plan anew for each of them, which grows with every run that is sent.
//!
//! **What is believed from here:** that a run was there, and whose key it had. Never that a run is
//! *not* there: whoever looks for one asks the server for everything that changed since, and asks
//! for a run of memory itself before anything is made of it.
//!
//! Everything that changed up to `newest` is known, by the times that the server itself writes on
//! its runs, so that clocks which differ hide nothing. Two runs can become visible in another order
//! than their times say, so a search always looks back behind that: a little each time, and from
//! time to time by as much as a request can take. A list of everything is made anew after
//! [`BELIEVED`]. A server that writes no times on its runs is asked for everything each time.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use crate::ado::known_keys::{KnownKeys, key};
use crate::ado::wire::TestRun;
use crate::locked::locked;
use crate::moment::Moment;
use crate::plan::comment::{has_key, key_line};

/// How long a list of everything is believed.
const BELIEVED: Duration = Duration::from_secs(10 * 60);
/// How far each search looks back: longer than lists are known to lag (`submit::probe`).
const LOOK_BACK: Duration = Duration::from_secs(10);
/// How far a search looks back that makes sure: longer than any request goes on, so that a run is
/// found whose creation the server dates by its beginning.
const LONG_LOOK_BACK: Duration = Duration::from_secs(2 * 60);
/// Time between two of those.
const MAKE_SURE: Duration = Duration::from_secs(20);
/// Most memory for the runs of a server, in bytes; then it is begun anew, which costs requests.
const MOST_BYTES: usize = 8 << 20;
/// By how much the server's clock may differ from what is taken for its time.
const CLOCKS: Duration = Duration::from_secs(24 * 60 * 60);
/// What a run takes in the tables, beside its texts.
const ENTRY: usize = 64;

/// The runs of a server's test plans.
#[derive(Default)]
pub(super) struct KnownRuns {
    /// By project and id of the plan.
    plans: Mutex<HashMap<(String, u32), KnownPlan>>,
    /// Of runs whose comment lists left out.
    keys: KnownKeys,
}

/// Runs of a test plan.
struct KnownPlan {
    /// All runs that changed at this time of the server's or later were in the list.
    covers: Moment,
    /// When the list of everything was asked for, by the clock of this machine.
    listed: Moment,
    /// When a search last made sure, by the clock of this machine.
    made_sure: Moment,
    /// The last change that a list told of, by the server's clock; nothing that changed before it
    /// is unknown.
    newest: Moment,
    runs: HashMap<u32, KnownRun>,
    /// What they take.
    bytes: usize,
}

/// A run as a list told of it.
struct KnownRun {
    changed: Moment,
    content: Content,
}

/// What of a run is wanted later.
enum Content {
    /// The line of its comment that holds kado's keys.
    Keys(Box<str>),
    /// It has no key; everything else but its comment.
    Other(Box<TestRun>),
}

/// What a list told of a run.
pub(super) struct ToldRun {
    id: u32,
    /// `None` where the server does not tell.
    changed: Option<Moment>,
    content: Content,
}

/// A list of runs.
pub(super) struct ToldRuns {
    /// When it was asked for, by the clock of this machine.
    pub(super) asked: Moment,
    /// The same by the server's clock, as far as that is known.
    pub(super) asked_on_server: Moment,
    /// Which runs it holds.
    pub(super) extent: Extent,
    pub(super) runs: Vec<ToldRun>,
}

/// Which runs of a plan a list holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Extent {
    /// All that changed at this time of the server's or later.
    Since(Moment),
    /// All that changed at this time or later, of a plan whose other runs are known.
    News(Moment),
}

/// A run of memory that a search may be looking for.
#[derive(Debug)]
pub(super) enum Remembered {
    /// It had the key that is looked for.
    WithKey(u32),
    /// It had no key of kado's.
    Other(Box<TestRun>),
}

impl ToldRun {
    /// What is kept of a run whose comment is known.
    pub(super) fn new(run: &TestRun) -> Self {
        match run.comment.as_deref().and_then(key_line) {
            Some(line) => Self::with_keys(run, line),
            None => Self::without_key(run),
        }
    }

    /// What is kept of a run whose comment begins with this key.
    pub(super) fn with_keys(run: &TestRun, line: &str) -> Self {
        Self {
            id: run.id,
            changed: run.changed(),
            content: Content::Keys(line.into()),
        }
    }

    fn without_key(run: &TestRun) -> Self {
        let mut kept = run.clone();
        kept.comment = None;
        Self {
            id: run.id,
            changed: run.changed(),
            content: Content::Other(Box::new(kept)),
        }
    }
}

impl Content {
    fn bytes(&self) -> usize {
        match self {
            Self::Keys(line) => ENTRY + line.len(),
            Self::Other(run) => ENTRY + size_of::<TestRun>() + run.text_bytes(),
        }
    }
}

impl ToldRuns {
    fn is_dated(&self) -> bool {
        self.runs.iter().all(|run| run.changed.is_some())
    }
}

impl KnownPlan {
    fn new(list: &ToldRuns, covers: Moment) -> Self {
        Self {
            covers,
            listed: list.asked,
            made_sure: list.asked,
            newest: list.asked_on_server.minus(CLOCKS),
            runs: HashMap::new(),
            bytes: 0,
        }
    }

    fn take(&mut self, list: ToldRuns) {
        for told in list.runs {
            let changed = told.changed.unwrap_or_default();
            if let Some(known) = self.runs.get(&told.id)
                && known.changed > changed
            {
                // Another search asked later and was answered sooner.
                continue;
            }

            // A time in the future, of whichever clock, must not hide what changes until then.
            self.newest = self.newest.max(changed.min(list.asked_on_server));
            self.bytes += told.content.bytes();
            let run = KnownRun {
                changed,
                content: told.content,
            };
            if let Some(before) = self.runs.insert(told.id, run) {
                self.bytes -= before.content.bytes();
            }
        }
    }
}

impl KnownRuns {
    /// What is remembered of runs whose comment the server's lists leave out.
    pub(super) fn keys(&self) -> &KnownKeys {
        &self.keys
    }

    /// From when on the server is to be asked for the changes that memory lacks, by its own clock;
    /// `None` when it is to be asked for everything that changed since `begin`.
    pub(super) fn ask_since(
        &self,
        project: &str,
        plan: u32,
        begin: Moment,
        now: Moment,
    ) -> Option<Moment> {
        let plans = self.plans();
        let known = plans.get(&key(project, plan))?;

        // A clock that was set back makes everything old.
        let is_good = known.listed <= now && now.since(known.listed) < BELIEVED;
        if !is_good || begin < known.covers {
            return None;
        }

        let makes_sure = now < known.made_sure || now.since(known.made_sure) >= MAKE_SURE;
        let look_back = if makes_sure {
            LONG_LOOK_BACK
        } else {
            LOOK_BACK
        };
        Some(known.newest.minus(look_back))
    }

    /// The runs of memory that a search may be looking for, besides those of a list of news: those
    /// with this key, and those without any that changed since `begin`. `None` when memory does not
    /// go back that far any more, because another search took it up anew.
    pub(super) fn besides(
        &self,
        project: &str,
        plan: u32,
        listed: &ToldRuns,
        kado_key: &str,
        begin: Moment,
    ) -> Option<Vec<Remembered>> {
        let plans = self.plans();
        let known = plans.get(&key(project, plan))?;
        if begin < known.covers {
            return None;
        }

        let listed: HashSet<u32> = listed.runs.iter().map(|run| run.id).collect();
        let mut besides = Vec::new();
        for (id, run) in &known.runs {
            if listed.contains(id) {
                continue;
            }
            match &run.content {
                Content::Keys(line) if has_key(line, kado_key) => {
                    besides.push(Remembered::WithKey(*id));
                }
                Content::Other(other) if run.changed >= begin => {
                    besides.push(Remembered::Other(other.clone()));
                }
                Content::Keys(_) | Content::Other(_) => {}
            }
        }
        Some(besides)
    }

    /// Takes in a list.
    pub(super) fn learn(&self, project: &str, plan: u32, list: ToldRuns) {
        let key = key(project, plan);
        let mut plans = self.plans();

        // Without times there is nothing to ask for changes since.
        if !list.is_dated() {
            plans.remove(&key);
            return;
        }

        if let Extent::Since(covers) = list.extent {
            plans.insert(key.clone(), KnownPlan::new(&list, covers));
        }
        // What the news belong to may have been forgotten meanwhile.
        if let Some(known) = plans.get_mut(&key) {
            if let Extent::News(since) = list.extent
                && since.plus(LONG_LOOK_BACK) <= known.newest
            {
                known.made_sure = list.asked;
            }
            known.take(list);
        }

        let bytes: usize = plans.values().map(|known| known.bytes).sum();
        if bytes > MOST_BYTES {
            plans.clear();
        }
    }

    /// A run is not there any more.
    pub(super) fn forget(&self, project: &str, run: u32) {
        let (project, run) = key(project, run);
        for ((of, _), known) in self.plans().iter_mut() {
            if *of == project
                && let Some(gone) = known.runs.remove(&run)
            {
                known.bytes -= gone.content.bytes();
            }
        }
    }

    fn plans(&self) -> MutexGuard<'_, HashMap<(String, u32), KnownPlan>> {
        locked(&self.plans)
    }
}

#[cfg(test)]
mod tests;
