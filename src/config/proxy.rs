//! The URL of a proxy, which may hold a password: it has no printable form with it. And what is
//! reached without a proxy.

use std::fmt;
use std::net::IpAddr;

use toml::de::DeValue;
use url::Url;

use crate::config::value_error::ValueError;
use crate::config::values::{self, Read};

/// `azure.proxy`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ProxyUrl(Url);

impl ProxyUrl {
    /// The URL with user and password, for whoever connects.
    pub(crate) const fn expose(&self) -> &Url {
        &self.0
    }

    /// Whether it holds a password.
    pub(crate) fn has_password(&self) -> bool {
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
    // Not as a word: in double quotes the `\b` of `CORP\bob` is a control character.
    let text = values::text(value)?;
    proxy_url(&text).ok_or(ValueError::MustBe(FORM))
}

/// What a proxy has to be, in words that go behind "must be". They show nothing of a wrong one:
/// where its password begins is what nobody could say.
pub(crate) const FORM: &str = "a URL such as \"http://proxy:3128\", with a user as \
     \"http://bob:password@proxy:3128\"; special characters of user and password are \
     percent-encoded: a backslash as %5C (`CORP\\bob` is CORP%5Cbob), @ as %40, : as %3A, / as \
     %2F, # as %23, ? as %3F, % as %25";

fn proxy_url(text: &str) -> Option<ProxyUrl> {
    let text = text.trim();
    if is_ambiguous(text) {
        return None;
    }

    let url = Url::parse(text).ok()?;
    let is_proxy = matches!(url.scheme(), "http" | "https") && url.has_host();
    // A path would be one of a script that names proxies, which kado does not read.
    let ends_with_host = matches!(url.path(), "" | "/") && url.query().is_none();
    (is_proxy && ends_with_host).then_some(ProxyUrl(url))
}

/// Whether the address of a proxy holds what ends the host for one reader and belongs to the user
/// or password for whoever wrote it: `http://CORP\bob:pw@proxy` names the host `corp` to a reader
/// of URLs.
pub(crate) fn is_ambiguous(text: &str) -> bool {
    if text.contains(|letter: char| letter == '\\' || letter.is_control()) {
        return true;
    }

    let address = text.split_once("://").map_or(text, |(_, address)| address);
    match address.find(['/', '?', '#']) {
        Some(end) => address[end..].contains('@'),
        None => false,
    }
}

/// What is reached without a proxy: an entry of `azure.no_proxy` or of the environment's
/// `NO_PROXY`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Exemption {
    /// A host or domain with all below it, an address, a network, or `*` for everything.
    pub hosts: String,
    /// Only at this port.
    pub port: Option<u16>,
}

impl Exemption {
    /// Reads an entry as it is usually written; `None` when it is none of these: `host`, `.domain`,
    /// `*.domain`, an address, a network as `10.0.0.0/8`, all but a network also with `:port`; or
    /// `*`.
    pub(crate) fn parse(entry: &str) -> Option<Self> {
        // Before a port is looked for: the colons of an address without brackets are its own.
        if entry == "*" || entry.parse::<IpAddr>().is_ok() || is_network(entry) {
            return Some(Self {
                hosts: entry.to_owned(),
                port: None,
            });
        }
        if entry.contains('/') {
            return None;
        }

        let (host, port) = match entry.rsplit_once(':') {
            // The colons of an address in brackets are its own.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (entry, None),
        };
        Some(Self {
            hosts: address_in_brackets(host)
                .or_else(|| domain(host))?
                .to_owned(),
            port,
        })
    }

    /// The entries of a list as the environment has it; what is no entry is left out.
    pub(crate) fn of_list(list: &str) -> impl Iterator<Item = Self> {
        // Without a word: the variable is there for other programs too, which may know more than
        // these.
        parts(list).filter_map(Self::parse)
    }
}

