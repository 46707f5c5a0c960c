//! What a finished run becomes in the outbox: its submissions, one for each test plan. Pure.

use crate::discovery::run_identity::RunIdentity;
use crate::moment::Moment;
use crate::outbox::submission::SubmissionState;
use crate::plan::key::{KeyParts, KeyedPlan, key};
use crate::plan::options::Options;
use crate::plan::plan_choice::PlanChoice;
use crate::plan::snapshot::Snapshot;
use crate::server::{Server, ServerIdentity};

/// A run that is to be recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewRun<'a> {
    /// What makes it this run.
    pub identity: &'a RunIdentity,
    /// The run with settings and ids.
    pub snapshot: &'a Snapshot,
    /// When it was first seen to be over.
    pub noticed: Moment,
    /// On whose word it is recorded.
    pub occasion: &'a Occasion,
}

impl NewRun<'_> {
    /// When it ended, by which runs are put in their order. A log that names a later time than the
    /// one at which the run was seen to be over would put it before runs that end after it.
    pub(crate) fn ended(&self) -> Moment {
        self.snapshot.ended().min(self.noticed)
    }
}

/// How a run comes to be recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Occasion {
    /// The service found it, and it is to be submitted.
    Found,
    /// The service found it, and it is only to be listed.
    Ignored {
        /// Why it is not submitted.
        reason: String,
        /// Whether it seems to be aborted: should its end be seen after all, it is decided anew.
        aborted: bool,
    },
    /// A person asked for it by name: an ignored run is then submitted after all.
    Asked {
        /// Whether what was submitted already is submitted once more.
        again: bool,
    },
}

impl Occasion {
    /// Whether a person asked for the run.
    pub(crate) const fn is_asked(&self) -> bool {
        matches!(self, Self::Asked { .. })
    }

    /// Whether a person asked to submit once more what was submitted already.
    pub(crate) const fn is_again(&self) -> bool {
        matches!(self, Self::Asked { again: true })
    }

    /// Whether the run is listed only because it seems to be aborted.
    pub(crate) const fn is_aborted(&self) -> bool {
        matches!(self, Self::Ignored { aborted: true, .. })
    }

    /// Why the run is not submitted; `None` when it is.
    pub(crate) fn ignored_because(&self) -> Option<&str> {
        match self {
            Self::Ignored { reason, .. } => Some(reason),
            Self::Found | Self::Asked { .. } => None,
        }
    }
}

/// What recording a run led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum RecordOutcome {
    /// These submissions are new, or were taken up again.
    New(Vec<i64>),
    /// It was recorded before; these are its submissions, untouched.
    Unchanged(Vec<i64>),
    /// It is part of a collection that is one run; these are the submissions of that, untouched.
    PartOf(Vec<i64>),
    /// It is the same run with the same results as that of another project, which is not in ADO
    /// yet; nothing is changed.
    Waits {
        /// The submissions of that one.
        submissions: Vec<i64>,
        /// Whether something of its project is in their way.
        stuck: Stuck,
    },
}

/// Whether a submission that another project's run stands for would get on by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stuck {
    /// It is on its way.
    No,
    /// It needs a person, or its project's token is missing or refused: what is met may take its
    /// place.
    OfProject,
}

impl RecordOutcome {
    /// Ids of the submissions.
    pub(crate) fn submissions(&self) -> &[i64] {
        match self {
            Self::New(ids)
            | Self::Unchanged(ids)
            | Self::PartOf(ids)
            | Self::Waits {
                submissions: ids, ..
            } => ids,
        }
    }
}

/// A submission that is to be written as a new row, or over an untouched one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct NewSubmission {
    /// The server, as [`ServerIdentity`] writes it; empty when there is none.
    pub server: String,
    /// The test plan; `None` when there is none, or when it is not known yet.
    pub plan_id: Option<u32>,
    /// kado's key.
    pub key: String,
    /// The state it starts in.
    pub state: SubmissionState,
    /// Why it does not start as pending.
    pub reason: Option<String>,
}

