//! "Verify" for every mapped id: it exists, is a test case of this project, and has a point where
//! it is needed.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::ado::AdoClient;
use crate::ado::wire::WorkItem;
use crate::check::coverage::{Coverage, Finding, GapKind};
use crate::check::report::Report;
use crate::katalon::azure_ids;
use crate::katalon::project::Project;
use crate::mapping::{WorkItemKind, suggest_command, why_no_test_case};
use crate::plural::{counted, form};

/// Most test cases that are looked for in other plans, each with a request.
const MOST_SEARCHES: usize = 20;
/// Most ids that are named in one line.
const SHOWN_IDS: usize = 10;

const ALLOW_OR_REMOVE: &str = "keep one of the test points in ADO, or allow several in Katalon's \
                               Azure DevOps settings or with `submit.multiple_points = true`; a \
                               test configuration mapping tells points of several configurations \
                               apart";
const CORRECT_ID: &str = "correct it with `kado map set`, or on the Integration tab of the test \
                          case in Katalon";

/// Why nobody verified the mapped ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Unverified {
    #[error("nothing is asked of Azure DevOps (`--offline`)")]
    Offline,
    #[error("no server can be asked")]
    NoServer,
    #[error("there is no connection to the server")]
    NotConnected,
    #[error("the ADO project is not known")]
    NoProject,
    #[error("no test plan could be read")]
    NoPlan,
}

impl Unverified {
    /// What leads to an answer, where nothing that is wrong does.
    pub(super) const fn way_out(self) -> &'static str {
        match self {
            Self::Offline => "`kado check` without `--offline` looks at them",
            Self::NoServer | Self::NotConnected | Self::NoProject | Self::NoPlan => "",
        }
    }
}

/// Verifies every id that a test case of the project is mapped to.
pub(super) async fn check_mapped_ids(
    client: &AdoClient,
    ado_project: &str,
    project: &Project,
    coverage: &Coverage<'_>,
    report: &mut Report,
) {
    let mapped = mapped_ids(project, report);
    if mapped.is_empty() {
        return report_no_ids(&project.root, report);
    }

    note_missing(project, report);
    let ids: Vec<u32> = mapped.keys().copied().collect();

    // One request answers for many ids, so they are read before each is looked at.
    let items = match client.work_items(ado_project, &ids).await {
        Ok(items) => items,
        Err(error) => return report.ado_failed("mapped ids", &error),
    };

    // Processes may have test case types of their own.
    let types = match client.test_case_types(ado_project).await {
        Ok(types) => types,
        Err(error) => return report.ado_failed("mapped ids", &error),
    };

    let items: HashMap<u32, WorkItem> = items.into_iter().map(|item| (item.id, item)).collect();
    let mut verification = Verification {
        client,
        coverage,
        report,
        searches: 0,
        without_row: Vec::new(),
    };

    for (id, tests) in mapped {
        let mapped = MappedId { id, tests };
        let kind = items.get(&id).map(kind_of);
        match why_no_test_case(kind, &types, ado_project) {
            // Points of what is no test case would only be a second finding of one mistake.
            None => verification.points(&mapped).await,
            Some(why) => verification.wrong(
                &mapped,
                &format!("the work item {why}"),
                &format!("work item {id} {why}"),
                CORRECT_ID,
            ),
        }

        verification.mapped_twice(&mapped);
    }

    verification.runs_without_row();
}

/// Names the command for test cases that have no id, while others have one.
fn note_missing(project: &Project, report: &mut Report) {
    let all = &project.test_cases;
    let without = all
        .iter()
        .filter(|case| case.azure_ids.is_none() && case.damage.is_none())
        .count();
    if without == 0 {
        return;
    }

    report.note(
        "mapped ids",
        format!(
            "{without} of {} {} no ADO id, and nothing of {} is submitted",
            counted(all.len(), "test case"),
            form(without, "has", "have"),
            form(without, "it", "them")
        ),
        format!("{} proposes ids", suggest_command(&project.root)),
    );
}

/// Says that there is nothing to verify.
pub(super) fn report_no_ids(root: &Path, report: &mut Report) {
    report.wrong(
        "mapped ids",
        "no test case has an ADO id, so no run has anything to submit",
        format!("{} proposes ids for them", suggest_command(root)),
    );
}

/// An id, and the test cases of the project that have it.
struct MappedId<'a> {
    id: u32,
    tests: Vec<&'a str>,
}

impl MappedId<'_> {
    fn title(&self) -> String {
        format!("id {}", self.id)
    }

    fn tests(&self) -> String {
        self.tests.join(", ")
    }
}

/// Says of one id after the other what is right and wrong with it.
struct Verification<'a> {
    client: &'a AdoClient,
    coverage: &'a Coverage<'a>,
    report: &'a mut Report,
    /// For how many ids other plans were searched.
    searches: usize,
    /// Ids whose points are too many for a run that no row of the mapping fits, with Katalon's
    /// message.
    without_row: Vec<(u32, String)>,
}

