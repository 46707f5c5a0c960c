//! Places on Windows: below `%ProgramData%` for the system, below the profile for a user.

#![expect(clippy::disallowed_methods, reason = "the environment names the folder")]

use std::path::PathBuf;

use directories::ProjectDirs;

use crate::config::paths::{CONFIG_FILE, Places};
use crate::secrets::CREDENTIAL;

/// The system's.
pub fn of_the_system() -> Places {
    let data = std::env::var_os("ProgramData").map_or_else(|| PathBuf::from("C:\\ProgramData"), PathBuf::from);
    let folder = data.join("kado");
    Places {
        config: folder.join(CONFIG_FILE),
        state: folder.join("state"),
        logs: folder.join("state").join("logs"),
        token: folder.join(CREDENTIAL),
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
