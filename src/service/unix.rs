//! What Linux and macOS do alike: accounts, and a service that is a plain process.

#![expect(clippy::disallowed_methods, reason = "the system's own program names the account")]

use std::path::Path;
use std::process::Command;

use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::service::command::output;
use crate::service::{Scope, ServiceError};

/// Refuses what the account may not do.
///
/// # Errors
/// When it is the system's service and the account is not root.
pub fn may_manage(scope: Scope, what: &str) -> Result<(), ServiceError> {
    if scope == Scope::User || rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let remedy = "run it with sudo, or for your own account with --user".to_owned();
    Err(ServiceError::NotPermitted { what: what.to_owned(), remedy })
}

/// Not told here: `kado check --as-service` looks for itself.
pub const fn is_closed_to_service(_folder: &Path) -> Option<bool> {
    None
}

/// The name of the account that this program runs as.
pub fn own_account() -> String {
    let id = rustix::process::geteuid().as_raw().to_string();
    output(Command::new("id").args(["-u", "-n"])).unwrap_or(id)
}

/// Whether this account may read what others may not.
pub fn may_see_all() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs the service: the service manager ends it with SIGTERM, as anybody would end the program.
///
/// # Errors
/// Those of `body`.
pub fn run(body: impl FnOnce(CancellationToken) -> anyhow::Result<Exit> + Send + 'static) -> anyhow::Result<Exit> {
    body(CancellationToken::new())
}
