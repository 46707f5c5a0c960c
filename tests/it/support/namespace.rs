//! A program in namespaces of its own, where the system may be another one for it alone.

#![expect(clippy::disallowed_methods, reason = "tests start programs")]

use std::process::Command;

use super::around::around;

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
    around(plain, inside, "no user namespace can be made here")
}
