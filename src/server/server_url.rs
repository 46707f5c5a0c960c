//! Where in a URL the organization or collection ends.
//!
//! People copy the address of a page out of their browser. At Azure DevOps Services the
//! organization is known from such an address, and whatever stands behind it is cut off: host and
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
pub(super) struct ServerUrl {
    /// The URL below which `_apis` lies.
    pub base: Url,
    /// Which server that is.
    pub identity: ServerIdentity,
}

/// Finds organization or collection in a URL without query and fragment; `shown` is the URL for
/// messages.
pub(super) fn read(url: Url, shown: &str) -> Result<ServerUrl, ServerUrlError> {
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();

    if let Some(name) = host.strip_suffix(OLD_SERVICES) {
        // `ORGANIZATION.vsrm.visualstudio.com` is the organization's host for releases.
        return by_host(url, name.strip_suffix(".vsrm").unwrap_or(name), shown);
    }

    match host.strip_suffix(SERVICES) {
        Some("" | "vsrm.") => by_path(url, shown),
        Some(service) if service.ends_with('.') => {
            let organization = organization(&url).unwrap_or_else(|| "ORGANIZATION".to_owned());
            Err(ServerUrlError::Service {
                url: shown.to_owned(),
                expected: format!("https://{SERVICES}/{organization}"),
            })
        }

        // Also `evildev.azure.com`, which is nobody's Services.
        _ => on_premises(url, shown),
    }
}

/// `https://dev.azure.com/ORGANIZATION`, and the same with the fixed release host.
fn by_path(mut url: Url, shown: &str) -> Result<ServerUrl, ServerUrlError> {
    let Some(organization) = organization(&url) else {
        return Err(ServerUrlError::NoOrganization(shown.to_owned()));
    };

    url.set_path(&organization);
    // Also in place of the release host, which is found from the organization where it is needed.
    set_host(&mut url, SERVICES);
    let identity = identity_of_services(&url, &organization);
    Ok(ServerUrl {
        base: url,
        identity,
    })
}

/// `https://ORGANIZATION.visualstudio.com`, with or without the collection that every organization
/// has.
fn by_host(mut url: Url, organization: &str, shown: &str) -> Result<ServerUrl, ServerUrlError> {
    if organization.is_empty() {
        return Err(ServerUrlError::NoOrganization(shown.to_owned()));
    }
    if let Some((organization, _service)) = organization.split_once('.') {
        return Err(ServerUrlError::Service {
            url: shown.to_owned(),
            expected: format!("https://{SERVICES}/{organization}"),
        });
    }

    match segments(&url).first() {
        Some(first) if first.eq_ignore_ascii_case(FIRST_COLLECTION) => url.set_path(first),
        _ => url.set_path(""),
    }
    set_host(&mut url, &format!("{organization}{OLD_SERVICES}"));
    let identity = identity_of_services(&url, organization);
    Ok(ServerUrl {
        base: url,
        identity,
    })
}

fn on_premises(mut url: Url, shown: &str) -> Result<ServerUrl, ServerUrlError> {
    let segments = segments(&url);
    let collection = before_project(&segments);

    let has_only_directory = segments.len() == 1 && is_directory(&segments[0]);
    if collection.is_empty() || has_only_directory {
        let path = match segments.first() {
            Some(first) if is_directory(first) => format!("{first}/{FIRST_COLLECTION}"),
            _ => FIRST_COLLECTION.to_owned(),
        };

        return Err(ServerUrlError::NoCollection {
            url: shown.to_owned(),
            expected: with_path(&url, &path),
        });
    }

    if segments.iter().any(|segment| is_page(segment)) {
        return Err(ServerUrlError::Page {
            url: shown.to_owned(),
            expected: with_path(&url, &collection.join("/")),
        });
    }

    let path = segments.join("/");
    url.set_path(&path);

    // With the port written out, because the usual one may be left away, and in small letters,
    // because paths of Azure DevOps have no case (`ado/api.md` §1).
    let identity = ServerIdentity(format!(
        "{}://{}:{}/{}",
        url.scheme(),
        url.host_str().unwrap_or_default(),
        url.port_or_known_default().unwrap_or_default(),
        path.to_lowercase()
    ));
    Ok(ServerUrl {
        base: url,
        identity,
    })
}

/// What of a path on premises is the collection if a project stands behind it: a directory with the
/// usual name and one part more, else the first part alone. Empty where not even that is there.
fn before_project(segments: &[String]) -> &[String] {
    let page = segments.iter().position(|segment| is_page(segment));
    match &segments[..page.unwrap_or(segments.len())] {
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
    let collection = before_project(&segments);
    if collection.is_empty() || collection.len() == segments.len() {
        return None;
    }
    Some(with_path(base, &collection.join("/")))
}

/// The organization in a path of Services.
fn organization(url: &Url) -> Option<String> {
    let first = segments(url).into_iter().next()?;
    if is_page(&first) { None } else { Some(first) }
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

fn with_path(url: &Url, path: &str) -> String {
    let mut url = url.clone();
    url.set_path(path);
    url.to_string()
}

fn set_host(url: &mut Url, host: &str) {
    url.set_host(Some(host))
        .expect("a URL with a host takes another one");
}

/// Organizations are the same in whatever form and case they are written.
fn identity_of_services(url: &Url, organization: &str) -> ServerIdentity {
    let port = match url.port() {
        Some(port) => format!(":{port}"),
        None => String::new(),
    };
    ServerIdentity(format!(
        "{}://{SERVICES}{port}/{}",
        url.scheme(),
        organization.to_lowercase()
    ))
}
