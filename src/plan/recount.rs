//! What ADO holds of a test run, compared with what was planned for it. Pure.
//!
//! **What is certain.** The answer to the request that completes a run has counts: `totalTests` and
//! `passedTests` say plainly what they count, but servers compute them late (`ado/api.md` §5).
//! Where they are what was planned, that is good news at no cost. Where they are not, it says
//! nothing yet, and the results themselves are read: those are not computed. `incompleteTests`,
//! `unanalyzedTests` and `notApplicableTests` depend on outcomes and failure types in ways that are
//! described nowhere, and are not compared.
//!
//! A [`Recount`] is stored as JSON and shown by `--json`: the serde names do not change.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plan::SubmissionPlan;
use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::plan::text;
use crate::plural::counted;

/// Differences that are told one by one.
const MOST: usize = 20;

/// ADO's outcome for a test that passed.
const PASSED: &str = "Passed";

/// When results are read again although ADO counts what was planned (`submit.verify`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verify {
    /// Never.
    #[default]
    Counts,
    /// Always.
    Full,
}

/// What ADO says it counts in a run, as far as that is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RunCounts {
    /// All results.
    pub total: Option<u32>,
    /// Those that passed.
    pub passed: Option<u32>,
}

/// A result as it was read back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FoundResult {
    /// Its test point; `None` where the server does not say.
    pub point_id: Option<u32>,
    /// Its outcome.
    pub outcome: Option<String>,
    /// Whether it is completed; only then its outcome counts.
    pub is_completed: bool,
}

/// Whose results a run may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum OthersResults {
    /// kado made the run: none but its own.
    Unexpected,
    /// The run was there before: others may have written into it.
    Expected,
}

/// What was compared, and what differs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Recount {
    /// Results that were planned.
    pub planned: usize,
    /// Results that the run has in ADO; `null` where that could not be read.
    pub in_ado: Option<usize>,
    /// How many results differ.
    pub different: usize,
    /// The first of them.
    pub differences: Vec<ResultDifference>,
    /// Why nothing could be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncompared: Option<String>,
}

/// A result that is not what was planned.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct ResultDifference {
    /// The test point; `null` of one that the server does not say.
    pub point_id: Option<u32>,
    /// The test case; `null` of a result that was not planned.
    pub azure_id: Option<u32>,
    /// The outcome that was planned; `null` of a result that was not.
    pub planned: Option<String>,
    /// The outcome in ADO; `null` without a result, or with one that is not completed.
    pub found: Option<String>,
}

impl Recount {
    /// All is as it was planned, by ADO's own counts.
    pub(crate) fn agreed(plan: &SubmissionPlan) -> Self {
        Self {
            planned: plan.results.len(),
            in_ado: Some(plan.results.len()),
            ..Self::default()
        }
    }

    /// Nothing could be compared.
    pub(crate) fn uncompared(planned: usize, reason: &str) -> Self {
        Self {
            planned,
            uncompared: Some(text::reason(reason)),
            ..Self::default()
        }
    }

    /// Whether ADO holds something else than was planned.
    pub(crate) const fn is_different(&self) -> bool {
        self.different > 0
    }

    /// What is told one by one, and how many more there are.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.differences.iter().map(ToString::to_string).collect();
        let more = self.different.saturating_sub(lines.len());
        if more > 0 {
            lines.push(format!("… and {}", counted(more, "more result")));
        }
        lines
    }

    fn add(&mut self, difference: ResultDifference) {
        self.different += 1;
        if self.differences.len() < MOST {
            self.differences.push(difference);
        }
    }
}

impl fmt::Display for Recount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(reason) = &self.uncompared {
            return write!(f, "not compared: {reason}");
        }
        if self.is_different() {
            return write!(f, "{} not as sent", counted(self.different, "result"));
        }
        write!(f, "{} as planned", counted(self.planned, "result"))
    }
}

