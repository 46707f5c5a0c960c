//! Writes `kado.toml` and the token: each whole or not at all, under another name first, and closed
//! as it has to be from its first byte on. What was there can be put back.

#![expect(clippy::disallowed_methods, reason = "files are written")]

#[cfg_attr(unix, path = "writing/unix.rs")]
#[cfg_attr(windows, path = "writing/windows.rs")]
mod system;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use crate::config::paths::Scope;
use crate::secrets::store;
use crate::service;

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("`{}` cannot be written", file.display())]
pub(crate) struct WriteError {
    /// Which.
    pub file: PathBuf,
    #[source]
    source: io::Error,
}

/// What a file was before.
#[must_use]
pub(crate) struct Before {
    file: PathBuf,
    /// `None` for one that was not there.
    bytes: Option<Vec<u8>>,
}

impl Before {
    /// Puts it back.
    ///
    /// # Errors
    /// When it cannot be written or removed.
    pub(crate) fn restore(&self) -> Result<(), WriteError> {
        let done = match &self.bytes {
            Some(bytes) => replace(&self.file, bytes),
            None => std::fs::remove_file(&self.file),
        };
        done.map_err(|source| WriteError {
            file: self.file.clone(),
            source,
        })
    }
}

/// Writes `kado.toml` in place of what was read as `read`. One that is there keeps its owner and
/// its permissions; a new one is open to the service of the system where an administrator makes it,
/// and closed otherwise.
///
/// # Errors
/// When it or its folder cannot be written, or when it is not any more what was read; then it is as
/// it was.
pub(crate) fn write_config(
    file: &Path,
    read: Option<&str>,
    text: &str,
    scope: Option<Scope>,
) -> Result<Before, WriteError> {
    // A link may lead to where the file really is, and stays.
    let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let bytes = std::fs::read(&file).ok();
    let is_new = bytes.is_none();
    // Somebody may have edited it while the questions were asked.
    if bytes.as_deref() != read.map(str::as_bytes) {
        let source = io::Error::other("it changed since it was read; run the command again");
        return Err(WriteError { file, source });
    }

    let written = make_folder(&file)
        .and_then(|()| replace(&file, text.as_bytes()))
        .and_then(|()| {
            if is_new {
                open_new(scope, &file)
            } else {
                Ok(())
            }
        });

    match written {
        Ok(()) => Ok(Before { file, bytes }),
        Err(source) => Err(WriteError { file, source }),
    }
}

/// Writes a token file that only kado may read.
///
/// # Errors
/// When it or its folder cannot be written.
pub(crate) fn write_token(file: &Path, token: &SecretString) -> Result<(), WriteError> {
    make_folder(file)
        .and_then(|()| store::write_file(file, token))
        .map_err(|source| WriteError {
            file: file.to_owned(),
            source,
        })
}

/// Lets the service read a new configuration. One elsewhere that an administrator makes is for a
/// service of the system as well, whose account is another one.
fn open_new(scope: Option<Scope>, file: &Path) -> io::Result<()> {
    match scope {
        Some(scope) => service::open_to_service(scope, file),
        None if service::own_scope() == Scope::System => system::open_to_read(file),
        None => Ok(()),
    }
}

fn make_folder(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) => std::fs::create_dir_all(folder),
        None => Ok(()),
    }
}

fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".next");
    let next = file.with_file_name(name);

    // One that is left of a crash may have other permissions.
    let _ = std::fs::remove_file(&next);
    let done = write_beside(&next, file, bytes).and_then(|()| std::fs::rename(&next, file));
    if done.is_err() {
        let _ = std::fs::remove_file(&next);
    }
    done
}

fn write_beside(next: &Path, file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut new = system::create_closed(next)?;
    if let Ok(old) = std::fs::metadata(file) {
        system::keep_owner(next, &old)?;
        std::fs::set_permissions(next, old.permissions())?;
    }

    new.write_all(bytes)?;
    // Before it gets its name: after a power cut that must not lead to an empty file.
    new.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_can_be_put_back() {
        let temp = tempfile::tempdir().unwrap();
        let old = temp.path().join("old.toml");
        std::fs::write(&old, "before").unwrap();
        let new = temp.path().join("folder").join("new.toml");

        for (file, read) in [(&old, Some("before")), (&new, None)] {
            write_config(file, read, "after", None)
                .unwrap()
                .restore()
                .unwrap();
        }

        assert_eq!(std::fs::read_to_string(&old).unwrap(), "before");
        assert!(!new.exists());
    }

    #[test]
    fn a_file_that_somebody_edited_meanwhile_is_left_as_it_is() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("kado.toml");
        std::fs::write(&file, "edited").unwrap();

        let refused = write_config(&file, Some("before"), "after", None);

        assert!(refused.is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "edited");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_keeps_its_mode_and_a_new_one_is_closed() {
        use std::os::unix::fs::PermissionsExt as _;

        let temp = tempfile::tempdir().unwrap();
        let old = temp.path().join("old.toml");
        std::fs::write(&old, "before").unwrap();
        std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o640)).unwrap();
        let new = temp.path().join("new.toml");

        for (file, read, mode) in [(&old, Some("before"), 0o640), (&new, None, 0o600)] {
            let _ = write_config(file, read, "after", Some(Scope::User)).unwrap();

            let found = std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, mode, "{}", file.display());
        }
    }
}
