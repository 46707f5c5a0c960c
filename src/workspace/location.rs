//! Where a folder lies: in which project, and in which collection.
//!
//! Both are searched for on the disk, the project upwards through the folders above and the
//! collection through the whole session. So whoever decides about a folder locates it once and
//! hands the answer on.

use std::path::{Path, PathBuf};

use super::collection_folder::{CollectionFolder, collection_of};
use super::project_folder::find_project_root;
use crate::katalon::collection_report::Membership;

/// A folder with the project and the collection that it belongs to.
///
/// It says what was so when the folder was located: hand it on within one decision, and locate the
/// folder anew for the next one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Location {
    /// The folder, as whoever asked spelled it.
    pub folder: PathBuf,
    /// Root of the project; `None` when no folder above holds a `.prj`.
    pub root: Option<PathBuf>,
    /// The collection whose report lists the folder as a member.
    pub collection: Option<CollectionFolder>,
}

impl Location {
    /// Locates a folder. What cannot be read on the way counts as not there.
    pub(crate) fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            root: find_project_root(folder),
            collection: collection_of(folder),
        }
    }

    /// Whether the run in the folder is a member of a collection.
    pub(crate) fn membership(&self) -> Membership {
        match &self.collection {
            Some(collection) => collection.report.membership(),
            None => Membership::Single,
        }
    }
}
