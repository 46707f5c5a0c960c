//! The system's places on Windows: below `%ProgramData%`.
//!
//! Windows is asked for the folder instead of the environment: that of a service need not have the
//! variable.

use std::path::PathBuf;

use known_folders::{KnownFolder, get_known_folder_path};

use crate::config::paths::{CONFIG_FILE, Places};
use crate::secrets::CREDENTIAL;

/// The way to a configuration that is closed to this account.
pub(super) const ASK_WITH_MORE_RIGHTS: &str = "; run the command in a console that was opened \
    with `Run as administrator`, or name another file with `--config`";

/// The system's.
pub(super) fn of_the_system() -> Places {
    let data = get_known_folder_path(KnownFolder::ProgramData)
        .unwrap_or_else(|| PathBuf::from(r"C:\ProgramData"));
    let folder = data.join("kado");
    Places {
        config: folder.join(CONFIG_FILE),
        state: folder.join("state"),
        // Below the state: the folder above is one that the service may only read.
        logs: folder.join("state").join("logs"),
        token: folder.join(CREDENTIAL),
    }
}
