//! A finished run becomes submissions in the outbox.

pub(crate) mod collections;
pub(crate) mod commands;
mod copies;
mod finished;
pub(crate) mod recorder;
pub(crate) mod requests;
mod store;

pub(crate) use collections::{Unreadable, unreadable};
pub(crate) use commands::CommandClues;
pub(crate) use finished::take_finished;
pub(crate) use requests::carry_out;
