//! Whether the service sees a folder: by what its sweep finds, and what it says that it does not
//! see.

use std::path::Path;

use crate::file_names::{is_in, same};
use crate::service;
use crate::watch::{ToldWatchProblem, WatchProblem};
use crate::why::explanation::{Explanation, FolderVerdict};
use crate::why::inquiry::Inquiry;

/// Why the service does not see a run folder or project; `None` when it does. `root` is that of the
/// project.
pub(super) fn why_not_seen(
    inquiry: &Inquiry<'_>,
    folder: &Path,
    root: Option<&Path>,
) -> Option<Explanation> {
    let watched = inquiry.watched();
    if watched.has(folder) {
        return None;
    }

    if let Some(problem) = watched
        .problems
        .iter()
        .find(|problem| hides(problem, folder))
    {
        let told = tell(problem);
        let hidden = Explanation::of_run(folder, FolderVerdict::Unread, &told.text);
        return Some(hidden.or_else_do([told.hint]));
    }

    let roots = &inquiry.config.watch;
    if roots.iter().any(|root| is_in(folder, root)) {
        let reason = "the service does not find it: it lies neither below the `Reports` of a \
                      project nor where projects are searched";
        return Some(Explanation::of_run(folder, FolderVerdict::Unread, reason));
    }

    let reason = "it lies below no folder that is watched (`watch` in kado.toml), so the service \
                  does not see it";
    let near = root.unwrap_or(folder);
    Some(
        Explanation::of_run(folder, FolderVerdict::Ignored, reason).or_else_do([format!(
            "`watch = [{:?}]` in kado.toml",
            near.display().to_string()
        )]),
    )
}

/// A problem in words, with what lets this account read a folder.
pub(super) fn tell(problem: &WatchProblem) -> ToldWatchProblem {
    let account = service::own_account();
    problem.tell(|folder| service::command_to_grant(folder, &account))
}

/// Whether a problem keeps a folder from being seen: it lies in what is closed or linked, or is too
/// deep itself.
fn hides(problem: &WatchProblem, folder: &Path) -> bool {
    same(problem.object(), folder) || is_in(folder, &problem.path)
}
