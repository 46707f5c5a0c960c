//! What is known of the machine that is set up: from `kado.toml` as it is, from options, from
//! answers.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use secrecy::SecretString;

use crate::cli::error::UsageError;
use crate::cli::runtime::{Runtime, runtime};
use crate::cli::setup::machine::MachineOptions;
use crate::cli::setup::{Common, Missing, TokenInput};
use crate::cli::token_input::token_from_input;
use crate::config::paths::{self, ConfigError, Scope};
use crate::config::{Config, day};
use crate::error_chain::chain;
use crate::moment::Moment;
use crate::secrets::{CREDENTIAL, TokenOwner, TokenSource};
use crate::server::Server;
use crate::service;
use crate::setup::machine::{
    CredentialChoice, IdentityKeys, MachineChoices, MachineFile, MachineFileError,
    TestedCredential, TestedWith, Untested, test_credential,
};

/// What a person or an option says that kado identifies itself with.
#[derive(Debug)]
pub(super) enum NewCredential {
    Token(SecretString),
    Identity(IdentityKeys),
}

/// The kinds of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CredentialKind {
    Token,
    ServicePrincipal,
    ManagedIdentity,
    Federated,
}

/// Where an answer comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Given {
    /// An option, so that nobody is asked.
    ByOption,
    Asked,
}

impl Given {
    const fn of<T>(option: Option<&T>) -> Self {
        match option {
            Some(_) => Self::ByOption,
            None => Self::Asked,
        }
    }
}

/// Where a token is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum TokenPlace {
    /// That of `kado service set-token`, for the service of this scope.
    Store(Scope),
    /// `azure.token_file`
    File(PathBuf),
}

/// What becomes of the service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ServiceChoice {
    Install,
    Leave,
}

/// Everything that is known up to now.
pub(super) struct Answers {
    pub options: MachineOptions,
    /// `kado.toml` as it is.
    pub file: MachineFile,
    /// Whose service and places are meant.
    pub scope: Scope,
    /// What it means, where it can be used.
    pub present: Option<Config>,
    /// The folders to watch; none where `watch` stays as it is.
    pub watch: Vec<PathBuf>,
    /// A folder that is not among those that were found is still to be named.
    pub wants_other_folder: bool,
    /// The server, if another one is to be written.
    pub server: Option<Server>,
    pub server_from: Given,
    /// The kind of credential that the person chose.
    pub kind: Option<CredentialKind>,
    pub credential: Option<NewCredential>,
    pub credential_from: Given,
    pub expires: Option<Date>,
    pub history: Option<String>,
    pub service: Option<ServiceChoice>,
    runtime: Runtime,
}

impl Answers {
    /// What options and `kado.toml` say.
    ///
    /// # Errors
    /// When an option makes no sense, or no token comes where one is to be read.
    pub(super) fn of(
        options: &MachineOptions,
        common: &Common<'_>,
        file: MachineFile,
    ) -> anyhow::Result<Self> {
        let scope = service::own_scope();
        let present = paths::read(&file.path).ok();
        let mut answers = Self {
            watch: absolute_folders(&options.watch)?,
            wants_other_folder: false,
            server: None,
            server_from: Given::of(common.server_url.as_ref()),
            kind: None,
            credential: None,
            credential_from: Given::Asked,
            expires: options.expires.as_deref().map(read_day).transpose()?,
            history: options.history.clone(),
            service: options.service_choice(),
            scope: paths::scope_of(&file.path).unwrap_or(scope),
            runtime: runtime()?,
            options: options.clone(),
            file,
            present,
        };

        if let Some(url) = common.server_url {
            let server = Server::meant_by(url).map_err(|error| UsageError(error.to_string()))?;
            answers.server = Some(server);
        }
        if let Some(history) = &answers.history
            && let Some(wrong) = wrong_history(history)
        {
            return Err(UsageError(format!("`--history` is `{history}`; {wrong}")).into());
        }

        answers.credential = options.identity()?.map(NewCredential::Identity);
        if common.token == TokenInput::Standard {
            if answers.credential.is_some() {
                return Err(UsageError(
                    "`--token-stdin` and `--identity-kind` are two credentials for one server; \
                     leave one out"
                        .to_owned(),
                )
                .into());
            }
            let command = "kado setup --unattended --token-stdin";
            answers.credential = Some(NewCredential::Token(token_from_input(command)?));
        }
        answers.credential_from = Given::of(answers.credential.as_ref());
        Ok(answers)
    }

    /// What `--unattended` cannot go on without.
    pub(super) fn missing(&self) -> Vec<Missing> {
        let mut missing = Vec::new();
        if self.watch.is_empty() && self.file.watch().is_empty() {
            missing.push(Missing {
                option: "--watch FOLDER",
                what: "a folder that is searched for Katalon projects; may be repeated",
            });
        }

        if self.credential.is_some() && self.url().is_none() {
            missing.push(Missing {
                option: "--server-url URL",
                what: "the server that the token or identity is for, and goes to alone",
            });
        }
        if self.needs_credential() {
            missing.push(Missing {
                option: "--token-stdin, or --identity-kind KIND",
                what: "what the server knows kado by: a token on standard input, or an Entra \
                       identity",
            });
        }
        missing
    }

    /// The server's URL, as it will stand in the file.
    pub(super) fn url(&self) -> Option<String> {
        match &self.server {
            Some(server) => Some(server.base().to_owned()),
            None => self.file.server_url(),
        }
    }

    /// Whether there is a server and no credential for it. One for another server does not count: a
    /// token goes to no server but its own.
    pub(super) fn needs_credential(&self) -> bool {
        self.credential.is_none()
            && self.url().is_some()
            && (self.is_other_server() || !self.has_credential())
    }

