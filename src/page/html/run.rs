//! The page of one run: everything that `kado runs show` knows.

use askama::Template;

use crate::outbox::submission::SubmittedBy;
use crate::overview::WHERE_TO_LOOK;
use crate::overview::run_details::{ResultDetails, RunDetails, TestDetails};
use crate::page::html::runs::{RunRow, plan, run_row};
use crate::page::html::time::LocalClock;
use crate::page::html::{Fact, Piece, bytes, fact, or_dash, shown, time_fact};
use crate::page::seen::Buttons;
use crate::plan::attachments::AttachmentTarget;
use crate::plan::left_out::heading;

/// Its first words, and what can be done.
#[derive(Template)]
#[template(path = "run_head.html", config = "src/page/askama.toml")]
pub(super) struct Head {
    run: RunRow,
    buttons: bool,
    where_to_look: &'static str,
}

/// What is known of it as a whole.
#[derive(Template)]
#[template(path = "run_facts.html", config = "src/page/askama.toml")]
pub(super) struct Facts {
    facts: Vec<Fact>,
}

/// Each of its tests.
#[derive(Template)]
#[template(path = "run_tests.html", config = "src/page/askama.toml")]
pub(super) struct Tests {
    tests: Vec<TestRow>,
}

struct TestRow {
    test: String,
    class: &'static str,
    status: String,
    ids: String,
    arrived: Vec<String>,
    why: String,
}

/// Its files.
#[derive(Template)]
#[template(path = "run_files.html", config = "src/page/askama.toml")]
pub(super) struct FilesSection {
    files: Vec<FileRow>,
    by_katalon: bool,
}

struct FileRow {
    name: String,
    size: String,
    target: String,
}

/// What was left out, and what was odd.
#[derive(Template)]
#[template(path = "run_remarks.html", config = "src/page/askama.toml")]
pub(super) struct RemarksSection {
    heading: &'static str,
    left_out: Vec<String>,
    warnings: Vec<String>,
}

pub(super) fn head(details: &RunDetails, buttons: Buttons, clock: &LocalClock<'_>) -> Head {
    Head {
        run: run_row(&details.row, &[], clock),
        buttons: buttons == Buttons::WithToken,
        where_to_look: match details.row.into {
            Some(_) => "",
            None => WHERE_TO_LOOK,
        },
    }
}

pub(super) fn facts(details: &RunDetails, clock: &LocalClock<'_>) -> Facts {
    let row = &details.row;

    let mut facts = vec![
        fact("Project", Some(&row.project)),
        fact("Folder", Some(&row.folder)),
        time_fact("Started", row.started, clock),
        time_fact("Ended", row.ended, clock),
        fact("Test plan", Some(plan(row))),
        fact("Options of katalonc", details.ado_options()),
        fact("Mapping row", details.mapping_row.as_ref()),
        fact("Test run", row.ado_run_id),
        fact("Counted", row.recount.as_ref()),
        fact("Katalon's", details.double.as_ref()),
        time_fact("Next try", row.next_attempt, clock),
        fact("Key", Some(&row.key)),
    ];
    // What is not known has no line.
    facts.retain(|fact| fact.value != Piece::Unknown);
    Facts { facts }
}

pub(super) fn tests(details: &RunDetails) -> Tests {
    Tests {
        tests: details.tests.iter().map(test_row).collect(),
    }
}

fn test_row(test: &TestDetails) -> TestRow {
    let why = test.why_left_out();
    TestRow {
        test: shown(&test.test),
        class: match (test.results.is_empty(), &why) {
            (true, Some(_)) => "busy",
            _ => "",
        },
        status: shown(&test.status),
        ids: or_dash(test.ids_as_written.as_ref()),
        arrived: test.results.iter().map(arrived).collect(),
        why: why.map(|why| shown(&why)).unwrap_or_default(),
    }
}

fn arrived(result: &ResultDetails) -> String {
    shown(&format!(
        "{} as {} (point {}, result {})",
        result.azure_id,
        result.outcome,
        result.point_id,
        or_dash(result.result_id)
    ))
}

pub(super) fn files(details: &RunDetails) -> FilesSection {
    let mut files = Vec::new();
    if let Some(plan) = &details.submission.plan {
        for attachment in &plan.attachments {
            files.push(FileRow {
                name: shown(&attachment.name),
                size: bytes(attachment.size),
                target: match attachment.target {
                    AttachmentTarget::Run => "the run".to_owned(),
                    AttachmentTarget::Point(point) => format!("the result of point {point}"),
                },
            });
        }
    }

    FilesSection {
        files,
        by_katalon: details.row.submitted_by == Some(SubmittedBy::Katalon),
    }
}

pub(super) fn remarks(details: &RunDetails) -> RemarksSection {
    let mut left_out = Vec::new();
    for one in &details.row.skipped {
        left_out.push(shown(&one.to_string()));
    }
    let mut warnings = Vec::new();
    if let Some(recount) = &details.row.recount {
        for line in recount.lines() {
            warnings.push(shown(&format!("not as sent: {line}")));
        }
    }
    for text in &details.submission.snapshot.run.warnings {
        warnings.push(shown(text));
    }

    RemarksSection {
        heading: heading(&details.row.skipped),
        left_out,
        warnings,
    }
}
