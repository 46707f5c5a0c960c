//! Which Azure DevOps a URL means.
//!
//! A token and a server are a pair (product contract, section 5), so two spellings of the same server have to be
//! recognised, and two servers must never be taken for one. Pure: nothing is resolved over the network.

use std::fmt;

use url::Url;

/// An organization of Azure DevOps Services or a collection of Azure DevOps Server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Server {
    base: Url,
    identity: ServerIdentity,
}

/// What makes two URLs the same server: scheme, host, port and organization or collection, with
/// `dev.azure.com/X`, `X.visualstudio.com` and their fixed release hosts as one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ServerIdentity(String);

impl ServerIdentity {
    /// Stands for a server that nothing names; equal to no server that has a URL.
    pub fn unknown() -> Self {
        Self(String::new())
    }
}

impl fmt::Display for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not the URL of an organization or collection.
#[derive(Debug, thiserror::Error)]
pub enum ServerUrlError {
    /// Not a URL at all.
    #[error("server url `{url}` is not a URL; expected something like https://dev.azure.com/organization")]
    NotAUrl {
        /// The text as given.
        url: String,
        /// What the parser says.
        #[source]
        source: url::ParseError,
    },
    /// Some other scheme than http or https.
    #[error("server url `{0}` is neither http nor https")]
    Scheme(String),
    /// A URL without an organization or collection.
    #[error("server url `{0}` names no organization; expected something like https://dev.azure.com/organization")]
    NoOrganization(String),
    /// Credentials inside the URL would end up in logs.
    #[error("the server url carries a user or password; put the token into `azure.token_file` instead")]
    Credentials,
}

impl Server {
    /// Reads the URL of an organization or collection, with or without a slash at the end.
    ///
    /// # Errors
    /// When the text is not such a URL.
    pub fn parse(text: &str) -> Result<Self, ServerUrlError> {
        let text = text.trim();
        let shown = without_credentials(text);
        let mut base = Url::parse(text).map_err(|source| ServerUrlError::NotAUrl { url: shown.to_owned(), source })?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(ServerUrlError::Scheme(shown.to_owned()));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(ServerUrlError::Credentials);
        }
        base.set_query(None);
        base.set_fragment(None);
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        let identity = identity(&base).ok_or_else(|| ServerUrlError::NoOrganization(shown.to_owned()))?;
        Ok(Self { base, identity })
    }

    /// The URL below which `_apis` lies, without a slash at the end.
    pub fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Whether this is an organization of Azure DevOps Services.
    pub fn is_services(&self) -> bool {
        self.release_base() != self.base()
    }

    /// The URL below which the release area lies: a fixed host of its own at Services, the base at Server
    /// (`ado/api.md` §1). It is never taken from an answer.
    pub fn release_base(&self) -> String {
        let services = self.identity.0.split_once("://dev.azure.com/");
        match services.filter(|(_, organization)| !organization.contains('/')) {
            Some((scheme, organization)) => format!("{scheme}://vsrm.dev.azure.com/{organization}"),
            None => self.base().to_owned(),
        }
    }

    /// What makes this the same server as another spelling of it.
    pub fn identity(&self) -> &ServerIdentity {
        &self.identity
    }

    /// Whether requests leave unencrypted for another machine: plain http to a host that is not this one.
    pub fn is_exposed(&self) -> bool {
        let loopback = match self.base.host() {
            Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        self.base.scheme() == "http" && !loopback
    }
}

/// A URL, or what should be one, without a user and password before its host.
pub fn without_credentials(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, rest)| rest)
}

fn identity(base: &Url) -> Option<ServerIdentity> {
    let host = base.host_str()?.to_ascii_lowercase();
    let path = base.path().trim_matches('/').to_lowercase();
    let organization = match host.strip_suffix(".visualstudio.com") {
        // `https://x.visualstudio.com/DefaultCollection` is the same organization as `https://x.visualstudio.com`.
        Some(name) if path.is_empty() || path == "defaultcollection" => {
            Some(name.strip_suffix(".vsrm").unwrap_or(name).to_owned())
        }
        Some(_) => None,
        None if is_services(&host) => path.split('/').next().filter(|name| !name.is_empty()).map(str::to_owned),
        None => None,
    };
    if let Some(name) = organization {
        return Some(ServerIdentity(format!("{}://dev.azure.com/{name}", base.scheme())));
    }
    if path.is_empty() || is_services(&host) {
        return None;
    }
    let port = base.port_or_known_default()?;
    Some(ServerIdentity(format!("{}://{host}:{port}/{path}", base.scheme())))
}

