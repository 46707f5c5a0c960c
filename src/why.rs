//! `kado why`: what kado knows and decided of a folder, and what would change it.
//!
//! Nothing in here decides anew: a run that is in the outbox is what its rows say, and one that is
//! not is read and judged by the same functions as in the service. Nothing in here writes or asks
//! ADO, and nothing fails: what cannot be read is an answer like any other.

mod below;
mod explanation;
mod inquiry;
mod lost;
mod recorded;
mod run_folder;
mod seen;

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::config::Config;
use crate::door::{self, Folder, Kind};
use crate::file_names::is_in;
use crate::workspace;
use inquiry::Inquiry;

pub(crate) use explanation::{Explanation, FolderVerdict};

/// Says what is known of a folder, or of that of a file.
///
/// # Errors
/// When the system cannot say where the path leads.
pub(crate) fn explain(path: &Path, config: &Config) -> io::Result<Explanation> {
    let inquiry = Inquiry::open(config);
    let path = as_watched(&std::path::absolute(path)?, &config.watch);

    let explanation = explain_path(&inquiry, path);
    Ok(match inquiry.disk_fault {
        // What a person has to decide does not wait for room.
        Some(fault) if explanation.waits_for_kado() => explanation
            .with_details([fault.text(&config.state_dir)])
            .or_else_do(fault.hint()),
        _ => explanation,
    })
}

fn explain_path(inquiry: &Inquiry<'_>, path: PathBuf) -> Explanation {
    let folder = match door::kind_of_target(&path) {
        Ok(Kind::Folder) => path,
        Ok(_) => match path.parent() {
            Some(folder) => folder.to_owned(),
            None => path,
        },
        Err(error) => return explain_absent(inquiry, &path, &error),
    };

    if let Err(error) = Folder::at(&folder)
        && door::refused(&error).is_some()
    {
        return match seen::why_not_seen(inquiry, &folder, None) {
            Some(unseen) => unseen,
            None => explain_absent(inquiry, &folder, &error),
        };
    }

    if workspace::is_run_folder(&folder) {
        run_folder::explain(inquiry, &folder)
    } else {
        below::explain(inquiry, &folder)
    }
}

/// A path as the service spells it: below the watched folder that it lies in, also where somebody
/// came to it by another way.
fn as_watched(path: &Path, roots: &[PathBuf]) -> PathBuf {
    // Without a separator at the end, with which it would be another key of the outbox.
    let path: PathBuf = path.components().collect();
    let has_detour = path.components().any(|part| part == Component::ParentDir);
    if !has_detour && roots.iter().any(|root| is_in(&path, root)) {
        return path;
    }

    let real = workspace::resolved(&path);
    for root in roots {
        if let Ok(below) = real.strip_prefix(workspace::resolved(root)) {
            return root.join(below).components().collect();
        }
    }
    if has_detour { real } else { path }
}

/// A folder that is gone, or that this account may not look at.
fn explain_absent(inquiry: &Inquiry<'_>, folder: &Path, error: &io::Error) -> Explanation {
    if error.kind() == io::ErrorKind::NotFound {
        let gone = "the folder is not there any more";
        return match recorded::explain_path(inquiry, folder) {
            Some(known) => known.with_details([gone.to_owned()]),
            None => recorded::explain_nothing(inquiry, folder),
        };
    }

    let fault = format!("the folder cannot be looked at: {error}");
    match recorded::explain_path(inquiry, folder) {
        Some(known) => known.with_details([fault]),
        None => Explanation::of_run(folder, FolderVerdict::Unread, &fault),
    }
}
