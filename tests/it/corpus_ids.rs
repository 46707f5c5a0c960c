//! Every test case file of real projects: ids that are set and set back, or taken out again, leave
//! each byte as Katalon wrote it.

use std::fs;
use std::path::{Path, PathBuf};

use kado::katalon::ids_splice::{with_ids, without_ids};
use kado::katalon::test_case::TestCase;

use crate::corpus::corpus;

/// A test case file with what kado reads in it.
struct File {
    path: PathBuf,
    bytes: Vec<u8>,
    ids: Option<String>,
}

impl File {
    fn set(&self, bytes: &[u8], ids: &str) -> Vec<u8> {
        with_ids("Test Cases/A", bytes, ids)
            .unwrap_or_else(|error| panic!("{}: {error}", self.path.display()))
    }

    fn cleared(&self, bytes: &[u8]) -> Vec<u8> {
        without_ids("Test Cases/A", bytes)
            .unwrap_or_else(|error| panic!("{}: {error}", self.path.display()))
    }
}

fn read(bytes: &[u8]) -> TestCase {
    TestCase::read("Test Cases/A".to_owned(), bytes)
}

/// Every `.tc` below a folder.
fn files(folder: &Path, found: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "tc") {
            let bytes = fs::read(&path).unwrap();
            let ids = read(&bytes).azure_ids;
            found.push(File { path, bytes, ids });
        }
    }
}

fn all() -> Option<Vec<File>> {
    let mut found = Vec::new();
    files(&corpus()?, &mut found);

    assert!(found.len() > 1000, "only {} files", found.len());
    Some(found)
}

#[test]
fn ids_that_are_set_and_set_back_leave_every_byte_of_a_real_file() {
    let Some(files) = all() else { return };
    let mut mapped = 0;

    for file in &files {
        let Some(ids) = &file.ids else { continue };
        mapped += 1;

        let other = file.set(&file.bytes, "4711, 4712");
        let back = file.set(&other, ids);

        assert_eq!(read(&other).azure_ids.as_deref(), Some("4711, 4712"));
        assert!(back == file.bytes, "{}", file.path.display());
        assert!(file.set(&file.bytes, ids) == file.bytes);
    }
    assert!(mapped > 280, "only {mapped} files have ids");
}

#[test]
fn an_element_that_is_taken_out_and_made_anew_is_the_one_that_katalon_wrote() {
    let Some(files) = all() else { return };
    let mut mapped = 0;
    let mut differing = Vec::new();

    for file in &files {
        let Some(ids) = &file.ids else { continue };
        mapped += 1;

        let without = file.cleared(&file.bytes);
        let again = file.set(&without, ids);

        assert_eq!(read(&without).azure_ids, None);
        if again != file.bytes {
            differing.push(file.path.clone());
        }
    }

    assert!(mapped > 280, "only {mapped} files have ids");
    // Katalon keeps the order in which products were linked; a new link is the last one.
    differing.retain(|path| !fs::read_to_string(path).unwrap().contains("qTest"));
    assert_eq!(differing, [""; 0].map(PathBuf::from));
}

#[test]
fn ids_that_are_set_and_taken_out_leave_every_byte_of_a_file_without_ids() {
    let Some(files) = all() else { return };
    let mut unmapped = 0;

    for file in &files {
        // Some have the element without a value, which goes with the ids.
        if file.ids.is_some() || String::from_utf8_lossy(&file.bytes).contains(">Azure<") {
            continue;
        }

        unmapped += 1;
        let mapped = file.set(&file.bytes, "1865");

        assert_eq!(read(&mapped).azure_ids.as_deref(), Some("1865"));
        assert!(
            file.cleared(&mapped) == file.bytes,
            "{}",
            file.path.display()
        );
    }
    assert!(unmapped > 700, "only {unmapped} files have no ids");
}
