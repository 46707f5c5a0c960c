//! Sessions (the folders of `Reports`) that need not be listed again, because nothing in them has
//! changed.
//!
//! When a file or folder is made in a folder, removed from it or renamed, that folder changes its
//! times. A run folder may come at any level of a session, and a file into any folder of it; so all
//! of them are asked for their times: the session, the folders on the way to its runs, the runs,
//! and what lies in these. A suite that goes on after all writes into a log that is there, of which
//! its folder says nothing; so the newest part of each log is asked as well.
//!
//! What is written into another file that is there goes unnoticed. Events tell of it (`hints`), and
//! from time to time everything is listed all the same (`daemon::listings`). Should that find
//! folders in a session that seems to be unchanged, the file system does not keep such times, and
//! no session is taken for unchanged any more.
//!
//! This is kept in memory and saves work only: a session that finds no room in it, or that cannot
//! be told to be unchanged, is listed.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::discovery::settled::FolderDigest;
use crate::door::{Folder, Kind, Look};
use crate::katalon::log::NEWEST_PART;
use crate::moment::Moment;

/// How long before its listing a folder has to have changed: what comes into it right behind the
/// listing changes its times then, however coarse the file system takes them (FAT: 2 s).
const COARSEST: Duration = Duration::from_secs(2);
/// Bytes that the ways of all folders in one session may take.
const MOST_OF_SESSION: usize = 4 * 1024;
/// Bytes that they may take in all sessions: of some seventy thousand runs.
const MOST_OF_ALL: usize = 4 * 1024 * 1024;
/// Stands between two ways, because it stands in none.
const SEPARATOR: char = '\0';
/// Stands before the way of a run folder.
const RUN: char = 'r';
/// Stands before the way of another folder.
const FOLDER: char = 'f';

/// Which sessions a walk lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WalkExtent {
    /// Those in which something may have changed.
    ChangedSessions,
    /// All sessions; those that seem to be unchanged are compared.
    Everything,
}

/// How sessions looked when they were listed.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownSessions {
    /// Sorted by their digests.
    sessions: Vec<KnownSession>,
}

/// How a session looked when it was listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct KnownSession {
    /// Digest of its path.
    session: FolderDigest,
    /// The ways of all folders in it from the session on, each behind [`RUN`] or [`FOLDER`] and
    /// after the one that it lies in. The first is that of the session itself, and empty.
    ways: Box<str>,
    /// Digest of how they looked.
    looks: u64,
    /// The run folders among them.
    runs: Box<[FolderDigest]>,
}

/// A session that is being listed.
pub(super) struct SessionListing {
    session: FolderDigest,
    begun: Moment,
    ways: String,
    looks: Looks,
    runs: Vec<FolderDigest>,
    /// Whether it can be told later that nothing has changed.
    is_known: bool,
}

/// How folders look, one after the other.
#[derive(Default)]
struct Looks {
    hasher: DefaultHasher,
    youngest: Moment,
}

impl KnownSessions {
    /// What is known of a session, if nothing has changed in it since it was listed. `way` is that
    /// of the session from its project on.
    pub(super) fn unchanged(
        &self,
        session: FolderDigest,
        project: &Folder,
        way: &Path,
    ) -> Option<&KnownSession> {
        let known = &self.sessions[self.place_of(session).ok()?];
        let looks = known.looks_now(project, way).ok()?;
        (looks == known.looks).then_some(known)
    }

    /// Takes note of how other sessions looked when they were listed, as far as there is room.
    pub(super) fn add(&mut self, mut listed: Vec<KnownSession>) {
        // Nearly all come with the first sweep, and are not copied then.
        std::mem::swap(&mut self.sessions, &mut listed);
        self.sessions.append(&mut listed);
        self.sessions.sort_unstable_by_key(|known| known.session);
        self.sessions.dedup_by_key(|known| known.session);

        let mut left = MOST_OF_ALL;
        self.sessions.retain(|known| {
            let room = left.checked_sub(known.ways.len());
            left = room.unwrap_or(left);
            room.is_some()
        });
    }

    /// Keeps what is known of these sessions, of which each has its digest and its run folders.
    pub(super) fn retain(&mut self, keep: impl Fn(FolderDigest, &[FolderDigest]) -> bool) {
        self.sessions
            .retain(|known| keep(known.session, &known.runs));
    }

    /// Has a session listed again.
    pub(super) fn forget(&mut self, session: FolderDigest) {
        if let Ok(place) = self.place_of(session) {
            self.sessions.remove(place);
        }
    }

