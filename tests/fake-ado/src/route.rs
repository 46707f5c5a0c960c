//! Paths: which resource is meant, from which API version on, and under which name the API
//! description lists it. Fixed segments are matched without case.

use crate::answer::{Answer, bad, error, no_route};

/// A resource of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Locations,
    ConnectionData,
    ResourceAreas,
    Projects,
    Project(String),
    SuitesOfTestCase,
    Plans,
    Plan(u32),
    Suites(u32),
    Configurations,
    TestPoints(u32, u32),
    OldPoints(u32, u32),
    PointsQuery,
    ResultsQuery,
    Runs,
    Run(u32),
    Statistics(u32),
    Results(u32),
    Result(u32, u32),
    RunAttachments(u32),
    RunAttachment(u32, u32),
    ResultAttachments(u32, u32),
    ResultAttachment(u32, u32, u32),
    WorkItemsBatch,
    Wiql,
    WorkItem(u32),
    WorkItemTypeCategory(String),
    Builds,
    Build(u32),
    Releases,
    Release(u32),
    BuildDefinition(u32),
    ReleaseDefinition(u32),
}

impl Route {
    /// The route of the segments after `_apis`.
    pub(crate) fn of(segments: &[String]) -> Option<Route> {
        let lower: Vec<String> = segments
            .iter()
            .map(|segment| segment.to_lowercase())
            .collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();

        match lower.as_slice() {
            [] => Some(Route::Locations),
            ["connectiondata"] => Some(Route::ConnectionData),
            ["resourceareas", ..] => Some(Route::ResourceAreas),
            ["projects"] => Some(Route::Projects),
            ["projects", _] => Some(Route::Project(segments[1].clone())),
            ["testplan", rest @ ..] => Route::of_testplan(rest),
            ["test", rest @ ..] => Route::of_test(rest),
            ["wit", "workitemsbatch"] => Some(Route::WorkItemsBatch),
            ["wit", "wiql"] => Some(Route::Wiql),
            ["wit", "workitems", id] => Some(Route::WorkItem(id.parse().ok()?)),
            ["wit", "workitemtypecategories", _] => {
                Some(Route::WorkItemTypeCategory(segments[2].clone()))
            }
            ["build", "builds"] => Some(Route::Builds),
            ["build", "builds", id] => Some(Route::Build(id.parse().ok()?)),
            ["build", "definitions", id] => Some(Route::BuildDefinition(id.parse().ok()?)),
            ["release", "definitions", id] => Some(Route::ReleaseDefinition(id.parse().ok()?)),
            ["release", "releases"] => Some(Route::Releases),
            ["release", "releases", id] => Some(Route::Release(id.parse().ok()?)),
            _ => None,
        }
    }

    fn of_testplan(rest: &[&str]) -> Option<Route> {
        Some(match rest {
            ["suites"] => Route::SuitesOfTestCase,
            ["plans"] => Route::Plans,
            ["plans", plan] => Route::Plan(plan.parse().ok()?),
            ["plans", plan, "suites"] => Route::Suites(plan.parse().ok()?),
            ["configurations"] => Route::Configurations,
            ["plans", plan, "suites", suite, "testpoint"] => {
                Route::TestPoints(plan.parse().ok()?, suite.parse().ok()?)
            }
            _ => return None,
        })
    }

    fn of_test(rest: &[&str]) -> Option<Route> {
        let number = |text: &str| text.parse::<u32>().ok();
        Some(match rest {
            ["points"] => Route::PointsQuery,
            ["results"] => Route::ResultsQuery,
            ["plans", plan, "suites", suite, "points"] => {
                Route::OldPoints(number(plan)?, number(suite)?)
            }
            ["runs"] => Route::Runs,
            ["runs", run] => Route::Run(number(run)?),
            ["runs", run, "statistics"] => Route::Statistics(number(run)?),
            ["runs", run, "results"] => Route::Results(number(run)?),
            ["runs", run, "results", result] => Route::Result(number(run)?, number(result)?),
            ["runs", run, "attachments"] => Route::RunAttachments(number(run)?),
            ["runs", run, "attachments", id] => Route::RunAttachment(number(run)?, number(id)?),
            ["runs", run, "results", result, "attachments"] => {
                Route::ResultAttachments(number(run)?, number(result)?)
            }
            ["runs", run, "results", result, "attachments", id] => {
                Route::ResultAttachment(number(run)?, number(result)?, number(id)?)
            }
            _ => return None,
        })
    }

    /// Whether the path needs a project before `_apis`.
    pub(crate) fn needs_project(&self) -> bool {
        use Route as R;
        let organization = matches!(
            self,
            R::Locations
                | R::ConnectionData
                | R::ResourceAreas
                | R::Projects
                | R::Project(_)
                | R::SuitesOfTestCase
        );

        !organization && !self.any_level()
    }

    /// Whether it is reached with and without a project.
    pub(crate) fn any_level(&self) -> bool {
        matches!(self, Route::WorkItemsBatch | Route::WorkItem(_))
    }

    /// Whether it belongs to the release area, which has a host of its own at Services.
    pub(crate) fn is_release(&self) -> bool {
        matches!(
            self,
            Route::Releases | Route::Release(_) | Route::ReleaseDefinition(_)
        )
    }

    /// Whether its POST carries a file.
    pub(crate) fn takes_attachment(&self) -> bool {
        matches!(
            self,
            Route::RunAttachments(_) | Route::ResultAttachments(..)
        )
    }

