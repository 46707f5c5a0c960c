//! Files and folders of kado that only the system, administrators, their owner and the account of
//! the service may use.

#![expect(
    clippy::disallowed_methods,
    reason = "folders are made and closed here"
)]

use std::io;
use std::path::Path;

use super::access_list::{ADMINISTRATORS, Descriptor, SYSTEM};
use super::calls;
use super::service_sid::service_sid;
use crate::SERVICE_NAME;

/// What the account of the service may do; everybody else who is let in may do everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ServiceRights {
    /// Read: configuration and token.
    Reads,
    /// Read, write and delete: the state.
    Writes,
}

impl ServiceRights {
    /// As a number: `FILE_GENERIC_READ` with running and going through, and the same with writing
    /// and deleting, as `icacls` grants them by `RX` and `M`.
    const fn as_text(self) -> &'static str {
        match self {
            Self::Reads => "0x1200a9",
            Self::Writes => "0x1301bf",
        }
    }
}

/// The access list of a folder, which everything in it inherits.
fn access_list(service: ServiceRights) -> String {
    let account = service_sid(SERVICE_NAME);
    let entries = [
        ("FA", "SY"),
        ("FA", "BA"),
        ("FA", "OW"),
        (service.as_text(), &account),
    ];

    // `P` keeps out what `%ProgramData%` grants, where every user may read.
    let mut list = "D:PAI".to_owned();
    for (rights, who) in entries {
        list.push_str(&format!("(A;OICI;{rights};;;{who})"));
    }
    list
}

/// Makes a folder and closes it; whether it was not closed before. One that is closed already keeps
/// its access list, so that what a person granted stays.
///
/// # Errors
/// When it cannot be made or closed, or when it belongs to somebody who is no administrator:
/// anybody may make folders in `%ProgramData%`, and the owner of a folder decides what kado would
/// read there.
pub(crate) fn make_folder(folder: &Path, service: ServiceRights) -> io::Result<bool> {
    match std::fs::create_dir(folder) {
        // A link to a folder is none: whoever made it would decide where kado reads.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !is_real(folder) => {
            return Err(error);
        }
        _ => {}
    }

    let descriptor = Descriptor::parse(&calls::descriptor(folder)?);
    let trusted = [
        SYSTEM,
        ADMINISTRATORS,
        &service_sid(SERVICE_NAME),
        &calls::own_sid()?,
    ];
    if !trusted.contains(&descriptor.owner.as_str()) {
        let owner = calls::account_name(&descriptor.owner).unwrap_or(descriptor.owner);
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "it belongs to {owner}, who is no administrator; look at what lies in it, then \
                 `icacls \"{}\" /setowner *{ADMINISTRATORS} /T /C` or remove it",
                folder.display()
            ),
        ));
    }

    if descriptor.protected {
        return Ok(false);
    }
    calls::set_access_list(folder, &access_list(service))?;
    Ok(true)
}

fn is_real(folder: &Path) -> bool {
    std::fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir())
}

/// Closes a file before something secret is written to it: the account of the service may read it.
///
/// # Errors
/// When this account may not change its access list.
pub(crate) fn close_file(file: &Path) -> io::Result<()> {
    let account = service_sid(SERVICE_NAME);
    calls::set_access_list(
        file,
        &format!("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;OW)(A;;FR;;;{account})"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_and_can_be_used_by_who_made_it() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("kado");
        assert!(make_folder(&folder, ServiceRights::Writes).unwrap());
        std::fs::write(folder.join("file"), "x").unwrap();
        make_folder(&folder, ServiceRights::Writes).unwrap();
        close_file(&folder.join("file")).unwrap();
        assert_eq!(std::fs::read_to_string(folder.join("file")).unwrap(), "x");
    }

    #[test]
    fn the_list_names_nobody_but_those_who_may() {
        for service in [ServiceRights::Reads, ServiceRights::Writes] {
            let list = Descriptor::parse(&format!("O:BA{}", access_list(service)));
            assert!(list.protected);
            assert_eq!(list.strangers(&[&service_sid(SERVICE_NAME)]), []);
        }
    }
}
