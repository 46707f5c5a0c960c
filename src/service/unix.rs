//! What Linux and macOS do alike: accounts, and a service that is a plain process.

#![expect(
    clippy::disallowed_methods,
    reason = "the system's own program names the account"
)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::service::command::output;
use crate::service::{Failure, Scope, ServiceError};

/// Refuses what the account may not do.
///
/// # Errors
/// When it is the system's service and the account is not root.
pub(super) fn may_manage(scope: Scope, what: &str) -> Result<(), ServiceError> {
    if scope == Scope::User || rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let remedy = "run it with sudo, or for your own account with --user".to_owned();
    Err(ServiceError::NotPermitted {
        what: what.to_owned(),
        remedy,
    })
}

/// Not told here: `kado check --as-service` looks for itself.
pub(super) const fn is_closed_to_service(_folder: &Path) -> Option<bool> {
    None
}

/// Lets the account of the system's service read a configuration that was just made, whatever the
/// umask of who made it.
///
/// # Errors
/// When the permissions cannot be set.
pub(super) fn open_to_service(scope: Scope, file: &Path) -> std::io::Result<()> {
    if scope == Scope::User {
        return Ok(());
    }
    if let Some(folder) = file.parent() {
        std::fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    std::fs::set_permissions(file, Permissions::from_mode(0o644))
}

/// The name of the account that this program runs as.
pub(super) fn own_account() -> String {
    let id = rustix::process::geteuid().as_raw().to_string();
    output(Command::new("id").args(["-u", "-n"])).unwrap_or(id)
}

/// Whether this account may read what others may not.
pub(super) fn may_see_all() -> bool {
    rustix::process::geteuid().is_root()
}

/// Never: here a service manager starts a program as anybody would, with a standard error that is
/// read.
pub(super) const fn is_dispatched() -> bool {
    false
}

/// Runs the service: the service manager ends it with SIGTERM, as anybody would end the program.
///
/// # Errors
/// Those of `body`.
pub(super) fn run(
    body: impl FnOnce(CancellationToken) -> Result<Exit, Failure> + Send + 'static,
) -> anyhow::Result<Exit> {
    body(CancellationToken::new()).map_err(|failure| failure.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_configuration_is_open_to_the_service_and_a_users_stays_closed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kado.toml");
        std::fs::write(&file, "").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        open_to_service(Scope::User, &file).unwrap();
        assert_eq!(mode(&file), 0o600);
        open_to_service(Scope::System, &file).unwrap();
        assert_eq!((mode(folder.path()), mode(&file)), (0o755, 0o644));
    }
}
