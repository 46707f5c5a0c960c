//! How many projects of a watched folder are found. Whoever writes one checkout decides how many
//! lie in it, and each costs memory, time and lines of the log: so a folder of the first level,
//! which is one checkout or agent, has a share, and the watched folder a limit.
//!
//! Folders are met in the order of their names, so the same projects are left out by each walk.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::watch::problems::WatchFault;

/// Projects that are found in a watched folder.
const MOST: usize = 4_000;
/// Those of them that may lie in one folder of its first level.
const SHARE: usize = 1_000;

/// The projects that a walk found in one watched folder.
#[derive(Debug, Default)]
pub(super) struct ProjectShares {
    found: usize,
    /// By the folder of the first level; what lies in the watched folder itself has an empty name.
    of_first_level: BTreeMap<OsString, Share>,
}

#[derive(Debug, Default)]
struct Share {
    found: usize,
    left_out: usize,
}

impl ProjectShares {
    /// Whether a project that lies there below the watched folder is found; it is counted.
    pub(super) fn takes(&mut self, below: &Path) -> bool {
        let first = below.components().next();
        let first = first.map(|first| first.as_os_str().to_owned());
        let share = self
            .of_first_level
            .entry(first.unwrap_or_default())
            .or_default();

        if share.found >= SHARE || self.found >= MOST {
            share.left_out += 1;
            return false;
        }
        share.found += 1;
        self.found += 1;
        true
    }

    /// What was left out: below which folder of the watched one, and how it is told.
    pub(super) fn left_out(self) -> Vec<(PathBuf, WatchFault)> {
        let mut left_out = Vec::new();
        for (first, share) in self.of_first_level {
            if share.left_out > 0 {
                let fault = WatchFault::TooMany {
                    found: share.found,
                    left_out: share.left_out,
                };
                left_out.push((PathBuf::from(first), fault));
            }
        }
        left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(shares: &mut ProjectShares, first: &str, count: usize) -> usize {
        let mut taken = 0;
        for number in 0..count {
            let below = Path::new(first).join(format!("p{number}"));
            taken += usize::from(shares.takes(&below));
        }
        taken
    }

    #[test]
    fn the_projects_of_one_checkout_leave_room_for_those_of_others() {
        let mut shares = ProjectShares::default();

        assert_eq!(taken(&mut shares, "a", SHARE + 7), SHARE);
        assert_eq!(taken(&mut shares, "b", 3), 3);

        let told = shares.left_out();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].0, Path::new("a"));
        assert_eq!(
            told[0].1,
            WatchFault::TooMany {
                found: SHARE,
                left_out: 7
            }
        );
    }

    #[test]
    fn a_watched_folder_has_a_limit_and_what_is_beyond_is_told_where_it_lies() {
        let mut shares = ProjectShares::default();
        for first in ["a", "b", "c", "d"] {
            assert_eq!(taken(&mut shares, first, SHARE), SHARE);
        }

        assert!(!shares.takes(Path::new("e/Shop")));
        assert!(!shares.takes(Path::new("")), "the watched folder itself");

        let told: Vec<PathBuf> = shares.left_out().into_iter().map(|(at, _)| at).collect();
        assert_eq!(told, [Path::new(""), Path::new("e")]);
    }
}