fn is_services(host: &str) -> bool {
    matches!(host, "dev.azure.com" | "vsrm.dev.azure.com")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(url: &str) -> String {
        Server::parse(url).unwrap().identity().to_string()
    }

    #[test]
    fn both_forms_of_services_are_the_same_server() {
        assert_eq!(id("https://dev.azure.com/Org"), id("https://org.visualstudio.com/"));
        assert_eq!(id("https://dev.azure.com/org/"), id("https://ORG.visualstudio.com/DefaultCollection"));
    }

    #[test]
    fn the_fixed_release_hosts_of_an_organization_are_the_same_server() {
        for host in ["https://vsrm.dev.azure.com/Org", "https://org.vsrm.visualstudio.com"] {
            assert_eq!(id(host), id("https://dev.azure.com/org"), "{host}");
        }
        assert_ne!(id("https://vsrm.dev.azure.com.evil.example/org"), id("https://dev.azure.com/org"));
    }

    #[test]
    fn another_scheme_host_port_or_collection_is_another_server() {
        let here = id("https://tfs.corp/tfs/Main");
        for other in [
            "http://tfs.corp/tfs/Main",
            "https://tfs2.corp/tfs/Main",
            "https://tfs.corp:8443/tfs/Main",
            "https://tfs.corp/tfs/Other",
        ] {
            assert_ne!(here, id(other), "{other}");
        }
        assert_eq!(here, id("https://TFS.corp:443/tfs/main/"));
    }

    #[test]
    fn a_url_without_an_organization_is_refused() {
        assert!(Server::parse("https://dev.azure.com/").is_err());
        assert!(Server::parse("ftp://dev.azure.com/org").is_err());
        assert!(Server::parse("dev.azure.com/org").is_err());
        assert!(matches!(Server::parse("https://u:p@dev.azure.com/org"), Err(ServerUrlError::Credentials)));
    }

    #[test]
    fn releases_have_a_host_of_their_own_at_services_only() {
        let release = |url| Server::parse(url).unwrap().release_base();
        assert_eq!(release("https://dev.azure.com/Org/"), "https://vsrm.dev.azure.com/org");
        assert_eq!(release("https://Org.visualstudio.com/DefaultCollection"), "https://vsrm.dev.azure.com/org");
        assert_eq!(release("https://tfs.corp/tfs/Main"), "https://tfs.corp/tfs/Main");
        assert!(Server::parse("https://dev.azure.com/Org/").unwrap().is_services());
        assert!(!Server::parse("https://tfs.corp/tfs/Main").unwrap().is_services());
        assert_eq!(release("https://tfs.corp/dev.azure.com/Main"), "https://tfs.corp/dev.azure.com/Main");
    }

    #[test]
    fn a_password_in_a_url_is_never_repeated() {
        for url in
            ["me:SECRET@dev.azure.com/x", "https://me:SECRET@dev.azure.com/x", "ftp://me:SECRET@host/x", "SECRET@"]
        {
            let error = Server::parse(url).unwrap_err();
            assert!(!format!("{error:?} {error}").contains("SECRET"), "{error:?}");
        }
    }

    #[test]
    fn plain_http_is_exposed_unless_it_stays_on_this_machine() {
        assert!(Server::parse("http://tfs.corp/tfs/Main").unwrap().is_exposed());
        assert!(!Server::parse("http://127.0.0.1:8080/org").unwrap().is_exposed());
        assert!(!Server::parse("http://localhost/org").unwrap().is_exposed());
        assert!(!Server::parse("https://tfs.corp/tfs/Main").unwrap().is_exposed());
    }
}
