//! `execution.properties` of a run folder, which the launcher writes before the run.

use std::path::Path;

use crate::door::Folder;
use crate::katalon::run::execution::{self, Execution};

/// What the launcher wrote down before the run; `None` while the file is not there or not whole, as
/// while it is being written.
pub(crate) fn read_launch(folder: &Path) -> Option<Execution> {
    let folder = Folder::at(folder).ok()?;
    let bytes = folder.whole_if_any(Path::new(execution::FILE)).ok()??;
    let launch = Execution::read(&bytes);
    launch.damage.is_none().then_some(launch)
}
