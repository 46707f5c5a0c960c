//! Places on Linux: those of the Filesystem Hierarchy Standard for the system, those of XDG for a user.

use std::path::PathBuf;

use directories::ProjectDirs;

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

/// The user's.
pub fn of_the_user(dirs: &ProjectDirs) -> Places {
    Places {
        config: dirs.config_dir().join(CONFIG_FILE),
        state: dirs.data_local_dir().to_owned(),
        logs: dirs.data_local_dir().join("logs"),
        token: dirs.config_dir().join(CREDENTIAL),
    }
}
