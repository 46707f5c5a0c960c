//! What Linux and macOS do alike: accounts, and a service that is a plain process.

#![expect(
    clippy::disallowed_methods,
    reason = "files are opened to the account of the service"
)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tokio_util::sync::CancellationToken;

use crate::child_environment::program;
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
    Err(ServiceError::NotPermitted {
        what: what.to_owned(),
        remedy: "run it with sudo, or for your own account with --user".to_owned(),
    })
}

/// Never known here: `kado check --as-service` looks for itself.
pub(super) const fn is_closed_to_service(_folder: &Path) -> bool {
    false
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

/// The account of a scope's service, for people.
pub(super) fn account_in_words(scope: Scope, of_the_system: &str) -> String {
    match scope {
        Scope::System => of_the_system.to_owned(),
        Scope::User => "your own".to_owned(),
    }
}

/// The name of the account that this program runs as.
pub(super) fn own_account() -> String {
    // `id` asks the directory service, which may know accounts that no file names.
    output(program("id").args(["-u", "-n"]))
        .unwrap_or_else(|_| rustix::process::geteuid().as_raw().to_string())
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

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_first_configuration_is_open_to_the_service_and_a_users_stays_closed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kado.toml");
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();

        open_to_service(Scope::User, &file).unwrap();
        assert_eq!(mode(&file), 0o600);

        open_to_service(Scope::System, &file).unwrap();
        assert_eq!(mode(folder.path()), 0o755);
        assert_eq!(mode(&file), 0o644);
    }
}
