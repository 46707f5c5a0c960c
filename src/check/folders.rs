//! Folders that have to be readable, and the disk that has to have room.

#![expect(
    clippy::disallowed_methods,
    reason = "whether there is a state folder is looked up on the disk"
)]

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::check::report::Report;
use crate::config::Config;
use crate::door::{self, Folder};
use crate::watch::{WatchProblem, WatchProblems, WatchedPart};
use crate::{service, state_dir};

/// Free bytes below which nothing may be recorded soon.
const LITTLE: u64 = 100 << 20;

/// The folder of the execution profiles.
const PROFILES: &str = "Profiles";

/// Looks into the folders of a project that kado reads; one that is not there yet is no mistake.
/// `unseen` has what the search for its runs did not see.
pub(super) fn check_project_folders(root: &Path, unseen: &WatchProblems, report: &mut Report) {
    for problem in unseen.iter() {
        report_unseen(problem, report);
    }
    if let Some(more) = unseen.tell_more() {
        report.wrong(
            format!("reports of {}", root.display()),
            more.text,
            more.hint,
        );
    }

    for part in ["Test Cases", "settings/external", PROFILES] {
        // A project without the integration has no `external`.
        if let Err(error) = names_in(root, part)
            && error.kind() != ErrorKind::NotFound
        {
            report.wrong(
                format!("folder {}", root.join(part).display()),
                error.to_string(),
                if door::refused(&error).is_some() {
                    "put the folder itself in its place"
                } else {
                    "give the account that runs kado the right to read it"
                },
            );
        }
    }
}

/// Something in the watched folders that is not seen.
pub(super) fn report_unseen(problem: &WatchProblem, report: &mut Report) {
    let kind = match problem.part {
        WatchedPart::Root(_) => "watch",
        _ => problem.subject(),
    };
    report.wrong(
        format!("{kind} {}", problem.object().display()),
        problem.finding(),
        problem.hint(service::how_to_grant),
    );
}

/// Names of the execution profiles of a project: `Profiles/NAME.glbl`. None where the folder cannot
/// be read.
pub(super) fn execution_profiles(root: &Path) -> Vec<String> {
    // An empty list counts as not known, so no row of the mapping is called wrong for it.
    let names = names_in(root, PROFILES).unwrap_or_default();

    let mut profiles = Vec::new();
    for name in names {
        let path = Path::new(&name);
        if path
            .extension()
            .is_some_and(|extension| extension == "glbl")
            && let Some(name) = path.file_stem()
        {
            profiles.push(name.to_string_lossy().into_owned());
        }
    }
    profiles
}

/// The names in a folder of a project.
fn names_in(root: &Path, folder: &str) -> io::Result<Vec<OsString>> {
    let project = Folder::at(root)?;
    let mut names = Vec::new();
    for entry in project.entries_of(Path::new(folder))? {
        names.push(entry?.name);
    }
    Ok(names)
}

/// Says how much room there is for outbox and spool.
pub(super) fn check_room(config: &Config, report: &mut Report) {
    let mut folder = config.state_dir.as_path();

    // A state folder that is yet to be made lies on the disk of the folder above it.
    while !folder.exists()
        && let Some(parent) = folder.parent()
    {
        folder = parent;
    }

    if let Some(free) = state_dir::free_bytes(folder) {
        assess_room(free, config.spool_limit, report);
    }
}

fn assess_room(free: u64, spool_limit: u64, report: &mut Report) {
    let detail = format!("{} free where the state folder lies", size(free));

    if free < LITTLE {
        report.wrong(
            "disk",
            detail,
            "make room: nothing is sent that cannot be recorded",
        );
    } else if free < spool_limit {
        let hint = format!(
            "`spool_limit` is {}: copies of waiting runs could fill the disk, and without room \
             files are sent from where they lie",
            size(spool_limit)
        );
        report.note("disk", detail, hint);
    } else {
        report.fine("disk", detail);
    }
}

fn size(bytes: u64) -> String {
    if bytes >= 10 << 30 {
        format!("{} GiB", bytes >> 30)
    } else {
        format!("{} MiB", bytes >> 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::report::Check;

    const SPOOL_LIMIT: u64 = 10 << 30;

    fn room(free: u64) -> Check {
        let mut report = Report::default();
        assess_room(free, SPOOL_LIMIT, &mut report);
        report.checks.remove(0)
    }

    #[test]
    fn a_disk_that_is_nearly_full_is_wrong() {
        let check = room(50 << 20);

        assert!(!check.ok);
        assert!(check.hint.is_some());
    }

    #[test]
    fn a_disk_with_less_room_than_the_spool_may_take_is_a_note() {
        let check = room(5 << 30);

        assert!(check.ok);
        assert!(check.hint.is_some());
    }

    #[test]
    fn a_disk_with_room_is_fine() {
        let check = room(500 << 30);

        assert!(check.ok);
        assert!(check.hint.is_none());
    }
}
