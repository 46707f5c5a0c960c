//! A test run that somebody began in ADO and that a suite run fills (`--into RUN`), in place of one
//! that kado makes. What stands in it stays: its results that are filled already, those whose
//! points the suite run has nothing for, and its comment, to which kado adds.

use std::collections::BTreeMap;

use crate::discovery::filled_run::FilledRun;
use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::plan::point_rule::{Point, Points};
use crate::plural::form;

/// The results of the test run that is filled, as they were before: whether each is filled already,
/// by its point.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct ResultsBefore(pub BTreeMap<u32, bool>);

impl ResultsBefore {
    /// The points of the plan that the run has.
    pub(crate) fn only_of_run(&self, points: Vec<Point>) -> Points {
        let mut of_run = points;
        of_run.retain(|point| self.0.contains_key(&point.id));
        of_run.into()
    }

    pub(super) fn is_filled(&self, point: u32) -> bool {
        self.0.get(&point).copied().unwrap_or_default()
    }
}

impl FilledRun {
    /// A test whose test case the run has no point for.
    pub(super) fn without_point(self, left_out: LeftOut) -> LeftOut {
        match (left_out.kind, left_out.azure_id) {
            (LeftOutKind::NoPoint, Some(id)) => LeftOut {
                reason: format!(
                    "test run {} has no result for test case {id}, and kado adds none to a run \
                     that it did not make",
                    self.run
                ),
                ..left_out
            },
            _ => left_out,
        }
    }

    /// That each of the test points of a suite run, so many, is filled already.
    pub(crate) fn nothing_left(self, points: usize) -> String {
        format!(
            "nothing is left to fill: test run {} has a result for {} of this suite run already, \
             {} as {}",
            self.run,
            form(points, "the only test point", "each test point"),
            form(points, "which stays", "and they stay"),
            form(points, "it is", "they are"),
        )
    }

    /// A test whose result somebody filled already.
    pub(super) fn already_filled(self, test: &str, point: &Point) -> LeftOut {
        LeftOut::id(
            LeftOutKind::Filled,
            test,
            Some(point.test_case_id),
            format!(
                "test run {} has a result for test point {} already, which stays as it is",
                self.run, point.id
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::filled_run::Completion;
    use crate::plan::sample;

    const INTO: FilledRun = FilledRun {
        run: 81,
        completion: Completion::Leave,
    };

    #[test]
    fn of_the_points_only_those_of_the_run_count_and_one_without_a_result_is_not_filled() {
        let before = ResultsBefore(BTreeMap::from([(1, true), (2, false)]));
        let points = vec![
            sample::point(1, 1001, 1),
            sample::point(2, 1002, 1),
            sample::point(3, 1003, 1),
        ];

        let of_run = before.only_of_run(points.clone());

        assert_eq!(of_run, points[..2].to_vec().into());
        assert!(before.is_filled(1));
        assert!(!before.is_filled(2) && !before.is_filled(3));
    }

    #[test]
    fn a_test_without_a_point_is_told_by_the_run_that_lacks_it_and_nothing_else_changes() {
        let of_kind = |kind, id| LeftOut::id(kind, "Test Cases/A", id, "why");

        let no_point = INTO.without_point(of_kind(LeftOutKind::NoPoint, Some(1001)));
        let no_id = INTO.without_point(of_kind(LeftOutKind::NoId, None));

        assert_eq!(
            no_point.reason,
            "test run 81 has no result for test case 1001, and kado adds none to a run that it did \
             not make"
        );
        assert_eq!(no_point.test.as_deref(), Some("Test Cases/A"));
        assert_eq!(no_id, of_kind(LeftOutKind::NoId, None));
    }

    #[test]
    fn that_nothing_is_left_is_said_of_one_point_and_of_several() {
        assert_eq!(
            INTO.nothing_left(1),
            "nothing is left to fill: test run 81 has a result for the only test point of this \
             suite run already, which stays as it is"
        );
        assert_eq!(
            INTO.nothing_left(2),
            "nothing is left to fill: test run 81 has a result for each test point of this suite \
             run already, and they stay as they are"
        );
    }
}
