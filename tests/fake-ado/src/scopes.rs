//! Tokens with scopes: which call needs which (`Security > Scopes` of each page of Microsoft's
//! reference).

use crate::answer::{Answer, error};
use crate::auth;
use crate::faults::Refusal;
use crate::route::Route;

/// The scope that a call needs; `None` when any token will do.
fn needed(method: &str, route: &Route) -> Option<&'static str> {
    use Route as R;
    let reads = method == "GET";
    Some(match route {
        R::Locations | R::ConnectionData | R::ResourceAreas => return None,
        R::Projects | R::Project(_) => "vso.project",
        R::WorkItem(_) if !reads => "vso.work_write",
        R::WorkItemsBatch | R::Wiql | R::WorkItem(_) | R::WorkItemTypeCategory(_) => "vso.work",
        R::Builds | R::Build(_) | R::BuildDefinition(_) => "vso.build",
        R::Releases | R::Release(_) | R::ReleaseDefinition(_) => "vso.release",
        _ if reads => "vso.test",
        _ => "vso.test_write",
    })
}

/// Whether these scopes cover the wanted one: writing covers reading.
fn cover(scopes: &[String], wanted: &str) -> bool {
    scopes.iter().any(|scope| {
        scope == wanted
            || scope
                .strip_prefix(wanted)
                .is_some_and(|more| more.starts_with('_'))
    })
}

/// Refuses a call that the token's scopes do not cover, with this status.
pub(crate) fn check(
    scopes: Option<&Vec<String>>,
    method: &str,
    route: &Route,
    status: u16,
) -> Result<(), Answer> {
    let (Some(scopes), Some(wanted)) = (scopes, needed(method, route)) else {
        return Ok(());
    };
    if cover(scopes, wanted) {
        return Ok(());
    }

    if status == 401 {
        return Err(auth::refusal(Refusal::Json401));
    }

    let kind = "Microsoft.VisualStudio.Services.Common.AccessCheckException, Microsoft.VisualStudio.Services.Common";

    Err(error(
        status,
        kind,
        &format!("Access Denied: the token needs the following scope: {wanted}"),
    ))
}
