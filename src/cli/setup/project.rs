//! `kado setup PROJECT`: the choices of Katalon's Azure DevOps dialog, as options or asked for.
//! `setup::project` knows what is read, verified and written.

mod questions;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::ado::AdoError;
use crate::cli::error::UsageError;
use crate::cli::plain::plain;
use crate::cli::runtime::{Runtime, runtime};
use crate::cli::setup::dialogue::Preset;
use crate::cli::setup::{Common, Manner, Missing, TokenInput, Writing, named, refuse_missing};
use crate::cli::tell::tell;
use crate::cli::terminal::Screen;
use crate::cli::token_input::token_from_input;
use crate::config::{Config, paths};
use crate::connect::ConnectError;
use crate::exit::Exit;
use crate::mapping::{is_katalon_at_work, suggest_command};
use crate::server::Server;
use crate::setup::project::{
    self as setup, CurrentProject, Misentered, NoSetup, PreparedFile, ProjectChoices, RunsSeen,
    SettingsTarget, Verified,
};
use crate::shell_word::shell_word;
use crate::workspace::PROJECT_FILE;

use questions::Answers;

/// Options of a project.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of a project")]
#[group(id = "project_options")]
pub(super) struct ProjectOptions {
    /// The ADO project
    #[arg(long, value_name = "NAME")]
    project_name: Option<String>,
    /// A test plan, by id or name; may be repeated
    #[arg(long, value_name = "ID")]
    plan: Vec<String>,
    /// The name of test runs
    #[arg(long, value_name = "NAME")]
    run_name: Option<String>,
    /// The outcome for a status of Katalon, such as ERROR=Blocked; may be repeated
    #[arg(long, value_name = "STATUS=OUTCOME")]
    status: Vec<String>,
    /// The test configuration for a system, browser and profile, such as Windows,Chrome=3; `*` is
    /// any, and `none` as ID takes the row away; may be repeated
    // Katalon's own word for any is `--Any--`.
    #[arg(
        long,
        value_name = "OS,BROWSER[,PROFILE]=ID",
        allow_hyphen_values = true
    )]
    map_configuration: Vec<String>,
    /// Which types of files are attached, such as LOG,PNG; or none
    #[arg(long, value_name = "TYPES")]
    attachments: Option<String>,
    /// Of which runs files are attached: all, or failed
    #[arg(long, value_name = "WHICH")]
    attach: Option<String>,
    /// Whether a test case with several test points gets a result in each: true or false
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    multiple_points: Option<String>,
    /// The build definition whose latest build a test run is linked with; or none
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    build_definition: Option<String>,
    /// The release definition whose latest release a test run is linked with; or none
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    release_definition: Option<String>,
    /// Write the project's own kado.toml, beside its .prj, in place of Katalon's settings file
    #[arg(long, value_name = "kado.toml")]
    to: Option<PathBuf>,
    /// Write also while Katalon works on the project
    #[arg(long)]
    force: bool,
}

impl ProjectOptions {
    /// Which of them were given, as they are written.
    pub(super) fn given(&self) -> Vec<&'static str> {
        named(&[
            ("--project-name", self.project_name.is_some()),
            ("--plan", !self.plan.is_empty()),
            ("--run-name", self.run_name.is_some()),
            ("--status", !self.status.is_empty()),
            ("--map-configuration", !self.map_configuration.is_empty()),
            ("--attachments", self.attachments.is_some()),
            ("--attach", self.attach.is_some()),
            ("--multiple-points", self.multiple_points.is_some()),
            ("--build-definition", self.build_definition.is_some()),
            ("--release-definition", self.release_definition.is_some()),
            ("--to", self.to.is_some()),
            ("--force", self.force),
        ])
    }

    /// What the options choose; all that is wrong with them is told at once.
    fn choices(
        &self,
        common: &Common<'_>,
        target: SettingsTarget,
    ) -> Result<ProjectChoices, UsageError> {
        let mut wrong = Vec::new();
        let server = common.server_url.map(Server::meant_by);
        let choices = ProjectChoices {
            server: server.transpose().unwrap_or_else(|error| {
                wrong.push(format!("`--server-url`: {error}"));
                None
            }),
            token: None,
            project: self.project_name.clone(),
            plans: all("--plan", &self.plan, &mut wrong, setup::plan),
            run_name: self.run_name.clone(),
            outcomes: all("--status", &self.status, &mut wrong, setup::status_outcome),
            rows: all(
                "--map-configuration",
                &self.map_configuration,
                &mut wrong,
                setup::row,
            ),
            attachments: one("--attachments", &self.attachments, &mut wrong, |text| {
                setup::attachments(text, target)
            }),
            attach: one("--attach", &self.attach, &mut wrong, setup::sending),
            multiple_points: one(
                "--multiple-points",
                &self.multiple_points,
                &mut wrong,
                setup::yes_or_no,
            ),
            build_definition: one(
                "--build-definition",
                &self.build_definition,
                &mut wrong,
                setup::definition,
            ),
            release_definition: one(
                "--release-definition",
                &self.release_definition,
                &mut wrong,
                setup::definition,
            ),
        };

        if target == SettingsTarget::OwnFile {
            wrong.extend(self.without_place(common));
        }
        if wrong.is_empty() {
            Ok(choices)
        } else {
            Err(UsageError(wrong.join("\n")))
        }
    }

    /// Options for which the project's `kado.toml` has no key.
    fn without_place(&self, common: &Common<'_>) -> Vec<String> {
        let all = [
            (
                "--server-url",
                common.server_url.is_some(),
                "the server is set in Katalon's settings or in the machine's kado.toml",
            ),
            (
                "--token-stdin",
                common.token == TokenInput::Standard,
                "no token stands in a project's kado.toml; Katalon's settings or the machine hold it",
            ),
            (
                "--status",
                !self.status.is_empty(),
                "outcomes stand in Katalon's settings alone",
            ),
            (
                "--map-configuration",
                !self.map_configuration.is_empty(),
                "test configurations stand in Katalon's settings alone",
            ),
        ];

        let mut without = Vec::new();
        for (option, is_given, why) in all {
            if is_given {
                without.push(format!("`{option}` does not go with `--to`: {why}"));
            }
        }
        without
    }

    fn target(&self) -> Result<SettingsTarget, UsageError> {
        match &self.to {
            None => Ok(SettingsTarget::Settings),
            Some(file) if file.as_path() == Path::new(PROJECT_FILE) => Ok(SettingsTarget::OwnFile),
            Some(file) => Err(UsageError(format!(
                "`--to {}`: only `--to {PROJECT_FILE}` can be written, the project's own file beside \
                 its `.prj`",
                file.display()
            ))),
        }
    }
}

