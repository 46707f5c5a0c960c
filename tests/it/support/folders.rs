//! Folders that are wiped, and the copies that kado makes of files before that.

#![expect(clippy::disallowed_methods, reason = "tests wipe workspaces")]

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::machine::Machine;
use super::waiting::wait_until;

/// Deletes a folder with everything in it, and waits until it is gone: on Windows it stays for as
/// long as somebody has it open, and nothing of its name can be made meanwhile.
pub(crate) fn wipe(folder: &Path) {
    wait_until(
        &format!("{} to be gone", folder.display()),
        || match fs::remove_dir_all(folder).and_then(|()| fs::symlink_metadata(folder)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            seen => Err(format!("{seen:?}")),
        },
    );
}

impl Machine {
    /// Waits until kado has copies of a run's log and pictures, in full size: from then on its
    /// folder may be wiped.
    pub(crate) fn wait_for_copies(&self, folder: &Path) {
        let wanted: BTreeSet<_> = sizes(folder, folder)
            .into_iter()
            .filter(|(file, _)| is_wanted(file))
            .collect();

        assert!(wanted.len() > 1, "a log and pictures: {wanted:?}");

        let spool = self.state().join("spool");

        wait_until("the files to be copied", || {
            // Those of a run lie in a folder for its project.
            let runs = fs::read_dir(&spool).into_iter().flatten().flatten();
            let projects = runs.flat_map(|run| fs::read_dir(run.path()).into_iter().flatten());
            let copies: Vec<_> = projects
                .flatten()
                .map(|project| sizes(&project.path(), &project.path()))
                .collect();
            if copies.iter().any(|copies| wanted.is_subset(copies)) {
                Ok(())
            } else {
                Err(format!("{copies:?}"))
            }
        });
    }
}

fn is_wanted(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "png") || file.ends_with("execution0.log")
}

/// The files below a folder, by their paths in `root`, with their sizes.
fn sizes(folder: &Path, root: &Path) -> BTreeSet<(PathBuf, u64)> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, Ok(metadata)) = (entry.path(), entry.metadata()) else {
            continue;
        };
        if metadata.is_dir() {
            found.extend(sizes(&path, root));
        } else if let Ok(file) = path.strip_prefix(root) {
            found.insert((file.to_owned(), metadata.len()));
        }
    }

    found
}
