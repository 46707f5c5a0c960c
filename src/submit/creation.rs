//! The request that creates a test run: for a submission, and for a suite that still runs.

use crate::ado::AdoClient;
use crate::ado::wire::{PipelineReference, RunCreation, Tag};
use crate::plan::SubmissionPlan;
use crate::plan::links::ReleaseLink;

/// Most points in the request that creates a run; the rest is added to it (`ado/api.md` §11).
const POINTS: usize = 1000;

/// What a new run is linked with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunLinks {
    /// The build, release and pipeline of the plan.
    OfPlan,
    /// Nothing: ADO refused the run with its links.
    Without,
}

/// The points of a plan, as many as one request takes.
pub(crate) fn points_of(plan: &SubmissionPlan) -> Vec<u32> {
    let results = plan.results.iter().map(|result| result.point_id);
    results.take(POINTS).collect()
}

/// The request. kado's key stands in the comment from the first moment: by it the run is found
/// again.
pub(crate) fn creation<'a>(
    plan: &'a SubmissionPlan,
    points: &'a [u32],
    comment: &'a str,
    links: RunLinks,
    client: &AdoClient,
) -> RunCreation<'a> {
    let mut new = RunCreation {
        name: &plan.name,
        automated: plan.automated,
        plan: plan.plan_id.into(),
        point_ids: points,
        state: "InProgress",
        start_date: plan.started.to_string(),
        comment,
        tags: plan.tags.iter().map(|name| Tag { name }).collect(),
        build: None,
        release_uri: None,
        release_environment_uri: None,
        pipeline_reference: None,
    };

    if links == RunLinks::OfPlan {
        let release = plan.release.as_ref();
        new.build = plan.build.as_ref().map(|build| build.id.into());
        new.release_uri = release.map(ReleaseLink::release_uri);
        new.release_environment_uri = release.map(ReleaseLink::stage_uri);

        // Server 2019 does not know it (`ado/api.md` §1).
        if !client.is_before_2020() {
            new.pipeline_reference = plan.pipeline.as_ref().map(PipelineReference::of);
        }
    }
    new
}