    /// Whether the server is to be another one than before.
    pub(super) fn is_other_server(&self) -> bool {
        let Some(server) = &self.server else {
            return false;
        };
        match self.file.server_url().map(|url| Server::parse(&url)) {
            Some(Ok(before)) => before.identity() != server.identity(),
            Some(Err(_)) | None => true,
        }
    }

    /// Whether a token or an identity is there already.
    pub(super) fn has_credential(&self) -> bool {
        self.file.has_identity() || self.token_source().is_some()
    }

    /// Where the token of today comes from.
    fn token_source(&self) -> Option<TokenSource> {
        let access = &self.present.as_ref()?.machine.access;
        access.token_sources(TokenOwner::Machine).first()
    }

    /// Where a new token is put: where it is read from first, so that it is the one that counts.
    pub(super) fn token_place(&self) -> TokenPlace {
        match self.token_source() {
            Some(TokenSource::Store(_) | TokenSource::Credential(_)) => {
                return TokenPlace::Store(self.scope);
            }
            Some(TokenSource::File(file)) => return TokenPlace::File(file),
            Some(TokenSource::Environment) | None => {}
        }

        // The store belongs to the file of the system or the user; beside another one it would not
        // be found.
        let is_own = paths::scope_of(&self.file.path) == Some(self.scope);
        if is_own && service::keeps_tokens(self.scope) {
            return TokenPlace::Store(self.scope);
        }
        TokenPlace::File(self.file.path.with_file_name(CREDENTIAL))
    }

    /// What is to be written.
    pub(super) fn choices(&self) -> MachineChoices {
        let credential = match &self.credential {
            None => CredentialChoice::AsItIs,
            Some(NewCredential::Identity(keys)) => CredentialChoice::Identity(keys.clone()),
            Some(NewCredential::Token(_)) => match self.token_place() {
                TokenPlace::Store(_) => CredentialChoice::StoredToken,
                TokenPlace::File(file) => CredentialChoice::TokenFile(file),
            },
        };

        MachineChoices {
            watch: (!self.watch.is_empty()).then(|| self.watch.clone()),
            server_url: self.server.as_ref().map(|server| server.base().to_owned()),
            credential,
            expires: self.expires,
            history: self.history.clone(),
        }
    }

    /// The text that `kado.toml` is to have.
    pub(super) fn new_text(&self) -> Result<String, MachineFileError> {
        self.file.with(&self.choices())
    }

    /// What it would mean.
    pub(super) fn new_config(&self, text: &str) -> Result<Config, ConfigError> {
        let config = paths::read_text(&self.file.path, text)?;
        paths::take_effect(&config);
        Ok(config)
    }

    /// Why nothing is written that `error` says is no configuration: where the file was one before,
    /// or is not there, what was answered is wrong, and no line of a file.
    pub(super) fn refusal_of(&self, error: ConfigError) -> anyhow::Error {
        let was_fine = self.file.text.is_none() || self.present.is_some();
        let ConfigError::Problems { problems, .. } = &error else {
            return error.into();
        };
        if !was_fine {
            return error.into();
        }

        let mut text = "kado.toml would not make sense, so nothing was written:".to_owned();
        for problem in problems {
            text.push_str(&format!("\n  {}", problem.text));
        }
        UsageError(text).into()
    }

    /// Asks the server whether it takes the new credential.
    ///
    /// # Errors
    /// When it does not, or cannot be asked.
    pub(super) fn test(&self) -> anyhow::Result<Result<TestedCredential, Untested>> {
        let text = self.new_text().map_err(usage)?;
        let config = match self.new_config(&text) {
            Ok(config) => config,
            Err(error) => return Ok(Err(error.into())),
        };

        let candidate = match &self.credential {
            Some(NewCredential::Token(token)) => TestedWith::Token(token),
            Some(NewCredential::Identity(_)) | None => TestedWith::Configured,
        };
        Ok(self.runtime.block_on(test_credential(&config, candidate)))
    }
}

/// An error of the file that only a person can mend.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is handed to `map_err` as it is"
)]
pub(super) fn usage(error: MachineFileError) -> UsageError {
    UsageError(chain(&error))
}

/// What is wrong with a `history`; `None` where nothing is.
pub(super) fn wrong_history(text: &str) -> Option<String> {
    match text {
        "new" | "all" => None,
        instant if Moment::parse(instant).is_ok() => None,
        _ => {
            Some("it must be `new`, `all` or an instant such as `2026-01-31T00:00:00Z`".to_owned())
        }
    }
}

fn read_day(text: &str) -> Result<Date, UsageError> {
    day(text).ok_or_else(|| {
        UsageError(format!(
            "`--expires` is `{text}`; it must be a day such as `2027-01-31`"
        ))
    })
}

fn absolute_folders(folders: &[PathBuf]) -> Result<Vec<PathBuf>, UsageError> {
    let mut absolute = Vec::new();
    for folder in folders {
        absolute.push(watched_folder(folder)?);
    }
    Ok(absolute)
}

/// A folder that is to be watched, absolute.
///
/// # Errors
/// When there is no such folder, or this account may not look into it.
pub(super) fn watched_folder(folder: &Path) -> Result<PathBuf, UsageError> {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    // Without the separator behind a path that was completed.
    let absolute: PathBuf = absolute.components().collect();
    match crate::door::Folder::named(&absolute) {
        Ok(_) => Ok(absolute),
        Err(error) => Err(UsageError(format!(
            "`{}` cannot be watched: {error}",
            absolute.display()
        ))),
    }
}
