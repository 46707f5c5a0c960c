//! Which test plan is meant by an entry of `submit.test_plans`: by its id, by its name, or by what
//! it is for, such as the plan of the current iteration. Pure: which plans there are is what ADO
//! says.
//!
//! An entry is stored in snapshots as it was written: the serde names do not change.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// The word for the iteration that encloses the start of the suite.
pub(crate) const CURRENT: &str = "@current";

/// Most plans that are named.
const MOST_NAMED: usize = 10;

/// A day: plans end on a day, which is theirs to its end.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An entry of `submit.test_plans`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum PlanChoice {
    /// The plan with this id.
    Id(u32),
    /// The plan with this name.
    Name(String),
    /// The plan that fits a description.
    Described(PlanDescription),
    /// The plan of a test run that is there (`--into`); no entry of kado.toml.
    OfRun(RunOfPlan),
}

/// A test run whose plan is meant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(crate) struct RunOfPlan {
    /// Its id.
    pub of_test_run: u32,
}

/// What a test plan is for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(crate) struct PlanDescription {
    /// `@current`, or the path of an iteration such as `Shop\Sprint 4`.
    pub iteration: String,
    /// The area that the plan is of, or lies below; `None` for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<String>,
}

/// A test plan of the project, as far as an entry can mean it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct KnownPlan {
    pub id: u32,
    pub name: String,
    pub is_active: bool,
    /// Path of its area.
    pub area: String,
    /// Path of its iteration.
    pub iteration: String,
    /// First moment that it is for; `None` when nobody set it.
    pub begins: Option<Moment>,
    /// Last moment that it is for; `None` when nobody set it.
    pub ends: Option<Moment>,
}

/// No test plan, or more than one, is what an entry means.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}", in_words(self))]
pub(crate) struct NoSuchPlan {
    /// The entry.
    pub choice: PlanChoice,
    /// The ADO project.
    pub project: String,
    /// The plans that fit, of those that could; none of them when there is none.
    pub fitting: PlanNames,
    /// The plans that could have been meant.
    pub there: PlanNames,
}

/// Some plans of a project, which may have thousands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PlanNames {
    /// The first of them.
    pub first: Box<[PlanName]>,
    /// How many there are.
    pub count: usize,
}

/// A plan as people know it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PlanName {
    pub id: u32,
    pub name: String,
}

impl PlanChoice {
    /// The plan where it is known by its id.
    pub(crate) const fn id(&self) -> Option<u32> {
        match self {
            Self::Id(id) => Some(*id),
            Self::Name(_) | Self::Described(_) | Self::OfRun(_) => None,
        }
    }

    /// The one of these plans that is meant for a suite that started then.
    ///
    /// # Errors
    /// When none fits, or more than one: kado never goes to another plan on a guess.
    pub(crate) fn among(
        &self,
        plans: &[KnownPlan],
        project: &str,
        started: Moment,
    ) -> Result<u32, NoSuchPlan> {
        let (fitting, there): (Vec<_>, Vec<_>) = match self {
            Self::Id(id) => return Ok(*id),
            Self::Name(name) => (named(plans, name), plans.iter().collect()),
            Self::Described(description) => (
                description.latest(plans, started),
                plans.iter().filter(|plan| plan.is_active).collect(),
            ),
            // The run says it, and no list of plans.
            Self::OfRun(_) => (Vec::new(), Vec::new()),
        };

        match fitting.as_slice() {
            [only] => Ok(only.id),
            _ => Err(NoSuchPlan {
                choice: self.clone(),
                project: project.to_owned(),
                fitting: names_of(&fitting),
                there: names_of(&there),
            }),
        }
    }
}

/// As a list shows it.
impl fmt::Display for PlanChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => f.write_str(name),
            Self::Described(PlanDescription { iteration, area }) => match area {
                Some(area) => write!(f, "{iteration} in {area}"),
                None => f.write_str(iteration),
            },
            Self::OfRun(RunOfPlan { of_test_run }) => write!(f, "of test run {of_test_run}"),
        }
    }
}

impl PlanDescription {
    /// Whether the plan of the moment is meant, and not that of a certain iteration.
    fn is_current(&self) -> bool {
        self.iteration.eq_ignore_ascii_case(CURRENT)
    }

