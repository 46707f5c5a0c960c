//! Whether a test case has a test point for every run that a project can have. Pure.
//!
//! Which configuration a run stands for is said by the row of the test configuration mapping that
//! fits it ([`crate::plan::configuration`]). So a test case needs a point for each row, and only
//! one where several are not allowed. A run that no row fits meets the points of all configurations
//! (product contract, section 3).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::check::mapping_rows;
use crate::katalon::settings::ConfigurationRow;
use crate::plan::point_rule::{Point, PointRule, Points};

/// A plan with its points, or with those of one test case.
pub(super) struct PlanPoints {
    pub plan_id: u32,
    pub points: Vec<Point>,
}

/// The points of one test case in a plan.
struct CasePoints {
    plan_id: u32,
    points: Points,
}

/// A configuration that runs can have.
struct WantedConfiguration {
    id: u32,
    /// The rows of the mapping that give it, in words.
    rows: Vec<String>,
}

/// The test plans of a project, and the configurations that its runs can have.
pub(super) struct Coverage<'a> {
    plans: &'a [PlanPoints],
    /// The same by test case, each with the plans that have points of it: plans of many thousand
    /// points are looked at for many ids.
    by_case: HashMap<u32, Vec<CasePoints>>,
    /// Whether several points of one test case all get the result.
    multiple: bool,
    wanted: Vec<WantedConfiguration>,
    /// Whether one of these configurations has no point in any plan: that is a mistake of the
    /// mapping or the plan, and not of a test case.
    one_is_unused: bool,
    /// Whether a run can come that no row fits.
    may_fit_no_row: bool,
    /// Whether the mapping has rows that could not be read: runs may have more configurations.
    may_have_more_rows: bool,
    /// Names of configurations by their ids: those of the ADO project, else those that points
    /// carry.
    names: BTreeMap<u32, String>,
    /// The ids of the configurations that runs can have.
    wanted_ids: HashSet<u32>,
    /// Test plans of the project that could not be read: what has no point may have one there.
    unread_plans: Vec<u32>,
}

/// What is to be said of the points of one test case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Finding {
    /// It has a point for each run that can come: their ids, ascending.
    Fine(Vec<u32>),
    /// No plan has a point of it.
    Nowhere,
    /// It has points, but none with some of the configurations that runs can have.
    Gap {
        /// The configurations, and those that it has points with; in words, without the id.
        what: String,
        kind: GapKind,
    },
    /// Several points of a run, of which none gets a result.
    Several {
        /// The same for each test case with this finding.
        what: String,
        /// Katalon's own message.
        message: String,
        /// The ids of the points, ascending.
        points: String,
    },
    /// Several points, but only for a run that no row of the mapping fits: Katalon's own message.
    SeveralWithoutRow(String),
}

/// Whether a gap is wrong for sure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum GapKind {
    /// The test case has points with none of the configurations that runs can have, or nothing in
    /// the plans has a point with one of them.
    Mistake,
    /// A test that runs only in some configurations needs no more points.
    MayBeWanted,
}

impl<'a> Coverage<'a> {
    /// `rows` are those of the mapping that can match a run, `names` the configurations of the ADO
    /// project as far as they are known. Of the plans in `configured` those count as unread that
    /// are not among `plans`.
    pub(super) fn new(
        plans: &'a [PlanPoints],
        configured: &[u32],
        multiple: bool,
        rows: &[&ConfigurationRow],
        mut names: BTreeMap<u32, String>,
    ) -> Self {
        let wanted = wanted_configurations(rows);
        let read: HashSet<u32> = plans.iter().map(|plan| plan.plan_id).collect();
        let mut used = BTreeSet::new();
        for point in plans.iter().flat_map(|plan| &plan.points) {
            // The list of configurations is empty where it could not be read; points name their
            // own.
            if used.insert(point.configuration_id) {
                names
                    .entry(point.configuration_id)
                    .or_insert_with(|| point.configuration_name.clone());
            }
        }

        Self {
            one_is_unused: wanted.iter().any(|wanted| !used.contains(&wanted.id)),
            // True without any row as well: then every run is one that no row fits.
            may_fit_no_row: !rows.iter().any(|row| mapping_rows::matches_all(row)),
            may_have_more_rows: false,
            unread_plans: configured
                .iter()
                .copied()
                .filter(|id| !read.contains(id))
                .collect(),
            by_case: by_case(plans),
            plans,
            multiple,
            wanted_ids: wanted.iter().map(|wanted| wanted.id).collect(),
            wanted,
            names,
        }
    }

