//! Bounded walks for projects and run folders. They follow no link.

#![expect(clippy::disallowed_methods, reason = "this is the sweep over the disk")]

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::file_names::{comparable, has_extension, is_named};

/// Levels below a watched folder that are searched for projects.
const PROJECT_DEPTH: usize = 8;
/// Levels below `Reports` that are searched for runs; suites may lie deep.
const RUN_DEPTH: usize = 24;
/// Folders that hold no project.
const SKIPPED: [&str; 3] = [".git", "node_modules", "Reports"];

/// The folders at and below `roots` that hold a `.prj` file, each once.
pub fn find_projects(roots: &[PathBuf]) -> Vec<PathBuf> {
    let (mut found, mut known) = (Vec::new(), HashSet::new());
    for root in roots {
        let mut waiting = vec![(root.clone(), 0)];
        while let Some((folder, depth)) = waiting.pop() {
            let (folders, is_project) = entries(&folder);
            if is_project && known.insert(comparable(&folder)) {
                found.push(folder);
            }
            if depth < PROJECT_DEPTH {
                waiting.extend(
                    folders
                        .into_iter()
                        .filter(|path| !skipped(path))
                        .map(|path| (path, depth + 1)),
                );
            }
        }
    }
    found.sort();
    found
}

/// Folders at and below `roots` that the search for projects meets and that this account may not
/// read, `Reports` among them. The search itself passes them by.
pub fn find_closed(roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut closed = Vec::new();
    let mut waiting: Vec<_> = roots.iter().map(|root| (root.clone(), 0)).collect();
    while let Some((folder, depth)) = waiting.pop() {
        match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                closed.push(folder);
            }
            Ok(_) if depth < PROJECT_DEPTH && !folder.ends_with("Reports") => {
                let below = entries(&folder)
                    .0
                    .into_iter()
                    .filter(|path| !skipped(path) || path.ends_with("Reports"));
                waiting.extend(below.map(|path| (path, depth + 1)));
            }
            _ => {}
        }
    }
    closed.sort();
    closed
}

/// Whether the `Reports` of a project is a link. It could lead into another project, whose runs
/// would be submitted with the settings of this one, so nothing behind it is looked at.
pub fn has_linked_reports(project: &Path) -> bool {
    std::fs::symlink_metadata(project.join("Reports")).is_ok_and(|reports| reports.is_symlink())
}

/// All run folders below the `Reports` of a project.
pub fn find_runs(project: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if has_linked_reports(project) {
        return found;
    }
    let mut waiting = vec![(project.join("Reports"), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        if depth > RUN_DEPTH {
            continue;
        }
        let (folders, _) = entries(&folder);
        waiting.extend(folders.into_iter().map(|path| (path, depth + 1)));
        if crate::workspace::is_run_folder(&folder) {
            found.push(folder);
        }
    }
    found
}

/// How many folders lie at and below a folder, at most `most`; each of a `Reports` costs a watch on
/// Linux.
pub fn count_folders(root: &Path, most: usize) -> usize {
    let mut count = 0;
    let mut waiting = vec![root.to_owned()];
    while let Some(folder) = waiting.pop().filter(|_| count < most) {
        if folder.is_dir() {
            count += 1;
            waiting.extend(entries(&folder).0);
        }
    }
    count
}

/// The folders in a folder, and whether a project lies there. A folder that is gone or closed has
/// none.
fn entries(folder: &Path) -> (Vec<PathBuf>, bool) {
    let mut folders = Vec::new();
    let mut is_project = false;
    for entry in std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
    {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => folders.push(path),
            Ok(kind) if kind.is_file() => is_project |= has_extension(&path, "prj"),
            _ => {}
        }
    }
    (folders, is_project)
}

fn skipped(folder: &Path) -> bool {
    folder
        .file_name()
        .is_some_and(|name| SKIPPED.iter().any(|skipped| is_named(name, skipped)))
}
