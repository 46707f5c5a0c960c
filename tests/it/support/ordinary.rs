//! A program without root's right to open whatever is closed.

#![expect(clippy::disallowed_methods, reason = "tests start programs")]

use std::process::{Command, Stdio};

use super::skipping::skip;

/// The command, so that permissions of files count for it, whoever runs the tests; `None`, and the
/// test is skipped, where that cannot be had.
pub(crate) fn as_ordinary_account(plain: &Command) -> Option<Command> {
    let without = |program: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set=-dac_override,-dac_read_search", program]);
        command
    };

    let possible = without("true")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !possible.is_ok_and(|status| status.success()) {
        skip("no right of root can be dropped here");
        return None;
    }

    let mut command = without(&plain.get_program().to_string_lossy());
    command.args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Some(command)
}
