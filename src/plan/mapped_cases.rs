//! From the tests of a run to ADO test case ids.

use std::collections::BTreeSet;

use crate::katalon::azure_ids;
use crate::katalon::run::binding;
use crate::katalon::run::{TestResult, VariableValue};
use crate::plan::configuration::Configurations;
use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::plan::options::Unmapped;
use crate::plan::snapshot::{CaseIds, Snapshot};

/// The tests of a run by ADO test case id.
pub(crate) struct MappedCases<'a> {
    /// One group for each id and configuration, in the order in which the ids occur first.
    pub groups: Vec<MappedCase<'a>>,
    /// Ids that are none, and tests without a file.
    pub left_out: Vec<LeftOut>,
    /// How many results have no id and are therefore not submitted.
    pub unmapped: usize,
}

/// All results of a run that share an ADO test case id and ran in the same configuration.
pub(crate) struct MappedCase<'a> {
    /// The ADO test case.
    pub azure_id: u32,
    /// The configuration that the mapping gives for them; `None` does not filter points. It is the
    /// same for all tests of a suite, and can differ between the members of a collection.
    pub configuration: Option<u32>,
    /// At least one, in the order of the run.
    pub tests: Vec<&'a TestResult>,
}

/// Groups the results of a run by the ADO ids of their test cases.
pub(crate) fn group(snapshot: &Snapshot) -> MappedCases<'_> {
    let mut mapped = MappedCases {
        groups: Vec::new(),
        left_out: Vec::new(),
        unmapped: 0,
    };
    let mut told = BTreeSet::new();
    let configurations = Configurations::of(snapshot);
    for test in &snapshot.run.tests {
        let Some(case) = snapshot.cases.get(&test.id) else {
            if told.insert((test.id.clone(), String::new())) {
                mapped
                    .left_out
                    .push(no_file(test, snapshot.options.unmapped));
            }
            mapped.unmapped += 1;
            continue;
        };
        let Some(raw) = &case.azure_ids else {
            if snapshot.options.unmapped == Unmapped::Fail
                && told.insert((test.id.clone(), String::new()))
            {
                mapped.left_out.push(no_id(test));
            }
            mapped.unmapped += 1;
            continue;
        };
        let resolved = azure_ids::resolve(raw, &|name| variable(test, case, name));
        for problem in resolved.problems {
            let reason = with_iteration(
                test,
                &format!("ADO id `{}`: {}", problem.text, problem.reason),
            );
            if told.insert((test.id.clone(), reason.clone())) {
                mapped
                    .left_out
                    .push(LeftOut::id(LeftOutKind::InvalidId, &test.id, None, reason));
            }
        }
        for azure_id in resolved.ids {
            let configuration = configurations.for_test(test);
            let same = |group: &&mut MappedCase<'_>| {
                (group.azure_id, group.configuration) == (azure_id, configuration)
            };
            match mapped.groups.iter_mut().find(same) {
                Some(group) => group.tests.push(test),
                None => mapped.groups.push(MappedCase {
                    azure_id,
                    configuration,
                    tests: vec![test],
                }),
            }
        }
    }
    mapped
}

/// The value of a variable in one execution: what the run recorded, else the default of the `.tc`
/// file.
pub(crate) fn variable(test: &TestResult, case: &CaseIds, name: &str) -> Option<VariableValue> {
    let recorded = test.variables.get(name).cloned();
    recorded.or_else(|| {
        case.defaults
            .get(name)
            .map(|expression| binding::groovy(expression))
    })
}

fn no_id(test: &TestResult) -> LeftOut {
    let reason = "the test case has no ADO id; enter one on its Integration tab, or set `submit.unmapped = \"ignore\"`";
    LeftOut::id(LeftOutKind::NoId, &test.id, None, reason)
}

fn no_file(test: &TestResult, unmapped: Unmapped) -> LeftOut {
    let reason = format!(
        "the project has no file `{}.tc` any more, so its ADO ids are unknown; was the test case renamed or deleted?",
        test.id
    );
    let kind = if unmapped == Unmapped::Fail {
        LeftOutKind::NoId
    } else {
        LeftOutKind::NoTestCaseFile
    };
    LeftOut::id(kind, &test.id, None, reason)
}

fn with_iteration(test: &TestResult, reason: &str) -> String {
    match &test.iteration {
        Some(iteration) => format!("iteration {}: {reason}", iteration.number),
        None => reason.to_owned(),
    }
}
