//! The test run that a person names with `--into`: somebody began it in ADO, and a suite run fills
//! it in place of one that kado makes. Pure.

use serde::{Deserialize, Serialize};

/// The test run that a suite run fills. It is stored as JSON: the serde names do not change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct FilledRun {
    /// Its id in ADO.
    pub run: u32,
    /// What becomes of it in the end.
    pub completion: Completion,
}

/// What becomes of a test run when it is filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Completion {
    /// Whoever began it completes it.
    Leave,
    /// kado was told to complete it (`--complete`).
    Complete,
}
