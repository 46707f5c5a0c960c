//! Bounded walks for projects and run folders. They follow no link, and say what they did not see.

#![expect(clippy::disallowed_methods, reason = "this is the sweep over the disk")]

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use crate::file_names::{comparable, has_extension, is_named};
use crate::watch::problems::{WatchFault, WatchProblem, WatchProblems, WatchedPart};
use crate::workspace::{RunSigns, resolved};

/// Levels below a watched folder in which projects are found.
const PROJECT_DEPTH: usize = 16;
/// Levels below `Reports` in which runs are found; suites may lie deep.
const RUN_DEPTH: usize = 24;
/// Levels below these that are looked at as well, only to name what lies there.
const BEYOND: usize = 8;
/// Folders that hold no project.
const SKIPPED: [&str; 2] = [".git", "node_modules"];
/// The folder of a project in which its runs lie.
const REPORTS: &str = "Reports";

/// What lies in the watched folders.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// Folders that hold a `.prj` file, each once, sorted.
    pub projects: Vec<PathBuf>,
    /// The run folders below their `Reports`, each once, sorted.
    pub folders: Vec<PathBuf>,
    /// What was not seen.
    pub problems: WatchProblems,
}

/// Finds the projects at and below `roots`, and the run folders of each. A root that is a link is
/// followed, because somebody named it.
pub(crate) fn survey(roots: &[PathBuf]) -> Survey {
    let mut walk = Walk {
        roots: roots.iter().map(|root| comparable(root)).collect(),
        ..Walk::default()
    };
    for root in roots {
        walk.search_projects(root);
    }
    walk.tell_linked_projects();

    walk.projects.sort();
    Survey {
        projects: walk.projects,
        folders: walk.runs.into_iter().collect(),
        problems: walk.problems,
    }
}

/// What of the runs of one project is not seen.
pub(crate) fn problems_of_project(project: &Path) -> WatchProblems {
    let mut walk = Walk::default();
    walk.search_runs(project);
    walk.problems
}

/// What is wrong with the watched folders themselves, without a look below them.
pub(crate) fn problems_of_roots(roots: &[PathBuf]) -> WatchProblems {
    let mut walk = Walk::default();
    for root in roots {
        if let Err(error) = std::fs::read_dir(root) {
            walk.add_root(root, &error);
        }
    }
    walk.problems
}

/// All run folders below the `Reports` of a project.
pub fn find_runs(project: &Path) -> Vec<PathBuf> {
    let mut walk = Walk::default();
    walk.search_runs(project);
    walk.runs.into_iter().collect()
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
            waiting.extend(list(&folder).unwrap_or_default().folders);
        }
    }

    count
}

/// A walk that is going on.
#[derive(Default)]
struct Walk {
    /// The roots, comparable; each is searched by itself and not as part of another one.
    roots: HashSet<PathBuf>,
    /// Projects that were met, comparable: two roots may spell one folder in two ways, and the
    /// first one counts.
    visited: HashSet<PathBuf>,
    projects: Vec<PathBuf>,
    /// One project can lie in another, so a run folder may be met twice.
    runs: BTreeSet<PathBuf>,
    /// Links to folders that hold a project, with the root below which each was met.
    linked_projects: Vec<(PathBuf, PathBuf)>,
    problems: WatchProblems,
    /// What was added last: one folder can be the reason that many others cannot be listed.
    last: Option<WatchProblem>,
}

/// A folder below `Reports` that is to be listed.
struct WaitingFolder {
    path: PathBuf,
    depth: usize,
    part: WatchedPart,
}