/// The submissions of a run. `twin` tells it from others that agree with it in all but the uuid,
/// `again` counts how often a person asked for the same submission, and `ignored` is the reason
/// when it is not to be submitted.
///
/// A run that cannot be submitted, or is not to be, has one submission all the same, so that it is
/// listed with its reason.
pub(crate) fn new_submissions(
    snapshot: &Snapshot,
    identity: &RunIdentity,
    twin: u32,
    again: u32,
    ignored: Option<&str>,
) -> Vec<NewSubmission> {
    let options = &snapshot.options;
    let (server, server_problem) = server(options.server_url.as_deref());

    let submission = |choice: Option<&PlanChoice>, state, reason| NewSubmission {
        server: server.to_string(),
        plan_id: choice.and_then(PlanChoice::id),
        key: key(&KeyParts {
            run: identity,
            twin,
            server: &server,
            project: options.project.as_deref().unwrap_or_default(),
            plan: keyed(choice),
            again,
        }),
        state,
        reason,
    };

    let first_plan = options.plans.first();
    if let Some(reason) = ignored {
        let reason = Some(reason.to_owned());
        return vec![submission(first_plan, SubmissionState::Ignored, reason)];
    }

    // First what cannot be read: what is missed after that may stand there.
    let problem = unread_settings(options)
        .or(server_problem.map(|problem| with_doubt(problem, options)))
        .or_else(|| why_unusable(snapshot));
    if let Some(problem) = problem {
        return vec![submission(
            first_plan,
            SubmissionState::Parked,
            Some(problem),
        )];
    }

    options
        .plans
        .iter()
        .map(|choice| submission(Some(choice), SubmissionState::Pending, None))
        .collect()
}

/// Which entry of the settings a submission stands for whose test plan is not known yet: the one
/// that its key was made of. `None` when there is none any more.
pub(crate) fn open_choice(
    options: &Options,
    identity: &RunIdentity,
    twin: u32,
    again: u32,
    key_of_submission: &str,
) -> Option<PlanChoice> {
    let (server, _) = server(options.server_url.as_deref());

    for choice in &options.plans {
        let parts = KeyParts {
            run: identity,
            twin,
            server: &server,
            project: options.project.as_deref().unwrap_or_default(),
            plan: keyed(Some(choice)),
            again,
        };

        if choice.id().is_none() && key(&parts) == key_of_submission {
            return Some(choice.clone());
        }
    }

    None
}

const fn keyed(choice: Option<&PlanChoice>) -> KeyedPlan<'_> {
    match choice {
        Some(PlanChoice::Id(id)) => KeyedPlan::Id(*id),
        Some(open) => KeyedPlan::Open(open),
        None => KeyedPlan::None,
    }
}

/// The server of a URL, with what is wrong with the URL.
fn server(url: Option<&str>) -> (ServerIdentity, Option<String>) {
    match url.map(Server::parse) {
        Some(Ok(server)) => (server.identity().clone(), None),
        Some(Err(error)) => (ServerIdentity::unknown(), Some(error.to_string())),
        None => (
            ServerIdentity::unknown(),
            Some(
                "no server url: set it with `kado setup PROJECT`, in Katalon under Project > Settings > \
                 Integrations > Azure DevOps, or as `azure.server_url` in kado.toml"
                    .to_owned(),
            ),
        ),
    }
}

/// Why it is not known what is wanted of a run.
fn unread_settings(options: &Options) -> Option<String> {
    if let Some(problem) = &options.invalid_project_file {
        return Some(format!(
            "{problem}; correct it, then `kado runs retry` submits the run"
        ));
    }

    let problem = options.cut_settings.as_ref()?;
    Some(format!(
        "{problem}; save the settings again in Katalon, then `kado runs retry` submits the run"
    ))
}

/// What is missed in the settings, with what else may be missing: nobody looks for a choice that
/// was made.
fn with_doubt(missing: String, options: &Options) -> String {
    match &options.doubted_settings {
        Some(doubt) => format!("{missing}; {doubt}"),
        None => missing,
    }
}