impl fmt::Display for ResultDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.point_id {
            Some(point) => write!(f, "test point {point}")?,
            None => f.write_str("a result without a test point")?,
        }
        if let Some(case) = self.azure_id {
            write!(f, " (test case {case})")?;
        }

        match (&self.planned, &self.found) {
            (Some(planned), Some(found)) => {
                write!(f, ": {planned} was sent, Azure DevOps has {found}")
            }
            (Some(planned), None) => {
                write!(
                    f,
                    ": {planned} was sent, Azure DevOps has no completed result"
                )
            }
            (None, Some(found)) => write!(f, ": Azure DevOps has {found}, which kado did not send"),
            (None, None) => f.write_str(": Azure DevOps has a result that kado did not send"),
        }
    }
}

/// Whether ADO counts just what was planned. Where it does not, or does not say, only the results
/// themselves tell.
pub(crate) fn counts_agree(plan: &SubmissionPlan, counts: RunCounts) -> bool {
    let passed = plan
        .results
        .iter()
        .filter(|result| result.outcome == PASSED)
        .count();

    is_number(counts.total, plan.results.len()) && is_number(counts.passed, passed)
}

fn is_number(counted: Option<u32>, planned: usize) -> bool {
    counted.and_then(|counted| usize::try_from(counted).ok()) == Some(planned)
}

