//! The system's places on macOS.

use std::path::{Path, PathBuf};

use crate::config::paths::{CONFIG_FILE, Places};
use crate::secrets::CREDENTIAL;

/// The way to a configuration that is closed to this account.
pub(super) const ASK_WITH_MORE_RIGHTS: &str =
    "; run the command with sudo, or name another file with `--config`";

/// The system's.
pub(super) fn of_the_system() -> Places {
    let folder = Path::new("/Library/Application Support/kado");
    Places {
        config: folder.join(CONFIG_FILE),
        state: folder.join("state"),
        logs: PathBuf::from("/Library/Logs/kado"),
        token: folder.join(CREDENTIAL),
    }
}
