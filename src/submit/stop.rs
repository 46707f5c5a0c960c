//! What keeps a submission from going on, and whether waiting helps.
//!
//! Each variant holds what is needed to decide about it; the sentence for people is made here, and
//! nothing reads it but people.

use crate::ado::AdoError;
use crate::blocking::Stopped;
use crate::connect::ConnectError;
use crate::moment::Moment;
use crate::outbox::StoreError;
use crate::outbox::submission::Obstacle;
use crate::plan::SubmissionPlan;
use crate::plan::plan_choice::NoSuchPlan;
use crate::secrets::TokenError;
use crate::shell_word::shell_word;

/// Why a submission does not go on now. Not each is a failure: a run that Katalon submitted is
/// submitted, and where there is nothing to do the submission is ignored. `Ado` waits, but for what
/// the server refuses for good ([`Stop::obstacle`]).
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    // It goes on, or has what it is for.
    /// Its test plan is known now, and it takes its turn there.
    #[error("goes to test plan {plan}")]
    PlanFound {
        /// The test plan.
        plan: u32,
    },
    /// Katalon submitted the run itself.
    #[error("Katalon submitted this run itself, as test run {run}")]
    ByKatalon {
        /// Its test run.
        run: u32,
        /// Where a person sees it.
        url: String,
        /// The key by which the Katalon project is remembered.
        project: String,
    },

    // There is nothing to do for it, which is no failure.
    /// Another submission of the run goes to the same test plan. The outbox has that already.
    #[error("its test plan gets this run by another submission already")]
    SamePlan,
    /// Another test plan of the run gets its results, so there is nothing to do for this one.
    #[error(
        "no test of this run has a test point in test plan {}; its results go to test plan {other}",
        plan.plan_id
    )]
    Elsewhere {
        /// The test plan that gets them.
        other: u32,
        /// The plan, which is kept.
        plan: Box<SubmissionPlan>,
    },
    /// No test of the run has an id, so there is nothing that anybody could want to be sent.
    #[error("{reason}")]
    WithoutIds {
        /// Why no test has one, and what would change it.
        reason: String,
        /// The plan, which is kept.
        plan: Box<SubmissionPlan>,
    },

    // It waits, and goes on by itself.
    /// Somebody else seems to be submitting the run.
    #[error("{awaited}")]
    AwaitsAnother {
        /// When to look again.
        until: Moment,
        /// Who that is.
        awaited: Awaited,
    },
    /// ADO, or the way to it.
    #[error(transparent)]
    Ado(#[from] AdoError),
    /// There is no connection to the server.
    #[error(transparent)]
    Connect(ConnectError),

    // It needs a person.
    /// The run names no ADO project or no test plan.
    #[error("no test plan or project is set for this run")]
    NoDestination,
    /// No test plan, or more than one, is what the settings mean.
    #[error(
        "{problem}; correct `submit.test_plans` in kado.toml, then `kado runs retry {submission}`, \
         or name the plan with `kado runs retry {submission} --plan PLAN`"
    )]
    NoSuchPlan {
        /// What was looked for, and what there is.
        problem: Box<NoSuchPlan>,
        /// The submission.
        submission: i64,
    },
    /// The test run that is to be filled cannot be.
    #[error(
        "test run {run} cannot be filled: {problem}; `kado runs retry {submission}` tries again, \
         and after `kado runs forget {submission}` the suite run can be submitted elsewhere"
    )]
    NotFillable {
        /// The test run.
        run: u32,
        /// Why.
        problem: NotFillable,
        /// The submission.
        submission: i64,
    },
    /// A run that somebody else began holds the suite run, and is not this submission's to
    /// complete.
    #[error(
        "the suite run is in test run {run} already, which somebody began and another kado filled; \
         `kado runs forget {submission}`, then `kado submit --into {run} {}` fills what is \
         missing there",
        shell_word(folder)
    )]
    InFilledRun {
        /// The test run.
        run: u32,
        /// The submission.
        submission: i64,
        /// The run folder.
        folder: String,
    },
    /// The test plan is not there.
    #[error("{gone}; {}", plan_correction(*submission, run_option.as_deref()))]
    PlanGone {
        /// What ADO said.
        gone: AdoError,
        /// The submission.
        submission: i64,
        /// The plan option that the run was started with.
        run_option: Option<String>,
    },
    /// The test run is not there any more.
    #[error(
        "{gone} If somebody deleted test run {run}, `kado submit --again {}` makes a new one",
        shell_word(folder)
    )]
    RunGone {
        /// What ADO said.
        gone: AdoError,
        /// The test run.
        run: u32,
        /// The run folder.
        folder: String,
    },
    /// A step needs the ADO run, and the outbox has none.
    #[error("the ADO run of this submission is not known; `kado runs retry` starts anew")]
    RunUnknown,
    /// The test run has no result for a point that it was made for.
    #[error(
        "test run {run} has no result for test point {point}; was it changed by somebody? \
         `kado runs retry` tries again"
    )]
    NoResult {
        /// The test run.
        run: u32,
        /// The point.
        point: u32,
    },
    /// The outbox does not know which result belongs to a point.
    #[error("no result is known for test point {point}")]
    ResultUnknown {
        /// The point.
        point: u32,
    },
    /// Nothing of the plan is to be sent; it is kept, so that a person sees why.
    #[error("{reason}")]
    NothingToSend {
        /// Why, in words: the first of the reasons in the plan.
        reason: String,
        /// The plan, with everything that was left out.
        plan: Box<SubmissionPlan>,
    },
    /// A point has a newer result, which an older run must not cover up.
    #[error(
        "late: test point {point} has a newer result already, from run {newer} of `kado runs`, and \
         Azure DevOps would show this older outcome as the latest; `late = \"send\"` and \
         `kado runs retry {submission}` send it all the same"
    )]
    Overtaken {
        /// The submission that was overtaken.
        submission: i64,
        /// The submission with the newer result.
        newer: i64,
        /// The point.
        point: u32,
        /// The plan, which is kept.
        plan: Box<SubmissionPlan>,
    },

    // It stays as it is stored.
    /// Nothing can be recorded, so nothing may be sent.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a test run cannot be filled.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum NotFillable {
    /// It is not in the project.
    #[error("the project has no such test run, or this token cannot see it")]
    Gone,
    /// It was made without a test plan, so that its results belong to no test points.
    #[error("it belongs to no test plan")]
    WithoutPlan,
    /// It is over.
    #[error("it is {0}, and only one that is not over takes results")]
    Over(String),
    /// The suite run is in another one.
    #[error("the suite run is in Azure DevOps already, in test run {0}")]
    InAnotherRun(u32),
    /// Nothing can be added to its comment.
    #[error("its comment leaves no room for kado's key; shorten it")]
    NoRoom,
}

