//! Tokens of the machine: where they lie and how they are read.
//!
//! A token is a [`SecretString`]: it has no printable form and is wiped when it is dropped. It is
//! read anew for every attempt, so a rotated token is picked up without a restart. Sources, the
//! first that exists counts: the service manager's credential, the protected store that `kado
//! service set-token` writes, `token_file`, `$KADO_TOKEN`. Tokens of Katalon projects are read with
//! the project's settings instead (see [`crate::katalon::secret`]).

#![expect(
    clippy::disallowed_methods,
    reason = "tokens lie in files and in the environment"
)]

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use misfit::Misfit;
pub(crate) use misfit::token_in;

#[cfg_attr(target_os = "linux", path = "secrets/dumps/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "secrets/dumps/elsewhere.rs")]
pub(crate) mod dumps;
mod misfit;
#[cfg_attr(unix, path = "secrets/permissions/unix.rs")]
#[cfg_attr(windows, path = "secrets/permissions/windows.rs")]
pub(crate) mod permissions;
#[cfg_attr(unix, path = "secrets/store/unix.rs")]
#[cfg_attr(windows, path = "secrets/store/windows.rs")]
pub(crate) mod store;

/// Name of the environment variable that holds a token.
pub(crate) const TOKEN_VARIABLE: &str = "KADO_TOKEN";
/// Name of the credential that the service manager hands over.
pub(crate) const CREDENTIAL: &str = "kado-token";

/// A file that holds a secret, as messages name it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SecretFile {
    /// What it is to kado.
    kind: &'static str,
    path: PathBuf,
}

impl From<&Path> for SecretFile {
    fn from(path: &Path) -> Self {
        Self {
            kind: "token file",
            path: path.to_owned(),
        }
    }
}

impl fmt::Display for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind, self.path.display())
    }
}

/// A token of the machine cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// The file cannot be read.
    #[error("{file} cannot be read{}", way_in(source))]
    Unreadable {
        /// The file.
        file: SecretFile,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others can read the file.
    #[error("{file} can be read by others ({readers}); {remedy}")]
    Exposed {
        /// The file.
        file: SecretFile,
        /// Its permissions, or who they are.
        readers: String,
        /// What mends it.
        remedy: String,
    },
    /// The file does not exist, and no other source does.
    #[error("{0} does not exist")]
    Missing(SecretFile),
    /// The file is empty.
    #[error("{0} is empty")]
    Empty(SecretFile),
    /// What stands there cannot be a token.
    #[error("{source_name} {misfit}")]
    Misfit {
        /// A file or a variable.
        source_name: String,
        /// What stands there.
        misfit: Misfit,
    },
}

impl TokenError {
    /// The same of a file that is something else than a token file: `kind` is how it is named.
    #[must_use]
    pub(crate) fn of(mut self, kind: &'static str) -> Self {
        match &mut self {
            Self::Unreadable { file, .. }
            | Self::Exposed { file, .. }
            | Self::Missing(file)
            | Self::Empty(file) => {
                file.kind = kind;
            }
            Self::Misfit { .. } => {}
        }
        self
    }
}

fn way_in(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => permissions::LET_IN,
        _ => "",
    }
}

/// What some editors put before a text that they save as UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Whose token a table of `kado.toml` speaks of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TokenOwner {
    /// The machine: its own tables `[azure]` and `[submit]`.
    Machine,
    /// The projects below a folder: a `[[project]]`. Their token is never one of the machine.
    Projects,
}

/// Where a table of `kado.toml` may have its token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenSources<'a> {
    /// Whose table it is. The credential, the store and `$KADO_TOKEN` are the machine's alone.
    pub owner: TokenOwner,
    /// Where `kado service set-token` keeps the token; `None` for a configuration that has no such
    /// place.
    pub store: Option<&'a Path>,
    /// `azure.token_file`.
    pub file: Option<&'a Path>,
}

/// The place from which a token is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum TokenSource {
    /// The credential that the service manager hands over, a file.
    Credential(PathBuf),
    /// The protected store.
    Store(PathBuf),
    /// `azure.token_file`.
    File(PathBuf),
    /// `$KADO_TOKEN`.
    Environment,
}

impl fmt::Display for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(_) => write!(f, "the service manager's credential `{CREDENTIAL}`"),
            Self::Store(_) => f.write_str("the token of `kado service set-token`"),
            Self::File(file) => write!(f, "`token_file` {}", file.display()),
            Self::Environment => write!(f, "${TOKEN_VARIABLE}"),
        }
    }
}

