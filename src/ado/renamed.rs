//! ADO projects that go by another name than the one they are asked for by: a project that was
//! renamed is found by the GUID that Katalon stored beside its name.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use crate::locked::locked;

/// The GUID of a project, and whether its name is still good.
#[derive(Debug)]
struct KnownProject {
    guid: String,
    is_renamed: bool,
}

/// GUIDs of projects, by the names that they were known by.
#[derive(Debug, Default)]
pub(super) struct RenamedProjects(Mutex<HashMap<String, KnownProject>>);

impl RenamedProjects {
    /// The project of this name has this GUID, as somebody wrote down once.
    pub(super) fn know(&self, name: &str, guid: &str) {
        let mut projects = self.projects();
        let is_known = projects
            .get(&key(name))
            .is_some_and(|project| project.guid == guid);

        // What was learned of it is kept.
        if !is_known {
            let project = KnownProject {
                guid: guid.to_owned(),
                is_renamed: false,
            };
            projects.insert(key(name), project);
        }
    }

    /// What a project is to be asked for by.
    pub(super) fn address(&self, name: &str) -> String {
        match self.projects().get(&key(name)) {
            Some(project) if project.is_renamed => project.guid.clone(),
            _ => name.to_owned(),
        }
    }

    /// No project goes by what it was asked for by: from now on it is asked for by its GUID.
    /// `false` when none is known, or when it was asked for by that.
    pub(super) fn give_up_name(&self, name: &str, asked_for: &str) -> bool {
        match self.projects().get_mut(&key(name)) {
            // Of several calls at the same moment each learns it, and the first one notes it.
            Some(project) if project.guid != asked_for => {
                project.is_renamed = true;
                true
            }
            _ => false,
        }
    }

    /// Nor is there one with its GUID: the name may become good again.
    pub(super) fn take_name_again(&self, name: &str) {
        if let Some(project) = self.projects().get_mut(&key(name)) {
            project.is_renamed = false;
        }
    }

    fn projects(&self) -> MutexGuard<'_, HashMap<String, KnownProject>> {
        locked(&self.0)
    }
}

/// ADO reads names of projects without regard to case.
fn key(name: &str) -> String {
    name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "621f4d34-1b10-432d-8952-54329d80ac4f";

    #[test]
    fn a_project_goes_by_its_name_until_that_is_not_there() {
        let projects = RenamedProjects::default();
        projects.know("Shop", GUID);
        assert_eq!(projects.address("Shop"), "Shop");

        assert!(projects.give_up_name("shop", "shop"));
        assert!(projects.give_up_name("Shop", "Shop"));
        projects.know("Shop", GUID);

        assert_eq!(projects.address("Shop"), GUID);
        assert!(!projects.give_up_name("Shop", GUID));
    }

    #[test]
    fn a_project_without_a_guid_keeps_its_name() {
        let projects = RenamedProjects::default();

        assert!(!projects.give_up_name("Shop", "Shop"));
        assert_eq!(projects.address("Shop"), "Shop");
    }

    #[test]
    fn a_project_that_is_not_there_by_its_guid_either_goes_by_its_name_again() {
        let projects = RenamedProjects::default();
        projects.know("Shop", GUID);
        projects.give_up_name("Shop", "Shop");

        projects.take_name_again("Shop");

        assert_eq!(projects.address("Shop"), "Shop");
    }
}
