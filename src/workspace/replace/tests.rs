//! What is replaced, what is refused, and that nothing is left beside. What Windows keeps of a file
//! is for its `ReplaceFile` to prove.

#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests lay out files")]

#[cfg(test)]
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::*;

const BELOW: &str = "Test Cases/Login.tc";

/// A project with one test case that holds `old`.
fn project() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("Test Cases")).unwrap();
    fs::write(root.path().join(BELOW), "old").unwrap();
    root
}

fn read(root: &Path) -> Result<Original, ReplaceError> {
    Original::read(root, Path::new(BELOW)).map(|(original, _)| original)
}

/// What lies beside a file, itself included.
fn names(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join("Test Cases")).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_file_is_replaced_with_its_mode_and_nothing_is_left_beside_it() {
    let root = project();
    let file = root.path().join(BELOW);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).unwrap();
    let before = fs::metadata(&file).unwrap();

    read(root.path()).unwrap().replace(b"new").unwrap();

    let after = fs::metadata(&file).unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"new");
    assert_eq!(after.mode(), before.mode());
    assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
    assert_eq!(names(root.path()), ["Login.tc"]);
}

#[test]
fn a_file_that_changed_since_it_was_read_is_left_as_it_is() {
    let root = project();
    let original = read(root.path()).unwrap();
    fs::write(root.path().join(BELOW), "others").unwrap();

    let refused = original.replace(b"new").unwrap_err();

    assert!(matches!(refused, ReplaceError::Changed { .. }), "{refused}");
    assert_eq!(fs::read(root.path().join(BELOW)).unwrap(), b"others");
    assert_eq!(names(root.path()), ["Login.tc"]);
}

#[test]
fn no_link_is_followed_to_a_file_or_on_the_way_to_it() {
    let outside = project();
    let linked_file = project();
    let linked_folder = tempfile::tempdir().unwrap();
    let target = outside.path().join(BELOW);
    fs::remove_file(linked_file.path().join(BELOW)).unwrap();
    symlink(&target, linked_file.path().join(BELOW)).unwrap();
    symlink(
        outside.path().join("Test Cases"),
        linked_folder.path().join("Test Cases"),
    )
    .unwrap();

    for root in [&linked_file, &linked_folder] {
        assert!(read(root.path()).is_err());
    }
}

#[test]
fn a_link_that_takes_the_place_of_a_folder_later_is_not_followed() {
    let root = project();
    let outside = project();
    let original = read(root.path()).unwrap();
    fs::rename(root.path().join("Test Cases"), root.path().join("away")).unwrap();
    symlink(
        outside.path().join("Test Cases"),
        root.path().join("Test Cases"),
    )
    .unwrap();

    assert!(original.replace(b"new").is_err());

    assert_eq!(fs::read(outside.path().join(BELOW)).unwrap(), b"old");
}

#[test]
fn a_read_only_file_is_refused_with_the_command_that_mends_it() {
    let root = project();
    let file = root.path().join(BELOW);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();

    let refused = read(root.path()).err().unwrap().to_string();

    assert!(
        refused.contains(&format!("`chmod u+w '{}'`", file.display())),
        "{refused}"
    );
}

#[test]
fn files_that_a_killed_kado_left_are_no_obstacle() {
    let root = project();
    let left = root.path().join("Test Cases").join(name_beside(0));
    symlink("/nowhere", &left).unwrap();

    read(root.path()).unwrap().replace(b"new").unwrap();

    assert_eq!(fs::read(root.path().join(BELOW)).unwrap(), b"new");
    assert!(fs::symlink_metadata(&left).unwrap().is_symlink());
}

const NEW: &str = "settings/external/new.properties";

fn read_or_new(root: &Path) -> Result<(Original, Vec<u8>), ReplaceError> {
    Original::read_or_new(root, Path::new(NEW))
}

#[test]
fn a_file_that_is_not_there_is_made_with_its_folders() {
    let root = project();

    let (original, bytes) = read_or_new(root.path()).unwrap();
    original.replace(b"new").unwrap();

    assert_eq!(bytes, b"");
    assert_eq!(fs::read(root.path().join(NEW)).unwrap(), b"new");
    let beside = fs::read_dir(root.path().join("settings/external")).unwrap();
    assert_eq!(beside.count(), 1);
}

#[test]
fn a_file_that_came_since_is_left_as_it_is() {
    let root = project();
    let (original, _) = read_or_new(root.path()).unwrap();
    fs::create_dir_all(root.path().join("settings/external")).unwrap();
    fs::write(root.path().join(NEW), "others").unwrap();

    let refused = original.replace(b"new").unwrap_err();

    assert!(matches!(refused, ReplaceError::Changed { .. }), "{refused}");
    assert_eq!(fs::read(root.path().join(NEW)).unwrap(), b"others");
}

#[test]
fn no_link_is_followed_on_the_way_to_a_new_file() {
    let root = project();
    let outside = tempfile::tempdir().unwrap();
    let (original, _) = read_or_new(root.path()).unwrap();
    symlink(outside.path(), root.path().join("settings")).unwrap();

    assert!(original.replace(b"new").is_err());
    assert!(read_or_new(root.path()).is_err());
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}
