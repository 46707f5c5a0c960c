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

use prometheus_client::metrics::histogram::Histogram;

use crate::locked::locked;
use crate::moment::Moment;

/// Most servers that are told apart; what is measured of more is told of none.
const MOST_SERVERS: usize = 64;

/// Upper ends of the spans that requests are counted in, in seconds. An answer in the same building
/// takes hundredths of a second, one that Azure DevOps delays 30 s, and no call 100 s.
const SPANS: [f64; 11] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 100.0];

/// The measures of this process.
#[derive(Default)]
pub(crate) struct Measures {
    servers: Mutex<BTreeMap<String, Arc<ServerMeasures>>>,
    uploads: Mutex<Vec<Arc<UploadMeasures>>>,
    last_sweep: Mutex<Option<Arc<SweepMeasures>>>,
    request_seconds: RequestSeconds,
    /// Bytes of files, over all uploads that there were.
    uploaded: AtomicU64,
}

/// How long requests took.
struct RequestSeconds(Histogram);

impl Default for RequestSeconds {
    fn default() -> Self {
        Self(Histogram::new(SPANS))
    }
}

/// What was measured of one server.
#[derive(Default)]
pub(crate) struct ServerMeasures {
    last_good: Mutex<Option<Moment>>,
    /// How many requests ended in each way, in the order of [`RequestEnd::ALL`].
    ended: [AtomicU64; RequestEnd::ALL.len()],
    /// Milliseconds for which it asked to be left alone.
    throttled: AtomicU64,
}

/// How a request ended, as far as that says something of the server or of the way to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RequestEnd {
    Ok,
    /// The token, or a permission of it.
    Refused,
    /// What it asked for is not there.
    Missing,
    /// The request itself.
    Rejected,
    /// There was no answer, or the server is busy.
    Unavailable,
    /// Something in between answered.
    Intercepted,
}

impl RequestEnd {
    /// All of them.
    const ALL: [Self; 6] = [
        Self::Ok,
        Self::Refused,
        Self::Missing,
        Self::Rejected,
        Self::Unavailable,
        Self::Intercepted,
    ];

    /// The word in metrics.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Missing => "missing",
            Self::Rejected => "rejected",
            Self::Unavailable => "unavailable",
            Self::Intercepted => "intercepted",
        }
    }
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

    /// What was measured of each server that is told apart, by its URL.
    pub(crate) fn servers(&self) -> BTreeMap<String, Arc<ServerMeasures>> {
        locked(&self.servers).clone()
    }

    /// A request to any server took so long, to the end of its answer.
    pub(crate) fn request_took(&self, time: Duration) {
        self.request_seconds.0.observe(time.as_secs_f64());
    }

    /// How long requests took; a clone counts on with the original.
    pub(crate) fn request_seconds(&self) -> Histogram {
        self.request_seconds.0.clone()
    }

    /// Bytes of files that were handed to the network, also by attempts that failed.
    pub(crate) fn uploaded_bytes(&self) -> u64 {
        self.uploaded.load(Ordering::Relaxed)
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

    /// A request to it ended.
    pub(crate) fn ended(&self, end: RequestEnd) {
        self.ended[end as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many requests to it ended in each way.
    pub(crate) fn requests(&self) -> [(RequestEnd, u64); RequestEnd::ALL.len()] {
        RequestEnd::ALL.map(|end| (end, self.ended[end as usize].load(Ordering::Relaxed)))
    }

    /// It asked to be left alone for so much longer than it had asked for before.
    pub(crate) fn throttled_for(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.throttled.fetch_add(millis, Ordering::Relaxed);
    }

    /// How long it asked to be left alone, all in all.
    pub(crate) fn throttled(&self) -> Duration {
        Duration::from_millis(self.throttled.load(Ordering::Relaxed))
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
        self.measures.uploaded.fetch_add(bytes, Ordering::Relaxed);
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
        assert_eq!(measures.uploaded_bytes(), 40, "they were sent all the same");
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
    fn requests_are_counted_by_how_they_ended() {
        let server = ServerMeasures::default();

        for end in RequestEnd::ALL {
            server.ended(end);
        }
        server.ended(RequestEnd::Intercepted);

        let counted = server.requests().map(|(end, count)| (end.word(), count));
        assert_eq!(counted[0], ("ok", 1));
        assert_eq!(counted[5], ("intercepted", 2));
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
