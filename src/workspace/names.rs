//! Finds a file by the name that Katalon wrote down for it, where the disk spells it differently.
//!
//! Katalon's log names a test case as it was spelled where the suite ran. A checkout can spell it
//! otherwise: macOS takes accents apart (Unicode NFD), Windows does not tell upper and lower case
//! letters apart. The exact name counts first.

#[cfg(not(windows))]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(not(windows))]
use unix as system;
#[cfg(windows)]
use windows as system;

use std::borrow::Cow;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::door::Folder;

/// The path below `root` that `path`, with `/`, means; exactly as written where something is there,
/// and also where nothing else fits. `path` must not lead out of `root`.
pub(super) fn find_below(root: &Folder, path: &str) -> PathBuf {
    // Also where a link or a closed folder is in the way: whoever opens the file is told of it.
    let exact = PathBuf::from(path);
    if !is_missing(root, &exact) {
        return exact;
    }

    let mut path_on_disk = PathBuf::new();
    for part in path.split('/') {
        let Some(name) = name_in(root, &path_on_disk, part) else {
            return exact;
        };
        path_on_disk.push(name);
    }
    path_on_disk
}

/// The name in a folder that means `wanted`; of several the first one in order.
fn name_in(root: &Folder, folder: &Path, wanted: &str) -> Option<OsString> {
    // Nearly always the name is the one on the disk, and asking for it costs no listing.
    if !is_missing(root, &folder.join(wanted)) {
        return Some(wanted.into());
    }

    // Of several the least one, because a folder lists its names in any order.
    let wanted = system::folded(&composed(wanted));
    root.entries_of(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.name)
        .filter(|name| {
            name.to_str()
                .is_some_and(|name| system::folded(&composed(name)) == wanted)
        })
        .min()
}

fn is_missing(root: &Folder, path: &Path) -> bool {
    root.look(path)
        .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// A name with its accents put together (Unicode NFC).
fn composed(name: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(name)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make files")]
mod tests {
    use super::*;

    /// Where [`super::find_below`] leads.
    fn find_below(root: &Path, path: &str) -> PathBuf {
        root.join(super::find_below(&Folder::named(root).unwrap(), path))
    }

    /// `Prüfung`, with the accent as a character of its own.
    const APART: &str = "Pru\u{308}fung";
    const TOGETHER: &str = "Pr\u{fc}fung";

    fn project(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, file).unwrap();
        }
        root
    }

    #[test]
    fn accents_may_be_written_either_way_in_folders_and_files() {
        for (on_disk, wanted) in [(APART, TOGETHER), (TOGETHER, APART)] {
            let root = project(&[&format!("Test Cases/{on_disk}/{on_disk}.tc")]);

            let path = find_below(root.path(), &format!("Test Cases/{wanted}/{wanted}.tc"));

            assert!(path.is_file(), "{path:?}");
        }
    }

    #[test]
    fn the_exact_name_counts_first() {
        let both = [&*format!("a/{APART}.tc"), &format!("a/{TOGETHER}.tc")];
        let root = project(&both);
        for path in both {
            let text = std::fs::read_to_string(find_below(root.path(), path)).unwrap();
            assert_eq!(composed(&text), composed(path));
        }

        // A file system that takes both for one name keeps one file.
        let kept = std::fs::read_dir(root.path().join("a")).unwrap().count();
        let texts: std::collections::BTreeSet<_> = both
            .map(|path| std::fs::read_to_string(find_below(root.path(), path)).unwrap())
            .into();
        assert_eq!(texts.len(), kept);
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let root = project(&["Test Cases/Login.tc"]);
        assert!(!find_below(root.path(), "Test Cases/Logout.tc").exists());
        assert!(!find_below(root.path(), "Test Cases/Login/Deep.tc").exists());
    }
}
