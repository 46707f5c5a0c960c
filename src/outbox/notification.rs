//! What people are told, as the outbox keeps it: causes, what is to be said of them, and messages.
//!
//! A *cause* is something that needs a person: a run that is parked, a server that refuses its
//! token. It is told by each *way* once, and once when it is over: each of these is a *notice*.
//! What a way has to tell at one time is a *message*, which is intended before it leaves and
//! delivered when the other side has said so. Nothing here reads or writes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::notify::NotificationKind;
use crate::moment::Moment;

/// By which way people are told. The words are those of the database.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Way {
    /// `notify.webhook`.
    Webhook,
    /// `notify.command`.
    Command,
    /// The journal, the Event Log, or the log where there is neither.
    Log,
}

impl Way {
    /// All ways.
    pub(crate) const ALL: [Self; 3] = [Self::Webhook, Self::Command, Self::Log];

    /// The word in the database.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Command => "command",
            Self::Log => "log",
        }
    }
}

/// Which cause it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct CauseKey {
    pub kind: NotificationKind,
    /// Which one of its kind: a submission, a server, a folder.
    pub subject: String,
}

/// How bad something is: what gets worse is told again. A token that ends in two weeks is told once
/// more when it ends in three days.
pub(crate) type Stage = u8;

/// What there is to say of a cause. Nothing else of it leaves the machine.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Account {
    /// What is wrong, in at most 300 characters.
    pub text: String,
    /// What mends it, where the text does not say so: commands of kado, no paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The Katalon project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The suite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suite: Option<String>,
    /// How many runs wait for it.
    #[serde(default)]
    pub runs: usize,
    /// Where a person sees it in Azure DevOps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A cause as it is stored while it is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct StoredCause {
    pub key: CauseKey,
    /// Since when it is there, as far as kado saw it.
    pub since: Moment,
    /// To which ways it was handed, and how bad it was then; empty while it is too young to be
    /// told.
    pub told: BTreeMap<Way, Stage>,
    pub account: Account,
}

/// What a notice says of its cause.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NoticeEvent {
    /// It is there, or has grown worse.
    Begun,
    /// It is there no more.
    Over,
}

/// What one way has to tell of one cause.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Notice {
    /// The same for the begin and the end of one cause, on this machine and no other.
    pub cause: String,
    pub kind: NotificationKind,
    pub event: NoticeEvent,
    /// Since when the cause was there.
    pub since: Moment,
    /// When this was noticed.
    pub at: Moment,
    #[serde(flatten)]
    pub account: Account,
}

/// What a look at the causes comes to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Decision {
    /// Causes that are there no more, taken away before the others are kept.
    pub gone: Vec<CauseKey>,
    /// Causes that are new, or of which something changed.
    pub kept: Vec<StoredCause>,
    /// What is to be told.
    pub notices: Vec<(Way, Notice)>,
    /// When time alone makes something else of this.
    pub next: Option<Moment>,
}

impl Decision {
    /// Whether there is anything to record.
    pub(crate) const fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.kept.is_empty() && self.notices.is_empty()
    }
}

/// A message that is not delivered yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct OpenMessage {
    /// By this a receiver knows one that comes twice.
    pub id: String,
    /// When it was made.
    pub made: Moment,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// What it tells, the oldest first.
    pub notices: Vec<Notice>,
}

/// A way by which nothing arrives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Undelivered {
    pub way: Way,
    /// When the message that is stuck was made.
    pub since: Moment,
    /// Why the last attempt came to nothing.
    pub reason: String,
}
