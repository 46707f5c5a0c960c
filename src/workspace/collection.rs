//! Whether a run folder belongs to a test suite collection, and to which.

#![expect(clippy::disallowed_methods, reason = "the session folder is searched on the disk")]

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::{is_run_folder, open};
use crate::file_names::is_named;
use crate::katalon::collection::Collection;

/// Folders of a session that are searched for the collection's report, and their depth.
const MOST_FOLDERS: usize = 2000;
const DEEPEST: usize = 10;

/// Whether an `.rp` file in the run's session folder (`Reports/<session>/…`, Katalon 6.3 and later) lists this run
/// folder. The `.rp` is written before the members start, so the answer does not change during a run.
pub fn is_member(run_folder: &Path) -> bool {
    collection_of(run_folder).is_some()
}

/// The collection whose `.rp` file lists this run folder; see [`is_member`].
pub fn collection_of(run_folder: &Path) -> Option<Collection> {
    let (reports, below) = split_at_reports(run_folder)?;
    let names: Vec<&str> = below.iter().filter_map(|part| part.to_str()).collect();
    let session = names.first().filter(|_| names.len() > 2)?;
    let location = format!("Reports/{}", names.join("/"));
    reports_in(&reports.join(session))
        .filter_map(|path| open::whole(&path).ok())
        .filter_map(|bytes| Collection::read(&bytes).ok())
        .find(|collection| collection.lists(&location))
}

/// The last `Reports` folder above a path, and the names below it.
fn split_at_reports(path: &Path) -> Option<(PathBuf, Vec<std::ffi::OsString>)> {
    let path = std::path::absolute(path).ok()?;
    let parts: Vec<Component<'_>> = path.components().collect();
    let at = parts.iter().rposition(|part| is_named(part.as_os_str(), "Reports"))?;
    let below = parts[at + 1..].iter().map(|part| part.as_os_str().to_owned()).collect();
    Some((parts[..=at].iter().collect(), below))
}

/// The `.rp` files below a session folder. Run folders are not looked into: they hold no collection.
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
                Ok(kind) if kind.is_file() && path.extension().is_some_and(|extension| extension == "rp") => {
                    found.push(path);
                }
                Ok(kind) if kind.is_dir() && depth < DEEPEST && seen < MOST_FOLDERS && !is_run_folder(&path) => {
                    waiting.push((path, depth + 1));
                }
                _ => {}
            }
        }
    }
    found.into_iter()
}
