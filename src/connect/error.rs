//! Why there is no connection to a server. Nothing was sent when one of these is returned.

use std::path::PathBuf;

use crate::ado::AdoError;
use crate::error_chain::chain;
use crate::exit::Exit;
use crate::pipeline::TOKEN_VARIABLE;
use crate::secrets::TokenError;
use crate::server::ServerUrlError;

/// There is no connection to a server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The run names no server.
    #[error("no server url; set it in Katalon's Azure DevOps settings")]
    NoServer,
    /// What the run names as its server is no URL of one.
    #[error(transparent)]
    ServerUrl(#[from] ServerUrlError),
    /// No source that belongs to the server has a token.
    #[error(
        "no token for {server}: {reason}; set `azure.token_file` together with `azure.server_url` \
         in kado.toml, or enter the token in Katalon's Azure DevOps settings"
    )]
    NoToken {
        /// Its base.
        server: String,
        /// What was looked at last.
        reason: NoToken,
    },
    /// The Katalon project has a token that cannot be read.
    #[error(
        "the token of the project in `{}` cannot be decrypted ({reason}); enter it again in \
         Katalon's Azure DevOps settings",
        project.display()
    )]
    Undecryptable {
        /// Where the project lies.
        project: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file or variable that is to hold a secret cannot be used.
    #[error("{}", chain(.0))]
    Secret(TokenError),
    /// The file of a client secret holds something else.
    #[error(
        "`client_secret_file` `{}` holds something other than a client secret, which is one line \
         in \
         a file that is saved as UTF-8 or ASCII (not UTF-16)",
        .0.display()
    )]
    NoClientSecret(PathBuf),
    /// A federated identity is not whole, or leads where it must not.
    #[error(transparent)]
    Federation(#[from] FederationError),
    /// The connection cannot be set up.
    #[error(transparent)]
    Ado(#[from] AdoError),
}

/// Why no token belongs to a server.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum NoToken {
    /// It is the machine's own server.
    #[error("the machine has none")]
    Machine,
    /// It is the project's server.
    #[error("the project has none")]
    Project,
    /// The project has a token, which must not go to this server (invariant I10).
    #[error(
        "the project's own token belongs to another server, for which `kado runs retry ID` plans \
         the run where its address was corrected since"
    )]
    OtherServer,
    /// The project is there, and its settings cannot be read.
    #[error("the Azure DevOps settings of the project in `{}` cannot be read", .0.display())]
    Unreadable(PathBuf),
    /// The project is gone with its settings, and had no token for this server since kado started.
    #[error("the project in `{}` is gone", .0.display())]
    ProjectGone(PathBuf),
}

/// Where the job of a pipeline gets tokens of service connections.
pub(super) const OIDC_VARIABLE: &str = "SYSTEM_OIDCREQUESTURI";

/// What keeps a federated identity from being used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FederationError {
    /// Neither `kado.toml` nor the environment says it.
    #[error(
        "`{key}` of `azure.identity` is not set in kado.toml, and `${variable}` is not set either"
    )]
    NotSet {
        /// The key of `kado.toml`.
        key: &'static str,
        /// The variable that stands in for it.
        variable: &'static str,
    },

    /// The job of a pipeline does not say this variable, or this is no job.
    #[error(
        "a service connection gets its tokens from the job of Azure Pipelines, and `${}` is not \
         set here{}",
        .0,
        hint(.0)
    )]
    NoJob(&'static str),
    /// The environment names an authority that is none of Microsoft's.
    #[error(
        "`$AZURE_AUTHORITY_HOST` names `{0}`, which is no authority of Microsoft's; set \
         `azure.authority_url` in kado.toml if it is yours"
    )]
    ForeignAuthority(String),
    /// The address for tokens is not one of the job's own server, to which alone its token may go.
    #[error(
        "`$SYSTEM_OIDCREQUESTURI` leads to `{0}` and not to the server of \
         `$SYSTEM_COLLECTIONURI`, so the job's token is not sent there"
    )]
    ForeignServer(String),
}

/// What a person does about a variable that is not set.
fn hint(variable: &str) -> &'static str {
    match variable {
        TOKEN_VARIABLE => "; map it in the step: `env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)`",
        OIDC_VARIABLE => "; a service has no job: `kado exec` and the other commands of a job do",
        _ => "",
    }
}

impl ConnectError {
    /// The exit code of a command that needed the connection.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Ado(error) => error.exit(),
            // Whoever wrote it has to write something else, as with a wrong value of kado.toml.
            Self::Secret(TokenError::Misfit { .. }) => Exit::Usage,
            Self::NoServer
            | Self::ServerUrl(_)
            | Self::NoToken { .. }
            | Self::Undecryptable { .. }
            | Self::Secret(_)
            | Self::Federation(_)
            | Self::NoClientSecret(_) => Exit::NotDone,
        }
    }
}
