//! What Katalon Studio writes, as values.
//!
//! Every reader in here takes bytes and returns a value together with warnings: strange input is
//! described, never fatal. No file is opened and no clock is asked; [`crate::workspace`] does the
//! opening. Everything that is read is untrusted: XML is read without a DTD, nothing is evaluated,
//! and no path that a file names is followed.
//!
//! Where a head names `behaviour.md`, it means the notes on Katalon's own code; the corpus are run
//! folders and projects of public repositories (4.1.0 to 11.1.2), which `tests/it/corpus.rs` reads.

pub(crate) mod assemble;
pub mod azure_ids;
mod bounded_regex;
pub(crate) mod collection_report;
pub(crate) mod command_line;
pub(crate) mod console;
pub mod damage;
pub(crate) mod escape;
mod gson;
pub mod id_effort;
pub mod id_rule;
pub mod id_source;
pub mod ids_splice;
pub(crate) mod lenient_json;
pub mod log;
pub mod masked;
pub(crate) mod merge_conflict;
pub mod project;
pub(crate) mod properties;
pub mod properties_splice;
pub(crate) mod redaction;
pub(crate) mod remarks;
pub mod run;
#[cfg(test)]
pub(crate) mod sample;
pub(crate) mod secret;
pub mod settings;
pub mod status;
pub(crate) mod suite;
pub(crate) mod terminal;
pub mod test_case;
pub(crate) mod text;
pub(crate) mod unstarted;
pub(crate) mod url_secrets;
pub(crate) mod videos;
pub mod witness;
pub(crate) mod xml;

/// The folder of a project that holds the sessions with their run folders.
pub(crate) const REPORTS: &str = "Reports";
