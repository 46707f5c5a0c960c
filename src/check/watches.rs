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
use crate::watch;

/// Folders beyond which nobody counts.
const MOST: usize = 2_000_000;
/// Time between two sweeps, as `daemon/keeper.rs` has it.
const SWEEP: &str = "30 seconds";

/// Compares what kado would watch with what the system allows.
pub(crate) fn check_watches(config: &Config, projects: &[PathBuf], report: &mut Report) {
    let Some(limit) = system::limit() else { return };
    let reports = projects
        .iter()
        .map(|project| watch::count_folders(&project.join("Reports"), MOST))
        .sum::<usize>();
    judge(config.watch.len() + projects.len() + reports, limit, report);
}

/// Others of the account watch as well, so that kado must not need all there is.
fn judge(wanted: usize, limit: usize, report: &mut Report) {
    if wanted <= limit / 10 * 8 {
        return report.fine(
            "file events",
            format!("{wanted} folders are watched, {limit} are allowed for the account"),
        );
    }
    let hint = format!(
        "set fs.inotify.max_user_watches to {} or more in a file below /etc/sysctl.d, or clean old runs out of `Reports`; \
         until then new runs there are found by the sweep every {SWEEP}",
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

    #[test]
    fn too_few_watches_are_told_with_the_number_that_would_do() {
        let told = |wanted, limit| {
            let mut report = Report::default();
            judge(wanted, limit, &mut report);
            let check = report.checks.remove(0);
            format!(
                "{} {} {}",
                check.ok,
                check.detail,
                check.hint.unwrap_or_default()
            )
        };
        assert_eq!(
            told(10, 8192),
            "true 10 folders are watched, 8192 are allowed for the account "
        );
        let many = told(20_000, 8192);
        assert!(
            many.contains("only 8192") && many.contains("max_user_watches to 65536"),
            "{many}"
        );
    }
}
