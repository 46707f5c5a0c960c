//! Which Azure DevOps a URL means.
//!
//! A token and a server are a pair (product contract, section 5), so two spellings of the same
//! server have to be recognised, and two servers must never be taken for one. Both are decided on
//! one form of a URL, that of the `url` crate, which is also the one that requests are sent to:
//! whatever a text looks like, a token goes to the host that was compared. Names are compared as
//! names: `localhost` and `127.0.0.1` are two servers. Pure: nothing is resolved over the network.

mod server_url;
mod shown;

use std::fmt;

use url::{Host, Url};

pub(crate) use shown::without_secrets;

/// An organization of Azure DevOps Services or a collection of Azure DevOps Server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Server {
    base: Url,
    identity: ServerIdentity,
    surplus: Surplus,
}

/// What of a URL is not used, with the URL as it may be shown.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Surplus {
    None,
    /// The base is another host.
    Host(String),
    /// The base ends earlier.
    Path(String),
    /// A query or fragment, which may hold a secret.
    Query,
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
        let shown = without_secrets(text);
        let not_a_url = |source| ServerUrlError::NotAUrl {
            url: shown.to_string(),
            expected: with_scheme(text),
            source,
        };

        let written = Url::parse(text).map_err(not_a_url)?;
        if !matches!(written.scheme(), "http" | "https") {
            return Err(ServerUrlError::Scheme {
                url: shown.to_string(),
                expected: with_scheme(text),
            });
        }
        if !written.username().is_empty() || written.password().is_some() {
            return Err(ServerUrlError::Credentials);
        }
        let written = shown::without_final_dots(written).map_err(not_a_url)?;

        let mut url = written.clone();
        url.set_query(None);
        url.set_fragment(None);
        let server = server_url::read(url, &shown)?;

        Ok(Self {
            surplus: surplus(&written, &server.base, &shown),
            base: server.base,
            identity: server.identity,
        })
    }

    /// The server that is meant by what people copy: with or without `https://`, the address of a
    /// page, of a single service, or of something below the organization.
    ///
    /// # Errors
    /// When no server can be meant.
    pub(crate) fn meant_by(text: &str) -> Result<Self, ServerUrlError> {
        let text = text.trim();
        match Self::parse(text) {
            Err(
                ServerUrlError::Page { expected, .. } | ServerUrlError::Service { expected, .. },
            ) => Self::parse(&expected),
            Err(error) if !text.contains("://") => {
                Self::parse(&format!("https://{text}")).map_err(|_| error)
            }
            read => read,
        }
    }

    /// The URL that is used where somebody writes this; `None` where that is the same, or no
    /// server.
    pub(crate) fn another_spelling(text: &str) -> Option<String> {
        let server = Self::meant_by(text).ok()?;
        let is_same = server.base() == text.trim().trim_end_matches('/');
        (!is_same).then(|| server.base().to_owned())
    }

    /// Says that something else was given than the URL of an organization, and what is used; `None`
    /// where it was not.
    pub(crate) fn remark(&self) -> Option<String> {
        let what = match &self.surplus {
            Surplus::None => return None,
            Surplus::Host(written) => format!("`{written}` is another host of an organization"),
            Surplus::Path(written) => format!("`{written}` is more than an organization"),
            Surplus::Query => "the query or fragment of a server URL is left out".to_owned(),
        };
        Some(format!("{what}; `{}` is used", self.base()))
    }

    /// Says that the host is written with letters of which some look like others; `None` where it
    /// is not.
    pub(crate) fn remark_on_host(&self) -> Option<String> {
        let host = self.base.host_str()?;
        shown::is_international(host).then(|| {
            format!("the host `{host}` is written with letters of other scripts; is it the one that is meant?")
        })
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

    /// The page of a test run, should the server not say it.
    pub(crate) fn run_page(&self, project: &str, run: u32) -> String {
        let mut page = self.base.clone();
        page.path_segments_mut()
            .expect("http URLs have segments")
            .pop_if_empty()
            .extend([project, "_testManagement", "runs"]);
        page.set_query(Some(&format!("runId={run}&_a=runCharts")));
        page.into()
    }

    /// Whether requests leave unencrypted for another machine: plain http to a host that is not
    /// this one.
    pub(crate) fn is_exposed(&self) -> bool {
        let loopback = match self.base.host() {
            Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            // Also `::ffff:127.0.0.1`.
            Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
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

/// What of a URL is not in the base that was found in it; `shown` is the URL for messages.
fn surplus(written: &Url, base: &Url, shown: &str) -> Surplus {
    if written.host() != base.host() {
        Surplus::Host(shown.to_owned())
    } else if trimmed_path(written) != trimmed_path(base) {
        Surplus::Path(shown.to_owned())
    } else if written.query().is_some() || written.fragment().is_some() {
        Surplus::Query
    } else {
        Surplus::None
    }
}

/// The path of a URL without slashes too many, which is how a base has it.
fn trimmed_path(url: &Url) -> &str {
    url.path().trim_matches('/')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
    fn what_people_copy_means_the_server_that_it_leads_to() {
        let base = "https://dev.azure.com/acme";
        for text in [
            "dev.azure.com/acme",
            " https://dev.azure.com/acme/ ",
            "https://dev.azure.com/acme/Shop/_build",
        ] {
            assert_eq!(Server::meant_by(text).unwrap().base(), base, "{text}");
        }
        for text in ["", "ftp://dev.azure.com/acme", "no server"] {
            assert!(Server::meant_by(text).is_err(), "{text}");
        }
    }

    #[test]
    fn another_spelling_is_told_only_where_it_is_another_one() {
        let base = "https://dev.azure.com/acme";

        assert_eq!(Server::another_spelling(&format!(" {base}/ ")), None);
        assert_eq!(Server::another_spelling("no server"), None);
        assert_eq!(
            Server::another_spelling("dev.azure.com/acme").as_deref(),
            Some(base)
        );
    }

    #[test]
    fn a_collection_on_premises_is_missed_behind_a_folder_alone() {
        for (url, expected) in [
            (
                "https://tfs.example/",
                "https://tfs.example/DefaultCollection",
            ),
            (
                "https://tfs.example/tfs",
                "https://tfs.example/tfs/DefaultCollection",
            ),
            (
                "https://tfs.example/_home",
                "https://tfs.example/DefaultCollection",
            ),
        ] {
            let refused = Server::parse(url).unwrap_err();

            assert!(refused.to_string().contains(expected), "{refused}");
        }
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
    fn every_spelling_of_a_host_is_the_host_that_the_parser_finds() {
        for same in [
            "https://DEV.azure.COM/acme",
            "https://dev.azure.com./acme",
            "https://dev.azure.com../acme",
            "https://dev.azure.com:443/acme",
            "https://dev%2eazure.com/acme",
            "https://dev.azure\n.com/acme",
            "https:\\\\dev.azure.com\\acme",
            "https:dev.azure.com/acme",
            "https://\u{ff44}\u{ff45}\u{ff56}.azure.com/acme",
            "https://acme.visualstudio.com./",
        ] {
            assert_eq!(id(same), id("https://dev.azure.com/acme"), "{same:?}");
            let server = Server::parse(same).unwrap();
            assert!(
                matches!(
                    server.base(),
                    "https://dev.azure.com/acme" | "https://acme.visualstudio.com"
                ),
                "{same:?}: {}",
                server.base()
            );
        }

        for same in [
            "http://127.1/x",
            "http://0177.0.0.1/x",
            "http://2130706433/x",
            "http://0x7f.1/x",
        ] {
            assert_eq!(id(same), id("http://127.0.0.1/x"), "{same}");
        }
        assert_eq!(id("http://[0:0:0:0:0:0:0:1]:80/x"), id("http://[::1]/x"));
    }

    #[test]
    fn a_host_that_only_looks_like_another_is_another_server() {
        for other in [
            "https://dev.\u{430}zure.com/acme",
            "https://dev.azure.com.evil.example/acme",
            "https://dev.azure.com\t.evil.example/acme",
            "https://dev-azure.com/acme",
            "https://dev.azure.corn/acme",
            "https://dev.azure.com%2eevil.example/acme",
            "https://visualstudio.com/acme",
            "https://acme.visualstudio.com.evil.example/acme",
        ] {
            assert_ne!(id(other), id("https://dev.azure.com/acme"), "{other:?}");
        }

        for other in [
            "http://localhost/x",
            "http://[::1]/x",
            "http://[::ffff:127.0.0.1]/x",
            "http://0.0.0.0/x",
        ] {
            assert_ne!(id(other), id("http://127.0.0.1/x"), "{other}");
        }
    }

    #[test]
    fn what_names_no_host_is_refused() {
        for none in [
            "https://[fe80::1%25eth0]/x",
            "https://.visualstudio.com/x",
            "https://.../x",
            "https://dev.azure.com%00.example/acme",
            "https://dev.azure.com%2f@evil.example/acme",
            "https://300.1.1.1/x",
        ] {
            assert!(Server::parse(none).is_err(), "{none}");
        }
    }

    #[test]
    fn a_host_of_another_script_is_named_in_ascii_and_remarked_on() {
        let server = Server::parse("https://dev.\u{430}zure.com/acme").unwrap();

        assert_eq!(server.base(), "https://dev.xn--zure-43d.com/acme");
        let remark = server.remark_on_host().unwrap();
        assert!(remark.contains("`dev.xn--zure-43d.com`"), "{remark}");
        let plain = Server::parse("https://dev.azure.com/acme").unwrap();
        assert_eq!(plain.remark_on_host(), None);
    }

    #[test]
    fn a_query_is_left_out_and_never_repeated() {
        for url in [
            "https://dev.azure.com/acme?key=SECRET",
            "https://dev.azure.com/acme/Shop?key=SECRET#SECRET",
            "https://tfs.corp/tfs/Main#SECRET",
            "https://tfs.corp?key=SECRET",
            "https://tfs.corp/tfs/Main/_git?key=SECRET",
            "tfs.corp/tfs/Main?key=SECRET",
        ] {
            let told = match Server::parse(url) {
                Ok(server) => format!("{server:?} {}", server.remark().expect("it is told")),
                Err(error) => format!("{error:?} {error}"),
            };
            assert!(!told.contains("SECRET"), "{told}");
        }
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
        assert!(!is_exposed("http://[::ffff:127.0.0.1]/org"));
        assert!(is_exposed("http://[::ffff:192.0.2.1]/org"));
        assert!(!is_exposed("https://tfs.corp/tfs/Main"));
    }

    proptest! {
        #[test]
        fn a_token_goes_to_the_host_of_its_identity(
            text in "https?:(//|\\\\\\\\)(dev\\.azure\\.com|[a-z]{1,3}\\.visualstudio\\.com|127\\.1|\\[::1\\]|\\PC{1,8})[.]{0,2}(:[0-9]{1,4})?(/[A-Za-z%.]{1,6}){0,3}"
        ) {
            let Ok(server) = Server::parse(&text) else {
                return Ok(());
            };

            // The base is one more spelling of the same server, and the last one.
            let again = Server::parse(server.base()).unwrap();
            prop_assert_eq!(again.identity(), server.identity());
            prop_assert_eq!(again.base(), server.base());

            let base = Url::parse(server.base()).unwrap();
            let identity = Url::parse(&server.identity().to_string()).unwrap();
            let host = base.host_str().unwrap();
            if host.ends_with(".visualstudio.com") {
                prop_assert_eq!(identity.host_str(), Some("dev.azure.com"));
            } else {
                prop_assert_eq!(identity.host_str(), Some(host));
            }
            prop_assert_eq!(identity.port_or_known_default(), base.port_or_known_default());
            prop_assert_eq!(identity.scheme(), base.scheme());
        }
    }

    #[test]
    fn the_page_of_a_run_is_found_whatever_its_project_is_called() {
        let server = Server::parse("https://ado.example/tfs/Shop%20Floor").unwrap();

        let page = server.run_page("Net/100% #1 Größe", 150);

        assert_eq!(
            page,
            "https://ado.example/tfs/Shop%20Floor/Net%2F100%25%20%231%20Gr%C3%B6%C3%9Fe\
             /_testManagement/runs?runId=150&_a=runCharts"
        );
    }
}
