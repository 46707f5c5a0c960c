//! `kado setup` of a machine: what its `kado.toml` is to say, whether the server takes its token,
//! and how both are written.

mod completion;
mod credential_test;
mod folder_search;
mod machine_file;
mod writing;

use std::path::PathBuf;

use jiff::civil::Date;

pub(crate) use completion::folders_beginning_with;
pub(crate) use credential_test::{TestedCredential, TestedWith, Untested, test_credential};
pub(crate) use folder_search::{FoundFolder, find_folders};
pub(crate) use machine_file::{MachineFile, MachineFileError};
pub(crate) use writing::{write_config, write_token};

/// What `kado.toml` is to say; what is `None` stays as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct MachineChoices {
    /// All folders that are watched, absolute.
    pub watch: Option<Vec<PathBuf>>,
    /// `azure.server_url`
    pub server_url: Option<String>,
    pub credential: CredentialChoice,
    /// `azure.expires`; one that stands there goes with the token that it belongs to.
    pub expires: Option<Date>,
    /// `new`, `all` or an instant.
    pub history: Option<String>,
}

/// How kado is to identify itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum CredentialChoice {
    /// As it stands there.
    #[default]
    AsItIs,
    /// With the token in the store of the service, which no key names.
    StoredToken,
    /// With the token in this file.
    TokenFile(PathBuf),
    Identity(IdentityKeys),
}

/// The keys of `[azure.identity]`, and its authority.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct IdentityKeys {
    /// `service-principal`, `managed-identity` or `federated`
    pub kind: String,
    pub tenant_id: Option<String>,
    pub client_id: Option<String>,
    pub client_secret_file: Option<PathBuf>,
    pub certificate_file: Option<PathBuf>,
    pub token_file: Option<PathBuf>,
    pub service_connection_id: Option<String>,
    /// `azure.authority_url`
    pub authority_url: Option<String>,
}
