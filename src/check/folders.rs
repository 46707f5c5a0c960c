//! Folders that have to be readable, and the disk that has to have room.

#![expect(clippy::disallowed_methods, reason = "folders are looked at")]

use std::io::ErrorKind;
use std::path::Path;

use crate::check::report::Report;
use crate::config::Config;
use crate::state_dir;
use crate::watch;

/// Free bytes below which nothing may be recorded soon.
const LITTLE: u64 = 100 << 20;

/// Looks into the folders of a project that kado reads; one that is not there yet is no mistake.
pub(super) fn check_project_folders(root: &Path, report: &mut Report) {
    check_reports(root, report);
    for part in ["Test Cases", "Reports", "settings/external"] {
        let folder = root.join(part);
        match std::fs::read_dir(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                let hint = "give the account that runs kado the right to read it";
                report.wrong(
                    format!("folder {}", folder.display()),
                    error.to_string(),
                    hint,
                );
            }
            _ => {}
        }
    }
}

/// Whether a project's runs lie where kado looks for them.
fn check_reports(project: &Path, report: &mut Report) {
    if watch::has_linked_reports(project) {
        let name = format!("reports of {}", project.display());
        let hint = "make `Reports` a folder, or mount the other one there";
        report.wrong(
            name,
            "`Reports` is a link, which is not followed: its runs are not submitted",
            hint,
        );
    }
}

/// Names of the execution profiles of a project: `Profiles/NAME.glbl`.
pub(super) fn profiles(root: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(root.join("Profiles"))
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let files = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "glbl"));
    files
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect()
}

/// Says how much room there is for outbox and spool.
pub(super) fn check_room(config: &Config, report: &mut Report) {
    let mut folder = config.state_dir.as_path();
    // A state folder that is yet to be made lies on the disk of the folder above it.
    while let Some(above) = folder.parent().filter(|_| !folder.exists()) {
        folder = above;
    }
    let Some(free) = state_dir::free_bytes(folder) else {
        return;
    };
    judge(free, config.spool_limit, report);
}

fn judge(free: u64, spool_limit: u64, report: &mut Report) {
    let detail = format!("{} free where the state folder lies", size(free));
    if free < LITTLE {
        report.wrong(
            "disk",
            detail,
            "make room: nothing is sent that cannot be recorded",
        );
    } else if free < spool_limit {
        let hint = format!(
            "`spool_limit` is {}: copies of waiting runs could fill the disk, and without room files are sent from where \
             they lie",
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

    #[test]
    fn a_disk_that_is_nearly_full_is_wrong_and_one_smaller_than_the_spool_is_told() {
        let told = |free| {
            let mut report = Report::default();
            judge(free, 10 << 30, &mut report);
            (report.checks[0].ok, report.checks[0].hint.is_some())
        };
        assert_eq!(
            (told(50 << 20), told(5 << 30), told(500 << 30)),
            ((false, true), (true, true), (true, false))
        );
    }
}
