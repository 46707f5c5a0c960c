//! One look at one run folder: a listing, and as little reading as it takes to know whether the
//! suite ended.
//!
//! A growing log is only read where it grew. A full reading is done once, when the end seems to be
//! there.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use crate::discovery::run_identity::RunIdentity;
use crate::discovery::tracker::Observation;
use crate::door::Folder;
use crate::katalon::log::EndScanner;
use crate::katalon::log::NEWEST_PART;
use crate::moment::Moment;
use crate::stable_number::stable_number;
use crate::watch::LIVELY;
use crate::watch::glance::{glance, run_of_growing};
use crate::watch::look_rules::LookRules;
use crate::workspace::{self, FolderListing, JunitState, LONGEST_LOG, Location, RunReader};

/// Bytes of the largest log that is read whole at the first look.
const SMALL: u64 = 8 * 1024 * 1024;
/// Bytes before the end of a log that are looked at again, because a record may have been cut
/// there.
const OVERLAP: u64 = 256 * 1024;
/// Bytes of a log that are read at once.
const PIECE: usize = 64 * 1024;

/// What earlier looks saw of a folder.
#[derive(Default)]
pub(super) struct FolderMemory {
    fingerprint: Option<u64>,
    scanner: EndScanner,
    /// Up to which byte the scanner got in the newest part.
    scanned: u64,
    /// How many parts the log had.
    parts: usize,
    ended: Option<Moment>,
    /// Which run it holds, once its log says so.
    run: Option<RunIdentity>,
    junit_complete: bool,
    reports_come_late: bool,
}

/// A value that differs whenever a name, size or modification time differs. It is stored, so it
/// means the same in the next release.
pub(crate) fn fingerprint(listing: &FolderListing) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for listed in &listing.files {
        // The length comes first, so that no two lists of files give the same bytes.
        let path = listed.file.path.as_bytes();
        hasher.update(&(path.len() as u64).to_le_bytes());
        hasher.update(path);
        hasher.update(&listed.file.size.to_le_bytes());
        hasher.update(&listed.modified.millis().to_le_bytes());
    }

    stable_number(&hasher)
}

impl FolderMemory {
    /// Which run the folder holds, as far as a look read it.
    pub(super) const fn run(&self) -> Option<&RunIdentity> {
        self.run.as_ref()
    }

    /// Takes a look. `listing` is that of `folder`, made at `now`.
    ///
    /// # Errors
    /// When the log cannot be read; the next look tries again.
    pub(super) fn look(
        &mut self,
        folder: &Path,
        listing: &FolderListing,
        reader: &RunReader,
        rules: &LookRules,
        now: Moment,
    ) -> io::Result<Observation> {
        // A link or pipe in the place of a log says nothing of how far the run is.
        if let Some(log) = listing.irregular_logs.first() {
            Folder::at(folder)?.file(Path::new(log))?;
        }

        let fingerprint = fingerprint(listing);
        if self.fingerprint != Some(fingerprint) {
            workspace::check_log_size(listing)?;

            // What Katalon appends behind the end of a suite means nothing, so an end stays.
            if self.ended.is_none() {
                self.look_for_end(folder, listing, reader, rules)?;
            }

            // There may be thousands of old runs, and nobody asks for their reports.
            if !rules.is_history(self.ended) {
                let junit = workspace::junit_state(folder, listing);
                self.junit_complete = junit == JunitState::Complete;
            }

            // Only now: after an error the next look has to find the same change again.
            self.fingerprint = Some(fingerprint);
        }

        // Asked for each file, so only of a run that may be due.
        let is_over = self.ended.is_some() || self.junit_complete;
        let changed = if is_over && !rules.is_history(self.ended) {
            workspace::newest_change(folder, listing)
        } else {
            None
        };

        Ok(Observation {
            now,
            fingerprint,
            newest: listing.newest().unwrap_or(now),
            changed,
            has_log: listing.has_log(),
            ended: self.ended,
            junit_complete: self.junit_complete,
            reports_come_late: self.reports_come_late,
            command_ended: rules.command_ended.contains(folder),
        })
    }

    fn look_for_end(
        &mut self,
        folder: &Path,
        listing: &FolderListing,
        reader: &RunReader,
        rules: &LookRules,
    ) -> io::Result<()> {
        let newest = listing
            .files
            .iter()
            .find(|listed| listed.file.path == NEWEST_PART);
        let size = newest.map_or(0, |listed| listed.file.size);

        let is_first_look = self.fingerprint.is_none();
        let is_one_part = newest.is_some() && listing.logs().len() == 1;
        if is_first_look && is_one_part && self.is_of_long_ago(folder, size, rules)? {
            return Ok(());
        }

        // A small log is read whole at once, instead of being searched first.
        if is_first_look && is_one_part && size <= SMALL {
            self.read(folder, reader)?;
            self.scanned = size.saturating_sub(OVERLAP);
            self.parts = 1;
            return Ok(());
        }

        self.scan(folder, listing, size)?;
        if self.scanner.may_have_ended() {
            self.read(folder, reader)?;
            // A marker that closed nothing, as in a log of two documents: look for the next one.
            self.scanner = EndScanner::new();
        }
        Ok(())
    }

    /// Takes note of a run whose log was written last long before the history begins. A suite that
    /// has stood still for so long and goes on after all is looked at anew, because its log grows.
    fn is_of_long_ago(&mut self, folder: &Path, size: u64, rules: &LookRules) -> io::Result<bool> {
        if rules.history_begins.is_none() {
            return Ok(false);
        }
        match glance(folder, NEWEST_PART, size)? {
            Some(seen) if rules.is_history(Some(seen.last.plus(LIVELY))) => {
                self.ended = Some(seen.last);
                self.run = Some(seen.run);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn read(&mut self, folder: &Path, reader: &RunReader) -> io::Result<()> {
        let run = reader
            .read(&Location::of(folder))
            .map_err(io::Error::other)?;
        self.ended = run.ended;
        self.run = RunIdentity::of(&run);
        self.reports_come_late = run.reports_come_late();
        Ok(())
    }

    /// Feeds the scanner with what the log grew by; a log that became shorter or got another part
    /// was rotated and is read from its start.
    fn scan(&mut self, folder: &Path, listing: &FolderListing, size: u64) -> io::Result<()> {
        let logs = listing.logs();
        if size < self.scanned || logs.len() != self.parts || self.fingerprint.is_none() {
            self.scanner = EndScanner::new();
            self.scanned = 0;
            self.parts = logs.len();
            // A folder that is used again holds another run.
            self.run = None;

            // No record lies in two parts, so it does not matter where one ends.
            for part in logs {
                if part != NEWEST_PART {
                    self.feed(folder, part, 0)?;
                }
            }
        }

        if size > 0 {
            self.scanned = self.feed(folder, NEWEST_PART, self.scanned)?;
        }

        // Its folder may be gone before its suite has ended, and then nobody can read which it was.
        if self.run.is_none()
            && let Some(oldest) = listing.logs().first()
        {
            self.run = run_of_growing(folder, oldest)?;
        }
        Ok(())
    }

    /// Feeds the scanner from a byte of a part on; gives the length that was read up to.
    fn feed(&mut self, folder: &Path, part: &str, from: u64) -> io::Result<u64> {
        let mut file = Folder::at(folder)?.pieces(Path::new(part))?;
        file.seek(SeekFrom::Start(from))?;

        // One that grows as fast as it is read has no end; the next look goes on from here.
        let mut file = file.take(LONGEST_LOG);

        let mut at = from;
        let mut piece = vec![0; PIECE];
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
