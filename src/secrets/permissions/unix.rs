//! A token file must be closed to everybody but its owner and the service's own group.

#![expect(clippy::disallowed_methods, reason = "the permissions are on the disk")]

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::secrets::TokenError;

/// Account and group of the machine's service on Linux.
const ACCOUNT: &str = "kado";

/// How the account that runs kado gets to read a file.
pub(super) const LET_IN: &str = "; let the account that runs kado read it: for the service of the machine \
     `sudo chown root:kado FILE && sudo chmod 640 FILE`";

/// Refuses a file that others can read.
pub(super) fn check(file: &Path) -> Result<(), TokenError> {
    let metadata = std::fs::metadata(file).map_err(|source| TokenError::Unreadable {
        file: file.into(),
        source,
    })?;
    let mode = metadata.mode() & 0o777;
    let service = service_group();
    // Reading by the group of kado's own account, or by that of the service in a file of root's, is
    // what a package sets up; writing by it is not.
    let own_group = metadata.gid() == rustix::process::getegid().as_raw();
    let of_service = metadata.uid() == 0 && service == Some(metadata.gid());
    let allowed = if own_group || of_service {
        0o740
    } else {
        0o700
    };
    if mode & !allowed == 0 {
        return Ok(());
    }
    Err(TokenError::Exposed {
        file: file.into(),
        found: format!("mode {mode:03o}"),
        remedy: remedy(file, service.is_some()),
    })
}

/// How to close a file without closing it to the service of the machine.
fn remedy(file: &Path, for_service: bool) -> String {
    let file = file.display();
    if for_service {
        format!(
            "`sudo chown root:{ACCOUNT} '{file}' && sudo chmod 640 '{file}'` mends it for the service of this machine, \
             `chmod 600 '{file}'` for yourself"
        )
    } else {
        format!("`chmod 600 '{file}'` mends it")
    }
}

/// The group of the machine's service, if it has an account here.
fn service_group() -> Option<u32> {
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    group_in(&groups)
}

fn group_in(groups: &str) -> Option<u32> {
    let line = groups
        .lines()
        .find(|line| line.split(':').next() == Some(ACCOUNT))?;
    line.split(':').nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_of_the_service_is_found_by_its_name() {
        assert_eq!(
            group_in("root:x:0:\nkadoka:x:7:\nkado:x:998:jo\n"),
            Some(998)
        );
        assert_eq!(group_in("root:x:0:\n"), None);
    }

    #[test]
    fn the_remedy_leaves_the_file_to_the_service() {
        assert!(
            remedy(Path::new("/etc/kado/token"), true).contains("sudo chmod 640 '/etc/kado/token'")
        );
        assert_eq!(remedy(Path::new("/t"), false), "`chmod 600 '/t'` mends it");
    }
}
