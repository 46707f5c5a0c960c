//! What is not there when an answer says that something was not found: Azure DevOps itself at this
//! URL, the project, or what the call asks for. Pure.

use url::Url;

use crate::server::Server;

/// What is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Missing {
    /// Nothing at this URL speaks as Azure DevOps does.
    Interface,
    /// The project of the call, or it is hidden from this token.
    Project,
    /// What the call asks for.
    Thing,
}

/// Reads the message of an answer that says "not found". `proven` tells that a call of this server
/// has worked: one that it has no route for says nothing about its URL then.
pub(super) fn missing(message: &str, proven: bool) -> Missing {
    // Missing or hidden, by name (TF200016) or by GUID (VS800075); the codes stand in every
    // language (`ado/api.md` §13).
    if ["TF200016", "VS800075"]
        .iter()
        .any(|code| message.contains(code))
    {
        return Missing::Project;
    }
    // Plain text of the web server, or not even that; Azure DevOps says what is missing in JSON.
    let wordless = message.contains("controller for path") || message.starts_with("status 4");
    if wordless && !proven {
        Missing::Interface
    } else {
        Missing::Thing
    }
}

/// Says that the project is not there, with the way out.
pub(super) fn no_project(server: &Server, project: &str) -> String {
    format!(
        "project `{project}` not found on {}; it does not exist or this token cannot see it; `kado list projects` shows \
         those that it sees",
        server.base()
    )
}

pub(super) fn no_interface(server: &Server, said: &str) -> String {
    format!(
        "there is no organization or collection of Azure DevOps at {} ({said}); {}",
        server.base(),
        correct(server)
    )
}

/// Says that a web page stands where Azure DevOps should answer: its URL may be wrong, or something
/// before it not ready.
pub(super) fn page(server: &Server, said: &str) -> String {
    format!("{}: {said}; if it is, {}", server.base(), correct(server))
}

/// Says that the server wants https, which it asked for at `target`.
pub(super) fn wants_https(server: &Server, target: &Url) -> String {
    let base = server.base();
    let path = base
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map_or("", |(_, path)| path);
    format!(
        "{base} wants https: the server URL is {}/{path}; {}",
        target.origin().ascii_serialization(),
        correct(server)
    )
}

/// How a server URL is corrected, with the one that is probably meant.
fn correct(server: &Server) -> String {
    let meant = match server.without_project() {
        Some(shorter) => format!("; if it ends with a project, leave that away: {shorter}"),
        None => String::new(),
    };
    format!(
        "correct it in Katalon's Azure DevOps settings, or as `azure.server_url` in kado.toml{meant}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_apart() {
        let route = "The controller for path '/tfs/_apis/connectionData' was not found or does not implement IController.";
        assert_eq!(missing(route, false), Missing::Interface);
        assert_eq!(missing(route, true), Missing::Thing);
        assert_eq!(missing("status 404", false), Missing::Interface);
        assert_eq!(
            missing("TF200016: The following project does not exist: X.", true),
            Missing::Project
        );
        assert_eq!(missing("Test plan 18 not found.", false), Missing::Thing);
    }
}
