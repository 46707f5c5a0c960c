//! Writes Katalon Studio projects and suite runs on disk, in Katalon's own formats.
//!
//! Purpose: kado's tests and its demo need folders that look exactly as if Katalon had just written
//! them, in any version, finished or torn off at any point. [`ProjectWriter`] lays out a project,
//! [`SuiteRunWriter`] describes a suite run and writes it at once or step by step, [`sample`] is a
//! small shop that shows everything.
//!
//! Nothing here reads a clock or draws lots: the same description gives the same bytes.

mod azure;
mod binding;
mod collection;
mod damage;
mod execution;
mod generation;
mod json;
mod junit;
mod live;
mod log;
mod model;
mod moments;
mod png;
mod project;
mod properties;
mod record;
mod reports;
mod run;
pub mod sample;
mod seed;
mod step;
mod suite;
mod test_case;
mod text;

pub use azure::{AzureSettings, ConfigurationRow, PlanGeneration, Sending, Token};
pub use collection::CollectionWriter;
pub use damage::Damage;
pub use generation::Generation;
pub use live::{Live, LiveStep, Phase, Write};
pub use model::{Attempt, Status, Test, Variable};
pub use png::png;
pub use project::ProjectWriter;
pub use run::{Ending, SuiteRunWriter};
pub use step::Step;
pub use suite::{SuiteFile, SuiteLink};
pub use test_case::{CaseVariable, TestCaseFile};

#[cfg(test)]
mod tests;
