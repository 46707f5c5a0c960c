//! `kado setup`: what `kado.toml` says of this machine, its token, and its service.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use crate::cli::error::UsageError;
use crate::cli::setup::dialogue::{Asked, Dialogue, Question, TextQuestion, Unanswered, ask_all};
use crate::cli::setup::{Common, Manner, Missing, refuse_missing};
use crate::exit::Exit;

/// Options of a machine.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of a machine")]
#[group(id = "machine_options")]
pub(super) struct Options {
    /// A folder that is searched for Katalon projects; may be repeated
    #[arg(long, value_name = "FOLDER")]
    watch: Vec<PathBuf>,
    /// An Entra identity in place of a token: service-principal or managed-identity
    #[arg(long, value_name = "KIND")]
    identity_kind: Option<String>,
    /// The tenant of a service principal, a GUID or a domain
    #[arg(long, value_name = "ID")]
    identity_tenant_id: Option<String>,
    /// The application's id; of a managed identity where the machine has several
    #[arg(long, value_name = "ID")]
    identity_client_id: Option<String>,
    /// The file with the secret of a service principal
    #[arg(long, value_name = "FILE")]
    identity_client_secret_file: Option<PathBuf>,
    /// The file with certificate and key of a service principal, as PEM
    #[arg(long, value_name = "FILE")]
    identity_certificate_file: Option<PathBuf>,
    /// Who issues the identity's tokens, if not the public cloud's login
    #[arg(long, value_name = "URL")]
    identity_authority_url: Option<String>,
    /// When the token ends, so that kado can say it ahead
    #[arg(long, value_name = "DATE")]
    expires: Option<String>,
    /// Which finished runs are submitted: new, all, or an instant such as 2026-01-31T00:00:00Z
    #[arg(long, value_name = "WHICH")]
    history: Option<String>,
    /// Install the service and start it
    #[arg(long, conflicts_with = "no_service")]
    service: bool,
    /// Leave the service as it is
    #[arg(long)]
    no_service: bool,
}

impl Options {
    /// Which of them were given, as they are written.
    pub(super) fn given(&self) -> Vec<&'static str> {
        let all = [
            ("--watch", !self.watch.is_empty()),
            ("--identity-kind", self.identity_kind.is_some()),
            ("--identity-tenant-id", self.identity_tenant_id.is_some()),
            ("--identity-client-id", self.identity_client_id.is_some()),
            (
                "--identity-client-secret-file",
                self.identity_client_secret_file.is_some(),
            ),
            (
                "--identity-certificate-file",
                self.identity_certificate_file.is_some(),
            ),
            (
                "--identity-authority-url",
                self.identity_authority_url.is_some(),
            ),
            ("--expires", self.expires.is_some()),
            ("--history", self.history.is_some()),
            ("--service", self.service),
            ("--no-service", self.no_service),
        ];

        let mut given = Vec::new();
        for (name, is_given) in all {
            if is_given {
                given.push(name);
            }
        }
        given
    }
}

/// Sets up this machine.
pub(super) fn setup(
    options: &Options,
    common: &Common<'_>,
    manner: &Manner,
    _out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    if let Manner::Unattended = manner {
        refuse_missing(&missing(options))?;
    }

    let _ = (
        common.server_url,
        common.token,
        common.writing,
        common.config,
    );

    if let Manner::Ask(dialogue) = manner {
        ask_all(dialogue, QUESTIONS, &mut Answers::default())?;
    }
    Err(
        UsageError("this version does not set up machines; docs/service.md says how to".to_owned())
            .into(),
    )
}

#[derive(Default)]
struct Answers {
    watch: String,
}

const QUESTIONS: &[Question<Answers>] = &[ask_watch];

fn ask_watch(answers: &mut Answers, dialogue: &Dialogue) -> Result<Asked, Unanswered> {
    answers.watch = dialogue.text(&TextQuestion {
        message: "Which folder holds the Katalon projects?",
        default: None,
        help: "",
        check: |_| None,
    })?;
    Ok(Asked::Yes)
}

fn missing(options: &Options) -> Vec<Missing> {
    let mut missing = Vec::new();
    if options.watch.is_empty() {
        missing.push(Missing {
            option: "--watch FOLDER",
            what: "the folder that holds the Katalon projects",
        });
    }
    missing
}
