//! Is there a finished run in this folder, is it one that kado has met before, and is it to be
//! submitted?
//!
//! Everything in here is decided from observations and the time that the caller passes in; nothing
//! looks at a file or a clock. [`tracker`] follows one folder, [`run_identity`] says which run it
//! holds, [`command`] which katalonc started it, [`claim`] whether `kado exec` did, [`eligibility`]
//! says what becomes of it; [`filled_run`] is the test run that a
//! person names for it. What these decide is decided when the run is finished, and for what was
//! left out when its rules change; [`settled`] remembers for which folders, [`folder_answer`] is
//! what is said of each.

pub(crate) mod claim;
pub(crate) mod command;
pub(crate) mod command_of_run;
pub(crate) mod eligibility;
pub(crate) mod filled_run;
pub(crate) mod folder_answer;
pub(crate) mod run_identity;
pub(crate) mod settled;
pub(crate) mod tracker;
