//! What is told while nothing can be recorded: that there is no room for it, or that the disk may
//! only be read. Then nothing is sent to Azure DevOps either, so this is what a person has to hear,
//! and it cannot wait for a row of the outbox. It is remembered in here, and recorded when that can
//! be done; only a kado that is restarted on a full disk tells it again.

use std::sync::Arc;
use std::time::Duration;

use crate::blocking::blocking;
use crate::clock::{self, Stopwatch};
use crate::config::Config;
use crate::config::notify::{NotificationKind, NotifyRules};
use crate::notifications::decide::Teller;
use crate::notifications::message::{Message, MessageContent};
use crate::notifications::{found, new_id, ways};
use crate::outbox::notification::{CauseKey, Decision, Notice, StoredCause, Way};
use crate::overview::{self, DISK};

/// Time between two looks: each may send something that did not arrive before.
const BETWEEN_LOOKS: Duration = Duration::from_secs(60);

/// What was told without a record.
#[derive(Default)]
pub(super) struct Unrecorded {
    told: Vec<StoredCause>,
    since_look: Option<Stopwatch>,
}

impl Unrecorded {
    /// Tells of the disk, unless that was done.
    pub(super) async fn look(&mut self, config: &Arc<Config>, rules: &NotifyRules) {
        let waited = self.since_look.map(Stopwatch::elapsed);
        if waited.is_some_and(|waited| waited < BETWEEN_LOOKS) {
            return;
        }
        self.since_look = Some(Stopwatch::start());

        let read_with = Arc::clone(config);
        let overview = blocking(move || overview::look_after_sweep(&read_with)).await;
        let Ok(Ok(overview)) = overview else {
            return;
        };
        let disk = CauseKey {
            kind: NotificationKind::Waiting,
            subject: DISK.to_owned(),
        };
        let mut found = found::causes(&overview, config, rules);
        found.retain(|key, _| *key == disk);

        let ways = ways::ways_of(rules);
        let teller = Teller {
            host: &clock::host_name(),
            ways: &ways,
        };
        let decision = teller.decide(&self.told, &found, clock::now());
        self.carry_out(decision, config).await;
    }

    /// Sends what is to be told; what does not arrive is told at the next look.
    async fn carry_out(&mut self, mut decision: Decision, config: &Arc<Config>) {
        for (way, notice) in &decision.notices {
            if let Err(error) = send(config, *way, notice).await {
                tracing::warn!(way = way.word(), %error, "a notification does not arrive");
                for cause in &mut decision.kept {
                    cause.told.remove(way);
                }
            }
        }

        self.told
            .retain(|cause| !decision.gone.contains(&cause.key));
        for cause in decision.kept {
            self.told.retain(|known| known.key != cause.key);
            self.told.push(cause);
        }
    }

    /// Whether anything was told.
    pub(super) const fn is_any(&self) -> bool {
        !self.told.is_empty()
    }

    /// What was told.
    pub(super) fn causes(&self) -> Vec<StoredCause> {
        self.told.clone()
    }
}

async fn send(config: &Arc<Config>, way: Way, notice: &Notice) -> Result<(), ways::DeliveryError> {
    let now = clock::now();
    let message = Message {
        id: &new_id(way, now),
        host: &clock::host_name(),
        at: now,
        content: MessageContent::Notices(std::slice::from_ref(notice)),
    };
    ways::deliver(way, config, &message).await
}
