//! Several test plans for one run (`testPlans`): each that has points of it gets an ADO run of its
//! own, and what concerns the run as a whole is reported once.
//!
//! Each plan is planned by itself, at its own time, with the points of all of them; so all come to
//! the same answer to which of them reports what. The *leading* plan is the first one, in the order
//! of the settings, that gets a result; without any it is the first of all.

use std::cell::OnceCell;

use serde::{Deserialize, Serialize};

use crate::plan::ado_facts::AdoFacts;
use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::plan::mapped_cases::MappedCase;
use crate::plan::options::Options;
use crate::plan::point_rule::{ChosenPoints, PointRule, Points};

/// Why a plan of several gets no result although nothing is wrong with it. It is stored as JSON:
/// the serde names do not change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NoResultsHere {
    /// The run's results go to this plan.
    GoTo(u32),
    /// No plan has a point; the reasons are told with this plan.
    ToldWith(u32),
    /// This plan may have points of the run, and could not be read.
    Unread(u32),
}

/// The plans of a run, with the points of each.
pub(super) struct Plans<'a> {
    /// The plan in hand.
    this: PointRule<'a>,
    /// All of them, in the order of the settings; at least the one in hand.
    all: Vec<PointRule<'a>>,
    /// Those that ADO could not tell the points of, and why.
    unread: Vec<(u32, &'a str)>,
    /// The test cases of the run.
    cases: &'a [MappedCase<'a>],
    /// The first plan that gets a result, once somebody asked: all cases and plans are looked at
    /// for it.
    first: OnceCell<Option<u32>>,
}

impl<'a> Plans<'a> {
    /// The plans of a run with these test cases, of which `plan_id` is in hand.
    pub(super) fn new(
        options: &Options,
        plan_id: u32,
        facts: &'a AdoFacts,
        cases: &'a [MappedCase<'a>],
    ) -> Self {
        let this = rule(options, plan_id, &facts.points);

        let mut all = Vec::new();
        let ids = options.plan_ids();
        for id in &ids {
            if *id == plan_id {
                all.push(this);
            } else if let Some(other) = facts.elsewhere.iter().find(|plan| plan.plan_id == *id) {
                all.push(rule(options, *id, &other.points));
            }
        }

        // A person can send a run to a plan that the settings do not name.
        if !ids.contains(&plan_id) {
            all.insert(0, this);
        }

        let unread = facts
            .elsewhere
            .iter()
            .filter_map(|plan| Some((plan.plan_id, plan.unread.as_deref()?)))
            .collect();

        Self {
            this,
            all,
            unread,
            cases,
            first: OnceCell::new(),
        }
    }

    /// The points of the plan in hand for a test case. `None` when this plan has nothing to say of
    /// it: the test case has its points in another plan, or another plan reports that it has none.
    pub(super) fn choose(&self, case: &MappedCase<'_>) -> Option<ChosenPoints<'a>> {
        let test = &case.tests[0].id;

        if has_point(&self.this, case) {
            let rule = self.this.for_configuration(case.configuration);
            return Some(rule.choose(test, case.azure_id));
        }

        if self.all.iter().any(|rule| has_point(rule, case)) {
            return None;
        }

        // Nobody can say "in none of the plans" as long as one of them could not be read.
        if let Some((other, why)) = self.unread.first() {
            let id = case.azure_id;
            let reason = format!(
                "test case {id} has no test point in test plan {}; the submission to test plan \
                 {other} says whether it has one there, because that plan could not be read now \
                 ({why})",
                self.this.plan_id
            );
            return Some(Err(LeftOut::id(
                LeftOutKind::Unread,
                test,
                Some(id),
                reason,
            )));
        }

        // One missing id is one thing to mend, however many plans there are.
        if !self.is_leading() {
            return None;
        }
        let rules: Vec<_> = self
            .all
            .iter()
            .map(|rule| rule.for_configuration(case.configuration))
            .collect();
        Some(Err(PointRule::none_in(&rules, test, case.azure_id)))
    }

    /// Whether the plan in hand is the one that reports what concerns the run as a whole.
    pub(super) fn is_leading(&self) -> bool {
        self.leading() == self.this.plan_id
    }

    /// Why the plan in hand gets no result, where that is no defect of its own.
    pub(super) fn no_results_here(&self) -> Option<NoResultsHere> {
        if self.cases.iter().any(|case| has_point(&self.this, case)) {
            return None;
        }

        if let Some(plan_id) = self.first_with_result() {
            return Some(NoResultsHere::GoTo(plan_id));
        }
        if let Some((plan_id, _)) = self.unread.first() {
            return Some(NoResultsHere::Unread(*plan_id));
        }
        if self.is_leading() {
            return None;
        }
        Some(NoResultsHere::ToldWith(self.leading()))
    }

    /// The plan that reports what concerns the run as a whole.
    fn leading(&self) -> u32 {
        self.first_with_result().unwrap_or(self.all[0].plan_id)
    }

    /// The first plan that gets a result. Points alone do not make one: of several points for a
    /// test case none is used unless the settings allow it.
    fn first_with_result(&self) -> Option<u32> {
        *self.first.get_or_init(|| self.find_first_with_result())
    }

    fn find_first_with_result(&self) -> Option<u32> {
        for rule in &self.all {
            for case in self.cases {
                let rule = rule.for_configuration(case.configuration);

                // The test would be named only in the refusal, which nobody reads here.
                if rule.choose("", case.azure_id).is_ok() {
                    return Some(rule.plan_id);
                }
            }
        }
        None
    }
}

/// How points of a plan are chosen, before the configuration of a test case is known.
const fn rule<'a>(options: &Options, plan_id: u32, points: &'a Points) -> PointRule<'a> {
    PointRule {
        plan_id,
        points,
        configuration: None,
        multiple: options.multiple_points,
    }
}

/// Whether a plan has a point for a test case in its configuration.
fn has_point(rule: &PointRule<'_>, case: &MappedCase<'_>) -> bool {
    rule.for_configuration(case.configuration)
        .of(case.azure_id)
        .next()
        .is_some()
}
