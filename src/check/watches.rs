//! Whether the system lets kado watch every folder that it wants to: on Linux each costs one of the
//! account's inotify watches. Without them nothing is lost, because the sweep finds every run, only
//! later (invariant I1).

#[cfg(target_os = "linux")]
#[path = "watches/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "watches/other.rs"]
mod system;

use std::path::PathBuf;

use crate::check::report::Report;
use crate::config::Config;
use crate::plural::{counted, form};
use crate::watch::hints;

/// Folders beyond which nobody counts: no system allows so many watches.
const MOST: usize = 2_000_000;
/// Time between two sweeps, as `daemon/keeper.rs` has it.
const SWEEP: &str = "30 seconds";

/// Compares what kado would watch with what the system allows.
pub(crate) fn check_watches(config: &Config, projects: &[PathBuf], report: &mut Report) {
    let Some(limit) = system::limit() else { return };

    compare(hints::count(&config.watch, projects, MOST), limit, report);
}

/// A fifth of the limit is left to others: all programs of the account share it.
fn compare(wanted: usize, limit: usize, report: &mut Report) {
    if wanted <= limit / 10 * 8 {
        return report.fine(
            "file events",
            format!(
                "{} {} watched, {limit} are allowed for the account",
                counted(wanted, "folder"),
                form(wanted, "is", "are")
            ),
        );
    }

    // Twice what is wanted now: on a busy day more sessions are young.
    let hint = format!(
        "set fs.inotify.max_user_watches to {} or more in a file below /etc/sysctl.d; until then \
         new runs there are found by the sweep every {SWEEP}",
        (wanted * 2).next_power_of_two()
    );
    report.note(
        "file events",
        format!("{wanted} folders would be watched, only {limit} are allowed for the account"),
        hint,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::report::Check;

    fn compared(wanted: usize, limit: usize) -> Check {
        let mut report = Report::default();
        compare(wanted, limit, &mut report);
        report.checks.remove(0)
    }

    #[test]
    fn enough_watches_are_fine() {
        let check = compared(10, 8192);

        assert!(check.ok);
        assert_eq!(
            check.detail,
            "10 folders are watched, 8192 are allowed for the account"
        );
        assert_eq!(check.hint, None);
    }

    #[test]
    fn one_folder_is_watched() {
        let check = compared(1, 8192);

        assert_eq!(
            check.detail,
            "1 folder is watched, 8192 are allowed for the account"
        );
    }

    #[test]
    fn too_few_watches_are_a_note_with_the_number_that_would_do() {
        let check = compared(20_000, 8192);

        assert!(check.ok);
        assert!(check.detail.contains("only 8192"), "{}", check.detail);
        let hint = check.hint.unwrap();
        assert!(hint.contains("max_user_watches to 65536"), "{hint}");
    }
}
