//! Katalon projects on disk.

#![expect(
    clippy::disallowed_methods,
    reason = "the project is found on the disk"
)]

use std::fs;
use std::path::{Path, PathBuf};

use super::{ReadError, names, open};
use crate::error_chain::chain;
use crate::file_names::{has_extension, is_named};
use crate::katalon::project::{Project, name_of};
use crate::katalon::run::RunOptions;
use crate::katalon::settings::AzureSettings;
use crate::katalon::suite;
use crate::katalon::test_case::TestCase;
use crate::moment::Moment;

/// The project's own settings for kado, beside its `.prj`.
pub const PROJECT_FILE: &str = "kado.toml";
/// The settings file, below the project.
const SETTINGS: &str = "settings/external/com.kms.katalon.integration.azure.properties";
/// Folders below `Test Cases` that are looked into, and test cases that are read.
const DEEPEST: usize = 32;
const MOST_TEST_CASES: usize = 50_000;

/// Reads the project whose `.prj` lies in `root`.
///
/// # Errors
/// When there is no `.prj`, or the folder cannot be listed. Everything else that cannot be read is
/// a warning.
pub fn read_project(root: &Path) -> Result<Project, ReadError> {
    let mut warnings = Vec::new();
    let prj = project_files(root)?;
    let Some(first) = prj.first() else {
        return Err(ReadError::NoProject(root.to_owned()));
    };
    if prj.len() > 1 {
        warnings.push(format!(
            "there are {} `.prj` files; the first one by name counts",
            prj.len()
        ));
    }
    let name = name_in(first);
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
pub fn project_name(root: &Path) -> String {
    let first = project_files(root)
        .ok()
        .and_then(|files| files.into_iter().next());
    first.map_or_else(
        || {
            root.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        },
        |prj| name_in(&prj),
    )
}

fn name_in(prj: &Path) -> String {
    let name = open::whole(prj).ok().and_then(|bytes| name_of(&bytes));
    name.unwrap_or_else(|| {
        prj.file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    })
}

/// Reads the Azure settings of a project; a project without the file has the default settings, all
/// unset.
///
/// # Errors
/// When the file is there and cannot be opened or read.
pub fn read_azure_settings(root: &Path) -> Result<AzureSettings, ReadError> {
    let path = root.join(SETTINGS);
    let bytes = open::whole_if_any(&path).map_err(|source| ReadError::Io { path, source })?;
    Ok(AzureSettings::read(&bytes.unwrap_or_default()))
}

/// When the Azure settings of a project were written last; `None` without the file.
pub fn azure_settings_modified(root: &Path) -> Option<Moment> {
    modified(&root.join(SETTINGS))
}

/// When the project's own `kado.toml` was written last; `None` without it.
pub fn project_file_modified(root: &Path) -> Option<Moment> {
    modified(&root.join(PROJECT_FILE))
}

fn modified(file: &Path) -> Option<Moment> {
    let modified = fs::symlink_metadata(file).ok()?.modified().ok()?;
    Some(Moment::from_millis(
        jiff::Timestamp::try_from(modified).ok()?.as_millisecond(),
    ))
}

/// Reads the project's own `kado.toml`; `None` without it.
///
/// # Errors
/// When it is there and cannot be opened or read.
pub fn read_project_file(root: &Path) -> Result<Option<Vec<u8>>, ReadError> {
    let path = root.join(PROJECT_FILE);
    open::whole_if_any(&path).map_err(|source| ReadError::Io { path, source })
}

/// `numberOfRerun` of a suite of the project; `None` when the suite has no readable file.
pub fn number_of_reruns(root: &Path, suite: &str) -> Option<u32> {
    if leads_out(suite) {
        return None;
    }
    suite::number_of_reruns(&open::whole(&names::find_below(root, &format!("{suite}.ts"))).ok()?)
}

/// Whether an id, taken as a path, would leave the project.
fn leads_out(id: &str) -> bool {
    id.split(['/', '\\'])
        .any(|part| matches!(part, "" | "." | "..") || part.contains(':'))
}

/// Reads the `ado*` options of `console.properties`; without the file there are none.
///
/// # Errors
/// When the file is there and cannot be opened or read.
pub fn read_console_options(root: &Path) -> Result<RunOptions, ReadError> {
    let path = root.join("console.properties");
    let bytes = open::whole_if_any(&path).map_err(|source| ReadError::Io { path, source })?;
    Ok(RunOptions::read_console(&bytes.unwrap_or_default()))
}

/// Reads one test case by its id, such as `Test Cases/Login`; `None` when it has no file (any
/// more). Its file may spell the name in another Unicode form, on Windows in other letter case. An
/// id that leads out of the project has none.
///
/// # Errors
/// When the file is there and cannot be opened or read.
pub fn read_test_case(root: &Path, id: &str) -> Result<Option<TestCase>, ReadError> {
    if leads_out(id) {
        return Ok(None);
    }
    let path = names::find_below(root, &format!("{id}.tc"));
    let bytes = open::whole_if_any(&path).map_err(|source| ReadError::Io { path, source })?;
    Ok(bytes.map(|bytes| TestCase::read(id.to_owned(), &bytes)))
}

/// The root of the project that `path` lies in: the nearest folder above `Reports` that holds a
/// `.prj`, else the nearest folder that does, `path` itself included.
pub fn find_project_root(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let has_prj = |folder: &&Path| project_files(folder).is_ok_and(|files| !files.is_empty());
    let holds_reports = |folder: &&Path| {
        let below = path
            .strip_prefix(folder)
            .ok()
            .and_then(|below| below.components().next());
        below.is_some_and(|first| is_named(first.as_os_str(), "Reports"))
    };
    let above_reports = path.ancestors().filter(holds_reports).find(has_prj);
    above_reports
        .or_else(|| path.ancestors().find(has_prj))
        .map(Path::to_owned)
}

/// The project that a path given to katalonc leads to, which names its folder or its `.prj` file:
/// the folder, without links, so that two spellings of it can be compared. `None` when no project
/// lies there.
pub fn project_at(path: &Path) -> Option<PathBuf> {
    let is_prj = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("prj"))
        && path.is_file();
    let folder = if is_prj { path.parent()? } else { path };
    // A file that is named alone lies in the folder that the command runs in.
    let here = folder.as_os_str().is_empty();
    let folder = without_links(if here { Path::new(".") } else { folder })?;
    project_files(&folder)
        .is_ok_and(|files| !files.is_empty())
        .then_some(folder)
}

