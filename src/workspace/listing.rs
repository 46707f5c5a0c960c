//! What lies in a run folder.
//!
//! The folder is foreign: its files come and go while it is listed, it may hold other runs, and
//! nobody bounds what a test writes into it. So the walk is bounded, and a listing says what it
//! left out.

use std::collections::VecDeque;
use std::io;
use std::path::Path;

use crate::door::{Entry, Folder, Kind};
use crate::file_names::KnownFolder;
use crate::katalon::remarks::Remarks;
use crate::katalon::run::file_kind::log_number;
use crate::katalon::run::{FileKind, RunFile};
use crate::moment::Moment;

/// Folders below a run folder that are looked into.
const DEEPEST: usize = 8;
/// Folders below a run folder that are looked into, with those that turn out to be other runs.
const MOST_FOLDERS: usize = 2_000;
/// Files of a run folder that are listed.
const MOST_FILES: usize = 20_000;
/// Parts of the log that are listed beyond that.
const MOST_LOGS: usize = 1_000;

/// The regular files of a run folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct FolderListing {
    /// Sorted by path.
    pub files: Vec<ListedFile>,
    /// What is called like a log at the top and is no regular file: a link, say. It counts as a
    /// log, and its reading tells why it has none.
    pub irregular_logs: Vec<String>,
    /// What was left out.
    pub warnings: Vec<String>,
}

/// A regular file of a run folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ListedFile {
    /// Path relative to the run folder with `/`, kind and size.
    pub file: RunFile,
    /// When it was last changed, by the file system's word.
    pub modified: Moment,
}

/// A listing that is being made.
#[derive(Default)]
struct OpenListing {
    listing: FolderListing,
    /// Parts of the log, regular or not.
    logs: usize,
    /// Folders that were looked at.
    folders: usize,
    /// What was left out, one by one.
    left_out: Remarks,
}

/// A folder that is still to be listed.
struct UnlistedFolder {
    /// Its path relative to the run folder, with `/`; empty for the run folder itself.
    prefix: String,
    depth: usize,
}

impl FolderListing {
    /// The latest change of any file.
    pub(crate) fn newest(&self) -> Option<Moment> {
        self.files.iter().map(|listed| listed.modified).max()
    }

    /// The earliest change of any file.
    pub(crate) fn oldest(&self) -> Option<Moment> {
        self.files.iter().map(|listed| listed.modified).min()
    }

    /// Whether there is an execution log.
    pub(crate) fn has_log(&self) -> bool {
        let mut files = self.files.iter();
        !self.irregular_logs.is_empty() || files.any(|listed| listed.file.kind == FileKind::Log)
    }

    /// The execution logs in the order in which Katalon wrote them: the highest number first,
    /// because each rotation renames what is there.
    pub(crate) fn logs(&self) -> Vec<&str> {
        let logs = self.numbered_logs();
        logs.into_iter().map(|(_, path)| path).collect()
    }

    /// The same with the number of each.
    pub(crate) fn numbered_logs(&self) -> Vec<(u64, &str)> {
        let regular = self.files.iter().map(|listed| listed.file.path.as_str());
        let irregular = self.irregular_logs.iter().map(String::as_str);

        let mut logs = Vec::new();
        for path in regular.chain(irregular) {
            if let Some(number) = log_number(path) {
                logs.push((number, path));
            }
        }
        logs.sort_unstable_by(|a, b| b.cmp(a));
        logs
    }
}

/// What names of files tell of the folder that they lie in.
#[derive(Debug, Default)]
pub(crate) struct RunSigns {
    has_log: bool,
    has_binding: bool,
    has_execution: bool,
}

impl RunSigns {
    /// Takes in what lies there. Also a link or pipe in the place of one of Katalon's files is a
    /// sign: whoever reads the run is told what it is.
    pub(crate) fn see(&mut self, entry: &Entry) {
        if entry.kind == Kind::Folder {
            return;
        }

        let name = &*entry.name.to_string_lossy();
        self.has_log |= log_number(name).is_some();
        self.has_binding |= name == "testCaseBinding";
        self.has_execution |= name == "execution.properties";
    }

    /// Whether the folder holds a suite run: an execution log, or the launcher's files. Neither its
    /// name nor its place matters.
    pub(crate) const fn are_of_a_run(&self) -> bool {
        // Depth says nothing: a suite may lie in any number of folders, and one of these may be
        // called like a time stamp.
        self.has_log || (self.has_binding && self.has_execution)
    }
}

/// Whether a folder holds a suite run: an execution log, or the launcher's `testCaseBinding` and
/// `execution.properties`.
pub fn is_run_folder(folder: &Path) -> bool {
    Folder::at(folder).is_ok_and(|folder| holds_run(&folder, Path::new("")))
}

