//! The automation fields of test case work items, which Katalon sets from 10.3 on: status, test
//! name, storage and type.
//!
//! Name and storage are those of the results. Where several test cases share an ADO id the first
//! one counts, unless the fields name another of them already: suites that execute them in
//! different order are not to take turns.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plan::SubmissionPlan;
use crate::plan::text;

/// What becomes of fields that say something already.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutomationRule {
    /// They stay; only empty ones are filled in.
    Fill,
    /// They are overridden.
    Override,
}

/// What results and work items call the kind of test.
pub(crate) const TEST_TYPE: &str = "Katalon";

/// `Microsoft.VSTS.TCM.AutomationStatus` of a test case that nobody automated: ADO's default, so it
/// counts as empty.
const NOT_AUTOMATED: &str = "Not Automated";
const AUTOMATED: &str = "Automated";

/// Names of the fields.
pub(crate) mod field {
    /// `Not Automated`, `Planned` or `Automated`.
    pub(crate) const STATUS: &str = "Microsoft.VSTS.TCM.AutomationStatus";
    /// Automated test name.
    pub(crate) const NAME: &str = "Microsoft.VSTS.TCM.AutomatedTestName";
    /// Automated test storage.
    pub(crate) const STORAGE: &str = "Microsoft.VSTS.TCM.AutomatedTestStorage";
    /// Automated test type.
    pub(crate) const TYPE: &str = "Microsoft.VSTS.TCM.AutomatedTestType";
}

/// The fields as a work item has them; an empty one is `None`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AutomationFields {
    /// Status.
    pub status: Option<String>,
    /// Test name.
    pub name: Option<String>,
    /// Test storage.
    pub storage: Option<String>,
    /// Test type.
    pub kind: Option<String>,
}

/// A field and the value that it is to have.
pub(crate) type Change = (&'static str, String);

/// The test cases of a plan that have a result, each with the ids of the tests that feed it, the
/// first one first.
pub(crate) fn automated(plan: &SubmissionPlan) -> BTreeMap<u32, Vec<String>> {
    let mut cases: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for result in &plan.results {
        let tests = cases.entry(result.test_case_id).or_default();
        for test in &result.tests {
            if !tests.contains(test) {
                tests.push(test.clone());
            }
        }
    }
    cases
}

/// What has to change in a work item that these tests, at least one, automate; nothing when all is
/// so already.
pub(crate) fn changes(
    rule: AutomationRule,
    tests: &[String],
    now: &AutomationFields,
) -> Vec<Change> {
    let named = |test: &&String| {
        now.storage.as_deref() == Some(&*storage(test)) && now.name.as_deref() == Some(&*name(test))
    };
    let Some(test) = tests.iter().find(named).or(tests.first()) else {
        return Vec::new();
    };
    let unset = now
        .status
        .as_ref()
        .filter(|status| !status.eq_ignore_ascii_case(NOT_AUTOMATED))
        .is_none();
    let status = if unset && rule == AutomationRule::Fill {
        &None
    } else {
        &now.status
    };
    let wanted = [
        (field::STATUS, status, AUTOMATED.to_owned()),
        (field::NAME, &now.name, name(test)),
        (field::STORAGE, &now.storage, storage(test)),
        (field::TYPE, &now.kind, TEST_TYPE.to_owned()),
    ];
    let open = wanted.into_iter().filter(|(_, now, wanted)| match rule {
        AutomationRule::Fill => now.is_none(),
        AutomationRule::Override => now.as_ref() != Some(wanted),
    });
    open.map(|(field, _, wanted)| (field, wanted)).collect()
}

/// The automated test name of a test: the last part of its id.
pub(crate) fn name(test: &str) -> String {
    text::fit(
        test.rsplit('/').next().unwrap_or(test),
        text::AUTOMATED_NAME,
    )
}

/// The automated test storage of a test: its whole id.
pub(crate) fn storage(test: &str) -> String {
    text::fit(test, text::AUTOMATED_NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tests(names: &[&str]) -> Vec<String> {
        names
            .iter()
            .map(|name| format!("Test Cases/{name}"))
            .collect()
    }

    fn fields(status: &str, name: &str, storage: &str, kind: &str) -> AutomationFields {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        AutomationFields {
            status: some(status),
            name: some(name),
            storage: some(storage),
            kind: some(kind),
        }
    }

    fn named(changes: &[Change]) -> Vec<(&str, &str)> {
        changes
            .iter()
            .map(|(field, value)| (field.rsplit('.').next().unwrap(), value.as_str()))
            .collect()
    }

    #[test]
    fn a_test_case_that_nobody_automated_gets_all_fields() {
        let all = [
            ("AutomationStatus", "Automated"),
            ("AutomatedTestName", "Login"),
            ("AutomatedTestStorage", "Test Cases/Web/Login"),
            ("AutomatedTestType", "Katalon"),
        ];
        for status in ["", "Not Automated"] {
            for rule in [AutomationRule::Fill, AutomationRule::Override] {
                let changes = changes(rule, &tests(&["Web/Login"]), &fields(status, "", "", ""));
                assert_eq!(named(&changes), all, "{status} {rule:?}");
            }
        }
    }

    #[test]
    fn what_somebody_else_set_stays_or_is_overridden_by_the_rule() {
        let theirs = fields("Planned", "Other", "other.dll", "");
        let tests = tests(&["Login"]);
        assert_eq!(
            named(&changes(AutomationRule::Fill, &tests, &theirs)),
            [("AutomatedTestType", "Katalon")]
        );
        assert_eq!(changes(AutomationRule::Override, &tests, &theirs).len(), 4);
    }

    #[test]
    fn fields_that_are_so_already_are_not_touched() {
        let ours = fields("Automated", "Login", "Test Cases/Login", "Katalon");
        for rule in [AutomationRule::Fill, AutomationRule::Override] {
            assert_eq!(changes(rule, &tests(&["Login"]), &ours), []);
            assert_eq!(
                changes(rule, &tests(&["Logout", "Login"]), &ours),
                [],
                "one of several is enough"
            );
        }
        let moved = tests(&["Web/Login"]);
        assert_eq!(
            named(&changes(AutomationRule::Override, &moved, &ours)),
            [("AutomatedTestStorage", "Test Cases/Web/Login")]
        );
    }
}
