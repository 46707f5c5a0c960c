//! "Verify" for every mapped id: it exists, is a test case of this project, and has a point where
//! it is needed.

use std::collections::{BTreeMap, HashMap};

use crate::ado::AdoClient;
use crate::ado::wire::WorkItem;
use crate::check::coverage::{Finding, Situations};
use crate::check::report::Report;
use crate::katalon::azure_ids;
use crate::katalon::project::Project;

/// Most test cases that are looked for in other plans, each with a request.
const ELSEWHERE: usize = 20;
/// Most ids that are named in one line.
const SHOWN: usize = 10;
const SEVERAL: &str = "keep one of the test points in ADO, or allow several in Katalon's Azure DevOps settings or with \
                       `submit.multiple_points = true`; a test configuration mapping tells points of several configurations apart";
const TAB: &str = "correct it on the Integration tab of the test case in Katalon";

/// Verifies every id that a test case of the project is mapped to.
pub(super) async fn check_ids(
    client: &AdoClient,
    name: &str,
    project: &Project,
    situations: &Situations<'_>,
    report: &mut Report,
) {
    let mapped = mapped(project, report);
    if mapped.is_empty() {
        return report.wrong(
            "mapped ids",
            "no test case has an ADO id, so no run has anything to submit",
            TAB,
        );
    }
    let ids: Vec<u32> = mapped.keys().copied().collect();
    let (items, types) = match (
        client.work_items(name, &ids).await,
        client.test_case_types(name).await,
    ) {
        (Ok(items), Ok(types)) => (items, types),
        (Err(error), _) | (_, Err(error)) => return report.ado_failed("mapped ids", &error),
    };
    let items: HashMap<u32, WorkItem> = items.into_iter().map(|item| (item.id, item)).collect();
    let mut told = Ids {
        client,
        situations,
        report,
        asked: 0,
        without_row: Vec::new(),
    };
    for (id, tests) in &mapped {
        let tests = Tests {
            id: *id,
            names: tests,
        };
        match is_test_case(items.get(id), &types, name) {
            Ok(()) => told.points(&tests).await,
            Err(what) => {
                told.wrong(
                    &tests,
                    &format!("the work item {what}"),
                    &format!("work item {id} {what}"),
                    TAB,
                );
            }
        }
        told.mapped_twice(&tests);
    }
    told.runs_without_row();
}

/// An id, and the test cases of the project that have it.
struct Tests<'a> {
    id: u32,
    names: &'a [&'a str],
}

impl Tests<'_> {
    fn title(&self) -> String {
        format!("id {}", self.id)
    }

    fn names(&self) -> String {
        self.names.join(", ")
    }
}

/// What is told of ids.
struct Ids<'a> {
    client: &'a AdoClient,
    situations: &'a Situations<'a>,
    report: &'a mut Report,
    /// For how many ids other plans were searched.
    asked: usize,
    /// Ids whose points are too many for a run that no row of the mapping fits, with Katalon's
    /// message.
    without_row: Vec<(u32, String)>,
}

