//! What ADO said when a submission was planned.

use crate::plan::filling::ResultsBefore;
use crate::plan::links::{BuildLink, LookUp, ReleaseLink};
#[cfg(test)]
use crate::plan::point_rule::Point;
use crate::plan::point_rule::Points;

/// What was read from ADO for one submission.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct AdoFacts {
    /// All points of the test plan.
    pub points: Points,
    /// The run's other test plans, where it has several.
    pub elsewhere: Vec<OtherPlan>,
    /// Whether the server is too old for tags (before Azure DevOps Server 2020).
    pub no_tags: bool,
    /// The build to link with.
    pub build: LookUp<BuildLink>,
    /// The release to link with.
    pub release: LookUp<ReleaseLink>,
    /// The results of the test run that is filled; none where kado makes it.
    pub results_before: ResultsBefore,
}

/// Another test plan of the same run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct OtherPlan {
    /// Its id.
    pub plan_id: u32,
    /// All its points; none when the plan is gone.
    pub points: Points,
    /// Why it could not be read, so that nobody knows its points.
    pub unread: Option<String>,
}

#[cfg(test)]
impl AdoFacts {
    /// Points alone.
    pub(crate) fn of_points(points: &[Point]) -> Self {
        Self {
            points: points.to_vec().into(),
            ..Self::default()
        }
    }
}
