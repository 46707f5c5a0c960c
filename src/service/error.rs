//! Why the service could not be installed, changed or started.

use std::path::PathBuf;

use crate::config::paths::{ConfigError, Scope};

/// What the service manager would not do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    /// The account may not do this.
    #[error("{what} needs more rights: {remedy}")]
    NotPermitted {
        what: String,
        /// How to do it, such as `run it with sudo`.
        remedy: String,
    },
    /// There is no such service.
    #[error(
        "kado is not installed as a {} service; `kado service install{}` does that",
        scope.word(),
        flag(*scope)
    )]
    NotInstalled { scope: Scope },
    /// This system has no such thing.
    #[error("{0}")]
    Unsupported(String),
    /// The program lies where a service cannot rely on it; launchd is not asked about that.
    #[cfg(not(target_os = "macos"))]
    #[error("`{}` cannot be run as a service: {why}", program.display())]
    Program {
        program: PathBuf,
        /// Why not, and where to put it.
        why: String,
    },
    /// The service would end at once, because its configuration cannot be used.
    #[error("the service cannot be started with this configuration")]
    NotConfigured(#[from] ConfigError),
    /// A token without a server.
    #[error(
        "`{}` names no `[azure] server_url`; a token comes with its server, so set that first",
        .0.display()
    )]
    NoServer(PathBuf),
    /// A token for a configuration that lies elsewhere.
    #[error(
        "a stored token is used with `{}` only; set `azure.token_file` in `{}` instead",
        standard.display(),
        file.display()
    )]
    NoStore {
        /// The configuration that was named.
        file: PathBuf,
        /// The one that has a stored token.
        standard: PathBuf,
    },
    /// A file or folder cannot be written, read or removed.
    #[error("`{}` cannot be {action}", path.display())]
    File {
        /// What was tried, such as `written`.
        action: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A command of the system failed.
    #[error("`{command}` failed: {output}")]
    Command {
        /// The command with its arguments, or what was to be done.
        command: String,
        /// What the system said.
        output: String,
    },
}

/// The option of the command line that means a scope, with a blank before it.
pub(crate) const fn flag(scope: Scope) -> &'static str {
    match scope {
        Scope::System => "",
        Scope::User => " --user",
    }
}
