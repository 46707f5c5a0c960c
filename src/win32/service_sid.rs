//! The security identifier of a service's virtual account, `NT SERVICE\NAME`.
//!
//! Windows derives it from the name alone, so it can stand in an access list before the service is
//! installed. The rule is that of `sc.exe showsid`: `S-1-5-80-` and the SHA-1 of the upper-case
//! name in UTF-16, as five little-endian numbers.

use sha1::{Digest as _, Sha1};

/// The identifier of the account of a service.
pub(crate) fn service_sid(name: &str) -> String {
    let mut name_as_utf16 = Vec::new();
    for unit in name.to_uppercase().encode_utf16() {
        name_as_utf16.extend(unit.to_le_bytes());
    }

    let mut sid = "S-1-5-80".to_owned();
    for word in Sha1::digest(&name_as_utf16).chunks_exact(4) {
        let number = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
        sid.push_str(&format!("-{number}"));
    }
    sid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_the_one_that_windows_gives() {
        // Known of every Windows since Vista.
        let installer = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";
        assert_eq!(service_sid("TrustedInstaller"), installer);
        assert_eq!(service_sid("trustedinstaller"), installer);
    }
}
