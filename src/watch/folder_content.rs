//! What a walk needs to know of a folder, from one listing of it.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use crate::door::{Entry, Folder, Kind};
use crate::file_names::has_extension;
use crate::workspace::RunSigns;

/// What the walk needs to know of a folder.
#[derive(Debug, Default)]
pub(super) struct FolderContent {
    /// Names of the folders in it.
    pub folders: Vec<OsString>,
    /// Names of the links in it.
    pub links: Vec<OsString>,
    /// Whether a `.prj` file lies in it.
    pub is_project: bool,
    /// Whether a suite run lies in it.
    pub signs: RunSigns,
    /// Why not all of it could be listed.
    pub broken_off: Option<io::Error>,
}

/// Lists a folder below an open one.
pub(super) fn list(top: &Folder, below: &Path) -> io::Result<FolderContent> {
    Ok(content_of(top.entries_of(below)?))
}

/// Lists what a path leads to, through links.
pub(super) fn list_named(path: &Path) -> io::Result<FolderContent> {
    Ok(content_of(Folder::named(path)?.entries()?))
}

fn content_of(entries: impl Iterator<Item = io::Result<Entry>>) -> FolderContent {
    let mut content = FolderContent::default();
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                content.broken_off = Some(error);
                break;
            }
        };

        content.signs.see(&entry);
        match entry.kind {
            Kind::Folder => content.folders.push(entry.name),
            Kind::Link => content.links.push(entry.name),
            Kind::File => content.is_project |= has_extension(Path::new(&entry.name), "prj"),
            Kind::Other => {}
        }
    }
    content
}
