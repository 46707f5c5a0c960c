//! Which points a result goes to.

use serde::{Deserialize, Serialize};

use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::plan::mapped_cases::MappedCase;

/// A test point as ADO lists it: a test case in a suite of the plan, with a configuration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Point {
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

/// How points are chosen for the test cases of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PointRule<'a> {
    /// The test plan, for messages.
    pub plan_id: u32,
    /// All points of that plan, in any order.
    pub points: &'a [Point],
    /// The configuration that the mapping gives; `None` does not filter.
    pub configuration: Option<u32>,
    /// Whether several points of one test case are all used.
    pub multiple: bool,
}

/// Points with ascending ids, or why the test case is left out.
pub(crate) type Choice<'a> = Result<Vec<&'a Point>, LeftOut>;

impl<'a> PointRule<'a> {
    /// The same rule for the configuration of a group.
    #[must_use]
    pub(crate) const fn for_group(&self, group: &MappedCase<'_>) -> Self {
        Self {
            configuration: group.configuration,
            ..*self
        }
    }

    /// The points that a result of this test case goes to, with ascending ids.
    ///
    /// # Errors
    /// The reason why the test case is left out: no point, or several while only one is allowed.
    pub(crate) fn choose(&self, test: &str, azure_id: u32) -> Choice<'a> {
        let mut chosen: Vec<_> = self.of(azure_id).collect();
        chosen.sort_by_key(|point| point.id);
        chosen.dedup_by_key(|point| point.id);
        match chosen.len() {
            0 => Err(Self::none_in(&[*self], test, azure_id)),
            1 => Ok(chosen),
            _ if self.multiple => Ok(chosen),
            _ => Err(LeftOut::id(
                LeftOutKind::SeveralPoints,
                test,
                Some(azure_id),
                several(azure_id, &chosen),
            )),
        }
    }

    /// The points of a test case with the configuration of the run, as they come.
    pub(crate) fn of(&self, azure_id: u32) -> impl Iterator<Item = &'a Point> {
        let wanted = self.configuration;
        self.of_case(azure_id)
            .filter(move |point| wanted.is_none_or(|id| id == point.configuration_id))
    }

    fn of_case(&self, azure_id: u32) -> impl Iterator<Item = &'a Point> {
        self.points
            .iter()
            .filter(move |point| point.test_case_id == azure_id)
    }

    /// Says that none of these plans, at least one, has a point for a test case.
    pub(crate) fn none_in(rules: &[Self], test: &str, azure_id: u32) -> LeftOut {
        let ids: Vec<_> = rules.iter().map(|rule| rule.plan_id.to_string()).collect();
        let (plans, a_plan) = match ids.as_slice() {
            [only] => (format!("test plan {only}"), "the plan"),
            several => (
                format!("any of the test plans {}", several.join(", ")),
                "one of them",
            ),
        };
        let mut others: Vec<_> = rules
            .iter()
            .flat_map(|rule| rule.of_case(azure_id))
            .map(|point| format!("{} ({})", point.configuration_id, point.configuration_name))
            .collect();
        others.sort();
        others.dedup();
        let configuration = rules
            .iter()
            .find_map(|rule| rule.configuration)
            .filter(|_| !others.is_empty());
        let reason = match configuration {
            None => format!(
                "test case {azure_id} has no test point in {plans}; add it to a suite of {a_plan}, or correct the id"
            ),
            Some(configuration) => format!(
                "test case {azure_id} has no test point with configuration {configuration} in {plans}, only with {}; \
                 assign the configuration in ADO or change the test configuration mapping",
                others.join(", ")
            ),
        };
        LeftOut::id(LeftOutKind::NoPoint, test, Some(azure_id), reason)
    }
}

/// Katalon's own message for this case; its wording is part of the contract (product.md §3).
fn several(azure_id: u32, points: &[&Point]) -> String {
    let ids: Vec<_> = points.iter().map(|point| point.id.to_string()).collect();
    format!(
        "Cannot create test results for Azure DevOps Test Case ID={azure_id} due to multiple Test Points returned. \
         Check Test Points with ID = {}; or allow sending test results anyway in project settings.",
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

    #[test]
    fn several_points_give_katalons_exact_message_with_ascending_ids() {
        let points = [point(9, 12, 1), point(5, 12, 1), point(7, 12, 2)];
        let rule = PointRule {
            plan_id: 18,
            points: &points,
            configuration: Some(1),
            multiple: false,
        };
        assert_eq!(
            rule.choose("Test Cases/A", 12).unwrap_err().reason,
            "Cannot create test results for Azure DevOps Test Case ID=12 due to multiple Test Points returned. \
             Check Test Points with ID = 5, 9; or allow sending test results anyway in project settings."
        );
        let all = PointRule {
            multiple: true,
            ..rule
        };
        assert_eq!(
            all.choose("Test Cases/A", 12)
                .unwrap()
                .iter()
                .map(|p| p.id)
                .collect::<Vec<_>>(),
            [5, 9]
        );
    }

    #[test]
    fn a_configuration_picks_the_one_point_that_has_it() {
        let points = [point(5, 12, 1), point(7, 12, 2)];
        let rule = PointRule {
            plan_id: 18,
            points: &points,
            configuration: Some(2),
            multiple: false,
        };
        assert_eq!(rule.choose("Test Cases/A", 12).unwrap()[0].id, 7);
    }

    #[test]
    fn a_case_without_a_fitting_point_says_which_configurations_it_has() {
        let points = [point(5, 12, 1), point(7, 12, 2)];
        let rule = PointRule {
            plan_id: 18,
            points: &points,
            configuration: Some(3),
            multiple: false,
        };
        let reason = rule.choose("Test Cases/A", 12).unwrap_err().reason;
        assert!(reason.contains("only with 1 (C1), 2 (C2)"), "{reason}");
        let reason = rule.choose("Test Cases/A", 99).unwrap_err().reason;
        assert!(
            reason.contains("test case 99 has no test point in test plan 18"),
            "{reason}"
        );
    }
}