impl Ids<'_> {
    async fn points(&mut self, tests: &Tests<'_>) {
        for finding in self.situations.judge(tests.id) {
            match finding {
                Finding::Fine(points) => self.fine(tests, &points),
                Finding::Nowhere => self.nowhere(tests).await,
                Finding::Missing { what, surely } => self.missing(tests, &what, surely),
                Finding::Several {
                    what,
                    message,
                    points,
                } => {
                    let detail = format!("{message} (for {})", tests.names());
                    self.report.wrong(tests.title(), detail, SEVERAL);
                    let about = format!("Test Points with ID = {points}; {}", tests.names());
                    self.report.shared(what, &tests.id, about);
                }
                Finding::SeveralWithoutRow(message) => self.without_row.push((tests.id, message)),
            }
        }
    }

    fn fine(&mut self, tests: &Tests<'_>, points: &[u32]) {
        let ids: Vec<_> = points.iter().map(u32::to_string).collect();
        let detail = format!(
            "a test case with test point {}, for {}",
            ids.join(", "),
            tests.names()
        );
        self.report.fine(tests.title(), detail);
        let each = if self.situations.are_mapped() {
            " for each row of the configuration mapping"
        } else {
            ""
        };
        self.report.shared(
            format!("test cases with a test point{each}"),
            &tests.id,
            tests.names(),
        );
    }

    /// A test need not run in every configuration, so that it has no point with one of them can be
    /// as it should be.
    fn missing(&mut self, tests: &Tests<'_>, what: &str, surely: bool) {
        let detail = format!("test case {} has {what}", tests.id);
        let mend = "assign the configuration to the test case in ADO, or change the mapping in Katalon's Test Configuration \
                    Mapping";
        if surely {
            return self.wrong(tests, what, &detail, mend);
        }
        let hint = format!(
            "a run with such a configuration gives it no result; where it is to have one, {mend}"
        );
        self.report.note(
            tests.title(),
            format!("{detail}, for {}", tests.names()),
            hint,
        );
        self.report.shared(what, &tests.id, tests.names());
    }

    async fn nowhere(&mut self, tests: &Tests<'_>) {
        let mut what = format!("no test point in {}", self.situations.plans());
        if self.asked < ELSEWHERE {
            self.asked += 1;
            what.push_str(&elsewhere(self.client, tests.id).await);
        }
        let hint = "add it to a suite of the test plan in ADO, or correct the id on the Integration tab of the test case in \
                    Katalon";
        self.wrong(
            tests,
            &what,
            &format!("test case {} has {what}", tests.id),
            hint,
        );
    }

    /// `what` fits every id with this finding.
    fn wrong(&mut self, tests: &Tests<'_>, what: &str, detail: &str, hint: &str) {
        self.report.wrong(
            tests.title(),
            format!("{detail}, for {}", tests.names()),
            hint,
        );
        self.report.shared(what, &tests.id, tests.names());
    }

    fn mapped_twice(&mut self, tests: &Tests<'_>) {
        if tests.names.len() > 1 {
            let hint =
                "several test cases have this id: they share one result, the worst outcome wins";
            self.report.note(
                tests.title(),
                format!("mapped to several test cases: {}", tests.names()),
                hint,
            );
            self.report
                .shared("mapped to several test cases", &tests.id, tests.names());
        }
    }

    /// Several points of several configurations are as they should be, unless a run comes that no
    /// row fits.
    fn runs_without_row(&mut self) {
        let Some((_, message)) = self.without_row.first() else {
            return;
        };
        let ids: Vec<_> = self
            .without_row
            .iter()
            .take(SHOWN)
            .map(|(id, _)| id.to_string())
            .collect();
        let more = match self.without_row.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let detail = format!(
            "such a run meets the test points of all configurations, so test cases with several get no result: id {}{more}\n\
             {message}",
            ids.join(", ")
        );
        let hint = "a row with --Any-- in each column gives such runs a configuration; or allow several test points";
        self.report
            .note("runs that no row of the mapping fits", detail, hint);
    }
}

/// The plans that do hold a test case which has no point in those of the project, in words.
async fn elsewhere(client: &AdoClient, id: u32) -> String {
    let plans = client.plans_of_case(id).await.unwrap_or_default();
    if plans.is_empty() {
        return String::new();
    }
    let plans: Vec<_> = plans
        .iter()
        .map(|plan| format!("{} ({})", plan.id, plan.name))
        .collect();
    format!("; it is in test plan {}", plans.join(", "))
}

/// Every id with the test cases that name it. Ids that only a run can resolve are left to the run.
fn mapped<'a>(project: &'a Project, report: &mut Report) -> BTreeMap<u32, Vec<&'a str>> {
    let mut mapped: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for case in &project.test_cases {
        let Some(raw) = &case.azure_ids else { continue };
        let resolved = azure_ids::resolve(raw, &azure_ids::variables(None, Some(case)));
        for id in resolved.ids {
            mapped.entry(id).or_default().push(&case.id);
        }
        for problem in resolved.problems {
            if problem.text.contains("${") {
                let hint =
                    "its variable has no usable default value; the value of each execution is used";
                report.note(
                    format!("id {}", problem.text),
                    format!("decided by each run, for {}", case.id),
                    hint,
                );
                report.shared("decided by each run", &problem.text, &case.id);
            } else {
                report.wrong(
                    format!("id {}", problem.text),
                    format!("{}, for {}", problem.reason, case.id),
                    TAB,
                );
                report.shared(problem.reason, &problem.text, &case.id);
            }
        }
    }
    mapped
}

/// Whether a work item is a test case of the project.
///
/// # Errors
/// What it is instead, in words that go behind `work item ID`.
fn is_test_case(item: Option<&WorkItem>, types: &[String], project: &str) -> Result<(), String> {
    let item = item.ok_or("does not exist, or this token cannot see it")?;
    let kind = item.fields.kind.as_deref().unwrap_or_default();
    if !types.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
        return Err(format!("is a {kind}, not a test case"));
    }
    let home = item.fields.project.as_deref().unwrap_or(project);
    // A project may be configured by its GUID; then the names cannot be compared.
    if !is_guid(project) && !home.eq_ignore_ascii_case(project) {
        return Err(format!("belongs to project {home}, not to {project}"));
    }
    Ok(())
}

/// Whether a text is a GUID: 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12.
fn is_guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let digits = |group: &&str| group.bytes().all(|digit| digit.is_ascii_hexdigit());
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_told_from_a_name_of_its_length() {
        assert!(is_guid("7f3c9a52-1111-2222-3333-44445555ABCD"));
        for name in [
            "A project with a name of 36 letters!",
            "7f3c9a52-1111-2222-3333-4444555566",
            "Shop",
        ] {
            assert!(!is_guid(name), "{name}");
        }
    }
}
