//! Run folders that are decided: they need not be read again while they look the same. Pure.
//!
//! An agent with a new path for each job leaves such folders behind for ever, so one that stays
//! away is forgotten after [`FORGOTTEN`]. That costs no more than a second reading should it come
//! back: its run is known by what its log says. A share that is away for an hour, or over a long
//! weekend, costs not even that.
//!
//! A machine keeps the runs of years, so of each folder only as much is in memory as tells it from
//! another one; its path is in the database.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use crate::moment::Moment;
use crate::stable_number::stable_number;

/// How long a folder has to be gone to be forgotten.
pub(crate) const FORGOTTEN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What is remembered of a settled folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SettledFolder {
    /// How it looked when it was settled.
    pub fingerprint: u64,
    /// When its run ended, if it is settled only because it is older than the history.
    pub older: Option<Moment>,
}

/// Digest of the key of a folder ([`crate::file_names::key`]). Of a million folders two have the
/// same one once in forty million machines, and are then still told apart by how they look.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct FolderDigest(u64);

impl FolderDigest {
    /// The digest of a key.
    pub(crate) fn of(key: &str) -> Self {
        Self(stable_number(blake3::Hasher::new().update(key.as_bytes())))
    }
}

/// All settled folders.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Settled {
    /// In a tree, which grows without having all of them twice for a moment.
    folders: BTreeMap<FolderDigest, SettledFolder>,
    /// Since when those are gone that are, which are few.
    gone: HashMap<FolderDigest, Moment>,
}

/// What a walk over everything changed about settled folders.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Ageing {
    /// They are gone, and were there before.
    pub gone: HashSet<FolderDigest>,
    /// They are there again.
    pub back: HashSet<FolderDigest>,
    /// They have been gone for so long that they are forgotten.
    pub forgotten: HashSet<FolderDigest>,
}

impl Ageing {
    /// Whether nothing changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.back.is_empty() && self.forgotten.is_empty()
    }
}

impl Settled {
    /// Takes in a folder that was settled before, and since when it is gone.
    pub(crate) fn take_in(
        &mut self,
        digest: FolderDigest,
        folder: SettledFolder,
        gone: Option<Moment>,
    ) {
        self.folders.insert(digest, folder);
        if let Some(gone) = gone {
            self.gone.insert(digest, gone);
        }
    }

    /// Remembers that a folder is decided while it looks like this; `older` says when its run
    /// ended, if it is so only because it is older than the history.
    pub(crate) fn settle(&mut self, key: &str, fingerprint: u64, older: Option<Moment>) {
        let digest = FolderDigest::of(key);
        let folder = SettledFolder { fingerprint, older };
        self.folders.insert(digest, folder);
        self.gone.remove(&digest);
    }

    /// Has a folder decided anew, whose answer may be another one by now.
    pub(crate) fn unsettle(&mut self, key: &str) {
        let digest = FolderDigest::of(key);
        self.folders.remove(&digest);
        self.gone.remove(&digest);
    }

    /// Whether a folder was decided, however it looks now.
    pub(crate) fn contains(&self, key: &str) -> bool {
        self.folders.contains_key(&FolderDigest::of(key))
    }

    /// What is remembered of a folder that was decided, however it looks now.
    pub(crate) fn get(&self, folder: FolderDigest) -> Option<SettledFolder> {
        self.folders.get(&folder).copied()
    }

    /// When the run of a folder ended that is settled only because it is older than the history.
    pub(crate) fn older(&self, key: &str) -> Option<Moment> {
        self.folders.get(&FolderDigest::of(key))?.older
    }

    /// What is remembered of a folder that was decided when it looked like this.
    pub(crate) fn get_if_unchanged(&self, key: &str, fingerprint: u64) -> Option<SettledFolder> {
        let folder = self.folders.get(&FolderDigest::of(key))?;
        (folder.fingerprint == fingerprint).then_some(*folder)
    }

