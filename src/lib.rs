//! kado submits finished Katalon Studio suite runs to Azure DevOps Test Plans.
//!
//! The program is [`cli::main`]. Beside it, public is what the integration tests compare with the
//! corpus and the recordings; everything else is private, so that the compiler finds what is dead.

pub mod ado;
mod blocking;
mod check;
mod child_environment;
pub mod cli;
mod clock;
mod config;
mod connect;
mod daemon;
mod discovery;
mod door;
mod error_chain;
mod exit;
mod file_names;
mod foreign;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod holes;
mod intake;
pub mod katalon;
mod live;
mod locked;
mod mapping;
mod measures;
mod metrics;
pub mod moment;
mod notifications;
pub mod outbox;
mod overview;
mod page;
mod pipeline;
mod plan;
mod plural;
mod record;
mod secrets;
mod server;
mod service;
mod setup;
mod shell_word;
mod spool;
mod stable_number;
mod state_dir;
mod submit;
mod support;
mod telemetry;
pub mod watch;
mod why;
#[cfg(any(windows, test))]
mod win32;
mod worked_tokens;
mod worker;
pub mod workspace;

/// The name by which the system knows the service: its unit, plist or key, and the source of its
/// entries in the Event Log. On Windows the SID of its account is derived from it.
pub(crate) const SERVICE_NAME: &str = "kado";