/// As [`is_run_folder`], of a folder below an open one.
pub(super) fn holds_run(folder: &Folder, below: &Path) -> bool {
    let Ok(entries) = folder.entries_of(below) else {
        return false;
    };

    let mut signs = RunSigns::default();
    for entry in entries.flatten() {
        signs.see(&entry);
        if signs.are_of_a_run() {
            return true;
        }
    }

    false
}

/// Lists a run folder by its path, as [`list`].
///
/// # Errors
/// When the folder itself cannot be listed.
pub(crate) fn list_run_folder(folder: &Path) -> io::Result<FolderListing> {
    list(&Folder::at(folder)?)
}

/// Lists a run folder that was read before, if it still is the same one.
///
/// # Errors
/// When it is not, or when it cannot be listed.
pub(crate) fn list_known_folder(folder: &KnownFolder) -> io::Result<FolderListing> {
    list(&Folder::known(folder)?)
}

/// Lists the regular files of a run folder and of the folders in it; run folders inside it are runs
/// of their own and left out, as are links.
///
/// # Errors
/// When the folder itself cannot be listed.
pub(crate) fn list(folder: &Folder) -> io::Result<FolderListing> {
    // Breadth first: where the limit strikes, what lies deepest is left out, and never Katalon's
    // own files before what a test wrote into folders.
    let mut listing = OpenListing::default();
    let mut is_full = false;
    let mut waiting = VecDeque::from([UnlistedFolder {
        prefix: String::new(),
        depth: 0,
    }]);

    while let Some(next) = waiting.pop_front() {
        let is_top = next.depth == 0;
        if is_full && !is_top {
            break;
        }

        let inner;
        let listed = if is_top {
            folder
        } else {
            match folder.folder(Path::new(&next.prefix)) {
                Ok(opened) => {
                    inner = opened;
                    &inner
                }
                Err(error) => {
                    listing.add_unlisted(&next.prefix, &error);
                    continue;
                }
            }
        };
        let entries = match listed.entries() {
            Ok(entries) => entries,
            Err(error) if is_top => return Err(error),
            Err(error) => {
                listing.add_unlisted(&next.prefix, &error);
                continue;
            }
        };

        for entry in entries.flatten() {
            // Logs lie at the top and are listed however many other files there are.
            let has_room = listing.listing.files.len() < MOST_FILES;
            let is_log = is_top && log_number(&entry.name.to_string_lossy()).is_some();
            if has_room || (is_log && listing.logs < MOST_LOGS) {
                waiting.extend(listing.add(entry, listed, &next));
            } else {
                is_full = true;
            }
        }
    }

    let mut listing = listing.finish();
    if is_full {
        listing
            .warnings
            .push(format!("only {MOST_FILES} files of the folder are listed"));
    }
    Ok(listing)
}

/// The newest change of any file, be it of its content, its name or its times, so that a copy which
/// keeps old modification times is not taken for an old folder; `None` when the file system does
/// not tell.
pub(crate) fn newest_change(folder: &Path, listing: &FolderListing) -> Option<Moment> {
    let folder = Folder::at(folder).ok()?;
    let mut newest = None;
    for listed in &listing.files {
        match folder.look(Path::new(&listed.file.path)) {
            Ok(look) => newest = newest.max(Some(look.changed?)),
            // Whatever removed it changes how the folder looks.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => return None,
        }
    }
    newest
}

impl OpenListing {
    /// The whole, sorted.
    fn finish(self) -> FolderListing {
        let mut listing = self.listing;
        listing.warnings = self.left_out.into_list("more such place");
        if self.folders > MOST_FOLDERS {
            listing.warnings.push(format!(
                "only {MOST_FOLDERS} folders in the run folder are looked into"
            ));
        }

        // The file system's order may differ from look to look, and the fingerprint with it.
        listing.files.sort_by(|a, b| a.file.path.cmp(&b.file.path));
        listing
    }

