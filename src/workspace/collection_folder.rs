//! Test suite collections on disk: which one a run folder belongs to, and which members it has.

#![expect(
    clippy::disallowed_methods,
    reason = "the session folder is searched on the disk"
)]

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::{is_run_folder, open, read_launch};
use crate::file_names::{is_named, same};
use crate::katalon::collection_report::{Collection, suite_at};

/// Folders of a session that are searched for the collection's report, and their depth.
const MOST_FOLDERS: usize = 2000;
const DEEPEST: usize = 10;

/// A collection's run: its own folder, and what its report says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CollectionFolder {
    /// The folder that holds the `.rp`.
    pub folder: PathBuf,
    /// The project's `Reports` folder.
    pub reports: PathBuf,
    /// What the `.rp` says.
    pub collection: Collection,
}

/// A member as the `.rp` lists it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedMember {
    /// Its folder below `Reports`, with `/`.
    pub prefix: String,
    /// Its run folder.
    pub folder: PathBuf,
}

impl CollectionFolder {
    /// The members in the session of the collection, in the order of the report. What the report
    /// lists elsewhere is a run of its own: no name in it leads out of the session.
    pub fn members(&self) -> Vec<ListedMember> {
        let session = self
            .folder
            .strip_prefix(&self.reports)
            .ok()
            .and_then(|below| below.components().next());
        let session = session
            .map(|name| name.as_os_str().to_string_lossy().into_owned())
            .unwrap_or_default();
        let mut members: Vec<ListedMember> = Vec::new();
        for location in &self.collection.members {
            let Some(prefix) = location.trim_matches('/').strip_prefix("Reports/") else {
                continue;
            };
            let names: Vec<&str> = prefix.split('/').collect();
            let plain = names
                .iter()
                .all(|name| !matches!(*name, "" | "." | "..") && !name.contains(['\\', ':']));
            let known = members.iter().any(|member| member.prefix == prefix);
            if plain && !known && names.len() > 2 && names[0] == session {
                let folder = names
                    .iter()
                    .fold(self.reports.clone(), |path, name| path.join(name));
                members.push(ListedMember {
                    prefix: prefix.to_owned(),
                    folder,
                });
            }
        }
        members
    }

    /// Whether a run folder is that of a member.
    pub fn has_member(&self, folder: &Path) -> bool {
        self.members().iter().any(|member| member.folder == folder)
    }

    /// Id of the collection: what its report says, else its place below the session (up to 6.3).
    pub fn id(&self) -> String {
        self.collection.id.clone().unwrap_or_else(|| {
            let below = self
                .folder
                .strip_prefix(&self.reports)
                .unwrap_or(&self.folder);
            let names: Vec<_> = below
                .components()
                .map(|part| part.as_os_str().to_string_lossy())
                .collect();
            suite_at(&names)
        })
    }
}

/// Whether an `.rp` file in the run's session folder (`Reports/<session>/…`, Katalon 6.3 and later)
/// lists this run folder.
pub fn is_member(run_folder: &Path) -> bool {
    collection_of(run_folder).is_some()
}

/// The collection that a run folder is a member of. The `.rp` is written before the members start;
/// a member that runs again is added to it.
pub fn collection_of(run_folder: &Path) -> Option<CollectionFolder> {
    let (reports, below) = split_at_reports(run_folder)?;
    let names: Vec<&str> = below.iter().filter_map(|part| part.to_str()).collect();
    let session = names.first().filter(|_| names.len() > 2)?;
    let location = format!("Reports/{}", names.join("/"));
    reports_in(&reports.join(session)).find_map(|path| {
        let collection = Collection::read(&open::whole(&path).ok()?).ok()?;
        let folder = path.parent()?.to_owned();
        collection.lists(&location).then(|| CollectionFolder {
            folder,
            reports: reports.clone(),
            collection,
        })
    })
}

/// The collection whose own folder this is.
///
/// # Errors
/// When the folder or its `.rp` cannot be read; `NotFound` when there is none.
pub fn collection_in(folder: &Path) -> io::Result<CollectionFolder> {
    let missing = || {
        io::Error::new(
            io::ErrorKind::NotFound,
            "the folder holds no report of a collection (`.rp`)",
        )
    };
    let (reports, below) = split_at_reports(folder).ok_or_else(missing)?;
    if below.len() < 3 {
        return Err(missing());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rp") {
            let collection = Collection::read(&open::whole(&path)?)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            return Ok(CollectionFolder {
                folder: std::path::absolute(folder)?,
                reports,
                collection,
            });
        }
    }
    Err(missing())
}

/// Where the run in a folder was written, below the `Reports` that the folder lies in; `None` when
/// it lies there itself or its launcher does not say. Only the names below `Reports` count: a
/// container sees its project elsewhere.
pub fn written_to(folder: &Path) -> Option<PathBuf> {
    let recorded = read_launch(folder)?.recorded_folder?;
    let (reports, below) = split_at_reports(folder)?;
    let names: Vec<&str> = recorded
        .split(['/', '\\'])
        .filter(|name| !name.is_empty())
        .collect();
    let at = names
        .iter()
        .rposition(|name| is_named(OsStr::new(name), "Reports"))?;
    let names = &names[at + 1..];
    if names.is_empty()
        || names
            .iter()
            .any(|name| matches!(*name, "." | "..") || name.contains(':'))
    {
        return None;
    }
    let written = names
        .iter()
        .fold(reports.clone(), |path, name| path.join(name));
    let own = below.iter().fold(reports, |path, name| path.join(name));
    (!same(&written, &own)).then_some(written)
}

/// The last `Reports` folder above a path, and the names below it.
fn split_at_reports(path: &Path) -> Option<(PathBuf, Vec<std::ffi::OsString>)> {
    let path = std::path::absolute(path).ok()?;
    let parts: Vec<Component<'_>> = path.components().collect();
    let at = parts
        .iter()
        .rposition(|part| is_named(part.as_os_str(), "Reports"))?;
    let below = parts[at + 1..]
        .iter()
        .map(|part| part.as_os_str().to_owned())
        .collect();
    Some((parts[..=at].iter().collect(), below))
}

/// The `.rp` files below a session folder. Run folders are not looked into: they hold no
/// collection.
fn reports_in(session: &Path) -> impl Iterator<Item = PathBuf> {
    let mut waiting = vec![(session.to_owned(), 0)];
    let mut found = Vec::new();
    let mut seen = 0;
    while let Some((folder, depth)) = waiting.pop() {
        seen += 1;
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.filter_map(Result::ok) {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind)
                    if kind.is_file()
                        && path.extension().is_some_and(|extension| extension == "rp") =>
                {
                    found.push(path);
                }
                Ok(kind)
                    if kind.is_dir()
                        && depth < DEEPEST
                        && seen < MOST_FOLDERS
                        && !is_run_folder(&path) =>
                {
                    waiting.push((path, depth + 1));
                }
                _ => {}
            }
        }
    }
    found.into_iter()
}