/// The values of an option that may be repeated.
fn all<T>(
    option: &str,
    texts: &[String],
    wrong: &mut Vec<String>,
    read: impl Fn(&str) -> Result<T, Misentered>,
) -> Vec<T> {
    let mut values = Vec::new();
    for text in texts {
        match read(text) {
            Ok(value) => values.push(value),
            Err(error) => wrong.push(format!("`{option}` {error}")),
        }
    }
    values
}

fn one<T>(
    option: &str,
    text: &Option<String>,
    wrong: &mut Vec<String>,
    read: impl Fn(&str) -> Result<T, Misentered>,
) -> Option<T> {
    let texts: Vec<String> = text.iter().cloned().collect();
    all(option, &texts, wrong, read).pop()
}

/// Sets up the project at `folder`.
pub(super) fn setup(
    folder: &Path,
    options: &ProjectOptions,
    common: &Common<'_>,
    manner: &Manner,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let target = options.target()?;
    let mut choices = options.choices(common, target)?;
    let config = paths::load(common.config)?;
    let current = match CurrentProject::read(folder, &config) {
        Ok(current) => current,
        Err(error) => return Ok(refused(&error)),
    };
    if common.token == TokenInput::Standard {
        choices.token = Some(token_from_input("kado setup PROJECT --token-stdin")?);
    }

    let runtime = runtime()?;
    let runs = RunsSeen::of(&current.root);
    match manner {
        Manner::Unattended => refuse_missing(&missing(&current, &config, &choices))?,
        Manner::Ask(dialogue) => {
            let mut answers = Answers::new(choices, options, &current, &config, &runs, &runtime);
            answers.target = target;
            answers.ask(dialogue)?;
            choices = answers.into_choices();
        }
    }

    let verified = match verified(&runtime, &current, &config, &mut choices) {
        Ok(verified) => verified,
        Err(error) => return Ok(refused(&error)),
    };
    let prepared = match PreparedFile::new(target, &current, &choices, &verified, &runs) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(refused(&error)),
    };

    for remark in &verified.remarks {
        warn(remark);
    }
    if choices.has_new_profile(&current) {
        warn(
            "no public file shows how Katalon calls the column of the execution profile; it is \
             written as `profile`, which kado reads and Katalon may not show",
        );
    }
    let asked = Writer {
        options,
        common,
        manner,
        current: &current,
    };
    asked.finish(&prepared, &verified, target, out)
}

/// What is left when the file is prepared.
struct Writer<'a> {
    options: &'a ProjectOptions,
    common: &'a Common<'a>,
    manner: &'a Manner,
    current: &'a CurrentProject,
}

