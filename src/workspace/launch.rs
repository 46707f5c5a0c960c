//! `execution.properties` of a run folder, which the launcher writes before the run.

use std::path::Path;

use super::open;
use crate::katalon::run::execution::Execution;

/// What the launcher wrote down before the run (`execution.properties`); `None` while that is not
/// there or not whole.
pub fn read_launch(folder: &Path) -> Option<Execution> {
    Execution::read(&open::whole_if_any(&folder.join("execution.properties")).ok()??).ok()
}
