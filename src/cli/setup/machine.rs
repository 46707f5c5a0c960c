//! `kado setup`: what `kado.toml` says of this machine, its token, and its service.

mod answers;
mod carry_out;
mod questions;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use answers::{Answers, ServiceChoice, usage};
use carry_out::{carry_out, tell_tested};
use questions::QUESTIONS;

use crate::cli::error::UsageError;
use crate::cli::plain::plain;
use crate::cli::setup::dialogue::{Unanswered, ask_all};
use crate::cli::setup::{Common, Manner, Writing, named, refuse_missing};
use crate::cli::tell::tell;
use crate::cli::terminal::Screen;
use crate::config::{identity, nearest, paths};
use crate::error_chain::chain;
use crate::exit::Exit;
use crate::setup::machine::{IdentityKeys, MachineFile, Untested};
use crate::{service, state_dir};

/// `kind` of an application that is registered in a tenant.
const SERVICE_PRINCIPAL: &str = "service-principal";
/// `kind` of the identity of a virtual machine.
const MANAGED_IDENTITY: &str = "managed-identity";
/// `kind` of an application that another issuer's tokens prove.
const FEDERATED: &str = "federated";

/// Options of a machine.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of a machine")]
#[group(id = "machine_options")]
pub(super) struct MachineOptions {
    /// A folder that is searched for Katalon projects; may be repeated
    #[arg(long, value_name = "FOLDER")]
    watch: Vec<PathBuf>,
    /// An Entra identity in place of a token: service-principal, managed-identity or federated
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
    /// The file with the token of a federated identity, where the environment does not name it
    #[arg(long, value_name = "FILE")]
    identity_token_file: Option<PathBuf>,
    /// The service connection of Azure Pipelines that a federated identity is
    #[arg(long, value_name = "ID", conflicts_with = "identity_token_file")]
    identity_service_connection_id: Option<String>,
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

impl MachineOptions {
    /// Which of them were given, as they are written.
    pub(super) fn given(&self) -> Vec<&'static str> {
        let mut given = named(&[("--watch", !self.watch.is_empty())]);
        given.extend(self.given_of_identity());

        given.extend(named(&[
            ("--expires", self.expires.is_some()),
            ("--history", self.history.is_some()),
            ("--service", self.service),
            ("--no-service", self.no_service),
        ]));
        given
    }

    fn given_of_identity(&self) -> Vec<&'static str> {
        let mut given = named(&[
            ("--identity-kind", self.identity_kind.is_some()),
            ("--identity-tenant-id", self.identity_tenant_id.is_some()),
            ("--identity-client-id", self.identity_client_id.is_some()),
        ]);

        // What it proves itself with.
        given.extend(named(&[
            (
                "--identity-client-secret-file",
                self.identity_client_secret_file.is_some(),
            ),
            (
                "--identity-certificate-file",
                self.identity_certificate_file.is_some(),
            ),
            ("--identity-token-file", self.identity_token_file.is_some()),
            (
                "--identity-service-connection-id",
                self.identity_service_connection_id.is_some(),
            ),
        ]));

        given.extend(named(&[(
            "--identity-authority-url",
            self.identity_authority_url.is_some(),
        )]));
        given
    }

    fn service_choice(&self) -> Option<ServiceChoice> {
        match (self.service, self.no_service) {
            (true, _) => Some(ServiceChoice::Install),
            (false, true) => Some(ServiceChoice::Leave),
            (false, false) => None,
        }
    }

    /// The identity that the options describe; whether they do so fully `config` says.
    fn identity(&self) -> Result<Option<IdentityKeys>, UsageError> {
        let Some(kind) = &self.identity_kind else {
            let mut given = self.given();
            given.retain(|option| option.starts_with("--identity-"));
            return match given.first() {
                None => Ok(None),
                Some(option) => Err(UsageError(format!(
                    "`{option}` needs `--identity-kind`: {SERVICE_PRINCIPAL}, {MANAGED_IDENTITY} or \
                     {FEDERATED}"
                ))),
            };
        };

        let words = identity::kind_words();
        if !words.iter().any(|word| word.eq_ignore_ascii_case(kind)) {
            let meant = match nearest(kind, words) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it takes {}, {} or {}", words[0], words[1], words[2]),
            };
            return Err(UsageError(format!(
                "`--identity-kind` is `{kind}`; {meant}"
            )));
        }
        Ok(Some(IdentityKeys {
            kind: kind.clone(),
            tenant_id: self.identity_tenant_id.clone(),
            client_id: self.identity_client_id.clone(),
            client_secret_file: self.identity_client_secret_file.as_deref().map(absolute),
            certificate_file: self.identity_certificate_file.as_deref().map(absolute),
            token_file: self.identity_token_file.as_deref().map(absolute),
            service_connection_id: self.identity_service_connection_id.clone(),
            authority_url: self.identity_authority_url.clone(),
        }))
    }
}

/// Relative paths of the file start at its folder, those of options at the working folder.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Sets up this machine.
pub(super) fn setup(
    options: &MachineOptions,
    common: &Common<'_>,
    manner: &Manner,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let path = paths::file_or_first(common.config, service::own_scope()).ok_or_else(|| {
        UsageError("this account has no home folder; name a file with `--config`".to_owned())
    })?;
    if common.writing == Writing::Real {
        check_writable(&path)?;
    }
    let file = MachineFile::read(&path).map_err(usage)?;
    let mut answers = Answers::of(options, common, file)?;

    match manner {
        Manner::Unattended => {
            refuse_missing(&answers.missing())?;
            if answers.credential.is_some()
                && let Some(exit) = refused(&answers, out)?
            {
                return Ok(exit);
            }
        }
        Manner::Ask(dialogue) => {
            dialogue.say(&format!(
                "This sets up kado on this machine, in `{}`. Esc goes back one question, Ctrl-C \
                 leaves everything as it is.",
                path.display()
            ));
            ask_all(dialogue, QUESTIONS, &mut answers).map_err(Unanswered::into_error)?;
        }
    }

    carry_out(&answers, common.writing, out)
}

/// Says at once, and not after ten questions, that this account cannot write what is chosen.
fn check_writable(file: &Path) -> Result<(), UsageError> {
    state_dir::may_write(file).map_err(|error| {
        UsageError(format!(
            "`{}` cannot be written ({error}); run the command with sudo or as administrator, or \
             name another file with `--config`",
            file.display()
        ))
    })
}

/// Tests the new credential; the exit code where it cannot be used, of which nothing is written
/// then.
fn refused(answers: &Answers, out: &mut Screen<'_>) -> anyhow::Result<Option<Exit>> {
    match answers.test()? {
        Ok(tested) => {
            for line in tell_tested(&tested) {
                writeln!(out, "{line}")?;
            }
            if tested.can_submit() {
                return Ok(None);
            }

            tell(
                "error: nothing can be submitted with it, so nothing was written; make a token \
                 with the scopes Test Management (read & write) and Work Items (read)",
            );
            Ok(Some(Exit::Refused))
        }
        Err(Untested::Config(error)) => Err(answers.refusal_of(error)),
        Err(error) => {
            tell(&format!(
                "error: {}; nothing was written",
                plain(&chain(&error))
            ));
            Ok(Some(error.exit()))
        }
    }
}