impl Walk {
    /// Searches a watched folder for projects, and each for its runs.
    fn search_projects(&mut self, root: &Path) {
        let below = WatchedPart::Below(root.to_owned());
        let mut waiting = vec![(root.to_owned(), 0)];

        while let Some((folder, depth)) = waiting.pop() {
            let content = match list(&folder) {
                Ok(content) => content,
                Err(error) if depth == 0 => {
                    self.add_root(root, &error);
                    continue;
                }
                Err(error) => {
                    self.add_unlisted(&folder, &below, &error);
                    continue;
                }
            };
            self.add_partly_listed(&content, &below);

            if content.is_project && depth > PROJECT_DEPTH {
                self.add(&below, folder, WatchFault::TooDeep(PROJECT_DEPTH));
                continue;
            }
            if content.is_project && self.visited.insert(comparable(&folder)) {
                self.search_runs(&folder);
                self.projects.push(folder.clone());
            }
            self.note_links(&content, root);

            // Also below a project, because one project can lie in another.
            let mut is_unsearched = false;
            for path in content.folders {
                let is_reports = content.is_project && has_name(&path, REPORTS);
                if is_reports || is_skipped(&path) || self.roots.contains(&comparable(&path)) {
                    continue;
                }

                if depth < PROJECT_DEPTH + BEYOND {
                    waiting.push((path, depth + 1));
                } else {
                    is_unsearched = true;
                }
            }
            if is_unsearched {
                self.add(&below, folder, WatchFault::Unsearched(depth));
            }
        }
    }

    /// Searches the `Reports` of a project for run folders.
    fn search_runs(&mut self, project: &Path) {
        let reports = project.join(REPORTS);
        let part = WatchedPart::Reports(project.to_owned());

        // It could lead into another project, whose runs would be submitted with the settings of
        // this one, so nothing behind it is looked at.
        if std::fs::symlink_metadata(&reports).is_ok_and(|reports| reports.is_symlink()) {
            let to = resolved(&reports);
            return self.add(&part, reports, WatchFault::Linked(to));
        }

        let mut waiting = vec![WaitingFolder {
            path: reports,
            depth: 0,
            part,
        }];
        while let Some(next) = waiting.pop() {
            match list(&next.path) {
                Ok(content) => waiting.extend(self.take_in(next, content)),
                Err(error) => self.add_unlisted(&next.path, &next.part, &error),
            }
        }
    }

    /// Takes note of a folder below `Reports`; gives those in it that are to be listed.
    fn take_in(&mut self, listed: WaitingFolder, content: FolderContent) -> Vec<WaitingFolder> {
        let WaitingFolder { path, depth, part } = listed;
        let is_run = content.signs.are_of_a_run();
        self.add_partly_listed(&content, &part);

        // A run folder may hold others, each of which is a run of its own.
        let part = match part {
            WatchedPart::Reports(project) if is_run => WatchedPart::RunFolder(project),
            other => other,
        };
        for link in content.links {
            self.judge_link(link, &part);
        }

        if is_run && depth > RUN_DEPTH {
            self.add(&part, path.clone(), WatchFault::TooDeep(RUN_DEPTH));
        } else if is_run {
            self.runs.insert(path.clone());
        }

        if depth >= RUN_DEPTH + BEYOND {
            if !content.folders.is_empty() {
                self.add(&part, path, WatchFault::Unsearched(depth));
            }
            return Vec::new();
        }

        let mut below = Vec::new();
        for path in content.folders {
            below.push(WaitingFolder {
                path,
                depth: depth + 1,
                part: part.clone(),
            });
        }
        below
    }

    /// Tells a link below `Reports` if runs may lie behind it that are not seen.
    fn judge_link(&mut self, link: PathBuf, part: &WatchedPart) {
        // One that leads nowhere hides nothing: browsers make such links, to keep others out.
        let Ok(target) = link.canonicalize() else {
            return;
        };

        let may_hide_runs = match part {
            WatchedPart::Reports(project) => {
                // People have a `latest` beside the sessions that it leads to.
                let reports = resolved(&project.join(REPORTS));
                target.is_dir() && !target.starts_with(reports)
            }
            // A test may link in its run folder what it wants.
            _ => list(&target).is_ok_and(|content| content.signs.are_of_a_run()),
        };
        if may_hide_runs {
            self.add(part, link, WatchFault::Linked(target));
        }
    }

