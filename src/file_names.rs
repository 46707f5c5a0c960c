//! When two paths mean the same file. On Windows letters count without their case, and the long
//! form of a path (`\\?\C:\work`) means what the short one does; elsewhere names are the same only
//! if they are equal.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

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
