//! The system's places on Linux: those of the Filesystem Hierarchy Standard.

use std::path::PathBuf;

use crate::config::paths::{CONFIG_FILE, Places};
use crate::secrets::CREDENTIAL;

/// The system's. The token lies where systemd looks for the credentials of its units (systemd.exec, `LoadCredential=`).
pub fn of_the_system() -> Places {
    Places {
        config: PathBuf::from("/etc/kado").join(CONFIG_FILE),
        state: PathBuf::from("/var/lib/kado"),
        logs: PathBuf::from("/var/log/kado"),
        token: PathBuf::from("/etc/credstore").join(CREDENTIAL),
    }
}
