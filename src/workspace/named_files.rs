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

/// Names without a file that are looked for in the project; the others count as not there.
const MOST_MISSING: usize = 1_000;

/// Lets the tests name their files by the paths under which they are found, and adds those of the
/// project to the files of the run. What is not found keeps its name.
pub(super) fn find(tests: &mut [LogTest], files: &mut Vec<RunFile>, location: &Location) {
    if are_listed(tests, files) {
        return;
    }
    let names = Names::of(files);
    let mut project = ProjectFiles::new(location, files);

    for attempt in tests.iter_mut().flat_map(|test| &mut test.attempts) {
        let mut attachments = Attachments::default();
        for path in std::mem::take(&mut attempt.attachments) {
            attachments.push(match names.meant_by(&path) {
                Some(listed) => listed,
                None => project.meant_by(path),
            });
        }

        // A `:` in a name looks like a drive of Windows, and is none where a file has it.
        let foreign = std::mem::take(&mut attempt.foreign_attachments);
        for path in foreign {
            let is_absolute = path.trim_start().starts_with(['/', '\\']);
            match names.meant_by(&path) {
                Some(listed) if !is_absolute => attachments.push(listed),
                _ => attempt.foreign_attachments.push(path),
            }
        }
        attempt.attachments = attachments.paths;
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

/// Paths of an attempt, each once, in the order of the log.
#[derive(Default)]
struct Attachments {
    paths: Vec<String>,
    unique: HashSet<String>,
}

impl Attachments {
    fn push(&mut self, path: String) {
        if self.unique.insert(path.clone()) {
            self.paths.push(path);
        }
    }
}

/// The files of the project that a log names, looked for once for each name.
struct ProjectFiles<'a> {
    location: &'a Location,
    files: &'a mut Vec<RunFile>,
    /// Paths of the files.
    listed: HashSet<String>,
    /// Where the file of a name was found.
    found: HashMap<String, Option<String>>,
    /// How many names have no file.
    missing: usize,
}

impl<'a> ProjectFiles<'a> {
    fn new(location: &'a Location, files: &'a mut Vec<RunFile>) -> Self {
        Self {
            location,
            listed: files.iter().map(|file| file.path.clone()).collect(),
            files,
            found: HashMap::new(),
            missing: 0,
        }
    }

    /// The path of the file that a name means, which is added to the files of the run; the name
    /// itself where there is none.
    fn meant_by(&mut self, name: String) -> String {
        if let Some(found) = self.found.get(&name) {
            return found.clone().unwrap_or(name);
        }

        // A name that is not there has whole folders compared with it.
        if self.missing == MOST_MISSING {
            return name;
        }
        let file = in_project(self.location, &name);
        let path = file.as_ref().map(|file| file.path.clone());
        match file {
            Some(file) if self.listed.insert(file.path.clone()) => self.files.push(file),
            Some(_) => {}
            None => self.missing += 1,
        }

        self.found.insert(name.clone(), path.clone());
        path.unwrap_or(name)
    }
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
