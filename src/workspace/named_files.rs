//! The files that a log names, as they lie on the disk.
//!
//! A log names a file as it was called where the suite ran. The folder may have gone through an
//! archive, a share or another system since, which spell names otherwise; and some tests write
//! their screenshots into the project instead of the run folder (292 of 6,674 attachments of real
//! projects). What is found is a regular file inside the project, and no link leads to it.

use std::collections::{HashMap, HashSet};

use icu_normalizer::ComposingNormalizerBorrowed;

use super::location::Location;
use super::names::find_below;
use crate::door::Folder;
use crate::katalon::log::LogTest;
use crate::katalon::run::{FileKind, RunFile};

/// Lets the tests name their files by the paths under which they are found, and adds those of the
/// project to the files of the run. What is not found keeps its name.
pub(super) fn find(tests: &mut [LogTest], files: &mut Vec<RunFile>, location: &Location) {
    if are_listed(tests, files) {
        return;
    }
    let names = Names::of(files);

    for attempt in tests.iter_mut().flat_map(|test| &mut test.attempts) {
        let mut attachments = Vec::new();
        for path in std::mem::take(&mut attempt.attachments) {
            let path_on_disk = match names.meant_by(&path) {
                Some(listed) => listed,
                None => match in_project(location, &path) {
                    Some(file) => add(files, file),
                    None => path,
                },
            };
            push_once(&mut attachments, path_on_disk);
        }

        // A `:` in a name looks like a drive of Windows, and is none where a file has it.
        let foreign = std::mem::take(&mut attempt.foreign_attachments);
        for path in foreign {
            let is_absolute = path.trim_start().starts_with(['/', '\\']);
            match names.meant_by(&path) {
                Some(listed) if !is_absolute => push_once(&mut attachments, listed),
                _ => attempt.foreign_attachments.push(path),
            }
        }
        attempt.attachments = attachments;
    }
}

/// Whether every file is called as it lies in the run folder, as nearly always.
fn are_listed(tests: &[LogTest], files: &[RunFile]) -> bool {
    let listed: HashSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    tests.iter().flat_map(|test| &test.attempts).all(|attempt| {
        let mut paths = attempt.attachments.iter();
        attempt.foreign_attachments.is_empty() && paths.all(|path| listed.contains(path.as_str()))
    })
}

fn push_once(paths: &mut Vec<String>, path: String) {
    if !paths.contains(&path) {
        paths.push(path);
    }
}

/// Adds a file of the project, once, and gives its path.
fn add(files: &mut Vec<RunFile>, file: RunFile) -> String {
    let path = file.path.clone();
    if !files.iter().any(|listed| listed.path == path) {
        files.push(file);
    }
    path
}

/// The file below the project's root that a log names relative to it. Its path is relative to the
/// run folder, as that of every file of a run: it climbs to the root first.
fn in_project(location: &Location, path: &str) -> Option<RunFile> {
    let root = location.root.as_deref()?;
    let folder = std::path::absolute(&location.folder).ok()?;
    let depth = folder.strip_prefix(root).ok()?.components().count();

    let project = Folder::at(root).ok()?;
    let inside = find_below(&project, path);
    let file = project.file(&inside).ok()?;
    let inside = inside.to_str()?.replace(std::path::MAIN_SEPARATOR, "/");

    let path = format!("{}{inside}", "../".repeat(depth));
    Some(RunFile {
        kind: FileKind::of(&path),
        size: file.metadata().ok()?.len(),
        path,
    })
}

/// The listed files by their names in the forms that are tried one after the other.
struct Names {
    forms: [HashMap<String, Vec<String>>; 3],
}

impl Names {
    fn of(files: &[RunFile]) -> Self {
        let mut forms = [HashMap::new(), HashMap::new(), HashMap::new()];
        for file in files {
            for (form, spelled) in forms.iter_mut().zip(spellings(&file.path)) {
                let paths: &mut Vec<String> = form.entry(spelled).or_default();
                paths.push(file.path.clone());
            }
        }
        Self { forms }
    }

    /// The only file that a name fits, in the first form in which one does.
    fn meant_by(&self, path: &str) -> Option<String> {
        for (form, spelled) in self.forms.iter().zip(spellings(path)) {
            if let Some(paths) = form.get(&spelled) {
                return match paths.as_slice() {
                    [only] => Some(only.clone()),
                    _ => None,
                };
            }
        }
        None
    }
}

/// A path as it is written, with accents put together and without blanks around a name, and without
/// letter case.
fn spellings(path: &str) -> [String; 3] {
    let written = path.replace('\\', "/");
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(&written);
    let parts: Vec<&str> = composed
        .split('/')
        .map(str::trim)
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let composed = parts.join("/");
    let lower_case = composed.to_lowercase();
    [written, composed, lower_case]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(files: &[&str], path: &str) -> Option<String> {
        let files: Vec<RunFile> = files
            .iter()
            .map(|path| RunFile {
                path: (*path).to_owned(),
                kind: FileKind::of(path),
                size: 1,
            })
            .collect();
        Names::of(&files).meant_by(path)
    }

    #[test]
    fn a_name_means_the_only_file_that_it_fits() {
        for (on_disk, logged) in [
            ("a.png", "a.png"),
            ("a/Pru\u{308}fung.png", "a/Pr\u{fc}fung.png"),
            ("Shot.PNG", "shot.png"),
            (" a.png", "a.png"),
            ("a.png", " a.png"),
            ("12:30.png", "12:30.png"),
            ("a:b.png", "a:b.png"),
        ] {
            assert_eq!(meant(&[on_disk], logged).as_deref(), Some(on_disk));
        }
    }

    #[test]
    fn a_name_that_fits_several_files_means_the_equal_one_or_none() {
        assert_eq!(
            meant(&["A.png", "a.png"], "a.png").as_deref(),
            Some("a.png")
        );
        assert_eq!(meant(&["A.png", "a.PNG"], "a.png"), None);
        assert_eq!(meant(&["a.png"], "b.png"), None);
    }
}
