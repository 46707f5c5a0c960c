//! Copies of the files that waiting runs need: a workspace may be wiped at any moment after the
//! suite ended (I8).
//!
//! ```text
//! STATE/spool/<digest of the run's identity>/<digest of the project's root>/
//!     <path inside the run folder>
//!     .kado-project/<path inside the project>
//! ```
//!
//! Runs of two projects are kept apart whatever their logs say: what one project's run is sent with
//! never comes from another.
//!
//! A copy carries the modification time of its original, by which it is known to be up to date, and
//! its holes ([`holes`]): only what takes room on the disk counts. The spool has a limit, and the
//! last quarter of it is kept for others than the project that uses the rest; what does not fit is
//! sent from where it lies. Nothing in here is needed for correctness: a copy that is missing costs
//! only itself, and is then named in the run's comment. Copies share blocks with their originals
//! where the file system can do that for a plain copy (`copy_file_range` on Linux).

#![expect(clippy::disallowed_methods, reason = "the spool is a folder of copies")]

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::discovery::run_identity::RunIdentity;
use crate::door;
use crate::file_names::KnownFolder;
use crate::holes;
use crate::katalon::run::RunFile;
use crate::state_dir;

/// Name of the folder in the state folder.
const FOLDER: &str = "spool";
/// Beginning of the name of a copy that is being made, in the folder of its run; the number of the
/// copying stands behind it. It is short, because names in a run folder may be as long as the file
/// system allows.
const UNFINISHED: &str = ".kado-part";
/// Counts the times that files of a run are copied: one that a file system did not answer goes on
/// when it does, beside the next.
static COPYING: AtomicU64 = AtomicU64::new(0);

/// Folder of the copies of files that lie in the project beside the run folder.
const OF_PROJECT: &str = ".kado-project";

/// How long the files of a run are copied at once; what is left then is copied at the next
/// occasion, if there is one before it is sent.
const LONGEST: Duration = Duration::from_secs(60);
/// Hexadecimal digits of a digest that names something in the spool.
const DIGITS: usize = 32;

/// The spool of a state folder.
#[derive(Clone, Debug)]
pub(crate) struct Spool {
    state_dir: PathBuf,
    root: PathBuf,
    limit: u64,
}

/// How much of the spool is used, as far as whoever copies knows; nothing is known at first. It may
/// be too much, because others remove copies; before anything is left for want of room it is
/// measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Used(Option<UsedRoom>);

/// Bytes that copies take.
#[derive(Clone, Debug, Default)]
struct UsedRoom {
    all: u64,
    /// By the digests of their roots.
    of_projects: HashMap<String, u64>,
}

impl UsedRoom {
    fn add(&mut self, project: &str, size: u64) {
        self.all = self.all.saturating_add(size);
        let used = self.of_projects.entry(project.to_owned()).or_default();
        *used = used.saturating_add(size);
    }

    /// Whether so much more of a project fits.
    fn fits(&self, limit: u64, project: &str, size: u64) -> bool {
        let used = self.of_projects.get(project).copied().unwrap_or(0);
        self.all.saturating_add(size) <= limit && used.saturating_add(size) <= limit - limit / 4
    }
}

/// What copying came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Copied {
    /// Files that are in the spool and up to date.
    pub files: usize,
    /// Files for which there was no room, or no time.
    pub left: usize,
    /// Files that could not be copied; each costs only itself.
    pub failed: usize,
    /// Why the first of these could not.
    pub error: Option<String>,
}

impl Copied {
    fn fail(&mut self, path: &str, error: &io::Error) {
        self.failed += 1;
        self.error
            .get_or_insert_with(|| format!("`{path}`: {error}"));
    }
}

/// A file that is copied. Whatever is asked of it is asked of a file system that may not answer.
struct Original {
    file: File,
    path: PathBuf,
}

impl Original {
    fn open(folder: &KnownFolder, path: &str) -> io::Result<Self> {
        Ok(Self {
            file: door::file_of_run(folder, Path::new(path))?,
            path: folder.path.join(path),
        })
    }

    fn metadata(&self) -> io::Result<Metadata> {
        let _waiting = door::ask_for(&self.path)?;
        self.file.metadata()
    }

