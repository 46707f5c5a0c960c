//! The service on Windows: not installed by this version yet. `kado run` runs in the foreground.

#![expect(clippy::disallowed_methods, reason = "the environment names the account")]

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::service::{Installation, Scope, ServiceError, Status};

/// The account of the system's service.
pub const ACCOUNT: &str = "NT SERVICE\\kado";

fn missing<T>() -> Result<T, ServiceError> {
    let text = "this version cannot manage a Windows service yet; `kado run` runs in the foreground";
    Err(ServiceError::Unsupported(text.to_owned()))
}

/// Refuses what the account may not do.
pub fn may_manage(_scope: Scope, _what: &str) -> Result<(), ServiceError> {
    missing()
}

/// Makes the service known and lets it start with the machine; says what was changed.
pub fn install(_installation: &Installation) -> Result<Vec<String>, ServiceError> {
    missing()
}

/// Stops and removes it; says what was changed.
pub fn uninstall(_scope: Scope) -> Result<Vec<String>, ServiceError> {
    missing()
}

/// Removes the account of the service; says what was changed.
pub fn forget_account(_scope: Scope) -> Result<Vec<String>, ServiceError> {
    Ok(Vec::new())
}

/// Starts it; whether it was not running before.
pub fn start(_scope: Scope) -> Result<bool, ServiceError> {
    missing()
}

/// Stops it; whether it was running before.
pub fn stop(_scope: Scope) -> Result<bool, ServiceError> {
    missing()
}

/// Stops it if it runs, and starts it.
pub fn restart(_scope: Scope) -> Result<(), ServiceError> {
    missing()
}

/// How it stands.
pub fn status(_scope: Scope) -> Result<Status, ServiceError> {
    missing()
}

/// Lets a running service see the token that was stored; says what was changed.
pub fn token_changed(_scope: Scope, _file: &Path) -> Result<Vec<String>, ServiceError> {
    Ok(Vec::new())
}

/// The command that lets an account read a folder.
pub fn command_to_grant(folder: &Path, account: &str) -> String {
    format!("icacls \"{}\" /grant \"{account}:(OI)(CI)RX\"", folder.display())
}

/// The name of the account that this program runs as.
pub fn own_account() -> String {
    std::env::var("USERNAME").unwrap_or_default()
}

/// Whether this account may read what others may not.
pub fn may_see_all() -> bool {
    false
}

/// The command that runs a program as the service sees the machine: there is none on Windows.
pub fn as_service(_program: &Path, _arguments: &[String]) -> Result<std::process::Command, ServiceError> {
    Err(ServiceError::Unsupported("Windows runs nothing as the service's account but the service itself".to_owned()))
}

/// Runs the service.
pub fn run(body: impl FnOnce(CancellationToken) -> anyhow::Result<Exit> + Send + 'static) -> anyhow::Result<Exit> {
    body(CancellationToken::new())
}

/// The service is up.
pub fn ready() {}

/// One line on how things stand.
pub fn say(_text: &str) {}

/// How often a sign of life is wanted.
pub fn watchdog() -> Option<Duration> {
    None
}

/// A sign of life.
pub fn alive() {}

/// The service begins to end.
pub fn stopping() {}
