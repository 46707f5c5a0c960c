//! `testCaseBinding`: one JSON line for each planned test execution.

use crate::json::Json;
use crate::run::SuiteRunWriter;
use crate::text::groovy_literal;

/// The text of the file.
pub(crate) fn binding(run: &SuiteRunWriter) -> String {
    (0..run.tests.len())
        .map(|at| format!("{}\n", line(run, at)))
        .collect()
}

fn line(run: &SuiteRunWriter, at: usize) -> String {
    let test = &run.tests[at];
    let modern = run.generation.has_execution_ids();
    let mut entries = Vec::new();

    if modern {
        entries.push((
            "testCaseExecutionId".to_owned(),
            Json::text(run.test_uuid(at)),
        ));
    }

    let name = iteration(run, at).filter(|_| modern).map_or_else(
        || test.id.clone(),
        |number| format!("{} - Iteration {number}", test.id),
    );
    entries.push(("testCaseName".to_owned(), Json::text(name)));
    entries.push(("testCaseId".to_owned(), Json::text(&test.id)));
    entries.push(("iterationVariableName".to_owned(), Json::text("")));
    let values: Vec<(String, Json)> = test
        .variables
        .iter()
        .filter(|variable| !variable.default)
        .map(|variable| {
            (
                variable.name.clone(),
                Json::text(groovy_literal(&variable.value)),
            )
        })
        .collect();

    if modern || !values.is_empty() {
        entries.push(("bindedValues".to_owned(), Json::Object(values)));
    }

    Json::Object(entries).line()
}

/// Number of the iteration, if the test case is planned more than once with bound values.
fn iteration(run: &SuiteRunWriter, at: usize) -> Option<usize> {
    let test = &run.tests[at];
    let same = |other: &&crate::model::Test| other.id == test.id;
    let bound = test.variables.iter().any(|variable| !variable.default);

    (bound && run.tests.iter().filter(same).count() > 1)
        .then(|| run.tests[..=at].iter().filter(same).count())
}