    /// Whether there is a copy of it that is up to date.
    fn is_copied(&self, to: &Path) -> bool {
        let Ok(from) = self.metadata() else {
            return false;
        };
        let Ok(copy) = fs::symlink_metadata(to) else {
            return false;
        };
        from.len() == copy.len() && from.modified().ok() == copy.modified().ok()
    }

    /// Bytes that it takes on the disk, where that can be told.
    fn stored(&self) -> Option<u64> {
        let metadata = self.metadata().ok()?;
        Some(holes::stored(&metadata))
    }

    /// Refuses a file that is nothing but a hole.
    fn refuse_empty(&self) -> io::Result<()> {
        let _waiting = door::ask_for(&self.path)?;
        holes::refuse_empty(&self.file)
    }

    /// Copies content and modification time, and waits until they are on the disk: after a power
    /// cut a copy is whole or not there, because it is preferred to its original.
    fn copy_to(&mut self, to: &Path) -> io::Result<u64> {
        let modified = self.metadata()?.modified()?;
        let mut copy = state_dir::open_file(to)?;
        // One that is left of a crash may be longer.
        copy.set_len(0)?;
        let size = holes::copy(&mut self.file, &mut copy, || door::ask_for(&self.path))?;
        copy.set_modified(modified)?;
        copy.sync_all()?;
        Ok(size)
    }
}

impl Spool {
    /// The spool of a state folder, with a limit in bytes.
    pub(crate) fn new(state_dir: &Path, limit: u64) -> Self {
        Self {
            state_dir: state_dir.to_owned(),
            root: state_dir.join(FOLDER),
            limit,
        }
    }

    /// Where the copies of a run of this project lie; `root` as it compares.
    pub(crate) fn folder_of(&self, run: &RunIdentity, root: &str) -> PathBuf {
        self.root.join(name_of(run)).join(digest([root]))
    }

    /// Where the copies of a run lie, if there are any; where several projects have some, the
    /// folder around them.
    pub(crate) fn copies_of(&self, run: &RunIdentity) -> Option<PathBuf> {
        let around = self.root.join(name_of(run));
        let mut of_projects = folders_in(&around);
        match of_projects.len() {
            0 => None,
            1 => of_projects.pop(),
            _ => Some(around),
        }
    }

