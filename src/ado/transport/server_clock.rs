//! The server's clock, as its answers tell it: the runs of a server are looked for by its own time.

use std::sync::Mutex;

use reqwest::header::HeaderMap;

use crate::ado::headers;
use crate::clock;
use crate::locked::locked;
use crate::moment::Moment;

/// By how much this machine's clock was ahead at the last answer, in milliseconds.
#[derive(Debug, Default)]
pub(super) struct ServerClock(Mutex<Option<i64>>);

impl ServerClock {
    /// Reads the time that an answer tells; it was under way for a while, which counts for nothing
    /// beside the whole seconds of the header.
    pub(super) fn note(&self, headers: &HeaderMap) {
        // The last answer counts, because clocks are set while a service runs.
        if let Some(date) = headers::date(headers, "date") {
            let ahead = clock::now().millis() - date;
            *locked(&self.0) = Some(ahead);
        }
    }

    pub(super) fn ahead(&self) -> Option<i64> {
        *locked(&self.0)
    }

    /// A time of this machine, as the server would have told it.
    pub(super) fn on_server(&self, time: Moment) -> Moment {
        let ahead = self.ahead().unwrap_or(0);
        Moment::from_millis(time.millis().saturating_sub(ahead))
    }
}
