//! Replaces a file that another program reads at any moment: it finds the old text or the new one,
//! whole, and may read it whatever the umask of kado is.

#![expect(clippy::disallowed_methods, reason = "the file is written")]

#[cfg_attr(unix, path = "textfile/unix.rs")]
#[cfg_attr(windows, path = "textfile/windows.rs")]
mod system;

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// Replaces `file`, or makes it.
///
/// # Errors
/// When its folder is not there or cannot be written, or when something else than a file stands in
/// its place; then that is as it was.
pub(super) fn replace(file: &Path, text: &str) -> io::Result<()> {
    let Some(name) = file.file_name() else {
        return Err(io::Error::other("it names no file"));
    };
    // Whoever names `/dev/stdout` does not want it replaced, least of all as root.
    if fs::symlink_metadata(file).is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::other(
            "it is no regular file; without `--textfile` metrics go to standard output",
        ));
    }

    // The collector reads what ends in `.prom`, so it passes this one over.
    let mut beside = name.to_owned();
    beside.push(".kado-part");
    let beside = file.with_file_name(beside);

    // One that is left of a crash, or that leads elsewhere.
    let _ = fs::remove_file(&beside);
    let written = write(&beside, text).and_then(|()| fs::rename(&beside, file));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    let mut new = system::create_open(file)?;
    new.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("kado.prom");

        // What a crash left is in the way of nobody.
        fs::write(temp.path().join("kado.prom.kado-part"), "half").unwrap();
        replace(&file, "one\n").unwrap();
        replace(&file, "two\n").unwrap();

        assert_eq!(fs::read_to_string(&file).unwrap(), "two\n");
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_replaced_stays_and_leaves_nothing_behind() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("kado.prom");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("inside"), "").unwrap();

        assert!(replace(&folder, "one\n").is_err());
        assert!(replace(Path::new("/"), "one\n").is_err());

        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn everybody_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;

        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("kado.prom");

        replace(&file, "one\n").unwrap();

        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_neither_followed_nor_replaced() {
        let temp = tempfile::tempdir().unwrap();
        let elsewhere = temp.path().join("elsewhere");
        fs::write(&elsewhere, "precious").unwrap();
        let link = temp.path().join("link.prom");
        std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
        let file = temp.path().join("kado.prom");
        let beside = temp.path().join("kado.prom.kado-part");
        std::os::unix::fs::symlink(&elsewhere, &beside).unwrap();

        let refused = replace(&link, "one\n");
        replace(&file, "one\n").unwrap();

        assert!(refused.is_err());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "one\n");
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "precious");
    }
}
