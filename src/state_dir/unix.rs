//! Modes, and the file system's own figures.
//!
//! A state folder is its owner's alone (0700, files 0600). Two kinds are shared with a group: one
//! that a package made for it (2770, files 0660), and one whose group is the service's (0750, files
//! 0640). What is made in a folder of a state folder goes by the mode of that.
//!
//! The group of the first kind is the service's or this account's own. `S_ISGID` is what tells it
//! from a folder that only a lax umask made open.

#![expect(
    clippy::disallowed_methods,
    reason = "the mode of the folder is on the disk"
)]

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, OFlags};

use crate::secrets::permissions::{service_account, service_group};
use crate::shell_word::single_quoted;
use crate::state_dir::{Exposure, StateDirRefusal, kept_as};

/// Mode bits of a folder that its group shares: the group may write, and what is made in it belongs
/// to the group.
const SHARED: u32 = 0o2020;
/// Mode bits that let the group and others write.
const WRITABLE: u32 = 0o022;

/// Who may use what lies in a folder beside its owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Share {
    Nobody,
    /// The service's group may read.
    Readers,
    /// A group may read and write.
    Group,
}

impl Share {
    fn of(folder: &Metadata) -> Self {
        if folder.mode() & SHARED == SHARED && is_our_group(folder.gid()) {
            Self::Group
        } else if folder.mode() & 0o050 == 0o050 && service_group() == Some(folder.gid()) {
            Self::Readers
        } else {
            Self::Nobody
        }
    }

    const fn of_folder(self) -> u32 {
        match self {
            Self::Nobody => 0o700,
            Self::Readers => 0o750,
            Self::Group => 0o2770,
        }
    }

    const fn of_file(self) -> u32 {
        match self {
            Self::Nobody => 0o600,
            Self::Readers => 0o640,
            Self::Group => 0o660,
        }
    }
}

fn is_our_group(group: u32) -> bool {
    service_group() == Some(group)
        || group == rustix::process::getegid().as_raw()
        || is_of_macos_service(group)
}

/// Whether the owner of a path may decide what kado keeps there: this account, root and the service
/// of the machine, whose folder others use with `kado runs` and `kado submit`.
fn is_trusted(owner: u32) -> bool {
    owner == 0
        || owner == rustix::process::geteuid().as_raw()
        || service_account() == Some(owner)
        || is_of_macos_service(owner)
}

/// Whether a number may be that of the service's account or group on macOS, where they stand in no
/// file: it is one of those that the installation chooses from, which no person has.
fn is_of_macos_service(id: u32) -> bool {
    cfg!(target_os = "macos") && (440..500).contains(&id)
}

/// Sees that a state folder belongs to whom it may, and that nobody else writes to it.
pub(super) fn check_folder(folder: &Path) -> Result<(), StateDirRefusal> {
    // The owner of a link can lead it elsewhere at any time.
    let looks = [fs::symlink_metadata(folder), fs::metadata(folder)];
    for metadata in looks.into_iter().flatten() {
        if !is_trusted(metadata.uid()) {
            return Err(of_another(folder, &metadata));
        }
    }

    match fs::metadata(folder) {
        Ok(metadata) if excess(&metadata) & WRITABLE != 0 => Err(StateDirRefusal::Writable {
            permissions: in_words(&metadata),
            command: command_that_closes(folder, &metadata),
        }),
        _ => Ok(()),
    }
}

/// Sees that something of kado's in a state folder was put there by whom it may.
pub(super) fn check_entry(
    folder: &Path,
    path: &Path,
    entry: &Metadata,
) -> Result<(), StateDirRefusal> {
    // Each member of a group that shares the folder makes files of his own.
    let is_shared = fs::metadata(folder).is_ok_and(|folder| Share::of(&folder) == Share::Group);
    if is_shared || is_trusted(entry.uid()) {
        Ok(())
    } else {
        Err(of_another(path, entry))
    }
}

fn of_another(path: &Path, metadata: &Metadata) -> StateDirRefusal {
    StateDirRefusal::OfAnother {
        path: path.to_owned(),
        owner: format!("the account {}", metadata.uid()),
    }
}

fn in_words(folder: &Metadata) -> String {
    format!("mode {:03o}", folder.mode() & 0o777)
}

fn command_that_closes(folder: &Path, metadata: &Metadata) -> String {
    let closed = Share::of(metadata).of_folder();
    format!("chmod {closed:o} {}", single_quoted(folder.display()))
}

/// Has a file opened as itself: a link is refused, and a pipe without a partner is not waited for.
pub(super) fn without_following(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
}

/// The real path of a folder.
pub(super) fn without_links(folder: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(folder)
}

/// Whether what lies at a path is this file.
pub(super) fn is_same(file: &File, path: &Path) -> io::Result<bool> {
    let there = fs::symlink_metadata(path)?;
    let own = file.metadata()?;
    Ok(there.dev() == own.dev() && there.ino() == own.ino())
}

/// Makes a folder for its owner, and for the group of the service where it belongs to that.
pub(super) fn make_closed(folder: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(folder)?;

    let is_of_service = service_group() == Some(fs::metadata(folder)?.gid());
    let mode = if is_of_service { 0o750 } else { 0o700 };
    fs::set_permissions(folder, Permissions::from_mode(mode))
}

/// Makes a folder for whoever may use the one around it.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(folder)?;

    let mode = share_around(folder).of_folder();
    fs::set_permissions(folder, Permissions::from_mode(mode))
}

/// Makes a file for whoever may use the folder around it.
pub(super) fn make_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;

    let mode = share_around(path).of_file();
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(file)
}

