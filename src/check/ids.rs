//! "Verify" for every mapped id: it exists, is a test case of this project, and has a point where it is needed.

use std::collections::{BTreeMap, HashMap};

use crate::ado::AdoClient;
use crate::ado::wire::WorkItem;
use crate::check::Report;
use crate::check::server::{PlanPoints, failed};
use crate::katalon::azure_ids;
use crate::katalon::project::Project;
use crate::plan::points::PointRule;
use crate::plan::snapshot::Options;

/// Most test cases that are looked for in other plans, each with a request.
const ELSEWHERE: usize = 20;
const TAB: &str = "correct it on the Integration tab of the test case in Katalon";

/// Verifies every id that a test case of the project is mapped to.
pub async fn check_ids(
    client: &AdoClient,
    name: &str,
    project: &Project,
    options: &Options,
    plans: &[PlanPoints],
    report: &mut Report,
) {
    let mapped = mapped(project, report);
    if mapped.is_empty() {
        return report.wrong("mapped ids", "no test case has an ADO id, so no run has anything to submit", TAB);
    }
    let ids: Vec<u32> = mapped.keys().copied().collect();
    let (items, types) = match (client.work_items(name, &ids).await, client.test_case_types(name).await) {
        (Ok(items), Ok(types)) => (items, types),
        (Err(error), _) | (_, Err(error)) => return failed("mapped ids", &error, report),
    };
    let items: HashMap<u32, WorkItem> = items.into_iter().map(|item| (item.id, item)).collect();
    let mut asked = 0;
    for (id, tests) in &mapped {
        let title = format!("id {id}");
        match verify(*id, items.get(id), &types, name, options, plans) {
            Ok(detail) if tests.len() > 1 => {
                let hint = "several test cases have this id: they share one result, the worst outcome wins";
                report.note(title, format!("{detail}, for {}", tests.join(", ")), hint);
            }
            Ok(detail) => report.fine(title, format!("{detail}, for {}", tests.join(", "))),
            Err((mut detail, hint)) => {
                let nowhere = !plans.iter().any(|plan| plan.points.iter().any(|point| point.test_case_id == *id));
                if nowhere && items.contains_key(id) && asked < ELSEWHERE {
                    asked += 1;
                    detail.push_str(&elsewhere(client, *id).await);
                }
                report.wrong(title, format!("{detail}, for {}", tests.join(", ")), hint);
            }
        }
    }
}

/// The plans that do hold a test case which has no point in those of the project, in words.
async fn elsewhere(client: &AdoClient, id: u32) -> String {
    let plans = client.plans_of_case(id).await.unwrap_or_default();
    if plans.is_empty() {
        return String::new();
    }
    let plans: Vec<_> = plans.iter().map(|plan| format!("{} ({})", plan.id, plan.name)).collect();
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
                let hint = "its variable has no usable default value; the value of each execution is used";
                report.note(format!("id {}", problem.text), format!("decided by each run, for {}", case.id), hint);
            } else {
                report.wrong(format!("id {}", problem.text), format!("{}, for {}", problem.reason, case.id), TAB);
            }
        }
    }
    mapped
}

fn verify(
    id: u32,
    item: Option<&WorkItem>,
    types: &[String],
    project: &str,
    options: &Options,
    plans: &[PlanPoints],
) -> Result<String, (String, String)> {
    let wrong = |detail: String| Err((detail, TAB.to_owned()));
    let Some(item) = item else { return wrong(format!("work item {id} does not exist, or this token cannot see it")) };
    let kind = item.fields.kind.as_deref().unwrap_or_default();
    if !types.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
        return wrong(format!("work item {id} is a {kind}, not a test case"));
    }
    let home = item.fields.project.as_deref().unwrap_or(project);
    // A project may be configured by its GUID; then the names cannot be compared.
    let by_name = !is_guid(project);
    if by_name && !home.eq_ignore_ascii_case(project) {
        return wrong(format!("test case {id} belongs to project {home}, not to {project}"));
    }
    points(id, options, plans)
}

/// Whether a text is a GUID: 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12.
fn is_guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let digits = |group: &&str| group.bytes().all(|digit| digit.is_ascii_hexdigit());
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(digits)
}

/// Whether the test case has a point in one of the plans for one of the mapped configurations.
fn points(id: u32, options: &Options, plans: &[PlanPoints]) -> Result<String, (String, String)> {
    let configurations: Vec<Option<u32>> = match options.configuration_rows.as_slice() {
        [] => vec![None],
        rows => rows.iter().map(|row| Some(row.configuration_id)).collect(),
    };
    let mut found = Vec::new();
    let mut reasons = Vec::new();
    for plan in plans {
        for configuration in &configurations {
            let rule = PointRule {
                plan_id: plan.plan_id,
                points: &plan.points,
                configuration: *configuration,
                multiple: options.multiple_points,
            };
            match rule.choose("", id) {
                Ok(points) => found.extend(points.into_iter().map(|point| point.id)),
                Err(left_out) => reasons.push(left_out.reason),
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    let several = reasons.iter().find(|reason| reason.contains("multiple Test Points"));
    match (several, found.is_empty(), reasons.first()) {
        (Some(reason), ..) | (None, true, Some(reason)) => Err((
            reason.clone(),
            "see the test points of the test case in ADO, and the test configuration mapping".to_owned(),
        )),
        _ => {
            let points: Vec<_> = found.iter().map(u32::to_string).collect();
            Ok(format!("a test case with test point {}", points.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_told_from_a_name_of_its_length() {
        assert!(is_guid("7f3c9a52-1111-2222-3333-44445555ABCD"));
        for name in ["A project with a name of 36 letters!", "7f3c9a52-1111-2222-3333-4444555566", "Shop"] {
            assert!(!is_guid(name), "{name}");
        }
    }
}