    /// Takes note of what is there: all run folders that a walk over everything found at `now`.
    /// What it says has changed is to be stored; most walks change nothing.
    pub(crate) fn age(&mut self, there: &HashSet<FolderDigest>, now: Moment) -> Ageing {
        let mut ageing = Ageing::default();
        for digest in self.folders.keys() {
            let is_there = there.contains(digest);
            match self.gone.get(digest) {
                Some(_) if is_there => {
                    // Should it go again, its time begins anew.
                    self.gone.remove(digest);
                    ageing.back.insert(*digest);
                }

                None if !is_there => {
                    self.gone.insert(*digest, now);
                    ageing.gone.insert(*digest);
                }

                Some(since) if now.since(*since) >= FORGOTTEN => {
                    ageing.forgotten.insert(*digest);
                }
                _ => {}
            }
        }

        for digest in &ageing.forgotten {
            self.folders.remove(digest);
            self.gone.remove(digest);
        }
        ageing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_millis(1_800_000_000_000);

    fn there(keys: &[&str]) -> HashSet<FolderDigest> {
        keys.iter().map(|key| FolderDigest::of(key)).collect()
    }

    fn two() -> Settled {
        let mut settled = Settled::default();
        settled.settle("a", 1, None);
        settled.settle("b", 2, None);
        settled
    }

    #[test]
    fn a_folder_that_stays_away_is_forgotten_after_a_week_and_not_before() {
        let mut settled = two();
        assert_eq!(settled.age(&there(&["a"]), NOW).gone, there(&["b"]));
        let almost = NOW.plus(FORGOTTEN - Duration::from_millis(1));
        assert!(settled.age(&there(&["a"]), almost).is_empty());
        assert!(settled.get_if_unchanged("b", 2).is_some());
        assert_eq!(
            settled.age(&there(&["a"]), NOW.plus(FORGOTTEN)).forgotten,
            there(&["b"])
        );
        assert!(settled.contains("a") && !settled.contains("b"));
    }

    #[test]
    fn a_share_that_was_away_costs_no_second_reading_and_its_week_begins_anew() {
        let mut settled = two();
        settled.age(&there(&[]), NOW);
        let hour = NOW.plus(Duration::from_secs(60 * 60));
        let back = settled.age(&there(&["a", "b"]), hour).back;
        assert_eq!(back.len(), 2);
        assert!(
            settled.get_if_unchanged("a", 1).is_some()
                && settled.get_if_unchanged("b", 2).is_some()
        );
        settled.age(&there(&[]), hour);
        assert!(
            settled
                .age(&there(&[]), NOW.plus(FORGOTTEN))
                .forgotten
                .is_empty()
        );
    }

    #[test]
    fn whatever_a_walk_changed_is_something_to_write() {
        let mut settled = two();

        let gone = settled.age(&there(&["a"]), NOW);
        let back = settled.age(&there(&["a", "b"]), NOW);
        settled.age(&there(&["b"]), NOW);
        let forgotten = settled.age(&there(&["b"]), NOW.plus(FORGOTTEN));

        assert!(!gone.is_empty() && !back.is_empty() && !forgotten.is_empty());
    }

    #[test]
    fn a_folder_that_is_to_be_decided_anew_is_settled_no_more() {
        let mut settled = two();

        settled.unsettle("a");

        assert!(!settled.contains("a") && settled.contains("b"));
    }

    #[test]
    fn of_a_run_that_is_only_too_old_its_end_is_remembered() {
        let mut settled = two();
        settled.settle("old", 3, Some(NOW));

        assert_eq!(settled.older("old"), Some(NOW));
        assert_eq!(settled.older("a"), None);
        assert_eq!(settled.older("unknown"), None);
    }

    #[test]
    fn what_did_not_change_is_not_written_again() {
        let mut settled = two();
        settled.age(&there(&["a"]), NOW);
        assert!(
            settled
                .age(&there(&["a"]), NOW.plus(Duration::from_secs(30)))
                .is_empty()
        );
        assert!(
            settled.age(&there(&["a"]), NOW.minus(FORGOTTEN)).is_empty(),
            "a clock that was set back"
        );
    }
}
