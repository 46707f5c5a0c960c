//! The planned tests of a suite that still runs and that have not started: its log does not know of
//! them yet, and whoever shows it while it runs has to.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::katalon::log::{LogSummary, LogTest};
use crate::katalon::run::Attempt;
use crate::katalon::run::binding::BindingLine;
use crate::katalon::status::Status;

/// Adds the planned tests that have not started, as tests that are open.
pub(crate) fn add_unstarted(log: &mut LogSummary, binding: &[BindingLine]) {
    let mut executions = HashSet::new();
    let mut started: HashMap<String, usize> = HashMap::new();
    for test in &log.tests {
        match &test.execution_id {
            Some(id) => {
                executions.insert(id.clone());
            }
            None => *started.entry(test.id.clone()).or_default() += 1,
        }
    }

    let now = log.last_record.unwrap_or_default();
    for line in binding {
        // A line that cannot be read plans nobody knows what.
        if line.test_case.is_empty() {
            continue;
        }
        if let Some(id) = &line.execution_id
            && executions.contains(id)
        {
            continue;
        }

        // Without ids of executions the order does not matter: those of one test case are alike.
        if let Some(left) = started.get_mut(&line.test_case)
            && *left > 0
        {
            *left -= 1;
            continue;
        }

        log.tests.push(LogTest {
            id: line.test_case.clone(),
            execution_id: line.execution_id.clone(),
            iteration: None,
            attempts: vec![Attempt {
                status: Status::Incomplete,
                started: now,
                ended: None,
                message: None,
                stack_trace: None,
                attachments: Vec::new(),
                foreign_attachments: Vec::new(),
            }],
            variables: BTreeMap::new(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(test_case: &str, execution_id: Option<&str>) -> BindingLine {
        BindingLine {
            test_case: test_case.to_owned(),
            execution_id: execution_id.map(str::to_owned),
            ..BindingLine::default()
        }
    }

    fn started(id: &str, execution_id: Option<&str>) -> LogSummary {
        let mut log = LogSummary::default();
        add_unstarted(&mut log, &[line(id, execution_id)]);
        log
    }

    fn ids(log: &LogSummary) -> Vec<&str> {
        log.tests.iter().map(|test| test.id.as_str()).collect()
    }

    #[test]
    fn what_is_planned_and_not_in_the_log_is_added_behind_it() {
        let mut log = started("A", None);

        add_unstarted(
            &mut log,
            &[
                line("A", None),
                line("B", None),
                line("A", None),
                line("", None),
            ],
        );

        assert_eq!(ids(&log), ["A", "B", "A"]);
        assert_eq!(log.tests[2].attempts[0].ended, None);
    }

    #[test]
    fn an_execution_that_started_is_known_by_its_id() {
        let mut log = started("A", Some("second"));

        add_unstarted(
            &mut log,
            &[line("A", Some("first")), line("A", Some("second"))],
        );

        let executions: Vec<_> = log
            .tests
            .iter()
            .map(|test| test.execution_id.as_deref())
            .collect();
        assert_eq!(executions, [Some("second"), Some("first")]);
    }
}
