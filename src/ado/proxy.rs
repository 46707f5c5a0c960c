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

use crate::config::proxy::{self, Exemption, ProxyUrl};

/// What the configuration says of proxies.
#[derive(Clone, Default, Debug)]
pub(crate) struct ProxyRule {
    /// `azure.proxy`.
    pub(crate) proxy: Option<ProxyUrl>,
    /// `azure.no_proxy`.
    pub(crate) no_proxy: Vec<Exemption>,
}

/// How a host is reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ProxyChoice {
    /// The proxy, without user and password; `None` when there is none between.
    pub(super) proxy: Option<String>,
    /// Whether the proxy is told a user and password.
    authenticates: bool,
    /// What decided it.
    because: String,
}

impl ProxyChoice {
    const fn direct(because: String) -> Self {
        Self {
            proxy: None,
            authenticates: false,
            because,
        }
    }
}

impl fmt::Display for ProxyChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.proxy.as_deref().unwrap_or("none"))?;
        if self.authenticates {
            f.write_str(", with user and password")?;
        }
        write!(f, " ({})", self.because)
    }
}

/// Hosts that are reached directly.
struct DirectHosts {
    source: ExemptionSource,
    /// Catches everything but these hosts.
    all_but: Matcher,
    /// At this port alone.
    port: Option<u16>,
}

impl DirectHosts {
    fn new(source: ExemptionSource, exemption: Exemption) -> Self {
        let Exemption { hosts, port } = exemption;
        Self {
            source,
            all_but: Matcher::builder().all("http://any").no(hosts).build(),
            port,
        }
    }

    fn contains(&self, url: &Url, uri: &http::Uri) -> bool {
        // It knows no ports, which people write all the same.
        if self.port.is_some() && self.port != url.port_or_known_default() {
            return false;
        }
        // The matcher only says what goes through a proxy. Asked the other way round it reads
        // names, domains and networks as everybody writes them.
        self.all_but.intercept(uri).is_none()
    }
}

/// Who says that hosts are reached directly.
#[derive(Clone, Copy)]
enum ExemptionSource {
    Configuration,
    /// The environment, by this variable.
    Environment(&'static str),
}

impl fmt::Display for ExemptionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration => f.write_str("`azure.no_proxy`"),
            Self::Environment(name) => write!(f, "the environment's {name}"),
        }
    }
}

/// Decides for each URL.
pub(crate) struct ProxyResolver {
    configured: Option<ProxyUrl>,
    direct: Vec<DirectHosts>,
    system: Matcher,
}

impl ProxyResolver {
    /// What is in force now, from the configuration and the surroundings.
    pub(crate) fn new(rule: &ProxyRule) -> Self {
        // The first that exempts a host is named as the reason, so the configuration comes first.
        let mut direct = Vec::new();
        for exemption in &rule.no_proxy {
            direct.push(DirectHosts::new(
                ExemptionSource::Configuration,
                exemption.clone(),
            ));
        }

        if let Some((name, list)) = variable(&["NO_PROXY", "no_proxy"]) {
            for exemption in Exemption::of_list(&list) {
                direct.push(DirectHosts::new(
                    ExemptionSource::Environment(name),
                    exemption,
                ));
            }
        }

        Self {
            configured: rule.proxy.clone(),
            direct,
            system: Matcher::from_system(),
        }
    }

    /// The proxy for a URL, with user and password; `None` for none.
    pub(super) fn proxy_of(&self, url: &Url) -> Option<Url> {
        if self.why_direct(url).is_some() {
            return None;
        }

        match &self.configured {
            Some(proxy) => Some(proxy.expose().clone()),
            None => url_with_password(&self.system_proxy(url)?),
        }
    }

    /// The same for people.
    pub(crate) fn explain(&self, url: &Url) -> ProxyChoice {
        if let Some(because) = self.why_direct(url) {
            return ProxyChoice::direct(because);
        }

        if let Some(proxy) = &self.configured {
            return ProxyChoice {
                proxy: Some(proxy.to_string()),
                authenticates: proxy.has_password(),
                because: "azure.proxy".to_owned(),
            };
        }

        match self.system_proxy(url) {
            Some(proxy) => ProxyChoice {
                proxy: Some(url_without_password(&proxy)),
                authenticates: proxy.basic_auth().is_some(),
                because: source_of_system_proxy(url),
            },
            None => ProxyChoice::direct(
                "neither `azure.proxy` nor the environment nor the system names one".to_owned(),
            ),
        }
    }