/// `10.0.0.0/8`.
fn is_network(entry: &str) -> bool {
    let Some((address, bits)) = entry.split_once('/') else {
        return false;
    };

    let longest = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.parse::<u8>().is_ok_and(|bits| bits <= longest)
}

/// `[::1]`.
fn address_in_brackets(host: &str) -> Option<&str> {
    let address = host.strip_prefix('[')?.strip_suffix(']')?;
    address.parse::<IpAddr>().ok()?;
    Some(address)
}

/// `host`, `.domain` or `*.domain`; the last two mean the same.
fn domain(host: &str) -> Option<&str> {
    let domain = match host.strip_prefix('*') {
        Some(rest) if rest.starts_with('.') => rest,
        _ => host,
    };

    // Letters of every language: names of hosts have them as well.
    let is_name = domain
        .chars()
        .all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_'));
    if is_name && domain.contains(char::is_alphanumeric) {
        Some(domain)
    } else {
        None
    }
}

fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(|letter: char| letter == ',' || letter.is_whitespace())
        .filter(|part| !part.is_empty())
}

/// Reads `azure.no_proxy`; an item may hold several entries, as the environment's variable does.
pub(super) fn exemptions(value: &DeValue<'_>) -> Read<Vec<Exemption>> {
    Ok(values::list(value, exemptions_of_item)?.concat())
}

fn exemptions_of_item(value: &DeValue<'_>) -> Read<Vec<Exemption>> {
    const FORM: ValueError = ValueError::MustBe(
        "a host such as \"tfs.corp\", a domain with all below it such as \".corp\" or \"*.corp\", an \
         address or network such as \"10.0.0.0/8\", or \"*\"; for one port alone \"tfs.corp:8080\"",
    );

    let text = values::word(value)?;
    let mut exemptions = Vec::new();
    for part in parts(&text) {
        exemptions.push(Exemption::parse(part).ok_or(FORM)?);
    }
    Ok(exemptions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exemption(hosts: &str, port: Option<u16>) -> Option<Exemption> {
        Some(Exemption {
            hosts: hosts.to_owned(),
            port,
        })
    }

    #[test]
    fn an_exemption_is_read_as_it_is_usually_written() {
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
            assert_eq!(Exemption::parse(entry), exemption(entry, None), "{entry}");
        }

        for (entry, hosts, port) in [
            ("*.corp", ".corp", None),
            ("[::1]", "::1", None),
            ("*.corp:8080", ".corp", Some(8080)),
            ("[::1]:80", "::1", Some(80)),
        ] {
            assert_eq!(Exemption::parse(entry), exemption(hosts, port), "{entry}");
        }
    }

    #[test]
    fn what_is_no_exemption_is_none() {
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
            assert_eq!(Exemption::parse(entry), None, "{entry}");
        }
    }

    #[test]
    fn an_address_whose_password_begins_nobody_knows_where_is_none_of_a_proxy() {
        for text in [
            r"http://CORP\bob:pw@proxy:3128",
            "http://CORP/bob:pw@proxy:3128",
            "http://bob:p/w@proxy:3128",
            "http://bob:p#w@proxy:3128",
            "http://bob:p?w@proxy:3128",
            "http://CORP\u{8}ob:pw@proxy:3128",
            r"CORP\bob:pw@proxy:3128",
        ] {
            assert!(is_ambiguous(text), "{text}");
            assert_eq!(proxy_url(text), None, "{text}");
        }
    }

    #[test]
    fn an_encoded_user_of_a_domain_is_read() {
        let proxy = proxy_url(" http://CORP%5Cbob:p%40w@proxy:3128/ ").unwrap();

        assert!(proxy.has_password());
        assert_eq!(proxy.to_string(), "http://proxy:3128");
    }

    #[test]
    fn what_is_no_address_of_a_proxy_is_refused() {
        for text in [
            "",
            "proxy",
            "ftp://proxy",
            "http://",
            "http://corp/proxy.pac",
        ] {
            assert_eq!(proxy_url(text), None, "{text}");
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
