//! `launchctl`, and what it says.

use std::path::Path;

use crate::SERVICE_NAME;
use crate::child_environment::program;
use crate::service::command::{output, run};
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
        run(program("launchctl")
            .arg("bootstrap")
            .arg(&self.domain)
            .arg(plist))
    }

    /// Stops the service and forgets its plist; whether it was loaded.
    ///
    /// # Errors
    /// When launchd refuses.
    pub(super) fn bootout(&self) -> Result<bool, ServiceError> {
        // To `launchctl` this would be a failure, and asking for what is so already must be none.
        if !self.is_loaded() {
            return Ok(false);
        }
        run(program("launchctl").args(["bootout", &self.service()]))?;
        Ok(true)
    }

    /// Lets the service be loaded, also with the next start of the machine.
    ///
    /// # Errors
    /// When launchd refuses.
    pub(super) fn enable(&self) -> Result<(), ServiceError> {
        run(program("launchctl").args(["enable", &self.service()]))
    }

    /// Starts a service that is loaded.
    ///
    /// # Errors
    /// When launchd refuses.
    pub(super) fn kickstart(&self) -> Result<(), ServiceError> {
        run(program("launchctl").args(["kickstart", &self.service()]))
    }

    /// Whether launchd has loaded it.
    pub(super) fn is_loaded(&self) -> bool {
        self.print().is_some()
    }

    /// Its process, if it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        for line in self.print()?.lines() {
            if let Some(pid) = line.trim().strip_prefix("pid = ") {
                return pid.parse().ok();
            }
        }
        None
    }

    /// Whether launchd loads it by itself: the plist is disabled until `enable` says otherwise.
    ///
    /// # Errors
    /// When launchd refuses.
    pub(super) fn is_enabled(&self) -> Result<bool, ServiceError> {
        let listed = output(program("launchctl").args(["print-disabled", &self.domain]))?;
        let name = format!("\"{SERVICE_NAME}\" =>");
        for line in listed.lines().map(str::trim) {
            if line.starts_with(&name) {
                // Older systems say `false` for what is not disabled.
                return Ok(line.ends_with("enabled") || line.ends_with("false"));
            }
        }
        Ok(false)
    }

    /// What launchd prints of the service; it fails where there is none.
    fn print(&self) -> Option<String> {
        output(program("launchctl").args(["print", &self.service()])).ok()
    }

    fn service(&self) -> String {
        format!("{}/{SERVICE_NAME}", self.domain)
    }
}
