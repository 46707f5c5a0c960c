//! The page's token, and where `kado page` finds it: a file of the state folder, which the
//! service's group alone may read. It is another one at each start.

#![expect(
    clippy::disallowed_methods,
    reason = "the file of a service before is removed"
)]

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;

use aws_lc_rs::rand;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::state_dir;

/// The file, in the state folder.
const FILE: &str = "kado.page";
/// The file while it is written.
const UNFINISHED: &str = "kado.page.new";
/// Bytes of a token.
const LENGTH: usize = 32;
/// Most bytes of the file that are read.
const LONGEST: u64 = 4096;

/// Where the page of a running service is, and what its buttons want.
pub(crate) struct PageAddress {
    /// `http://` with host and port.
    pub url: String,
    /// `None` where the page has no buttons.
    pub token: Option<SecretString>,
}

/// The same in the file, as JSON.
#[derive(Serialize, Deserialize)]
struct Stored {
    url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// A text that nobody can guess, as letters and digits.
pub(super) fn random() -> String {
    let mut bytes = [0; LENGTH];
    // It fails where the system has no randomness, and there nothing that is secret can be made.
    rand::fill(&mut bytes).expect("the system gives random bytes");

    let mut text = String::with_capacity(2 * LENGTH);
    for byte in bytes {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

impl PageAddress {
    /// The page at this address of this machine.
    pub(crate) fn new(address: SocketAddr, token: Option<SecretString>) -> Self {
        let url = if address.ip().is_unspecified() {
            format!("http://localhost:{}", address.port())
        } else {
            format!("http://{address}")
        };
        Self { url, token }
    }

    /// Writes it for `kado page`.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub(super) fn write(&self, state_dir: &Path) -> io::Result<()> {
        let stored = Stored {
            url: self.url.clone(),
            token: self
                .token
                .as_ref()
                .map(|token| token.expose_secret().to_owned()),
        };

        // Under another name until it is whole: `kado page` may read at any moment.
        let unfinished = state_dir.join(UNFINISHED);
        remove_file(&unfinished)?;
        let mut file = state_dir::make_file(&unfinished)?;
        file.write_all(serde_json::to_string(&stored)?.as_bytes())?;
        drop(file);
        std::fs::rename(&unfinished, state_dir.join(FILE))
    }

    /// Removes the file, if it is there.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub(super) fn remove(state_dir: &Path) -> io::Result<()> {
        remove_file(&state_dir.join(FILE))
    }

    /// The page of the service of a state folder; `None` where none is served.
    ///
    /// # Errors
    /// When the file is there and this account may not read it, or when it holds something else.
    pub(crate) fn read(state_dir: &Path) -> io::Result<Option<Self>> {
        let file = match state_dir::open_to_read(&state_dir.join(FILE)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };

        let mut text = String::new();
        file.take(LONGEST).read_to_string(&mut text)?;
        let stored: Stored = serde_json::from_str(&text)?;
        Ok(Some(Self {
            url: stored.url,
            token: stored.token.map(SecretString::from),
        }))
    }
}

fn remove_file(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_tokens_are_alike() {
        let one = random();

        assert_eq!(one.len(), 2 * LENGTH);
        assert_ne!(one, random());
    }

    #[test]
    fn what_a_service_wrote_is_read_and_replaces_what_another_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let address = "0.0.0.0:7440".parse().unwrap();
        let first = PageAddress::new(address, Some(SecretString::from("t0ken")));
        first.write(folder.path()).unwrap();
        let second = PageAddress::new("127.0.0.1:80".parse().unwrap(), None);

        let read = PageAddress::read(folder.path()).unwrap().unwrap();
        assert_eq!(read.url, "http://localhost:7440");
        assert_eq!(read.token.unwrap().expose_secret(), "t0ken");

        second.write(folder.path()).unwrap();
        let read = PageAddress::read(folder.path()).unwrap().unwrap();
        assert_eq!(read.url, "http://127.0.0.1:80");
        assert!(read.token.is_none());
    }
}
