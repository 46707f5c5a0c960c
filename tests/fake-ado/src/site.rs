//! Which of Azure DevOps' hosts a request is for, as a proxy sees it.
//!
//! On its own port the fake is an Azure DevOps Server: everything lies on one base. When it stands
//! in for a proxy it gets whole URLs, and a name of Azure DevOps Services makes it that service:
//! classic releases then lie on their own host only.

use hyper::http::request::Parts;

use crate::query::decode;
use crate::route::Route;
use crate::server::Shared;

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

    /// The path below the organization or collection, which is matched without case; `None` for
    /// another one.
    pub(crate) fn below(self, parts: &Parts, shared: &Shared) -> Option<String> {
        let rest = parts.uri.path().strip_prefix('/')?;
        if self == Site::OldServices {
            let host = parts.uri.host().unwrap_or_default();
            let of_host = host.split('.').next().unwrap_or_default();
            let path = rest.strip_prefix("DefaultCollection/").unwrap_or(rest);
            return of_host
                .eq_ignore_ascii_case(&shared.organization)
                .then(|| format!("/{path}"));
        }

        let depth = shared.root.split('/').count();
        let mut segments = rest.splitn(depth + 1, '/');
        let root: Vec<String> = segments
            .by_ref()
            .take(depth)
            .map(|segment| decode(segment).to_lowercase())
            .collect();

        (root.join("/") == shared.root).then(|| format!("/{}", segments.next().unwrap_or_default()))
    }

    /// Whether a resource is reached on this host.
    pub(crate) fn has(self, route: &Route) -> bool {
        let release = route.is_release();
        match self {
            Site::Server => true,
            Site::Services | Site::OldServices => !release,
            Site::Releases => release,
        }
    }
}
