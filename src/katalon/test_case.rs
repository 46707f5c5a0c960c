//! A test case file (`.tc`): its Azure ids and its variables.

use std::collections::BTreeMap;

/// What kado needs of a test case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestCase {
    /// Path below the project without `.tc`, with `/`: `Test Cases/Login`.
    pub id: String,
    /// Value of `azure.testcase.ids`, exactly as written; `None` without such an entry or with an empty one.
    pub azure_ids: Option<String>,
    /// Variables with their default value as a Groovy expression.
    pub variables: BTreeMap<String, String>,
    /// What could not be read.
    pub warnings: Vec<String>,
}