fn share_around(path: &Path) -> Share {
    match path.parent().map(fs::metadata) {
        Some(Ok(folder)) => Share::of(&folder),
        _ => Share::Nobody,
    }
}

/// Closes a folder of this account's, with everything in it, if nothing but kado's own lies there:
/// what others put into it may be meant for them. What cannot be closed is told by [`exposure`].
pub(super) fn close_if_ours(folder: &Path) {
    let Ok(metadata) = fs::metadata(folder) else {
        return;
    };
    let excess = excess(&metadata);
    if excess == 0 || metadata.uid() != rustix::process::geteuid().as_raw() {
        return;
    }

    // What lies in one that others may write to may be theirs, whatever its name; it is not taken
    // over by closing it.
    let is_ours = if excess & WRITABLE == 0 {
        holds_only_ours(folder)
    } else {
        is_empty(folder)
    };
    if is_ours.unwrap_or(false) {
        let _ = take_away(folder, excess);
    }
}

/// Permissions that a folder gives to others than it should.
fn excess(folder: &Metadata) -> u32 {
    folder.mode() & 0o777 & !Share::of(folder).of_folder()
}

fn is_empty(folder: &Path) -> io::Result<bool> {
    Ok(fs::read_dir(folder)?.next().is_none())
}

fn holds_only_ours(folder: &Path) -> io::Result<bool> {
    let own = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_ours = entry.file_name().to_str().and_then(kept_as).is_some();
        if !is_ours || entry.metadata()?.uid() != own {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes permissions from a path and everything below it, the outermost first: nobody comes in
/// meanwhile.
fn take_away(path: &Path, excess: u32) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        return Ok(());
    }

    let mode = metadata.mode() & 0o7777 & !excess;
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            take_away(&entry?.path(), excess)?;
        }
    }
    Ok(())
}

/// What others can do with a folder.
pub(super) fn exposure(folder: &Path) -> Option<Exposure> {
    let metadata = fs::metadata(folder).ok()?;
    if excess(&metadata) == 0 {
        return None;
    }

    Some(Exposure {
        permissions: in_words(&metadata),
        remedy: command_that_closes(folder, &metadata),
    })
}

/// Whether this account may write to what is there.
pub(super) fn may_write(path: &Path) -> io::Result<()> {
    let mut access = Access::WRITE_OK;
    if path.is_dir() {
        access |= Access::EXEC_OK;
    }

    // As the account that the program works as, which need not be the one that started it.
    rustix::fs::accessat(CWD, path, access, AtFlags::EACCESS)?;
    Ok(())
}

/// Whether a path belongs to this account.
pub(super) fn is_own(path: &Path) -> Option<bool> {
    let owner = fs::metadata(path).ok()?.uid();
    Some(owner == rustix::process::geteuid().as_raw())
}

/// Bytes that are free for this process on the file system of a folder.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let figures = rustix::fs::statvfs(folder).ok()?;
    // What is kept back for root is not free for kado.
    Some(figures.f_bavail.saturating_mul(figures.f_frsize))
}

/// Whether the file system of a folder is mounted read-only.
pub(super) fn is_read_only(folder: &Path) -> Option<bool> {
    Some(
        rustix::fs::statvfs(folder)
            .ok()?
            .f_flag
            .contains(rustix::fs::StatVfsMountFlags::RDONLY),
    )
}

/// Not looked for: where a network's file system keeps what it was told, the database works there
/// as well.
pub(super) const fn is_remote(_folder: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    /// A folder with this mode.
    fn folder(mode: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
        folder
    }

    #[test]
    fn what_is_made_in_a_shared_folder_is_the_groups_too() {
        let shared = folder(0o2770);
        let spool = shared.path().join("spool");

        make_folder(&spool).unwrap();
        make_file(&spool.join("1.png")).unwrap();

        assert_eq!(mode(&spool), 0o2770);
        assert_eq!(mode(&spool.join("1.png")), 0o660);
    }

    #[test]
    fn what_is_made_in_any_other_folder_is_its_owners_alone() {
        for mode_of_folder in [0o700, 0o755, 0o777] {
            let other = folder(mode_of_folder);
            let spool = other.path().join("spool");

            make_folder(&spool).unwrap();
            make_file(&other.path().join("kado.db")).unwrap();

            assert_eq!(mode(&spool), 0o700, "{mode_of_folder:o}");
            assert_eq!(mode(&other.path().join("kado.db")), 0o600);
        }
    }

    #[test]
    fn a_folder_that_holds_something_of_others_keeps_its_mode_and_is_told() {
        let open = folder(0o755);
        fs::write(open.path().join("kado.db"), "").unwrap();
        fs::write(open.path().join("notes.txt"), "").unwrap();

        close_if_ours(open.path());

        assert_eq!(mode(open.path()), 0o755);
        let exposure = exposure(open.path()).unwrap();
        assert_eq!(exposure.permissions, "mode 755");
        assert!(exposure.remedy.starts_with("chmod 700 "), "{exposure:?}");
    }

    #[test]
    fn a_folder_of_kados_own_is_closed_with_everything_in_it() {
        let open = folder(0o755);
        let copy = open.path().join("spool/run/1.png");
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::write(&copy, "").unwrap();
        fs::set_permissions(&copy, Permissions::from_mode(0o644)).unwrap();

        close_if_ours(open.path());

        assert_eq!(mode(open.path()), 0o700);
        assert_eq!(mode(&copy), 0o600);
        assert_eq!(exposure(open.path()), None);
    }

    #[test]
    fn the_folder_of_a_package_stays_as_it_is() {
        let shared = folder(0o2770);

        close_if_ours(shared.path());

        assert_eq!(mode(shared.path()), 0o2770);
        assert_eq!(exposure(shared.path()), None);
    }
}
