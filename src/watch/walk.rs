//! Bounded walks for projects and run folders. They follow no link, and say what they did not see.
//!
//! A walk opens the folder that it begins in, and each one below it from that handle: what is
//! exchanged for a link meanwhile is not followed either. To say of a link what is not seen behind
//! it, names behind it are listed; nothing is opened there.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::discovery::settled::FolderDigest;
use crate::door::{self, Folder, Kind};
use crate::file_names::{comparable, has_extension, is_named, key};
use crate::katalon::REPORTS;
use crate::moment::Moment;
use crate::watch::blame::blame;
use crate::watch::folder_content::{FolderContent, list, list_named};
use crate::watch::known_sessions::{KnownSession, KnownSessions, SessionListing, WalkExtent};
use crate::watch::problems::{WatchFault, WatchProblem, WatchProblems, WatchedPart};
use crate::watch::project_share::ProjectShares;
use crate::workspace::resolved;

/// Levels below a watched folder in which projects are found.
const PROJECT_DEPTH: usize = 16;
/// Levels below `Reports` in which runs are found; suites may lie deep.
const RUN_DEPTH: usize = 24;
/// Levels below these that are looked at as well, only to name what lies there.
const BEYOND: usize = 8;
/// Folders that hold no project.
const SKIPPED: [&str; 2] = [".git", "node_modules"];

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

/// What a walk found where sessions are known from before.
#[derive(Debug, Default)]
pub(super) struct WalkResult {
    /// What lies there, but for the run folders of unchanged sessions.
    pub survey: Survey,
    /// The sessions in which nothing has changed.
    pub unchanged: HashSet<FolderDigest>,
    /// How the others looked before they were listed, where that tells whether they change.
    pub looks_before: Vec<KnownSession>,
    /// Whether the times of folders tell of changes, as far as that was seen.
    pub are_times_true: bool,
}

/// Finds the projects at and below `roots`, and the run folders of each. A root that is a link is
/// followed, because somebody named it.
pub(crate) fn survey(roots: &[PathBuf]) -> Survey {
    Walk::default().through(roots).survey
}

/// As [`survey`] at `now`, where only changes are listed without a look into the sessions that are
/// `known` and have not changed.
pub(super) fn survey_changes(
    roots: &[PathBuf],
    known: &KnownSessions,
    extent: WalkExtent,
    now: Moment,
) -> WalkResult {
    let walk = Walk {
        known: Some((known, extent)),
        begun: now,
        ..Walk::default()
    };
    walk.through(roots)
}

/// What of the runs of one project is not seen.
pub(crate) fn problems_of_project(project: &Path) -> WatchProblems {
    let mut walk = Walk::default();
    walk.search_project(project);
    walk.problems
}

/// What is wrong with the watched folders themselves, without a look below them.
pub(crate) fn problems_of_roots(roots: &[PathBuf]) -> WatchProblems {
    let mut walk = Walk::default();
    for root in roots {
        let listed = Folder::named(root).and_then(|folder| folder.entries().map(drop));
        if let Err(error) = listed {
            walk.add_root(root, &error);
        }
    }
    walk.problems
}

/// All run folders below the `Reports` of a project.
pub fn find_runs(project: &Path) -> Vec<PathBuf> {
    let mut walk = Walk::default();
    walk.search_project(project);
    each_once(walk.runs)
}

/// The run folders of a project, but for those in sessions that are `known` and have not changed by
/// `now`.
pub(super) fn changed_runs(project: &Path, known: &KnownSessions, now: Moment) -> Vec<PathBuf> {
    let mut walk = Walk {
        known: Some((known, WalkExtent::ChangedSessions)),
        begun: now,
        ..Walk::default()
    };
    walk.search_project(project);
    each_once(walk.runs)
}

/// The run folders at and below a folder of a project's `Reports`, by its path in the project;
/// `None` where it is not there, or where something in it is not seen.
pub(crate) fn runs_below(project: &Path, folder: &Path) -> Option<Vec<PathBuf>> {
    let opened = Folder::at(project).ok()?;
    opened.folder(folder).ok()?;

    let mut walk = Walk::default();
    let first = WaitingFolder {
        below: folder.to_owned(),
        // As deep as it lies below `Reports`.
        depth: folder.components().count().saturating_sub(1),
        part: WatchedPart::Reports(project.to_owned()),
    };
    walk.search_from(project, &opened, first);
    walk.problems.is_empty().then(|| each_once(walk.runs))
}

