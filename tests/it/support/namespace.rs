//! A program in namespaces of its own, where the system may be another one for it alone.

#![expect(clippy::disallowed_methods, reason = "tests start programs")]

use std::process::{Command, Stdio};

use super::skipping::skip;

/// The command in a user namespace, and in what else `flags` of `unshare` name, where the shell
/// line `first` was carried out before; `None`, and the test is skipped, where that cannot be had.
pub(crate) fn in_namespace(plain: &Command, flags: &[&str], first: &str) -> Option<Command> {
    let line = format!("{first} && exec \"$0\" \"$@\"");
    let inside = |program: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--user", "--map-root-user"])
            .args(flags)
            .args(["sh", "-c", &line, program]);
        command
    };

    let possible = inside("true")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();

    if !possible.is_ok_and(|status| status.success()) {
        skip("no user namespace can be made here");
        return None;
    }

    let mut command = inside(&plain.get_program().to_string_lossy());
    command.args(plain.get_args());

    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }

    Some(command)
}
