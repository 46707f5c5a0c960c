//! When two paths mean the same file, and two folders are one. On Windows letters count without
//! their case, and the long form of a path (`\\?\C:\work`) means what the short one does; elsewhere
//! names are the same only if they are equal.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// By what a file system knows a folder, whatever its path is. It is stored: the serde names do not
/// change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct FolderId {
    /// The device or volume that it lies on.
    pub volume: u64,
    /// Its inode, or the file index of Windows.
    pub number: u64,
    /// When it was made, in nanoseconds since 1970, where that tells one folder from the next that
    /// gets its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born: Option<u64>,
}

impl FolderId {
    /// Whether both are the same folder.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        if self.number != other.number {
            return false;
        }

        // A device may be called otherwise after the next start of the machine (Btrfs, NFS, LVM),
        // and no two disks make a folder of the same number in the same nanosecond.
        match (self.born, other.born) {
            (Some(one), Some(other)) => one == other,
            _ => self.volume == other.volume,
        }
    }
}

/// A folder that was opened before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct KnownFolder {
    /// Where it lay.
    pub path: PathBuf,
    /// Which folder it was; `None` where nobody knows, and then its path alone counts.
    pub id: Option<FolderId>,
}

/// Whether a name is this one.
pub(crate) fn is_named(name: &OsStr, wanted: &str) -> bool {
    if cfg!(windows) {
        // The names that kado looks for are ASCII.
        name.eq_ignore_ascii_case(wanted)
    } else {
        name == wanted
    }
}

/// Whether a file has this extension.
pub(crate) fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension()
        .is_some_and(|extension| is_named(extension, wanted))
}

/// Whether two paths are the same.
pub(crate) fn same(one: &Path, other: &Path) -> bool {
    comparable(one) == comparable(other)
}

/// Whether a path is a folder or leads into it.
pub(crate) fn is_in(path: &Path, folder: &Path) -> bool {
    comparable(path).starts_with(comparable(folder))
}

/// A path of which the equality is that of the files it may mean.
pub(crate) fn comparable(path: &Path) -> PathBuf {
    if !cfg!(windows) {
        return path.to_owned();
    }

    let text = path.to_string_lossy().to_lowercase().replace('/', "\\");
    if let Some(share) = text.strip_prefix(r"\\?\unc\") {
        return PathBuf::from(format!(r"\\{share}"));
    }
    PathBuf::from(text.strip_prefix(r"\\?\").unwrap_or(&text))
}

/// A path as a key of a table: paths that mean the same file have the same one.
pub(crate) fn key(path: &Path) -> String {
    comparable(path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_holds_itself_and_what_lies_below_it_and_no_neighbour() {
        let folder = Path::new("/srv/work");
        assert!(is_in(folder, folder));
        assert!(is_in(Path::new("/srv/work/1/s"), folder));

        assert!(!is_in(Path::new("/srv/works"), folder));
        assert!(!is_in(Path::new("/srv"), folder));
        assert!(same(folder, Path::new("/srv/work/")));
    }

    #[test]
    fn an_extension_is_what_stands_behind_the_last_dot() {
        assert!(has_extension(Path::new("Shop.old.prj"), "prj"));
        for name in ["Shop.prj.old", "prj", ".prj", "Shop"] {
            assert!(!has_extension(Path::new(name), "prj"), "{name}");
        }
    }

    #[test]
    fn a_folder_that_got_the_number_of_another_is_not_that_one() {
        let id = |volume, number, born| FolderId {
            volume,
            number,
            born,
        };

        assert!(id(1, 2, Some(3)).is_same(&id(1, 2, Some(3))));
        assert!(id(1, 2, Some(3)).is_same(&id(9, 2, Some(3))));
        assert!(!id(1, 2, Some(3)).is_same(&id(1, 2, Some(4))));
        assert!(!id(1, 2, Some(3)).is_same(&id(1, 4, Some(3))));
        assert!(!id(1, 2, None).is_same(&id(9, 2, None)));
    }

    #[cfg(not(windows))]
    #[test]
    fn letters_count_with_their_case() {
        assert!(!is_named(OsStr::new("reports"), "Reports"));
        assert!(!same(Path::new("/srv/Work"), Path::new("/srv/work")));
    }

    #[cfg(windows)]
    #[test]
    fn letters_count_without_their_case_and_the_long_form_is_the_same() {
        assert!(is_named(OsStr::new("reports"), "Reports"));
        assert!(has_extension(Path::new("SHOP.PRJ"), "prj"));
        assert!(same(
            Path::new(r"C:\Agent\Ünit"),
            Path::new("c:/agent/ÜNIT")
        ));
        assert!(is_in(
            Path::new(r"\\?\D:\agent\_work\1"),
            Path::new(r"d:\Agent\_Work")
        ));
        assert!(is_in(
            Path::new(r"\\?\UNC\Server\share\1"),
            Path::new(r"\\server\Share")
        ));
    }
}
