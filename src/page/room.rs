//! How much room the spool and the database take: a walk through many files, so it is done from
//! time to time and not with each look.

#![expect(
    clippy::disallowed_methods,
    reason = "the sizes of the database's own files are looked at"
)]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::config::Config;
use crate::locked::locked;
use crate::spool::Spool;

/// How long a measure is good for.
const GOOD_FOR: Duration = Duration::from_secs(15);
/// The database and what SQLite keeps beside it.
const DATABASE: [&str; 3] = ["kado.db", "kado.db-wal", "kado.db-shm"];

/// Bytes on the disk; `None` for what this account may not look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Room {
    pub spool: Option<u64>,
    pub database: Option<u64>,
}

/// Measures, and remembers the last measure; clones share it.
#[derive(Clone, Default)]
pub(super) struct RoomReader(Arc<Mutex<Option<(Stopwatch, Room)>>>);

impl RoomReader {
    /// What is taken, as of some seconds ago. Reads the disk.
    pub(super) fn of(&self, config: &Config) -> Room {
        let mut last = locked(&self.0);
        if let Some((since, room)) = &*last
            && since.elapsed() < GOOD_FOR
        {
            return *room;
        }

        let room = Room {
            spool: Spool::new(&config.state_dir, config.spool_limit).bytes(),
            database: database(&config.state_dir),
        };
        *last = Some((Stopwatch::start(), room));
        room
    }
}

fn database(state_dir: &Path) -> Option<u64> {
    let mut sizes = DATABASE
        .iter()
        .filter_map(|name| std::fs::metadata(state_dir.join(name)).ok())
        .map(|metadata| metadata.len())
        .peekable();
    sizes.peek()?;
    Some(sizes.sum())
}
