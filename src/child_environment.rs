//! The programs that kado starts, and their environment. Nobody else makes a `Command`
//! (`tests/it/layers.rs`).
//!
//! `$KADO_TOKEN` is a secret, and katalonc runs whatever code the writers of a project put into its
//! tests. So nothing that is meant for kado is handed on (invariant I10).

#![expect(
    clippy::disallowed_methods,
    reason = "programs are started, and what they do not get is found in the environment"
)]

use std::ffi::OsStr;
use std::process::Command;

/// How the names of kado's own variables begin.
const OWN: &str = "KADO_";
/// Where systemd puts the credentials of a service, kado's token among them.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// A program that is to be started, without anything in its environment that is meant for kado.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    without_own(Command::new(name))
}

/// The same for a program that somebody else named, as a crate that knows how each system opens a
/// page.
pub(crate) fn without_own(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if is_own(&name) {
            command.env_remove(&name);
        }
    }
    command
}

/// Whether a variable is meant for kado. Windows does not tell letters by their case.
fn is_own(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_uppercase();
    name.starts_with(OWN) || name == CREDENTIALS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_kado_are_own_in_any_case_and_others_are_not() {
        let own = ["KADO_TOKEN", "kado_config", "CREDENTIALS_DIRECTORY"];
        let others = ["PATH", "MY_KADO_TOKEN", "KADOKAWA"];

        assert!(own.iter().all(|name| is_own(OsStr::new(name))));
        assert!(!others.iter().any(|name| is_own(OsStr::new(name))));
    }
}
