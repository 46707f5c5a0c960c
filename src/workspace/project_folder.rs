//! Katalon projects on disk: which folder is one, and what its files say.
//!
//! A project is a folder with a `.prj` file. Its ids (of suites and test cases) are paths below it;
//! they come out of logs and settings, so none that leads out of the project is followed.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use super::{ReadError, names};
use crate::door::{self, Folder, Kind};
use crate::error_chain::chain;
use crate::file_names::{has_extension, is_named};
use crate::katalon::REPORTS;
use crate::katalon::console;
use crate::katalon::id_effort::IdEffort;
use crate::katalon::id_rule::IdRule;
use crate::katalon::project::{Project, name_of};
use crate::katalon::remarks::Remarks;
use crate::katalon::run::RunOptions;
use crate::katalon::settings::{self, AzureSettings};
use crate::katalon::suite;
use crate::katalon::test_case::TestCase;
use crate::moment::Moment;
use crate::stable_number::stable_number;

/// The project's own settings for kado, beside its `.prj`.
pub(crate) const PROJECT_FILE: &str = "kado.toml";
/// Levels of folders below `Test Cases` that are looked into.
const DEEPEST: usize = 32;
/// Test cases that are read.
const MOST_TEST_CASES: usize = 200_000;
/// Bytes that all of them may take.
const MOST_KEPT: usize = 512 * 1024 * 1024;

/// Reads the project whose `.prj` lies in `root`.
///
/// # Errors
/// When there is no `.prj`, or the folder cannot be listed. Everything else that cannot be read is
/// a warning.
pub fn read_project(root: &Path) -> Result<Project, ReadError> {
    let mut warnings = Vec::new();
    let folder = Folder::at(root).map_err(|source| io_error(root, source))?;
    let prj_files = prj_files_in(&folder).map_err(|source| io_error(root, source))?;
    let Some(first) = prj_files.first() else {
        return Err(ReadError::NoProject(root.to_owned()));
    };
    if prj_files.len() > 1 {
        warnings.push(format!(
            "there are {} `.prj` files; the first one by name counts",
            prj_files.len()
        ));
    }

    let name = name_in(&folder, first);

    // A project can be shown without them. Whoever submits reads them alone, and gets the error.
    let mut settings = read_azure_settings(root).unwrap_or_else(|error| {
        warnings.push(chain(&error));
        AzureSettings::default()
    });
    let test_cases = read_test_cases(&folder, &mut warnings);
    if test_cases.iter().any(|case| case.azure_ids.is_some()) {
        settings.note_ids();
    }

    Ok(Project {
        name,
        root: root.to_owned(),
        settings,
        test_cases,
        warnings,
    })
}

/// The name of the project whose `.prj` lies in `root`; without a readable one the name of the
/// folder.
pub(crate) fn project_name(root: &Path) -> String {
    if let Ok(folder) = Folder::at(root)
        && let Ok(prj_files) = prj_files_in(&folder)
        && let Some(first) = prj_files.first()
    {
        return name_in(&folder, first);
    }
    text_of(root.file_name())
}

/// The name that a `.prj` gives; without one that of the file.
fn name_in(root: &Folder, prj: &OsStr) -> String {
    let prj = Path::new(prj);
    root.whole(prj)
        .ok()
        .and_then(|bytes| name_of(&bytes))
        .unwrap_or_else(|| text_of(prj.file_stem()))
}

fn text_of(name: Option<&OsStr>) -> String {
    name.unwrap_or_default().to_string_lossy().into_owned()
}

/// Reads the Azure settings of a project; a project without the file has the default settings, all
/// unset, which say that it is missing.
///
/// # Errors
/// When the file is there and cannot be opened or read.
pub fn read_azure_settings(root: &Path) -> Result<AzureSettings, ReadError> {
    Ok(match whole_if_any(root, settings::FILE)? {
        Some(bytes) => AzureSettings::read(&bytes),
        None => AzureSettings::missing(),
    })
}

/// When the Azure settings of a project were written last; `None` without the file.
pub(crate) fn azure_settings_modified(root: &Path) -> Option<Moment> {
    Some(look_of(root, settings::FILE)?.0)
}

/// When the project's own `kado.toml` was written last; `None` without it.
pub(crate) fn project_file_modified(root: &Path) -> Option<Moment> {
    Some(look_of(root, PROJECT_FILE)?.0)
}

/// How a file looks: when it was written last, and its size; `None` without it.
pub(crate) type FileLook = Option<(Moment, u64)>;

/// How the files look that decide about the runs of a project.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RuleFiles {
    settings: FileLook,
    project_file: FileLook,
    /// Whether both could be read: otherwise they are read again however they look, because a right
    /// that is given changes neither time nor size.
    is_read: bool,
}