    /// Adds a file that lies in `folder`, or gives back a folder to look into. `parent` is where
    /// that lies.
    fn add(
        &mut self,
        entry: Entry,
        folder: &Folder,
        parent: &UnlistedFolder,
    ) -> Option<UnlistedFolder> {
        let prefix = &parent.prefix;
        let Ok(name) = entry.name.into_string() else {
            self.left_out.add(|| {
                format!("a file in `{prefix}` has a name that is not Unicode; it was left out")
            });
            return None;
        };

        let path = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}/{name}")
        };
        let below = Path::new(&name);
        if entry.kind != Kind::Folder {
            self.logs += usize::from(FileKind::of(&path) == FileKind::Log);
            if entry.kind == Kind::File {
                self.add_file(path, folder, below);
            } else if FileKind::of(&path) == FileKind::Log && self.logs <= MOST_LOGS {
                self.listing.irregular_logs.push(path);
            }
            return None;
        }

        // Each costs a listing, also one without anything in it.
        self.folders += 1;
        if self.folders > MOST_FOLDERS || holds_run(folder, below) {
            return None;
        }
        if parent.depth == DEEPEST {
            self.left_out
                .add(|| format!("the folder `{path}` is nested too deep; it was left out"));
            return None;
        }
        Some(UnlistedFolder {
            prefix: path,
            depth: parent.depth + 1,
        })
    }

    /// Adds a file, unless it is gone again.
    fn add_file(&mut self, path: String, folder: &Folder, below: &Path) {
        let Ok(look) = folder.look(below) else {
            return;
        };

        let file = RunFile {
            kind: FileKind::of(&path),
            size: look.size,
            path,
        };
        self.listing.files.push(ListedFile {
            file,
            modified: look.modified,
        });
    }

    fn add_unlisted(&mut self, prefix: &str, error: &io::Error) {
        self.left_out
            .add(|| format!("the folder `{prefix}` cannot be listed: {error}"));
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make files")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn kinds_follow_from_names() {
        let cases = [
            ("execution0.log", FileKind::Log),
            ("execution12.log", FileKind::Log),
            ("execution.log", FileKind::Other),
            ("executionx.log", FileKind::Other),
            ("execution0.log.lck", FileKind::Other),
            ("old/execution0.log", FileKind::Other),
            ("console0.log", FileKind::Other),
            ("a/B.PNG", FileKind::Png),
            ("x.html", FileKind::Html),
            ("x.pdf", FileKind::Pdf),
            ("x.csv", FileKind::Csv),
            ("videos/Pay_1_0.MP4", FileKind::Video),
            ("videos/Pay_1_0.srt", FileKind::Video),
            ("videos/Pay_1_0.tmp", FileKind::Other),
            ("videos/._Pay_1_0.mp4", FileKind::Other),
            ("testCaseBinding", FileKind::Other),
            ("execution.properties", FileKind::Other),
        ];

        for (path, kind) in cases {
            assert_eq!(FileKind::of(path), kind, "{path}");
        }
    }

    #[test]
    fn a_folder_is_listed_without_the_runs_inside_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("keyes")).unwrap();
        fs::create_dir_all(root.join("20240101_000000")).unwrap();

        for name in [
            "execution0.log",
            "execution2.log",
            "execution10.log",
            "keyes/a.png",
            "20240101_000000/execution0.log",
        ] {
            fs::write(root.join(name), "x").unwrap();
        }

        let listing = list_run_folder(root).unwrap();

        let paths: Vec<&str> = listing
            .files
            .iter()
            .map(|listed| listed.file.path.as_str())
            .collect();
        assert_eq!(
            paths,
            [
                "execution0.log",
                "execution10.log",
                "execution2.log",
                "keyes/a.png"
            ]
        );

        assert_eq!(
            listing.logs(),
            ["execution10.log", "execution2.log", "execution0.log"]
        );

        assert!(listing.has_log());
        assert!(listing.newest().is_some());
    }

    #[test]
    fn of_very_many_folders_only_some_are_looked_into_and_that_is_told() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..=MOST_FOLDERS {
            fs::create_dir(folder.path().join(number.to_string())).unwrap();
        }
        fs::write(folder.path().join("execution0.log"), "x").unwrap();

        let listing = list_run_folder(folder.path()).unwrap();

        let limit = format!("only {MOST_FOLDERS} folders in the run folder are looked into");
        assert_eq!(listing.warnings, [limit]);
        assert_eq!(listing.logs(), ["execution0.log"]);
    }

    #[test]
    fn folders_that_are_nested_too_deep_are_told_of_in_some_places() {
        let folder = tempfile::tempdir().unwrap();
        let deep = (0..DEEPEST).map(|_| "d").collect::<Vec<_>>().join("/");
        for number in 0..30 {
            fs::create_dir_all(folder.path().join(&deep).join(number.to_string())).unwrap();
        }

        let listing = list_run_folder(folder.path()).unwrap();

        let last = listing.warnings.last().unwrap();
        assert_eq!(last, "… and 10 more such places");
        assert_eq!(listing.warnings.len(), 21);
    }

    #[test]
    fn a_run_folder_is_known_by_its_files() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_run_folder(folder.path()));

        fs::write(folder.path().join("testCaseBinding"), "").unwrap();
        assert!(!is_run_folder(folder.path()));

        fs::write(folder.path().join("execution.properties"), "").unwrap();
        assert!(is_run_folder(folder.path()));
        assert!(!is_run_folder(&folder.path().join("nix")));
    }
}
