//! What a plan depends on besides the snapshot: what ADO said when the submission was planned.

use crate::plan::links::{BuildLink, LookUp, ReleaseLink};
use crate::plan::points::Point;

/// What was read from ADO for one submission.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AdoFacts {
    /// All points of the test plan.
    pub points: Vec<Point>,
    /// The build to link with.
    pub build: LookUp<BuildLink>,
    /// The release to link with.
    pub release: LookUp<ReleaseLink>,
}

impl AdoFacts {
    /// Points alone.
    pub fn of_points(points: &[Point]) -> Self {
        Self { points: points.to_vec(), ..Self::default() }
    }
}
