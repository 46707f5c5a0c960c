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
pub(crate) mod filling;
pub(crate) mod hidden;
pub(crate) mod history;
pub(crate) mod job_links;
pub(crate) mod join;
pub(crate) mod katalon_rule;
pub(crate) mod katalon_upload;
pub(crate) mod key;
pub(crate) mod left_out;
pub(crate) mod links;
mod mapped_cases;
pub(crate) mod markdown;
pub(crate) mod members;
pub(crate) mod options;
pub(crate) mod outcome;
pub(crate) mod overrides;
pub(crate) mod plan_choice;
pub(crate) mod point_rule;
pub(crate) mod preview;
pub(crate) mod recount;
pub(crate) mod results;
pub(crate) mod run_name;
pub(crate) mod sensitive;
pub(crate) mod several_plans;
pub(crate) mod snapshot;
pub(crate) mod sub_results;
pub(crate) mod text;
pub(crate) mod without_ids;

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::discovery::filled_run::FilledRun;
use crate::katalon::run::TestResult;
use crate::moment::Moment;
use crate::pipeline::PipelineBuild;
use crate::plan::ado_facts::AdoFacts;
use crate::plan::attachments::PlannedAttachment;
use crate::plan::automation::AutomationRule;
use crate::plan::filling::ResultsBefore;
use crate::plan::history::TestMemory;
use crate::plan::left_out::LeftOut;
use crate::plan::links::{BuildLink, ReleaseLink};
use crate::plan::mapped_cases::MappedCase;
use crate::plan::options::Options;
use crate::plan::point_rule::Point;
use crate::plan::results::PlannedResult;
use crate::plan::several_plans::{NoResultsHere, Plans};
use crate::plan::snapshot::Snapshot;

/// Everything that will be sent for one run and one test plan. It is stored as JSON: the serde
/// names do not change.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct SubmissionPlan {
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
    /// The stage, phase and job of the pipeline that made the run.
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
    /// The test run that is filled in place of one that kado makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<FilledRun>,
    /// What is left out.
    pub skipped: Vec<LeftOut>,
    /// Of a run with several test plans: why this one gets no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none_here: Option<NoResultsHere>,
}

impl SubmissionPlan {
    /// The run's comment: key, summary and what was left out, with what ADO refused while the plan
    /// was sent.
    pub(crate) fn comment(&self, refused: &[LeftOut]) -> comment::Comment {
        let left_out: Vec<&LeftOut> = self.skipped.iter().chain(refused).collect();
        comment::compose(&self.key, &self.summary, &left_out)
    }

    /// The comment of a run that was there, with kado's part of it.
    pub(crate) fn added_to_comment(&self, comment: &str, refused: &[LeftOut]) -> String {
        let left_out: Vec<&LeftOut> = self.skipped.iter().chain(refused).collect();
        comment::with_part(comment, &self.key, &self.summary, &left_out)
    }

    /// What goes along as [`comment::LEFT_OUT_FILE`]. Beside a run that was there always, because
    /// nobody knows how much room its comment will have.
    pub(crate) fn left_out_file(&self, refused: &[LeftOut]) -> Option<String> {
        if self.into.is_none() {
            return self.comment(refused).overflow;
        }
        let left_out: Vec<&LeftOut> = self.skipped.iter().chain(refused).collect();
        (!left_out.is_empty()).then(|| comment::left_out_list(&left_out))
    }
}

/// Plans the submission of a run to one test plan.
///
/// `facts` is what ADO said, `memory` what kado remembers of the tests that failed; `key` is kado's
/// key for this submission (`plan/key.rs`).
pub(crate) fn plan(
    snapshot: &Snapshot,
    plan_id: u32,
    key: &str,
    facts: &AdoFacts,
    memory: &TestMemory,
) -> SubmissionPlan {
    let options = &snapshot.options;

    let mapped = mapped_cases::map(snapshot);
    let plans = Plans::new(options, plan_id, facts, &mapped.cases);
    let mut targets = choose_points(&plans, &mapped.cases);
    if let Some(into) = options.into {
        targets.only_unfilled(into, &facts.results_before);
    }

    let results: Vec<PlannedResult> = targets
        .with_result
        .iter()
        .map(|fed| results::result(snapshot, memory, fed.point, &fed.tests))
        .collect();
    let files = attachments::choose(snapshot, &targets.with_result);

    // The order in which a tester reads what is missing: ids, suites, files, then the run's own.
    let mut skipped = Vec::new();
    if plans.is_leading() {
        // Told with every plan, one id to mend would be counted once for each.
        skipped.extend(mapped.left_out);
    }

    skipped.extend(targets.left_out);
    if plans.is_leading() {
        skipped.extend(snapshot.missing_members());
        skipped.extend(LeftOut::reading(&snapshot.run));
    }

    skipped.extend(files.left_out);
    skipped.extend(unused_options(options));
    skipped.extend(missing_links(options, facts));
    skipped.extend(unknown_outcomes(options, &targets.with_result));

    // The version that an old server speaks has no tags (`ado/api.md` §5): they are named instead
    // of being sent on the chance that it passes over them.
    let tags = if facts.no_tags && !options.tags.is_empty() {
        skipped.push(LeftOut::tags());
        Vec::new()
    } else {
        options.tags.clone()
    };

    let started = snapshot.started();
    let last_result = results.iter().map(|result| result.completed).max();
    let mut plan = SubmissionPlan {
        plan_id,
        key: key.to_owned(),
        name: run_name::run_name(snapshot, facts),
        automated: options.automated,
        started,
        // ADO wants them in order (`ado/api.md` §12); a run without a time of its own has those of
        // its results.
        completed: snapshot
            .ended()
            .max(started)
            .max(last_result.unwrap_or(started)),
        summary: comment::summary(snapshot, mapped.unmapped, results.len(), facts),
        build: facts.build.found().cloned(),
        release: facts.release.found().cloned(),
        pipeline: options.pipeline.clone(),
        results,
        attachments: files.attachments,
        tags,
        automation: options.automation,
        into: options.into,
        skipped,
        none_here: plans.no_results_here(),
    };

    // Last, when all that people will read has been put together.
    hidden::hide(&mut plan, &snapshot.hidden);
    plan
}

