//! What is asked about a project, in the order of Katalon's dialog: what an option said is not
//! asked again, and what is set already is the answer to begin with. What can be chosen is what the
//! server has, and what ran in the project.

mod definitions;
mod rows;

use std::sync::Arc;

use secrecy::ExposeSecret as _;

use crate::ado::{AdoClient, AdoError};
use crate::cli::runtime::Runtime;
use crate::cli::setup::dialogue::{
    Asked, Dialogue, Preset, Question, TextQuestion, Typed, Unanswered, ask_all,
};
use crate::cli::setup::project::ProjectOptions;
use crate::config::Config;
use crate::connect::ConnectError;
use crate::katalon::run::FileKind;
use crate::katalon::settings::SendingRule;
use crate::katalon::status::Status;
use crate::plan::outcome::{OUTCOMES, outcome};
use crate::plan::plan_choice::PlanChoice;
use crate::server::Server;
use crate::setup::project::{CurrentProject, ProjectChoices, RunsSeen, SettingsTarget};

/// What was answered, and what is needed to ask on.
pub(super) struct Answers<'a> {
    choices: ProjectChoices,
    /// Which file is to hold the answers; some have no place in `kado.toml`.
    pub(super) target: SettingsTarget,
    options: &'a ProjectOptions,
    has_server_option: bool,
    current: &'a CurrentProject,
    config: &'a Config,
    runs: &'a RunsSeen,
    runtime: &'a Runtime,
    client: Option<Arc<AdoClient>>,
    /// The rows that options named.
    rows_of_options: usize,
}

impl<'a> Answers<'a> {
    pub(super) fn new(
        choices: ProjectChoices,
        options: &'a ProjectOptions,
        current: &'a CurrentProject,
        config: &'a Config,
        runs: &'a RunsSeen,
        runtime: &'a Runtime,
    ) -> Self {
        Self {
            target: SettingsTarget::Settings,
            has_server_option: choices.server.is_some(),
            rows_of_options: choices.rows.len(),
            client: None,
            choices,

            options,
            current,
            config,
            runs,
            runtime,
        }
    }

    /// Asks for everything that no option said.
    pub(super) fn ask(&mut self, dialogue: &Dialogue) -> Result<(), Unanswered> {
        let questions: [Question<Self>; 12] = [
            Self::ask_server,
            Self::ask_token,
            Self::ask_project,
            Self::ask_plans,
            Self::ask_outcomes,
            Self::ask_rows,
            Self::ask_run_name,
            Self::ask_attachments,
            Self::ask_sending,
            Self::ask_multiple_points,
            Self::ask_build,
            Self::ask_release,
        ];
        ask_all(dialogue, &questions, self)
    }

    pub(super) fn into_choices(self) -> ProjectChoices {
        self.choices
    }

    fn server(&self) -> Result<Server, Unanswered> {
        match &self.choices.server {
            Some(server) => Ok(server.clone()),
            None => {
                let server = self.current.server().map_err(failed)?;
                server.ok_or_else(|| failed(ConnectError::NoServer))
            }
        }
    }

    fn client(&self) -> &AdoClient {
        self.client
            .as_deref()
            .expect("the question for the token leaves a client")
    }

    fn project(&self) -> String {
        self.current.project_in_force(&self.choices)
    }
}

fn failed(error: impl Into<anyhow::Error>) -> Unanswered {
    Unanswered::Failed(error.into())
}

