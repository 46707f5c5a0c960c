//! What only a running kado knows of its own work: which server answered last, what is being sent
//! just now, when the last sweep ended.
//!
//! One value for each process, handed to whoever measures (the clients of servers, uploads, sweeps)
//! and whoever shows it. Nothing waits for a reader and nothing grows: a measure is a number or the
//! last of its kind, and a server or an upload that is gone costs nothing. What has to survive a
//! restart stands in the outbox.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::locked::locked;
use crate::moment::Moment;

/// Most servers that are told apart; what is measured of more is told of none.
const MOST_SERVERS: usize = 64;

/// The measures of this process.
#[derive(Default)]
pub(crate) struct Measures {
    servers: Mutex<BTreeMap<String, Arc<ServerMeasures>>>,
    uploads: Mutex<Vec<Arc<UploadMeasures>>>,
    last_sweep: Mutex<Option<Arc<SweepMeasures>>>,
}

/// What was measured of one server.
#[derive(Default)]
pub(crate) struct ServerMeasures {
    last_good: Mutex<Option<Moment>>,
}

/// A file that is being sent.
pub(crate) struct UploadMeasures {
    /// The submission that it belongs to.
    pub submission: i64,
    /// The file as it is called in ADO.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    sent: AtomicU64,
}

/// The last sweep that came to its end.
pub(crate) struct SweepMeasures {
    pub ended: Moment,
    pub took: Duration,
    /// The roots of the Katalon projects that were found.
    pub projects: Vec<PathBuf>,
}

/// An upload that is under way, until this is dropped.
pub(crate) struct UploadUnderWay {
    upload: Arc<UploadMeasures>,
    measures: Arc<Measures>,
}

impl Measures {
    /// What is measured of the server at this URL, as people are shown it.
    pub(crate) fn of_server(&self, url: &str) -> Arc<ServerMeasures> {
        let mut servers = locked(&self.servers);
        if let Some(known) = servers.get(url) {
            return Arc::clone(known);
        }

        let new = Arc::new(ServerMeasures::default());
        if servers.len() < MOST_SERVERS {
            servers.insert(url.to_owned(), Arc::clone(&new));
        }
        new
    }

    /// An upload begins: its bytes are counted until what is given is dropped.
    pub(crate) fn begin_upload(
        self: &Arc<Self>,
        submission: i64,
        name: &str,
        size: u64,
    ) -> UploadUnderWay {
        let upload = Arc::new(UploadMeasures {
            submission,
            name: name.to_owned(),
            size,
            sent: AtomicU64::new(0),
        });
        locked(&self.uploads).push(Arc::clone(&upload));
        UploadUnderWay {
            upload,
            measures: Arc::clone(self),
        }
    }

    /// The files that are being sent, in the order in which they began.
    pub(crate) fn uploads(&self) -> Vec<Arc<UploadMeasures>> {
        locked(&self.uploads).clone()
    }

    /// A sweep came to its end.
    pub(crate) fn swept(&self, sweep: SweepMeasures) {
        *locked(&self.last_sweep) = Some(Arc::new(sweep));
    }

    /// The last sweep; `None` as long as none has ended.
    pub(crate) fn last_sweep(&self) -> Option<Arc<SweepMeasures>> {
        locked(&self.last_sweep).clone()
    }
}

impl ServerMeasures {
    /// The server answered well.
    pub(crate) fn answered(&self, now: Moment) {
        *locked(&self.last_good) = Some(now);
    }

    /// Its last good answer in this process.
    pub(crate) fn last_good(&self) -> Option<Moment> {
        *locked(&self.last_good)
    }
}

impl UploadMeasures {
    /// Bytes of the file that were handed to the network.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl UploadUnderWay {
    /// So many bytes more of the file were handed to the network.
    pub(crate) fn add(&self, bytes: u64) {
        self.upload.sent.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for UploadUnderWay {
    fn drop(&mut self) {
        locked(&self.measures.uploads).retain(|other| !Arc::ptr_eq(other, &self.upload));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_seen_while_it_is_under_way() {
        let measures = Arc::new(Measures::default());
        let upload = measures.begin_upload(7, "a.png", 100);

        upload.add(30);
        upload.add(10);

        let seen = measures.uploads();
        assert_eq!(seen.len(), 1);
        assert_eq!((seen[0].submission, seen[0].sent()), (7, 40));

        drop(upload);
        assert!(measures.uploads().is_empty());
    }

    #[test]
    fn a_server_is_measured_by_one_value_however_many_ask_for_it() {
        let measures = Measures::default();

        measures
            .of_server("https://a")
            .answered(Moment::from_millis(5));

        let seen = measures.of_server("https://a").last_good();
        assert_eq!(seen, Some(Moment::from_millis(5)));
        assert_eq!(measures.of_server("https://b").last_good(), None);
    }

    #[test]
    fn more_servers_than_anybody_has_are_not_kept() {
        let measures = Measures::default();
        for number in 0..1000 {
            measures.of_server(&number.to_string());
        }

        assert_eq!(locked(&measures.servers).len(), MOST_SERVERS);
    }
}
