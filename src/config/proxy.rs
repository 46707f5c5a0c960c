//! The URL of a proxy, which may hold a password: it has no printable form with it.

use std::fmt;

use toml::de::DeValue;
use url::Url;

use crate::config::values::{self, Read};

/// `azure.proxy`.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl(Url);

impl ProxyUrl {
    /// The URL with user and password, for whoever connects.
    pub const fn expose(&self) -> &Url {
        &self.0
    }

    /// Whether it holds a password.
    pub fn has_password(&self) -> bool {
        self.0.password().is_some()
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.origin().ascii_serialization())
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({self})")
    }
}

/// Reads `azure.proxy`.
pub fn read(value: &DeValue<'_>) -> Read<ProxyUrl> {
    let text = values::word(value)?;
    let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.map(ProxyUrl).ok_or_else(|| {
        "must be a URL such as \"http://proxy:3128\"; special characters of a user or password in it are \
         percent-encoded, @ as %40"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_printed() {
        let proxy = ProxyUrl(Url::parse("http://me:hunter2@proxy:3128/").unwrap());
        assert_eq!(format!("{proxy} {proxy:?}"), "http://proxy:3128 ProxyUrl(http://proxy:3128)");
        assert!(proxy.has_password());
    }
}