/// How many folders lie at and below a folder, at most `most`; each of them that is watched costs a
/// watch on Linux.
pub(crate) fn count_folders(root: &Path, most: usize) -> usize {
    let mut count = 0;
    let Ok(top) = Folder::at(root) else {
        return count;
    };

    let mut waiting = vec![PathBuf::new()];
    while let Some(below) = waiting.pop() {
        if count >= most {
            break;
        }
        count += 1;
        for name in list(&top, &below).unwrap_or_default().folders {
            waiting.push(below.join(name));
        }
    }

    count
}

/// A walk that is going on.
#[derive(Default)]
struct Walk<'a> {
    /// Sessions that are not listed while they look the same; `None` has all listed.
    known: Option<(&'a KnownSessions, WalkExtent)>,
    begun: Moment,
    unchanged: HashSet<FolderDigest>,
    /// How the others looked before they were listed.
    looks_before: Vec<KnownSession>,
    /// Whether a session had other folders although it seemed to be unchanged.
    had_untrue_times: bool,
    /// The session that is being listed.
    session: Option<OpenSession>,
    /// The roots, comparable; each is searched by itself and not as part of another one.
    roots: HashSet<PathBuf>,
    /// Projects that were met, comparable: two roots may spell one folder in two ways, and the
    /// first one counts.
    visited: HashSet<PathBuf>,
    projects: Vec<PathBuf>,
    /// One project can lie in another, so a run folder may be met twice.
    runs: Vec<PathBuf>,
    /// What folders behind links hold: many links may lead to one.
    behind_links: HashMap<PathBuf, Behind>,
    /// Links to folders that hold a project, with the root below which each was met.
    linked_projects: Vec<(PathBuf, PathBuf)>,
    problems: WatchProblems,
    /// What was added last: one folder can be the reason that many others cannot be listed.
    last: Option<WatchProblem>,
}

/// What lies behind a link.
#[derive(Clone, Copy, Default)]
struct Behind {
    is_project: bool,
    is_run: bool,
}

/// A session that is being listed.
struct OpenSession {
    /// Its path below the project.
    below: PathBuf,
    listing: SessionListing,
}

/// A folder below `Reports` that is to be listed.
struct WaitingFolder {
    /// Its path below the project.
    below: PathBuf,
    depth: usize,
    part: WatchedPart,
}

