//! From a snapshot of a run and what ADO said of its test plan to what will be sent.
//!
//! [`plan`] is a function: the same snapshot and facts give the same plan, byte for byte (invariant
//! I3). It never fails: whatever cannot be submitted is left out with a reason that tells a tester
//! what to change, and the rest goes on. The plan is stored whole before the first request that
//! writes; `kado submit --dry-run` prints it.

pub(crate) mod ado_facts;
pub(crate) mod attachments;
pub(crate) mod automation;
pub(crate) mod comment;
pub(crate) mod configuration;
pub(crate) mod job_links;
pub(crate) mod join;
pub(crate) mod katalon_rule;
pub(crate) mod katalon_upload;
pub(crate) mod key;
pub(crate) mod left_out;
pub(crate) mod links;
mod mapped_cases;
pub(crate) mod members;
pub(crate) mod options;
pub(crate) mod outcome;
pub(crate) mod overrides;
pub(crate) mod point_rule;
pub(crate) mod results;
pub(crate) mod run_name;
pub(crate) mod sensitive;
pub(crate) mod several_plans;
pub(crate) mod snapshot;
pub(crate) mod sub_results;
mod text;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::katalon::run::TestResult;
use crate::moment::Moment;
use crate::pipeline::PipelineBuild;
use crate::plan::ado_facts::AdoFacts;
use crate::plan::attachments::PlannedAttachment;
use crate::plan::automation::AutomationRule;
use crate::plan::left_out::LeftOut;
use crate::plan::links::{BuildLink, ReleaseLink};
use crate::plan::mapped_cases::MappedCase;
use crate::plan::options::Options;
use crate::plan::point_rule::Point;
use crate::plan::results::PlannedResult;
use crate::plan::several_plans::{NoResultsHere, Plans};
use crate::plan::snapshot::Snapshot;

/// Everything that will be sent for one run and one test plan.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SubmissionPlan {
    /// The test plan.
    pub plan_id: u32,
    /// kado's key, which stands in the run's comment.
    pub key: String,
    /// Name of the ADO test run.
    pub name: String,
    /// Whether the run is marked as automated.
    pub automated: bool,
    /// When the suite started.
    pub started: Moment,
    /// When it ended; never before `started`.
    pub completed: Moment,
    /// The part of the run's comment that describes the suite run.
    pub summary: String,
    /// The build that the run is linked with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<BuildLink>,
    /// The release that the run is linked with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseLink>,
    /// The place in a pipeline of the job that made the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineBuild>,
    /// One result for each point, ordered by the first test that feeds it.
    pub results: Vec<PlannedResult>,
    /// Files and texts, those of results first.
    pub attachments: Vec<PlannedAttachment>,
    /// Tags of the ADO run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What becomes of the automation fields of the test cases; `None` leaves them alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automation: Option<AutomationRule>,
    /// What is left out.
    pub skipped: Vec<LeftOut>,
    /// Of a run with several test plans: why this one gets no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none_here: Option<NoResultsHere>,
}

impl SubmissionPlan {
    /// The run's comment: key, summary and what was left out, those that turned up while sending
    /// included.
    pub fn comment(&self, refused: &[LeftOut]) -> comment::Comment {
        let left_out: Vec<&LeftOut> = self.skipped.iter().chain(refused).collect();
        comment::compose(&self.key, &self.summary, &left_out)
    }
}

