//! Bounded walks for projects and run folders. They follow no link.

#![expect(clippy::disallowed_methods, reason = "this is the sweep over the disk")]

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::file_names::{comparable, has_extension, is_named};

/// Levels below a watched folder that are searched for projects.
const PROJECT_DEPTH: usize = 8;
/// Levels below `Reports` that are searched for runs; suites may lie deep.
const RUN_DEPTH: usize = 24;
/// Folders that hold no project.
const SKIPPED: [&str; 3] = [".git", "node_modules", "Reports"];

/// The folders at and below `roots` that hold a `.prj` file, each once, sorted.
pub(crate) fn find_projects(roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut projects = Vec::new();
    // Two roots may overlap, or spell one folder in two ways; the first one counts.
    let mut visited = HashSet::new();

    // Reversed, because the last one that waits is taken first, and so the first root counts.
    let mut waiting: Vec<_> = roots.iter().rev().map(|root| (root.clone(), 0)).collect();
    while let Some((folder, depth)) = waiting.pop() {
        let content = content_of(&folder);

        // Also below a project, because one project can lie in another.
        if depth < PROJECT_DEPTH {
            let below = content.folders.into_iter().filter(|path| !is_skipped(path));
            waiting.extend(below.map(|path| (path, depth + 1)));
        }
        if content.is_project && visited.insert(comparable(&folder)) {
            projects.push(folder);
        }
    }
    projects.sort();
    projects
}

/// Folders at and below `roots` that the search for projects meets and that this account may not
/// read, `Reports` among them. The search itself passes them by.
pub(crate) fn find_closed(roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut closed = Vec::new();
    let mut waiting: Vec<_> = roots.iter().map(|root| (root.clone(), 0)).collect();

    while let Some((folder, depth)) = waiting.pop() {
        match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => closed.push(folder),
            Ok(_) if depth < PROJECT_DEPTH && !folder.ends_with("Reports") => {
                let below = content_of(&folder).folders.into_iter();
                let below = below.filter(|path| !is_skipped(path) || path.ends_with("Reports"));
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
pub(crate) fn has_linked_reports(project: &Path) -> bool {
    std::fs::symlink_metadata(project.join("Reports")).is_ok_and(|reports| reports.is_symlink())
}

/// All run folders below the `Reports` of a project.
pub fn find_runs(project: &Path) -> Vec<PathBuf> {
    let mut runs = Vec::new();
    if has_linked_reports(project) {
        return runs;
    }

    let mut waiting = vec![(project.join("Reports"), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        if depth > RUN_DEPTH {
            continue;
        }
        // A run folder may hold others, each of which is a run of its own.
        let below = content_of(&folder).folders.into_iter();
        waiting.extend(below.map(|path| (path, depth + 1)));
        if crate::workspace::is_run_folder(&folder) {
            runs.push(folder);
        }
    }
    runs
}

/// How many folders lie at and below a folder, at most `most`; each of a `Reports` costs a watch on
/// Linux.
pub(crate) fn count_folders(root: &Path, most: usize) -> usize {
    let mut count = 0;
    let mut waiting = vec![root.to_owned()];
    while let Some(folder) = waiting.pop() {
        if count >= most {
            break;
        }
        if folder.is_dir() {
            count += 1;
            waiting.extend(content_of(&folder).folders);
        }
    }

    count
}

/// What the walk needs to know of a folder.
#[derive(Default)]
struct FolderContent {
    folders: Vec<PathBuf>,
    is_project: bool,
}

/// Lists a folder. One that is gone or closed holds nothing.
fn content_of(folder: &Path) -> FolderContent {
    let mut content = FolderContent::default();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return content;
    };

    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        // The kind is that of the entry itself, so a link is neither.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => content.folders.push(path),
            Ok(kind) if kind.is_file() => content.is_project |= has_extension(&path, "prj"),
            _ => {}
        }
    }
    content
}

fn is_skipped(folder: &Path) -> bool {
    folder
        .file_name()
        .is_some_and(|name| SKIPPED.iter().any(|skipped| is_named(name, skipped)))
}
