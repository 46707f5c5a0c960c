//! Where in a URL the organization or collection ends.
//!
//! People copy the address of a page out of their browser. At Azure DevOps Services the
//! organization is known from such an address, and whatever stands behind it is left away: host and
//! organization stay, so the token goes where it was meant to go. At Azure DevOps Server nobody can
//! tell a virtual directory from a collection, or a collection from a project; so what is no
//! collection for sure is refused, with what was probably meant.

use url::Url;

use super::{ServerIdentity, ServerUrlError};

/// The host of Azure DevOps Services.
const SERVICES: &str = "dev.azure.com";
/// The older form: an organization of Services has a host of its own below this.
const OLD_SERVICES: &str = ".visualstudio.com";
/// Where Azure DevOps Server lies below its host unless somebody chose something else.
const DIRECTORY: &str = "tfs";
/// The collection that an Azure DevOps Server comes with.
const FIRST_COLLECTION: &str = "DefaultCollection";

/// What a URL means.
pub(super) struct Place {
    /// The URL below which `_apis` lies.
    pub base: Url,
    /// Which server that is.
    pub identity: ServerIdentity,
}

/// Finds organization or collection in a URL without query and fragment; `shown` is the URL for
/// messages.
pub(super) fn find(url: Url, shown: &str) -> Result<Place, ServerUrlError> {
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    if let Some(name) = host.strip_suffix(OLD_SERVICES) {
        return by_host(url, name.strip_suffix(".vsrm").unwrap_or(name), shown);
    }
    match host.strip_suffix(SERVICES) {
        Some("" | "vsrm.") => by_path(url, shown),
        Some(service) if service.ends_with('.') => {
            let organization = segments(&url)
                .into_iter()
                .next()
                .filter(|first| !is_page(first));
            let expected = format!(
                "https://{SERVICES}/{}",
                organization.as_deref().unwrap_or("ORGANIZATION")
            );
            Err(ServerUrlError::Service {
                url: shown.to_owned(),
                expected,
            })
        }
        _ => on_premises(url, shown),
    }
}

/// `https://dev.azure.com/ORGANIZATION`, and the same with the fixed release host.
fn by_path(mut url: Url, shown: &str) -> Result<Place, ServerUrlError> {
    let Some(organization) = segments(&url)
        .into_iter()
        .next()
        .filter(|first| !is_page(first))
    else {
        return Err(ServerUrlError::NoOrganization(shown.to_owned()));
    };
    url.set_path(&organization);
    to_host(&mut url, SERVICES);
    let identity = of_services(&url, &organization);
    Ok(Place {
        base: url,
        identity,
    })
}

/// `https://ORGANIZATION.visualstudio.com`, with or without the collection that every organization
/// has.
fn by_host(mut url: Url, organization: &str, shown: &str) -> Result<Place, ServerUrlError> {
    if let Some((organization, _)) = organization.split_once('.') {
        let expected = format!("https://{SERVICES}/{organization}");
        return Err(ServerUrlError::Service {
            url: shown.to_owned(),
            expected,
        });
    }
    let first = segments(&url)
        .into_iter()
        .next()
        .filter(|first| first.eq_ignore_ascii_case(FIRST_COLLECTION));
    url.set_path(first.as_deref().unwrap_or_default());
    to_host(&mut url, &format!("{organization}{OLD_SERVICES}"));
    let identity = of_services(&url, organization);
    Ok(Place {
        base: url,
        identity,
    })
}

fn on_premises(mut url: Url, shown: &str) -> Result<Place, ServerUrlError> {
    let segments = segments(&url);
    let meant = before_project(&segments);
    let below = |path: &str| {
        let mut url = url.clone();
        url.set_path(path);
        url.to_string()
    };
    if meant.is_empty() || matches!(&segments[..], [only] if is_directory(only)) {
        let path = segments
            .iter()
            .take(1)
            .filter(|first| is_directory(first))
            .map(|first| format!("{first}/"));
        let expected = below(&format!("{}{FIRST_COLLECTION}", path.collect::<String>()));
        return Err(ServerUrlError::NoCollection {
            url: shown.to_owned(),
            expected,
        });
    }
    if segments.iter().any(|segment| is_page(segment)) {
        return Err(ServerUrlError::Page {
            url: shown.to_owned(),
            expected: below(&meant.join("/")),
        });
    }
    url.set_path(&segments.join("/"));
    let path = segments.join("/").to_lowercase();
    let (host, port) = (
        url.host_str().unwrap_or_default(),
        url.port_or_known_default().unwrap_or_default(),
    );
    let identity = ServerIdentity(format!("{}://{host}:{port}/{path}", url.scheme()));
    Ok(Place {
        base: url,
        identity,
    })
}

/// What of a path on premises is the collection if a project stands behind it: a directory with the
/// usual name and one part more, else the first part alone. Empty where not even that is there.
fn before_project(segments: &[String]) -> &[String] {
    let parts = segments
        .iter()
        .position(|segment| is_page(segment))
        .unwrap_or(segments.len());
    match &segments[..parts] {
        [first] if is_directory(first) => &[],
        [first, ..] if is_directory(first) => &segments[..2],
        [_, ..] => &segments[..1],
        [] => &[],
    }
}

/// The base of the collection that is meant if the last part of this base is a project; `None`
/// where it cannot be one.
pub(super) fn without_project(base: &Url) -> Option<String> {
    let segments = segments(base);
    let meant = before_project(&segments);
    let mut shorter = base.clone();
    shorter.set_path(&meant.join("/"));
    (!meant.is_empty() && meant.len() < segments.len()).then(|| shorter.to_string())
}

/// The parts of the path, still percent-encoded, without empty ones.
fn segments(url: &Url) -> Vec<String> {
    url.path()
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Pages of the web interface, and `_apis`: no organization, collection or project has such a name.
fn is_page(segment: &str) -> bool {
    segment.starts_with('_')
}

fn is_directory(segment: &str) -> bool {
    segment.eq_ignore_ascii_case(DIRECTORY)
}

fn to_host(url: &mut Url, host: &str) {
    url.set_host(Some(host))
        .expect("a URL with a host takes another one");
}

/// Organizations are the same in whatever form and case they are written.
fn of_services(url: &Url, organization: &str) -> ServerIdentity {
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    ServerIdentity(format!(
        "{}://{SERVICES}{port}/{}",
        url.scheme(),
        organization.to_lowercase()
    ))
}
