//! Whether a test case has a test point for every run that a project can have. Pure.
//!
//! Which configuration a run stands for is said by the row of the test configuration mapping that
//! fits it ([`crate::plan::configuration`]). So a test case needs a point for each row, and only
//! one where several are not allowed. A run that no row fits meets the points of all configurations
//! (product contract, section 3).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::check::mapping_rows;
use crate::katalon::settings::ConfigurationRow;
use crate::plan::point_rule::{Point, PointRule};

/// A plan with its points.
pub(super) struct PlanPoints {
    /// The test plan.
    pub plan_id: u32,
    /// Its points.
    pub points: Vec<Point>,
}

/// A configuration that runs can have, with the rows of the mapping that give it.
struct Given {
    configuration: u32,
    rows: Vec<String>,
}

/// The test plans of a project, and the configurations that its runs can have.
pub(super) struct Situations<'a> {
    plans: &'a [PlanPoints],
    /// The same by test case, each with the plans that have points of it: plans of many thousand
    /// points are judged for many ids.
    by_case: HashMap<u32, Vec<PlanPoints>>,
    multiple: bool,
    given: Vec<Given>,
    /// Whether nothing in the plans has a point with one of these configurations.
    empty: bool,
    /// Whether a run can come that no row fits.
    unfiltered: bool,
    names: BTreeMap<u32, String>,
    /// Test plans of the project that could not be read: what has no point may have one there.
    unread: Vec<u32>,
}