    /// Takes note of links to projects, and tells those in place of a project's file.
    fn note_links(&mut self, content: &FolderContent, root: &Path) {
        for link in &content.links {
            let is_reports = content.is_project && has_name(link, REPORTS);
            if is_reports {
                continue;
            }

            if has_extension(link, "prj") && !content.is_project && link.is_file() {
                let below = WatchedPart::Below(root.to_owned());
                self.add(&below, link.clone(), WatchFault::LinkedProjectFile);
            } else if list(link).is_ok_and(|content| content.is_project) {
                self.linked_projects.push((link.clone(), root.to_owned()));
            }
        }
    }

    /// Tells the links to projects that were not found by a way of their own.
    fn tell_linked_projects(&mut self) {
        if self.linked_projects.is_empty() {
            return;
        }

        let found: HashSet<PathBuf> = self
            .projects
            .iter()
            .map(|project| resolved(project))
            .collect();
        for (link, root) in std::mem::take(&mut self.linked_projects) {
            let target = resolved(&link);
            if !found.contains(&target) {
                let below = WatchedPart::Below(root);
                self.add(&below, link, WatchFault::Linked(target));
            }
        }
    }

    /// Adds a watched folder that could not be listed.
    fn add_root(&mut self, root: &Path, error: &io::Error) {
        let (path, fault) = blame(root, error);
        self.add(&WatchedPart::Root(root.to_owned()), path, fault);
    }

    /// Adds a folder that could not be listed, if it is one and still there.
    fn add_unlisted(&mut self, folder: &Path, part: &WatchedPart, error: &io::Error) {
        let (path, fault) = blame(folder, error);
        if !matches!(fault, WatchFault::Missing) {
            self.add(part, path, fault);
        }
    }

    /// Adds a folder of which not all could be listed.
    fn add_partly_listed(&mut self, content: &FolderContent, part: &WatchedPart) {
        if let Some((path, error)) = &content.broken_off {
            self.add_unlisted(path, part, error);
        }
    }

    fn add(&mut self, part: &WatchedPart, path: PathBuf, fault: WatchFault) {
        let part = part.clone();
        let problem = WatchProblem { part, path, fault };
        if self.last.as_ref() != Some(&problem) {
            self.problems.add(problem.clone());
            self.last = Some(problem);
        }
    }
}

/// What the walk needs to know of a folder.
#[derive(Debug, Default)]
struct FolderContent {
    folders: Vec<PathBuf>,
    links: Vec<PathBuf>,
    is_project: bool,
    signs: RunSigns,
    /// Where something could not be told, and why.
    broken_off: Option<(PathBuf, io::Error)>,
}

/// Lists a folder.
fn list(folder: &Path) -> io::Result<FolderContent> {
    let mut content = FolderContent::default();
    for entry in std::fs::read_dir(folder)? {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                content.broken_off = Some((folder.to_owned(), error));
                break;
            }
        };

        // The kind is that of the entry itself, so a link is neither folder nor file.
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => content.folders.push(entry.path()),
            Ok(kind) if kind.is_symlink() => content.links.push(entry.path()),
            Ok(kind) if kind.is_file() => {
                let name = entry.file_name();
                content.is_project |= has_extension(Path::new(&name), "prj");
                content.signs.see(&name.to_string_lossy());
            }
            Ok(_) => {}
            Err(error) => content.broken_off = Some((entry.path(), error)),
        }
    }
    Ok(content)
}

/// What is to be mended when a folder cannot be listed: the folder, or one above it.
fn blame(folder: &Path, error: &io::Error) -> (PathBuf, WatchFault) {
    let mut above: Vec<&Path> = folder.ancestors().collect();
    above.reverse();
    for path in above {
        // The first of a relative path is empty, and stands for the folder that kado runs in.
        if path.as_os_str().is_empty() {
            continue;
        }

        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {}
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

fn is_skipped(folder: &Path) -> bool {
    SKIPPED.iter().any(|skipped| has_name(folder, skipped))
}

fn has_name(path: &Path, wanted: &str) -> bool {
    path.file_name().is_some_and(|name| is_named(name, wanted))
}
