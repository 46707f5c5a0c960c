//! How much one project may add to the outbox in a day.
//!
//! What is recorded stays there for ever, so whoever writes a project could fill the disk for all
//! by writing runs. The share is far above what tests make; a project that has used it up has its
//! runs recorded from the next day on, while an operator can look at it. It is counted in memory: a
//! start of kado begins anew.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::moment::Moment;

/// Bytes of runs of one project that are recorded in a day.
const SHARE: u64 = 1 << 30;
/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// What was recorded of each project today.
#[derive(Debug, Default)]
pub(super) struct DayShares {
    /// The day in UTC, counted from 1970.
    day: i64,
    of_projects: HashMap<PathBuf, u64>,
}

impl DayShares {
    /// Why no run of the project at `root` is recorded now; `None` when it is.
    pub(super) fn obstacle(&mut self, root: Option<&Path>, now: Moment) -> Option<String> {
        self.begin_day(now);
        let used = self.of_projects.get(root?).copied().unwrap_or(0);

        (used >= SHARE).then(|| {
            format!(
                "its project added {} MiB of runs to the outbox today, which is the most in a day; \
                 more are recorded tomorrow (UTC), or after a restart of kado",
                used >> 20
            )
        })
    }

    /// Takes note of a run of the project at `root` that takes so many bytes.
    pub(super) fn add(&mut self, root: &Path, size: u64, now: Moment) {
        self.begin_day(now);
        let used = self.of_projects.entry(root.to_owned()).or_default();

        let was_less = *used < SHARE;
        *used = used.saturating_add(size);
        if was_less && *used >= SHARE {
            tracing::warn!(
                project = %root.display(),
                "the runs of this project fill the outbox; no more of them are recorded today"
            );
        }
    }

    fn begin_day(&mut self, now: Moment) {
        let day = now.millis().div_euclid(DAY);
        if day != self.day {
            self.day = day;
            self.of_projects.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_that_used_up_its_share_waits_for_the_next_day_and_others_do_not() {
        let shop = Path::new("shop");
        let today = Moment::from_millis(DAY);
        let mut shares = DayShares::default();

        shares.add(shop, SHARE - 1, today);
        assert_eq!(shares.obstacle(Some(shop), today), None);
        shares.add(shop, 1, today);

        let reason = shares.obstacle(Some(shop), today).unwrap();
        assert!(reason.contains("added 1024 MiB of runs"), "{reason}");
        assert_eq!(shares.obstacle(Some(Path::new("bank")), today), None);
        let tomorrow = Moment::from_millis(2 * DAY);
        assert_eq!(shares.obstacle(Some(shop), tomorrow), None);
    }
}