    /// The sessions with their run folders.
    pub(super) fn iter(&self) -> impl Iterator<Item = (FolderDigest, &[FolderDigest])> {
        let sessions = self.sessions.iter();
        sessions.map(|known| (known.session, &*known.runs))
    }

    /// As if the file system told of changes only where something comes into the session itself.
    #[cfg(all(test, unix))]
    pub(super) fn forget_all_but_the_session(&mut self, project: &Folder, way: &Path) {
        for known in &mut self.sessions {
            known.ways = FOLDER.to_string().into_boxed_str();
            known.looks = known
                .looks_now(project, way)
                .expect("the test made this session");
        }
    }

    fn place_of(&self, session: FolderDigest) -> Result<usize, usize> {
        self.sessions
            .binary_search_by_key(&session, |known| known.session)
    }
}

impl KnownSession {
    /// Whether both have the same folders.
    pub(super) fn has_folders_of(&self, other: &Self) -> bool {
        let mut own: Vec<&str> = self.ways.split(SEPARATOR).collect();
        let mut others: Vec<&str> = other.ways.split(SEPARATOR).collect();
        // A file system may give them in another order each time.
        own.sort_unstable();
        others.sort_unstable();
        own == others
    }

    /// Digest of its path.
    pub(super) const fn session(&self) -> FolderDigest {
        self.session
    }

    fn looks_now(&self, project: &Folder, way: &Path) -> io::Result<u64> {
        let mut looks = Looks::default();
        for folder in self.ways.split(SEPARATOR) {
            let mut letters = folder.chars();
            let is_run = letters.next() == Some(RUN);
            let below = letters.as_str();

            let folder = if below.is_empty() {
                way.to_owned()
            } else {
                way.join(below)
            };
            looks.add(project.look(&folder)?)?;
            if is_run {
                looks.add_log(project, &folder)?;
            }
        }
        Ok(looks.hasher.finish())
    }
}

impl SessionListing {
    /// A session of which nothing is listed yet at `now`.
    pub(super) fn begin(session: FolderDigest, now: Moment) -> Self {
        Self {
            session,
            begun: now,
            ways: String::new(),
            looks: Looks::default(),
            runs: Vec::new(),
            is_known: true,
        }
    }

    /// Takes note of a folder that is about to be listed, by its way from the project on.
    pub(super) fn before(&mut self, project: &Folder, way: &Path) {
        let looked = project.look(way).and_then(|look| self.looks.add(look));
        self.is_known &= looked.is_ok();
    }

    /// Takes note of the same folder, which was listed: `below` is its way from the session on, and
    /// `run` its digest if it is a run folder.
    pub(super) fn listed(
        &mut self,
        project: &Folder,
        way: &Path,
        below: &Path,
        run: Option<FolderDigest>,
    ) {
        let Some(below) = below.to_str() else {
            return self.give_up();
        };

        if !self.ways.is_empty() {
            self.ways.push(SEPARATOR);
        }
        self.ways.push(if run.is_some() { RUN } else { FOLDER });
        self.ways.push_str(below);
        self.is_known &= self.ways.len() <= MOST_OF_SESSION;

        if let Some(run) = run {
            self.runs.push(run);
            self.is_known &= self.looks.add_log(project, way).is_ok();
        }
    }

    /// Something in it is not seen, or may change without a folder of it: it is listed each time.
    pub(super) const fn give_up(&mut self) {
        self.is_known = false;
    }

    /// How it looked; `None` where it could not be told later that nothing has changed.
    pub(super) fn finish(self) -> Option<KnownSession> {
        let is_still = self.begun.since(self.looks.youngest) > COARSEST;
        (self.is_known && is_still).then(|| KnownSession {
            session: self.session,
            ways: self.ways.into_boxed_str(),
            looks: self.looks.hasher.finish(),
            runs: self.runs.into_boxed_slice(),
        })
    }
}

impl Looks {
    fn add(&mut self, look: Look) -> io::Result<()> {
        // Where the file system does not tell when something changed, a program may have set the
        // time that it does tell.
        let changed = look.changed.ok_or(io::ErrorKind::Unsupported)?;
        let is_folder = look.kind == Kind::Folder;
        (
            is_folder,
            look.size,
            look.modified.millis(),
            changed.millis(),
        )
            .hash(&mut self.hasher);
        self.youngest = self.youngest.max(changed).max(look.modified);
        Ok(())
    }

    fn add_log(&mut self, project: &Folder, run: &Path) -> io::Result<()> {
        match project.look(&run.join(NEWEST_PART)) {
            Ok(look) => self.add(look),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}
