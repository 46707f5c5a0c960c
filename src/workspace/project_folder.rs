//! Katalon projects on disk: which folder is one, and what its files say.
//!
//! A project is a folder with a `.prj` file. Its ids (of suites and test cases) are paths below it;
//! they come out of logs and settings, so none that leads out of the project is followed.

#![expect(
    clippy::disallowed_methods,
    reason = "the project is found on the disk"
)]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::{ReadError, names, open};
use crate::error_chain::chain;
use crate::file_names::{has_extension, is_named};
use crate::katalon::console;
use crate::katalon::id_rule::IdRule;
use crate::katalon::project::{Project, name_of};
use crate::katalon::run::RunOptions;
use crate::katalon::settings::{self, AzureSettings};
use crate::katalon::suite;
use crate::katalon::test_case::TestCase;
use crate::moment::Moment;

/// The project's own settings for kado, beside its `.prj`.
pub(crate) const PROJECT_FILE: &str = "kado.toml";
/// Levels of folders below `Test Cases` that are looked into.
const DEEPEST: usize = 32;
/// Test cases that are read.
const MOST_TEST_CASES: usize = 50_000;

/// Reads the project whose `.prj` lies in `root`.
///
/// # Errors
/// When there is no `.prj`, or the folder cannot be listed. Everything else that cannot be read is
/// a warning.
pub fn read_project(root: &Path) -> Result<Project, ReadError> {
    let mut warnings = Vec::new();
    let prj_files = prj_files_in(root)?;
    let Some(first) = prj_files.first() else {
        return Err(ReadError::NoProject(root.to_owned()));
    };
    if prj_files.len() > 1 {
        warnings.push(format!(
            "there are {} `.prj` files; the first one by name counts",
            prj_files.len()
        ));
    }

    let name = name_in(first);

    // A project can be shown without them. Whoever submits reads them alone, and gets the error.
    let settings = read_azure_settings(root).unwrap_or_else(|error| {
        warnings.push(chain(&error));
        AzureSettings::default()
    });
    let test_cases = read_test_cases(root, &mut warnings);

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
    let prj_files = prj_files_in(root).unwrap_or_default();
    match prj_files.first() {
        Some(prj) => name_in(prj),
        None => text_of(root.file_name()),
    }
}

/// The name that a `.prj` gives; without one that of the file.
fn name_in(prj: &Path) -> String {
    open::whole(prj)
        .ok()
        .and_then(|bytes| name_of(&bytes))
        .unwrap_or_else(|| text_of(prj.file_stem()))
}

fn text_of(name: Option<&OsStr>) -> String {
    name.unwrap_or_default().to_string_lossy().into_owned()
}

/// Reads the Azure settings of a project; a project without the file has the default settings, all
/// unset.
///
/// # Errors
/// When the file is there and cannot be opened or read.
pub fn read_azure_settings(root: &Path) -> Result<AzureSettings, ReadError> {
    let bytes = whole_if_any(root.join(settings::FILE))?;
    Ok(AzureSettings::read(&bytes.unwrap_or_default()))
}

/// When the Azure settings of a project were written last; `None` without the file.
pub(crate) fn azure_settings_modified(root: &Path) -> Option<Moment> {
    modified(&root.join(settings::FILE))
}

/// When the project's own `kado.toml` was written last; `None` without it.
pub(crate) fn project_file_modified(root: &Path) -> Option<Moment> {
    modified(&root.join(PROJECT_FILE))
}

