//! Where a folder lies: in which project, and in which collection.
//!
//! Both are searched for on the disk, the project upwards through the folders above and the
//! collection through the whole session. So whoever decides about a folder locates it once and
//! hands the answer on.

use std::path::{Path, PathBuf};

use super::collection_folder::{CollectionFolder, search_collection};
use super::project_folder::find_project_root;
use crate::door::Folder;
use crate::file_names::FolderId;
use crate::katalon::collection_report::Membership;
use crate::katalon::damage::Damage;

/// A folder with the project and the collection that it belongs to.
///
/// It says what was so when the folder was located: hand it on within one decision, and locate the
/// folder anew for the next one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Location {
    /// The folder, as whoever asked spelled it.
    pub folder: PathBuf,
    /// Which folder it is, so that no other one is read in its place; `None` where that cannot be
    /// told.
    pub id: Option<FolderId>,
    /// Root of the project; `None` when no folder above holds a `.prj`.
    pub root: Option<PathBuf>,
    /// The collection whose report lists the folder as a member.
    pub collection: Option<CollectionFolder>,
    /// What of the session could not be read, so that the folder may be a member all the same.
    pub damage: Vec<Damage>,
}

impl Location {
    /// Locates a folder. What cannot be read on the way counts as not there.
    pub(crate) fn of(folder: &Path) -> Self {
        let id = Folder::at(folder).and_then(|folder| folder.id()).ok();
        let (collection, damage) = search_collection(folder);
        Self {
            folder: folder.to_owned(),
            id,
            root: find_project_root(folder),
            collection,
            damage,
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
