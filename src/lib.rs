//! kado submits finished Katalon Studio suite runs to Azure DevOps Test Plans.
//!
//! The program is [`cli::main`]. Beside it, public is what the integration tests compare with the
//! corpus and the recordings; everything else is private, so that the compiler finds what is dead.

pub mod ado;
mod blocking;
mod check;
pub mod cli;
mod clock;
mod config;
mod connect;
mod daemon;
mod discovery;
mod environment;
mod error_chain;
mod exit;
mod file_names;
mod intake;
pub mod katalon;
pub mod moment;
pub mod outbox;
mod pipeline;
mod plan;
mod processes;
mod record;
mod secrets;
mod server;
mod service;
mod spool;
mod submit;
mod telemetry;
pub mod watch;
#[cfg(any(windows, test))]
mod win32;
pub mod workspace;