impl Answers<'_> {
    fn ask_server(&mut self, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
        // The project's own kado.toml holds no server.
        if self.has_server_option || self.target == SettingsTarget::OwnFile {
            return Ok(Asked::No);
        }

        let there = self.current.server().ok().flatten();
        let url = dialogue.text(&TextQuestion {
            message: "Azure DevOps organization or collection:",
            default: there.map(|server| server.base().trim_end_matches('/').to_owned()),
            help: "as the browser shows it, such as https://dev.azure.com/organization",
            typed: Typed::checked(|text| {
                Server::meant_by(text).err().map(|error| error.to_string())
            })
            .meaning(Server::another_spelling),
        })?;
        let server = Server::meant_by(&url).map_err(failed)?;

        // Whoever comes back here with another server has to enter its own token.
        let before = self.choices.server.replace(server.clone());
        if before.is_some_and(|before| before.identity() != server.identity()) {
            self.choices.token = None;
        }
        Ok(Asked::Yes)
    }

    fn ask_token(&mut self, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
        let server = self.server()?;
        match connected(self, &server) {
            Ok(client) => {
                self.client = Some(client);
                return Ok(Asked::No);
            }
            Err(Unconnected::NoToken) => {}
            Err(Unconnected::Refused(why)) => dialogue.say(&why),
            Err(Unconnected::Failed(error)) => return Err(error),
        }
        if self.target == SettingsTarget::OwnFile {
            return Err(failed(anyhow::anyhow!(
                "there is no token for {}; `kado setup` sets up the machine's, or leave out `--to`",
                server.base()
            )));
        }

        loop {
            let token = dialogue.secret(
                "Personal access token:",
                "it is stored in the project's settings as Katalon stores it, where whoever reads the \
                 file has it; a token of the machine (`kado setup`) needs none here",
                |text| {
                    crate::secrets::token_in(text.as_bytes())
                        .err()
                        .map(|misfit| format!("it {misfit}"))
                },
            )?;
            let token = crate::secrets::token_in(token.expose_secret().as_bytes())
                .map_err(|misfit| failed(anyhow::anyhow!("the token {misfit}")))?;
            self.choices.token = Some(token);

            match connected(self, &server) {
                Ok(client) => {
                    self.client = Some(client);
                    return Ok(Asked::Yes);
                }
                Err(Unconnected::NoToken) => {}
                Err(Unconnected::Refused(why)) => dialogue.say(&why),
                Err(Unconnected::Failed(error)) => return Err(error),
            }
            self.choices.token = None;
        }
    }

    fn ask_project(&mut self, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
        if self.options.project_name.is_some() {
            return Ok(Asked::No);
        }

        let projects = self
            .runtime
            .block_on(self.client().projects())
            .map_err(failed)?;
        let names: Vec<String> = projects.into_iter().map(|project| project.name).collect();
        if names.is_empty() {
            return Err(failed(anyhow::anyhow!(
                "this token can see no project of {}",
                self.server()?.base()
            )));
        }

        let now = self.project();
        let first = names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(&now));
        let chosen = dialogue.one_of("Project:", &names, first.unwrap_or_default())?;
        self.choices.project = Some(names[chosen].clone());
        Ok(Asked::Yes)
    }

    fn ask_plans(&mut self, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
        if !self.options.plan.is_empty() {
            return Ok(Asked::No);
        }

        let project = self.project();
        let plans = self
            .runtime
            .block_on(self.client().known_plans(&project))
            .map_err(failed)?;
        if plans.is_empty() {
            return Err(failed(anyhow::anyhow!(
                "this token can see no test plan in project `{project}`; make one in Azure DevOps first"
            )));
        }

        let mut shown = Vec::new();
        let mut ticked = Vec::new();
        for (place, plan) in plans.iter().enumerate() {
            let state = if plan.is_active { "" } else { " (inactive)" };
            shown.push(format!("{} {}{state}", plan.id, plan.name));
            if self
                .current
                .options
                .plans
                .contains(&PlanChoice::Id(plan.id))
            {
                ticked.push(place);
            }
        }
        loop {
            let chosen = dialogue.several_of("Test plans:", &shown, &ticked)?;
            if !chosen.is_empty() {
                let ids = chosen
                    .into_iter()
                    .map(|place| PlanChoice::Id(plans[place].id));
                self.choices.plans = ids.collect();
                return Ok(Asked::Yes);
            }
            dialogue.say("choose at least one test plan, with the space bar");
        }
    }

    fn ask_outcomes(&mut self, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
        if !self.options.status.is_empty() || self.target == SettingsTarget::OwnFile {
            return Ok(Asked::No);
        }

        let in_force = &self.current.options.outcomes;
        let shown: Vec<String> = Status::ALL
            .iter()
            .rev()
            .map(|status| format!("{status} is {}", outcome(*status, in_force)))
            .collect();
        let question = format!(
            "Execution status mapping: {}. Is that right?",
            shown.join(", ")
        );
        self.choices.outcomes.clear();
        if dialogue.yes_or_no(&question, Preset::Yes)? {
            return Ok(Asked::Yes);
        }

        let words: Vec<String> = OUTCOMES.iter().map(|word| (*word).to_owned()).collect();
        for status in Status::ALL.into_iter().rev() {
            let now = outcome(status, in_force);
            let first = words.iter().position(|word| word.eq_ignore_ascii_case(now));
            let chosen = dialogue.one_of(
                &format!("Outcome for {status}:"),
                &words,
                first.unwrap_or_default(),
            )?;
            self.choices.outcomes.push((status, words[chosen].clone()));
        }
        Ok(Asked::Yes)
    }

    fn ask_run_name(&mut self, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
        if self.options.run_name.is_some() {
            return Ok(Asked::No);
        }
        let name = dialogue.text(&TextQuestion {
            message: "Name of test runs:",
            default: Some(self.current.options.run_name.text.clone()),
            help: "",
            typed: Typed::checked(|_| None),
        })?;
        self.choices.run_name = (name != self.current.options.run_name.text.trim()).then_some(name);
        Ok(Asked::Yes)
    }

    fn ask_attachments(&mut self, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
        if self.options.attachments.is_some() {
            return Ok(Asked::No);
        }

        let mut kinds = Vec::new();
        for kind in FileKind::SENDABLE {
            // Katalon does not know kado's own type.
            if kind != FileKind::Video || self.target == SettingsTarget::OwnFile {
                kinds.push(kind);
            }
        }
        let words: Vec<String> = kinds.iter().map(|kind| kind.word().to_owned()).collect();
        let in_force = &self.current.options.attachments.kinds;
        let mut ticked = Vec::new();
        for (place, kind) in kinds.iter().enumerate() {
            if in_force.contains(kind) {
                ticked.push(place);
            }
        }

        let chosen = dialogue.several_of("Attached files (none for no files):", &words, &ticked)?;
        let is_as_it_is = chosen == ticked;
        let chosen: Vec<FileKind> = chosen.into_iter().map(|place| kinds[place]).collect();
        self.choices.attachments = (!is_as_it_is).then_some(chosen);
        Ok(Asked::Yes)
    }

    fn ask_sending(&mut self, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
        let sends_none = self.choices.attachments.as_ref().map_or(
            self.current.options.attachments.kinds.is_empty(),
            Vec::is_empty,
        );
        if self.options.attach.is_some() || sends_none {
            return Ok(Asked::No);
        }

        let words = [
            "of runs with a test that did not pass".to_owned(),
            "of all runs".to_owned(),
        ];
        let rules = [SendingRule::Failed, SendingRule::All];
        let now = self.current.options.attachments.when;
        let first = rules.iter().position(|rule| *rule == now);
        let chosen = dialogue.one_of("Files are attached:", &words, first.unwrap_or_default())?;
        self.choices.attach = (rules[chosen] != now).then_some(rules[chosen]);
        Ok(Asked::Yes)
    }

    fn ask_multiple_points(&mut self, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
        if self.options.multiple_points.is_some() {
            return Ok(Asked::No);
        }
        let now = self.current.options.multiple_points;
        let preset = if now { Preset::Yes } else { Preset::No };
        let chosen = dialogue.yes_or_no(
            "Submit test results for multiple test points with the same test case ID?",
            preset,
        )?;
        self.choices.multiple_points = (chosen != now).then_some(chosen);
        Ok(Asked::Yes)
    }
}

/// Why there is no client.
enum Unconnected {
    NoToken,
    /// The server does not take the token; in words.
    Refused(String),
    Failed(Unanswered),
}

fn connected(answers: &Answers<'_>, server: &Server) -> Result<Arc<AdoClient>, Unconnected> {
    let client = answers
        .current
        .connect(answers.config, server, &answers.choices)
        .map_err(|error| match error {
            ConnectError::NoToken { .. } | ConnectError::Undecryptable { .. } => {
                Unconnected::NoToken
            }
            other => Unconnected::Failed(failed(other)),
        })?;

    match answers.runtime.block_on(client.connection()) {
        Ok(_) => Ok(client),
        Err(error @ AdoError::CredentialsRefused { .. }) => {
            Err(Unconnected::Refused(error.to_string()))
        }
        Err(error) => Err(Unconnected::Failed(failed(error))),
    }
}
