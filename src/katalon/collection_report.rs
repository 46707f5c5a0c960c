//! The report of a test suite collection (`<stamp>.rp`): which run folders belong together.
//!
//! Katalon writes it when the collection starts and lists all members, also those that never run.
//! Source: the XML of Katalon's `ReportCollectionEntity`, as the collections of the corpus have it
//! (6.0.5 to 11.1.2); `testSuiteCollectionId` came after 6.3.

use crate::katalon::xml::{self, Node, XmlError};

/// Members that are read; a run beyond them is one of its own, and says so.
pub(crate) const MOST_MEMBERS: usize = 1_000;
/// Bytes of the report; the longest of the corpus has 4 kB.
const LARGEST: usize = 4 * 1024 * 1024;

/// Whether a run is a member of a collection, and of which.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Membership {
    /// It is a suite run of its own.
    #[default]
    Single,
    /// A member of the collection with this id.
    Of(String),
    /// A member of a collection whose report does not say its id (up to Katalon 6.3).
    OfUnnamed,
}

/// A collection's report.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct CollectionReport {
    /// Id of the collection, `Test Suites/…` (after 6.3).
    pub id: Option<String>,
    /// Run folders of the members, relative to the project with `/`: `Reports/…`.
    pub members: Vec<String>,
    /// Whether it lists more of them than are read.
    pub is_cut: bool,
}

impl CollectionReport {
    /// Reads an `.rp` file.
    ///
    /// # Errors
    /// When it is not well-formed to its end, as while it is being written, or larger than a report
    /// is.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, XmlError> {
        if bytes.len() > LARGEST {
            return Err(XmlError::too_large(LARGEST));
        }

        let mut report = Self::default();
        xml::walk(bytes, |path, node| {
            let (Some(name), Node::Close(text)) = (path.last(), node) else {
                return;
            };
            let text = text.trim();
            if text.is_empty() {
                return;
            }
            match name.as_str() {
                // Windows writes its own separators.
                "reportLocation" if report.members.len() < MOST_MEMBERS => {
                    report.members.push(text.replace('\\', "/"));
                }
                "reportLocation" => report.is_cut = true,
                "testSuiteCollectionId" => report.id = Some(text.to_owned()),
                _ => {}
            }
        })?;

        Ok(report)
    }

    /// What a member of this collection is.
    pub(crate) fn membership(&self) -> Membership {
        match &self.id {
            Some(id) => Membership::Of(id.clone()),
            None => Membership::OfUnnamed,
        }
    }

    /// Whether it lists a run folder, which is named from `Reports` on with `/`.
    pub(crate) fn lists(&self, location: &str) -> bool {
        self.members
            .iter()
            .any(|member| member.trim_matches('/') == location.trim_matches('/'))
    }
}

/// The suite or collection whose folder this is, by the names below `Reports`:
/// `<session>/<suite>/<stamp>`, where the suite may lie in folders of its own.
pub(crate) fn suite_at<S: AsRef<str>>(names: &[S]) -> String {
    let inner: Vec<&str> = names
        .get(1..names.len().saturating_sub(1))
        .unwrap_or_default()
        .iter()
        .map(AsRef::as_ref)
        .collect();
    format!("Test Suites/{}", inner.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_id_are_read() {
        let file = b"<ReportCollectionEntity><name>1</name><reportItemDescriptions><ReportItemDescription>\
            <reportLocation>Reports\\1/A b/2</reportLocation></ReportItemDescription></reportItemDescriptions>\
            <testSuiteCollectionId>Test Suites/C</testSuiteCollectionId></ReportCollectionEntity>";

        let report = CollectionReport::read(file).unwrap();

        assert_eq!(report.id.as_deref(), Some("Test Suites/C"));
        assert!(report.lists("Reports/1/A b/2"));
        assert!(!report.lists("Reports/1/A b/3"));

        assert!(CollectionReport::read(&file[..file.len() - 9]).is_err());
    }

    #[test]
    fn a_report_that_lists_more_members_than_are_read_says_so() {
        for (count, is_cut) in [(MOST_MEMBERS, false), (MOST_MEMBERS + 1, true)] {
            let member = "<reportLocation>Reports/1/A/2</reportLocation>";
            let file = format!("<a>{}</a>", member.repeat(count));

            let report = CollectionReport::read(file.as_bytes()).unwrap();

            assert_eq!(report.members.len(), MOST_MEMBERS);
            assert_eq!(report.is_cut, is_cut);
        }
    }
}
