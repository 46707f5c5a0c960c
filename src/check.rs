//! `kado check`: looks at everything that a submission will need, and says of each thing whether it
//! is as it should be and what mends it.
//!
//! Nothing in here writes, neither to a project nor to ADO. Nothing in here fails either: what
//! cannot be looked at is a finding of the [`Report`] like any other, and the exit code of the
//! command is that of the worst finding.

mod connection;
mod coverage;
mod definitions;
mod folders;
mod katalon_upload;
mod live;
mod machine;
mod mapped_ids;
mod mapping_rows;
mod outcomes;
mod project;
mod report;
mod server;
mod watches;

pub(crate) use machine::check_machine;
pub(crate) use project::{ServerChecks, check_project};
pub(crate) use report::{Check, Report, Shared, Verdict};
pub(crate) use server::check_machine_server;
pub(crate) use watches::check_watches;
