//! The URL of a proxy, which may hold a password: it has no printable form with it. And what is
//! reached without a proxy.

use std::fmt;
use std::net::IpAddr;

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
pub(crate) fn read(value: &DeValue<'_>) -> Read<ProxyUrl> {
    let text = values::word(value)?;
    let url = Url::parse(&text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.map(ProxyUrl).ok_or_else(|| {
        "must be a URL such as \"http://proxy:3128\"; special characters of a user or password in it are \
         percent-encoded, @ as %40"
            .to_owned()
    })
}

/// What is reached without a proxy: an entry of `azure.no_proxy` or of the environment's
/// `NO_PROXY`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exemption {
    /// A host or domain with all below it, an address, a network, or `*` for everything.
    pub hosts: String,
    /// Only at this port.
    pub port: Option<u16>,
}

impl Exemption {
    /// Reads an entry as it is usually written; `None` when it is none of these: `host`, `.domain`,
    /// `*.domain`, an address, a network as `10.0.0.0/8`, all but a network also with `:port`; or
    /// `*`.
    pub fn parse(entry: &str) -> Option<Self> {
        let whole = |hosts: &str| {
            Some(Self {
                hosts: hosts.to_owned(),
                port: None,
            })
        };
        if entry == "*" || entry.parse::<IpAddr>().is_ok() {
            return whole(entry);
        }
        if let Some((address, bits)) = entry.split_once('/') {
            let longest = if address.parse::<IpAddr>().ok()?.is_ipv4() {
                32
            } else {
                128
            };
            return bits
                .parse::<u8>()
                .is_ok_and(|bits| bits <= longest)
                .then(|| whole(entry))
                .flatten();
        }
        let (host, port) = match entry.rsplit_once(':') {
            // The colons of an address in brackets are its own.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (entry, None),
        };
        if let Some(address) = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            return address.parse::<IpAddr>().ok().map(|_| Self {
                hosts: address.to_owned(),
                port,
            });
        }
        let domain = host
            .strip_prefix('*')
            .filter(|rest| rest.starts_with('.'))
            .unwrap_or(host);
        let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_');
        let named = domain.contains(char::is_alphanumeric) && domain.chars().all(is_name);
        named.then(|| Self {
            hosts: domain.to_owned(),
            port,
        })
    }

    /// The entries of a list as the environment has it; what is no entry is left out.
    pub fn of_list(list: &str) -> impl Iterator<Item = Self> {
        parts(list).filter_map(Self::parse)
    }
}

fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(|letter: char| letter == ',' || letter.is_whitespace())
        .filter(|part| !part.is_empty())
}

/// Reads `azure.no_proxy`; an item may hold several entries, as the environment's variable does.
pub(crate) fn exemptions(value: &DeValue<'_>) -> Read<Vec<Exemption>> {
    let item = |value: &DeValue<'_>| {
        let text = values::word(value)?;
        let read = |part: &str| {
            Exemption::parse(part).ok_or_else(|| {
                format!(
                    "must be a host such as \"tfs.corp\", a domain with all below it such as \".corp\" or \"*.corp\", an \
                     address or network such as \"10.0.0.0/8\", or \"*\"; for one port alone \"tfs.corp:8080\". It is {part:?}"
                )
            })
        };
        parts(&text).map(read).collect::<Read<Vec<_>>>()
    };
    Ok(values::list(value, item)?.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exemption_is_read_as_it_is_usually_written() {
        let read = |entry: &str| Exemption::parse(entry).map(|found| (found.hosts, found.port));
        let whole = |hosts: &str| Some((hosts.to_owned(), None));
        for entry in [
            "*",
            "tfs.corp",
            ".corp",
            "corp",
            "10.1.2.3",
            "10.0.0.0/8",
            "fe80::1",
            "fe80::/10",
            "büro.corp",
        ] {
            assert_eq!(read(entry), whole(entry), "{entry}");
        }
        assert_eq!(read("*.corp"), whole(".corp"));
        assert_eq!(read("[::1]"), whole("::1"));
        assert_eq!(read("*.corp:8080"), Some((".corp".to_owned(), Some(8080))));
        assert_eq!(read("[::1]:80"), Some(("::1".to_owned(), Some(80))));
        for entry in [
            "",
            ".",
            "*corp",
            "a*.corp",
            "https://tfs.corp",
            "tfs.corp/x",
            "10.0.0.0/33",
            "tfs:http",
            "[x]:1",
        ] {
            assert_eq!(read(entry), None, "{entry}");
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        let proxy = ProxyUrl(Url::parse("http://me:hunter2@proxy:3128/").unwrap());
        assert_eq!(
            format!("{proxy} {proxy:?}"),
            "http://proxy:3128 ProxyUrl(http://proxy:3128)"
        );
        assert!(proxy.has_password());
    }
}
