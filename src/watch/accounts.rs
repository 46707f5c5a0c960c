//! Whose processes have a say in a run: those of the accounts that its folder and its project
//! belong to, of root, and of the account that kado itself runs as. An agent runs katalonc as the
//! account that owns its workspace; whoever may write there decides about the run in any case.
//!
//! Where the owner is not told, every account counts: on Windows, whose service sees the command
//! lines of its own account alone; and where the system shows all other accounts as one, as in the
//! sandbox of the service (`PrivateUsers=`) and on shares that know no accounts.

use std::path::Path;

use crate::discovery::command::TrustedAccounts;
use crate::door::Folder;

/// The account that may do everything.
const ROOT: u32 = 0;
/// What Linux shows of an account that it has no number for (`/proc/sys/kernel/overflowuid`).
const UNTOLD: u32 = 65_534;

/// Whose processes have a say in a run of this folder and project.
pub(crate) fn trusted_for(run_folder: &Path, project: &Path) -> TrustedAccounts {
    trusted(&[own_account(), owner(run_folder), owner(project)])
}

/// The account that this program runs as.
#[cfg(unix)]
fn own_account() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
}

/// Accounts have no numbers here.
#[cfg(windows)]
const fn own_account() -> Option<u32> {
    None
}

fn owner(folder: &Path) -> Option<u32> {
    Folder::at(folder).ok()?.owner()
}

/// These accounts and root; all, where one of these is not told.
fn trusted(accounts: &[Option<u32>]) -> TrustedAccounts {
    let mut trusted = vec![ROOT];
    for account in accounts {
        match account {
            None | Some(UNTOLD) => return TrustedAccounts::All,
            Some(account) => trusted.push(*account),
        }
    }
    TrustedAccounts::These(trusted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owners_of_run_and_project_count_beside_root_and_kado() {
        let accounts = trusted(&[Some(990), Some(1001), Some(1002)]);

        assert_eq!(accounts, TrustedAccounts::These(vec![0, 990, 1001, 1002]));
    }

    #[test]
    fn where_an_owner_is_not_told_nobody_is_kept_out() {
        let own = Some(990);

        assert_eq!(trusted(&[own, Some(1001), None]), TrustedAccounts::All);
        assert_eq!(trusted(&[own, Some(65_534), Some(0)]), TrustedAccounts::All);
    }
}
