//! The arguments of katalonc that the stand-in understands; all others are accepted.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// What is to be executed, and how.
#[derive(Debug, Default)]
pub struct Arguments {
    project: String,
    /// `-testSuitePath`.
    pub suite: String,
    /// `-testSuiteCollectionPath`.
    pub collection: Option<String>,
    /// `-executionUUID`.
    pub uuid: Option<String>,
    /// `-reportFolder`, relative to the project.
    pub report_folder: Option<String>,
    /// `-retry`: so many more sessions.
    pub retry: u32,
    /// The pairs behind `--info`.
    pub info: Vec<(String, String)>,
}

impl Arguments {
    /// Reads the arguments behind the program's name.
    pub fn read(arguments: impl Iterator<Item = String>) -> Self {
        let mut read = Self::default();
        let mut is_info = false;

        for argument in arguments {
            let pair = argument.trim_start_matches('-').split_once('=');
            match pair {
                Some((key, value)) if is_info => read.info.push((key.to_owned(), value.to_owned())),
                Some((key, value)) => read.take(key, value),
                None => {}
            }
            is_info = argument == "--info";
        }

        read
    }

    fn take(&mut self, key: &str, value: &str) {
        match key {
            "projectPath" => value.clone_into(&mut self.project),
            "testSuitePath" => value.clone_into(&mut self.suite),
            "testSuiteCollectionPath" => self.collection = Some(value.to_owned()),
            "executionUUID" => self.uuid = Some(value.to_owned()),
            "reportFolder" => self.report_folder = Some(value.to_owned()),
            "retry" => self.retry = value.parse().unwrap_or(0),
            _ => {}
        }
    }

    /// The project's folder; `-projectPath` names it or its `.prj` file.
    pub fn project_root(&self) -> Result<PathBuf> {
        let path = Path::new(&self.project)
            .canonicalize()
            .context("no project lies at -projectPath")?;
        let folder = if path.is_file() {
            path.parent().map(Path::to_owned)
        } else {
            Some(path)
        };
        folder.context("-projectPath names no project")
    }
}
