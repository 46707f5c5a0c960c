//! A folder that is no run folder: what lies below it.

use std::path::{Path, PathBuf};

use crate::error_chain::chain;
use crate::file_names::{is_in, same};
use crate::watch::{self, count_folders, find_runs, survey};
use crate::why::explanation::{Explanation, FolderKind, FolderVerdict};
use crate::why::inquiry::Inquiry;
use crate::why::lost::explain_lost;
use crate::why::{recorded, run_folder, seen};
use crate::workspace;

/// Folders below one that is neither watched nor part of a project, of which all are searched.
const MOST_FOLDERS: usize = 20_000;

/// Says what became of a folder that is no run folder.
pub(super) fn explain(inquiry: &Inquiry<'_>, folder: &Path) -> Explanation {
    let root = workspace::find_project_root(folder);
    let kind = kind_of(folder, root.as_deref());
    if root.is_none() && is_too_much(inquiry, folder) {
        let reason = format!(
            "it is neither a run folder nor a Katalon project, and more than {MOST_FOLDERS} folders \
             lie below it, which are not searched; name the run folder or the project"
        );
        return Explanation {
            kind,
            ..Explanation::of_run(folder, FolderVerdict::Unknown, &reason)
        };
    }

    let mut runs = Vec::new();
    for run in runs_below(folder, root.as_deref()) {
        runs.push(run_folder::explain_one_of_many(inquiry, &run));
    }
    runs.extend(explain_lost(inquiry, |found| is_in(found, folder)));

    // A collection that is submitted as one run has rows of its own.
    let own = inquiry.rows_in(|found| same(found, folder));
    let explanation = if let Some(whole) = recorded::explain_rows(inquiry, folder, &own) {
        Explanation {
            kind,
            runs,
            ..whole
        }
    } else if let Some(of_runs) = Explanation::of_runs(folder, kind, runs) {
        of_runs
    } else {
        Explanation {
            kind,
            ..without_runs(inquiry, folder, kind, root.as_deref())
        }
    };
    with_hidden(explanation, folder, root.as_deref())
}

/// Whether searching a folder would take longer than somebody waits. What the service searches is
/// no longer than that takes.
fn is_too_much(inquiry: &Inquiry<'_>, folder: &Path) -> bool {
    let is_watched = inquiry.config.watch.iter().any(|root| is_in(folder, root));
    !is_watched && count_folders(folder, MOST_FOLDERS + 1) > MOST_FOLDERS
}

fn kind_of(folder: &Path, root: Option<&Path>) -> FolderKind {
    if root.is_some_and(|root| same(root, folder)) {
        return FolderKind::Project;
    }

    // One whose report cannot be read is a collection all the same.
    match workspace::collection_in(folder) {
        Ok(_) => return FolderKind::Collection,
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            return FolderKind::Collection;
        }
        Err(_) => {}
    }
    if root.is_some() {
        recorded::kind_by_place(folder)
    } else {
        FolderKind::Other
    }
}

/// The run folders below a folder, as the sweep finds them; of a collection those of its members.
fn runs_below(folder: &Path, root: Option<&Path>) -> Vec<PathBuf> {
    if let Ok(collection) = workspace::collection_in(folder) {
        let members = collection.members().into_iter();
        return members
            .map(|member| member.folder)
            .filter(|member| workspace::is_run_folder(member))
            .collect();
    }

    let mut runs = match root {
        Some(root) => find_runs(root),
        None => survey(&[folder.to_owned()]).folders,
    };
    runs.retain(|run| is_in(run, folder));
    runs.sort();
    runs
}

/// A folder below which no run lies.
fn without_runs(
    inquiry: &Inquiry<'_>,
    folder: &Path,
    kind: FolderKind,
    root: Option<&Path>,
) -> Explanation {
    if let Some(root) = root
        && let Err(error) = workspace::read_azure_settings(root)
    {
        return Explanation::of_run(folder, FolderVerdict::Unread, &chain(&error));
    }
    if kind == FolderKind::Project
        && let Some(unseen) = seen::why_not_seen(inquiry, folder, root)
    {
        return unseen;
    }

    let reason = match kind {
        FolderKind::Project => "no run folder lies below its `Reports` yet",
        FolderKind::Collection => "none of its suites has a run folder",
        FolderKind::Session | FolderKind::Suite => "no run folder lies in it",
        FolderKind::Run | FolderKind::Other => {
            "it is neither a run folder nor a Katalon project, and none lies in it; name a folder \
             that holds `execution0.log` or a `.prj` file"
        }
    };
    Explanation::of_run(folder, FolderVerdict::Unknown, reason)
}

/// Adds what of the runs below is not seen: it may be more than what is.
fn with_hidden(mut explanation: Explanation, folder: &Path, root: Option<&Path>) -> Explanation {
    let Some(root) = root else {
        return explanation;
    };

    for problem in watch::problems_of_project(root).iter() {
        if !is_in(&problem.path, folder) && !is_in(folder, &problem.path) {
            continue;
        }
        let told = seen::tell(problem);
        if explanation.verdict != FolderVerdict::Unread {
            explanation.verdict = FolderVerdict::Unread;
            explanation.reason = format!("not all of it is seen; {}", explanation.reason);
        }
        explanation = explanation
            .with_details([told.text])
            .or_else_do([told.hint]);
    }
    explanation
}
