//! One look at one run folder: a listing, and as little reading as it takes to know whether the
//! suite ended.
//!
//! A growing log is only read where it grew. A full reading is done once, when the end seems to be
//! there.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use crate::discovery::tracker::Observation;
use crate::katalon::log::EndScanner;
use crate::moment::Moment;
use crate::watch::look_rules::LookRules;
use crate::workspace::{self, FolderListing, JunitState};

/// The newest part of the log, which is the one that grows.
const NEWEST_PART: &str = "execution0.log";

/// Largest log that is read whole at the first look.
const SMALL: u64 = 8 * 1024 * 1024;
/// Bytes before the end of a log that are looked at again, because a record may have been cut
/// there.
const OVERLAP: u64 = 256 * 1024;

/// What is known of a folder from looks before.
#[derive(Default)]
pub(super) struct Memory {
    fingerprint: Option<u64>,
    scanner: EndScanner,
    scanned: u64,
    /// How many parts the log had.
    parts: usize,
    ended: Option<Moment>,
    junit_complete: bool,
    reports_come_late: bool,
}

/// A value that differs whenever a name, size or modification time differs. It is stored, so it
/// means the same in the next release.
pub fn fingerprint(listing: &FolderListing) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for listed in &listing.files {
        let path = listed.file.path.as_bytes();
        hasher
            .update(&(path.len() as u64).to_le_bytes())
            .update(path);
        hasher
            .update(&listed.file.size.to_le_bytes())
            .update(&listed.modified.millis().to_le_bytes());
    }
    let mut first = [0; size_of::<u64>()];
    hasher.finalize_xof().fill(&mut first);
    u64::from_le_bytes(first)
}

impl Memory {
    /// Takes a look. `listing` is that of `folder`, taken at `now`.
    pub(super) fn look(
        &mut self,
        folder: &Path,
        listing: &FolderListing,
        rules: &LookRules,
        now: Moment,
    ) -> io::Result<Observation> {
        let fingerprint = fingerprint(listing);
        if self.fingerprint != Some(fingerprint) {
            if self.ended.is_none() {
                self.look_for_end(folder, listing)?;
            }
            if !rules.is_history(self.ended) {
                self.junit_complete = workspace::read_junit(folder) == JunitState::Complete;
            }
            self.fingerprint = Some(fingerprint);
        }
        Ok(Observation {
            now,
            fingerprint,
            newest: listing.newest().unwrap_or(now),
            has_log: listing.has_log(),
            ended: self.ended,
            junit_complete: self.junit_complete,
            reports_come_late: self.reports_come_late,
        })
    }

    fn look_for_end(&mut self, folder: &Path, listing: &FolderListing) -> io::Result<()> {
        let newest = listing
            .files
            .iter()
            .find(|listed| listed.file.path == NEWEST_PART);
        let size = newest.map_or(0, |listed| listed.file.size);
        if self.fingerprint.is_none()
            && newest.is_some()
            && listing.logs().len() == 1
            && size <= SMALL
        {
            // A small log is read whole at once, instead of being searched first.
            self.read(folder)?;
            (self.scanned, self.parts) = (size.saturating_sub(OVERLAP), 1);
            return Ok(());
        }
        self.scan(folder, listing, size)?;
        if self.scanner.may_have_ended() {
            self.read(folder)?;
            // A marker that closed nothing, as in a log of two documents: look for the next one.
            self.scanner = EndScanner::new();
        }
        Ok(())
    }

    fn read(&mut self, folder: &Path) -> io::Result<()> {
        let run = workspace::read_run(folder).map_err(io::Error::other)?;
        self.ended = run.ended;
        self.reports_come_late = run.reports_come_late();
        Ok(())
    }

    /// Feeds the scanner with what the log grew by; a log that became shorter or got
    /// another part was rotated and is read from its start.
    fn scan(&mut self, folder: &Path, listing: &FolderListing, size: u64) -> io::Result<()> {
        let parts = listing.logs().len();
        if size < self.scanned || parts != self.parts || self.fingerprint.is_none() {
            self.scanner = EndScanner::new();
            (self.scanned, self.parts) = (0, parts);
            for part in listing
                .logs()
                .into_iter()
                .filter(|part| *part != NEWEST_PART)
            {
                self.feed(&folder.join(part), 0)?;
            }
        }
        if size > 0 {
            self.scanned = self.feed(&folder.join(NEWEST_PART), self.scanned)?;
        }
        Ok(())
    }

    /// Feeds the scanner from `from` on; gives the length that was read up to.
    fn feed(&mut self, part: &Path, from: u64) -> io::Result<u64> {
        let mut file = workspace::open::regular(part)?;
        file.seek(SeekFrom::Start(from))?;
        let mut at = from;
        let mut piece = vec![0; 64 * 1024];
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                return Ok(at);
            }
            self.scanner.feed(&piece[..read]);
            at += read as u64;
        }
    }
}
