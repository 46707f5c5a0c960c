//! A submission: one suite run for one test plan, a row of the outbox.
//!
//! [`Submission`] holds everything that is needed to send it, [`SubmissionSummary`] what a listing
//! says of it. Both are read by the store; nothing here reads or writes.

use serde::{Deserialize, Serialize};

use crate::discovery::filled_run::FilledRun;
use crate::moment::Moment;
use crate::outbox::step::{Step, StepState};
use crate::plan::SubmissionPlan;
use crate::plan::left_out::LeftOut;
use crate::plan::plan_choice::PlanChoice;
use crate::plan::recount::Recount;
use crate::plan::snapshot::Snapshot;

/// State of a submission; the words scripts see in `kado runs --json`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubmissionState {
    /// Waits for its turn.
    Pending,
    /// Its plan is stored, and its steps are carried out.
    Submitting,
    /// Everything is confirmed.
    Submitted,
    /// Needs a person.
    Parked,
    /// Will not be submitted unless a person asks for it.
    Ignored,
}

impl SubmissionState {
    /// All states.
    pub(crate) const ALL: [Self; 5] = [
        Self::Pending,
        Self::Submitting,
        Self::Submitted,
        Self::Parked,
        Self::Ignored,
    ];

    /// The word in the database and in JSON.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Submitting => "submitting",
            Self::Submitted => "submitted",
            Self::Parked => "parked",
            Self::Ignored => "ignored",
        }
    }
}

/// Why a submission is ignored, as far as it is decided anew by that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum IgnoredAs {
    /// Its run seems to be aborted; its end may still be seen.
    Aborted,
    /// A person took it off the list; only a person takes it up again.
    Forgotten,
    /// No test of its run has an id.
    WithoutIds,
}

impl IgnoredAs {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Aborted, Self::Forgotten, Self::WithoutIds];

    /// The word in the database.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Aborted => "aborted",
            Self::Forgotten => "forgotten",
            Self::WithoutIds => "without-ids",
        }
    }
}

/// What a submission waits for, as far as exit codes tell it apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Obstacle {
    /// ADO refused the credentials.
    Credentials,
    /// There is no usable token.
    NoToken,
    /// ADO could not be reached.
    Unreachable,
    /// The configuration does not let ADO be reached.
    Configuration,
    /// Katalon, or another kado, may be submitting the run itself.
    AnotherSender,
}

impl Obstacle {
    /// All obstacles.
    pub(crate) const ALL: [Self; 5] = [
        Self::Credentials,
        Self::NoToken,
        Self::Unreachable,
        Self::Configuration,
        Self::AnotherSender,
    ];

    /// The word in the database.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::NoToken => "no-token",
            Self::Unreachable => "unreachable",
            Self::Configuration => "configuration",
            // Stored so since there was only Katalon.
            Self::AnotherSender => "katalon",
        }
    }

    /// Whether it waits for a usable token.
    pub(crate) const fn is_of_token(self) -> bool {
        matches!(self, Self::Credentials | Self::NoToken)
    }
}

/// A submission with everything needed to send it.
#[derive(Clone, Debug)]
pub(crate) struct Submission {
    /// Its id.
    pub id: i64,
    /// kado's key.
    pub key: String,
    /// The test plan; `None` when there is none, or when it is not known yet.
    pub plan_id: Option<u32>,
    /// What its settings say of a test plan that is not known yet.
    pub open_plan: Option<PlanChoice>,
    /// How often a person asked for the same submission again; 0 for the first.
    pub again: u32,
    /// The run with the settings of the moment it finished.
    pub snapshot: Snapshot,
    /// What will be sent, once it is planned.
    pub plan: Option<SubmissionPlan>,
    /// The steps of the plan, in order.
    pub steps: Vec<StoredStep>,
    /// The ADO run, once it is created.
    pub ado_run_id: Option<u32>,
    /// How many attempts in a row had to wait; a step that is confirmed begins anew.
    pub attempts: u32,
    /// What ADO refused.
    pub refused: Vec<LeftOut>,
    /// Whether a request that creates the ADO run may have been carried out before it was planned
    /// anew.
    pub create_unclear: bool,
}