    /// The version from which on it needs no `-preview`.
    fn released_in(&self) -> Option<Version> {
        use Route as R;
        match self {
            R::ConnectionData | R::ResourceAreas => None,
            R::Plans
            | R::Plan(_)
            | R::Suites(_)
            | R::Configurations
            | R::TestPoints(..)
            | R::PointsQuery
            | R::ResultsQuery => Some((7, 0)),
            R::RunAttachments(_)
            | R::RunAttachment(..)
            | R::ResultAttachments(..)
            | R::ResultAttachment(..) => Some((7, 0)),
            _ => Some((1, 0)),
        }
    }

    /// The version in which it appeared.
    fn since(&self) -> Version {
        match self {
            Route::TestPoints(..) => (5, 1),
            Route::Plans | Route::Plan(_) | Route::Suites(_) | Route::Configurations => (5, 0),
            _ => (1, 0),
        }
    }

    /// The path under which the API description lists an operation that takes a body.
    pub(crate) fn described_as(&self) -> Option<&'static str> {
        Some(match self {
            Route::PointsQuery => "/{organization}/{project}/_apis/test/points",
            Route::Runs => "/{organization}/{project}/_apis/test/runs",
            Route::Run(_) => "/{organization}/{project}/_apis/test/runs/{runId}",
            Route::Results(_) => "/{organization}/{project}/_apis/test/runs/{runId}/results",
            Route::RunAttachments(_) => {
                "/{organization}/{project}/_apis/test/runs/{runId}/attachments"
            }
            Route::ResultAttachments(..) => {
                "/{organization}/{project}/_apis/test/runs/{runId}/results/{testCaseResultId}/attachments"
            }
            Route::WorkItemsBatch => "/{organization}/{project}/_apis/wit/workitemsbatch",
            // Its team may be left out.
            Route::Wiql => "/{organization}/{project}/{team}/_apis/wit/wiql",
            // Not the update of a work item: the description calls its list of operations an
            // object.
            _ => return None,
        })
    }
}

/// Major and minor number of an API version.
pub(crate) type Version = (u32, u32);

/// Reads `7.1` or `7.1-preview.3`.
fn parse_version(text: &str) -> Option<(Version, bool)> {
    let (number, preview) = match text.split_once("-preview") {
        Some((number, _)) => (number, true),
        None => (text, false),
    };
    let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
    Some(((major.parse().ok()?, minor.parse().ok()?), preview))
}

/// The version a request asks for, checked as the service does; without one the newest is taken.
pub(crate) fn negotiate(
    route: &Route,
    requested: Option<&str>,
    max: &str,
) -> Result<Version, Answer> {
    let (highest, _) = parse_version(max).unwrap_or(((7, 1), false));
    let Some(text) = requested else {
        return Ok(highest);
    };
    let Some((version, preview)) = parse_version(text) else {
        return Err(bad(&format!(
            "The api-version supplied for the request is invalid: {text}"
        )));
    };
    if version > highest {
        return Err(out_of_range(text, max));
    }

    if version < route.since() {
        return Err(no_route(route.described_as().unwrap_or("_apis")));
    }

    let released = route.released_in().is_some_and(|from| version >= from);

    if released || preview {
        Ok(version)
    } else {
        Err(under_preview(text))
    }
}

const NAMESPACE: &str = "Microsoft.VisualStudio.Services.WebApi";

fn out_of_range(asked: &str, max: &str) -> Answer {
    let message = format!(
        "The requested REST API version of {asked} is out of range for this server. \
         The latest REST API version this server supports is {max}."
    );
    error(
        400,
        &format!("{NAMESPACE}.VssVersionOutOfRangeException, {NAMESPACE}"),
        &message,
    )
}

fn under_preview(asked: &str) -> Answer {
    let message = format!(
        "The requested version \"{asked}\" of the resource is under preview. The -preview flag must be supplied \
         in the api-version for such requests. For example: \"{asked}-preview\""
    );
    error(
        400,
        &format!("{NAMESPACE}.VssInvalidPreviewVersionException, {NAMESPACE}"),
        &message,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(route: &Route, asked: &str, max: &str) -> u16 {
        negotiate(route, Some(asked), max).map_or_else(|answer| answer.status, |_| 200)
    }

    #[test]
    fn a_version_above_the_servers_is_out_of_range() {
        assert_eq!(status(&Route::Runs, "7.1", "7.0"), 400);
        assert_eq!(status(&Route::Runs, "7.0", "7.0"), 200);
    }

    #[test]
    fn what_is_not_released_at_a_version_needs_preview() {
        assert_eq!(status(&Route::RunAttachments(1), "6.0", "7.1"), 400);
        assert_eq!(
            status(&Route::RunAttachments(1), "6.0-preview.1", "7.1"),
            200
        );
        assert_eq!(status(&Route::RunAttachments(1), "7.0", "7.1"), 200);
        assert_eq!(status(&Route::ConnectionData, "7.1", "7.1"), 400);
        assert_eq!(status(&Route::ConnectionData, "7.1-preview.1", "7.1"), 200);
    }

    #[test]
    fn fixed_segments_are_matched_without_case() {
        let path = ["TEST", "Runs", "7", "RESULTS", "100000", "attachments"].map(str::to_owned);
        assert_eq!(Route::of(&path), Some(Route::ResultAttachments(7, 100_000)));
    }
}
