//! `execution.properties` of a run folder, which the launcher writes before the run.

use std::path::Path;

use super::open;
use crate::katalon::run::execution::{self, Execution};

/// What the launcher wrote down before the run; `None` while the file is not there or not whole, as
/// while it is being written.
pub(crate) fn read_launch(folder: &Path) -> Option<Execution> {
    let bytes = open::whole_if_any(&folder.join(execution::FILE)).ok()??;
    let launch = Execution::read(&bytes);
    launch.damage.is_none().then_some(launch)
}
