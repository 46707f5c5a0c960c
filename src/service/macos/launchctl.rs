//! `launchctl`, and what it says.

#![expect(clippy::disallowed_methods, reason = "launchctl is a program")]

use std::path::Path;
use std::process::Command;

use crate::SERVICE_NAME;
use crate::service::command::output;
use crate::service::{Scope, ServiceError};

/// A domain of launchd: the system's, or that of a user who is logged in.
pub(super) struct Launchctl {
    domain: String,
}

impl Launchctl {
    /// The domain of a scope.
    pub(super) fn of(scope: Scope) -> Self {
        let domain = match scope {
            Scope::System => "system".to_owned(),
            Scope::User => format!("gui/{}", rustix::process::getuid().as_raw()),
        };
        Self { domain }
    }

    /// Loads a plist; launchd starts what it names.
    ///
    /// # Errors
    /// When launchd refuses.
    pub(super) fn bootstrap(&self, plist: &Path) -> Result<(), ServiceError> {
        output(
            Command::new("launchctl")
                .arg("bootstrap")
                .arg(&self.domain)
                .arg(plist),
        )
        .map(|_| ())
    }

    /// Stops the service and forgets its plist; whether it was loaded.
    ///
    /// # Errors
    /// When launchd refuses.
    pub(super) fn bootout(&self) -> Result<bool, ServiceError> {
        if !self.is_loaded()? {
            return Ok(false);
        }
        output(Command::new("launchctl").args(["bootout", &self.service()]))?;
        Ok(true)
    }

    /// Lets the service be loaded, also with the next start of the machine.
    ///
    /// # Errors
    /// When launchd refuses.
    pub(super) fn enable(&self) -> Result<(), ServiceError> {
        output(Command::new("launchctl").args(["enable", &self.service()])).map(|_| ())
    }

    /// Starts a service that is loaded.
    ///
    /// # Errors
    /// When launchd refuses.
    pub(super) fn kickstart(&self) -> Result<(), ServiceError> {
        output(Command::new("launchctl").args(["kickstart", &self.service()])).map(|_| ())
    }

    /// Whether launchd has loaded it.
    ///
    /// # Errors
    /// When `launchctl` cannot be started.
    pub(super) fn is_loaded(&self) -> Result<bool, ServiceError> {
        Ok(self.print().is_some())
    }

    /// Its process, if it runs.
    ///
    /// # Errors
    /// When `launchctl` cannot be started.
    pub(super) fn pid(&self) -> Result<Option<u32>, ServiceError> {
        let printed = self.print().unwrap_or_default();
        Ok(printed
            .lines()
            .find_map(|line| line.trim().strip_prefix("pid = ")?.parse().ok()))
    }

    /// Whether launchd loads it by itself: the plist is disabled until `enable` says otherwise.
    ///
    /// # Errors
    /// When launchd refuses.
    pub(super) fn is_enabled(&self) -> Result<bool, ServiceError> {
        let listed = output(Command::new("launchctl").args(["print-disabled", &self.domain]))?;
        let name = format!("\"{SERVICE_NAME}\" =>");
        let line = listed
            .lines()
            .map(str::trim)
            .find(|line| line.starts_with(&name));
        // Older systems say `false` for what is not disabled.
        Ok(line.is_some_and(|line| line.ends_with("enabled") || line.ends_with("false")))
    }

    fn print(&self) -> Option<String> {
        output(Command::new("launchctl").args(["print", &self.service()])).ok()
    }

    fn service(&self) -> String {
        format!("{}/{SERVICE_NAME}", self.domain)
    }
}
