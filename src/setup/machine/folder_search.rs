//! Where Katalon projects may lie on this machine: the work folders of agents, and homes. The
//! search follows no link, opens nothing but folders, and ends after a bounded number of them.

#![expect(
    clippy::disallowed_methods,
    reason = "the environment says where a home is"
)]

#[cfg_attr(unix, path = "folder_search/unix.rs")]
#[cfg_attr(windows, path = "folder_search/windows.rs")]
mod system;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::door::{Folder, Kind};
use crate::file_names::has_extension;

/// Folders that are listed on the whole machine.
const MOST_FOLDERS: usize = 20_000;
/// Levels below a place.
const DEEPEST: usize = 6;
/// Folders that are offered.
const MOST_FOUND: usize = 12;
/// The folder of an agent in which its jobs work.
const WORK: &str = "_work";
/// Folders that hold no project.
const SKIPPED: [&str; 6] = [
    "node_modules",
    "AppData",
    "Library",
    "_tool",
    "_tasks",
    "_temp",
];

/// A folder that may be watched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FoundFolder {
    pub path: PathBuf,
    /// How many projects were found in it.
    pub projects: usize,
}

/// The folders in which projects were found.
pub(crate) fn find_folders() -> Vec<FoundFolder> {
    let homes = homes();
    let mut places = system::PLACES.map(PathBuf::from).to_vec();
    places.extend(homes.iter().cloned());

    let mut search = Search {
        left: MOST_FOLDERS,
        ..Search::default()
    };
    for place in places {
        if let Ok(folder) = Folder::named(&place) {
            search.look(&folder, &place, 0);
        }
    }
    search.offered(&homes)
}

/// The own home, and those of others as far as this account may look.
fn homes() -> Vec<PathBuf> {
    let mut homes = Vec::new();
    if let Some(home) = std::env::var_os(system::HOME) {
        homes.push(PathBuf::from(home));
    }

    for folder in system::OF_HOMES.map(PathBuf::from) {
        let Ok(open) = Folder::named(&folder) else {
            continue;
        };
        let Ok(entries) = open.entries() else {
            continue;
        };
        for entry in entries.flatten() {
            let home = folder.join(entry.name);
            if entry.kind == Kind::Folder && !homes.contains(&home) {
                homes.push(home);
            }
        }
    }
    homes
}

#[derive(Default)]
struct Search {
    /// Folders that may still be listed.
    left: usize,
    projects: Vec<PathBuf>,
}

impl Search {
    /// Looks for projects in a folder and below it; inside a project there are no others of
    /// interest.
    fn look(&mut self, folder: &Folder, path: &Path, depth: usize) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;

        let mut below = Vec::new();
        let Ok(entries) = folder.entries() else {
            return;
        };
        for entry in entries.flatten() {
            let name = Path::new(&entry.name);
            match entry.kind {
                Kind::File if has_extension(name, "prj") => {
                    self.projects.push(path.to_owned());
                    return;
                }
                Kind::Folder if is_of_interest(&entry.name.to_string_lossy()) => {
                    below.push(entry.name);
                }
                _ => {}
            }
        }

        if depth == DEEPEST {
            return;
        }
        below.sort();
        for name in below {
            if let Ok(inner) = folder.folder(Path::new(&name)) {
                self.look(&inner, &path.join(&name), depth + 1);
            }
        }
    }

    /// What is to be watched for the projects: the work folder of an agent, else the folder around
    /// a project. A whole home is not offered.
    fn offered(&self, homes: &[PathBuf]) -> Vec<FoundFolder> {
        let mut counts: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for project in &self.projects {
            let folder = folder_around(project, homes);
            *counts.entry(folder).or_default() += 1;
        }

        let mut found = Vec::new();
        for (path, projects) in counts {
            found.push(FoundFolder { path, projects });
        }
        found.sort_by_key(|folder| std::cmp::Reverse(folder.projects));
        found.truncate(MOST_FOUND);
        found
    }
}

fn folder_around(project: &Path, homes: &[PathBuf]) -> PathBuf {
    for folder in project.ancestors().skip(1) {
        if folder.file_name().is_some_and(|name| name == WORK) {
            return folder.to_owned();
        }
    }

    match project.parent() {
        Some(parent) if parent.parent().is_some() && !homes.iter().any(|home| home == parent) => {
            parent.to_owned()
        }
        _ => project.to_owned(),
    }
}

fn is_of_interest(name: &str) -> bool {
    !name.starts_with('.') && !SKIPPED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(projects: &[&str]) -> Search {
        Search {
            projects: projects.iter().map(PathBuf::from).collect(),
            ..Search::default()
        }
    }

    fn offered(projects: &[&str], homes: &[&str]) -> Vec<(String, usize)> {
        let homes: Vec<PathBuf> = homes.iter().map(PathBuf::from).collect();
        let found = search(projects).offered(&homes);
        found
            .into_iter()
            .map(|folder| (folder.path.display().to_string(), folder.projects))
            .collect()
    }

    #[test]
    fn the_work_folder_of_an_agent_is_offered_as_a_whole() {
        let found = offered(&["/srv/a/_work/1/s", "/srv/a/_work/2/s/shop"], &[]);

        assert_eq!(found, [("/srv/a/_work".to_owned(), 2)]);
    }

    #[test]
    fn a_home_is_not_offered_as_a_whole() {
        let found = offered(
            &["/home/eva/Shop", "/home/eva/katalon/Till"],
            &["/home/eva"],
        );

        assert_eq!(
            found,
            [
                ("/home/eva/Shop".to_owned(), 1),
                ("/home/eva/katalon".to_owned(), 1)
            ]
        );
    }

    #[test]
    fn the_search_ends_after_its_number_of_folders() {
        let temp = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            std::fs::create_dir(temp.path().join(name)).unwrap();
            std::fs::write(temp.path().join(name).join("x.prj"), "").unwrap();
        }
        let mut search = Search {
            left: 2,
            ..Search::default()
        };

        search.look(&Folder::named(temp.path()).unwrap(), temp.path(), 0);

        assert_eq!(search.projects, [temp.path().join("a")]);
    }
}
