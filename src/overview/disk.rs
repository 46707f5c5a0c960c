//! Whether anything can be recorded where the state folder lies: what cannot be recorded is not
//! sent.

use std::path::Path;

use crate::state_dir;

/// Why nothing can be recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DiskFault {
    /// The file system may only be read.
    ReadOnly,
    /// There is no room.
    Full,
}

impl DiskFault {
    /// What keeps anything from being recorded in a state folder, if anything does.
    pub(crate) fn of(state_dir: &Path) -> Option<Self> {
        Self::with_room(state_dir, state_dir::free_bytes(state_dir))
    }

    /// The same where it is known how many bytes are free.
    pub(super) fn with_room(state_dir: &Path, free: Option<u64>) -> Option<Self> {
        // Before the room, of which a read-only disk may have plenty.
        if state_dir::is_read_only(state_dir) == Some(true) {
            return Some(Self::ReadOnly);
        }
        (free == Some(0)).then_some(Self::Full)
    }

    /// What is wrong, and what follows from it.
    pub(crate) fn text(self, state_dir: &Path) -> String {
        let state = state_dir.display();
        match self {
            Self::ReadOnly => format!(
                "the state folder `{state}` lies on a read-only file system; nothing can be \
                 recorded, so nothing is sent"
            ),
            Self::Full => format!(
                "there is no room where the state folder `{state}` lies; nothing can be recorded, \
                 so nothing is sent"
            ),
        }
    }

    /// What mends it; `None` where the text says all that kado knows.
    pub(crate) fn hint(self) -> Option<String> {
        match self {
            Self::ReadOnly => None,
            Self::Full => Some(make_room()),
        }
    }
}

/// What helps where there is little room or none.
pub(super) fn make_room() -> String {
    "make room, or set `state_dir` to a folder on another disk".to_owned()
}
