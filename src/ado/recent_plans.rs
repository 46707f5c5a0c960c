//! What was read of test plans a moment ago, so that the runs that wait for the same plan do not
//! each read it again. Root suites never change while their plan is there; points do, so they count
//! only for whoever was waiting already when they were read.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use crate::locked::locked;
use crate::moment::Moment;
use crate::plan::point_rule::Point;

/// How long a root suite is believed to be the one of its plan.
const ROOT_SUITE: Duration = Duration::from_secs(5 * 60);
/// How long points are kept: a backlog of runs goes on within this, and a plan can be large.
const POINTS: Duration = Duration::from_secs(60);

/// Test plans, by their project and id.
#[derive(Default)]
pub(super) struct RecentPlans(Mutex<HashMap<(String, u32), RecentPlan>>);

#[derive(Default)]
struct RecentPlan {
    root_suite: Option<Read<u32>>,
    points: Option<Read<Vec<Point>>>,
}

/// Something with the moment in which it was asked for.
struct Read<T> {
    at: Moment,
    content: T,
}

impl<T: Clone> Read<T> {
    /// The content, unless it is older than `age` or than `since`.
    fn still_good(&self, age: Duration, since: Moment, now: Moment) -> Option<T> {
        // A clock that was set back makes everything old.
        let is_good = self.at <= now && now.since(self.at) < age && since <= self.at;
        is_good.then(|| self.content.clone())
    }
}

impl RecentPlans {
    /// The root suite of a plan.
    pub(super) fn root_suite(&self, project: &str, plan: u32, now: Moment) -> Option<u32> {
        let plans = self.plans();
        let root_suite = plans.get(&key(project, plan))?.root_suite.as_ref()?;
        root_suite.still_good(ROOT_SUITE, Moment::default(), now)
    }

    /// The root suite of a plan was asked for at `at`.
    pub(super) fn know_root_suite(&self, project: &str, plan: u32, suite: u32, at: Moment) {
        let mut plans = self.plans();
        let known = plans.entry(key(project, plan)).or_default();
        known.root_suite = Some(Read { at, content: suite });
    }

    /// The plan is not what it was taken for.
    pub(super) fn forget(&self, project: &str, plan: u32) {
        self.plans().remove(&key(project, plan));
    }

    /// The points of a plan, if they were read at `since` or later.
    pub(super) fn points(
        &self,
        project: &str,
        plan: u32,
        since: Moment,
        now: Moment,
    ) -> Option<Vec<Point>> {
        let plans = self.plans();
        let points = plans.get(&key(project, plan))?.points.as_ref()?;
        points.still_good(POINTS, since, now)
    }

    /// The points of a plan were asked for at `at`.
    pub(super) fn know_points(&self, project: &str, plan: u32, points: &[Point], at: Moment) {
        let mut plans = self.plans();

        // Nobody asks for the old ones any more, and they may be many.
        for known in plans.values_mut() {
            if let Some(points) = &known.points
                && (points.at > at || at.since(points.at) >= POINTS)
            {
                known.points = None;
            }
        }

        let known = plans.entry(key(project, plan)).or_default();
        known.points = Some(Read {
            at,
            content: points.to_vec(),
        });
    }

    fn plans(&self) -> MutexGuard<'_, HashMap<(String, u32), RecentPlan>> {
        locked(&self.0)
    }
}

/// Names of projects have no case.
fn key(project: &str, plan: u32) -> (String, u32) {
    (project.to_lowercase(), plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Moment {
        Moment::from_millis(seconds * 1000)
    }

    fn point() -> Point {
        Point {
            id: 1,
            test_case_id: 2,
            configuration_id: 3,
            configuration_name: String::new(),
            suite_id: 4,
        }
    }

    #[test]
    fn points_count_for_whoever_waited_already_when_they_were_read_and_for_a_minute() {
        let plans = RecentPlans::default();
        plans.know_points("Shop", 18, &[point()], at(100));

        assert!(plans.points("shop", 18, at(100), at(159)).is_some());
        assert!(plans.points("Shop", 18, at(101), at(101)).is_none());
        assert!(plans.points("Shop", 18, at(50), at(160)).is_none());
        assert!(plans.points("Shop", 19, at(50), at(101)).is_none());
        assert!(
            plans.points("Shop", 18, at(50), at(99)).is_none(),
            "the clock was set back"
        );
    }

    #[test]
    fn a_root_suite_is_known_for_minutes_and_until_it_turns_out_to_be_wrong() {
        let plans = RecentPlans::default();
        plans.know_root_suite("Shop", 18, 20, at(100));

        assert_eq!(plans.root_suite("Shop", 18, at(399)), Some(20));
        assert_eq!(plans.root_suite("Shop", 18, at(400)), None);

        plans.forget("Shop", 18);
        assert_eq!(plans.root_suite("Shop", 18, at(101)), None);
    }
}