/// Who else may be submitting a run, and is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Awaited {
    /// Another kado is filling a test run.
    #[error(
        "another kado is submitting this suite run, as test run {run}; what it leaves undone is \
         done then"
    )]
    AnotherKado {
        /// The test run.
        run: u32,
    },
    /// Katalon seems to be filling a test run.
    #[error("Katalon seems to be submitting this run itself, as test run {run}")]
    KatalonAtWork {
        /// The test run.
        run: u32,
    },
    /// Katalon uploads the suites of a collection when that has ended.
    #[error(
        "Katalon submits runs of this project itself, and those of a collection when the whole has \
         ended"
    )]
    EndOfCollection,
    /// Katalon submitted other runs of the project.
    #[error(
        "Katalon submits runs of this project itself; this one is waited for \
         (`submit.katalon_wait`)"
    )]
    Katalon,
}

/// How a test plan that is not there is corrected.
fn plan_correction(submission: i64, run_option: Option<&str>) -> String {
    match run_option {
        Some(plan) => format!(
            "the run was started with `-adoPlanId={plan}`, and \
             `kado runs retry {submission} --plan PLAN` submits it to another one"
        ),
        None => "correct it in Katalon's Azure DevOps settings or as `submit.test_plans` in \
                 kado.toml, then `kado runs retry`"
            .to_owned(),
    }
}

impl Stop {
    /// Why the submission waits; `None` when waiting does not help.
    pub(super) const fn obstacle(&self) -> Option<Obstacle> {
        match self {
            Self::Ado(error) | Self::Connect(ConnectError::Ado(error)) => obstacle_of_ado(error),
            Self::Connect(ConnectError::NoServer | ConnectError::ServerUrl(_)) => None,
            Self::Connect(ConnectError::Secret(TokenError::Misfit { .. })) => {
                Some(Obstacle::Configuration)
            }
            // A token is soon put in its place, so none is a reason to wait.
            Self::Connect(
                ConnectError::NoToken { .. }
                | ConnectError::Undecryptable { .. }
                | ConnectError::Secret(_)
                | ConnectError::Federation(_)
                | ConnectError::NoClientSecret(_),
            ) => Some(Obstacle::NoToken),

            Self::AwaitsAnother { .. } => Some(Obstacle::AnotherSender),

            // These need a person, or end the work on the submission.
            Self::Store(_)
            | Self::NoDestination
            | Self::PlanFound { .. }
            | Self::SamePlan
            | Self::NoSuchPlan { .. }
            | Self::NotFillable { .. }
            | Self::InFilledRun { .. }
            | Self::PlanGone { .. }
            | Self::RunGone { .. }
            | Self::RunUnknown
            | Self::NoResult { .. }
            | Self::ResultUnknown { .. }
            | Self::WithoutIds { .. }
            | Self::NothingToSend { .. }
            | Self::Overtaken { .. }
            | Self::Elsewhere { .. }
            | Self::ByKatalon { .. } => None,
        }
    }

    /// The plan that is kept with a parked submission, so that a person sees why nothing of it is
    /// sent.
    pub(super) fn into_plan(self) -> Option<Box<SubmissionPlan>> {
        match self {
            Self::NothingToSend { plan, .. } | Self::Overtaken { plan, .. } => Some(plan),
            _ => None,
        }
    }
}

const fn obstacle_of_ado(error: &AdoError) -> Option<Obstacle> {
    match error {
        AdoError::CredentialsRefused { .. } => Some(Obstacle::Credentials),
        AdoError::Unavailable { .. } | AdoError::InBetween { .. } | AdoError::File { .. } => {
            Some(Obstacle::Unreachable)
        }
        AdoError::Configuration(_) => Some(Obstacle::Configuration),
        AdoError::Gone { .. } | AdoError::Rejected { .. } => None,
    }
}

impl From<ConnectError> for Stop {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Ado(error) => Self::Ado(error),
            error => Self::Connect(error),
        }
    }
}

impl From<Stopped> for Stop {
    fn from(stopped: Stopped) -> Self {
        Self::Store(stopped.into())
    }
}
