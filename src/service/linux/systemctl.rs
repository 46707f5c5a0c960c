//! `systemctl`, and what it says.

#![expect(clippy::disallowed_methods, reason = "systemctl is a program")]

use std::process::Command;

use crate::service::command::output;
use crate::service::{Scope, ServiceError};

/// The unit.
pub(super) const SERVICE: &str = "kado.service";

/// The properties that `systemctl show` is asked for.
const PROPERTIES: &str = "LoadState,ActiveState,SubState,UnitFileState,MainPID,StatusText,Result,ExecMainStatus,FragmentPath,NRestarts";

/// The manager of the system or of the user.
pub(super) struct Systemctl {
    scope: Scope,
}

impl Systemctl {
    /// The manager of a scope.
    pub(super) const fn of(scope: Scope) -> Self {
        Self { scope }
    }

    /// Makes sure that there is a systemd to talk to.
    ///
    /// # Errors
    /// When there is none, with what it says.
    pub(super) fn answers(&self) -> Result<(), ServiceError> {
        self.command(&["show", "--property=Version"]).map(|_| ())
    }

    /// Runs a command of `systemctl`.
    ///
    /// # Errors
    /// When it fails, with what it says.
    pub(super) fn run(&self, arguments: &[&str]) -> Result<(), ServiceError> {
        self.command(arguments).map(|_| ())
    }

    /// Whether systemd knows a unit.
    ///
    /// # Errors
    /// When systemd does not answer.
    pub(super) fn is_loaded(&self, unit: &str) -> Result<bool, ServiceError> {
        Ok(self.show(unit)?.loaded())
    }

    /// Whether a unit starts by itself.
    ///
    /// # Errors
    /// When systemd does not answer.
    pub(super) fn is_enabled(&self, unit: &str) -> Result<bool, ServiceError> {
        Ok(self.show(unit)?.enabled())
    }

    /// Whether a unit is up or coming up.
    ///
    /// # Errors
    /// When systemd does not answer.
    pub(super) fn is_active(&self, unit: &str) -> Result<bool, ServiceError> {
        Ok(self.show(unit)?.active())
    }

    /// How a unit stands.
    ///
    /// # Errors
    /// When systemd does not answer.
    pub(super) fn show(&self, unit: &str) -> Result<Shown, ServiceError> {
        Ok(Shown(self.command(&[
            "show",
            "--property",
            PROPERTIES,
            "--",
            unit,
        ])?))
    }

    /// The text of a unit, with its drop-ins.
    ///
    /// # Errors
    /// When systemd does not answer or does not know the unit.
    pub(super) fn text(&self, unit: &str) -> Result<String, ServiceError> {
        self.command(&["cat", "--", unit])
    }

    /// The version of systemd; `None` where it does not answer.
    pub(super) fn version(&self) -> Option<u32> {
        version_in(&self.command(&["--version"]).ok()?)
    }

    fn command(&self, arguments: &[&str]) -> Result<String, ServiceError> {
        let mut command = Command::new("systemctl");
        command.args(match self.scope {
            Scope::System => &["--no-ask-password"][..],
            Scope::User => &["--user", "--no-ask-password"],
        });
        output(command.args(arguments))
    }
}

/// The number in `systemd 252 (252.38-1~deb12u1)`.
fn version_in(text: &str) -> Option<u32> {
    let number = text.split_whitespace().nth(1)?;
    number
        .split(|letter: char| !letter.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// What `systemctl show` printed: a line `Name=value` for each property.
pub(super) struct Shown(String);

impl Shown {
    fn property(&self, name: &str) -> &str {
        let value = self
            .0
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_default()
    }

    /// Whether systemd knows the unit.
    pub(super) fn loaded(&self) -> bool {
        self.property("LoadState") == "loaded"
    }

    /// Whether the unit starts by itself.
    pub(super) fn enabled(&self) -> bool {
        matches!(
            self.property("UnitFileState"),
            "enabled" | "enabled-runtime"
        )
    }

    /// Whether it is up or coming up. One that fails again and again is not, though systemd is
    /// about to try once more.
    pub(super) fn active(&self) -> bool {
        self.property("SubState") != "auto-restart"
            && matches!(
                self.property("ActiveState"),
                "active" | "activating" | "reloading"
            )
    }

    /// Whether its process runs.
    pub(super) fn running(&self) -> bool {
        self.property("ActiveState") == "active"
    }

    /// Its process.
    pub(super) fn pid(&self) -> Option<u32> {
        self.property("MainPID")
            .parse()
            .ok()
            .filter(|pid| *pid != 0)
    }

    /// The file that defines it.
    pub(super) fn file(&self) -> String {
        self.property("FragmentPath").to_owned()
    }

    /// How it stands, in words of systemd and of the service.
    pub(super) fn in_words(&self) -> String {
        if !self.loaded() {
            return "not installed".to_owned();
        }
        let mut words = format!(
            "{} ({})",
            self.property("ActiveState"),
            self.property("SubState")
        );
        if self.property("ActiveState") == "failed" {
            words = format!(
                "failed ({}, exit code {})",
                self.property("Result"),
                self.property("ExecMainStatus")
            );
        }
        let restarts = self.property("NRestarts").parse().unwrap_or(0_u32);
        if restarts > 0 {
            words = format!("{words}, restarted {restarts} times");
        }
        match self.property("StatusText") {
            "" => words,
            text => format!("{words}: {text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_failed_says_with_which_exit_code() {
        let shown = Shown(
            "LoadState=loaded\nActiveState=failed\nSubState=failed\nUnitFileState=enabled\nMainPID=0\nStatusText=\n\
             Result=exit-code\nExecMainStatus=2\nNRestarts=0"
                .to_owned(),
        );
        assert_eq!(shown.in_words(), "failed (exit-code, exit code 2)");
        assert_eq!(
            (shown.enabled(), shown.running(), shown.pid()),
            (true, false, None)
        );
    }

    #[test]
    fn a_running_service_says_what_it_does() {
        let shown = Shown(
            "LoadState=loaded\nActiveState=active\nSubState=running\nMainPID=42\nNRestarts=1\nStatusText=2 wait"
                .to_owned(),
        );
        assert_eq!(
            shown.in_words(),
            "active (running), restarted 1 times: 2 wait"
        );
        assert_eq!(shown.pid(), Some(42));
    }

    #[test]
    fn the_version_is_read_from_what_systemd_says_of_itself() {
        assert_eq!(
            version_in("systemd 252 (252.38-1~deb12u1)\n+PAM +AUDIT"),
            Some(252)
        );
        assert_eq!(version_in("systemd 249.11-0ubuntu3 (249)"), Some(249));
        assert_eq!(version_in(""), None);
    }

    #[test]
    fn a_service_that_fails_again_and_again_does_not_run() {
        let shown = |sub: &str| {
            Shown(format!(
                "LoadState=loaded\nActiveState=activating\nSubState={sub}\n"
            ))
        };
        assert!(shown("start").active());
        assert!(!shown("auto-restart").active());
    }
}
