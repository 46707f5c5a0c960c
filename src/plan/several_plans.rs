//! Several test plans for one run: each that has points of it gets an ADO run of its own, and what
//! concerns the run as a whole is told once.
//!
//! Each plan is planned by itself, at its own time, with the points of all of them; so all come to
//! the same answer to who tells what. The *leading* plan is the first one, in the order of the
//! settings, that gets a result; without any it is the first of all.

use serde::{Deserialize, Serialize};

use crate::plan::ado_facts::AdoFacts;
use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::plan::mapped_cases::MappedCase;
use crate::plan::options::Options;
use crate::plan::point_rule::{Choice, Point, PointRule};

/// Why a plan of several gets no result although nothing is wrong with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoResultsHere {
    /// The run's results go to this plan.
    GoTo(u32),
    /// No plan has a point; the reasons are told with this plan.
    ToldWith(u32),
    /// This plan may have points of the run, and could not be read.
    Unread(u32),
}

/// The plans of a run, with the points of each.
pub(crate) struct Plans<'a> {
    /// The plan in hand.
    own: PointRule<'a>,
    /// All of them, in the order of the settings.
    all: Vec<PointRule<'a>>,
    /// Those of which nobody knows the points, and why.
    unread: Vec<(u32, &'a str)>,
}

impl<'a> Plans<'a> {
    /// The plans of a run, of which `plan_id` is in hand.
    pub(crate) fn new(options: &Options, plan_id: u32, facts: &'a AdoFacts) -> Self {
        let rule = |plan_id: u32, points: &'a [Point]| PointRule {
            plan_id,
            points,
            // Each group brings its own.
            configuration: None,
            multiple: options.multiple_points,
        };
        let own = rule(plan_id, &facts.points);
        let others = |id: &u32| facts.elsewhere.iter().find(|other| other.plan_id == *id);
        let all = options.plans.iter().filter_map(|id| match others(id) {
            _ if *id == plan_id => Some(own),
            other => other.map(|other| rule(*id, &other.points)),
        });
        let mut all: Vec<_> = all.collect();
        if !all.iter().any(|rule| rule.plan_id == plan_id) {
            all.insert(0, own);
        }
        let unread = facts
            .elsewhere
            .iter()
            .filter_map(|other| Some((other.plan_id, other.unread.as_deref()?)));
        Self {
            own,
            all,
            unread: unread.collect(),
        }
    }

    /// The points of the plan in hand for a test case; `None` when none of them is to be spoken of
    /// here: the test case has its points in another plan, or another plan tells that it has none.
    pub(crate) fn choose(&self, group: &MappedCase<'_>, leads: bool) -> Option<Choice<'a>> {
        let test = &group.tests[0].id;
        if !self.has_none(&self.own, group) {
            return Some(self.own.for_group(group).choose(test, group.azure_id));
        }
        if !self.all.iter().all(|rule| self.has_none(rule, group)) {
            return None;
        }
        if let Some((other, why)) = self.unread.first() {
            let (id, own) = (group.azure_id, self.own.plan_id);
            let reason = format!(
                "test case {id} has no test point in test plan {own}; the submission to test plan \
                 {other} says whether it has one there, because that plan could not be read now \
                 ({why})"
            );
            return Some(Err(LeftOut::id(
                LeftOutKind::Unread,
                test,
                Some(id),
                reason,
            )));
        }
        let all: Vec<_> = self.all.iter().map(|rule| rule.for_group(group)).collect();
        leads.then(|| Err(PointRule::none_in(&all, test, group.azure_id)))
    }

    fn has_none(&self, rule: &PointRule<'_>, group: &MappedCase<'_>) -> bool {
        rule.for_group(group).of(group.azure_id).next().is_none()
    }

    /// The plan that tells what concerns the run as a whole.
    pub(crate) fn leading(&self, groups: &[MappedCase<'_>]) -> u32 {
        let first = self.all.first().unwrap_or(&self.own);
        self.taking(groups).unwrap_or(first).plan_id
    }

    /// The first plan that gets a result.
    fn taking(&self, groups: &[MappedCase<'_>]) -> Option<&PointRule<'a>> {
        self.all.iter().find(|rule| {
            groups
                .iter()
                .any(|group| rule.for_group(group).choose("", group.azure_id).is_ok())
        })
    }

    /// Why the plan in hand gets no result, where that is no defect of its own.
    pub(crate) fn none_here(&self, groups: &[MappedCase<'_>]) -> Option<NoResultsHere> {
        if groups.iter().any(|group| !self.has_none(&self.own, group)) {
            return None;
        }
        let leading = self.leading(groups);
        match self.taking(groups) {
            Some(rule) => Some(NoResultsHere::GoTo(rule.plan_id)),
            None if !self.unread.is_empty() => Some(NoResultsHere::Unread(self.unread[0].0)),
            None if leading == self.own.plan_id => None,
            None => Some(NoResultsHere::ToldWith(leading)),
        }
    }
}
