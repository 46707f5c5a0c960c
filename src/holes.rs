//! Holes of files: parts that were never written and read as zeros.
//!
//! A hole costs whoever makes it nothing, and whoever copies it as zeros its whole length. So holes
//! stay holes in a copy, and a file that is nothing but a hole is none that anybody meant to send.
//! Where a system does not tell holes, a file has none.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};

/// Bytes that are copied at once; a slow share has them within a second or two.
const PIECE: u64 = 1 << 20;

/// Refuses a file that is nothing but a hole.
///
/// # Errors
/// When it is, and when it cannot be told.
pub(crate) fn refuse_empty(file: &File) -> io::Result<()> {
    let length = file.metadata()?.len();
    if length > 0 && system::next_data(file, 0)?.is_none() {
        let text = "nothing was ever written to it: all of it is a hole";
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(())
}

/// Copies a file from its start into an empty one, holes as holes; gives how many bytes are no
/// hole. `ask` is called before each piece, and what it gives is dropped behind it.
///
/// # Errors
/// When either cannot be read or written, and those of `ask`.
pub(crate) fn copy<W>(
    from: &mut File,
    to: &mut File,
    ask: impl Fn() -> io::Result<W>,
) -> io::Result<u64> {
    let length = from.metadata()?.len();
    let mut copied = 0;
    let mut at = 0;

    loop {
        let _waiting = ask()?;
        let Some((begin, end)) = system::next_data(from, at)? else {
            break;
        };
        from.seek(SeekFrom::Start(begin))?;
        to.seek(SeekFrom::Start(begin))?;
        let size = end.saturating_sub(begin).min(PIECE);
        let done = io::copy(&mut from.take(size), to)?;
        copied += done;

        // One that became shorter meanwhile ends here.
        if done < size {
            return Ok(copied);
        }
        at = begin + size;
    }

    to.set_len(length)?;
    Ok(copied)
}

/// How many bytes of a file take room on the disk.
pub(crate) fn stored(metadata: &Metadata) -> u64 {
    system::stored(metadata)
}

#[cfg(test)]
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "tests make files")]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::*;

    const MIB: u64 = 1 << 20;

    /// A file of a megabyte of zeros that were never written, with a few bytes behind them where
    /// there are `bytes`.
    fn file(folder: &tempfile::TempDir, bytes: &[u8]) -> File {
        let path = folder.path().join("from");
        let mut file = File::create(&path).unwrap();
        file.seek(SeekFrom::Start(MIB)).unwrap();
        file.write_all(bytes).unwrap();
        file.set_len(2 * MIB).unwrap();
        File::open(path).unwrap()
    }

    #[test]
    fn a_file_that_is_all_hole_is_refused_and_one_with_a_byte_is_not() {
        let folder = tempfile::tempdir().unwrap();

        assert!(refuse_empty(&file(&folder, b"")).is_err());
        assert!(refuse_empty(&file(&folder, b"x")).is_ok());
    }

    #[test]
    fn an_empty_file_has_no_hole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty");
        File::create(&path).unwrap();

        assert!(refuse_empty(&File::open(path).unwrap()).is_ok());
    }

    #[test]
    fn a_copy_is_equal_and_its_holes_take_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut from = file(&folder, b"x");
        let copy_path = folder.path().join("to");
        let mut to = File::create(&copy_path).unwrap();

        let copied = copy(&mut from, &mut to, || Ok(())).unwrap();

        to.sync_all().unwrap();
        let original = fs::read(folder.path().join("from")).unwrap();
        assert_eq!(fs::read(&copy_path).unwrap(), original);
        assert!(copied < MIB, "{copied}");
        assert!(stored(&to.metadata().unwrap()) < MIB);
    }
}
