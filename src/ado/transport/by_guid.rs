//! Calls to a project that goes by another name by now: it is asked for by its GUID, once that is
//! known.

use crate::ado::error::{AdoError, Missing};
use crate::ado::transport::AdoClient;

impl AdoClient {
    /// The project of this name has this GUID, as somebody wrote down once; it is asked for by that
    /// when the name is not there any more.
    pub(crate) fn know_project(&self, name: &str, guid: &str) {
        self.renamed.know(name, guid);
    }

    /// What a project is asked for by: its name, or its GUID once it is known that it was renamed.
    pub(crate) fn address_of(&self, project: &str) -> String {
        self.renamed.address(project)
    }

    /// Makes a call, and once more with the project's GUID where there is no project of its name.
    /// That nothing of the first one was carried out is certain: it had no place to go to.
    pub(super) async fn by_name_or_guid<T, F: Future<Output = Result<T, AdoError>>>(
        &self,
        path: &[&str],
        call: impl Fn() -> F,
    ) -> Result<T, AdoError> {
        let asked_for = self.address_in(path);
        let answer = call().await;
        let Err(error) = &answer else {
            return answer;
        };
        if !self.goes_by_guid_now(path, &asked_for, error) {
            return answer;
        }

        let by_guid = call().await;
        if let Err(AdoError::Gone {
            what: Missing::Project,
            ..
        }) = &by_guid
        {
            self.renamed
                .take_name_again(project_in(path).unwrap_or_default());
            return answer;
        }
        by_guid
    }

    /// Whether a call to `path` failed because its project does not go by what it was asked for by,
    /// and is asked for by its GUID from now on.
    pub(in crate::ado) fn goes_by_guid_now(
        &self,
        path: &[&str],
        asked_for: &str,
        error: &AdoError,
    ) -> bool {
        let is_project_gone = matches!(
            error,
            AdoError::Gone {
                what: Missing::Project,
                ..
            }
        );
        let Some(name) = project_in(path).filter(|_| is_project_gone) else {
            return false;
        };

        let is_known = self.renamed.give_up_name(name, asked_for);
        if is_known {
            tracing::info!(
                server = self.server.base(),
                project = name,
                "no project has this name any more; it is asked for by its GUID"
            );
        }
        is_known
    }

    /// What the project in a path is asked for by; empty where there is none.
    pub(in crate::ado) fn address_in(&self, path: &[&str]) -> String {
        match project_in(path) {
            Some(project) => self.address_of(project),
            None => String::new(),
        }
    }
}

/// The project that a call names.
pub(super) fn project_in<'a>(path: &[&'a str]) -> Option<&'a str> {
    match path {
        ["_apis", "projects", project] | [project, "_apis", ..] => Some(project),
        _ => None,
    }
}
