//! Which of Azure DevOps' hosts a request is for, as a proxy sees it.
//!
//! On its own port the fake is an Azure DevOps Server: everything lies on one base. When it stands in for a proxy it gets
//! whole URLs, and a name of Azure DevOps Services makes it that service: classic releases then lie on their own host only.

use hyper::http::request::Parts;

use crate::query::decode;
use crate::route::Route;

/// The host that a request was sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Site {
    /// A Server: all resources on one base.
    Server,
    /// `dev.azure.com`.
    Services,
    /// `{organization}.visualstudio.com`.
    OldServices,
    /// `vsrm.dev.azure.com`.
    Releases,
}

impl Site {
    pub(crate) fn of(parts: &Parts) -> Site {
        let host = parts.uri.host().unwrap_or_default().to_ascii_lowercase();
        match host.as_str() {
            "dev.azure.com" => Site::Services,
            "vsrm.dev.azure.com" => Site::Releases,
            host if host.ends_with(".visualstudio.com") => Site::OldServices,
            _ => Site::Server,
        }
    }

    /// The path below the organization, which is matched without case; `None` for another organization.
    pub(crate) fn below(self, parts: &Parts, organization: &str) -> Option<String> {
        let path = parts.uri.path();
        if self == Site::OldServices {
            let host = parts.uri.host().unwrap_or_default();
            let of_host = host.split('.').next().unwrap_or_default();
            return of_host.eq_ignore_ascii_case(organization).then(|| path.to_owned());
        }
        let rest = path.strip_prefix('/')?;
        let (first, rest) = rest.split_once('/').unwrap_or((rest, ""));
        (decode(first).to_lowercase() == organization.to_lowercase()).then(|| format!("/{rest}"))
    }

    /// Whether a resource is reached on this host.
    pub(crate) fn has(self, route: &Route) -> bool {
        let release = matches!(route, Route::Releases | Route::Release(_));
        match self {
            Site::Server => true,
            Site::Services | Site::OldServices => !release,
            Site::Releases => release,
        }
    }
}