impl Submission {
    /// The test run that it fills: what is planned does not change, whatever is said of the run
    /// later.
    pub(crate) fn fills(&self) -> Option<FilledRun> {
        match &self.plan {
            Some(plan) => plan.into,
            None => self.snapshot.options.into,
        }
    }

    /// How its ADO run came to be, once the first step confirmed that.
    pub(crate) fn how_made(&self) -> Option<HowMade> {
        let first = self.steps.first()?;
        serde_json::from_str(first.detail.as_deref()?).ok()
    }

    /// Takes over what its steps changed.
    pub(crate) fn apply(&mut self, progress: StepsProgress) {
        self.ado_run_id = progress.ado_run_id;
        self.attempts = progress.attempts;
        self.refused = progress.refused;
    }
}

/// What the steps of a submission change of it, as it stands in the outbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct StepsProgress {
    /// The ADO run, once it is created.
    pub ado_run_id: Option<u32>,
    /// How many attempts in a row had to wait.
    pub attempts: u32,
    /// What ADO refused.
    pub refused: Vec<LeftOut>,
}

/// A step as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct StoredStep {
    /// What it does.
    pub step: Step,
    /// How far it is.
    pub state: StepState,
    /// What ADO answered, as JSON; of an upload or a batch that was not confirmed, since when it
    /// fails.
    pub detail: Option<String>,
}

/// How the ADO run of a submission came to be; what [`Step::CreateRun`] confirms. Stored as JSON.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HowMade {
    /// The submission made it.
    Created,
    /// It was there when the submission looked for it.
    Adopted,
    /// It showed the suite while it ran: what stands in there is a preview.
    Live,
}

/// Who submitted a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SubmittedBy {
    /// kado did.
    Kado,
    /// Katalon did, with its own licence; kado sent nothing.
    Katalon,
}

/// A submission as `kado runs` lists it. The names of the fields are those of `--json`.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct SubmissionSummary {
    /// Id for `kado runs show` and its like.
    pub id: i64,
    /// kado's key, as it stands in the run's comment.
    pub key: String,
    /// Name of the Katalon project.
    pub project: String,
    /// Id of the suite.
    pub suite: String,
    /// The run folder it was found in.
    pub folder: String,
    /// Start of the suite.
    pub started: Option<Moment>,
    /// End of the suite.
    pub ended: Option<Moment>,
    /// The test plan.
    pub plan_id: Option<u32>,
    /// What the settings say of a test plan that is not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted_plan: Option<String>,
    /// How far it is.
    pub state: SubmissionState,
    /// The ADO test run.
    pub ado_run_id: Option<u32>,
    /// Where a person sees it.
    pub url: Option<String>,
    /// The test run that it fills, which somebody else began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub into: Option<u32>,
    /// Whose test run it is, once it is submitted.
    pub submitted_by: Option<SubmittedBy>,
    /// How many results it has.
    pub results: usize,
    /// How the tests of its results ended; nothing is counted before it is planned.
    #[serde(flatten)]
    pub outcomes: Outcomes,
    /// How many attachments it has.
    pub attachments: usize,
    /// What was left out, and why.
    pub skipped: Vec<LeftOut>,
    /// What Azure DevOps holds of it, compared with what was sent; once it is completed.
    pub recount: Option<Recount>,
    /// Why it waits, is parked or ignored.
    pub error: Option<String>,
    /// The submission that goes first, as long as that one is left to Katalon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goes_after: Option<i64>,
    /// What it waits for; only while it waits.
    #[serde(skip)]
    pub obstacle: Option<Obstacle>,
    /// When it is tried next.
    pub next_attempt: Option<Moment>,
    /// How many attempts in a row had to wait.
    #[serde(skip)]
    pub attempts: u32,
    /// How many of its files are settled; only while it is being sent.
    #[serde(skip)]
    pub files_settled: Option<usize>,
    /// Whether a person has to name its test plan: the one that it was started with is no id.
    #[serde(skip)]
    pub needs_plan: bool,
}

