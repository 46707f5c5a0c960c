//! `systemctl`, and what it says.

use crate::child_environment::program;
use crate::service::command::output;
use crate::service::{Scope, ServiceError};

/// The unit.
pub(super) const SERVICE: &str = "kado.service";

/// The properties that `systemctl show` is asked for.
const PROPERTIES: &str = "LoadState,ActiveState,SubState,UnitFileState,MainPID,StatusText,\
                          Result,ExecMainStatus,FragmentPath,NRestarts";

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
        // Not `--version`, which the program answers by itself.
        self.run(&["show", "--property=Version"])
    }

    /// Runs a command of `systemctl`.
    ///
    /// # Errors
    /// When it fails, with what it says.
    pub(super) fn run(&self, arguments: &[&str]) -> Result<(), ServiceError> {
        self.output(arguments)?;
        Ok(())
    }

    /// Whether a unit starts by itself.
    ///
    /// # Errors
    /// When systemd does not answer.
    pub(super) fn is_enabled(&self, unit: &str) -> Result<bool, ServiceError> {
        Ok(self.show(unit)?.is_enabled())
    }

    /// Whether a unit is up or coming up.
    ///
    /// # Errors
    /// When systemd does not answer.
    pub(super) fn is_active(&self, unit: &str) -> Result<bool, ServiceError> {
        Ok(self.show(unit)?.is_active())
    }

    /// What systemd knows of a unit; of one that it does not know, that it does not.
    ///
    /// # Errors
    /// When systemd does not answer.
    pub(super) fn show(&self, unit: &str) -> Result<UnitProperties, ServiceError> {
        // `show` prints for programs; what `status` prints for people may change.
        let printed = self.output(&["show", "--property", PROPERTIES, "--", unit])?;
        Ok(UnitProperties(printed))
    }

    /// The text of a unit, with its drop-ins.
    ///
    /// # Errors
    /// When systemd does not answer or does not know the unit.
    pub(super) fn text(&self, unit: &str) -> Result<String, ServiceError> {
        self.output(&["cat", "--", unit])
    }

    /// The version of systemd; `None` where it does not answer.
    pub(super) fn version(&self) -> Option<u32> {
        version_in(&self.output(&["--version"]).ok()?)
    }

    fn output(&self, arguments: &[&str]) -> Result<String, ServiceError> {
        let mut command = program("systemctl");
        if self.scope == Scope::User {
            command.arg("--user");
        }
        // kado is also called by scripts, which nobody answers for.
        command.arg("--no-ask-password").args(arguments);
        output(&mut command)
    }
}

/// The number in `systemd 252 (252.38-1~deb12u1)`.
fn version_in(text: &str) -> Option<u32> {
    let number = text.split_whitespace().nth(1)?;
    let end = number
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(number.len());
    number[..end].parse().ok()
}

/// What `systemctl show` printed: a line `Name=value` for each property.
pub(super) struct UnitProperties(String);

impl UnitProperties {
    fn property(&self, name: &str) -> &str {
        for line in self.0.lines() {
            if let Some((property, value)) = line.split_once('=')
                && property == name
            {
                return value;
            }
        }
        ""
    }

    /// Whether systemd knows the unit.
    pub(super) fn is_loaded(&self) -> bool {
        self.property("LoadState") == "loaded"
    }

    /// Whether the unit starts by itself.
    pub(super) fn is_enabled(&self) -> bool {
        matches!(
            self.property("UnitFileState"),
            "enabled" | "enabled-runtime"
        )
    }

    /// Whether it is up or coming up. One that fails again and again is not, though systemd is
    /// about to try once more.
    pub(super) fn is_active(&self) -> bool {
        self.property("SubState") != "auto-restart"
            && matches!(
                self.property("ActiveState"),
                "active" | "activating" | "reloading"
            )
    }

    /// Whether its process runs.
    pub(super) fn is_running(&self) -> bool {
        self.property("ActiveState") == "active"
    }

    /// Its process; systemd says 0 where there is none.
    pub(super) fn pid(&self) -> Option<u32> {
        match self.property("MainPID").parse() {
            Ok(0) | Err(_) => None,
            Ok(pid) => Some(pid),
        }
    }

    /// The file that defines it.
    pub(super) fn file(&self) -> String {
        self.property("FragmentPath").to_owned()
    }

    /// Its state, in words of systemd and of the service.
    pub(super) fn in_words(&self) -> String {
        if !self.is_loaded() {
            return "not installed".to_owned();
        }

        let active = self.property("ActiveState");
        let mut words = if active == "failed" {
            format!(
                "failed ({}, exit code {})",
                self.property("Result"),
                self.property("ExecMainStatus")
            )
        } else {
            format!("{active} ({})", self.property("SubState"))
        };

        match self.property("NRestarts") {
            "" | "0" => {}
            "1" => words.push_str(", restarted once"),
            restarts => words.push_str(&format!(", restarted {restarts} times")),
        }

        let status = self.property("StatusText");
        if !status.is_empty() {
            words.push_str(": ");
            words.push_str(status);
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(lines: &[&str]) -> UnitProperties {
        UnitProperties(lines.join("\n"))
    }

    #[test]
    fn a_service_that_failed_says_with_which_exit_code() {
        let failed = properties(&[
            "LoadState=loaded",
            "ActiveState=failed",
            "SubState=failed",
            "UnitFileState=enabled",
            "MainPID=0",
            "StatusText=",
            "Result=exit-code",
            "ExecMainStatus=2",
            "NRestarts=0",
        ]);

        assert_eq!(failed.in_words(), "failed (exit-code, exit code 2)");
        assert!(failed.is_enabled());
        assert!(!failed.is_running());
        assert_eq!(failed.pid(), None);
    }

    #[test]
    fn a_running_service_says_what_it_does() {
        let running = properties(&[
            "LoadState=loaded",
            "ActiveState=active",
            "SubState=running",
            "MainPID=42",
            "NRestarts=1",
            "StatusText=2 wait",
        ]);

        assert_eq!(
            running.in_words(),
            "active (running), restarted once: 2 wait"
        );
        assert_eq!(running.pid(), Some(42));
    }

    #[test]
    fn the_version_is_read_from_what_systemd_says_of_itself() {
        let debian = "systemd 252 (252.38-1~deb12u1)\n+PAM +AUDIT";
        assert_eq!(version_in(debian), Some(252));
        assert_eq!(version_in("systemd 249.11-0ubuntu3 (249)"), Some(249));
        assert_eq!(version_in(""), None);
    }

    #[test]
    fn a_service_that_fails_again_and_again_does_not_run() {
        let starting = [
            "LoadState=loaded",
            "ActiveState=activating",
            "SubState=start",
        ];
        assert!(properties(&starting).is_active());

        let failing = [
            "LoadState=loaded",
            "ActiveState=activating",
            "SubState=auto-restart",
        ];
        assert!(!properties(&failing).is_active());
    }
}