fn modified(file: &Path) -> Option<Moment> {
    // Not through a link, because the file would not be read through one either.
    let modified = fs::symlink_metadata(file).ok()?.modified().ok()?;
    let timestamp = jiff::Timestamp::try_from(modified).ok()?;
    Some(Moment::from_millis(timestamp.as_millisecond()))
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
/// what stands in them. They are read only where they look otherwise than was `known`.
pub(crate) fn rule_files(root: &Path, known: Option<(RuleFiles, u64)>) -> (RuleFiles, u64) {
    let settings = look_of(&root.join(settings::FILE));
    let project_file = look_of(&root.join(PROJECT_FILE));
    if let Some((files, number)) = known
        && files.is_read
        && files.settings == settings
        && files.project_file == project_file
    {
        return (files, number);
    }

    let mut is_read = true;
    let mut hasher = blake3::Hasher::new();
    for file in [settings::FILE, PROJECT_FILE] {
        match open::whole_if_any(&root.join(file)) {
            Ok(Some(bytes)) => hasher.update(blake3::hash(&bytes).as_bytes()),
            Ok(None) => hasher.update(b"none"),
            Err(error) => {
                is_read = false;
                hasher.update(error.to_string().as_bytes())
            }
        };
    }

    let mut number = [0; size_of::<u64>()];
    hasher.finalize_xof().fill(&mut number);
    let files = RuleFiles {
        settings,
        project_file,
        is_read,
    };
    (files, u64::from_le_bytes(number))
}

/// How the file of a test case looks.
pub(crate) fn look_of_test_case(root: &Path, id: &str) -> FileLook {
    if leads_out(id) {
        return None;
    }
    look_of(&names::find_below(root, &format!("{id}.tc")))
}

fn look_of(file: &Path) -> FileLook {
    let size = fs::symlink_metadata(file).ok()?.len();
    Some((modified(file)?, size))
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
pub(crate) fn id_state(root: &Path, id: &str, rule: &IdRule) -> CaseIdState {
    let mut read = read_test_case(root, id);
    if let Ok(Some(case)) = &mut read {
        rule.apply(case);
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
    whole_if_any(root.join(PROJECT_FILE))
}

fn whole_if_any(path: PathBuf) -> Result<Option<Vec<u8>>, ReadError> {
    open::whole_if_any(&path).map_err(|source| ReadError::Io { path, source })
}

/// `numberOfRerun` of a suite of the project; `None` when the suite has no readable file.
pub(crate) fn number_of_reruns(root: &Path, suite: &str) -> Option<u32> {
    if leads_out(suite) {
        return None;
    }
    let path = names::find_below(root, &format!("{suite}.ts"));
    suite::number_of_reruns(&open::whole(&path).ok()?)
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
pub(super) fn read_console_options(root: &Path) -> std::io::Result<RunOptions> {
    let bytes = open::whole_if_any(&root.join(console::CONSOLE_FILE))?;
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
    let path = names::find_below(root, &format!("{id}.tc"));
    match open::whole_if_any(&path) {
        Ok(Some(bytes)) => Ok(Some(TestCase::read(id.to_owned(), &bytes))),
        Ok(None) => Ok(None),
        Err(source) if open::is_held(&source) => Err(ReadError::Io { path, source }),
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
        .is_some_and(|first| is_named(first.as_os_str(), "Reports"))
}

fn holds_prj(folder: &Path) -> bool {
    prj_files_in(folder).is_ok_and(|files| !files.is_empty())
}

/// The project that a path given to katalonc leads to, which names its folder or its `.prj` file:
/// the folder, without links, so that two spellings of it can be compared. `None` when no project
/// lies there.
pub(crate) fn project_at(path: &Path) -> Option<PathBuf> {
    let is_prj = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("prj"))
        && path.is_file();
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
    fs::canonicalize(folder).ok()
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

/// The `.prj` files of a folder, sorted.
fn prj_files_in(folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let entries = fs::read_dir(folder).map_err(|source| ReadError::Io {
        path: folder.to_owned(),
        source,
    })?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| entry.path())
        .filter(|path| has_extension(path, "prj"))
        .collect();

    // A folder lists its files in any order, and the first by name has to be the same one each
    // time.
    files.sort();
    Ok(files)
}

/// Reads all test cases, sorted by id. Folders are walked without following a link.
fn read_test_cases(root: &Path, warnings: &mut Vec<String>) -> Vec<TestCase> {
    let mut cases = Vec::new();
    let mut waiting = vec![(root.join("Test Cases"), "Test Cases".to_owned(), 0)];

    'walk: while let Some((folder, prefix, depth)) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            warnings.push(format!("`{prefix}` cannot be listed"));
            continue;
        };
        for entry in entries.filter_map(Result::ok) {
            let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else {
                warnings.push(format!(
                    "`{prefix}` holds a file whose name is not Unicode; it was left out"
                ));
                continue;
            };

            if kind.is_dir() && depth < DEEPEST {
                waiting.push((entry.path(), format!("{prefix}/{name}"), depth + 1));
            } else if kind.is_file()
                && let Some(stem) = name.strip_suffix(".tc")
            {
                let id = format!("{prefix}/{stem}");
                cases.push(match open::whole(&entry.path()) {
                    Ok(bytes) => TestCase::read(id, &bytes),
                    Err(error) => TestCase::unreadable(id, error.to_string()),
                });
            }

            if cases.len() == MOST_TEST_CASES {
                warnings.push(format!(
                    "only the first {MOST_TEST_CASES} test cases were read"
                ));
                break 'walk;
            }
        }
    }

    cases.sort_by(|a, b| a.id.cmp(&b.id));
    cases
}