    /// Brings the copies of a run up to date with its folder. `used` saves walking through the
    /// spool for every run; `project` is the root of the run's project as it compares, with whose
    /// other runs it shares its part of the spool. Files that vanished meanwhile are passed over,
    /// as are those of another folder in its place.
    pub(crate) fn copy<'a>(
        &self,
        run: &RunIdentity,
        project: &str,
        folder: &KnownFolder,
        files: impl Iterator<Item = &'a RunFile>,
        used: &mut Used,
    ) -> Copied {
        let target = self.folder_of(run, project);
        let project = digest([project]);
        let number = COPYING.fetch_add(1, Ordering::Relaxed);
        let unfinished = target.join(format!("{UNFINISHED}{number}"));
        let mut copied = Copied::default();
        let taken = Stopwatch::start();
        for file in files {
            let original = match Original::open(folder, &file.path) {
                Ok(original) => original,
                Err(error) if door::is_silent(&error) => {
                    copied.fail(&file.path, &error);
                    continue;
                }
                Err(_) => continue,
            };
            let to = target.join(path_of_copy(&file.path));
            if original.is_copied(&to) {
                copied.files += 1;
                continue;
            }

            let size = original.stored().unwrap_or(file.size);
            if taken.elapsed() >= LONGEST || !self.has_room(&project, size, used) {
                copied.left += 1;
                continue;
            }

            let done = self
                .make_folder(&target)
                .and_then(|()| self.copy_file(original, &to, &unfinished));
            match done {
                Ok(size) => {
                    if let Some(used) = &mut used.0 {
                        used.add(&project, size);
                    }
                    copied.files += 1;
                }
                Err(error) => copied.fail(&file.path, &error),
            }
        }
        copied
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        match folder.strip_prefix(&self.state_dir) {
            Ok(inside) => state_dir::make_folder_in(&self.state_dir, inside),
            Err(_) => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Copies under another name first, so that a copy is whole or not there.
    fn copy_file(&self, mut from: Original, to: &Path, unfinished: &Path) -> io::Result<u64> {
        from.refuse_empty()?;
        if let Some(folder) = to.parent() {
            self.make_folder(folder)?;
        }

        let copied = from.copy_to(unfinished).and_then(|size| {
            // On Windows another program may have the old copy open for a moment.
            door::patiently(|| fs::rename(unfinished, to))?;
            Ok(size)
        });

        if copied.is_err() {
            let _ = fs::remove_file(unfinished);
        }
        copied
    }

    fn has_room(&self, project: &str, size: u64, used: &mut Used) -> bool {
        // Others remove copies, so what is known may be too much: before a file is left it is
        // measured.
        if let Some(used) = &used.0
            && used.fits(self.limit, project, size)
        {
            return true;
        }
        let measured = self.measure();
        let fits = measured.fits(self.limit, project, size);
        used.0 = Some(measured);
        fits
    }

    /// Bytes that the copies of each project take.
    fn measure(&self) -> UsedRoom {
        let mut used = UsedRoom::default();
        if !state_dir::is_folder(&self.root) {
            return used;
        }
        for run in folders_in(&self.root) {
            for project in folders_in(&run) {
                let name = project.file_name().unwrap_or_default();
                used.add(&name.to_string_lossy(), size_of(&project));
            }
        }
        used
    }

    /// Bytes that all copies take; `None` for who may not look.
    pub(crate) fn bytes(&self) -> Option<u64> {
        match fs::read_dir(&self.root) {
            Ok(_) => Some(size_of(&self.root)),
            // It is made with the first copy.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(0),
            Err(_) => None,
        }
    }

    /// Removes the copies of a run of this project; `root` as it compares.
    pub(crate) fn remove(&self, run: &RunIdentity, root: &str) {
        // What cannot be removed now is removed at the next purge.
        let _ = fs::remove_dir_all(self.folder_of(run, root));
        // It stays where another project has copies of such a run.
        let _ = fs::remove_dir(self.root.join(name_of(run)));
    }

    /// Removes the copies of all runs but these.
    pub(crate) fn purge<'a>(&self, keep: impl Iterator<Item = &'a RunIdentity>) {
        // What lies behind a link in its place is not kado's to remove.
        if !state_dir::is_folder(&self.root) {
            return;
        }

        // By names, because a digest cannot be turned back into the identity of a run.
        let keep: HashSet<String> = keep.map(name_of).collect();
        for entry in fs::read_dir(&self.root).into_iter().flatten().flatten() {
            if !keep.contains(&*entry.file_name().to_string_lossy()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

/// Where the copy of a file lies below the copies of its run. Those of the project, whose paths
/// climb out of the run folder, have a folder of their own.
pub(crate) fn path_of_copy(path: &str) -> String {
    let inside = path.trim_start_matches("../");
    if inside.len() == path.len() {
        path.to_owned()
    } else {
        format!("{OF_PROJECT}/{inside}")
    }
}

/// The uuid is left out: it can come late.
fn name_of(run: &RunIdentity) -> String {
    digest([&run.suite, &run.host, &run.started.millis().to_string()])
}

fn digest<const N: usize>(parts: [&str; N]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        // With its length, so that no two lists run together to the same bytes.
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..DIGITS].to_owned()
}

/// The folders in a folder, never behind a link.
fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if state_dir::is_folder(&path) {
            folders.push(path);
        }
    }
    folders
}

fn size_of(folder: &Path) -> u64 {
    let mut size = 0;
    let mut waiting = vec![folder.to_owned()];

    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => waiting.push(entry.path()),
                Ok(metadata) => size += holes::stored(&metadata),
                Err(_) => {}
            }
        }
    }
    size
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::run::FileKind;
    use crate::moment::Moment;

    /// The project of the runs.
    const PROJECT: &str = "shop";

    fn run(started: i64) -> RunIdentity {
        RunIdentity {
            suite: "Test Suites/A".to_owned(),
            started: Moment::from_millis(started),
            host: "agent".to_owned(),
            execution_uuid: None,
        }
    }

    /// A run folder of which only its path is known.
    fn known(folder: &tempfile::TempDir) -> KnownFolder {
        KnownFolder {
            path: folder.path().to_owned(),
            id: None,
        }
    }

    /// What is copied where nothing goes wrong.
    fn all_of(files: usize) -> Copied {
        Copied {
            files,
            ..Copied::default()
        }
    }

    /// Copies files of a run as a recording does that does not know yet what is used.
    fn copy(spool: &Spool, started: i64, work: &tempfile::TempDir, files: &[RunFile]) -> Copied {
        copy_of(PROJECT, spool, started, work, files)
    }

    /// As [`copy`], for a project.
    fn copy_of(
        project: &str,
        spool: &Spool,
        started: i64,
        work: &tempfile::TempDir,
        files: &[RunFile],
    ) -> Copied {
        spool.copy(
            &run(started),
            project,
            &known(work),
            files.iter(),
            &mut Used::default(),
        )
    }

    fn file(path: &str, size: u64) -> RunFile {
        RunFile {
            path: path.to_owned(),
            kind: FileKind::Png,
            size,
        }
    }

    #[test]
    fn copies_follow_their_originals_and_survive_them() {
        let state = tempfile::tempdir().unwrap();
        let work = tempfile::tempdir().unwrap();
        let spool = Spool::new(state.path(), 1000);
        fs::create_dir(work.path().join("deep")).unwrap();
        fs::write(work.path().join("deep/1.png"), "one").unwrap();
        let files = [file("deep/1.png", 3), file("gone.png", 3)];
        assert_eq!(copy(&spool, 1, &work, &files), all_of(1));

        fs::write(work.path().join("deep/1.png"), "other").unwrap();
        copy(&spool, 1, &work, &files);
        fs::remove_dir_all(work.path().join("deep")).unwrap();
        copy(&spool, 1, &work, &files);

        assert_eq!(
            fs::read_to_string(spool.folder_of(&run(1), PROJECT).join("deep/1.png")).unwrap(),
            "other"
        );
    }

    #[test]
    fn what_does_not_fit_stays_where_it_is() {
        let state = tempfile::tempdir().unwrap();
        let work = tempfile::tempdir().unwrap();
        let spool = Spool::new(state.path(), 5);
        for name in ["1.png", "2.png", "3.png"] {
            fs::write(work.path().join(name), "1234").unwrap();
        }

        let files = [file("1.png", 4), file("2.png", 4), file("3.png", 4)];
        let copied = copy(&spool, 1, &work, &files);

        assert_eq!(copied.files, 1);
        assert_eq!(copied.left, 2);
    }

    #[test]
    fn a_file_that_cannot_be_copied_costs_only_itself() {
        let state = tempfile::tempdir().unwrap();
        let work = tempfile::tempdir().unwrap();
        let spool = Spool::new(state.path(), 1000);
        let longest = format!("{}.csv", "n".repeat(251));
        let names = ["a.png", "in the way/b.png", &longest, "zz.png"];
        fs::create_dir(work.path().join("in the way")).unwrap();
        fs::create_dir_all(spool.folder_of(&run(1), PROJECT)).unwrap();
        fs::write(
            spool.folder_of(&run(1), PROJECT).join("in the way"),
            "a file where a folder has to be",
        )
        .unwrap();
        for name in names {
            fs::write(work.path().join(name), "1").unwrap();
        }

        let copied = copy(&spool, 1, &work, &names.map(|name| file(name, 1)));

        assert_eq!(copied.files, 3);
        assert_eq!(copied.left, 0);
        assert_eq!(copied.failed, 1);
        let error = copied.error.unwrap();
        assert!(error.starts_with("`in the way/b.png`: "), "{error}");
        for name in ["a.png", &longest, "zz.png"] {
            assert!(
                spool.folder_of(&run(1), PROJECT).join(name).is_file(),
                "{name}"
            );
        }
    }

    #[test]
    fn what_others_removed_makes_room() {
        let state = tempfile::tempdir().unwrap();
        let work = tempfile::tempdir().unwrap();
        let spool = Spool::new(state.path(), 5);
        fs::write(work.path().join("1.png"), "1234").unwrap();
        let mut used = Used::default();
        let mut copy = |started| {
            spool.copy(
                &run(started),
                PROJECT,
                &known(&work),
                [file("1.png", 4)].iter(),
                &mut used,
            )
        };
        assert_eq!(copy(1), all_of(1));
        assert_eq!(copy(2).left, 1);

        spool.remove(&run(1), PROJECT);
        assert_eq!(copy(2), all_of(1));
    }

    #[test]
    fn the_last_quarter_is_kept_for_other_projects_also_after_a_restart() {
        let state = tempfile::tempdir().unwrap();
        let work = tempfile::tempdir().unwrap();
        let spool = Spool::new(state.path(), 16);
        for name in ["1.png", "2.png", "3.png", "4.png"] {
            fs::write(work.path().join(name), "1234").unwrap();
        }
        let files = ["1.png", "2.png", "3.png", "4.png"].map(|name| file(name, 4));

        let of_shop = copy(&spool, 1, &work, &files);
        let more = copy(&spool, 2, &work, &files);
        let of_bank = copy_of("bank", &spool, 3, &work, &files);

        assert_eq!((of_shop.files, of_shop.left), (3, 1));
        assert_eq!((more.files, more.left), (0, 4));
        assert_eq!((of_bank.files, of_bank.left), (1, 3));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_all_hole_is_not_copied_and_another_hole_takes_no_room() {
        let state = tempfile::tempdir().unwrap();
        let work = tempfile::tempdir().unwrap();
        let spool = Spool::new(state.path(), 1 << 20);
        for (name, content) in [("empty.png", ""), ("tail.png", "1")] {
            fs::write(work.path().join(name), content).unwrap();
            let file = File::options().write(true).open(work.path().join(name));
            file.unwrap().set_len(1 << 30).unwrap();
        }
        let files = ["empty.png", "tail.png"].map(|name| file(name, 1 << 30));

        let copied = copy(&spool, 1, &work, &files);

        assert_eq!((copied.files, copied.failed, copied.left), (1, 1, 0));
        let error = copied.error.unwrap();
        assert!(error.contains("nothing was ever written to it"), "{error}");
        let copy = fs::metadata(spool.folder_of(&run(1), PROJECT).join("tail.png")).unwrap();
        assert_eq!(copy.len(), 1 << 30);
        assert!(holes::stored(&copy) < 1 << 20);
    }

    #[test]
    fn a_purge_keeps_what_is_waiting() {
        let state = tempfile::tempdir().unwrap();
        let work = tempfile::tempdir().unwrap();
        let spool = Spool::new(state.path(), 1000);
        fs::write(work.path().join("1.png"), "1").unwrap();
        for started in [1, 2] {
            copy(&spool, started, &work, &[file("1.png", 1)]);
        }

        spool.purge([run(2)].iter());
        assert!(!spool.folder_of(&run(1), PROJECT).exists());
        assert!(spool.folder_of(&run(2), PROJECT).exists());

        spool.remove(&run(2), PROJECT);
        assert!(!spool.folder_of(&run(2), PROJECT).exists());
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_removed_or_copied_behind_a_link_in_place_of_the_spool() {
        let state = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let work = tempfile::tempdir().unwrap();
        let spool = Spool::new(state.path(), 1000);
        fs::write(work.path().join("1.png"), "1").unwrap();
        fs::create_dir(elsewhere.path().join("papers")).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), state.path().join(FOLDER)).unwrap();

        let files = [file("1.png", 1)];
        let copied = copy(&spool, 1, &work, &files);
        spool.purge(std::iter::empty());

        assert_eq!(copied.failed, 1);
        let left: Vec<_> = fs::read_dir(elsewhere.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(elsewhere.path().join("papers").exists());
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed_into_the_spool() {
        let state = tempfile::tempdir().unwrap();
        let work = tempfile::tempdir().unwrap();
        let spool = Spool::new(state.path(), 1000);
        fs::write(work.path().join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(work.path().join("secret"), work.path().join("1.png")).unwrap();
        let copied = copy(&spool, 1, &work, &[file("1.png", 6)]);
        assert_eq!(copied, Copied::default());
    }

    #[test]
    fn copies_of_two_projects_are_kept_apart_though_their_runs_say_the_same() {
        let state = tempfile::tempdir().unwrap();
        let work = tempfile::tempdir().unwrap();
        let other_work = tempfile::tempdir().unwrap();
        let spool = Spool::new(state.path(), 1000);
        fs::write(work.path().join("1.png"), "of the shop").unwrap();
        fs::write(other_work.path().join("1.png"), "of the bank").unwrap();

        copy(&spool, 1, &work, &[file("1.png", 11)]);
        copy_of("bank", &spool, 1, &other_work, &[file("1.png", 11)]);
        spool.remove(&run(1), "bank");

        let kept = fs::read_to_string(spool.folder_of(&run(1), PROJECT).join("1.png"));
        assert_eq!(kept.unwrap(), "of the shop");
        assert!(!spool.folder_of(&run(1), "bank").exists());
    }
}
