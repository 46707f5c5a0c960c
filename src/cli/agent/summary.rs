//! What people read on the page of a build: a table of the runs as Markdown, and warnings. Names
//! and reasons are foreign; [`markdown::line`] keeps them from being markup. Pure.

use crate::cli::plain::plain;
use crate::cli::submission::is_ignored;
use crate::outbox::submission::{SubmissionState, SubmissionSummary};
use crate::pipeline::page_address;
use crate::plan::markdown;
use crate::plan::recount::Recount;
use crate::plural::counted;

/// Most runs, and most things that are missing, in a summary: GitHub takes one MiB of a step.
const MOST: usize = 200;

/// The summary of these submissions, and of what went wrong beside them.
pub(super) fn markdown(rows: &[SubmissionSummary], problems: &[String]) -> String {
    let mut text = String::from("### Katalon runs in Azure DevOps\n\n");
    if !rows.is_empty() {
        text.push_str(
            "| Suite | Test plan | Test run | Passed | Failed | Other | Attachments |\n\
             |---|---|---|--:|--:|--:|--:|\n",
        );
        for row in rows.iter().take(MOST) {
            text.push_str(&table_row(row));
        }
        if rows.len() > MOST {
            let more = counted(rows.len() - MOST, "more run");
            text.push_str(&format!("\n… and {more}\n"));
        }
    }

    let missing = missing(rows, problems);
    if !missing.is_empty() {
        text.push_str("\n**Not submitted**\n\n");
    }
    for line in missing.iter().take(MOST) {
        text.push_str(&format!("- {}\n", markdown::line(line)));
    }
    if missing.len() > MOST {
        text.push_str(&format!("- … and {} more\n", missing.len() - MOST));
    }
    text.push('\n');
    text
}

/// What is missing of these submissions, each in a sentence; at most `most`, the last of which then
/// says how many more there are.
pub(super) fn warnings(
    rows: &[SubmissionSummary],
    problems: &[String],
    most: usize,
) -> Vec<String> {
    let mut warnings = missing(rows, problems);
    if warnings.len() > most {
        let more = warnings.len() - most + 1;
        warnings.truncate(most - 1);
        warnings.push(format!(
            "… and {more} more; `kado runs show` has all of a run"
        ));
    }
    warnings
}

fn table_row(row: &SubmissionSummary) -> String {
    let plan = match (row.plan_id, &row.wanted_plan) {
        (Some(plan), _) => plan.to_string(),
        (None, Some(wanted)) => cell(wanted),
        (None, None) => String::new(),
    };

    let run = match (row.ado_run_id, row.url.as_deref().and_then(page_address)) {
        (Some(run), Some(url)) => format!("[{run}](<{}>)", url.replace('|', "%7C")),
        (Some(run), None) => run.to_string(),
        (None, _) => String::new(),
    };
    let state = match row.state {
        SubmissionState::Submitted => String::new(),
        state => format!(" {}", state.word()),
    };

    format!(
        "| {} | {plan} | {run}{state} | {} | {} | {} | {} |\n",
        cell(&row.suite),
        row.outcomes.passed,
        row.outcomes.failed,
        row.outcomes.other,
        row.attachments,
    )
}

/// A text in a cell of a table, which a line would end in the middle of code as well.
fn cell(text: &str) -> String {
    markdown::line(&plain(text)).replace('|', "\\|")
}

/// Every reason why something of the runs is not in Azure DevOps, in one line each.
fn missing(rows: &[SubmissionSummary], problems: &[String]) -> Vec<String> {
    let mut missing: Vec<String> = problems.iter().map(|problem| plain(problem)).collect();

    for row in rows {
        let suite = &row.suite;
        // Of several test plans those without a point of the run are ignored.
        let is_elsewhere = row.state == SubmissionState::Ignored && !is_ignored(row, rows);
        if row.state != SubmissionState::Submitted && !is_elsewhere {
            let state = row.state.word();
            let line = match &row.error {
                Some(reason) => format!("{suite}: {state}: {reason}"),
                None => format!("{suite}: {state}"),
            };
            missing.push(plain(&line));
        }
        for left_out in &row.skipped {
            missing.push(plain(&format!("{suite}: {}", left_out.labelled())));
        }
        for line in row.recount.iter().flat_map(Recount::lines) {
            missing.push(plain(&format!("{suite}: not as sent: {line}")));
        }
    }
    missing
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::outbox::submission::{Outcomes, SubmittedBy};
    use crate::plan::left_out::{LeftOut, LeftOutKind};

    /// A submission that arrived as test run 7.
    pub(in crate::cli::agent) fn row(suite: &str, plan: u32) -> SubmissionSummary {
        let outcomes = Outcomes {
            passed: 2,
            ..Outcomes::default()
        };

        SubmissionSummary {
            // Which run it is.
            id: 1,
            key: "key".to_owned(),
            project: "Shop".to_owned(),
            suite: suite.to_owned(),
            folder: "/w/Shop/Reports/1".to_owned(),
            started: None,
            ended: None,

            // Where it went.
            plan_id: Some(plan),
            wanted_plan: None,
            into: None,
            ado_run_id: Some(7),
            url: Some("https://ado.example/7".to_owned()),
            submitted_by: Some(SubmittedBy::Kado),

            // What arrived.
            results: 2,
            outcomes,
            attachments: 3,
            skipped: Vec::new(),
            recount: None,

            // How it stands.
            state: SubmissionState::Submitted,
            error: None,
            goes_after: None,
            obstacle: None,
            next_attempt: None,
            attempts: 0,
            files_settled: None,
            needs_plan: false,
        }
    }

    #[test]
    fn a_summary_has_each_run_and_everything_that_is_missing() {
        let mut hostile = row("Test Suites/a|b [x](http://evil) <img>", 18);
        hostile.state = SubmissionState::Parked;
        hostile.error = Some("test plan 18\nnot found".to_owned());
        hostile.url = Some("javascript:alert(1)".to_owned());
        let mut partial = row("Test Suites/Smoke", 19);
        partial.skipped = vec![LeftOut::id(
            LeftOutKind::NoPoint,
            "Test Cases/A",
            Some(1),
            "no test point",
        )];

        let summary = markdown(&[hostile, partial], &["no run".to_owned()]);

        insta::assert_snapshot!(summary, @r"
        ### Katalon runs in Azure DevOps

        | Suite | Test plan | Test run | Passed | Failed | Other | Attachments |
        |---|---|---|--:|--:|--:|--:|
        | Test Suites/a\|b \[x](http://evil) \<img> | 18 | 7 parked | 2 | 0 | 0 | 3 |
        | Test Suites/Smoke | 19 | [7](<https://ado.example/7>) | 2 | 0 | 0 | 3 |

        **Not submitted**

        - no run
        - Test Suites/a|b \[x](http://evil) \<img>: parked: test plan 18 not found
        - Test Suites/Smoke: left out: Test Cases/A: no test point
        ");
    }

    #[test]
    fn the_last_warning_says_how_many_more_there_are() {
        let problems: Vec<String> = (0..12).map(|number| format!("problem {number}")).collect();

        let warnings = warnings(&[], &problems, 10);

        assert_eq!(warnings.len(), 10);
        assert_eq!(
            warnings[9],
            "… and 3 more; `kado runs show` has all of a run"
        );
    }
}