    /// Of the plans that fit those that began last: more than one began at the same moment.
    fn latest<'a>(&self, plans: &'a [KnownPlan], started: Moment) -> Vec<&'a KnownPlan> {
        let fitting: Vec<&KnownPlan> = plans
            .iter()
            .filter(|plan| self.fits(plan, started))
            .collect();
        let latest = fitting.iter().map(|plan| plan.begins).max().flatten();

        fitting
            .into_iter()
            .filter(|plan| plan.begins == latest)
            .collect()
    }

    fn fits(&self, plan: &KnownPlan, started: Moment) -> bool {
        let is_of_iteration = if self.is_current() {
            plan.encloses(started)
        } else {
            is_same_path(&plan.iteration, &self.iteration)
        };
        let is_of_area = match &self.area {
            Some(area) => is_below(&plan.area, area),
            None => true,
        };
        plan.is_active && is_of_iteration && is_of_area
    }
}

impl KnownPlan {
    /// Whether its dates enclose a moment. A plan without dates is never the current one.
    fn encloses(&self, moment: Moment) -> bool {
        let (Some(begins), Some(ends)) = (self.begins, self.ends) else {
            return false;
        };

        // A date without a time is the whole day.
        let is_whole_day = ends.millis().rem_euclid(millis(DAY)) == 0;
        let ends = if is_whole_day {
            Moment::from_millis(ends.millis().saturating_add(millis(DAY) - 1))
        } else {
            ends
        };
        begins <= moment && moment <= ends
    }

    fn as_known(&self) -> PlanName {
        PlanName {
            id: self.id,
            name: self.name.clone(),
        }
    }
}

/// ADO compares names without regard to case.
fn named<'a>(plans: &'a [KnownPlan], name: &str) -> Vec<&'a KnownPlan> {
    let wanted = name.trim().to_lowercase();
    plans
        .iter()
        .filter(|plan| plan.name.trim().to_lowercase() == wanted)
        .collect()
}

fn names_of(plans: &[&KnownPlan]) -> PlanNames {
    let first = plans.iter().take(MOST_NAMED);
    PlanNames {
        first: first.map(|plan| plan.as_known()).collect(),
        count: plans.len(),
    }
}

fn is_same_path(path: &str, wanted: &str) -> bool {
    parts(path) == parts(wanted)
}

/// Whether a path is `area` or lies below it.
fn is_below(path: &str, area: &str) -> bool {
    parts(path).starts_with(&parts(area))
}