impl Verification<'_> {
    async fn points(&mut self, mapped: &MappedId<'_>) {
        for finding in self.coverage.findings(mapped.id) {
            match finding {
                Finding::Fine(points) => self.fine(mapped, &points),
                Finding::Nowhere => self.nowhere(mapped).await,
                Finding::Gap { what, kind } => self.gap(mapped, &what, kind),
                Finding::SeveralWithoutRow(message) => self.without_row.push((mapped.id, message)),

                Finding::Several {
                    what,
                    message,
                    points,
                } => {
                    let tests = mapped.tests();
                    let message = format!("{message} (for {tests})");
                    self.report.wrong(mapped.title(), message, ALLOW_OR_REMOVE);

                    let about = format!("Test Points with ID = {points}; {tests}");
                    self.report.shared(what, &mapped.id, about);
                }
            }
        }
    }

    fn fine(&mut self, mapped: &MappedId<'_>, points: &[u32]) {
        let points: Vec<String> = points.iter().map(u32::to_string).collect();
        self.report.fine(
            mapped.title(),
            format!(
                "a test case with test point {}, for {}",
                points.join(", "),
                mapped.tests()
            ),
        );

        let finding = if self.coverage.has_mapping() {
            "test cases with a test point for each row of the configuration mapping"
        } else {
            "test cases with a test point"
        };
        self.report.shared(finding, &mapped.id, mapped.tests());
    }

    /// A test need not run in every configuration, so that it has no point with one of them can be
    /// as it should be.
    fn gap(&mut self, mapped: &MappedId<'_>, what: &str, kind: GapKind) {
        let way_out = "assign the configuration to the test case in ADO, or change the mapping in \
                       Katalon's Test Configuration Mapping";
        let detail = format!("test case {} has {what}", mapped.id);

        match kind {
            GapKind::Mistake => self.wrong(mapped, what, &detail, way_out),
            GapKind::MayBeWanted => {
                self.report.note(
                    mapped.title(),
                    format!("{detail}, for {}", mapped.tests()),
                    format!(
                        "a run with such a configuration gives it no result; where it is to have \
                         one, {way_out}"
                    ),
                );
                self.report.shared(what, &mapped.id, mapped.tests());
            }
        }
    }

    async fn nowhere(&mut self, mapped: &MappedId<'_>) {
        let mut what = format!("no test point in {}", self.coverage.plans_in_words());

        // A wrong test plan in the settings makes every id miss: that needs no search for each.
        if self.searches < MOST_SEARCHES {
            self.searches += 1;
            what.push_str(&elsewhere(self.client, mapped.id).await);
        }

        self.wrong(
            mapped,
            &what,
            &format!("test case {} has {what}", mapped.id),
            "add it to a suite of the test plan in ADO, or correct the id on the Integration tab \
             of the test case in Katalon",
        );
    }

    /// `what` fits every id with this finding, `detail` this one.
    fn wrong(&mut self, mapped: &MappedId<'_>, what: &str, detail: &str, hint: &str) {
        self.report.wrong(
            mapped.title(),
            format!("{detail}, for {}", mapped.tests()),
            hint,
        );
        self.report.shared(what, &mapped.id, mapped.tests());
    }

    fn mapped_twice(&mut self, mapped: &MappedId<'_>) {
        if mapped.tests.len() < 2 {
            return;
        }

        // A note: Katalon allows it as well, and it hides no outcome, because the worst one counts.
        self.report.note(
            mapped.title(),
            format!("mapped to several test cases: {}", mapped.tests()),
            "several test cases have this id: they share one result, the worst outcome wins",
        );
        self.report
            .shared("mapped to several test cases", &mapped.id, mapped.tests());
    }

    /// Several points of several configurations are as they should be, unless a run comes that no
    /// row fits: one line for all ids, because the mapping mends it and no test case does.
    fn runs_without_row(&mut self) {
        let Some((_, message)) = self.without_row.first() else {
            return;
        };

        let shown: Vec<String> = self
            .without_row
            .iter()
            .take(SHOWN_IDS)
            .map(|(id, _)| id.to_string())
            .collect();
        let more = match self.without_row.len().saturating_sub(SHOWN_IDS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };

        let detail = format!(
            "such a run meets the test points of all configurations, so test cases with several \
             get no result: id {}{more}\n{message}",
            shown.join(", ")
        );
        self.report.note(
            "runs that no row of the mapping fits",
            detail,
            "a row with --Any-- in each column gives such runs a configuration; or allow several \
             test points",
        );
    }
}

/// The plans that do hold a test case which has no point in those of the project, in words.
async fn elsewhere(client: &AdoClient, id: u32) -> String {
    // It is only a help to find the mistake: without an answer the finding stands as it is.
    let plans = client.plans_of_case(id).await.unwrap_or_default();
    if plans.is_empty() {
        return String::new();
    }

    let plans: Vec<String> = plans
        .iter()
        .map(|plan| format!("{} ({})", plan.id, plan.name))
        .collect();
    format!("; it is in test plan {}", plans.join(", "))
}

/// Every id with the test cases that name it. Ids that only a run can resolve are left to the run.
pub(super) fn mapped_ids<'a>(
    project: &'a Project,
    report: &mut Report,
) -> BTreeMap<u32, Vec<&'a str>> {
    let mut mapped: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for case in &project.test_cases {
        let Some(raw) = &case.azure_ids else { continue };

        let resolved = azure_ids::resolve(raw, &azure_ids::variables(None, Some(case)));
        for id in resolved.ids {
            mapped.entry(id).or_default().push(&case.id);
        }
        for problem in resolved.problems {
            let title = format!("id {}", problem.text);
            if problem.names_variable() {
                report.note(
                    title,
                    format!("decided by each run, for {}", case.id),
                    "its variable has no usable default value; the value of each execution is used",
                );
                report.shared("decided by each run", &problem.text, &case.id);
            } else {
                let detail = format!("{}, for {}", problem.reason, case.id);
                report.wrong(title, detail, CORRECT_ID);
                report.shared(problem.reason, &problem.text, &case.id);
            }
        }
    }
    mapped
}

fn kind_of(item: &WorkItem) -> WorkItemKind<'_> {
    WorkItemKind {
        kind: item.fields.kind.as_deref().unwrap_or_default(),
        project: item.fields.project.as_deref(),
    }
}
