//! The fake behaves as the real service is known to, also to a client that Microsoft wrote.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod access;
mod attachments;
mod client;
mod discovery;
mod entra;
mod faults;
mod flavours;
mod microsoft;
mod pages;
mod program;
mod results;
mod runs;