/// Looks at the files that decide about the runs of a project; gives how they look and a number for
/// what stands in them. They are read only where they look otherwise than was `known`. `None` where
/// their file system does not answer.
pub(crate) fn rule_files(root: &Path, known: Option<(RuleFiles, u64)>) -> Option<(RuleFiles, u64)> {
    let settings = look_of(root, settings::FILE);
    let project_file = look_of(root, PROJECT_FILE);
    if let Some((files, number)) = known
        && files.is_read
        && files.settings == settings
        && files.project_file == project_file
    {
        return Some((files, number));
    }

    let mut is_read = true;
    let mut hasher = blake3::Hasher::new();
    for file in [settings::FILE, PROJECT_FILE] {
        match whole_if_any(root, file) {
            Ok(Some(bytes)) => hasher.update(blake3::hash(&bytes).as_bytes()),
            Ok(None) => hasher.update(b"none"),
            Err(ReadError::Io { source, .. }) if door::is_silent(&source) => return None,
            Err(error) => {
                is_read = false;
                hasher.update(chain(&error).as_bytes())
            }
        };
    }

    let files = RuleFiles {
        settings,
        project_file,
        is_read,
    };
    Some((files, stable_number(&hasher)))
}

/// How the file of a test case looks.
pub(crate) fn look_of_test_case(root: &Path, id: &str) -> FileLook {
    if leads_out(id) {
        return None;
    }
    let project = Folder::at(root).ok()?;
    let file = names::find_below(&project, &format!("{id}.tc"));
    let look = project.look(&file).ok()?;
    Some((look.modified, look.size))
}

fn look_of(root: &Path, file: &str) -> FileLook {
    let look = Folder::at(root).ok()?.look(Path::new(file)).ok()?;
    Some((look.modified, look.size))
}

/// What is known of the ids of a test case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CaseIdState {
    /// It has no file.
    NoFile,
    /// Its file holds no id.
    NoId,
    /// Its file holds one.
    Id,
    /// Its file is damaged, or cannot be read.
    Unknown,
}

/// What the file of a test case says of its ids, where the rule lets them stand.
pub(crate) fn id_state(root: &Path, id: &str, rule: &IdRule, effort: &mut IdEffort) -> CaseIdState {
    let mut read = read_test_case(root, id);
    if let Ok(Some(case)) = &mut read {
        rule.apply(case, effort);
    }
    match read {
        Ok(None) => CaseIdState::NoFile,
        Ok(Some(case)) if case.damage.is_some() => CaseIdState::Unknown,
        Ok(Some(case)) if case.azure_ids.is_some() => CaseIdState::Id,
        Ok(Some(_)) => CaseIdState::NoId,
        Err(_) => CaseIdState::Unknown,
    }
}

/// Reads the project's own `kado.toml`; `None` without it.
///
/// # Errors
/// When it is there and cannot be opened or read.
pub(crate) fn read_project_file(root: &Path) -> Result<Option<Vec<u8>>, ReadError> {
    whole_if_any(root, PROJECT_FILE)
}

/// A file of a project that has its place there; `None` without it, or without the project.
fn whole_if_any(root: &Path, file: &str) -> Result<Option<Vec<u8>>, ReadError> {
    let read = Folder::at(root).and_then(|project| project.whole_if_any(Path::new(file)));
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map_err(|source| io_error(&root.join(file), source)),
    }
}

fn io_error(path: &Path, source: io::Error) -> ReadError {
    ReadError::Io {
        path: path.to_owned(),
        source,
    }
}

/// `numberOfRerun` of a suite of the project; `None` when the suite has no file, or one that does
/// not say.
///
/// # Errors
/// When the file is there and cannot be opened or read.
pub(crate) fn number_of_reruns(root: &Path, suite: &str) -> io::Result<Option<u32>> {
    if leads_out(suite) {
        return Ok(None);
    }
    let file = format!("{suite}.ts");
    let project = match Folder::at(root) {
        Ok(project) => project,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };

    let bytes = project.whole_if_any(&names::find_below(&project, &file))?;
    Ok(bytes.and_then(|bytes| suite::number_of_reruns(&bytes)))
}

/// Whether an id, taken as a path, would leave the project.
fn leads_out(id: &str) -> bool {
    // A `:` would name a drive, or a stream beside a file, on Windows.
    id.split(['/', '\\'])
        .any(|part| matches!(part, "" | "." | "..") || part.contains(':'))
}

/// Reads the `ado*` options of `console.properties`; without the file there are none.
///
/// # Errors
/// When the file is there and cannot be opened or read.
pub(super) fn read_console_options(root: &Path) -> io::Result<RunOptions> {
    let bytes = Folder::at(root)?.whole_if_any(Path::new(console::CONSOLE_FILE))?;
    Ok(bytes.map_or_else(RunOptions::default, |bytes| {
        RunOptions::read_console(&bytes)
    }))
}

/// Reads one test case by its id, such as `Test Cases/Login`; `None` when it has no file (any
/// more). Its file may spell the name in another Unicode form, on Windows in other letter case. An
/// id that leads out of the project has none. Of a file that cannot be opened or read the ids are
/// lost, which is a damage of the test case.
///
/// # Errors
/// When another program holds the file for itself, which passes.
pub fn read_test_case(root: &Path, id: &str) -> Result<Option<TestCase>, ReadError> {
    if leads_out(id) {
        return Ok(None);
    }
    let file = format!("{id}.tc");
    let read = Folder::at(root).and_then(|project| {
        let on_disk = names::find_below(&project, &file);
        project.whole_if_any(&on_disk)
    });
    match read {
        Ok(Some(bytes)) => Ok(Some(TestCase::read(id.to_owned(), &bytes))),
        Ok(None) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) if door::is_held(&source) => Err(io_error(&root.join(file), source)),
        Err(error) => Ok(Some(TestCase::unreadable(id.to_owned(), error.to_string()))),
    }
}

