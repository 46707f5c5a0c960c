//! Which points a result goes to (product contract, section 3, "Points"): those of the plan, the
//! id and the configuration; several only where the settings allow it.

use serde::{Deserialize, Serialize};

use crate::plan::left_out::{LeftOut, LeftOutKind};

/// A test point as ADO lists it: a test case in a suite of the plan, with a configuration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Point {
    /// Id of the point.
    pub id: u32,
    /// Work item id of the test case.
    pub test_case_id: u32,
    /// Id of the configuration.
    pub configuration_id: u32,
    /// Name of the configuration, for messages.
    pub configuration_name: String,
    /// Id of the suite that holds the point.
    pub suite_id: u32,
}

/// The points of a test plan, which may be many thousand, so that those of a test case are found
/// without looking at the others.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Points(Vec<Point>);

impl From<Vec<Point>> for Points {
    /// Takes points in any order; those of one test case keep theirs.
    fn from(mut points: Vec<Point>) -> Self {
        points.sort_by_key(|point| point.test_case_id);
        Self(points)
    }
}

impl Points {
    /// All of them, those of one test case together.
    pub(crate) fn all(&self) -> &[Point] {
        &self.0
    }

    /// The points of a test case.
    fn of_case(&self, azure_id: u32) -> &[Point] {
        let first = self
            .0
            .partition_point(|point| point.test_case_id < azure_id);
        let rest = &self.0[first..];
        &rest[..rest.partition_point(|point| point.test_case_id == azure_id)]
    }
}

/// How points are chosen for the test cases of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PointRule<'a> {
    /// The test plan, for messages.
    pub plan_id: u32,
    /// All points of that plan.
    pub points: &'a Points,
    /// The configuration that the mapping gives; `None` does not filter.
    pub configuration: Option<u32>,
    /// Whether several points of one test case are all used (`enableSubmitMultiTestPoints`).
    pub multiple: bool,
}

/// Points with ascending ids, or why the test case is left out.
pub(crate) type ChosenPoints<'a> = Result<Vec<&'a Point>, LeftOut>;

impl<'a> PointRule<'a> {
    /// The same rule for another configuration.
    #[must_use]
    pub(crate) const fn for_configuration(&self, configuration: Option<u32>) -> Self {
        Self {
            configuration,
            ..*self
        }
    }

    /// The points that a result of this test case goes to, with ascending ids. `test` is the
    /// Katalon test that is named where there are none.
    ///
    /// # Errors
    /// The reason why the test case is left out: no point, or several while only one is allowed.
    pub(crate) fn choose(&self, test: &str, azure_id: u32) -> ChosenPoints<'a> {
        let mut points: Vec<_> = self.of(azure_id).collect();

        // ADO lists points in no order that it promises. The same points are to give the same plan
        // (invariant I3), and the message of the contract lists ids ascending.
        points.sort_by_key(|point| point.id);
        points.dedup_by_key(|point| point.id);

        if points.is_empty() {
            return Err(Self::none_in(&[*self], test, azure_id));
        }
        if points.len() > 1 && !self.multiple {
            return Err(LeftOut::id(
                LeftOutKind::SeveralPoints,
                test,
                Some(azure_id),
                several_points(azure_id, &points),
            ));
        }
        Ok(points)
    }

    /// The points of a test case with the configuration of the run, as they come.
    pub(crate) fn of(&self, azure_id: u32) -> impl Iterator<Item = &'a Point> {
        let wanted = self.configuration;
        self.of_case(azure_id)
            .filter(move |point| wanted.is_none() || wanted == Some(point.configuration_id))
    }

    /// The points of a test case with any configuration.
    fn of_case(&self, azure_id: u32) -> impl Iterator<Item = &'a Point> {
        self.points.of_case(azure_id).iter()
    }

    /// Says that none of these plans, at least one, has a point for a test case; where there are
    /// points with other configurations, which ones.
    pub(crate) fn none_in(rules: &[Self], test: &str, azure_id: u32) -> LeftOut {
        let ids: Vec<_> = rules.iter().map(|rule| rule.plan_id.to_string()).collect();
        let plans = match ids.as_slice() {
            [only] => format!("test plan {only}"),
            several => format!("any of the test plans {}", several.join(", ")),
        };

        let mut other_configurations: Vec<_> = rules
            .iter()
            .flat_map(|rule| rule.of_case(azure_id))
            .map(|point| format!("{} ({})", point.configuration_id, point.configuration_name))
            .collect();

        // A test case that stands in several suites has the same configuration in each.
        other_configurations.sort();
        other_configurations.dedup();

        let wanted = rules.iter().find_map(|rule| rule.configuration);
        let reason = match wanted {
            Some(wanted) if !other_configurations.is_empty() => format!(
                "test case {azure_id} has no test point with configuration {wanted} in {plans}, \
                 only with {}; assign the configuration in ADO or change the test configuration \
                 mapping",
                other_configurations.join(", ")
            ),
            _ => {
                let a_plan = if rules.len() == 1 {
                    "the plan"
                } else {
                    "one of them"
                };

                format!(
                    "test case {azure_id} has no test point in {plans}; add it to a suite of \
                     {a_plan}, or correct the id"
                )
            }
        };

        LeftOut::id(LeftOutKind::NoPoint, test, Some(azure_id), reason)
    }
}