    /// The same where rows of the mapping could not be read: nothing is called wrong that one of
    /// them may make right.
    pub(super) fn without_all_rows(self) -> Self {
        Self {
            may_fit_no_row: false,
            may_have_more_rows: true,
            ..self
        }
    }

    /// Whether the rows of a mapping decide about the points.
    pub(super) fn has_mapping(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// The test plans in words: `test plan 18`, `any of the test plans 18, 19`.
    pub(super) fn plans_in_words(&self) -> String {
        let read = listed(self.plans.iter().map(|plan| plan.plan_id));
        let plans = if self.plans.len() == 1 {
            format!("test plan {read}")
        } else {
            format!("any of the test plans {read}")
        };

        if self.unread_plans.is_empty() {
            plans
        } else {
            let unread = listed(self.unread_plans.iter().copied());
            format!("{plans} ({unread} could not be read)")
        }
    }

    /// What is to be said of a test case; at least one thing.
    pub(super) fn findings(&self, case: u32) -> Vec<Finding> {
        if self.all_points(case).next().is_none() {
            return vec![Finding::Nowhere];
        }

        let mut problems: Vec<Finding> = self.gap(case).into_iter().collect();
        for wanted in &self.wanted {
            problems.extend(self.several(case, Some(wanted.id)));
        }

        // A run that no row fits meets the points of all configurations. Without a mapping that is
        // every run; with one it is a remark for all ids together, unless this id has the problem
        // for the runs of the mapping as well.
        let mut without_row = Vec::new();
        if self.may_fit_no_row {
            let several = self.several(case, None);
            if !self.has_mapping() {
                problems.extend(several);
            } else if !problems
                .iter()
                .any(|one| matches!(one, Finding::Several { .. }))
            {
                without_row = several;
            }
        }

        let mut findings = problems;
        if findings.is_empty() {
            findings.push(Finding::Fine(self.points_with_result(case)));
        }
        if let Some(Finding::Several { message, .. }) = without_row.into_iter().next() {
            findings.push(Finding::SeveralWithoutRow(message));
        }
        findings
    }

    fn plans_of(&self, case: u32) -> &[CasePoints] {
        self.by_case.get(&case).map_or(&[], Vec::as_slice)
    }

    fn all_points(&self, case: u32) -> impl Iterator<Item = &Point> {
        self.plans_of(case)
            .iter()
            .flat_map(|plan| plan.points.all())
    }

    /// The points that get a result in one run or another, ascending.
    fn points_with_result(&self, case: u32) -> Vec<u32> {
        let mut ids = BTreeSet::new();
        for point in self.all_points(case) {
            let is_wanted = self.wanted_ids.contains(&point.configuration_id);
            if is_wanted || !self.has_mapping() {
                ids.insert(point.id);
            }
        }
        ids.into_iter().collect()
    }

    /// The configurations of which no plan has a point of a test case.
    fn gap(&self, case: u32) -> Option<Finding> {
        // Without a mapping no configuration is wanted, so none can be missing.
        let present: BTreeSet<u32> = self
            .all_points(case)
            .map(|point| point.configuration_id)
            .collect();
        let missing: Vec<String> = self
            .wanted
            .iter()
            .filter(|wanted| !present.contains(&wanted.id))
            .map(|wanted| {
                let name = self.named(wanted.id);
                format!("{name} [mapping {}]", wanted.rows.join("; "))
            })
            .collect();
        if missing.is_empty() {
            return None;
        }

        // A plan that could not be read may hold the points that seem to be nowhere.
        let nothing_fits = missing.len() == self.wanted.len() && !self.may_have_more_rows;
        let kind = if nothing_fits || (self.one_is_unused && self.unread_plans.is_empty()) {
            GapKind::Mistake
        } else {
            GapKind::MayBeWanted
        };

        let present: Vec<String> = present.into_iter().map(|id| self.named(id)).collect();
        Some(Finding::Gap {
            what: format!(
                "no test point with configuration {} in {}, only with {}",
                missing.join(" or "),
                self.plans_in_words(),
                present.join(", ")
            ),
            kind,
        })
    }

    /// The plans that have several points for one run, where only one is allowed.
    fn several(&self, case: u32, configuration: Option<u32>) -> Vec<Finding> {
        let with_configuration = match configuration {
            Some(id) => format!(" with configuration {}", self.named(id)),
            None => String::new(),
        };

        let mut findings = Vec::new();

        // Each test plan gets a run of its own, so one point in each of two plans is no choice.
        for plan in self.plans_of(case) {
            let rule = PointRule {
                plan_id: plan.plan_id,
                points: &plan.points,
                configuration,
                multiple: self.multiple,
            };
            let points: BTreeSet<u32> = rule.of(case).map(|point| point.id).collect();

            // No point at all is no choice that is refused: that is a gap.
            if let Err(refused) = rule.choose("", case)
                && !points.is_empty()
            {
                findings.push(Finding::Several {
                    what: format!(
                        "multiple Test Points returned{with_configuration} in test plan {}, so no \
                         test results are created",
                        plan.plan_id
                    ),
                    message: refused.reason,
                    points: listed(points),
                });
            }
        }
        findings
    }

    /// A configuration with its name.
    fn named(&self, configuration: u32) -> String {
        match self.names.get(&configuration) {
            Some(name) => format!("{configuration} ({name})"),
            None => configuration.to_string(),
        }
    }
}

/// The configurations in the order in which rows name them first.
fn wanted_configurations(rows: &[&ConfigurationRow]) -> Vec<WantedConfiguration> {
    let mut configurations: Vec<WantedConfiguration> = Vec::new();
    let mut places = HashMap::new();
    for row in rows {
        // Two rows that lead to one configuration occur in real projects; it is wanted once.
        let id = row.configuration_id;
        let place = *places.entry(id).or_insert(configurations.len());
        if place == configurations.len() {
            let rows = Vec::new();
            configurations.push(WantedConfiguration { id, rows });
        }
        configurations[place].rows.push(mapping_rows::title(row));
    }
    configurations
}

fn by_case(plans: &[PlanPoints]) -> HashMap<u32, Vec<CasePoints>> {
    let mut cases: HashMap<u32, Vec<CasePoints>> = HashMap::new();
    for plan in plans {
        let mut points: HashMap<u32, Vec<Point>> = HashMap::new();
        for point in &plan.points {
            points
                .entry(point.test_case_id)
                .or_default()
                .push(point.clone());
        }

        for (case, points) in points {
            cases.entry(case).or_default().push(CasePoints {
                plan_id: plan.plan_id,
                points: points.into(),
            });
        }
    }
    cases
}

fn listed(ids: impl IntoIterator<Item = u32>) -> String {
    let ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
    ids.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test case that the tests ask for.
    const CASE: u32 = 12;

    /// Points are (id, test case, configuration).
    fn plan(plan_id: u32, points: &[(u32, u32, u32)]) -> PlanPoints {
        let mut plan = PlanPoints {
            plan_id,
            points: Vec::new(),
        };
        for &(id, test_case_id, configuration_id) in points {
            plan.points.push(Point {
                id,
                test_case_id,
                configuration_id,
                configuration_name: format!("C{configuration_id}"),
                suite_id: 20,
            });
        }
        plan
    }

    fn row(os: &str, configuration_id: u32) -> ConfigurationRow {
        ConfigurationRow {
            os: (!os.is_empty()).then(|| os.to_owned()),
            platform: None,
            profile: None,
            configuration_id,
        }
    }

    fn findings(plans: &[PlanPoints], rows: &[ConfigurationRow], multiple: bool) -> Vec<Finding> {
        let rows: Vec<_> = rows.iter().collect();
        Coverage::new(plans, &[], multiple, &rows, BTreeMap::new()).findings(CASE)
    }

    fn several(findings: &[Finding]) -> String {
        match findings {
            [Finding::Several { what, points, .. }] => format!("{what}: {points}"),
            others => format!("{others:?}"),
        }
    }

    #[test]
    fn each_row_wants_a_point() {
        let rows = [row("Windows", 1), row("Linux", 2), row("macOS", 2)];
        let plans = [plan(18, &[(5, CASE, 1), (6, 99, 2)])];

        let findings = findings(&plans, &rows, false);

        let what = "no test point with configuration 2 (C2) [mapping Linux / any / any; macOS / \
                    any / any] in test plan 18, only with 1 (C1)";
        assert_eq!(
            findings,
            [Finding::Gap {
                what: what.to_owned(),
                kind: GapKind::MayBeWanted
            }]
        );
    }

    #[test]
    fn points_with_other_configurations_only_are_a_mistake() {
        let rows = [row("Windows", 1), row("Linux", 2)];

        let findings = findings(&[plan(18, &[(5, CASE, 7)])], &rows, false);

        assert!(
            matches!(
                findings.as_slice(),
                [Finding::Gap {
                    kind: GapKind::Mistake,
                    ..
                }]
            ),
            "{findings:?}"
        );
    }

    #[test]
    fn any_plan_may_have_the_point_of_a_row() {
        let rows = [row("Windows", 1), row("Linux", 2)];
        let plans = [plan(18, &[(5, CASE, 1)]), plan(19, &[(7, CASE, 2)])];

        let findings = findings(&plans, &rows, false);

        assert_eq!(findings, [Finding::Fine(vec![5, 7])]);
    }

    #[test]
    fn a_test_case_without_any_point_is_nowhere() {
        let findings = findings(&[plan(18, &[(6, 99, 1)])], &[row("Windows", 1)], false);

        assert_eq!(findings, [Finding::Nowhere]);
    }

    #[test]
    fn several_points_are_wrong_where_a_run_meets_them() {
        let plans = [plan(18, &[(9, CASE, 1), (5, CASE, 1)])];

        let with_row = findings(&plans, &[row("Windows", 1)], false);
        let without_mapping = findings(&plans, &[], false);

        assert_eq!(
            several(&with_row),
            "multiple Test Points returned with configuration 1 (C1) in test plan 18, so no test \
             results are created: 5, 9"
        );
        assert_eq!(
            several(&without_mapping),
            "multiple Test Points returned in test plan 18, so no test results are created: 5, 9"
        );
    }

    #[test]
    fn several_points_are_fine_where_they_are_allowed() {
        let plans = [plan(18, &[(9, CASE, 1), (5, CASE, 1)])];

        let findings = findings(&plans, &[row("Windows", 1)], true);

        assert_eq!(findings, [Finding::Fine(vec![5, 9])]);
    }

    #[test]
    fn points_of_several_configurations_matter_to_a_run_that_no_row_fits() {
        let plans = [plan(18, &[(5, CASE, 1), (6, CASE, 2)])];
        let rows = [row("Windows", 1), row("Linux", 2)];

        let findings = findings(&plans, &rows, false);

        assert!(
            matches!(&findings[..], [Finding::Fine(_), Finding::SeveralWithoutRow(message)]
            if message.contains("Check Test Points with ID = 5, 6;")),
            "{findings:?}"
        );
    }

    #[test]
    fn points_of_several_configurations_are_fine_where_a_row_fits_every_run() {
        let plans = [plan(18, &[(5, CASE, 1), (6, CASE, 2)])];
        let rows = [row("Windows", 1), row("Linux", 2), row("", 1)];

        let findings = findings(&plans, &rows, false);

        assert_eq!(findings, [Finding::Fine(vec![5, 6])]);
    }

    #[test]
    fn points_of_several_configurations_are_fine_where_several_are_allowed() {
        let plans = [plan(18, &[(5, CASE, 1), (6, CASE, 2)])];
        let rows = [row("Windows", 1), row("Linux", 2)];

        let findings = findings(&plans, &rows, true);

        assert_eq!(findings, [Finding::Fine(vec![5, 6])]);
    }

    #[test]
    fn one_point_in_each_of_several_plans_is_no_ambiguity() {
        let plans = [plan(18, &[(5, CASE, 1)]), plan(19, &[(7, CASE, 1)])];

        let findings = findings(&plans, &[], false);

        assert_eq!(findings, [Finding::Fine(vec![5, 7])]);
    }
}
