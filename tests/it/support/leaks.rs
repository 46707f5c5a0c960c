//! Where a secret is found, in whatever encoding it is written.

#![expect(clippy::disallowed_methods, reason = "tests read what is stored")]

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The encoding in which a text holds a secret; `None` where it does in none.
pub(crate) fn reveals(bytes: &[u8], secret: &str) -> Option<String> {
    encodings(secret)
        .into_iter()
        .find(|(_, needle)| holds(bytes, needle))
        .map(|(name, _)| name)
}

/// The files below a folder whose content or name reveals a secret, with the encoding.
pub(crate) fn files_that_reveal(folder: &Path, secret: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there").flatten() {
        let path = entry.path();
        if let Some(encoding) = reveals(entry.file_name().as_encoded_bytes(), secret) {
            found.push((path.clone(), format!("name, {encoding}")));
        }

        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder {
            found.extend(files_that_reveal(&path, secret));
        } else if let Ok(bytes) = fs::read(&path)
            && let Some(encoding) = reveals(&bytes, secret)
        {
            found.push((path, encoding));
        }
    }

    found
}

/// How a secret may be written, each with its name.
fn encodings(secret: &str) -> Vec<(String, Vec<u8>)> {
    let mut encodings = vec![
        ("as it is".to_owned(), secret.as_bytes().to_vec()),
        ("reversed".to_owned(), secret.bytes().rev().collect()),
        (
            "UTF-16 LE".to_owned(),
            secret.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        (
            "UTF-16 BE".to_owned(),
            secret.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        ),
        (
            "list of numbers".to_owned(),
            joined(secret, |byte| format!("{byte}, ")),
        ),
        (
            "hex".to_owned(),
            joined(secret, |byte| format!("{byte:02x}")),
        ),
        (
            "HEX".to_owned(),
            joined(secret, |byte| format!("{byte:02X}")),
        ),
        (
            "percent".to_owned(),
            joined(secret, |byte| format!("%{byte:02X}")),
        ),
        (
            "form".to_owned(),
            url::form_urlencoded::byte_serialize(secret.as_bytes())
                .collect::<String>()
                .into_bytes(),
        ),
    ];

    // In Base64 it looks different for each number of bytes before it; what depends on its
    // neighbours is cut off.
    for before in 0..3 {
        let padded = [&vec![b':'; before][..], secret.as_bytes()].concat();
        for (name, engine) in [
            ("Base64", STANDARD_NO_PAD),
            ("Base64 for URLs", URL_SAFE_NO_PAD),
        ] {
            let encoded = engine.encode(&padded);
            let certain = &encoded[(before * 4).div_ceil(3)..padded.len() / 3 * 4];
            encodings.push((
                format!("{name} behind {before}"),
                certain.as_bytes().to_vec(),
            ));
        }
    }

    encodings
}

fn joined(secret: &str, form: impl Fn(u8) -> String) -> Vec<u8> {
    secret.bytes().map(form).collect::<String>().into_bytes()
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(bytes, needle).is_some()
}

#[test]
fn a_secret_is_found_in_each_encoding() {
    let secret = "s3cr3t/of+the?tests";

    for (name, needle) in encodings(secret) {
        let text = [b"some text ".as_slice(), &needle, b" and more"].concat();
        assert!(reveals(&text, secret).is_some(), "{name}");
    }
    for before in ["", "user:", "ab", "abc", "abcd"] {
        let encoded = STANDARD_NO_PAD.encode(format!("{before}{secret}@behind"));
        assert!(reveals(encoded.as_bytes(), secret).is_some(), "{before}");
    }
    assert_eq!(reveals(b"some other text", secret), None);
}
