//! ADO's side of a mapping: the test cases that have points in the test plans, those that somebody
//! asks for by id, or all of the ADO project. A few requests for hundreds of them: the points of
//! each plan, and the work items in batches.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::ado::AdoClient;
use crate::ado::wire::TitledItem;
use crate::clock;
use crate::katalon::settings::is_guid;
use crate::mapping::mapped_project::NoAnswer;
use crate::plan::plan_choice::PlanChoice;

/// Which test cases are wanted beside those that are asked for by id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CaseScope {
    /// Those with points in the plans.
    Plans,
    /// All of the ADO project.
    Project,
}

/// A test case of ADO.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct AdoCase {
    pub title: String,
    pub state: String,
    /// The automated test that is entered in it.
    pub automated_name: Option<String>,
    /// Where that test is.
    pub automated_storage: Option<String>,
    /// Its points in the plans, ascending.
    pub points: Vec<CasePoint>,
    /// Why it is none, in words that go behind `work item ID`.
    pub no_test_case: Option<String>,
}

/// A point of a test case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub(crate) struct CasePoint {
    pub plan_id: u32,
    pub point_id: u32,
    pub configuration_id: u32,
}

/// What ADO has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct AdoCases {
    /// By id.
    pub cases: BTreeMap<u32, AdoCase>,
    /// The plans whose points were read.
    pub plans: Vec<u32>,
}

impl AdoCases {
    /// Asks for the test cases of `scope`, and for those with these ids.
    ///
    /// # Errors
    /// When the server fails, or has no such plan or project.
    pub(crate) async fn ask(
        client: &AdoClient,
        project: &str,
        plans: &[PlanChoice],
        ids: &[u32],
        scope: CaseScope,
    ) -> Result<Self, NoAnswer> {
        let mut asked = Self::default();
        let mut points: BTreeMap<u32, BTreeSet<CasePoint>> = BTreeMap::new();
        for plan in plan_ids(client, project, plans).await? {
            for point in client.points(project, plan).await? {
                points
                    .entry(point.test_case_id)
                    .or_default()
                    .insert(CasePoint {
                        plan_id: plan,
                        point_id: point.id,
                        configuration_id: point.configuration_id,
                    });
            }
            asked.plans.push(plan);
        }

        let mut wanted: BTreeSet<u32> = points.keys().copied().collect();
        wanted.extend(ids);
        if scope == CaseScope::Project {
            wanted.extend(client.test_case_ids(project).await?);
        }
        if wanted.is_empty() {
            return Ok(asked);
        }

        // Processes may have test case types of their own.
        let types = client.test_case_types(project).await?;
        let wanted: Vec<u32> = wanted.into_iter().collect();
        let mut items: BTreeMap<u32, TitledItem> = BTreeMap::new();
        for item in client.titled_items(project, &wanted).await? {
            items.insert(item.id, item);
        }

        for id in wanted {
            let kind = items.get(&id).map(kind_of);
            let no_test_case = why_no_test_case(kind, &types, project);
            let fields = items.remove(&id).map(|item| item.fields);
            let fields = fields.unwrap_or_default();
            let points = points.remove(&id).unwrap_or_default();
            asked.cases.insert(
                id,
                AdoCase {
                    title: fields.title.unwrap_or_default(),
                    state: fields.state.unwrap_or_default(),
                    automated_name: told(fields.automated_name),
                    automated_storage: told(fields.automated_storage),
                    points: points.into_iter().collect(),
                    no_test_case,
                },
            );
        }
        Ok(asked)
    }

    /// The plans in words: `test plan 18`, `the test plans 18, 19`.
    pub(crate) fn plans_in_words(&self) -> String {
        let plans: Vec<String> = self.plans.iter().map(u32::to_string).collect();
        match plans.as_slice() {
            [one] => format!("test plan {one}"),
            _ => format!("the test plans {}", plans.join(", ")),
        }
    }
}

/// The ids of plans, in the order of the settings.
async fn plan_ids(
    client: &AdoClient,
    project: &str,
    plans: &[PlanChoice],
) -> Result<Vec<u32>, NoAnswer> {
    // Asked only where a plan is not named by its id.
    let known = if plans.iter().any(|choice| choice.id().is_none()) {
        client.known_plans(project).await?
    } else {
        Vec::new()
    };

    let mut ids = Vec::new();
    for choice in plans {
        let id = choice.among(&known, project, clock::now())?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// A field that somebody emptied in ADO may hold blanks.
fn told(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

/// What decides whether a work item is a test case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkItemKind<'a> {
    /// Its type.
    pub kind: &'a str,
    /// Its ADO project, where it is told.
    pub project: Option<&'a str>,
}

fn kind_of(item: &TitledItem) -> WorkItemKind<'_> {
    WorkItemKind {
        kind: item.fields.kind.as_deref().unwrap_or_default(),
        project: item.fields.project.as_deref(),
    }
}

/// Why a work item is not a test case of the project, in words that go behind `work item ID`;
/// `None` when it is one.
pub(crate) fn why_no_test_case(
    item: Option<WorkItemKind<'_>>,
    test_case_types: &[String],
    project: &str,
) -> Option<String> {
    let Some(WorkItemKind {
        kind,
        project: home,
    }) = item
    else {
        return Some("does not exist, or this token cannot see it".to_owned());
    };

    // Ids of work items are unique in a whole organization, so a wrong one is often somebody
    // else's bug or task that does exist.
    let is_test_case = test_case_types
        .iter()
        .any(|test_case| test_case.eq_ignore_ascii_case(kind));
    if !is_test_case {
        return Some(format!("is a {kind}, not a test case"));
    }

    // A project may be configured by its GUID; then the names cannot be compared.
    let home = home.unwrap_or(project);
    if !is_guid(project) && !home.eq_ignore_ascii_case(project) {
        return Some(format!("belongs to project {home}, not to {project}"));
    }
    None
}
