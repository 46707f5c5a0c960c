//! Test suite collections on disk: which one a run folder belongs to, and which members it has.
//!
//! From Katalon 6.3 on a session folder (`Reports/<session>`) holds the collection's own folder with
//! its report (`.rp`) and, beside it, the run folders of its members.

#![expect(
    clippy::disallowed_methods,
    reason = "the session folder is searched on the disk"
)]

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::launch::read_launch;
use super::listing::is_run_folder;
use super::open;
use crate::file_names::{is_named, same};
use crate::katalon::collection_report::{CollectionReport, suite_at};

/// Folders of a session that are searched for the collection's report.
const MOST_FOLDERS: usize = 2000;
/// How deep below the session they may lie.
const DEEPEST: usize = 10;

/// A collection's run: its own folder, and what its report says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CollectionFolder {
    /// The folder that holds the `.rp`.
    pub folder: PathBuf,
    /// The project's `Reports` folder.
    pub reports: PathBuf,
    /// What the `.rp` says.
    pub report: CollectionReport,
}

/// A member as the `.rp` lists it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ListedMember {
    /// Its folder below `Reports`, with `/`.
    pub prefix: String,
    /// Its run folder.
    pub folder: PathBuf,
}

impl CollectionFolder {
    /// The members in the session of the collection, each once, in the order of the report. What
    /// the report lists elsewhere is a run of its own: no name in it leads out of the session.
    pub(crate) fn members(&self) -> Vec<ListedMember> {
        let session = self.session();
        let mut members: Vec<ListedMember> = Vec::new();
        let mut listed = HashSet::new();

        for location in &self.report.members {
            let Some(prefix) = location.trim_matches('/').strip_prefix("Reports/") else {
                continue;
            };
            let names: Vec<&str> = prefix.split('/').collect();
            let is_in_session = names.len() > 2 && names[0] == session;
            if !is_in_session || !names.iter().all(|name| is_plain(name)) {
                continue;
            }
            if !listed.insert(prefix) {
                continue;
            }

            let mut folder = self.reports.clone();
            folder.extend(&names);
            members.push(ListedMember {
                prefix: prefix.to_owned(),
                folder,
            });
        }
        members
    }

    /// Whether a run folder is that of a member.
    pub(crate) fn has_member(&self, folder: &Path) -> bool {
        self.members().iter().any(|member| member.folder == folder)
    }

    /// Id of the collection: what its report says, or up to Katalon 6.3, whose reports do not say,
    /// what its folder is called.
    pub(crate) fn id(&self) -> String {
        if let Some(id) = &self.report.id {
            return id.clone();
        }

        let below_reports = self
            .folder
            .strip_prefix(&self.reports)
            .unwrap_or(&self.folder);
        let names: Vec<_> = below_reports
            .components()
            .map(|part| part.as_os_str().to_string_lossy())
            .collect();
        suite_at(&names)
    }

    /// Name of the session folder, the first below `Reports`.
    fn session(&self) -> String {
        let Ok(below_reports) = self.folder.strip_prefix(&self.reports) else {
            return String::new();
        };
        match below_reports.components().next() {
            Some(name) => name.as_os_str().to_string_lossy().into_owned(),
            None => String::new(),
        }
    }
}

/// Whether a name that a report gives is that of a folder, and none that leads elsewhere.
fn is_plain(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['\\', ':'])
}

/// The collection that lists a run folder as its member, found by an `.rp` in the run's session.
/// The `.rp` is written before the members start; a member that runs again is added to it.
pub(crate) fn collection_of(run_folder: &Path) -> Option<CollectionFolder> {
    let (reports, below) = split_at_reports(run_folder)?;
    let names: Vec<&str> = below.iter().filter_map(|part| part.to_str()).collect();

    // A member lies at `<session>/<suite>/<stamp>` or deeper. Up to 6.2 there were no sessions.
    if names.len() < 3 {
        return None;
    }

    let location = format!("Reports/{}", names.join("/"));
    for path in reports_in(&reports.join(names[0])) {
        // One that is being written, or is no such report, is passed by.
        let Some(report) = read_report(&path) else {
            continue;
        };
        if report.lists(&location) {
            return Some(CollectionFolder {
                folder: path.parent()?.to_owned(),
                reports,
                report,
            });
        }
    }

    None
}

fn read_report(path: &Path) -> Option<CollectionReport> {
    CollectionReport::read(&open::whole(path).ok()?).ok()
}

/// The collection whose own folder this is.
///
/// # Errors
/// When the folder or its `.rp` cannot be read; `NotFound` when there is none.
pub(crate) fn collection_in(folder: &Path) -> io::Result<CollectionFolder> {
    let (reports, below) = split_at_reports(folder).ok_or_else(no_report)?;
    if below.len() < 3 {
        return Err(no_report());
    }

    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !is_report(&path) {
            continue;
        }

        // One that cannot be read is no missing one, and must not be taken for that.
        let report = CollectionReport::read(&open::whole(&path)?)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        return Ok(CollectionFolder {
            folder: std::path::absolute(folder)?,
            reports,
            report,
        });
    }
    Err(no_report())
}

fn no_report() -> io::Error {
    io::Error::new(
        io::ErrorKind::NotFound,
        "the folder holds no report of a collection (`.rp`)",
    )
}

fn is_report(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rp")
}

/// Where the run in a folder was written, below the `Reports` that the folder lies in; `None` when
/// it lies there itself or its launcher does not say. Only the names below `Reports` count: a
/// container sees its project elsewhere.
pub(crate) fn written_to(folder: &Path) -> Option<PathBuf> {
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
    // The path comes out of a file of the run, so nothing in it may lead out of `Reports`.
    let leads_out = names
        .iter()
        .any(|name| matches!(*name, "." | "..") || name.contains(':'));
    if names.is_empty() || leads_out {
        return None;
    }

    let mut written = reports.clone();
    written.extend(names);
    let mut here = reports;
    here.extend(&below);
    (!same(&written, &here)).then_some(written)
}

/// The last `Reports` folder above a path, and the names below it.
fn split_at_reports(path: &Path) -> Option<(PathBuf, Vec<OsString>)> {
    let path = std::path::absolute(path).ok()?;
    let parts: Vec<Component<'_>> = path.components().collect();
    let at = parts
        .iter()
        .rposition(|part| is_named(part.as_os_str(), "Reports"))?;

    let reports = parts[..=at].iter().collect();
    let below = parts[at + 1..]
        .iter()
        .map(|part| part.as_os_str().to_owned())
        .collect();
    Some((reports, below))
}

/// The `.rp` files below a session folder. Run folders are not looked into: they hold no
/// collection.
fn reports_in(session: &Path) -> Vec<PathBuf> {
    // Bounded, because a test may write any number of folders there.
    let mut reports = Vec::new();
    let mut waiting = vec![(session.to_owned(), 0)];
    let mut visited = 0;

    while let Some((folder, depth)) = waiting.pop() {
        visited += 1;
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        let may_go_deeper = depth < DEEPEST && visited < MOST_FOLDERS;

        for entry in entries.filter_map(Result::ok) {
            let path = entry.path();
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_file() && is_report(&path) {
                reports.push(path);
            } else if kind.is_dir() && may_go_deeper && !is_run_folder(&path) {
                waiting.push((path, depth + 1));
            }
        }
    }
    reports
}
