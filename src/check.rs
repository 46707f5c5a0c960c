//! `kado check`: looks at everything that a submission will need, and says of each thing whether it
//! is as it should be and what mends it. Nothing in here writes, neither to a project nor to ADO.

mod connection;
mod coverage;
mod definitions;
mod folders;
mod katalon_upload;
mod machine;
mod mapped_ids;
mod mapping_rows;
mod outcomes;
mod project;
mod report;
mod server;
mod watches;

pub(crate) use machine::check_machine;
pub(crate) use project::check_project;
pub(crate) use report::{Check, Report, Shared};
pub(crate) use server::check_machine_server;
pub(crate) use watches::check_watches;
