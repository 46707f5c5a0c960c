//! What `kado check` found, in the order in which it looked.

use std::fmt::Display;
use std::path::Path;

use serde::Serialize;

use crate::ado::AdoError;
use crate::exit::Exit;

/// What mends a value of the project's settings.
pub(super) const CORRECT_SETTINGS: &str =
    "correct it with `kado setup PROJECT`, in Katalon's Azure DevOps settings, or in kado.toml";

/// What looking at something came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// It is as it should be.
    Fine,
    /// It works, and has a point to know.
    Note,
    /// Somebody switched it off, so that runs are not submitted: no mistake, and nothing that may
    /// pass for well.
    Off,
    Wrong,
    /// It was not looked at, so nobody may take it for fine.
    NotLookedAt,
}

/// One thing that was looked at. Its JSON is that of `kado check --json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Check {
    /// What was looked at.
    pub name: String,
    /// Folder of the project that it belongs to; `None` for the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Whether it is known to be as it should be.
    pub ok: bool,
    #[serde(skip)]
    pub verdict: Verdict,
    /// What was found.
    pub detail: String,
    /// What mends it, or what to know.
    pub hint: Option<String>,
    /// What a failure means for the exit code.
    #[serde(skip)]
    pub exit: Exit,
    /// Set for a mapped id whose finding other ids may have, too.
    #[serde(skip)]
    pub shared: Option<Shared>,
}

/// A finding that many mapped ids can have: people get one block for all of them, because a project
/// has hundreds of ids and one mistake in the settings is found at each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Shared {
    /// What was found, in words that fit each of them.
    pub finding: String,
    /// The mapped id that this check is about, as it stands in the test case.
    pub id: String,
    /// What belongs to it: its test cases in Katalon.
    pub about: String,
}

/// Everything that was looked at, in order.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub checks: Vec<Check>,
    /// Folder of the project that is being looked at.
    #[serde(skip)]
    project: Option<String>,
}

impl Report {
    /// What is found from now on belongs to the project in this folder.
    pub(super) fn begin_project(&mut self, root: &Path) {
        self.project = Some(root.display().to_string());
    }

    /// Something is as it should be.
    pub(crate) fn fine(&mut self, name: impl Into<String>, detail: impl Into<String>) {
        self.push(name.into(), Verdict::Fine, detail.into(), None, Exit::Done);
    }

    /// Something works and has a point to know. An empty hint counts as none.
    pub(crate) fn note(
        &mut self,
        name: impl Into<String>,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(
            name.into(),
            Verdict::Note,
            detail.into(),
            Some(hint.into()),
            Exit::Done,
        );
    }

    /// Something is switched off, so that runs are not submitted; `hint` says what switches it on.
    pub(super) fn off(
        &mut self,
        name: impl Into<String>,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(
            name.into(),
            Verdict::Off,
            detail.into(),
            Some(hint.into()),
            Exit::Done,
        );
    }

    /// Something was not looked at. By itself that is no failure: where it has a reason that is
    /// one, that is told as well.
    pub(super) fn not_looked_at(
        &mut self,
        name: impl Into<String>,
        why: impl Display,
        hint: impl Into<String>,
    ) {
        self.push(
            name.into(),
            Verdict::NotLookedAt,
            format!("not looked at: {why}"),
            Some(hint.into()),
            Exit::Done,
        );
    }

    /// Something is wrong.
    pub(crate) fn wrong(
        &mut self,
        name: impl Into<String>,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.failed(name, detail, hint, Exit::NotDone);
    }

    /// Something is wrong in a way that has an exit code of its own.
    pub(crate) fn failed(
        &mut self,
        name: impl Into<String>,
        detail: impl Into<String>,
        hint: impl Into<String>,
        exit: Exit,
    ) {
        self.push(
            name.into(),
            Verdict::Wrong,
            detail.into(),
            Some(hint.into()),
            exit,
        );
    }

    /// A request to ADO failed: the exit code is that of the error.
    pub(super) fn ado_failed(&mut self, name: &str, error: &AdoError) {
        let hint = match error {
            AdoError::CredentialsRefused { refusal, .. } if refusal.is_of_token() => {
                "the token needs the scopes Test Management (read & write) and Work Items (read)"
            }
            AdoError::Unavailable { .. } => {
                "look at the network, the proxy (`azure.proxy`) and the certificates \
                 (`azure.ca_file`)"
            }

            // Their messages say themselves what is wrong, and what mends it.
            AdoError::CredentialsRefused { .. }
            | AdoError::InBetween { .. }
            | AdoError::Configuration(_) => "",
            AdoError::Gone { .. } | AdoError::Rejected { .. } | AdoError::File { .. } => {
                CORRECT_SETTINGS
            }
        };

        self.failed(name, error.to_string(), hint, error.exit());
    }

    /// Says of the check that was added last that other mapped ids may have the same finding.
    pub(super) fn shared(
        &mut self,
        finding: impl Into<String>,
        id: &impl ToString,
        about: impl Into<String>,
    ) {
        if let Some(last) = self.checks.last_mut() {
            last.shared = Some(Shared {
                finding: finding.into(),
                id: id.to_string(),
                about: about.into(),
            });
        }
    }

    /// How many checks came to this.
    pub(crate) fn count(&self, verdict: Verdict) -> usize {
        let found = self.checks.iter().filter(|check| check.verdict == verdict);
        found.count()
    }

    /// Whether everything is known to be as it should be.
    pub(crate) fn ok(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }

    /// The exit code: that of the finding that a person has to mend first.
    pub(crate) fn exit(&self) -> Exit {
        self.checks
            .iter()
            .map(|check| check.exit)
            .fold(Exit::Done, Exit::and)
    }

    fn push(
        &mut self,
        name: String,
        verdict: Verdict,
        detail: String,
        hint: Option<String>,
        exit: Exit,
    ) {
        self.checks.push(Check {
            name,
            project: self.project.clone(),
            ok: matches!(verdict, Verdict::Fine | Verdict::Note | Verdict::Off),
            verdict,
            detail,
            hint: hint.filter(|hint| !hint.is_empty()),
            exit,
            shared: None,
        });
    }
}
