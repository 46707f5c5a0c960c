//! Which run a joined collection is, and what is left of it without members that were submitted by
//! themselves. Pure.

use crate::discovery::run_identity::RunIdentity;
use crate::katalon::run::TestResult;
use crate::plan::collection::{MemberState, worst_suite};
use crate::plan::snapshot::Snapshot;

impl Snapshot {
    /// Which run it is. A collection is its id, its host and the first start of its members, also
    /// of those that do not take part: so it stays the same run when others of them do. `None` when
    /// no log tells.
    pub fn identity(&self) -> Option<RunIdentity> {
        let Some(joined) = &self.joined else {
            return RunIdentity::of(&self.run);
        };
        let runs = || {
            joined
                .members
                .iter()
                .filter_map(|member| member.identity.as_ref())
        };
        Some(RunIdentity {
            suite: self.run.suite.clone(),
            started: runs().map(|run| run.started).min()?,
            host: runs().next()?.host.clone(),
            execution_uuid: runs().find_map(|run| run.execution_uuid.clone()),
        })
    }

    /// A collection without the results and files of these runs, which were submitted as runs of
    /// their own; they stay members and are named as that. Its times are still those of the whole.
    /// `None` when no other member takes part.
    pub fn without(&self, alone: &[RunIdentity]) -> Option<Self> {
        let mut rest = self.clone();
        let members = &mut rest.joined.as_mut()?.members;
        for member in members
            .iter_mut()
            .filter(|member| member.state.takes_part())
        {
            let is_alone = |run: &RunIdentity| alone.iter().any(|other| other.is_same_run(run));
            if member.identity.as_ref().is_some_and(is_alone) {
                member.state = MemberState::Alone;
            }
        }
        let takes_part: Vec<bool> = members
            .iter()
            .map(|member| member.state.takes_part())
            .collect();
        if !takes_part.contains(&true) {
            return None;
        }
        rest.run
            .tests
            .retain(|test| takes_part.get(test.member).copied().unwrap_or_default());
        let places = rest.places();
        rest.run.files.retain(|file| {
            places
                .iter()
                .any(|place| place.inside(&file.path).is_some())
        });
        rest.run.status = worst_suite(rest.run.tests.iter().map(TestResult::status));
        Some(rest)
    }
}
