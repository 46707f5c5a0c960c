//! A test case file (`.tc`): its Azure ids and its variables.
//!
//! The ids stand in the `integratedEntity` whose `productName` is `Azure`, as the entry
//! `azure.testcase.ids`; other products (TestOps, JIRA, qTest) have entities of their own in the
//! same file. A damaged file gives what stands before the damage, and a warning.

use std::collections::BTreeMap;

use crate::katalon::xml::{self, Doctype, Node};

/// What kado needs of a test case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestCase {
    /// Path below the project without `.tc`, with `/`: `Test Cases/Login`.
    pub id: String,
    /// Value of `azure.testcase.ids`, exactly as written; `None` without such an entry or with an
    /// empty one.
    pub azure_ids: Option<String>,
    /// Variables with their default value as a Groovy expression.
    pub variables: BTreeMap<String, String>,
    /// What could not be read.
    pub warnings: Vec<String>,
}

impl TestCase {
    /// Reads a `.tc` file. `id` is its path below the project without `.tc`, with `/`.
    pub fn read(id: String, bytes: &[u8]) -> Self {
        let mut file = OpenFile::default();
        let mut warnings = Vec::new();
        match xml::walk(bytes, |path, node| file.visit(path, &node)) {
            Ok(Doctype::Absent) => {}
            Ok(Doctype::Skipped) => {
                warnings.push(format!("`{id}.tc` has a DOCTYPE; it was not read"));
            }
            Err(error) => warnings.push(format!("`{id}.tc` could be read only in part: {error}")),
        }

        if file.ids.len() > 1 {
            warnings.push(format!(
                "`{id}.tc` has several entries `azure.testcase.ids`; all of them count"
            ));
        }

        let azure_ids = (!file.ids.is_empty()).then(|| file.ids.join(","));
        Self {
            id,
            azure_ids,
            variables: file.variables,
            warnings,
        }
    }
}

/// What was read of the file so far, and the elements that are open.
#[derive(Default)]
struct OpenFile {
    product: String,
    /// Ids of the open entity. Its product can stand behind them, so they wait for its end.
    entity_ids: Vec<String>,
    key: String,
    value: String,
    variable_name: String,
    variable_default: String,
    ids: Vec<String>,
    variables: BTreeMap<String, String>,
}

impl OpenFile {
    fn visit(&mut self, path: &[String], node: &Node<'_>) {
        let Node::Close(text) = node else {
            return;
        };
        let (parent, element) = match path {
            [.., parent, element] => (parent.as_str(), element.as_str()),
            [element] => ("", element.as_str()),
            [] => return,
        };

        match (parent, element) {
            ("integratedEntity", "productName") => text.trim().clone_into(&mut self.product),
            ("entry", "key") => text.trim().clone_into(&mut self.key),
            ("entry", "value") => (*text).clone_into(&mut self.value),
            (_, "entry") => self.close_entry(),
            (_, "integratedEntity") => self.close_entity(),
            ("variable", "name") => text.trim().clone_into(&mut self.variable_name),
            ("variable", "defaultValue") => (*text).clone_into(&mut self.variable_default),
            (_, "variable") => self.close_variable(),
            _ => {}
        }
    }

    fn close_entry(&mut self) {
        // Real files have entries without a value. It is taken away here, so that none of them gets
        // the value of the entry before.
        let value = std::mem::take(&mut self.value);
        if std::mem::take(&mut self.key) == "azure.testcase.ids" && !value.trim().is_empty() {
            self.entity_ids.push(value);
        }
    }

    fn close_entity(&mut self) {
        let ids = std::mem::take(&mut self.entity_ids);
        if std::mem::take(&mut self.product).eq_ignore_ascii_case("Azure") {
            self.ids.extend(ids);
        }
    }

    fn close_variable(&mut self) {
        // Taken away for the same reason as the value of an entry: a variable may have no default.
        let name = std::mem::take(&mut self.variable_name);
        let default = std::mem::take(&mut self.variable_default);
        if !name.is_empty() {
            self.variables.insert(name, default);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entity(product: &str, entries: &str) -> String {
        format!(
            "<integratedEntity><productName>{product}</productName><properties>{entries}</properties>\
             <type>TESTCASE</type></integratedEntity>"
        )
    }

    fn read(inner: &str) -> TestCase {
        let file = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<TestCaseEntity>{inner}</TestCaseEntity>"
        );
        TestCase::read("Test Cases/A".to_owned(), file.as_bytes())
    }

    const IDS: &str = "<entry><key>azure.testcase.ids</key><value>545, 8562\n</value></entry>";

    #[test]
    fn the_ids_of_the_azure_entity_are_read_as_written() {
        let case = read(&(entity("JIRA", IDS.replace('5', "9").as_str()) + &entity("Azure", IDS)));
        assert_eq!(case.azure_ids.as_deref(), Some("545, 8562\n"));
        assert_eq!(case.warnings, [""; 0]);
    }

    #[test]
    fn an_entry_without_value_is_no_id() {
        assert_eq!(
            read(&entity(
                "Azure",
                "<entry><key>azure.testcase.ids</key></entry>"
            ))
            .azure_ids,
            None
        );
        assert_eq!(
            read(&entity(
                "Azure",
                "<entry><key>azure.testcase.ids</key><value/></entry>"
            ))
            .azure_ids,
            None
        );
    }

    #[test]
    fn variables_have_their_default_values() {
        let case = read(
            "<variable><defaultValue>'12'</defaultValue><description></description><id>1</id>\
             <masked>false</masked><name>ado_id</name></variable><variable><name>b</name></variable>",
        );
        assert_eq!(
            case.variables.get("ado_id").map(String::as_str),
            Some("'12'")
        );
        assert_eq!(case.variables.get("b").map(String::as_str), Some(""));
    }

    #[test]
    fn a_damaged_file_gives_what_stands_before_the_damage() {
        let case = TestCase::read(
            "Test Cases/A".to_owned(),
            format!("<a>{}<b></a>", entity("Azure", IDS)).as_bytes(),
        );
        assert_eq!(case.azure_ids.as_deref(), Some("545, 8562\n"));
        assert_eq!(case.warnings.len(), 1);
    }

    #[test]
    fn a_doctype_is_a_warning() {
        assert_eq!(
            TestCase::read("A".to_owned(), b"<!DOCTYPE x><a/>")
                .warnings
                .len(),
            1
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(text in r"[<>/&;!\[\]a-c= ']{0,80}") {
            TestCase::read("A".to_owned(), text.as_bytes());
        }
    }
}
