//! An access list of the folder's own, and the drive's own figures.

#![expect(
    clippy::disallowed_methods,
    reason = "what lies in the folder is made here"
)]

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf, Prefix};

use same_file::Handle;
use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_OPEN_REPARSE_POINT;

use crate::SERVICE_NAME;
use crate::state_dir::{Exposure, StateDirRefusal};
use crate::win32::access_list::{ADMINISTRATORS, Descriptor, SYSTEM, Stranger};
use crate::win32::service_sid::service_sid;
use crate::win32::{calls, closed};

/// Makes a folder for the system, administrators, its owner and the account of the service.
pub(super) fn make_closed(folder: &Path) -> io::Result<()> {
    closed::make_folder(folder, closed::ServiceRights::Writes).map(|_| ())
}

/// Refuses a folder of which others decide what lies in it: by owning it, or by its access list.
/// Who may read it is the administrator's choice.
pub(super) fn check_folder(folder: &Path) -> Result<(), StateDirRefusal> {
    // What cannot be asked for cannot be opened either, and is told by whoever tries.
    let Ok(text) = calls::descriptor(folder) else {
        return Ok(());
    };
    let descriptor = Descriptor::parse(&text);

    let service = service_sid(SERVICE_NAME);
    let own = calls::own_sid().unwrap_or_default();
    let trusted = [own.as_str(), service.as_str()];
    let owner = descriptor.owner.as_str();
    let is_known = [SYSTEM, ADMINISTRATORS, ""].contains(&owner) || trusted.contains(&owner);
    if !is_known {
        return Err(StateDirRefusal::OfAnother {
            path: folder.to_owned(),
            owner: calls::account_name(owner).unwrap_or_else(|| owner.to_owned()),
        });
    }

    let deciders = descriptor.deciders(&trusted);
    if deciders.is_empty() {
        return Ok(());
    }
    Err(StateDirRefusal::Writable {
        permissions: names_of(&deciders),
        command: command_to_close(folder, &service, &own),
    })
}

/// The access list of what lies in the folder comes from the folder.
pub(super) const fn check_entry(
    _folder: &Path,
    _path: &Path,
    _entry: &Metadata,
) -> Result<(), StateDirRefusal> {
    Ok(())
}

/// The names of accounts, each once.
fn names_of(strangers: &[Stranger]) -> String {
    let mut names = BTreeSet::new();
    for stranger in strangers {
        // Names of two letters mean an account of this machine or domain.
        let sid = calls::full_sid(&stranger.account).unwrap_or_else(|_| stranger.account.clone());
        names.insert(calls::account_name(&sid).unwrap_or(sid));
    }
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// The command that leaves a folder to the system, administrators, the service and this account.
/// SIDs mean the same in every language of Windows.
fn command_to_close(folder: &Path, service: &str, own: &str) -> String {
    let mut command = format!("icacls \"{}\" /inheritance:r /grant:r", folder.display());
    for account in [SYSTEM, ADMINISTRATORS, service, own] {
        if !account.is_empty() && !command.contains(&format!("*{account}:")) {
            command.push_str(&format!(" *{account}:(OI)(CI)F"));
        }
    }
    command
}

/// Has a file opened as itself: a link is opened in place of what it leads to.
pub(super) fn without_following(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
}

/// As it is: SQLite knows no form of a path that begins with `\\?\`, and follows links here.
pub(super) fn without_links(folder: &Path) -> io::Result<PathBuf> {
    Ok(folder.to_owned())
}

/// Whether what lies at a path is this file.
pub(super) fn is_same(file: &File, path: &Path) -> io::Result<bool> {
    Ok(Handle::from_path(path)? == Handle::from_file(file.try_clone()?)?)
}

/// Bytes that are free for this account on the drive of a folder.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    calls::free_bytes(folder).ok()
}

/// Not asked for on this system yet.
pub(super) fn is_read_only(_folder: &Path) -> Option<bool> {
    None
}

/// Makes a folder, which inherits the access list of the one around it.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().create(folder)
}

/// Makes a file, which inherits the access list of the folder around it.
pub(super) fn make_file(file: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(file)
}

/// An access list is left to whoever wrote it.
pub(super) fn close_if_ours(_folder: &Path) {}

/// Not asked for on this system yet.
pub(super) fn exposure(_folder: &Path) -> Option<Exposure> {
    None
}

/// Whether this account may write to a file that is there; what a folder allows only an attempt
/// would tell.
pub(super) fn may_write(path: &Path) -> io::Result<()> {
    if path.is_file() {
        OpenOptions::new().write(true).open(path)?;
    }
    Ok(())
}

/// Not asked for on this system yet.
pub(super) fn is_own(_path: &Path) -> Option<bool> {
    None
}

/// Whether a folder lies on another machine, by a share's name or by a drive letter that stands for
/// one.
pub(super) fn is_remote(folder: &Path) -> bool {
    let Some(Component::Prefix(prefix)) = folder.components().next() else {
        return false;
    };
    match prefix.kind() {
        Prefix::UNC(..) | Prefix::VerbatimUNC(..) => true,
        Prefix::Disk(letter) | Prefix::VerbatimDisk(letter) => {
            calls::is_remote_drive(char::from(letter))
        }
        Prefix::Verbatim(_) | Prefix::DeviceNS(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_everybody_may_write_to_is_refused_with_the_command_that_closes_it() {
        let folder = tempfile::tempdir().unwrap();
        calls::set_access_list(
            folder.path(),
            "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1301bf;;;WD)",
        )
        .unwrap();

        let refusal = check_folder(folder.path()).unwrap_err();

        let remedy = refusal.remedy();
        assert!(
            remedy.contains("/inheritance:r /grant:r *S-1-5-18:(OI)(CI)F"),
            "{remedy}"
        );
    }

    #[test]
    fn a_folder_that_others_may_only_read_is_used() {
        let folder = tempfile::tempdir().unwrap();
        calls::set_access_list(
            folder.path(),
            "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1200a9;;;WD)",
        )
        .unwrap();

        assert_eq!(check_folder(folder.path()), Ok(()));
    }

    #[test]
    fn a_share_is_remote_and_a_drive_of_this_machine_is_not() {
        assert!(is_remote(Path::new(r"\\server\share\kado")));
        assert!(is_remote(Path::new(r"\\?\UNC\server\share\kado")));
        assert!(!is_remote(Path::new(r"C:\ProgramData\kado")));
        assert!(!is_remote(Path::new("state")));
    }
}