impl Writer<'_> {
    fn finish(
        &self,
        prepared: &PreparedFile,
        verified: &Verified,
        target: SettingsTarget,
        out: &mut Screen<'_>,
    ) -> anyhow::Result<Exit> {
        let file = plain(&prepared.path.display().to_string());
        if prepared.is_as_chosen() {
            writeln!(
                out,
                "`{file}` says all of this already; nothing was written"
            )?;
            return self.way_on(verified, target, out);
        }
        if self.common.writing == Writing::Dry {
            write!(out, "{}", prepared.difference())?;
            writeln!(out, "nothing was written")?;
            return Ok(Exit::Done);
        }

        if let Manner::Ask(dialogue) = self.manner {
            dialogue.say(&prepared.difference());
            if !dialogue.yes_or_no(&format!("Write `{file}`?"), Preset::Yes)? {
                writeln!(out, "nothing was written")?;
                return Ok(Exit::NotDone);
            }
        }
        if !self.options.force && is_katalon_at_work(&self.current.root) {
            return Ok(failed(
                "Katalon works on this project, as a running command says: it could overwrite what \
                 is written now. Nothing was written; wait until it has ended, or write all the \
                 same with `--force`",
                Exit::NotDone,
            ));
        }

        if let Err(error) = prepared.write() {
            return Ok(refused(&error));
        }
        let what = if prepared.is_there() {
            "changed"
        } else {
            "made"
        };
        writeln!(out, "{what} `{file}`")?;
        self.way_on(verified, target, out)
    }

    /// The next command, and what keeps what was written from counting.
    fn way_on(
        &self,
        verified: &Verified,
        target: SettingsTarget,
        out: &mut Screen<'_>,
    ) -> anyhow::Result<Exit> {
        let root = &self.current.root;
        writeln!(
            out,
            "next: {} proposes ids for the test cases that have none",
            suggest_command(root)
        )?;

        if target == SettingsTarget::OwnFile && !self.current.settings.enabled {
            return Ok(failed(
                &format!(
                    "the integration is switched off in Katalon's settings, which kado.toml cannot \
                     change, so nothing is submitted: `kado setup {}` switches it on",
                    shell_word(root.display())
                ),
                Exit::NotDone,
            ));
        }
        let config = paths::load(self.common.config)?;
        let Ok(now) = CurrentProject::read(root, &config) else {
            return Ok(Exit::Done);
        };
        for stronger in now.stronger_than(verified) {
            warn(&stronger);
        }
        Ok(Exit::Done)
    }
}

/// Asks the server for everything that was chosen.
fn verified(
    runtime: &Runtime,
    current: &CurrentProject,
    config: &Config,
    choices: &mut ProjectChoices,
) -> Result<Verified, NoSetup> {
    let server = match &choices.server {
        Some(server) => server.clone(),
        None => current.server()?.ok_or(ConnectError::NoServer)?,
    };
    let client = current.connect(config, &server, choices)?;
    // Stored in the settings where they name none, also when it came from kado.toml.
    choices.server = Some(server);

    let project = current.project_in_force(choices);
    let plans = if choices.plans.is_empty() {
        &current.options.plans
    } else {
        &choices.plans
    };
    runtime.block_on(async {
        // First, so that what is refused here is the token.
        client.connection().await?;
        setup::verify(&client, &project, plans, choices).await
    })
}

/// What cannot be left out, and nothing says.
fn missing(current: &CurrentProject, config: &Config, choices: &ProjectChoices) -> Vec<Missing> {
    let mut missing = Vec::new();
    let server = match &choices.server {
        Some(server) => Some(server.clone()),
        // One that is no URL is told when it is used.
        None => current.server().ok().flatten(),
    };

    let lacks_token = match &server {
        Some(server) => matches!(
            current.connect(config, server, choices),
            Err(ConnectError::NoToken { .. } | ConnectError::Undecryptable { .. })
        ),
        None => choices.token.is_none(),
    };
    if server.is_none() && current.options.server_url.is_none() {
        missing.push(Missing {
            option: "--server-url URL",
            what: "the organization or collection of Azure DevOps",
        });
    }
    if lacks_token {
        missing.push(Missing {
            option: "--token-stdin",
            what: "a token for it, on standard input; or `azure.token_file` in kado.toml",
        });
    }
    if current.project_in_force(choices).is_empty() {
        missing.push(Missing {
            option: "--project-name NAME",
            what: "the ADO project",
        });
    }
    if choices.plans.is_empty() && current.options.plans.is_empty() {
        missing.push(Missing {
            option: "--plan ID",
            what: "a test plan",
        });
    }
    missing
}

/// Ends the command with an error that has an exit code of its own.
fn refused(error: &NoSetup) -> Exit {
    let scopes = match error {
        NoSetup::Ado(AdoError::CredentialsRefused { .. }) => {
            "; setting up needs the scope Test Management (read)"
        }
        _ => "",
    };
    failed(
        &format!("{error}{scopes}; nothing was written"),
        error.exit(),
    )
}

fn failed(reason: &str, exit: Exit) -> Exit {
    for line in reason.lines() {
        tell(&format!("error: {}", plain(line)));
    }
    exit
}

fn warn(what: &str) {
    tell(&format!("warning: {}", plain(what)));
}
