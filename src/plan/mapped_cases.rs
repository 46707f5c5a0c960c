//! From the tests of a run to ADO test cases (product contract, section 3): the ids of each test
//! stand in its `.tc` file (`azure.testcase.ids`), and `${variable}` in them is resolved for each
//! iteration. What is no id is left out with its reason, and the rest of the run goes on.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use crate::katalon::azure_ids;
use crate::katalon::damage::Damage;
use crate::katalon::run::binding;
use crate::katalon::run::{TestResult, VariableValue};
use crate::plan::configuration::Configurations;
use crate::plan::left_out::{LeftOut, LeftOutKind};
use crate::plan::options::Unmapped;
use crate::plan::snapshot::{CaseIds, Snapshot};
use crate::plan::text;
use crate::plural::counted;

/// Results of tests for ADO test cases: a test counts once for each of its ids.
const MOST: usize = 200_000;

/// The tests of a run by ADO test case.
#[derive(Default)]
pub(super) struct MappedCases<'a> {
    /// One for each id and configuration, in the order in which the ids occur first.
    pub cases: Vec<MappedCase<'a>>,
    /// Ids that are none, and tests whose ids cannot be known.
    pub left_out: Vec<LeftOut>,
    /// How many results have no id and are therefore not submitted.
    pub unmapped: usize,
    /// How many results the cases have.
    results: usize,
    /// Tests and reasons of `left_out`: the iterations of a test share most of them.
    reported: BTreeSet<(String, String)>,
    /// Where in `cases` an id with its configuration stands.
    places: HashMap<(u32, Option<u32>), usize>,
}

/// All results of a run that share an ADO test case id and ran in the same configuration.
pub(super) struct MappedCase<'a> {
    /// The ADO test case.
    pub azure_id: u32,
    /// The configuration that the mapping gives for them; `None` does not filter points. It is the
    /// same for all tests of a suite, and can differ between the members of a collection.
    pub configuration: Option<u32>,
    /// At least one, in the order of the run.
    pub tests: Vec<&'a TestResult>,
}

/// Maps the results of a run to ADO test cases.
pub(super) fn map(snapshot: &Snapshot) -> MappedCases<'_> {
    let configurations = Configurations::of(snapshot);
    let unmapped = snapshot.options.unmapped;
    let mut mapped = MappedCases::default();
    let mut excess = 0;

    for test in &snapshot.run.tests {
        let Some(case) = snapshot.cases.get(&test.id) else {
            mapped.leave_out(no_file(test), test);
            continue;
        };

        if let Some(damage) = &case.damage {
            mapped.leave_out(unreadable(test, damage), test);
            continue;
        }

        let Some(text) = &case.azure_ids else {
            if unmapped == Unmapped::Fail {
                mapped.leave_out(no_id(test), test);
            }
            mapped.unmapped += 1;
            continue;
        };

        if mapped.results >= MOST {
            excess += 1;
            continue;
        }
        let resolved = azure_ids::resolve(text, &|name| variable(test, case, name));
        for problem in &resolved.problems {
            mapped.leave_out(invalid_id(test, problem), test);
        }
        for azure_id in resolved.ids {
            mapped.add(azure_id, configurations.for_test(test), test);
        }
    }

    if excess > 0 {
        mapped.left_out.push(too_many(excess));
    }
    mapped
}

impl<'a> MappedCases<'a> {
    fn add(&mut self, azure_id: u32, configuration: Option<u32>, test: &'a TestResult) {
        self.results += 1;
        let place = self.places.entry((azure_id, configuration));
        if let Entry::Occupied(place) = place {
            self.cases[*place.get()].tests.push(test);
            return;
        }

        place.or_insert(self.cases.len());
        self.cases.push(MappedCase {
            azure_id,
            configuration,
            tests: vec![test],
        });
    }

    /// Names what is left out of a test, each reason once.
    fn leave_out(&mut self, left_out: LeftOut, test: &TestResult) {
        if self
            .reported
            .insert((test.id.clone(), left_out.reason.clone()))
        {
            self.left_out.push(left_out);
        }
    }
}

/// The value of a variable in one execution: what the run recorded, else the default of the `.tc`
/// file.
fn variable(test: &TestResult, case: &CaseIds, name: &str) -> Option<VariableValue> {
    // What the run recorded is what Katalon itself took; a default may have been edited since (the
    // order of `katalon/behaviour.md` §3.7).
    if let Some(recorded) = test.variables.get(name) {
        return Some(recorded.clone());
    }

    let default = case.defaults.get(name)?;
    Some(binding::groovy(default))
}

fn too_many(excess: usize) -> LeftOut {
    let reason = format!(
        "the results of {} are not submitted: those before them have more than {MOST} ADO ids \
         together",
        counted(excess, "more test")
    );
    LeftOut::of_run(LeftOutKind::InvalidId, reason)
}

fn no_id(test: &TestResult) -> LeftOut {
    let reason = "the test case has no ADO id; enter one on its Integration tab, or set \
                  `submit.unmapped = \"ignore\"`";
    LeftOut::id(LeftOutKind::NoId, &test.id, None, reason)
}

fn no_file(test: &TestResult) -> LeftOut {
    let reason = format!(
        "the project has no file `{}.tc` any more, so its ADO ids are unknown; was the test case \
         renamed or deleted?",
        test.id
    );
    LeftOut::id(LeftOutKind::NoTestCaseFile, &test.id, None, reason)
}

fn unreadable(test: &TestResult, damage: &Damage) -> LeftOut {
    let reason = format!(
        "{damage}, so its ADO ids are unknown; mend the file, then `kado submit --again FOLDER` \
         submits the run with this test"
    );
    LeftOut::id(LeftOutKind::UnreadableTestCase, &test.id, None, reason)
}

/// The iteration is named, because a variable can have a good value in one and a bad one in
/// another.
fn invalid_id(test: &TestResult, problem: &azure_ids::IdProblem) -> LeftOut {
    let reason = format!(
        "ADO id `{}`: {}",
        text::quoted(&problem.text),
        problem.reason
    );
    let reason = match &test.iteration {
        Some(iteration) => format!("iteration {}: {reason}", iteration.number),
        None => reason,
    };
    LeftOut::id(LeftOutKind::InvalidId, &test.id, None, reason)
}
