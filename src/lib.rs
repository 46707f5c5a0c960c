//! kado submits finished Katalon Studio suite runs to Azure DevOps Test Plans.

pub mod ado;
pub mod blocking;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod discovery;
pub mod environment;
pub mod error_chain;
pub mod exit;
pub mod file_names;
pub mod intake;
pub mod katalon;
pub mod moment;
pub mod outbox;
pub mod pipeline;
pub mod plan;
pub mod processes;
pub mod secrets;
pub mod server;
pub mod service;
pub mod spool;
pub mod submit;
pub mod telemetry;
pub mod watch;
#[cfg(any(windows, test))]
mod win32;
pub mod workspace;