/// A point that gets a result, and the tests (at least one, in the order of the run) that feed it.
struct FedPoint<'a> {
    point: &'a Point,
    tests: Vec<&'a TestResult>,
}

/// Where the results of a run go in this test plan.
struct Targets<'a> {
    with_result: Vec<FedPoint<'a>>,
    left_out: Vec<LeftOut>,
    /// Where each point stands among those with a result, by its id.
    places: HashMap<u32, usize>,
}

/// The points of this plan that get a result, and the test cases that get none here although this
/// plan is the one to say so.
fn choose_points<'a>(plans: &Plans<'a>, cases: &[MappedCase<'a>]) -> Targets<'a> {
    let mut targets = Targets {
        with_result: Vec::new(),
        left_out: Vec::new(),
        places: HashMap::new(),
    };

    for case in cases {
        match plans.choose(case) {
            Some(Ok(points)) => {
                for point in points {
                    targets.feed(point, case);
                }
            }
            Some(Err(left_out)) => targets.left_out.push(left_out),
            None => {}
        }
    }

    targets
}

impl<'a> Targets<'a> {
    /// Leaves what is filled already as it is, and says of the rest that it is about a test run.
    fn only_unfilled(&mut self, into: FilledRun, before: &ResultsBefore) {
        let left_out = std::mem::take(&mut self.left_out);
        self.left_out = left_out
            .into_iter()
            .map(|left_out| into.without_point(left_out))
            .collect();

        let mut filled = Vec::new();
        self.with_result.retain(|fed| {
            let is_filled = before.is_filled(fed.point.id);
            if is_filled {
                filled.push(into.already_filled(&fed.tests[0].id, fed.point));
            }
            !is_filled
        });
        self.left_out.extend(filled);
        self.places.clear();
    }

    /// Lets the tests of a case feed the result of a point. A point has one result at most, and two
    /// members of a collection can lead to the same one: with a configuration, and without.
    fn feed(&mut self, point: &'a Point, case: &MappedCase<'a>) {
        let next = self.with_result.len();
        let place = *self.places.entry(point.id).or_insert(next);
        if place == next {
            self.with_result.push(FedPoint {
                point,
                tests: Vec::new(),
            });
        }
        self.with_result[place].tests.extend(&case.tests);
    }
}

/// Options of the run's command that are not used, because another command may have started it.
fn unused_options(options: &Options) -> Option<LeftOut> {
    options.unclear_options.as_deref().map(LeftOut::options)
}

/// Links that were asked for and cannot be made: the definition is no id, or ADO has nothing for
/// it.
fn missing_links(options: &Options, facts: &AdoFacts) -> Vec<LeftOut> {
    let mut left_out: Vec<LeftOut> = options
        .invalid_links
        .iter()
        .map(|reason| LeftOut::link(reason))
        .collect();
    left_out.extend(facts.build.failure().map(LeftOut::link));
    left_out.extend(facts.release.failure().map(LeftOut::link));
    left_out
}

/// Words of the status mapping that ADO does not have, as far as tests of this submission have such
/// a status.
fn unknown_outcomes(options: &Options, fed_points: &[FedPoint<'_>]) -> Vec<LeftOut> {
    let mut left_out = Vec::new();

    for (status, word) in outcome::unknown(&options.outcomes) {
        // A word for a status that no test has changes nothing in this run; `kado check` names it
        // all the same.
        let occurs = fed_points
            .iter()
            .flat_map(|fed| &fed.tests)
            .any(|test| test.status() == status);
        if occurs {
            left_out.push(LeftOut::outcome(status, word));
        }
    }

    left_out
}