    /// What is wrong with the proxy that the environment names for a URL, with the way out; `None`
    /// where nothing is, or where something else decides.
    pub(crate) fn fault(&self, url: &Url) -> Option<String> {
        if self.configured.is_some() || self.why_direct(url).is_some() {
            return None;
        }

        // The matcher leaves out what it cannot read, and kado would try without a proxy.
        let (name, value) = variable(&variables_of(url))?;
        if !proxy::is_ambiguous(value.trim()) {
            return None;
        }
        Some(format!("the environment's {name} must be {}", proxy::FORM))
    }

    /// Why a host is reached without a proxy, if that is said of it.
    fn why_direct(&self, url: &Url) -> Option<String> {
        // Behind a proxy this name would mean the proxy's own machine.
        if is_this_machine(url) {
            return Some("this machine itself".to_owned());
        }

        let uri = uri(url)?;
        let hosts = self.direct.iter().find(|hosts| hosts.contains(url, &uri))?;
        Some(format!(
            "{} exempts {}",
            hosts.source,
            url.host_str().unwrap_or_default()
        ))
    }

    /// What the environment or the system names.
    fn system_proxy(&self, url: &Url) -> Option<Intercept> {
        self.system.intercept(&uri(url)?)
    }
}

/// Where the system's matcher found a proxy: it looks into the environment first, and does not say
/// so.
fn source_of_system_proxy(url: &Url) -> String {
    match variable(&variables_of(url)) {
        Some((name, _)) => format!("the environment's {name}"),
        None => "the system's settings of this account".to_owned(),
    }
}

/// The variables that name a proxy for a URL, in the order in which the matcher looks.
fn variables_of(url: &Url) -> [&'static str; 4] {
    match url.scheme() {
        "https" => ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
        _ => ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
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

/// Scheme, host and port of a proxy; the matcher has taken user and password out.
fn url_without_password(proxy: &Intercept) -> String {
    proxy.uri().to_string().trim_end_matches('/').to_owned()
}

/// The proxy's URL with the user and password that stood in it.
fn url_with_password(proxy: &Intercept) -> Option<Url> {
    let mut url = Url::parse(&proxy.uri().to_string()).ok()?;
    if let Some((user, password)) = user_and_password(proxy) {
        url.set_username(&user).ok()?;
        url.set_password(Some(&password)).ok()?;
    }
    Some(url)
}

/// What the matcher took out of the URL: it keeps both as the header of a request.
fn user_and_password(proxy: &Intercept) -> Option<(String, String)> {
    // The client wants a URL, so the header is taken apart again.
    let header = proxy.basic_auth()?.to_str().ok()?;
    let decoded = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// The first of these variables that holds something.
fn variable(names: &[&'static str]) -> Option<(&'static str, String)> {
    for name in names {
        if let Ok(value) = std::env::var(name)
            && !value.trim().is_empty()
        {
            return Some((name, value));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver(proxy: &str, no_proxy: &[&str]) -> ProxyResolver {
        let text = format!("p = {proxy:?}");
        let table = toml::de::DeTable::parse(&text).unwrap();
        let proxy = crate::config::proxy::read(table.get_ref()["p"].get_ref()).unwrap();
        let no_proxy = no_proxy
            .iter()
            .map(|entry| Exemption::parse(entry).unwrap())
            .collect();
        ProxyResolver::new(&ProxyRule {
            proxy: Some(proxy),
            no_proxy,
        })
    }

    #[test]
    fn a_configured_proxy_is_taken_with_its_password_and_shown_without() {
        let resolver = resolver("http://me:p%40ss@proxy:3128", &[]);
        let url = Url::parse("https://dev.azure.com/org").unwrap();

        assert_eq!(
            resolver.proxy_of(&url).unwrap().as_str(),
            "http://me:p%40ss@proxy:3128/"
        );
        assert_eq!(
            resolver.explain(&url).to_string(),
            "http://proxy:3128, with user and password (azure.proxy)"
        );
    }

    #[test]
    fn exempt_hosts_domains_and_networks_are_reached_directly() {
        let exempt = ["tfs.corp", ".example.com", "10.1.0.0/16"];
        let resolver = resolver("http://proxy:3128", &exempt);
        let is_direct = |url| resolver.proxy_of(&Url::parse(url).unwrap()).is_none();

        for url in [
            "https://tfs.corp/tfs/Main",
            "https://ado.example.com/x",
            "http://10.1.2.3/x",
            "http://127.0.0.1:8080/x",
            "http://localhost/x",
            "http://[::1]/x",
        ] {
            assert!(is_direct(url), "{url}");
        }
        for url in ["https://tfs.other/tfs/Main", "http://10.2.0.1/x"] {
            assert!(!is_direct(url), "{url}");
        }

        let url = Url::parse("https://tfs.corp/tfs/Main").unwrap();
        assert_eq!(
            resolver.explain(&url).to_string(),
            "none (`azure.no_proxy` exempts tfs.corp)"
        );
    }
}