/// A folder's path without links and `..`; `None` when it is not there.
pub fn without_links(folder: &Path) -> Option<PathBuf> {
    fs::canonicalize(folder).ok()
}

/// A path without links and `..`, as far as it is there: a folder that is gone keeps its place.
pub fn resolved(path: &Path) -> PathBuf {
    let there = path
        .ancestors()
        .find_map(|above| Some((above, without_links(above)?)));
    let rest = there
        .as_ref()
        .and_then(|(above, _)| path.strip_prefix(above).ok());
    match (&there, rest) {
        (Some((_, plain)), Some(rest)) if rest.as_os_str().is_empty() => plain.clone(),
        (Some((_, plain)), Some(rest)) => plain.join(rest),
        _ => path.to_owned(),
    }
}

/// The `.prj` files of a folder, sorted.
fn project_files(folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
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
    files.sort();
    Ok(files)
}

fn read_test_cases(root: &Path, warnings: &mut Vec<String>) -> Vec<TestCase> {
    let mut cases = Vec::new();
    let mut waiting = vec![(root.join("Test Cases"), "Test Cases".to_owned(), 0)];
    while let Some((folder, prefix, depth)) = waiting.pop() {
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
                match open::whole(&entry.path()) {
                    Ok(bytes) => cases.push(TestCase::read(id, &bytes)),
                    Err(error) => warnings.push(format!("`{id}.tc` cannot be read: {error}")),
                }
            }
            if cases.len() == MOST_TEST_CASES {
                warnings.push(format!(
                    "only the first {MOST_TEST_CASES} test cases were read"
                ));
                waiting.clear();
                break;
            }
        }
    }
    cases.sort_by(|a, b| a.id.cmp(&b.id));
    cases
}
