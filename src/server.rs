//! Which Azure DevOps a URL means.
//!
//! A token and a server are a pair (product contract, section 5), so two spellings of the same
//! server have to be recognised, and two servers must never be taken for one. Pure: nothing is
//! resolved over the network.

mod server_url;

use std::fmt;

use url::Url;

/// An organization of Azure DevOps Services or a collection of Azure DevOps Server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Server {
    base: Url,
    identity: ServerIdentity,
    /// The text that was given, where the base is another host or only a part of it.
    longer: Option<String>,
}

/// What makes two URLs the same server: scheme, host, port and organization or collection, with
/// `dev.azure.com/X`, `X.visualstudio.com` and their fixed release hosts as one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct ServerIdentity(String);

impl ServerIdentity {
    /// Stands for a server that nothing names; equal to no server that has a URL.
    pub(crate) fn unknown() -> Self {
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
pub(crate) enum ServerUrlError {
    /// Not a URL at all.
    #[error("server url `{url}` is not a URL; expected something like {expected}")]
    NotAUrl {
        url: String,
        /// What is probably meant, or an example.
        expected: String,
        /// What the parser says.
        #[source]
        source: url::ParseError,
    },
    /// Some other scheme than http or https.
    #[error("server url `{url}` is neither http nor https; expected something like {expected}")]
    Scheme {
        url: String,
        /// What is probably meant, or an example.
        expected: String,
    },
    /// A URL of Azure DevOps Services without an organization.
    #[error(
        "server url `{0}` names no organization; expected something like \
         https://dev.azure.com/organization"
    )]
    NoOrganization(String),
    /// A URL of some other host without a collection.
    #[error("server url `{url}` names no collection; expected something like {expected}")]
    NoCollection {
        url: String,
        /// The same host with a collection.
        expected: String,
    },
    /// The address of a page in place of that of the collection.
    #[error(
        "server url `{url}` is the address of a page in a project; expected that of the \
         collection: {expected}"
    )]
    Page {
        url: String,
        /// The collection that is probably meant.
        expected: String,
    },
    /// A host of Azure DevOps Services that has a single service of an organization.
    #[error("server url `{url}` is that of a single service of Azure DevOps; expected {expected}")]
    Service {
        url: String,
        /// The organization that is probably meant.
        expected: String,
    },
    /// Credentials inside the URL would end up in logs.
    #[error(
        "the server url carries a user or password; put the token into `azure.token_file` instead"
    )]
    Credentials,
}

impl Server {
    /// Reads the URL of an organization or collection, with or without a slash at the end.
    ///
    /// # Errors
    /// When the text is not such a URL.
    pub(crate) fn parse(text: &str) -> Result<Self, ServerUrlError> {
        let text = text.trim();
        // Messages never show the text itself: what is wrong with it may be a password inside.
        let shown = without_credentials(text);
        let written = Url::parse(text).map_err(|source| ServerUrlError::NotAUrl {
            url: shown.to_owned(),
            expected: with_scheme(text),
            source,
        })?;
        if !matches!(written.scheme(), "http" | "https") {
            return Err(ServerUrlError::Scheme {
                url: shown.to_owned(),
                expected: with_scheme(text),
            });
        }

        if !written.username().is_empty() || written.password().is_some() {
            return Err(ServerUrlError::Credentials);
        }

        let mut url = written.clone();
        url.set_query(None);
        url.set_fragment(None);
        let server = server_url::read(url, shown)?;

        let is_whole = written.host() == server.base.host()
            && trimmed_path(&written) == trimmed_path(&server.base);
        Ok(Self {
            base: server.base,
            identity: server.identity,
            longer: if is_whole {
                None
            } else {
                Some(shown.to_owned())
            },
        })
    }

    /// Says that something else was given than the URL of an organization, and what is used; `None`
    /// where it was not.
    pub(crate) fn remark(&self) -> Option<String> {
        let written = self.longer.as_ref()?;
        let is_here = written
            .to_lowercase()
            .starts_with(&self.base().to_lowercase());

        let what = if is_here {
            "more than an organization"
        } else {
            "another host of an organization"
        };
        Some(format!("`{written}` is {what}; `{}` is used", self.base()))
    }

    /// The collection that is meant if the last part of a URL on premises is a project; `None`
    /// where it cannot be one.
    pub(crate) fn without_project(&self) -> Option<String> {
        if self.is_services() {
            None
        } else {
            server_url::without_project(&self.base)
        }
    }

    /// The URL below which `_apis` lies, without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Whether this is an organization of Azure DevOps Services.
    pub(crate) fn is_services(&self) -> bool {
        // Only Services has a host of its own for releases.
        self.release_base() != self.base()
    }

