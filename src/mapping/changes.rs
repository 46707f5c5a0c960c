//! Writes ids into the files of test cases. All changes of a command are prepared first: each file
//! is read, spliced, and looked at whether it may be replaced; what is kept of it is a digest. Only
//! then the first one is written, so what is wrong with one of them leaves all as they are. Each
//! file is replaced as a whole or not at all; of several, those that were written are told.

use std::collections::BTreeMap;
use std::path::Path;

use crate::katalon::id_source::IdSource;
use crate::katalon::ids_splice::{self, NoSplice};
use crate::katalon::test_case::TestCase;
use crate::mapping::entered_ids::EnteredIds;
use crate::mapping::mapped_project::{Counting, MappedProject};
use crate::watch::processes;
use crate::workspace::{self, Original, ReplaceError};

/// What a test case is to have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Wish {
    /// These ids.
    Ids(EnteredIds),
    /// None, and no element of the Azure integration.
    Nothing,
}

/// A change that can be made.
pub(crate) struct CaseChange {
    /// The test case.
    pub test_case: String,
    /// What its integration tab holds.
    pub before: Option<String>,
    /// What it is to hold.
    pub after: Option<String>,
    original: Original,
}

/// Why a change cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoChange {
    /// Ids of another place go before those that would be written.
    #[error(
        "the id of `{test_case}` comes from its {} (`{ids}`, `submit.ids_from`), which goes before \
         the Integration tab: change it there",
        .place.word()
    )]
    Elsewhere {
        test_case: String,
        place: IdSource,
        ids: String,
    },
    /// The integration tab is not among the places.
    #[error(
        "ids on the Integration tab do not count in this project: `submit.ids_from` is {}; write \
         them there, or add \"integration\" to it",
        in_words(.0)
    )]
    NotRead(Vec<IdSource>),
    /// The file cannot be changed by a splice.
    #[error(transparent)]
    NoSplice(#[from] NoSplice),
    /// The file cannot be read or replaced.
    #[error(transparent)]
    File(#[from] ReplaceError),
}

fn in_words(places: &[IdSource]) -> String {
    let places: Vec<String> = places
        .iter()
        .map(|place| format!("\"{}\"", place.word()))
        .collect();
    format!("[{}]", places.join(", "))
}

/// Whether ids on the integration tab count at all.
///
/// # Errors
/// When they do not.
pub(crate) fn tab_counts(project: &MappedProject) -> Result<(), NoChange> {
    if project.reads_tab() {
        Ok(())
    } else {
        Err(NoChange::NotRead(project.rule.from.clone()))
    }
}

/// Prepares a change of a test case of the project; `None` where its file says already what it is
/// to say.
///
/// # Errors
/// When it cannot be made, or would not count.
pub(crate) fn prepared(
    project: &MappedProject,
    test_case: &str,
    wish: &Wish,
) -> Result<Option<CaseChange>, NoChange> {
    let below = format!("{test_case}.tc");
    let (original, bytes) = Original::read(&project.katalon.root, Path::new(&below))?;
    let before = TestCase::read(test_case.to_owned(), &bytes);

    let after = match wish {
        Wish::Ids(ids) => Some(ids.text()),
        Wish::Nothing => None,
    };
    // Whether ids are taken away from where they count: what stands elsewhere may count then.
    let deciding = after.as_deref().or(before.azure_ids.as_deref());
    match project.counting_place(&before, deciding) {
        Counting::Tab if project.reads_tab() => {}
        Counting::Elsewhere { source, ids } => {
            return Err(NoChange::Elsewhere {
                test_case: test_case.to_owned(),
                place: source,
                ids,
            });
        }
        Counting::Tab | Counting::Nowhere => {
            return Err(NoChange::NotRead(project.rule.from.clone()));
        }
    }

    // What differs only in blanks is no other mapping, and no byte changes for it. The splice is
    // tried all the same: it refuses what cannot be read for sure.
    let new = spliced(test_case, &bytes, after.as_deref())?;
    let is_there = match (wish, &before.azure_ids) {
        (Wish::Ids(ids), Some(stored)) => ids.are(stored),
        _ => false,
    };
    if is_there || new == bytes {
        return Ok(None);
    }

    Ok(Some(CaseChange {
        test_case: test_case.to_owned(),
        before: before.azure_ids,
        after,
        original,
    }))
}

fn spliced(test_case: &str, bytes: &[u8], ids: Option<&str>) -> Result<Vec<u8>, NoSplice> {
    match ids {
        Some(ids) => ids_splice::with_ids(test_case, bytes, ids),
        None => ids_splice::without_ids(test_case, bytes),
    }
}

/// Makes changes, one file after the other; gives those that failed, by test case.
pub(crate) fn applied(changes: &[CaseChange]) -> BTreeMap<&str, NoChange> {
    let mut failed = BTreeMap::new();
    for change in changes {
        if let Err(error) = apply(change) {
            failed.insert(&*change.test_case, error);
        }
    }
    failed
}

fn apply(change: &CaseChange) -> Result<(), NoChange> {
    let bytes = change.original.bytes()?;
    let new = spliced(&change.test_case, &bytes, change.after.as_deref())?;
    Ok(change.original.replace(&new)?)
}

/// Whether a program of Katalon works on a project, as far as its command line tells: one that is
/// started with the project as an argument. A Katalon Studio in which the project was opened by
/// hand tells nobody.
pub(crate) fn is_katalon_at_work(root: &Path) -> bool {
    let root = workspace::resolved(root);
    processes::katalon_commands_of_others()
        .iter()
        .any(|command| command.root == root)
}
