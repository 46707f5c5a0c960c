//! Places on macOS. A user's configuration and state share a folder there.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::config::paths::{CONFIG_FILE, Places};
use crate::secrets::CREDENTIAL;

/// The system's.
pub fn of_the_system() -> Places {
    let folder = Path::new("/Library/Application Support/kado");
    Places {
        config: folder.join(CONFIG_FILE),
        state: folder.join("state"),
        logs: PathBuf::from("/Library/Logs/kado"),
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
