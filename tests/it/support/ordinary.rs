//! A program without root's right to open whatever is closed, and one of another account.

#![expect(clippy::disallowed_methods, reason = "tests start programs")]

use std::process::Command;

use super::around::around;

/// The command, so that permissions of files count for it, whoever runs the tests; `None`, and the
/// test is skipped, where that cannot be had.
pub(crate) fn as_ordinary_account(plain: &Command) -> Option<Command> {
    let without_rights = |program: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set=-dac_override,-dac_read_search", program]);
        command
    };
    around(
        plain,
        without_rights,
        "no right of root can be dropped here",
    )
}

/// The command as the account with this number, which nobody has; `None`, and the test is skipped,
/// where that cannot be had.
pub(crate) fn as_account(plain: &Command, number: u32) -> Option<Command> {
    let of_account = |program: &str| {
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={number}"));
        command.args(["--clear-groups", program]);
        command
    };
    around(plain, of_account, "no other account can be had here")
}
