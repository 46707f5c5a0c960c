//! What the running service tells systemd (sd_notify). Without systemd nobody listens, and that is
//! no error.

use std::time::Duration;

use sd_notify::NotifyState;

/// The service is up.
pub(in crate::service) fn ready() {
    tell(NotifyState::Ready);
}

/// One line on what the service does, for `systemctl status`.
pub(in crate::service) fn say(text: &str) {
    tell(NotifyState::Status(text));
}

/// How often a sign of life is wanted: `WatchdogSec=` of the unit.
pub(in crate::service) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// A sign of life.
pub(in crate::service) fn alive() {
    tell(NotifyState::Watchdog);
}

/// The service begins to end.
pub(in crate::service) fn stopping() {
    tell(NotifyState::Stopping);
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd cannot be notified");
    }
}
