//! Test case files (`.tc`).

use crate::seed;
use crate::text::{groovy_literal, xml};

/// A test case of the project.
#[derive(Clone, Debug, Default)]
pub struct TestCaseFile {
    /// The whole id, `Test Cases/…`.
    pub id: String,
    /// Its description.
    pub description: String,
    /// Its tags.
    pub tag: String,
    /// The text of `azure.testcase.ids`; `None` writes no link, an empty text writes an entry
    /// without a value.
    pub azure_ids: Option<String>,
    /// Other products linked in the same file: product, key, value.
    pub other_links: Vec<(String, String, String)>,
    /// Variables, in order.
    pub variables: Vec<CaseVariable>,
}

/// A variable of a test case.
#[derive(Clone, Debug)]
pub struct CaseVariable {
    /// Its name.
    pub name: String,
    /// The default value as Groovy source.
    pub default: String,
    /// Whether Katalon prints asterisks for it.
    pub masked: bool,
}

impl TestCaseFile {
    /// A test case without a link.
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ..Self::default()
        }
    }

    /// Links it to ADO; the text is stored as it is.
    #[must_use]
    pub fn azure(mut self, ids: &str) -> Self {
        self.azure_ids = Some(ids.to_owned());
        self
    }

    /// Sets its tags.
    #[must_use]
    pub fn tag(mut self, tag: &str) -> Self {
        tag.clone_into(&mut self.tag);
        self
    }

    /// Sets its description.
    #[must_use]
    pub fn description(mut self, description: &str) -> Self {
        description.clone_into(&mut self.description);
        self
    }

    /// Adds a variable whose default value is a text.
    #[must_use]
    pub fn variable(mut self, name: &str, default: &str) -> Self {
        self.variables.push(CaseVariable {
            name: name.to_owned(),
            default: groovy_literal(default),
            masked: false,
        });
        self
    }

    /// Adds a masked variable whose default value is a text.
    #[must_use]
    pub fn masked_variable(mut self, name: &str, default: &str) -> Self {
        self.variables.push(CaseVariable {
            name: name.to_owned(),
            default: groovy_literal(default),
            masked: true,
        });
        self
    }

    /// The last part of the id.
    pub fn name(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or(&self.id)
    }

    /// The text of the file.
    pub fn to_xml(&self) -> String {
        let mut out =
            String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TestCaseEntity>\n");
        out.push_str(&format!(
            "   <description>{}</description>\n",
            xml(&self.description)
        ));
        out.push_str(&format!(
            "   <name>{}</name>\n   <tag>{}</tag>\n",
            xml(self.name()),
            xml(&self.tag)
        ));
        for (product, key, value) in &self.other_links {
            out.push_str(&link(product, key, Some(value)));
        }

        if let Some(ids) = &self.azure_ids {
            out.push_str(&link(
                "Azure",
                "azure.testcase.ids",
                Some(ids.as_str()).filter(|ids| !ids.is_empty()),
            ));
        }

        out.push_str("   <comment></comment>\n   <recordOption>OTHER</recordOption>\n");
        out.push_str(&format!(
            "   <testCaseGuid>{}</testCaseGuid>\n",
            seed::guid(&self.id)
        ));
        for variable in &self.variables {
            out.push_str(&variable_xml(&self.id, variable));
        }

        out.push_str("</TestCaseEntity>\n");

        out
    }
}

fn link(product: &str, key: &str, value: Option<&str>) -> String {
    let value = value
        .map(|value| format!("            <value>{}</value>\n", xml(value)))
        .unwrap_or_default();
    format!(
        "   <integratedEntity>\n      <productName>{}</productName>\n      <properties>\n         <entry>\n            <key>{}</key>\n{value}         </entry>\n      </properties>\n      <type>TESTCASE</type>\n   </integratedEntity>\n",
        xml(product),
        xml(key)
    )
}

fn variable_xml(case: &str, variable: &CaseVariable) -> String {
    format!(
        "   <variable>\n      <defaultValue>{}</defaultValue>\n      <description></description>\n      <id>{}</id>\n      <masked>{}</masked>\n      <name>{}</name>\n   </variable>\n",
        xml_text(&variable.default),
        seed::guid(&format!("{case}#{}", variable.name)),
        variable.masked,
        xml(&variable.name)
    )
}

/// Element text as the entity writer has it: an apostrophe stays.
fn xml_text(text: &str) -> String {
    xml(text).replace("&apos;", "'")
}