/// Katalon's own message for this case; its wording is part of the contract (product.md §3).
fn several_points(azure_id: u32, points: &[&Point]) -> String {
    let ids: Vec<_> = points.iter().map(|point| point.id.to_string()).collect();
    format!(
        "Cannot create test results for Azure DevOps Test Case ID={azure_id} due to multiple Test \
         Points returned. Check Test Points with ID = {}; or allow sending test results anyway in \
         project settings.",
        ids.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(id: u32, test_case_id: u32, configuration_id: u32) -> Point {
        Point {
            id,
            test_case_id,
            configuration_id,
            configuration_name: format!("C{configuration_id}"),
            suite_id: 20,
        }
    }

    fn points(points: impl Into<Vec<Point>>) -> Points {
        Points::from(points.into())
    }

    fn rule(points: &Points, configuration: u32) -> PointRule<'_> {
        PointRule {
            plan_id: 18,
            points,
            configuration: Some(configuration),
            multiple: false,
        }
    }

    #[test]
    fn a_test_case_has_its_points_whatever_stands_between_them() {
        let points = points([
            point(9, 12, 1),
            point(1, 99, 1),
            point(5, 12, 2),
            point(2, 3, 1),
        ]);
        let rule = rule(&points, 2);

        let ids = |case| -> Vec<u32> { rule.of_case(case).map(|point| point.id).collect() };

        assert_eq!(ids(12), [9, 5]);
        assert_eq!(ids(3), [2]);
        assert_eq!(ids(99), [1]);
        assert_eq!(ids(13), [0; 0]);
    }

    #[test]
    fn several_points_give_katalons_exact_message_with_ascending_ids() {
        let points = points([point(9, 12, 1), point(5, 12, 1), point(7, 12, 2)]);

        let left_out = rule(&points, 1).choose("Test Cases/A", 12).unwrap_err();

        assert_eq!(
            left_out.reason,
            "Cannot create test results for Azure DevOps Test Case ID=12 due to multiple Test \
             Points returned. Check Test Points with ID = 5, 9; or allow sending test results \
             anyway in project settings."
        );
    }

    #[test]
    fn several_points_are_all_chosen_where_the_settings_allow_it() {
        let points = points([point(9, 12, 1), point(5, 12, 1), point(7, 12, 2)]);
        let rule = PointRule {
            multiple: true,
            ..rule(&points, 1)
        };

        let chosen = rule.choose("Test Cases/A", 12).unwrap();

        let ids: Vec<_> = chosen.iter().map(|point| point.id).collect();
        assert_eq!(ids, [5, 9]);
    }

    #[test]
    fn a_configuration_picks_the_one_point_that_has_it() {
        let points = points([point(5, 12, 1), point(7, 12, 2)]);

        let chosen = rule(&points, 2).choose("Test Cases/A", 12).unwrap();

        assert_eq!(chosen[0].id, 7);
    }

    #[test]
    fn a_case_without_a_fitting_point_says_which_configurations_it_has() {
        let points = points([point(5, 12, 1), point(7, 12, 2)]);

        let reason = rule(&points, 3)
            .choose("Test Cases/A", 12)
            .unwrap_err()
            .reason;

        assert!(reason.contains("only with 1 (C1), 2 (C2)"), "{reason}");
    }

    #[test]
    fn a_case_without_any_point_names_the_plan() {
        let points = points([point(5, 12, 1), point(7, 12, 2)]);

        let reason = rule(&points, 3)
            .choose("Test Cases/A", 99)
            .unwrap_err()
            .reason;

        assert!(
            reason.contains("test case 99 has no test point in test plan 18"),
            "{reason}"
        );
    }
}