/// What is to be said of the points of one test case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Finding {
    /// It has a point for each run that can come: their ids, ascending.
    Fine(Vec<u32>),
    /// No plan has a point of it.
    Nowhere,
    /// It has points, but none with some of the configurations that runs can have; in words,
    /// without the id.
    Missing {
        /// The configurations, and those that it has points with.
        what: String,
        /// Whether something is wrong for sure: it has points with none of those that runs can
        /// have, or nothing in the plans has a point with one of them. A test that runs only in
        /// some configurations needs no more points.
        surely: bool,
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

impl<'a> Situations<'a> {
    /// `rows` are those of the mapping that can match a run, `names` the configurations of the ADO
    /// project as far as they are known.
    pub(super) fn new(
        plans: &'a [PlanPoints],
        multiple: bool,
        rows: &[&ConfigurationRow],
        names: BTreeMap<u32, String>,
    ) -> Self {
        let mut given: Vec<Given> = Vec::new();
        for row in rows {
            match given
                .iter_mut()
                .find(|given| given.configuration == row.configuration_id)
            {
                Some(given) => given.rows.push(mapping_rows::title(row)),
                None => given.push(Given {
                    configuration: row.configuration_id,
                    rows: vec![mapping_rows::title(row)],
                }),
            }
        }
        let used: BTreeSet<u32> = plans
            .iter()
            .flat_map(|plan| &plan.points)
            .map(|point| point.configuration_id)
            .collect();
        let by_case = by_case(plans);
        Self {
            empty: given
                .iter()
                .any(|given| !used.contains(&given.configuration)),
            plans,
            by_case,
            multiple,
            given,
            unfiltered: !rows.iter().copied().any(mapping_rows::matches_all),
            names,
            unread: Vec::new(),
        }
    }

    /// Of these plans of the project those count as unread that are not among the ones that were
    /// given.
    #[must_use]
    pub(super) fn of(self, wanted: &[u32]) -> Self {
        let known = |id: &u32| self.plans.iter().any(|plan| plan.plan_id == *id);
        Self {
            unread: wanted.iter().copied().filter(|id| !known(id)).collect(),
            ..self
        }
    }

    /// Whether the rows of a mapping decide about the points.
    pub(super) fn are_mapped(&self) -> bool {
        !self.given.is_empty()
    }

    /// The test plans in words: `test plan 18`, `any of the test plans 18, 19`.
    pub(super) fn plans(&self) -> String {
        let read = listed(self.plans.iter().map(|plan| plan.plan_id));
        let read = if self.plans.len() == 1 {
            format!("test plan {read}")
        } else {
            format!("any of the test plans {read}")
        };
        match listed(self.unread.iter().copied()) {
            unread if unread.is_empty() => read,
            unread => format!("{read} ({unread} could not be read)"),
        }
    }

    /// What is to be said of a test case; at least one thing.
    pub(super) fn judge(&self, id: u32) -> Vec<Finding> {
        if self.all_points(id).next().is_none() {
            return vec![Finding::Nowhere];
        }
        let mut findings: Vec<Finding> = self.missing(id).into_iter().collect();
        findings.extend(
            self.given
                .iter()
                .flat_map(|given| self.several(id, Some(given.configuration))),
        );
        if self.unfiltered {
            let several = self.several(id, None);
            if !self.are_mapped() {
                findings.extend(several);
            } else if let Some(Finding::Several { message, .. }) = several.into_iter().next()
                && !findings
                    .iter()
                    .any(|finding| matches!(finding, Finding::Several { .. }))
            {
                findings.push(Finding::SeveralWithoutRow(message));
            }
        }
        if !findings
            .iter()
            .any(|finding| matches!(finding, Finding::Missing { .. } | Finding::Several { .. }))
        {
            findings.insert(0, Finding::Fine(self.chosen(id)));
        }
        findings
    }

    fn plans_of(&self, id: u32) -> &[PlanPoints] {
        self.by_case.get(&id).map_or(&[], Vec::as_slice)
    }

    fn all_points(&self, id: u32) -> impl Iterator<Item = &Point> {
        self.plans_of(id).iter().flat_map(|plan| &plan.points)
    }

    /// The points that get a result in one run or another.
    fn chosen(&self, id: u32) -> Vec<u32> {
        let wanted = |point: &&Point| {
            !self.are_mapped()
                || self
                    .given
                    .iter()
                    .any(|given| given.configuration == point.configuration_id)
        };
        let ids: BTreeSet<u32> = self
            .all_points(id)
            .filter(wanted)
            .map(|point| point.id)
            .collect();
        ids.into_iter().collect()
    }

    /// The configurations of which no plan has a point.
    fn missing(&self, id: u32) -> Option<Finding> {
        let has: BTreeSet<u32> = self
            .all_points(id)
            .map(|point| point.configuration_id)
            .collect();
        let lacks = self
            .given
            .iter()
            .filter(|given| !has.contains(&given.configuration));
        let lacks: Vec<String> = lacks
            .map(|given| {
                format!(
                    "{} [mapping {}]",
                    self.named(given.configuration),
                    given.rows.join("; ")
                )
            })
            .collect();
        if lacks.is_empty() {
            return None;
        }
        let surely = lacks.len() == self.given.len() || (self.empty && self.unread.is_empty());
        let has: Vec<String> = has
            .into_iter()
            .map(|configuration| self.named(configuration))
            .collect();
        let (plans, lacks, has) = (self.plans(), lacks.join(" or "), has.join(", "));
        let what = format!("no test point with configuration {lacks} in {plans}, only with {has}");
        Some(Finding::Missing { what, surely })
    }

    /// The plans that have several points for one run, where only one is allowed.
    fn several(&self, id: u32, configuration: Option<u32>) -> Vec<Finding> {
        let of_plan = |plan: &PlanPoints| {
            let rule = PointRule {
                plan_id: plan.plan_id,
                points: &plan.points,
                configuration,
                multiple: self.multiple,
            };
            let points: BTreeSet<u32> = rule.of(id).map(|point| point.id).collect();
            let refused = rule.choose("", id).err().filter(|_| !points.is_empty())?;
            let with = configuration
                .map(|id| format!(" with configuration {}", self.named(id)))
                .unwrap_or_default();
            Some(Finding::Several {
                what: format!(
                    "multiple Test Points returned{with} in test plan {}, so no test results are created",
                    plan.plan_id
                ),
                message: refused.reason,
                points: listed(points.into_iter()),
            })
        };
        self.plans_of(id).iter().filter_map(of_plan).collect()
    }

    fn named(&self, configuration: u32) -> String {
        let of_points = || self.plans.iter().flat_map(|plan| &plan.points);
        let name = self.names.get(&configuration).or_else(|| {
            of_points()
                .find(|point| point.configuration_id == configuration)
                .map(|point| &point.configuration_name)
        });
        match name {
            Some(name) => format!("{configuration} ({name})"),
            None => configuration.to_string(),
        }
    }
}

fn by_case(plans: &[PlanPoints]) -> HashMap<u32, Vec<PlanPoints>> {
    let mut cases: HashMap<u32, Vec<PlanPoints>> = HashMap::new();
    for plan in plans {
        for point in &plan.points {
            let plans = cases.entry(point.test_case_id).or_default();
            match plans.last_mut().filter(|last| last.plan_id == plan.plan_id) {
                Some(last) => last.points.push(point.clone()),
                None => plans.push(PlanPoints {
                    plan_id: plan.plan_id,
                    points: vec![point.clone()],
                }),
            }
        }
    }
    cases
}

fn listed(ids: impl Iterator<Item = u32>) -> String {
    ids.map(|id| id.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(plan_id: u32, points: &[(u32, u32, u32)]) -> PlanPoints {
        let point = |&(id, test_case_id, configuration_id): &(u32, u32, u32)| Point {
            id,
            test_case_id,
            configuration_id,
            configuration_name: format!("C{configuration_id}"),
            suite_id: 20,
        };
        PlanPoints {
            plan_id,
            points: points.iter().map(point).collect(),
        }
    }

    fn row(os: &str, configuration_id: u32) -> ConfigurationRow {
        let os = (!os.is_empty()).then(|| os.to_owned());
        ConfigurationRow {
            os,
            platform: None,
            profile: None,
            configuration_id,
        }
    }

    fn judge(plans: &[PlanPoints], rows: &[ConfigurationRow], multiple: bool) -> Vec<Finding> {
        let rows: Vec<_> = rows.iter().collect();
        Situations::new(plans, multiple, &rows, BTreeMap::new()).judge(12)
    }

    #[test]
    fn each_row_wants_a_point_and_any_plan_may_have_it() {
        let rows = [row("Windows", 1), row("Linux", 2), row("macOS", 2)];
        let missing = judge(&[plan(18, &[(5, 12, 1), (6, 99, 2)])], &rows, false);
        let told = "no test point with configuration 2 (C2) [mapping Linux / any / any; macOS / any / any] in test plan 18, \
                    only with 1 (C1)";
        assert_eq!(
            missing,
            [Finding::Missing {
                what: told.to_owned(),
                surely: false
            }]
        );
        let none = judge(&[plan(18, &[(5, 12, 7)])], &rows, false);
        assert!(
            matches!(none.as_slice(), [Finding::Missing { surely: true, .. }]),
            "{none:?}"
        );
        let two = [plan(18, &[(5, 12, 1)]), plan(19, &[(7, 12, 2)])];
        assert_eq!(judge(&two, &rows, false), [Finding::Fine(vec![5, 7])]);
        assert_eq!(
            judge(&[plan(18, &[(6, 99, 1)])], &rows, false),
            [Finding::Nowhere]
        );
    }

    #[test]
    fn several_points_are_wrong_where_a_run_meets_them() {
        let several = |findings: &[Finding]| match findings {
            [Finding::Several { what, points, .. }] => format!("{what}: {points}"),
            others => format!("{others:?}"),
        };
        let same = [plan(18, &[(9, 12, 1), (5, 12, 1)])];
        let told = "multiple Test Points returned with configuration 1 (C1) in test plan 18, so no test results are \
                    created: 5, 9";
        assert_eq!(several(&judge(&same, &[row("Windows", 1)], false)), told);
        let without =
            "multiple Test Points returned in test plan 18, so no test results are created: 5, 9";
        assert_eq!(several(&judge(&same, &[], false)), without);
        assert_eq!(
            judge(&same, &[row("Windows", 1)], true),
            [Finding::Fine(vec![5, 9])]
        );
    }

    #[test]
    fn points_of_several_configurations_matter_to_a_run_that_no_row_fits() {
        let points = [plan(18, &[(5, 12, 1), (6, 12, 2)])];
        let rows = [row("Windows", 1), row("Linux", 2)];
        let findings = judge(&points, &rows, false);
        assert!(
            matches!(&findings[..], [Finding::Fine(_), Finding::SeveralWithoutRow(message)]
            if message.contains("Check Test Points with ID = 5, 6;")),
            "{findings:?}"
        );
        let caught = [row("Windows", 1), row("Linux", 2), row("", 1)];
        assert_eq!(judge(&points, &caught, false), [Finding::Fine(vec![5, 6])]);
        assert_eq!(judge(&points, &rows, true), [Finding::Fine(vec![5, 6])]);
    }

    #[test]
    fn one_point_in_each_of_several_plans_is_no_ambiguity() {
        let two = [plan(18, &[(5, 12, 1)]), plan(19, &[(7, 12, 1)])];
        assert_eq!(judge(&two, &[], false), [Finding::Fine(vec![5, 7])]);
    }
}
