//! The projects that a walk found, and what of them a path lies in.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::file_names::is_named;
use crate::katalon::REPORTS;

/// The roots of the projects that a walk found.
#[derive(Default)]
pub(super) struct ProjectRoots(HashSet<PathBuf>);

impl ProjectRoots {
    /// These projects.
    pub(super) fn new(roots: &[PathBuf]) -> Self {
        Self(roots.iter().cloned().collect())
    }

    /// The project that a path lies in: the nearest one above it.
    pub(super) fn project_of<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        path.ancestors().find(|above| self.0.contains(*above))
    }

    /// The session that a path is or lies in, the folder directly in the `Reports` of a project:
    /// what one katalonc makes.
    pub(super) fn session_of(&self, path: &Path) -> Option<PathBuf> {
        let project = self.project_of(path)?;
        let mut below = path.strip_prefix(project).ok()?.components();
        let reports = below.next()?.as_os_str();
        let session = below.next()?.as_os_str();
        is_named(reports, REPORTS).then(|| project.join(reports).join(session))
    }
}
