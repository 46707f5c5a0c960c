//! What Katalon Studio writes, as values.
//!
//! Every reader in here takes bytes and returns a value together with warnings: strange input is
//! described, never fatal. No file is opened and no clock is asked; [`crate::workspace`] does the
//! opening. Everything that is read is untrusted: XML is read without a DTD, nothing is evaluated,
//! and no path that a file names is followed.

pub mod assemble;
pub mod azure_ids;
pub mod collection_report;
pub mod command_line;
pub mod console;
pub mod escape;
pub mod log;
pub mod project;
pub mod properties;
pub mod run;
pub mod secret;
pub mod settings;
pub mod status;
pub mod suite;
pub mod test_case;
pub mod text;
pub mod xml;
