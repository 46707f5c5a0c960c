//! A Katalon project: its `.prj` and what belongs to it.

use std::path::PathBuf;

use crate::katalon::id_effort::IdEffort;
use crate::katalon::id_rule::IdRule;
use crate::katalon::settings::AzureSettings;
use crate::katalon::test_case::TestCase;
use crate::katalon::text::short_name;
use crate::katalon::xml::{self, Node};

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

impl Project {
    /// Lets every test case have its ids from where the rule says.
    pub fn find_ids(&mut self, rule: &IdRule) {
        let mut effort = IdEffort::of_reading();
        for case in &mut self.test_cases {
            rule.apply(case, &mut effort);
        }
    }
}

/// The project's name in a `.prj` file: the `<name>` directly below the root. `None` when there is
/// none, or an empty one, or when the file is damaged before it.
pub fn name_of(prj: &[u8]) -> Option<String> {
    let mut name = None;
    // Damage behind the name does not matter, and damage before it leaves the name of the file.
    let _ = xml::walk(prj, |path, node| {
        if let ([_, element], Node::Close(text)) = (path, node)
            && element == "name"
            && name.is_none()
            && !text.trim().is_empty()
        {
            name = Some(short_name(text.trim().to_owned()));
        }
    });

    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_read_from_the_prj() {
        let file = b"<?xml version=\"1.0\"?>\n<Project><name>Shop &amp; Co</name><sub><name>x</name></sub></Project>";
        assert_eq!(name_of(file).as_deref(), Some("Shop & Co"));
        assert_eq!(
            name_of(b"<Project><sub><name>x</name></sub></Project>"),
            None
        );
        assert_eq!(name_of(b""), None);
    }
}