/// Compares the results of a run with its plan. `refused` is what ADO did not take: it is named
/// already, and its results may be incomplete.
pub(crate) fn compare(
    plan: &SubmissionPlan,
    refused: &[LeftOut],
    found: &[FoundResult],
    others: OthersResults,
) -> Recount {
    let refused_cases: HashSet<u32> = refused
        .iter()
        .filter(|left_out| matches!(left_out.kind, LeftOutKind::Refused | LeftOutKind::GivenUp))
        .filter_map(|left_out| left_out.azure_id)
        .collect();

    // Of a point with several results the first counts, as when they were written.
    let mut by_point: HashMap<u32, &FoundResult> = HashMap::new();
    let mut unplanned = Vec::new();
    let planned_points: HashSet<u32> = plan.results.iter().map(|result| result.point_id).collect();
    for result in found {
        match result.point_id {
            Some(point) if planned_points.contains(&point) && !by_point.contains_key(&point) => {
                by_point.insert(point, result);
            }
            _ => unplanned.push(result),
        }
    }

    let mut recount = Recount {
        planned: plan.results.len(),
        in_ado: Some(found.len()),
        ..Recount::default()
    };
    for result in &plan.results {
        let of_point = by_point.get(&result.point_id);
        let outcome = of_point
            .filter(|found| found.is_completed)
            .and_then(|found| found.outcome.clone());

        let is_as_planned = outcome
            .as_ref()
            .is_some_and(|outcome| outcome.eq_ignore_ascii_case(&result.outcome));
        let is_named = outcome.is_none() && refused_cases.contains(&result.test_case_id);
        if !is_as_planned && !is_named {
            recount.add(ResultDifference {
                point_id: Some(result.point_id),
                azure_id: Some(result.test_case_id),
                planned: Some(result.outcome.clone()),
                found: outcome.as_deref().map(text::quoted),
            });
        }
    }

    if others == OthersResults::Unexpected {
        for result in unplanned {
            recount.add(ResultDifference {
                point_id: result.point_id,
                azure_id: None,
                planned: None,
                found: result.outcome.as_deref().map(text::quoted),
            });
        }
    }
    recount
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::settings::AzureSettings;
    use crate::katalon::status::Status;
    use crate::plan::ado_facts::AdoFacts;
    use crate::plan::history::TestMemory;
    use crate::plan::{plan, sample};

    /// A plan with a result that passed for point 1 and one that failed for point 2.
    fn two_results() -> SubmissionPlan {
        let mut run = sample::run("Smoke", 0, 9000);
        run.tests = vec![
            sample::test("A", 0, &[Status::Passed]),
            sample::test("B", 0, &[Status::Failed]),
        ];
        let mut snapshot = sample::snapshot(run, &AzureSettings::default());
        for (name, id) in [("A", "1001"), ("B", "1002")] {
            let case = sample::case_with_ids(id);
            snapshot.cases.insert(format!("Test Cases/{name}"), case);
        }

        let points = [sample::point(1, 1001, 1), sample::point(2, 1002, 1)];
        plan(
            &snapshot,
            18,
            "key",
            &AdoFacts::of_points(&points),
            &TestMemory::default(),
        )
    }

    #[test]
    fn a_recount_is_told_in_a_line() {
        let plan = two_results();
        let agreed = Recount::agreed(&plan);
        let uncompared = Recount::uncompared(2, "the run is gone");
        let different = Recount {
            different: 1,
            ..agreed.clone()
        };

        assert_eq!(agreed.to_string(), "2 results as planned");
        assert_eq!(agreed.in_ado, Some(2));
        assert_eq!(uncompared.to_string(), "not compared: the run is gone");
        assert_eq!(uncompared.planned, 2);
        assert_eq!(different.to_string(), "1 result not as sent");
    }

    fn found(point: u32, outcome: &str) -> FoundResult {
        FoundResult {
            point_id: Some(point),
            outcome: Some(outcome.to_owned()),
            is_completed: true,
        }
    }

    fn compared(refused: &[LeftOut], found: &[FoundResult]) -> Vec<String> {
        compare(&two_results(), refused, found, OthersResults::Unexpected).lines()
    }

    #[test]
    fn what_was_planned_in_any_order_and_case_is_no_difference() {
        assert_eq!(
            compared(&[], &[found(2, "failed"), found(1, "Passed")]),
            [""; 0]
        );
    }

    #[test]
    fn each_difference_has_its_words() {
        let pending = FoundResult {
            is_completed: false,
            ..found(2, "Unspecified")
        };

        let told = [
            compared(&[], &[found(1, "Failed"), found(2, "Failed")]),
            compared(&[], &[found(1, "Passed")]),
            compared(&[], &[found(1, "Passed"), pending]),
            compared(
                &[],
                &[found(1, "Passed"), found(2, "Failed"), found(3, "Passed")],
            ),
        ]
        .concat();

        assert_eq!(
            told,
            [
                "test point 1 (test case 1001): Passed was sent, Azure DevOps has Failed",
                "test point 2 (test case 1002): Failed was sent, Azure DevOps has no completed result",
                "test point 2 (test case 1002): Failed was sent, Azure DevOps has no completed result",
                "test point 3: Azure DevOps has Passed, which kado did not send",
            ]
        );
    }

    #[test]
    fn a_recount_holds_what_was_planned_and_found_and_of_many_differences_the_first() {
        let many: Vec<FoundResult> = (1..=2 + 21).map(|point| found(point, "Passed")).collect();

        let recount = compare(&two_results(), &[], &many, OthersResults::Unexpected);

        assert_eq!(recount.planned, 2);
        assert_eq!(recount.in_ado, Some(23));
        assert_eq!(recount.different, 22);
        assert!(recount.is_different());
        let lines = recount.lines();
        assert_eq!(lines.len(), MOST + 1);
        assert_eq!(lines[MOST], "… and 2 more results");
    }

    #[test]
    fn counts_agree_only_where_ado_says_both_and_both_are_as_planned() {
        // Of three results two passed.
        let mut plan = two_results();
        plan.results.push(plan.results[0].clone());
        let agree = |total, passed| counts_agree(&plan, RunCounts { total, passed });

        assert!(agree(Some(3), Some(2)));
        assert!(!agree(Some(4), Some(2)));
        assert!(!agree(Some(3), Some(1)));
        assert!(!agree(None, Some(2)));
        assert!(!agree(Some(3), None));
    }

    #[test]
    fn a_result_that_was_refused_is_named_already() {
        let refused = LeftOut::id(LeftOutKind::Refused, "Test Cases/B", Some(1002), "too long");

        assert_eq!(compared(&[refused], &[found(1, "Passed")]), [""; 0]);
    }

    #[test]
    fn results_of_others_are_no_difference_in_a_run_that_was_there() {
        let all = [found(1, "Passed"), found(2, "Failed"), found(3, "Passed")];

        let recount = compare(&two_results(), &[], &all, OthersResults::Expected);

        assert!(!recount.is_different(), "{recount:?}");
    }

    #[test]
    fn counts_agree_only_where_both_are_said_and_right() {
        let plan = two_results();
        for (total, passed, expected) in [
            (Some(2), Some(1), true),
            (Some(2), Some(0), false),
            (Some(3), Some(1), false),
            (None, Some(1), false),
            (Some(2), None, false),
        ] {
            let counts = RunCounts { total, passed };
            assert_eq!(counts_agree(&plan, counts), expected, "{counts:?}");
        }
    }
}