/// Why a run cannot be submitted at all, whatever ADO says.
fn why_unusable(snapshot: &Snapshot) -> Option<String> {
    let options = &snapshot.options;

    if let Some(plan) = &options.invalid_plan {
        return Some(format!(
            "the run was started with the test plan id `{plan}`, which is not an id; kado does \
             not fall back to another plan, but `kado runs retry ID --plan PLAN` names the right \
             one"
        ));
    }

    if let Some(problem) = &options.unclear_plan {
        return Some(format!(
            "{problem}; `kado runs retry` submits the run to the plan of the project, and with \
             `--plan PLAN` to another one"
        ));
    }

    let missing = if options.project.as_deref().unwrap_or_default().is_empty() {
        "no ADO project: choose it with `kado setup PROJECT` or in Katalon's Azure DevOps settings, \
         or set `azure.project` in kado.toml"
    } else if options.plans.is_empty() {
        "no test plan: choose one with `kado setup PROJECT` or in Katalon's Azure DevOps settings, \
         or set `submit.test_plans` in kado.toml"
    } else {
        return None;
    };

    Some(with_doubt(missing.to_owned(), options))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::settings::AzureSettings;
    use crate::plan::sample;

    /// A run that goes to a plan by id and to one by name.
    fn run_for_two_plans() -> Snapshot {
        let run = sample::run("Smoke", 0, 9000);
        let mut snapshot = sample::snapshot(run, &AzureSettings::default());
        let options = &mut snapshot.options;
        options.server_url = Some("https://dev.azure.com/acme".to_owned());
        options.project = Some("Shop".to_owned());
        options.plans = vec![PlanChoice::Id(18), PlanChoice::Name("Sprint".to_owned())];
        snapshot
    }

    fn new(snapshot: &Snapshot, ignored: Option<&str>) -> Vec<NewSubmission> {
        let identity = snapshot.identity().expect("a sample has records");
        new_submissions(snapshot, &identity, 0, 0, ignored)
    }

    #[test]
    fn a_run_has_a_pending_submission_for_each_plan_or_an_ignored_one_with_its_reason() {
        let run = run_for_two_plans();

        let submissions = new(&run, None);
        let ignored = new(&run, Some("too old"));

        assert_eq!(submissions.len(), 2);
        assert_eq!(submissions[0].plan_id, Some(18));
        assert_eq!(submissions[1].plan_id, None);
        assert_ne!(submissions[0].key, submissions[1].key);
        for submission in submissions {
            assert_eq!(submission.state, SubmissionState::Pending);
            assert_eq!(submission.reason, None);
        }
        assert_eq!(ignored.len(), 1);
        assert_eq!(ignored[0].state, SubmissionState::Ignored);
        assert_eq!(ignored[0].reason.as_deref(), Some("too old"));
    }

    #[test]
    fn a_run_that_cannot_be_submitted_is_parked_once_with_what_is_in_its_way() {
        type Change = fn(&mut Options);
        let changes: [(Change, &str); 8] = [
            (|options| options.server_url = None, "no server url"),
            (|options| options.server_url = Some("acme".into()), "acme"),
            (
                |options| options.invalid_project_file = Some("line 3".into()),
                "line 3; correct it",
            ),
            (
                |options| options.cut_settings = Some("cut".into()),
                "cut; save the settings again",
            ),
            (
                |options| options.invalid_plan = Some("nineteen".into()),
                "plan id `nineteen`",
            ),
            (
                |options| options.unclear_plan = Some("two katalonc".into()),
                "two katalonc; ",
            ),
            (
                |options| options.project = Some(String::new()),
                "no ADO project",
            ),
            (|options| options.plans.clear(), "no test plan"),
        ];

        for (change, problem) in changes {
            let mut run = run_for_two_plans();
            change(&mut run.options);

            let submissions = new(&run, None);

            assert_eq!(submissions.len(), 1, "{problem}");
            assert_eq!(submissions[0].state, SubmissionState::Parked, "{problem}");
            let reason = submissions[0].reason.clone().unwrap_or_default();
            assert!(reason.contains(problem), "{problem}: {reason}");
        }
    }

    #[test]
    fn a_submission_without_a_plan_stands_for_the_entry_that_its_key_was_made_of() {
        let mut run = run_for_two_plans();
        let identity = run.identity().expect("a sample has records");
        let submissions = new(&run, None);
        let choice = |run: &Snapshot, again, of: usize| {
            open_choice(&run.options, &identity, 0, again, &submissions[of].key)
        };

        assert_eq!(
            choice(&run, 0, 1),
            Some(PlanChoice::Name("Sprint".to_owned()))
        );
        assert_eq!(choice(&run, 0, 0), None, "its plan is known");
        assert_eq!(choice(&run, 1, 1), None, "of another repetition");
        run.options.plans.pop();
        assert_eq!(choice(&run, 0, 1), None, "the entry is gone");
    }

    #[test]
    fn an_occasion_says_who_wanted_a_run_and_why_it_is_only_listed() {
        let ignored = |aborted| Occasion::Ignored {
            reason: "old".to_owned(),
            aborted,
        };
        for (occasion, asked, again, aborted, because) in [
            (Occasion::Found, false, false, false, None),
            (ignored(false), false, false, false, Some("old")),
            (ignored(true), false, false, true, Some("old")),
            (Occasion::Asked { again: false }, true, false, false, None),
            (Occasion::Asked { again: true }, true, true, false, None),
        ] {
            assert_eq!(occasion.is_asked(), asked, "{occasion:?}");
            assert_eq!(occasion.is_again(), again, "{occasion:?}");
            assert_eq!(occasion.is_aborted(), aborted, "{occasion:?}");
            assert_eq!(occasion.ignored_because(), because, "{occasion:?}");
        }
    }
}
