//! Test suite collections on disk: which one a run folder belongs to, and which members it has.
//!
//! From Katalon 6.3 on a session folder (`Reports/<session>`) holds the collection's own folder
//! with its report (`.rp`) and, beside it, the run folders of its members.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::launch::read_launch;
use super::session_reports::{MOST_FOLDERS, MOST_REPORTS, is_report, reports_for};
use crate::door::Folder;
use crate::file_names::{is_named, same};
use crate::katalon::REPORTS;
use crate::katalon::collection_report::{CollectionReport, MOST_MEMBERS, suite_at};
use crate::katalon::damage::{Damage, DamageKind};

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
    search_collection(run_folder).0
}

/// As [`collection_of`]; where none is found also what of the reports could not be read, and may
/// list the folder.
pub(super) fn search_collection(run_folder: &Path) -> (Option<CollectionFolder>, Vec<Damage>) {
    let mut unread = Vec::new();
    let Some((reports, below)) = split_at_reports(run_folder) else {
        return (None, unread);
    };
    let names: Vec<&str> = below.iter().filter_map(|part| part.to_str()).collect();

    // A member lies at `<session>/<suite>/<stamp>` or deeper. Up to 6.2 there were no sessions.
    if names.len() < 3 {
        return (None, unread);
    }
    let session = reports.join(names[0]);
    let Ok(opened) = Folder::at(&session) else {
        return (None, unread);
    };

    let location = format!("Reports/{}", names.join("/"));
    let in_session: PathBuf = below[1..].iter().collect();
    let found = reports_for(&opened, &in_session);
    for path in &found.paths {
        let file = path.to_string_lossy();
        let bytes = match opened.whole(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                unread.push(unreadable(&file, error.to_string()));
                continue;
            }
        };

        match CollectionReport::read(&bytes) {
            Ok(report) if report.lists(&location) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                let collection = CollectionFolder {
                    folder: session.join(folder),
                    reports,
                    report,
                };
                return (Some(collection), Vec::new());
            }
            Ok(report) if report.is_cut => {
                let what = format!("it lists more than {MOST_MEMBERS} suite runs");
                unread.push(Damage::of(&file, DamageKind::UnreadableValue { what }));
            }
            // The report of another collection, or something else of this name.
            Ok(_) => {}
            Err(error) => unread.push(unreadable(&file, error.to_string())),
        }
    }

    if found.is_cut {
        let what = format!(
            "more than {MOST_FOLDERS} folders, or {MOST_REPORTS} reports of collections (`.rp`), \
             lie in it"
        );
        unread.push(Damage::of(names[0], DamageKind::UnreadableValue { what }));
    }
    (None, unread)
}

fn unreadable(file: &str, error: String) -> Damage {
    Damage::of(file, DamageKind::Unreadable { error })
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

    let opened = Folder::at(folder)?;
    for entry in opened.entries()? {
        let name = PathBuf::from(entry?.name);
        if !is_report(&name) {
            continue;
        }

        // One that cannot be read is no missing one, and must not be taken for that.
        let report = CollectionReport::read(&opened.whole(&name)?)
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
        .rposition(|name| is_named(OsStr::new(name), REPORTS))?;
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
        .rposition(|part| is_named(part.as_os_str(), REPORTS))?;

    let reports = parts[..=at].iter().collect();
    let below = parts[at + 1..]
        .iter()
        .map(|part| part.as_os_str().to_owned())
        .collect();
    Some((reports, below))
}