impl TokenSources<'_> {
    /// The source that counts: the first that exists. A file in a folder that is closed to this
    /// account may exist, and reading it tells.
    pub(crate) fn first(&self) -> Option<TokenSource> {
        if self.owner == TokenOwner::Machine {
            // First the copy that the service manager made of the store: on Linux the store itself
            // is closed to the account of the service.
            if let Some(file) = credential_file() {
                return Some(TokenSource::Credential(file));
            }
            if let Some(file) = self.store.filter(|file| store::exists(file)) {
                return Some(TokenSource::Store(file.to_owned()));
            }
        }

        if let Some(file) = self.file.filter(|file| !is_absent(file)) {
            return Some(TokenSource::File(file.to_owned()));
        }

        if self.owner == TokenOwner::Machine && token_variable().is_some() {
            return Some(TokenSource::Environment);
        }
        None
    }

    /// What stands in every source that exists and can be read, whichever counts, and whether it
    /// has the form of a token or not: none of it may be shown to anybody.
    pub(crate) fn all(&self) -> Vec<SecretString> {
        let mut files = Vec::new();
        let mut all = Vec::new();
        if self.owner == TokenOwner::Machine {
            files.extend(credential_file());
            all.extend(token_variable().map(SecretString::from));
            if let Some(store) = self.store {
                all.extend(store::read(store).ok());
            }
        }
        files.extend(self.file.map(Path::to_owned));

        for file in files {
            if let Ok(bytes) = std::fs::read(&file) {
                all.push(SecretString::from(
                    String::from_utf8_lossy(&bytes).into_owned(),
                ));
            }
            all.extend(read_token(&file).ok());
        }
        all
    }

    /// The token; `None` where no source is named or exists.
    ///
    /// # Errors
    /// When the source that counts cannot be used, or when `azure.token_file` is named, does not
    /// exist, and nothing else does.
    pub(crate) fn token(&self) -> Result<Option<SecretString>, TokenError> {
        match (self.first(), self.file) {
            (Some(source), _) => source.read().map(Some),
            (None, Some(file)) => Err(TokenError::Missing(file.into())),
            (None, None) => Ok(None),
        }
    }
}

impl TokenSource {
    fn read(&self) -> Result<SecretString, TokenError> {
        match self {
            // The service manager keeps its copy closed.
            Self::Credential(file) => read_token(file),
            Self::Store(file) => store::read(file),
            Self::File(file) => {
                check(file)?;
                read_token(file)
            }

            Self::Environment => {
                let token = token_variable().unwrap_or_default();
                token_in(token.as_bytes()).map_err(|misfit| TokenError::Misfit {
                    source_name: format!("`${TOKEN_VARIABLE}`"),
                    misfit,
                })
            }
        }
    }
}

/// What stands in `$KADO_TOKEN`; `None` for a variable that is unset, blank or no text.
fn token_variable() -> Option<String> {
    std::env::var(TOKEN_VARIABLE)
        .ok()
        .filter(|token| !token.trim().is_empty())
}

/// The content of a file that others must not be able to read, without a byte order mark: what an
/// Entra identity proves itself with.
///
/// # Errors
/// When the file is not there, is empty, or is open to others.
pub(crate) fn closed_file(file: &Path) -> Result<SecretSlice<u8>, TokenError> {
    check(file)?;
    content(file)
}

/// The content of a file that may be read, without a mark.
fn content(file: &Path) -> Result<SecretSlice<u8>, TokenError> {
    let content = std::fs::read(file).map_err(|source| TokenError::Unreadable {
        file: file.into(),
        source,
    })?;

    let content = match content.strip_prefix(MARK) {
        Some(rest) => rest.to_vec(),
        None => content,
    };

    if content.trim_ascii().is_empty() {
        return Err(TokenError::Empty(file.into()));
    }
    Ok(SecretSlice::from(content))
}

/// A token that somebody else keeps new in a file, such as Kubernetes for workload identity: its
/// only line.
///
/// # Errors
/// When it cannot be read, when others can read it, and when it is empty. What Kubernetes puts into
/// a container is read whoever may read it there: it chooses the permissions, by default those of
/// everybody, and in the container there is nobody else.
pub(crate) fn projected_token(file: &Path) -> Result<SecretString, TokenError> {
    let content = if is_projected(file) {
        content(file)?
    } else {
        closed_file(file)?
    };

    let text = String::from_utf8_lossy(content.expose_secret());
    Ok(SecretString::from(text.trim().to_owned()))
}

/// Whether Kubernetes keeps a file: in a container of its own, and in a folder that it replaces as
/// a whole, such as `..2026_11_30_20_06_13.1234`, to which `..data` leads.
fn is_projected(file: &Path) -> bool {
    if std::env::var_os("KUBERNETES_SERVICE_HOST").is_none() {
        return false;
    }
    let Ok(real) = file.canonicalize() else {
        return false;
    };
    let folder = real.parent().and_then(Path::file_name);
    folder.is_some_and(|folder| folder.to_string_lossy().starts_with("..2"))
}

/// Refuses a file that others can read, and a folder, whose permissions would mend nothing.
fn check(file: &Path) -> Result<(), TokenError> {
    if file.is_dir() {
        let source = io::Error::from(io::ErrorKind::IsADirectory);
        return Err(TokenError::Unreadable {
            file: file.into(),
            source,
        });
    }
    permissions::check(file)
}

/// Whether a file is known not to be there; one in a folder that is closed to this account may be,
/// and reading it tells.
pub(crate) fn is_absent(file: &Path) -> bool {
    matches!(file.try_exists(), Ok(false))
}

fn credential_file() -> Option<PathBuf> {
    let file = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join(CREDENTIAL);

    // The folder is also there for a unit that has other credentials only.
    file.is_file().then_some(file)
}

/// Reads a file that holds a token and nothing else.
fn read_token(file: &Path) -> Result<SecretString, TokenError> {
    let bytes = std::fs::read(file).map_err(|source| TokenError::Unreadable {
        file: file.into(),
        source,
    })?;
    match token_in(&bytes) {
        Ok(token) if token.expose_secret().is_empty() => Err(TokenError::Empty(file.into())),
        Ok(token) => Ok(token),
        Err(misfit) => Err(TokenError::Misfit {
            source_name: format!("token file `{}`", file.display()),
            misfit,
        }),
    }
}
