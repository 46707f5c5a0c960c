//! A program without root's right to open whatever is closed.

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