impl SubmissionSummary {
    /// Says that it waits for one that goes first, unless it waits longer for something else.
    pub(crate) fn go_after(&mut self, first: LeftToKatalon) {
        if self.next_attempt.is_some_and(|next| next >= first.until) {
            return;
        }

        let LeftToKatalon { id, until } = first;
        self.error = Some(format!(
            "goes after run {id} of its test plan, which ended earlier and is left to Katalon \
             until {until} (`submit.katalon_wait`)"
        ));
        self.goes_after = Some(id);
        self.obstacle = Some(Obstacle::AnotherSender);
        self.next_attempt = Some(until);
    }

    /// Whether it waits for its turn, or is being sent.
    pub(crate) const fn is_waiting(&self) -> bool {
        matches!(
            self.state,
            SubmissionState::Pending | SubmissionState::Submitting
        )
    }

    /// How many things of it do not arrive, beside what is only noted.
    pub(crate) fn left_out(&self) -> usize {
        self.skipped
            .iter()
            .filter(|item| item.kind.is_left_out())
            .count()
    }

    /// Whether kado made its test run, and sent it: one that it filled is where whoever began it
    /// has it.
    pub(crate) fn is_made_by_kado(&self) -> bool {
        self.submitted_by == Some(SubmittedBy::Kado) && self.into.is_none()
    }

    /// What a person is to read beside its state: why it waits, is parked or ignored, or that Azure
    /// DevOps does not hold what was sent.
    pub(crate) fn remark(&self) -> Option<String> {
        if self.error.is_some() {
            return self.error.clone();
        }

        let recount = self.recount.as_ref()?;
        let id = self.id;
        recount
            .is_different()
            .then(|| format!("{recount}; `kado runs show {id}` says which"))
    }
}

/// How the results of a submission ended in Katalon, whatever ADO's outcomes are called.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub(crate) struct Outcomes {
    /// PASSED.
    pub passed: usize,
    /// FAILED and ERROR.
    pub failed: usize,
    /// All others: skipped, and those without an end.
    pub other: usize,
}

/// A submission that is left to Katalon for a while: newer ones of its test plan go after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LeftToKatalon {
    /// Its id.
    pub id: i64,
    /// Until when.
    pub until: Moment,
}

/// A submission that is due.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct DueSubmission {
    /// Its id.
    pub id: i64,
    /// Where it goes.
    pub goes_to: Destination,
    /// The root of its project, as it compares.
    pub root: String,
}

/// The test plan of a server; submissions with the same one are sent one after the other.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Destination {
    /// The server, as [`crate::server::ServerIdentity`] writes it; empty when there is none.
    pub server: String,
    /// The test plan; `None` when there is none.
    pub plan_id: Option<u32>,
}

/// How many files of submissions are sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct FilesSent {
    /// Those that are there, or that Azure DevOps does not take.
    pub sent: usize,
    /// Those that are planned.
    pub all: usize,
    /// Bytes of those that are there or not taken, as they were planned.
    pub sent_bytes: u64,
    /// Bytes of all.
    pub all_bytes: u64,
}

/// What is recorded of the submissions to one server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ServerRuns {
    /// The server, as [`crate::server::ServerIdentity`] writes it.
    pub server: String,
    /// How many wait, or are being sent.
    pub waiting: usize,
    /// When one was submitted last.
    pub last_success: Option<Moment>,
}

/// A server that has no usable token: it refuses the one there is, or there is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ServerWithoutToken {
    /// The server, as [`crate::server::ServerIdentity`] writes it.
    pub server: String,
    /// What was said last.
    pub reason: String,
    /// How many submissions wait for a token.
    pub waiting: usize,
    /// Their ids.
    pub ids: Vec<i64>,
    /// Since when.
    pub since: Option<Moment>,
}

/// A server to which nothing gets through, for another reason than its token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct HeldUpServer {
    /// The server, as [`crate::server::ServerIdentity`] writes it; empty when there is none.
    pub server: String,
    /// What was said last.
    pub reason: String,
    /// How many submissions wait.
    pub waiting: usize,
    /// When something was submitted there last.
    pub last_success: Option<Moment>,
}
