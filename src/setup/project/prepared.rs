//! The file that is written, with the choices in it: prepared as a whole, shown, and then replaced
//! as a whole.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use crate::katalon::properties::Properties;
use crate::katalon::properties_splice::{KeyChange, LineEnd, with_keys};
use crate::katalon::secret::ProjectToken;
use crate::katalon::settings::{
    FILE, NewFile, PlanForm, SettingsChoices, TokenChoice, with_choices,
};
use crate::katalon::text::{decode, head};
use crate::plan::overrides::Definition;
use crate::setup::difference::difference;
use crate::setup::project::{
    CurrentProject, NoSetup, ProjectChoices, RunsSeen, Verified, own_file,
};
use crate::workspace::{Original, PROJECT_FILE};

/// Bytes of a line of a difference that are shown: Katalon's lists are a line each.
const LONGEST_LINE: usize = 400;

/// Which file holds the choices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SettingsTarget {
    /// Katalon's settings.
    Settings,
    /// The project's own `kado.toml`.
    OwnFile,
}

/// A file with the choices in it.
pub(crate) struct PreparedFile {
    /// Where it is, or is to be.
    pub path: PathBuf,
    target: SettingsTarget,
    original: Original,
    before: Vec<u8>,
    after: Vec<u8>,
}

impl PreparedFile {
    /// Puts what was chosen and verified into the file.
    ///
    /// # Errors
    /// When the file is damaged, cannot hold it, or could not be replaced as things stand.
    pub(crate) fn new(
        target: SettingsTarget,
        current: &CurrentProject,
        choices: &ProjectChoices,
        verified: &Verified,
        runs: &RunsSeen,
    ) -> Result<Self, NoSetup> {
        let below = Path::new(match target {
            SettingsTarget::Settings => FILE,
            SettingsTarget::OwnFile => PROJECT_FILE,
        });
        let (original, before) = Original::read_or_new(&current.root, below)?;
        let after = match target {
            SettingsTarget::Settings => {
                let choices = for_katalon(current, choices, verified);
                with_choices(&before, &choices, new_file(runs))?
            }
            SettingsTarget::OwnFile => own_file::with_choices(&before, current, choices, verified)?,
        };

        Ok(Self {
            path: current.root.join(below),
            target,
            original,
            before,
            after,
        })
    }

    /// Whether the file says already what it is to say.
    pub(crate) fn is_as_chosen(&self) -> bool {
        self.before == self.after
    }

    /// Whether the file is there.
    pub(crate) const fn is_there(&self) -> bool {
        !self.before.is_empty()
    }

    /// What would change, as `diff -u` shows it, without any token.
    pub(crate) fn difference(&self) -> String {
        let before = self.shown(&self.before, "the stored token");
        let has_same_token = self.token_line(&self.before) == self.token_line(&self.after);
        let after = self.shown(
            &self.after,
            if has_same_token {
                "the stored token"
            } else {
                "the new token"
            },
        );

        let mut cut = String::new();
        for line in difference(&self.path, &before, &after).lines() {
            let shown = head(line, LONGEST_LINE);
            cut.push_str(shown);
            if shown.len() < line.len() {
                cut.push('…');
            }
            cut.push('\n');
        }
        cut
    }

    /// The token as it stands in the file.
    fn token_line(&self, bytes: &[u8]) -> Option<String> {
        let properties = Properties::read(bytes);
        match self.target {
            SettingsTarget::Settings => properties.raw("token").map(str::to_owned),
            SettingsTarget::OwnFile => None,
        }
    }

    /// The text of the file, with words in the place of a token.
    fn shown(&self, bytes: &[u8], token: &str) -> String {
        if self.token_line(bytes).is_none() {
            return decode(bytes).into_owned();
        }
        let hidden = KeyChange {
            key: "token",
            value: Some(format!("({token})")),
        };
        match with_keys(FILE, bytes, &[hidden], LineEnd::Lf) {
            Ok(bytes) => decode(&bytes).into_owned(),
            // It was changed a moment ago, so it can be; and a token is never shown.
            Err(_) => String::new(),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When it changed since it was read, or the system refuses; it is then what it was.
    pub(crate) fn write(&self) -> Result<(), NoSetup> {
        Ok(self.original.replace(&self.after)?)
    }
}

const fn line_end() -> LineEnd {
    if cfg!(windows) {
        LineEnd::CrLf
    } else {
        LineEnd::Lf
    }
}

fn new_file(runs: &RunsSeen) -> NewFile {
    let version = runs.katalon_version.as_deref();
    NewFile {
        line_end: line_end(),
        plans: version.map_or(PlanForm::Several, PlanForm::of_version),
    }
}

fn for_katalon(
    current: &CurrentProject,
    choices: &ProjectChoices,
    verified: &Verified,
) -> SettingsChoices {
    let mut settings = SettingsChoices {
        enabled: Some(true),
        fetched_projects: verified.projects.clone(),
        outcomes: choices.outcomes.clone(),
        rows: choices.rows.clone(),
        fetched_plans: verified.all_plans.clone(),
        multiple_points: choices.multiple_points,
        run_name: choices.run_name.clone(),
        build_definition: choices.build_definition.map(number),
        release_definition: choices.release_definition.map(number),
        sending: choices.attach,
        ..SettingsChoices::default()
    };

    // What only kado.toml says stays there.
    if choices.project.is_some() || current.settings.project.is_none() {
        settings.project = Some(verified.project.clone());
    }
    if !choices.plans.is_empty() {
        settings.plans = Some(verified.plans.clone());
    }
    if let Some(kinds) = &choices.attachments {
        settings.attachments = Some(!kinds.is_empty());
        settings.attachment_kinds = (!kinds.is_empty()).then(|| kinds.clone());
    }

    settings.token = token(current, choices);
    if let Some(server) = &choices.server
        && current.changes_server(server)
    {
        settings.server_url = Some(server.base().trim_end_matches('/').to_owned());
    }
    settings
}

/// A token stays with the server that it came with (invariant I10).
fn token(current: &CurrentProject, choices: &ProjectChoices) -> TokenChoice {
    if let Some(token) = &choices.token {
        return TokenChoice::Set(SecretString::clone(token));
    }
    let is_stored = !matches!(current.settings.token, ProjectToken::Unset);
    match &choices.server {
        Some(server) if is_stored && current.changes_server(server) => TokenChoice::Remove,
        _ => TokenChoice::Keep,
    }
}

/// Katalon stores −1 for none.
fn number(definition: Definition) -> i32 {
    match definition {
        Definition::None => -1,
        Definition::Of(id) => i32::try_from(id).unwrap_or(-1),
    }
}