impl Walk<'_> {
    /// Searches these watched folders.
    fn through(mut self, roots: &[PathBuf]) -> WalkResult {
        self.roots = roots.iter().map(|root| comparable(root)).collect();
        for root in roots {
            self.search_projects(root);
        }
        self.tell_linked_projects();

        // They stay for as long as it takes to look at all of them.
        self.looks_before.shrink_to_fit();
        self.projects.sort();
        WalkResult {
            survey: Survey {
                projects: self.projects,
                folders: each_once(self.runs),
                problems: self.problems,
            },
            unchanged: self.unchanged,
            looks_before: self.looks_before,
            are_times_true: !self.had_untrue_times,
        }
    }

    /// Searches a watched folder for projects, and each for its runs.
    fn search_projects(&mut self, root: &Path) {
        let part = WatchedPart::Below(root.to_owned());
        let top = match Folder::named(root) {
            Ok(top) => top,
            Err(error) => return self.add_root(root, &error),
        };

        let mut shares = ProjectShares::default();
        let mut waiting = vec![(PathBuf::new(), 0)];
        while let Some((below, depth)) = waiting.pop() {
            let folder = joined(root, &below);
            let content = match list(&top, &below) {
                Ok(content) => content,
                Err(error) if depth == 0 => {
                    self.add_root(root, &error);
                    continue;
                }
                Err(error) => {
                    self.add_unlisted(&folder, &part, &error);
                    continue;
                }
            };
            self.add_partly_listed(&folder, &content, &part);

            if content.is_project && depth > PROJECT_DEPTH {
                self.add(&part, folder, WatchFault::TooDeep(PROJECT_DEPTH));
                continue;
            }
            let is_new = content.is_project && self.visited.insert(comparable(&folder));
            if is_new && shares.takes(&below) {
                match top.folder(&below) {
                    Ok(project) => self.search_runs(&folder, &project),
                    Err(error) => self.add_unlisted(&folder, &part, &error),
                }
                self.projects.push(folder.clone());
            }
            self.note_links(&folder, &content, root);

            let next = self.to_search(&folder, content);
            if depth < PROJECT_DEPTH + BEYOND {
                waiting.extend(next.into_iter().map(|name| (below.join(name), depth + 1)));
            } else if !next.is_empty() {
                self.add(&part, folder, WatchFault::Unsearched(depth));
            }
        }

        for (below, fault) in shares.left_out() {
            self.add(&part, joined(root, &below), fault);
        }
    }

    /// The folders in a folder in which projects are searched, the last name first. Also those
    /// below a project, because one project can lie in another.
    fn to_search(&self, folder: &Path, content: FolderContent) -> Vec<OsString> {
        let mut names = content.folders;
        names.retain(|name| {
            let is_reports = content.is_project && is_named(name, REPORTS);
            let is_root = self.roots.contains(&comparable(&folder.join(name)));
            !is_reports && !is_skipped(name) && !is_root
        });

        names.sort_unstable_by(|one, other| other.cmp(one));
        names
    }

    /// Searches a project by its path, as [`Walk::search_runs`].
    fn search_project(&mut self, project: &Path) {
        match Folder::at(project) {
            Ok(folder) => self.search_runs(project, &folder),
            Err(error) => {
                let part = WatchedPart::Reports(project.to_owned());
                self.add_unlisted(&project.join(REPORTS), &part, &error);
            }
        }
    }

    /// Searches the `Reports` of a project for run folders.
    fn search_runs(&mut self, path: &Path, project: &Folder) {
        let part = WatchedPart::Reports(path.to_owned());

        // It could lead into another project, whose runs would be submitted with the settings of
        // this one, so nothing behind it is looked at.
        let look = project.look(Path::new(REPORTS));
        if look.is_ok_and(|look| look.kind == Kind::Link) {
            let reports = path.join(REPORTS);
            let to = resolved(&reports);
            return self.add(&part, reports, WatchFault::Linked(to));
        }

        let reports = WaitingFolder {
            below: PathBuf::from(REPORTS),
            depth: 0,
            part,
        };
        for session in self.search_folder(path, project, reports) {
            self.search_session(path, project, session);
        }
    }

    /// Searches a session for run folders, unless nothing has changed in it.
    fn search_session(&mut self, path: &Path, project: &Folder, session: WaitingFolder) {
        let Some((known, extent)) = self.known else {
            return self.search_from(path, project, session);
        };

        let digest = FolderDigest::of(&key(&path.join(&session.below)));
        let unchanged = known.unchanged(digest, project, &session.below);
        if unchanged.is_some() && extent == WalkExtent::ChangedSessions {
            self.unchanged.insert(digest);
            return;
        }

        self.session = Some(OpenSession {
            below: session.below.clone(),
            listing: SessionListing::begin(digest, self.begun),
        });
        self.search_from(path, project, session);
        let listed = self.session.take();
        let Some(listed) = listed.and_then(|session| session.listing.finish()) else {
            return;
        };
        self.had_untrue_times |= unchanged.is_some_and(|known| !known.has_folders_of(&listed));
        self.looks_before.push(listed);
    }

    /// Searches a folder of `Reports` for run folders.
    fn search_from(&mut self, path: &Path, project: &Folder, first: WaitingFolder) {
        let mut waiting = vec![first];
        while let Some(next) = waiting.pop() {
            waiting.extend(self.search_folder(path, project, next));
        }
    }

    /// Lists a folder of `Reports`; gives those in it that are to be searched.
    fn search_folder(
        &mut self,
        path: &Path,
        project: &Folder,
        next: WaitingFolder,
    ) -> Vec<WaitingFolder> {
        if let Some(session) = &mut self.session {
            session.listing.before(project, &next.below);
        }

        match list(project, &next.below) {
            Ok(content) => {
                self.note_listed(path, project, &next.below, &content);
                self.take_in(path, next, content)
            }
            Err(error) => {
                self.add_unlisted(&path.join(next.below), &next.part, &error);
                Vec::new()
            }
        }
    }

    /// Takes note of a folder of the session that is being listed.
    fn note_listed(&mut self, path: &Path, project: &Folder, way: &Path, content: &FolderContent) {
        let Some(session) = &mut self.session else {
            return;
        };

        // What a link leads to may change without any folder here.
        if !content.links.is_empty() {
            session.listing.give_up();
        }

        let is_run = content.signs.are_of_a_run();
        let run = is_run.then(|| FolderDigest::of(&key(&path.join(way))));
        let below = way.strip_prefix(&session.below).unwrap_or(way);
        session.listing.listed(project, way, below, run);
    }

    /// Takes note of a folder below `Reports`; gives those in it that are to be listed.
    fn take_in(
        &mut self,
        project: &Path,
        listed: WaitingFolder,
        content: FolderContent,
    ) -> Vec<WaitingFolder> {
        let WaitingFolder { below, depth, part } = listed;
        let path = project.join(&below);
        let is_run = content.signs.are_of_a_run();
        self.add_partly_listed(&path, &content, &part);

        // A run folder may hold others, each of which is a run of its own.
        let part = match part {
            WatchedPart::Reports(project) if is_run => WatchedPart::RunFolder(project),
            other => other,
        };
        for link in content.links {
            self.judge_link(path.join(link), &part);
        }

        if is_run && depth > RUN_DEPTH {
            self.add(&part, path.clone(), WatchFault::TooDeep(RUN_DEPTH));
        } else if is_run {
            self.runs.push(path.clone());
        }

        if depth >= RUN_DEPTH + BEYOND {
            if !content.folders.is_empty() {
                self.add(&part, path, WatchFault::Unsearched(depth));
            }
            return Vec::new();
        }

        let mut waiting = Vec::new();
        for name in content.folders {
            waiting.push(WaitingFolder {
                below: below.join(name),
                depth: depth + 1,
                part: part.clone(),
            });
        }
        waiting
    }

    /// Tells a link below `Reports` if runs may lie behind it that are not seen.
    fn judge_link(&mut self, link: PathBuf, part: &WatchedPart) {
        // One that leads nowhere hides nothing: browsers make such links, to keep others out.
        let Ok(target) = door::real_path(&link) else {
            return;
        };

        let may_hide_runs = match part {
            WatchedPart::Reports(project) => {
                // People have a `latest` beside the sessions that it leads to.
                let reports = resolved(&project.join(REPORTS));
                let is_folder = door::kind_of_target(&target).is_ok_and(|at| at == Kind::Folder);
                is_folder && !target.starts_with(reports)
            }
            // A test may link in its run folder what it wants.
            _ => self.behind(&target).is_run,
        };
        if may_hide_runs {
            self.add(part, link, WatchFault::Linked(target));
        }
    }

    /// Takes note of links to projects, and tells those in place of a project's file.
    fn note_links(&mut self, folder: &Path, content: &FolderContent, root: &Path) {
        for name in &content.links {
            let is_reports = content.is_project && is_named(name, REPORTS);
            if is_reports {
                continue;
            }

            let link = folder.join(name);
            let may_be_prj = has_extension(&link, "prj") && !content.is_project;
            if may_be_prj && door::kind_of_target(&link).is_ok_and(|at| at == Kind::File) {
                let below = WatchedPart::Below(root.to_owned());
                self.add(&below, link, WatchFault::LinkedProjectFile);
            } else if self.behind(&link).is_project {
                self.linked_projects.push((link, root.to_owned()));
            }
        }
    }

    /// What lies behind a link; each folder is listed once, however many links lead to it.
    fn behind(&mut self, link: &Path) -> Behind {
        let target = resolved(link);
        if let Some(behind) = self.behind_links.get(&target) {
            return *behind;
        }

        let behind = match list_named(&target) {
            Ok(content) => Behind {
                is_project: content.is_project,
                is_run: content.signs.are_of_a_run(),
            },
            Err(_) => Behind::default(),
        };
        self.behind_links.insert(target, behind);
        behind
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
        self.give_up_session();
        let (path, fault) = blame(folder, error);
        if !matches!(fault, WatchFault::Missing) {
            self.add(part, path, fault);
        }
    }

    /// Adds a folder of which not all could be listed.
    fn add_partly_listed(&mut self, folder: &Path, content: &FolderContent, part: &WatchedPart) {
        if let Some(error) = &content.broken_off {
            self.add_unlisted(folder, part, error);
        }
    }

    fn add(&mut self, part: &WatchedPart, path: PathBuf, fault: WatchFault) {
        self.give_up_session();
        let part = part.clone();
        let problem = WatchProblem { part, path, fault };
        if self.last.as_ref() != Some(&problem) {
            self.problems.add(problem.clone());
            self.last = Some(problem);
        }
    }

    /// What is not seen is told by each walk, so its session is listed by each.
    const fn give_up_session(&mut self) {
        if let Some(session) = &mut self.session {
            session.listing.give_up();
        }
    }
}

/// These paths sorted, each once.
fn each_once(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    paths.sort_unstable();
    paths.dedup();
    paths.shrink_to_fit();
    paths
}

fn is_skipped(folder: &OsStr) -> bool {
    SKIPPED.iter().any(|skipped| is_named(folder, skipped))
}

/// A path below a folder; the folder itself as it is spelled, without a separator at its end.
fn joined(folder: &Path, below: &Path) -> PathBuf {
    if below.as_os_str().is_empty() {
        folder.to_owned()
    } else {
        folder.join(below)
    }
}