/// The names in a path of areas or iterations, which ADO compares without regard to case.
fn parts(path: &str) -> Vec<String> {
    path.split(['\\', '/'])
        .map(|part| part.trim().to_lowercase())
        .filter(|part| !part.is_empty())
        .collect()
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn in_words(problem: &NoSuchPlan) -> String {
    let NoSuchPlan {
        choice,
        project,
        fitting,
        there,
    } = problem;

    let wanted = match choice {
        PlanChoice::Described(PlanDescription { iteration, area }) => {
            let area = match area {
                Some(area) => format!(" and area `{area}`"),
                None => String::new(),
            };
            format!("for iteration `{iteration}`{area}")
        }
        PlanChoice::Id(_) | PlanChoice::Name(_) | PlanChoice::OfRun(_) => {
            format!("called `{choice}`")
        }
    };

    if fitting.count > 0 {
        let fitting = match choice {
            PlanChoice::Described(_) => listed(fitting, PlanName::to_string),
            // All have the name that was asked for, so only the ids tell them apart.
            PlanChoice::Id(_) | PlanChoice::Name(_) | PlanChoice::OfRun(_) => {
                listed(fitting, |plan| plan.id.to_string())
            }
        };
        return format!("project `{project}` has several test plans {wanted}: {fitting}");
    }
    let active = match choice {
        PlanChoice::Described(_) => "active ",
        PlanChoice::Id(_) | PlanChoice::Name(_) | PlanChoice::OfRun(_) => "",
    };
    if there.count == 0 {
        return format!(
            "project `{project}` has no {active}test plan {wanted}, and this token can see no \
             other {active}one"
        );
    }
    format!(
        "project `{project}` has no {active}test plan {wanted}; there are {}",
        listed(there, PlanName::to_string)
    )
}

/// The first of these plans, each in these words, and how many more there are.
fn listed(plans: &PlanNames, words: impl Fn(&PlanName) -> String) -> String {
    let named: Vec<String> = plans.first.iter().map(words).collect();

    let mut list = named.join(", ");
    if plans.count > named.len() {
        list.push_str(&format!(" … and {} more", plans.count - named.len()));
    }
    list
}

impl fmt::Display for PlanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (`{}`)", self.id, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMELESS: &str = "Shop";

    fn at(text: &str) -> Moment {
        Moment::parse(text).unwrap()
    }

    fn plan(id: u32, name: &str) -> KnownPlan {
        KnownPlan {
            id,
            name: name.to_owned(),
            is_active: true,
            area: "Shop".to_owned(),
            iteration: format!("Shop\\{name}"),
            begins: None,
            ends: None,
        }
    }

    /// A plan from a day to a day of May.
    fn sprint(id: u32, from: u32, to: u32) -> KnownPlan {
        KnownPlan {
            begins: Some(at(&format!("2026-05-{from:02}T00:00:00Z"))),
            ends: Some(at(&format!("2026-05-{to:02}T00:00:00Z"))),
            ..plan(id, &format!("Sprint {id}"))
        }
    }

    fn described(iteration: &str, area: Option<&str>) -> PlanChoice {
        PlanChoice::Described(PlanDescription {
            iteration: iteration.to_owned(),
            area: area.map(str::to_owned),
        })
    }

    fn chosen(choice: &PlanChoice, plans: &[KnownPlan]) -> Option<u32> {
        choice
            .among(plans, NAMELESS, at("2026-05-06T08:15:00Z"))
            .ok()
    }

    #[test]
    fn a_name_means_the_one_plan_that_is_called_so() {
        let plans = [plan(18, "Release 1"), plan(19, "Release 12")];
        let called = |name: &str| chosen(&PlanChoice::Name(name.to_owned()), &plans);

        assert_eq!(called("release 12"), Some(19));
        assert_eq!(called("Release"), None);
    }

    #[test]
    fn a_name_of_two_plans_means_none_of_them() {
        let plans = [plan(18, "Release"), plan(19, "release")];

        assert_eq!(
            chosen(&PlanChoice::Name("Release".to_owned()), &plans),
            None
        );
    }

    #[test]
    fn the_current_plan_is_the_one_that_began_last_of_those_around_the_start() {
        let plans = [sprint(1, 1, 31), sprint(2, 5, 9), sprint(3, 7, 9)];

        assert_eq!(chosen(&described("@current", None), &plans), Some(2));
    }

    #[test]
    fn the_last_day_of_a_plan_belongs_to_it() {
        assert_eq!(
            chosen(&described("@current", None), &[sprint(1, 1, 6)]),
            Some(1)
        );
        assert_eq!(
            chosen(&described("@current", None), &[sprint(1, 1, 5)]),
            None
        );
    }

    #[test]
    fn an_inactive_plan_and_one_without_dates_are_never_current() {
        let inactive = KnownPlan {
            is_active: false,
            ..sprint(1, 1, 31)
        };
        let plans = [inactive, plan(2, "Without dates")];

        assert_eq!(chosen(&described("@current", None), &plans), None);
    }

    #[test]
    fn two_current_plans_that_began_together_are_told_apart_by_their_area_only() {
        let other = KnownPlan {
            area: "Shop\\Web".to_owned(),
            ..sprint(2, 5, 9)
        };
        let plans = [sprint(1, 5, 9), other];

        assert_eq!(chosen(&described("@current", None), &plans), None);
        assert_eq!(
            chosen(&described("@current", Some("shop\\web")), &plans),
            Some(2)
        );
    }

    #[test]
    fn an_area_is_no_part_of_a_name() {
        let elsewhere = KnownPlan {
            area: "Shopping".to_owned(),
            ..sprint(1, 5, 9)
        };

        assert_eq!(
            chosen(&described("@current", Some("Shop")), &[elsewhere]),
            None
        );
    }

    #[test]
    fn an_iteration_by_its_path_counts_whatever_the_dates() {
        let plans = [plan(1, "Sprint 4"), plan(2, "Sprint 5")];

        assert_eq!(chosen(&described("shop\\sprint 4", None), &plans), Some(1));
    }

    #[test]
    fn people_read_which_plans_there_are() {
        let many: Vec<KnownPlan> = (1..=12).map(|id| plan(id, "Release")).collect();
        let asked = |choice: PlanChoice| {
            choice
                .among(&many, "Shop", Moment::default())
                .unwrap_err()
                .to_string()
        };

        insta::assert_snapshot!(asked(PlanChoice::Name("Release 12".to_owned())), @"project `Shop` has no test plan called `Release 12`; there are 1 (`Release`), 2 (`Release`), 3 (`Release`), 4 (`Release`), 5 (`Release`), 6 (`Release`), 7 (`Release`), 8 (`Release`), 9 (`Release`), 10 (`Release`) … and 2 more");
        insta::assert_snapshot!(asked(PlanChoice::Name("release".to_owned())), @"project `Shop` has several test plans called `release`: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 … and 2 more");
        insta::assert_snapshot!(asked(described("@current", Some("Shop"))), @"project `Shop` has no active test plan for iteration `@current` and area `Shop`; there are 1 (`Release`), 2 (`Release`), 3 (`Release`), 4 (`Release`), 5 (`Release`), 6 (`Release`), 7 (`Release`), 8 (`Release`), 9 (`Release`), 10 (`Release`) … and 2 more");
    }
}
