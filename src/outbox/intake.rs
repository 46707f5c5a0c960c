//! What a run that is over becomes in the outbox: its submissions, one for each test plan. Pure.

use crate::discovery::run_identity::RunIdentity;
use crate::plan::key::{KeyParts, key};
use crate::plan::snapshot::Snapshot;
use crate::server::{Server, ServerIdentity};

/// State of a submission; the words scripts see in `kado runs --json`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubmissionState {
    /// Waits for its turn.
    Pending,
    /// Has begun.
    Submitting,
    /// Everything is confirmed.
    Submitted,
    /// Needs a person.
    Parked,
    /// Will not be submitted by itself.
    Ignored,
}

impl SubmissionState {
    /// All states.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Submitting,
        Self::Submitted,
        Self::Parked,
        Self::Ignored,
    ];

    /// The word in the database and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Submitting => "submitting",
            Self::Submitted => "submitted",
            Self::Parked => "parked",
            Self::Ignored => "ignored",
        }
    }
}

/// Why a submission waits, as far as exit codes tell it apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// ADO refused the credentials.
    Credentials,
    /// There is no usable token.
    NoToken,
    /// ADO could not be reached.
    Unreachable,
    /// The configuration does not let ADO be reached.
    Configuration,
    /// Katalon, or another kado, may be submitting the run itself.
    Katalon,
}

impl Cause {
    /// Those that stand in the column of their name; [`Cause::Katalon`] has a column of its own.
    pub const ALL: [Self; 4] = [
        Self::Credentials,
        Self::NoToken,
        Self::Unreachable,
        Self::Configuration,
    ];

    /// The word in the database.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::NoToken => "no-token",
            Self::Unreachable => "unreachable",
            Self::Configuration => "configuration",
            Self::Katalon => "katalon",
        }
    }

    /// Whether it waits for a usable token.
    pub const fn is_of_token(self) -> bool {
        matches!(self, Self::Credentials | Self::NoToken)
    }
}

/// A submission that is to be recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewSubmission {
    /// The server, as [`ServerIdentity`] writes it; empty when there is none.
    pub server: String,
    /// The test plan; `None` when there is none.
    pub plan_id: Option<u32>,
    /// kado's key.
    pub key: String,
    /// The state it starts in.
    pub state: SubmissionState,
    /// Why it does not start as pending.
    pub reason: Option<String>,
}

/// The submissions of a run. `ignored` is the reason when it is not to be submitted; `again` counts
/// how often a person asked for the same submission.
pub fn submissions(
    snapshot: &Snapshot,
    identity: &RunIdentity,
    twin: u32,
    again: u32,
    ignored: Option<&str>,
) -> Vec<NewSubmission> {
    let options = &snapshot.options;
    let (server, problem) = server(options.server_url.as_deref());
    let project = options.project.as_deref().unwrap_or_default();
    let key_of = |plan_id| {
        key(&KeyParts {
            run: identity,
            twin,
            server: &server,
            project,
            plan_id,
            again,
        })
    };
    let single = |state, reason: String| {
        vec![NewSubmission {
            server: server.to_string(),
            plan_id: options.plans.first().copied(),
            key: key_of(options.plans.first().copied().unwrap_or(0)),
            state,
            reason: Some(reason),
        }]
    };
    if let Some(reason) = ignored {
        return single(SubmissionState::Ignored, reason.to_owned());
    }
    if let Some(reason) = problem.or_else(|| unusable(snapshot)) {
        return single(SubmissionState::Parked, reason);
    }
    let pending = |plan_id: &u32| NewSubmission {
        server: server.to_string(),
        plan_id: Some(*plan_id),
        key: key_of(*plan_id),
        state: SubmissionState::Pending,
        reason: None,
    };
    options.plans.iter().map(pending).collect()
}

fn server(url: Option<&str>) -> (ServerIdentity, Option<String>) {
    match url.map(Server::parse) {
        Some(Ok(server)) => (server.identity().clone(), None),
        Some(Err(error)) => (ServerIdentity::unknown(), Some(error.to_string())),
        None => (
            ServerIdentity::unknown(),
            Some("no server url: set it in Katalon under Project > Settings > Integrations > Azure DevOps, or as `azure.server_url` in kado.toml".to_owned()),
        ),
    }
}

/// Why a run cannot be submitted at all, whatever ADO says.
fn unusable(snapshot: &Snapshot) -> Option<String> {
    let options = &snapshot.options;
    if let Some(problem) = &options.invalid_project_file {
        return Some(format!(
            "{problem}; correct it, then `kado runs retry` submits the run"
        ));
    }
    if let Some(plan) = &options.invalid_plan {
        return Some(format!(
            "the run was started with the test plan id `{plan}`, which is not an id; kado does not fall back to another plan, \
             but `kado runs retry ID --plan PLAN` names the right one"
        ));
    }
    if let Some(problem) = &options.unclear_plan {
        return Some(format!(
            "{problem}; `kado runs retry` submits the run to the plan of the project, and with `--plan PLAN` to another one"
        ));
    }
    if options.project.as_deref().is_none_or(str::is_empty) {
        return Some(
            "no ADO project: choose it in Katalon's Azure DevOps settings, or set `azure.project` in kado.toml"
                .to_owned(),
        );
    }
    options.plans.is_empty().then(|| {
        "no test plan: choose one in Katalon's Azure DevOps settings, or set `submit.test_plans` in kado.toml"
            .to_owned()
    })
}
