//! Which proxy a request goes through, and why: asked by the client for each request and by `kado
//! check` for people, so that both say the same.
//!
//! `azure.proxy` comes first, then the environment, then the system's settings. Hosts of
//! `azure.no_proxy` and of the environment's `NO_PROXY` are reached without one, and so is this
//! machine itself. On Windows the system's settings are those of the account that runs kado, and
//! scripts (PAC) and NTLM are not understood.

#![expect(
    clippy::disallowed_methods,
    reason = "proxies are named by the environment"
)]

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use url::Url;

use crate::config::proxy::{Exemption, ProxyUrl};

/// What the configuration says of proxies.
#[derive(Clone, Default, Debug)]
pub(crate) struct ProxyRule {
    /// `azure.proxy`.
    pub(crate) proxy: Option<ProxyUrl>,
    /// `azure.no_proxy`.
    pub(crate) no_proxy: Vec<Exemption>,
}

/// The way to a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Way {
    /// The proxy, without user and password; `None` when there is none between.
    pub(crate) proxy: Option<String>,
    /// Whether the proxy is told a user and password.
    pub(crate) authenticates: bool,
    /// What decided it.
    pub(crate) because: String,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.proxy {
            Some(proxy) => {
                let known = if self.authenticates {
                    ", with user and password"
                } else {
                    ""
                };
                write!(f, "{proxy}{known} ({})", self.because)
            }
            None => write!(f, "none ({})", self.because),
        }
    }
}

/// What is reached directly.
struct Exempt {
    /// Who says so.
    source: &'static str,
    /// Catches everything but this.
    all_but: Matcher,
    /// At this port alone.
    port: Option<u16>,
}

/// Decides for each URL.
pub(crate) struct Ways {
    rule: ProxyRule,
    exempt: Vec<Exempt>,
    system: Matcher,
}

impl Ways {
    /// What is in force now, from the configuration and the surroundings.
    pub(crate) fn new(rule: &ProxyRule) -> Self {
        let of = |source, list: Vec<Exemption>| {
            list.into_iter().map(move |Exemption { hosts, port }| {
                let all_but = Matcher::builder().all("http://any").no(hosts).build();
                Exempt {
                    source,
                    all_but,
                    port,
                }
            })
        };
        let around = variable(&["NO_PROXY", "no_proxy"]);
        let around = around.map(|(name, list)| of(name, Exemption::of_list(&list).collect()));
        let exempt = of("azure.no_proxy", rule.no_proxy.clone())
            .chain(around.into_iter().flatten())
            .collect();
        Self {
            rule: rule.clone(),
            exempt,
            system: Matcher::from_system(),
        }
    }

    /// The proxy for a URL, with user and password; `None` for none.
    pub(crate) fn proxy_of(&self, url: &Url) -> Option<Url> {
        if self.exemption(url).is_some() {
            return None;
        }
        match &self.rule.proxy {
            Some(proxy) => Some(proxy.expose().clone()),
            None => self.of_system(url).and_then(|found| whole(&found)),
        }
    }

