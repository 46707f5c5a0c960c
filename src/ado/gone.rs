//! What people read when Azure DevOps itself or the project is not where kado looks for it, with
//! the way out. Pure.

use url::Url;

use crate::server::Server;

/// Says that the project is not there.
pub(super) fn no_project(server: &Server, project: &str) -> String {
    format!(
        "project `{project}` not found on {}; it does not exist or this token cannot see it; \
         `kado list projects` shows those that it sees",
        server.base()
    )
}

/// Says that nothing at the server's URL speaks as Azure DevOps does; `said` is what it said.
pub(super) fn no_server(server: &Server, said: &str) -> String {
    format!(
        "there is no organization or collection of Azure DevOps at {} ({said}); {}",
        server.base(),
        correct_url(server)
    )
}

/// Says that the server wants https, which it asked for at `target`.
pub(super) fn wants_https(server: &Server, target: &Url) -> String {
    let base = server.base();
    // From the base, because the target is that of a call.
    let path = base
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map_or("", |(_, path)| path);
    format!(
        "{base} wants https: the server URL is {}/{path}; {}",
        target.origin().ascii_serialization(),
        correct_url(server)
    )
}

/// How a server URL is corrected, with the one that is probably meant.
pub(super) fn correct_url(server: &Server) -> String {
    let places = "correct it in Katalon's Azure DevOps settings, or as `azure.server_url` in \
                  kado.toml";
    match server.without_project() {
        Some(shorter) => format!(
            "{places}; if it ends with a project, remove the project from the end: {shorter}"
        ),
        None => places.to_owned(),
    }
}
