//! What is to be mended where a folder cannot be listed.

use std::io;
use std::path::{Path, PathBuf};

use crate::door::{self, Kind};
use crate::watch::problems::WatchFault;

/// What is to be mended when a folder cannot be listed: the folder, or one above it.
pub(super) fn blame(folder: &Path, error: &io::Error) -> (PathBuf, WatchFault) {
    let mut above: Vec<&Path> = folder.ancestors().collect();
    above.reverse();
    for path in above {
        // The first of a relative path is empty, and stands for the folder that kado runs in.
        if path.as_os_str().is_empty() {
            continue;
        }

        match door::kind_of_target(path) {
            Ok(Kind::Folder) => {}
            Ok(_) => return (path.to_owned(), WatchFault::NoFolder),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return (path.to_owned(), WatchFault::Missing);
            }
            // To ask what lies in a folder takes a right on that folder.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let closed = path.parent().unwrap_or(path);
                return (closed.to_owned(), WatchFault::Closed);
            }
            Err(error) => return (path.to_owned(), WatchFault::Unreadable(error.to_string())),
        }
    }

    let fault = match error.kind() {
        io::ErrorKind::PermissionDenied => WatchFault::Closed,
        io::ErrorKind::NotFound => WatchFault::Missing,
        _ => WatchFault::Unreadable(error.to_string()),
    };
    (folder.to_owned(), fault)
}
