//! The ways by which a message reaches people: a webhook, a command, the system's log.

mod command;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::ado::webhook::{self, PostError};
use crate::blocking::{Stopped, blocking};
use crate::config::Config;
use crate::config::notify::{NotificationKind, NotifyRules};
use crate::connect;
use crate::exit::Exit;
use crate::notifications::message::{Message, MessageContent, hint, sentence};
use crate::outbox::notification::{Notice, NoticeEvent, Way};
use crate::telemetry::notice::{
    NoticeEntry, NoticeSubject, NoticeWeight, SystemLog, tell, tell_system,
};

pub(crate) use command::CommandError;

/// Notices of one kind that an entry of the log tells one by one.
const MOST_OF_A_KIND: usize = 10;

/// A message did not reach anybody, as far as is known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeliveryError {
    #[error(transparent)]
    Webhook(#[from] PostError),
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The system's log is there and does not take it.
    #[error("the system's log cannot be written to: {0}")]
    Log(#[from] io::Error),
    /// The program is ending.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl DeliveryError {
    /// How long the other side asks to wait.
    pub(super) const fn wait(&self) -> Option<Duration> {
        match self {
            Self::Webhook(error) => error.wait(),
            _ => None,
        }
    }

    /// What mends it.
    pub(crate) const fn remedy(&self) -> &'static str {
        match self {
            Self::Webhook(PostError::Unreachable { .. }) => {
                "is the address in `notify.webhook` right, and may this machine reach it? A proxy \
                 is set with `azure.proxy`"
            }
            Self::Webhook(PostError::Refused { .. }) => {
                "make the webhook anew where the messages arrive, write its address into \
                 `notify.webhook`, and see that `notify.format` is what the other side understands"
            }
            Self::Webhook(PostError::SentOn { .. } | PostError::Configuration(_)) => {
                "correct kado.toml"
            }
            Self::Command(_) => "try the program of `notify.command` with a text on its input",
            Self::Log(_) | Self::Stopped(_) => "try again",
        }
    }

    /// What the command that tried it ends with.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Webhook(PostError::Unreachable { .. }) => Exit::Unreachable,
            Self::Webhook(PostError::Configuration(error)) => error.exit(),
            _ => Exit::NotDone,
        }
    }
}

/// The ways that a machine has. The log is one of them wherever anybody is told at all.
pub(super) fn ways_of(rules: &NotifyRules) -> Vec<Way> {
    let mut ways = Vec::new();
    if rules.webhook.is_some() {
        ways.push(Way::Webhook);
    }
    if rules.command.is_some() {
        ways.push(Way::Command);
    }
    ways.push(Way::Log);
    ways
}

/// Sends a message by a way; nothing where the machine has it no more.
///
/// # Errors
/// When it did not arrive, and when nobody knows.
pub(super) async fn deliver(
    way: Way,
    config: &Arc<Config>,
    message: &Message<'_>,
) -> Result<(), DeliveryError> {
    let Some(rules) = &config.notify else {
        return Ok(());
    };

    match way {
        Way::Webhook => post(config, rules, message).await,
        Way::Command => match &rules.command {
            Some(command) => Ok(command::tell(command, &message.text()).await?),
            None => Ok(()),
        },
        Way::Log => {
            for entry in entries(message) {
                let id = message.id.to_owned();
                blocking(move || tell(&entry.as_entry(&id))).await??;
            }
            Ok(())
        }
    }
}

async fn post(
    config: &Arc<Config>,
    rules: &NotifyRules,
    message: &Message<'_>,
) -> Result<(), DeliveryError> {
    let Some(hook) = &rules.webhook else {
        return Ok(());
    };

    // Certificates lie in a file.
    let of_machine = Arc::clone(config);
    let network = blocking(move || connect::network(&of_machine.machine.access)).await?;
    let network = network.map_err(PostError::Configuration)?;
    let body = message.body(hook.format);
    Ok(webhook::post(&hook.address, &network, message.id, &body).await?)
}

/// Writes a test into the system's log, whoever reads what this process says; `None` where the
/// system has none.
///
/// # Errors
/// When it is there and does not take it.
pub(super) fn tell_system_of_test(message: &Message<'_>) -> Option<io::Result<SystemLog>> {
    tell_system(&NoticeEntry {
        subject: NoticeSubject::Test,
        weight: NoticeWeight::Information,
        message: message.id,
        text: &message.headline(),
    })
}

/// An entry of the log that is not written yet.
struct Entry {
    subject: NoticeSubject,
    weight: NoticeWeight,
    text: String,
}

impl Entry {
    fn as_entry<'a>(&'a self, message: &'a str) -> NoticeEntry<'a> {
        NoticeEntry {
            subject: self.subject,
            weight: self.weight,
            message,
            text: &self.text,
        }
    }
}

/// One entry for each kind, because its number is that of the kind; of its begin and of its end.
fn entries(message: &Message<'_>) -> Vec<Entry> {
    let MessageContent::Notices(notices) = message.content else {
        return Vec::new();
    };

    let mut by_kind: BTreeMap<(bool, NotificationKind), Vec<&Notice>> = BTreeMap::new();
    for notice in notices {
        let is_over = notice.event == NoticeEvent::Over;
        by_kind
            .entry((is_over, notice.kind))
            .or_default()
            .push(notice);
    }

    let mut entries = Vec::new();
    for ((is_over, kind), notices) in by_kind {
        entries.push(Entry {
            subject: NoticeSubject::Of(kind),
            weight: if is_over {
                NoticeWeight::Information
            } else {
                NoticeWeight::Warning
            },
            text: lines(&notices),
        });
    }
    entries
}

/// What these notices say, each on a line with what mends it.
fn lines(notices: &[&Notice]) -> String {
    let mut lines = Vec::new();
    for notice in notices.iter().take(MOST_OF_A_KIND) {
        lines.push(match hint(notice) {
            Some(hint) => format!("{} → {hint}", sentence(notice)),
            None => sentence(notice),
        });
    }

    let more = notices.len().saturating_sub(MOST_OF_A_KIND);
    if more > 0 {
        lines.push(format!("… and {more} more: `kado status` lists them all"));
    }
    lines.join("\n")
}
