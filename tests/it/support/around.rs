//! A program that another one starts, which changes what it may or sees.

use std::process::{Command, Stdio};

use super::skipping::skip;

/// The command as `outer` starts a program, with its arguments and environment; `None`, and the
/// test is skipped for this reason, where `outer` cannot start even `true`.
pub(super) fn around(
    plain: &Command,
    outer: impl Fn(&str) -> Command,
    reason: &str,
) -> Option<Command> {
    let possible = outer("true")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !possible.is_ok_and(|status| status.success()) {
        skip(reason);
        return None;
    }

    let mut command = outer(&plain.get_program().to_string_lossy());
    command.args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Some(command)
}
