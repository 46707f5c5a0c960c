//! The automation fields of test case work items, which Katalon sets from 10.3 on: status, test
//! name, storage and type.
//!
//! Name and storage are those of the results. Where several test cases share an ADO id the first
//! one counts, unless the fields name another of them already: suites that execute them in
//! different order are not to take turns.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::plan::SubmissionPlan;
use crate::plan::text;

/// What becomes of fields that say something already.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AutomationRule {
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
pub(crate) struct AutomationFields {
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
    let mut unique = HashSet::new();

    for result in &plan.results {
        let tests = cases.entry(result.test_case_id).or_default();
        for test in &result.tests {
            if unique.insert((result.test_case_id, test.as_str())) {
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
    current: &AutomationFields,
) -> Vec<Change> {
    let Some(test) = named_test(tests, current).or(tests.first()) else {
        return Vec::new();
    };

    // ADO's default status says as little as an empty one.
    let status = current.status.as_deref();
    let status = match rule {
        AutomationRule::Fill => status.filter(|status| !is_default(status)),
        AutomationRule::Override => status,
    };

    let fields = [
        (field::STATUS, status, AUTOMATED.to_owned()),
        (field::NAME, current.name.as_deref(), name(test)),
        (field::STORAGE, current.storage.as_deref(), storage(test)),
        (field::TYPE, current.kind.as_deref(), TEST_TYPE.to_owned()),
    ];
    let mut changes = Vec::new();
    for (field, value, wanted) in fields {
        let changes_it = match rule {
            AutomationRule::Fill => value.is_none(),
            AutomationRule::Override => value != Some(wanted.as_str()),
        };

        if changes_it {
            changes.push((field, wanted));
        }
    }

    changes
}

/// The test that the fields name already.
fn named_test<'t>(tests: &'t [String], current: &AutomationFields) -> Option<&'t String> {
    tests.iter().find(|test| {
        current.storage.as_deref() == Some(storage(test).as_str())
            && current.name.as_deref() == Some(name(test).as_str())
    })
}

fn is_default(status: &str) -> bool {
    status.eq_ignore_ascii_case(NOT_AUTOMATED)
}

/// The automated test name of a test: the last part of its id.
pub(crate) fn name(test: &str) -> String {
    // Nothing that changes from run to run, such as an iteration, may be part of it: ADO makes a
    // row for each new name, and fails after too many (`ado/api.md` §11).
    let last_part = test.rsplit('/').next().unwrap_or(test);
    text::fit(last_part, text::AUTOMATED_NAME)
}

/// The automated test storage of a test: its whole id.
pub(crate) fn storage(test: &str) -> String {
    text::fit(test, text::AUTOMATED_NAME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::katalon::settings::AzureSettings;
    use crate::katalon::status::Status;
    use crate::plan::ado_facts::AdoFacts;
    use crate::plan::history::TestMemory;
    use crate::plan::{plan, sample};

    fn tests(names: &[&str]) -> Vec<String> {
        names
            .iter()
            .map(|name| format!("Test Cases/{name}"))
            .collect()
    }

    fn fields(status: &str, name: &str, storage: &str, kind: &str) -> AutomationFields {
        AutomationFields {
            status: filled(status),
            name: filled(name),
            storage: filled(storage),
            kind: filled(kind),
        }
    }

    fn filled(text: &str) -> Option<String> {
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Each change as `AutomatedTestName = Login`.
    fn in_words(changes: &[Change]) -> Vec<String> {
        let mut words = Vec::new();
        for (field, value) in changes {
            let short = field.rsplit('.').next().unwrap();
            words.push(format!("{short} = {value}"));
        }
        words
    }

    #[test]
    fn a_test_case_that_nobody_automated_gets_all_fields() {
        for status in ["", "Not Automated"] {
            for rule in [AutomationRule::Fill, AutomationRule::Override] {
                let changes = changes(rule, &tests(&["Web/Login"]), &fields(status, "", "", ""));

                assert_eq!(
                    in_words(&changes),
                    [
                        "AutomationStatus = Automated",
                        "AutomatedTestName = Login",
                        "AutomatedTestStorage = Test Cases/Web/Login",
                        "AutomatedTestType = Katalon",
                    ],
                    "{status} {rule:?}"
                );
            }
        }
    }

    #[test]
    fn what_somebody_else_set_stays_or_is_overridden_by_the_rule() {
        let theirs = fields("Planned", "Other", "other.dll", "");
        let tests = tests(&["Login"]);

        let filled = changes(AutomationRule::Fill, &tests, &theirs);
        let overridden = changes(AutomationRule::Override, &tests, &theirs);

        assert_eq!(in_words(&filled), ["AutomatedTestType = Katalon"]);
        assert_eq!(overridden.len(), 4);
    }

    #[test]
    fn fields_that_are_so_already_are_not_touched() {
        let ours = fields("Automated", "Login", "Test Cases/Login", "Katalon");

        for rule in [AutomationRule::Fill, AutomationRule::Override] {
            assert_eq!(changes(rule, &tests(&["Login"]), &ours), []);
        }
    }

    #[test]
    fn fields_that_name_one_of_several_tests_are_not_touched() {
        let ours = fields("Automated", "Login", "Test Cases/Login", "Katalon");

        for rule in [AutomationRule::Fill, AutomationRule::Override] {
            assert_eq!(changes(rule, &tests(&["Logout", "Login"]), &ours), []);
        }
    }

    #[test]
    fn fields_that_name_only_half_of_a_test_are_not_those_of_it() {
        let same_name = fields("Automated", "Login", "Test Cases/Web/Login", "Katalon");

        let changes = changes(
            AutomationRule::Override,
            &tests(&["Logout", "Login"]),
            &same_name,
        );

        assert_eq!(
            in_words(&changes),
            [
                "AutomatedTestName = Logout",
                "AutomatedTestStorage = Test Cases/Logout"
            ]
        );
    }

    #[test]
    fn each_test_case_is_automated_by_its_tests_in_their_order_and_by_each_once() {
        let mut run = sample::run("Smoke", 0, 9000);
        run.tests = vec![
            sample::test("B", 0, &[Status::Passed]),
            sample::test("A", 0, &[Status::Passed]),
            sample::test("C", 0, &[Status::Passed]),
        ];
        let mut snapshot = sample::snapshot(run, &AzureSettings::default());
        for (name, ids) in [("A", "1001"), ("B", "1001"), ("C", "1002")] {
            let case = sample::case_with_ids(ids);
            snapshot.cases.insert(format!("Test Cases/{name}"), case);
        }
        // Two points of one test case make two results of it.
        snapshot.options.multiple_points = true;
        let points = [
            sample::point(1, 1001, 1),
            sample::point(2, 1001, 2),
            sample::point(3, 1002, 1),
        ];
        let plan = plan(
            &snapshot,
            18,
            "key",
            &AdoFacts::of_points(&points),
            &TestMemory::default(),
        );

        let automated = automated(&plan);

        assert_eq!(automated[&1001], tests(&["B", "A"]));
        assert_eq!(automated[&1002], tests(&["C"]));
        assert_eq!(automated.len(), 2);
    }

    #[test]
    fn a_test_that_was_moved_has_another_storage() {
        let ours = fields("Automated", "Login", "Test Cases/Login", "Katalon");

        let changes = changes(AutomationRule::Override, &tests(&["Web/Login"]), &ours);

        assert_eq!(
            in_words(&changes),
            ["AutomatedTestStorage = Test Cases/Web/Login"]
        );
    }
}
