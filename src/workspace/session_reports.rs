//! Which reports of collections (`.rp`) lie in a session folder, listed once for all its run
//! folders.
//!
//! To find the report a whole session is listed, and each run in it is asked for. Katalon writes
//! the report before the members start, so a listing that saw a run folder saw the report that may
//! name it, however old it is; a folder that it did not see has the session listed again. What
//! stands in a report is read each time: a member that runs again is added to it.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use super::listing::holds_run;
use crate::clock::Stopwatch;
use crate::door::{Folder, Kind};
use crate::file_names::FolderId;
use crate::locked::locked;

/// Folders of a session that are searched for the collection's report, with the run folders.
pub(super) const MOST_FOLDERS: usize = 2000;
/// Reports that are read in a session: Katalon writes one.
pub(super) const MOST_REPORTS: usize = 20;

/// Sessions that are remembered; the one that was asked for longest ago goes first.
const MOST_SESSIONS: usize = 16;
/// How long the listing of a session that has more folders than are looked at answers for those
/// that it did not see.
const CUT_IS_BELIEVED: Duration = Duration::from_secs(30);

/// The sessions that were asked for last. They belong to the whole process, as the watched folders
/// of the door do: whoever locates a folder would have to hand them on otherwise.
static SESSIONS: LazyLock<Mutex<Sessions>> = LazyLock::new(Mutex::default);

/// The reports that lie in a session.
#[derive(Debug, Default)]
pub(super) struct SessionReports {
    /// Their paths in the session.
    pub paths: Vec<PathBuf>,
    /// Whether there is more than is looked at.
    pub is_cut: bool,
    /// The run folders, by their paths in the session.
    run_folders: HashSet<PathBuf>,
}

/// Listings of sessions, the newest last.
#[derive(Default)]
struct Sessions {
    listed: VecDeque<ListedSession>,
    /// How many listings were made.
    made: usize,
}

struct ListedSession {
    id: FolderId,
    since: Stopwatch,
    reports: Arc<SessionReports>,
}

/// The reports in an open session folder, as far as they concern the run folder at this path in it.
pub(super) fn reports_for(session: &Folder, run_folder: &Path) -> Arc<SessionReports> {
    let Ok(id) = session.id() else {
        return Arc::new(list(session));
    };

    // Not held while the session is listed, which may take as long as whoever writes it likes.
    if let Some(known) = locked(&SESSIONS).known(&id, run_folder) {
        return known;
    }
    let reports = Arc::new(list(session));
    locked(&SESSIONS).remember(id, Arc::clone(&reports));
    reports
}

impl Sessions {
    /// The listing of a session, where it tells of the run folder.
    fn known(&self, id: &FolderId, run_folder: &Path) -> Option<Arc<SessionReports>> {
        let session = self.listed.iter().find(|listed| listed.id.is_same(id))?;

        let tells = session.reports.run_folders.contains(run_folder)
            || (session.reports.is_cut && session.since.elapsed() < CUT_IS_BELIEVED);
        tells.then(|| Arc::clone(&session.reports))
    }

    fn remember(&mut self, id: FolderId, reports: Arc<SessionReports>) {
        self.made += 1;
        self.listed.retain(|listed| !listed.id.is_same(&id));
        if self.listed.len() == MOST_SESSIONS {
            self.listed.pop_front();
        }

        self.listed.push_back(ListedSession {
            id,
            since: Stopwatch::start(),
            reports,
        });
    }
}

/// Lists the `.rp` files below a session folder. Run folders are not looked into: they hold no
/// collection.
fn list(session: &Folder) -> SessionReports {
    // Bounded, because a test may write any number of folders there, and as many reports.
    let mut found = SessionReports::default();
    let mut waiting = vec![PathBuf::new()];
    let mut visited = 1;

    while let Some(folder) = waiting.pop() {
        let Ok(entries) = session.entries_of(&folder) else {
            continue;
        };

        for entry in entries.flatten() {
            let path = folder.join(&entry.name);
            if entry.kind != Kind::Folder {
                // Also a link: its reading tells what it is.
                if is_report(&path) && found.paths.len() == MOST_REPORTS {
                    found.is_cut = true;
                    return found;
                }
                if is_report(&path) {
                    found.paths.push(path);
                }
            } else if visited < MOST_FOLDERS {
                visited += 1;
                if holds_run(session, &path) {
                    found.run_folders.insert(path);
                } else {
                    waiting.push(path);
                }
            } else {
                found.is_cut = true;
            }
        }
    }
    found
}

/// Whether a file is by its name the report of a collection.
pub(super) fn is_report(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rp")
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make files")]
mod tests {
    use std::fs;

    use super::*;

    /// Makes so many run folders in a session, numbered from `first`.
    fn make_runs(session: &Path, first: usize, count: usize) {
        for number in first..first + count {
            let folder = session.join("Smoke").join(number.to_string());
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("execution0.log"), "").unwrap();
        }
    }

    fn run_folder(number: usize) -> PathBuf {
        Path::new("Smoke").join(number.to_string())
    }

    /// How many listings it takes to ask for these run folders, one after the other.
    fn listings_for(sessions: &mut Sessions, session: &Folder, runs: usize) -> usize {
        let before = sessions.made;
        let id = session.id().unwrap();
        for number in 0..runs {
            if sessions.known(&id, &run_folder(number)).is_none() {
                sessions.remember(id, Arc::new(list(session)));
            }
        }
        sessions.made - before
    }

    #[test]
    fn a_session_is_listed_once_however_many_runs_lie_in_it() {
        let folder = tempfile::tempdir().unwrap();
        for runs in [5, 20] {
            make_runs(folder.path(), 0, runs);
            let session = Folder::at(folder.path()).unwrap();

            let listings = listings_for(&mut Sessions::default(), &session, runs);

            assert_eq!(listings, 1, "{runs} runs");
        }
    }

    #[test]
    fn a_run_folder_that_came_later_has_its_session_listed_again_with_the_report_before_it() {
        let folder = tempfile::tempdir().unwrap();
        make_runs(folder.path(), 0, 1);
        let session = Folder::at(folder.path()).unwrap();
        reports_for(&session, &run_folder(0));
        fs::create_dir_all(folder.path().join("All/1")).unwrap();
        fs::write(folder.path().join("All/1/1.rp"), "").unwrap();
        make_runs(folder.path(), 1, 1);

        let reports = reports_for(&session, &run_folder(1));

        assert_eq!(reports.paths, [Path::new("All/1/1.rp")]);
    }

    #[test]
    fn the_session_that_was_listed_longest_ago_is_forgotten_first() {
        let mut sessions = Sessions::default();
        for number in 0..=MOST_SESSIONS as u64 {
            let id = FolderId {
                volume: 1,
                number,
                born: None,
            };
            sessions.remember(id, Arc::default());
        }

        assert_eq!(sessions.listed.len(), MOST_SESSIONS);
        assert_eq!(sessions.listed[0].id.number, 1);
    }
}
