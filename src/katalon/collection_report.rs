//! The report of a test suite collection (`<stamp>.rp`): which run folders belong together.
//!
//! Katalon writes it when the collection starts and lists all members, also those that never run.

use crate::katalon::xml::{self, Node, XmlError};

/// A collection's report.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Collection {
    /// Id of the collection, `Test Suites/…` (after 6.3).
    pub id: Option<String>,
    /// Run folders of the members, relative to the project with `/`: `Reports/…`.
    pub members: Vec<String>,
}

impl Collection {
    /// Reads an `.rp` file.
    ///
    /// # Errors
    /// When it is not well-formed to its end, as while it is being written.
    pub fn read(bytes: &[u8]) -> Result<Self, XmlError> {
        let mut collection = Self::default();
        xml::walk(bytes, |path, node| {
            let (Some(name), Node::Close(text)) = (path.last(), node) else {
                return;
            };
            let text = text.trim();
            match name.as_str() {
                "reportLocation" if !text.is_empty() => {
                    collection.members.push(text.replace('\\', "/"));
                }
                "testSuiteCollectionId" if !text.is_empty() => {
                    collection.id = Some(text.to_owned());
                }
                _ => {}
            }
        })?;
        Ok(collection)
    }

    /// Whether a member's run folder ends in the same names as `path`, which is given from
    /// `Reports` on with `/`.
    pub fn lists(&self, path: &str) -> bool {
        self.members
            .iter()
            .any(|member| member.trim_matches('/') == path.trim_matches('/'))
    }
}

/// The suite or collection whose folder this is, by the names below `Reports`:
/// `<session>/<suite>/<stamp>`.
pub fn suite_at<S: AsRef<str>>(names: &[S]) -> String {
    let inner = names
        .get(1..names.len().saturating_sub(1))
        .unwrap_or_default();
    format!(
        "Test Suites/{}",
        inner
            .iter()
            .map(AsRef::as_ref)
            .collect::<Vec<_>>()
            .join("/")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_id_are_read() {
        let file = b"<ReportCollectionEntity><name>1</name><reportItemDescriptions><ReportItemDescription>\
            <reportLocation>Reports\\1/A b/2</reportLocation></ReportItemDescription></reportItemDescriptions>\
            <testSuiteCollectionId>Test Suites/C</testSuiteCollectionId></ReportCollectionEntity>";
        let collection = Collection::read(file).unwrap();
        assert_eq!(collection.id.as_deref(), Some("Test Suites/C"));
        assert!(collection.lists("Reports/1/A b/2"));
        assert!(!collection.lists("Reports/1/A b/3"));
        assert!(Collection::read(&file[..file.len() - 9]).is_err());
    }
}