    /// The URL below which the release area lies: a fixed host of its own at Services, the base at
    /// Server (`ado/api.md` §1). It is never taken from an answer.
    pub(crate) fn release_base(&self) -> String {
        // From the identity, because the base may be of the older form, which has the organization
        // in the host.
        match self.identity.0.split_once("://dev.azure.com/") {
            // A path of more parts is that of a server on premises, below a folder of this name.
            Some((scheme, organization)) if !organization.contains('/') => {
                format!("{scheme}://vsrm.dev.azure.com/{organization}")
            }
            _ => self.base().to_owned(),
        }
    }

    /// What makes this the same server as another spelling of it.
    pub(crate) fn identity(&self) -> &ServerIdentity {
        &self.identity
    }

    /// Whether requests leave unencrypted for another machine: plain http to a host that is not
    /// this one.
    pub(crate) fn is_exposed(&self) -> bool {
        let loopback = match self.base.host() {
            Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        self.base.scheme() == "http" && !loopback
    }
}

/// What a text without a scheme means with one, if that is a server; else an example.
fn with_scheme(text: &str) -> String {
    if !text.contains("://")
        && let Ok(server) = Server::parse(&format!("https://{text}"))
    {
        return server.base().to_owned();
    }
    "https://dev.azure.com/organization".to_owned()
}

fn trimmed_path(url: &Url) -> &str {
    url.path().trim_matches('/')
}

/// A URL, or what should be one, without a user and password before its host.
pub(crate) fn without_credentials(url: &str) -> &str {
    // The last one counts, because a password may hold one itself.
    url.rsplit_once('@').map_or(url, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(url: &str) -> String {
        Server::parse(url).unwrap().identity().to_string()
    }

    #[test]
    fn both_forms_of_services_are_the_same_server() {
        assert_eq!(
            id("https://dev.azure.com/Org"),
            id("https://org.visualstudio.com/")
        );
        assert_eq!(
            id("https://dev.azure.com/org/"),
            id("https://ORG.visualstudio.com/DefaultCollection")
        );
    }

    #[test]
    fn the_fixed_release_hosts_of_an_organization_are_the_same_server() {
        for host in [
            "https://vsrm.dev.azure.com/Org",
            "https://org.vsrm.visualstudio.com",
        ] {
            assert_eq!(id(host), id("https://dev.azure.com/org"), "{host}");
        }
        assert_ne!(
            id("https://vsrm.dev.azure.com.evil.example/org"),
            id("https://dev.azure.com/org")
        );
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
        assert_ne!(
            id("https://dev.azure.com:8443/org"),
            id("https://dev.azure.com/org")
        );
    }

    #[test]
    fn a_url_without_an_organization_is_refused() {
        assert!(Server::parse("https://dev.azure.com/").is_err());
        assert!(Server::parse("ftp://dev.azure.com/org").is_err());
        assert!(Server::parse("dev.azure.com/org").is_err());
        assert!(matches!(
            Server::parse("https://u:p@dev.azure.com/org"),
            Err(ServerUrlError::Credentials)
        ));
    }

    fn base_or_error(url: &str) -> String {
        match Server::parse(url) {
            Ok(server) => format!(
                "{}{}",
                server.base(),
                server.remark().map_or("", |_| " (cut)")
            ),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_stands_behind_an_organization_is_left_away() {
        for (given, base) in [
            (
                "https://dev.azure.com/acme/Shop",
                "https://dev.azure.com/acme",
            ),
            (
                "https://dev.azure.com/Acme/Shop%20One/_git/x?path=/a#b",
                "https://dev.azure.com/Acme",
            ),
            (
                "https://dev.azure.com/acme/Shop/_testPlans/define?planId=18",
                "https://dev.azure.com/acme",
            ),
            (
                "https://dev.azure.com/acme/_apis",
                "https://dev.azure.com/acme",
            ),
            (
                "https://vsrm.dev.azure.com/acme",
                "https://dev.azure.com/acme",
            ),
            (
                "https://acme.visualstudio.com/Shop/_git/x",
                "https://acme.visualstudio.com",
            ),
            (
                "https://acme.visualstudio.com/DefaultCollection/Shop",
                "https://acme.visualstudio.com/DefaultCollection",
            ),
            (
                "https://acme.vsrm.visualstudio.com",
                "https://acme.visualstudio.com",
            ),
        ] {
            assert_eq!(base_or_error(given), format!("{base} (cut)"));
        }
        for whole in [
            "https://dev.azure.com/acme/",
            "https://dev.azure.com//acme",
            "https://acme.visualstudio.com/",
        ] {
            assert!(!base_or_error(whole).contains("(cut)"), "{whole}");
        }
    }

    #[test]
    fn what_is_no_collection_is_refused_with_what_was_probably_meant() {
        for (given, meant) in [
            ("http://host:8080", "http://host:8080/DefaultCollection"),
            (
                "http://host:8080/tfs",
                "http://host:8080/tfs/DefaultCollection",
            ),
            (
                "http://host:8080/TFS/_home",
                "http://host:8080/TFS/DefaultCollection",
            ),
            (
                "https://tfs.corp/tfs/Main/Shop/_git/x",
                "https://tfs.corp/tfs/Main",
            ),
            (
                "https://tfs.corp/My%20Coll/Shop/_testPlans/execute",
                "https://tfs.corp/My%20Coll",
            ),
            (
                "https://tfs.corp/tfs/Main/_apis",
                "https://tfs.corp/tfs/Main",
            ),
            (
                "https://dev.azure.com",
                "https://dev.azure.com/organization",
            ),
            ("dev.azure.com/acme/Shop", "https://dev.azure.com/acme"),
            ("tfs.corp:8080/tfs/Main", "https://tfs.corp:8080/tfs/Main"),
            ("acme", "https://dev.azure.com/organization"),
            (
                "ftp://dev.azure.com/acme",
                "https://dev.azure.com/organization",
            ),
            (
                "https://dev.azure.com/_git/x",
                "https://dev.azure.com/organization",
            ),
            (
                "https://vstmr.dev.azure.com/acme/x",
                "https://dev.azure.com/acme",
            ),
            (
                "https://acme.vssps.visualstudio.com",
                "https://dev.azure.com/acme",
            ),
        ] {
            let error = base_or_error(given);
            let (_, expected) = error.rsplit_once(' ').unwrap();
            assert_eq!(expected, meant, "{error}");
        }
    }

    #[test]
    fn a_collection_is_whatever_path_stands_there() {
        for collection in [
            "https://tfs.corp/tfs/Main",
            "https://tfs.corp/Default Collection/",
            "http://h:8080/x/y/z",
        ] {
            let server = Server::parse(collection).unwrap();
            assert_eq!(server.remark(), None, "{collection}");
        }
    }

    #[test]
    fn a_host_with_a_similar_name_is_not_services() {
        assert_eq!(
            id("https://azure.com.evil.example/acme"),
            "https://azure.com.evil.example:443/acme"
        );
        assert_eq!(
            id("https://evildev.azure.com/acme"),
            "https://evildev.azure.com:443/acme"
        );
    }

    #[test]
    fn a_project_behind_a_collection_can_only_be_guessed() {
        let meant = |url| Server::parse(url).unwrap().without_project();
        assert_eq!(
            meant("https://tfs.corp/tfs/Main/Shop").as_deref(),
            Some("https://tfs.corp/tfs/Main")
        );
        assert_eq!(
            meant("https://tfs.corp/Main/Shop").as_deref(),
            Some("https://tfs.corp/Main")
        );
        assert_eq!(meant("https://tfs.corp/tfs/Main"), None);
        assert_eq!(meant("https://dev.azure.com/acme"), None);
    }

    #[test]
    fn releases_have_a_host_of_their_own_at_services_only() {
        let release = |url| Server::parse(url).unwrap().release_base();
        assert_eq!(
            release("https://dev.azure.com/Org/"),
            "https://vsrm.dev.azure.com/org"
        );
        assert_eq!(
            release("https://Org.visualstudio.com/DefaultCollection"),
            "https://vsrm.dev.azure.com/org"
        );
        assert_eq!(
            release("https://tfs.corp/tfs/Main"),
            "https://tfs.corp/tfs/Main"
        );
        // A host of Services in the path is no Services.
        assert_eq!(
            release("https://tfs.corp/dev.azure.com/Main"),
            "https://tfs.corp/dev.azure.com/Main"
        );

        let is_services = |url| Server::parse(url).unwrap().is_services();
        assert!(is_services("https://dev.azure.com/Org/"));
        assert!(!is_services("https://tfs.corp/tfs/Main"));
    }

    #[test]
    fn a_password_in_a_url_is_never_repeated() {
        for url in [
            "me:SECRET@dev.azure.com/x",
            "https://me:SECRET@dev.azure.com/x",
            "ftp://me:SECRET@host/x",
            "SECRET@",
        ] {
            let error = Server::parse(url).unwrap_err();
            assert!(
                !format!("{error:?} {error}").contains("SECRET"),
                "{error:?}"
            );
        }
    }

    #[test]
    fn plain_http_is_exposed_unless_it_stays_on_this_machine() {
        let is_exposed = |url| Server::parse(url).unwrap().is_exposed();
        assert!(is_exposed("http://tfs.corp/tfs/Main"));
        assert!(!is_exposed("http://127.0.0.1:8080/org"));
        assert!(!is_exposed("http://localhost/org"));
        assert!(!is_exposed("https://tfs.corp/tfs/Main"));
    }
}