/// Plans the submission of a run to one test plan.
///
/// `facts` is what ADO said; `key` is kado's key for this submission.
pub(crate) fn plan(
    snapshot: &Snapshot,
    plan_id: u32,
    key: &str,
    facts: &AdoFacts,
) -> SubmissionPlan {
    let options = &snapshot.options;
    let mapped = mapped_cases::group(snapshot);
    let plans = Plans::new(options, plan_id, facts);
    let leads = plans.leading(&mapped.groups) == plan_id;
    let none_here = plans.none_here(&mapped.groups);
    let mut skipped = if leads { mapped.left_out } else { Vec::new() };
    let (planned, left_out) = choose(&plans, &mapped.groups, leads);
    skipped.extend(left_out);
    if leads {
        skipped.extend(snapshot.missing_members());
    }
    let results: Vec<_> = planned
        .iter()
        .map(|(point, tests)| results::result(snapshot, point, tests))
        .collect();
    let targets: Vec<_> = planned
        .iter()
        .map(|(point, tests)| (point.id, tests.as_slice()))
        .collect();
    let files = attachments::choose(snapshot, &targets);
    skipped.extend(files.left_out);
    skipped.extend(missing_wishes(snapshot, facts));
    skipped.extend(unknown_outcomes(options, &planned));
    if facts.no_tags && !options.tags.is_empty() {
        skipped.push(LeftOut::tags());
    }
    let started = snapshot.started();
    SubmissionPlan {
        plan_id,
        key: key.to_owned(),
        name: run_name::run_name(snapshot, facts),
        automated: options.automated,
        started,
        completed: snapshot.ended().max(started),
        summary: comment::summary(snapshot, mapped.unmapped, results.len(), facts),
        build: facts.build.found().cloned(),
        release: facts.release.found().cloned(),
        pipeline: options.pipeline.clone(),
        results,
        attachments: files.attachments,
        tags: if facts.no_tags {
            Vec::new()
        } else {
            options.tags.clone()
        },
        automation: options.automation,
        skipped,
        none_here,
    }
}

/// A point, and the tests that feed its result.
type Fed<'a> = (&'a Point, Vec<&'a TestResult>);

/// The points of this plan that get a result, and the ids that get none.
fn choose<'a>(
    plans: &Plans<'a>,
    groups: &[MappedCase<'a>],
    leads: bool,
) -> (Vec<Fed<'a>>, Vec<LeftOut>) {
    // Two members of a collection can lead to the same point: with a configuration, and without
    // one.
    let (mut planned, mut left_out) = (Vec::new(), Vec::new());
    for group in groups {
        match plans.choose(group, leads) {
            Some(Ok(chosen)) => chosen
                .into_iter()
                .for_each(|point| feed(&mut planned, point, group)),
            Some(Err(reason)) => left_out.push(reason),
            None => {}
        }
    }
    (planned, left_out)
}

/// Lets the tests of a group feed the result of a point.
fn feed<'a>(planned: &mut Vec<Fed<'a>>, point: &'a Point, group: &MappedCase<'a>) {
    match planned.iter_mut().find(|(known, _)| known.id == point.id) {
        Some((_, tests)) => tests.extend(&group.tests),
        None => planned.push((point, group.tests.clone())),
    }
}

/// Options of its command that are not used, and links that were asked for and cannot be made.
fn missing_wishes(snapshot: &Snapshot, facts: &AdoFacts) -> Vec<LeftOut> {
    let failed = [facts.build.failure(), facts.release.failure()];
    let invalid = snapshot.options.invalid_links.iter().map(String::as_str);
    let links = invalid
        .chain(failed.into_iter().flatten())
        .map(LeftOut::link);
    snapshot
        .options
        .unclear_options
        .as_deref()
        .map(LeftOut::options)
        .into_iter()
        .chain(links)
        .collect()
}

/// Words of the status mapping that ADO does not have, as far as tests of this submission have such
/// a status.
fn unknown_outcomes(options: &Options, planned: &[Fed<'_>]) -> Vec<LeftOut> {
    let occurs = |status| {
        planned
            .iter()
            .flat_map(|(_, tests)| tests)
            .any(|test| test.status() == status)
    };
    let unknown = outcome::unknown(&options.outcomes).filter(|(status, _)| occurs(*status));
    unknown
        .map(|(status, word)| LeftOut::outcome(status, word))
        .collect()
}
