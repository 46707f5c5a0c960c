//! A token file must be closed to everybody but its owner and the service's own group.

#![expect(clippy::disallowed_methods, reason = "the permissions are on the disk")]

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::secrets::TokenError;
use crate::shell_word::single_quoted;

/// Account and group of the machine's service on Linux.
const ACCOUNT: &str = "kado";

/// How the account that runs kado gets to read a file.
pub(super) const LET_IN: &str = "; let the account that runs kado read it: for the service of \
     the machine `sudo chown root:kado FILE && sudo chmod 640 FILE`";

/// Refuses a file that others can read.
pub(super) fn check(file: &Path) -> Result<(), TokenError> {
    let metadata = std::fs::metadata(file).map_err(|source| TokenError::Unreadable {
        file: file.into(),
        source,
    })?;
    let mode = metadata.mode() & 0o777;

    // Reading by the group of kado's own account, or by that of the service in a file of root's, is
    // what a package sets up; writing by it is not.
    let service_group = service_group();
    let is_own_group = metadata.gid() == rustix::process::getegid().as_raw();
    let is_of_service = metadata.uid() == 0 && service_group == Some(metadata.gid());
    let allowed = if is_own_group || is_of_service {
        0o740
    } else {
        0o700
    };
    if mode & !allowed == 0 {
        return Ok(());
    }

    let remedy = match service_group {
        Some(_) => remedy_with_service(file),
        None => format!("`chmod 600 {}` mends it", single_quoted(file.display())),
    };
    Err(TokenError::Exposed {
        file: file.into(),
        readers: format!("mode {mode:03o}"),
        remedy,
    })
}

/// How to close a file without closing it to the service of the machine.
fn remedy_with_service(file: &Path) -> String {
    let file = single_quoted(file.display());
    format!(
        "`sudo chown root:{ACCOUNT} {file} && sudo chmod 640 {file}` mends it for the service \
         of this machine, `chmod 600 {file}` for yourself"
    )
}

/// The group of the machine's service, if it has an account here.
pub(crate) fn service_group() -> Option<u32> {
    // A package makes the group on the machine itself, so no directory service has to be asked.
    id_in(&std::fs::read_to_string("/etc/group").ok()?)
}

/// The account of the machine's service, if it has one here.
pub(crate) fn service_account() -> Option<u32> {
    id_in(&std::fs::read_to_string("/etc/passwd").ok()?)
}

/// The id of the service in a list of groups or of accounts.
fn id_in(list: &str) -> Option<u32> {
    for line in list.lines() {
        // `kado:x:998:members`, and `kado:x:998:998:…` of an account.
        let mut fields = line.split(':');
        if fields.next() == Some(ACCOUNT) {
            return fields.nth(1)?.parse().ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_of_the_service_is_found_by_its_name() {
        assert_eq!(id_in("root:x:0:\nkadoka:x:7:\nkado:x:998:jo\n"), Some(998));
        assert_eq!(id_in("root:x:0:\n"), None);
    }

    #[test]
    fn the_account_of_the_service_is_found_by_its_name() {
        let accounts = "root:x:0:0::/root:/bin/sh\nkado:x:997:998::/var/lib/kado:/bin/false\n";

        assert_eq!(id_in(accounts), Some(997));
    }

    #[test]
    fn the_remedy_leaves_the_file_to_the_service() {
        let remedy = remedy_with_service(Path::new("/etc/kado/token"));
        assert!(
            remedy.contains("sudo chmod 640 '/etc/kado/token'"),
            "{remedy}"
        );
    }
}