/// The root of the project that `path` lies in: the nearest folder above `Reports` that holds a
/// `.prj`, else the nearest folder that does, `path` itself included.
pub fn find_project_root(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;

    // Below `Reports` lies what tests and Katalon wrote; a `.prj` there makes no project of it.
    for folder in path.ancestors() {
        if leads_into_reports(folder, &path) && holds_prj(folder) {
            return Some(folder.to_owned());
        }
    }
    path.ancestors()
        .find(|folder| holds_prj(folder))
        .map(Path::to_owned)
}

/// Whether the way from a folder to a path below it begins with `Reports`.
fn leads_into_reports(folder: &Path, path: &Path) -> bool {
    let Ok(below) = path.strip_prefix(folder) else {
        return false;
    };
    below
        .components()
        .next()
        .is_some_and(|first| is_named(first.as_os_str(), REPORTS))
}

fn holds_prj(folder: &Path) -> bool {
    Folder::at(folder)
        .and_then(|folder| prj_files_in(&folder))
        .is_ok_and(|files| !files.is_empty())
}

/// The project that a path given to katalonc leads to, which names its folder or its `.prj` file:
/// the folder, without links, so that two spellings of it can be compared. `None` when no project
/// lies there.
pub(crate) fn project_at(path: &Path) -> Option<PathBuf> {
    let is_prj = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("prj"))
        && door::kind_of_target(path).is_ok_and(|kind| kind == Kind::File);
    let folder = if is_prj { path.parent()? } else { path };

    // A file that is named alone lies in the folder that the command runs in.
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let folder = without_links(folder)?;
    holds_prj(&folder).then_some(folder)
}

/// A folder's path without links and `..`; `None` when it is not there.
pub(crate) fn without_links(folder: &Path) -> Option<PathBuf> {
    door::real_path(folder).ok()
}

/// A path without links and `..`, as far as it is there: a folder that is gone keeps its place.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    for above in path.ancestors() {
        let Some(plain) = without_links(above) else {
            continue;
        };
        return match path.strip_prefix(above) {
            // `join` with nothing would add a separator to the end.
            Ok(rest) if rest.as_os_str().is_empty() => plain,
            Ok(rest) => plain.join(rest),
            Err(_) => path.to_owned(),
        };
    }
    path.to_owned()
}

/// The names of the `.prj` files of a folder, sorted.
fn prj_files_in(folder: &Folder) -> io::Result<Vec<OsString>> {
    let mut files = Vec::new();
    for entry in folder.entries()?.flatten() {
        if entry.kind == Kind::File && has_extension(Path::new(&entry.name), "prj") {
            files.push(entry.name);
        }
    }

    // A folder lists its files in any order, and the first by name has to be the same one each
    // time.
    files.sort();
    Ok(files)
}

/// Reads all test cases, sorted by id. Links are not followed, and told.
fn read_test_cases(root: &Folder, warnings: &mut Vec<String>) -> Vec<TestCase> {
    let mut cases = Vec::new();
    let mut kept = 0;
    let mut remarks = Remarks::default();
    let mut waiting = vec![("Test Cases".to_owned(), 0)];

    'walk: while let Some((prefix, depth)) = waiting.pop() {
        let entries = match root.entries_of(Path::new(&prefix)) {
            Ok(entries) => entries,
            Err(error) => {
                remarks.add(|| format!("`{prefix}` cannot be listed: {error}"));
                continue;
            }
        };

        for entry in entries.flatten() {
            let Ok(name) = entry.name.into_string() else {
                remarks.add(|| {
                    format!("`{prefix}` holds a file whose name is not Unicode; it was left out")
                });
                continue;
            };

            let path = format!("{prefix}/{name}");
            if entry.kind == Kind::Folder {
                if depth < DEEPEST {
                    waiting.push((path, depth + 1));
                }
            } else if let Some(id) = path.strip_suffix(".tc") {
                let case = match root.whole(Path::new(&path)) {
                    Ok(bytes) => TestCase::read(id.to_owned(), &bytes),
                    Err(error) => TestCase::unreadable(id.to_owned(), error.to_string()),
                };
                kept += case.size();
                cases.push(case);
            } else if entry.kind == Kind::Link {
                remarks.add(|| {
                    format!("`{path}` is a link, and links inside a project are not followed")
                });
            }

            if cases.len() == MOST_TEST_CASES || kept > MOST_KEPT {
                remarks.add(|| format!("only the first {} test cases were read", cases.len()));
                break 'walk;
            }
        }
    }

    warnings.extend(remarks.into_list("more such place"));
    cases.sort_by(|a, b| a.id.cmp(&b.id));
    cases
}
