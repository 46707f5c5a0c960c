//! The system's places on Linux: those of the Filesystem Hierarchy Standard.

use std::path::PathBuf;

use crate::config::paths::{CONFIG_FILE, Places};
use crate::secrets::CREDENTIAL;

/// The way to a configuration that is closed to this account.
pub(super) const ASK_WITH_MORE_RIGHTS: &str =
    "; run the command with sudo, or name another file with `--config`";

/// The system's. The token lies where systemd looks for the credentials of its units (systemd.exec,
/// `LoadCredential=`).
pub(super) fn of_the_system() -> Places {
    Places {
        config: PathBuf::from("/etc/kado").join(CONFIG_FILE),
        state: PathBuf::from("/var/lib/kado"),
        logs: PathBuf::from("/var/log/kado"),
        token: PathBuf::from("/etc/credstore").join(CREDENTIAL),
    }
}