    /// The same for people.
    pub(crate) fn explain(&self, url: &Url) -> Way {
        let none = |because: String| Way {
            proxy: None,
            authenticates: false,
            because,
        };
        if let Some(because) = self.exemption(url) {
            return none(because);
        }
        if let Some(proxy) = &self.rule.proxy {
            let because = "azure.proxy".to_owned();
            return Way {
                proxy: Some(proxy.to_string()),
                authenticates: proxy.has_password(),
                because,
            };
        }
        let Some(found) = self.of_system(url) else {
            return none(
                "neither `azure.proxy` nor the environment nor the system names one".to_owned(),
            );
        };
        let names: &[&'static str] = match url.scheme() {
            "https" => &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
            _ => &["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
        };
        let because = variable(names).map_or_else(
            || "the system's settings of this account".to_owned(),
            |(name, _)| format!("the environment's {name}"),
        );
        Way {
            proxy: Some(shown(&found)),
            authenticates: found.basic_auth().is_some(),
            because,
        }
    }

    /// Why a host is reached without a proxy, if it is exempt.
    fn exemption(&self, url: &Url) -> Option<String> {
        if is_this_machine(url) {
            return Some("this machine itself".to_owned());
        }
        let uri = uri(url)?;
        let fits = |exempt: &&Exempt| {
            exempt
                .port
                .is_none_or(|port| url.port_or_known_default() == Some(port))
        };
        let name = self
            .exempt
            .iter()
            .filter(fits)
            .find(|exempt| exempt.all_but.intercept(&uri).is_none())?
            .source;
        Some(format!(
            "{} exempts {}",
            if name.contains('.') {
                format!("`{name}`")
            } else {
                format!("the environment's {name}")
            },
            url.host_str().unwrap_or_default()
        ))
    }

    fn of_system(&self, url: &Url) -> Option<Intercept> {
        self.system.intercept(&uri(url)?)
    }
}

fn uri(url: &Url) -> Option<http::Uri> {
    url.origin().ascii_serialization().parse().ok()
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Scheme, host and port of a proxy.
fn shown(proxy: &Intercept) -> String {
    proxy.uri().to_string().trim_end_matches('/').to_owned()
}

/// The proxy's URL with the user and password that stood in it.
fn whole(proxy: &Intercept) -> Option<Url> {
    let mut url = Url::parse(&proxy.uri().to_string()).ok()?;
    let known = proxy
        .basic_auth()
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Basic "));
    let known = known.and_then(|encoded| String::from_utf8(STANDARD.decode(encoded).ok()?).ok());
    if let Some((user, password)) = known.as_deref().and_then(|text| text.split_once(':')) {
        url.set_username(user).ok()?;
        url.set_password(Some(password)).ok()?;
    }
    Some(url)
}

/// The first of these variables that holds something.
fn variable(names: &[&'static str]) -> Option<(&'static str, String)> {
    names.iter().find_map(|name| {
        let value = std::env::var(name)
            .ok()
            .filter(|value| !value.trim().is_empty())?;
        Some((*name, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(proxy: &str, no_proxy: &[&str]) -> Ways {
        let text = format!("p = {proxy:?}");
        let table = toml::de::DeTable::parse(&text).unwrap();
        let proxy = crate::config::proxy::read(table.get_ref()["p"].get_ref()).unwrap();
        let no_proxy = no_proxy
            .iter()
            .map(|entry| Exemption::parse(entry).unwrap())
            .collect();
        Ways::new(&ProxyRule {
            proxy: Some(proxy),
            no_proxy,
        })
    }

    #[test]
    fn a_configured_proxy_is_taken_with_its_password_and_shown_without() {
        let ways = ways("http://me:p%40ss@proxy:3128", &[]);
        let url = Url::parse("https://dev.azure.com/org").unwrap();
        assert_eq!(
            ways.proxy_of(&url).unwrap().as_str(),
            "http://me:p%40ss@proxy:3128/"
        );
        assert_eq!(
            ways.explain(&url).to_string(),
            "http://proxy:3128, with user and password (azure.proxy)"
        );
    }

    #[test]
    fn exempt_hosts_domains_and_networks_are_reached_directly() {
        let ways = ways(
            "http://proxy:3128",
            &["tfs.corp", ".example.com", "10.1.0.0/16"],
        );
        let direct = |url| ways.proxy_of(&Url::parse(url).unwrap()).is_none();
        assert!(
            direct("https://tfs.corp/tfs/Main")
                && direct("https://ado.example.com/x")
                && direct("http://10.1.2.3/x")
        );
        assert!(
            direct("http://127.0.0.1:8080/x")
                && direct("http://localhost/x")
                && direct("http://[::1]/x")
        );
        assert!(!direct("https://tfs.other/tfs/Main") && !direct("http://10.2.0.1/x"));
        let url = Url::parse("https://tfs.corp/tfs/Main").unwrap();
        assert_eq!(
            ways.explain(&url).to_string(),
            "none (`azure.no_proxy` exempts tfs.corp)"
        );
    }
}
