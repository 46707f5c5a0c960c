//! Whose processes have a say in a run: those of the accounts that its folder and its project
//! belong to, of root, and of the account that kado itself runs as. An agent runs katalonc as the
//! account that owns its workspace; whoever may write there decides about the run in any case.
//!
//! Where the owner is not told, every account counts: on Windows, whose service sees the command
//! lines of its own account alone; and where the system shows all other accounts as one, as in the
//! sandbox of the service (`PrivateUsers=`) and on shares that know no accounts.

use std::path::Path;

use crate::discovery::command::TrustedAccounts;

/// Whose processes have a say in a run of this folder and project.
#[cfg(unix)]
pub(crate) fn trusted_for(run_folder: &Path, project: &Path) -> TrustedAccounts {
    use crate::door::Folder;

    let owner = |path: &Path| Folder::at(path).ok()?.owner();
    let own = rustix::process::geteuid().as_raw();
    trusted(own, &[owner(run_folder), owner(project)])
}

/// The same where accounts have no numbers.
#[cfg(windows)]
pub(crate) const fn trusted_for(_run_folder: &Path, _project: &Path) -> TrustedAccounts {
    TrustedAccounts::All
}

/// The accounts that count beside `own`, by who owns the folders.
#[cfg(unix)]
fn trusted(own: u32, owners: &[Option<u32>]) -> TrustedAccounts {
    const ROOT: u32 = 0;
    // What Linux shows of an account that it has no number for (`/proc/sys/kernel/overflowuid`).
    const UNTOLD: u32 = 65_534;

    let mut accounts = vec![ROOT, own];
    for owner in owners {
        match owner {
            None | Some(UNTOLD) => return TrustedAccounts::All,
            Some(owner) => accounts.push(*owner),
        }
    }
    TrustedAccounts::These(accounts)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_owners_of_run_and_project_count_beside_root_and_kado() {
        let accounts = trusted(990, &[Some(1001), Some(1002)]);

        assert_eq!(accounts, TrustedAccounts::These(vec![0, 990, 1001, 1002]));
    }

    #[test]
    fn where_an_owner_is_not_told_nobody_is_kept_out() {
        assert_eq!(trusted(990, &[Some(1001), None]), TrustedAccounts::All);
        assert_eq!(trusted(990, &[Some(65_534), Some(0)]), TrustedAccounts::All);
    }
}
