//! `kado support`: one file with what whoever helps has to know, and without a secret.
//!
//! What goes in is chosen, and nothing is taken as it lies: of `kado.toml` only values that are
//! known to be none (`configuration`), of the environment only names. And then every secret that
//! this machine has is looked for in what was made (`secrets`), in each form in which a program may
//! have written it; where one is found the file is not kept. What of the projects is named
//! (folders, suites, test cases) stays, because it is what the questions are about.

#![expect(
    clippy::disallowed_methods,
    reason = "log files are read, and the environment is listed by its names"
)]

mod configuration;
mod secrets;

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::json;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

pub(crate) use secrets::FoundSecret;
use secrets::Secrets;

use crate::check::Report;
use crate::clock;
use crate::config::{Config, paths};
use crate::error_chain::chain;
use crate::katalon::masked::MaskedValues;
use crate::katalon::redaction::Redaction;
use crate::overview;
use crate::state_dir;

/// Runs that are listed, the newest.
const RUNS: usize = 20;
/// Log files that are taken, the newest.
const LOGS: usize = 3;
/// Bytes of a log file that are taken, the newest.
const LARGEST_LOG: u64 = 2 * 1024 * 1024;
/// Bytes of an entry that are looked through again; all are smaller.
const LARGEST_ENTRY: u64 = 64 * 1024 * 1024;

/// No file was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SupportError {
    /// There is something of this name.
    #[error("`{}` is there already; name another file, or use `--force`", .0.display())]
    Exists(PathBuf),
    /// It cannot be written.
    #[error("`{}` cannot be written", file.display())]
    Write {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A secret was found in it.
    #[error(
        "nothing is kept, because `{entry}` holds {what} {form}; that is a defect of kado, or \
         somebody wrote it there: please look, and report it without the secret",
        entry = .0.entry, what = .0.what, form = .0.form
    )]
    Secret(FoundSecret),
}

/// Texts by the names of their entries.
pub(crate) struct Bundle {
    entries: Vec<(String, String)>,
    secrets: Secrets,
}

/// Whether a file that is there is replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Existing {
    Keep,
    Replace,
}

/// Collects what this machine can tell. `projects` are those in the watched folders, and `report`
/// is what looking at it came to.
pub(crate) fn collect(config: &Config, projects: &[PathBuf], report: &Report) -> Bundle {
    let mut entries = vec![
        ("versions.txt".to_owned(), versions(config)),
        ("environment.txt".to_owned(), environment()),
    ];
    let text = config.file.as_deref().and_then(paths::text_of);
    if let Some(text) = text {
        let shown = configuration::without_secrets(&text);
        entries.push(("kado.toml".to_owned(), shown));
    }

    let checks = json!({ "ok": report.ok(), "checks": report.checks });
    entries.push(("check.json".to_owned(), pretty(&checks)));
    match overview::look(config) {
        Ok(overview) => {
            let runs = &overview.rows[..overview.rows.len().min(RUNS)];
            entries.push(("status.json".to_owned(), pretty(&overview.status)));
            entries.push(("runs.json".to_owned(), pretty(&runs)));
        }
        Err(error) => entries.push(("status.txt".to_owned(), chain(&error))),
    }
    entries.extend(logs(&paths::log_dir(config)));

    // Once more what the writer of kado.toml wants hidden: logs of before have it as it was.
    let nothing = MaskedValues::default();
    let redaction = Redaction::new(&config.redact, &nothing);
    for (_, text) in &mut entries {
        *text = redaction.text(text).into_owned();
    }
    Bundle {
        entries,
        secrets: Secrets::of(config, projects),
    }
}

impl Bundle {
    /// The names of the entries.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }

    /// Writes the file, for its owner alone and never through a link, and looks through what was
    /// written.
    ///
    /// # Errors
    /// When it cannot be written, and when it holds a secret; then there is no file.
    pub(crate) fn write(&self, file: &Path, existing: Existing) -> Result<(), SupportError> {
        let failed = |source| SupportError::Write {
            file: file.to_owned(),
            source,
        };
        if existing == Existing::Keep && std::fs::symlink_metadata(file).is_ok() {
            return Err(SupportError::Exists(file.to_owned()));
        }

        // Beside it, so that nobody finds one that was not looked through.
        let mut beside = file.as_os_str().to_owned();
        beside.push(format!(".{}.tmp", std::process::id()));
        let beside = PathBuf::from(beside);
        let written = self.write_new(&beside).map_err(failed);
        let found = match written {
            Ok(found) => found,
            Err(error) => {
                let _ = std::fs::remove_file(&beside);
                return Err(error);
            }
        };
        if let Some(finding) = found {
            std::fs::remove_file(&beside).map_err(failed)?;
            return Err(SupportError::Secret(finding));
        }

        // A link of this name is replaced, and not what it leads to.
        std::fs::rename(&beside, file).map_err(failed)
    }

    /// Writes a file that was not there; gives the secret that it holds.
    fn write_new(&self, file: &Path) -> io::Result<Option<FoundSecret>> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        let mut archive = ZipWriter::new(state_dir::make_file(file)?);
        for (name, text) in &self.entries {
            archive.start_file(name.as_str(), options)?;
            archive.write_all(text.as_bytes())?;
        }
        archive.finish()?.sync_all()?;
        self.look_through(file)
    }

    /// Looks for every secret in the file as it lies there, and in each of its entries.
    fn look_through(&self, file: &Path) -> io::Result<Option<FoundSecret>> {
        let mut whole = Vec::new();
        File::open(file)?.read_to_end(&mut whole)?;
        if let Some(finding) = self.secrets.find("the file itself", &whole) {
            return Ok(Some(finding));
        }

        let mut archive = ZipArchive::new(File::open(file)?)?;
        for at in 0..archive.len() {
            let entry = archive.by_index(at)?;
            let name = entry.name().to_owned();
            let mut content = Vec::new();
            entry.take(LARGEST_ENTRY).read_to_end(&mut content)?;
            if let Some(finding) = self.secrets.find(&name, &content) {
                return Ok(Some(finding));
            }
        }
        Ok(None)
    }
}

fn versions(config: &Config) -> String {
    let file = match &config.file {
        Some(file) => file.display().to_string(),
        None => "none".to_owned(),
    };
    format!(
        "kado {}\nsystem {} {}\nhost {}\nmade {}\nconfiguration {file}\nstate folder {}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        clock::host_name(),
        clock::now(),
        config.state_dir.display()
    )
}

/// The names of the variables that this process has; none of their values.
fn environment() -> String {
    let mut names: Vec<String> = std::env::vars_os()
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names.push(String::new());
    names.join("\n")
}

/// The newest log files of a folder, each from its end.
fn logs(folder: &Path) -> Vec<(String, String)> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name())
        .filter(|name| {
            let name = name.to_string_lossy();
            name.starts_with("kado.") && name.ends_with(".log")
        })
        .collect();
    // They are named by their days.
    names.sort();

    let mut logs = Vec::new();
    for name in names.iter().rev().take(LOGS) {
        let text = match end_of(&folder.join(name)) {
            Ok(text) => text,
            Err(error) => format!("it cannot be read: {error}\n"),
        };
        logs.push((format!("logs/{}", name.to_string_lossy()), text));
    }
    logs
}

fn end_of(file: &Path) -> io::Result<String> {
    let mut file = state_dir::open_to_read(file)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(LARGEST_LOG)))?;
    let mut bytes = Vec::new();
    file.take(LARGEST_LOG).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value)
        .unwrap_or_else(|error| format!("it cannot be written as JSON: {error}"))
}
