//! A test message by each way that a machine has, at once and apart from what is to be told.

use std::sync::Arc;

use super::message::{Message, MessageContent};
use super::ways::{self, DeliveryError};
use super::{clock, new_id};

use crate::config::Config;
use crate::outbox::notification::Way;

/// What became of a test message by one way.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// The way, by its name and where it leads.
    pub way: String,
    pub result: Result<(), DeliveryError>,
}

/// Sends a test by each way; none where the configuration names no way at all.
pub(crate) async fn send_test(config: &Arc<Config>) -> Vec<Arrival> {
    let Some(rules) = &config.notify else {
        return Vec::new();
    };

    let now = clock::now();
    let host = clock::host_name();
    let id = new_id(Way::Webhook, now);
    let message = Message {
        id: &id,
        host: &host,
        at: now,
        content: MessageContent::Test,
    };

    let mut arrivals = Vec::new();
    if let Some(hook) = &rules.webhook {
        arrivals.push(Arrival {
            way: format!("webhook {}", hook.address),
            result: ways::deliver(Way::Webhook, config, &message).await,
        });
    }
    if let Some(command) = &rules.command {
        arrivals.push(Arrival {
            way: format!("command {}", command.program.display()),
            result: ways::deliver(Way::Command, config, &message).await,
        });
    }

    // A command writes to a terminal; what is tried here is the log of the service.
    match ways::tell_system_of_test(&message) {
        Some(Ok(log)) => arrivals.push(Arrival {
            way: log.name().to_owned(),
            result: Ok(()),
        }),
        Some(Err(error)) => arrivals.push(Arrival {
            way: "log of the system".to_owned(),
            result: Err(error.into()),
        }),
        None => {}
    }
    arrivals
}
