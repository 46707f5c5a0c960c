//! A Katalon project: its `.prj` and what belongs to it.

use std::path::PathBuf;

use crate::katalon::settings::AzureSettings;
use crate::katalon::test_case::TestCase;

/// A Katalon project as it lies on disk.
#[derive(Debug)]
pub struct Project {
    /// `<name>` of the `.prj`, else the name of its file.
    pub name: String,
    /// The folder that holds the `.prj`.
    pub root: PathBuf,
    /// The settings for Azure DevOps.
    pub settings: AzureSettings,
    /// Every test case below `Test Cases`, sorted by id.
    pub test_cases: Vec<TestCase>,
    /// What could not be read.
    pub warnings: Vec<String>,
}
