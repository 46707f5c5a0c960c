//! How long each project holds up the others in a round: whoever writes one decides how many run
//! folders lie in it, and how long they take.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long one project may hold up the others in a round; the rest of it waits for the next one.
const SHARE: Duration = Duration::from_secs(20);

/// What each project took of a round.
#[derive(Debug, Default)]
pub(crate) struct Turns(HashMap<PathBuf, Duration>);

impl Turns {
    /// Begins a round, in which each project has its whole share.
    pub(crate) fn begin_round(&mut self) {
        self.0.clear();
    }

    /// Takes note that a project held up the others for so long.
    pub(crate) fn spend(&mut self, project: &Path, time: Duration) {
        *self.0.entry(project.to_owned()).or_default() += time;
    }

    /// Whether a project had its share of the round.
    pub(crate) fn is_over(&self, project: &Path) -> bool {
        self.0.get(project).is_some_and(|spent| *spent >= SHARE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_that_had_its_share_waits_for_the_next_round() {
        let mut turns = Turns::default();
        turns.spend(Path::new("shop"), SHARE / 2);
        assert!(!turns.is_over(Path::new("shop")));

        turns.spend(Path::new("shop"), SHARE / 2);

        assert!(turns.is_over(Path::new("shop")));
        assert!(!turns.is_over(Path::new("bank")));

        turns.begin_round();

        assert!(!turns.is_over(Path::new("shop")));
    }
}
