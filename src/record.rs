//! A finished run becomes submissions in the outbox.

pub(crate) mod collections;
pub(crate) mod commands;
pub(crate) mod recorder;
pub(crate) mod requests;

pub(crate) use collections::{Unreadable, unreadable};
pub(crate) use commands::Place;
pub(crate) use requests::{carry_out, take_finished};
