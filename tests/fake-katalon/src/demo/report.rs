//! What arrived in Azure DevOps, in words.

use fake_ado::{Attachment, FakeAdo, TestResult, TestRun, World};
use serde_json::Value;

use crate::say;

/// Prints the runs, and what is missing in them on purpose.
pub fn print(fake: &FakeAdo, ledger: Option<&Value>) {
    let world = fake.world();
    for run in world.runs() {
        print_run(&world, run);
    }

    drop(world);
    say("");
    say("left out, and why:");
    print_left_out(ledger);
}

fn print_run(world: &World, run: &TestRun) {
    say(&format!("test run   {} \"{}\"", run.id, run.name));
    say(&format!("state      {}", run.state));
    say(&format!(
        "plan       {}",
        run.plan_id
            .map_or_else(|| "none".to_owned(), |id| id.to_string())
    ));

    for (at, line) in run.comment.as_deref().unwrap_or("none").lines().enumerate() {
        say(&format!(
            "{:10} {line}",
            if at == 0 { "comment" } else { "" }
        ));
    }

    say(&format!("files      {}", names(&run.attachments)));
    say("");
    say(&format!(
        "{:30} {:20} {:6} {:12} {}",
        "test case", "configuration", "point", "outcome", "files"
    ));

    for result in &run.results {
        print_result(world, result);
    }
}

fn print_result(world: &World, result: &TestResult) {
    let case = format!(
        "{} {}",
        result.test_case_id.unwrap_or_default(),
        result.title
    );
    let point = result.point_id.unwrap_or_default();
    let configuration = result.configuration_id.unwrap_or_default();
    let name = world
        .find_project("Shop")
        .and_then(|project| {
            project
                .configurations
                .iter()
                .find(|one| one.id == configuration)
        })
        .map_or("", |one| one.name.as_str());

    let files = names(&result.attachments);
    say(&format!(
        "{:30} {name:20} {point:6} {:12} {files}",
        cut(&case, 30),
        result.outcome
    ));
    if let Some(line) = first_line(result.error_message.as_deref()) {
        say(&format!("   {line}"));
    }

    for sub in &result.sub_results {
        let kind = result.result_group_type.as_deref().unwrap_or_default();
        let name = sub.display_name.as_deref().unwrap_or_default();
        let error = first_line(sub.error_message.as_deref()).unwrap_or_default();
        say(&format!("   {kind}: {name:30} {:8} {error}", sub.outcome));
    }
}

/// The tests without a result, from the ledger.
fn print_left_out(ledger: Option<&Value>) {
    let Some(rows) = ledger.and_then(Value::as_array) else {
        return say("`kado runs --json` could not be had; see the run's comment above");
    };
    let skipped: Vec<&Value> = rows
        .iter()
        .filter_map(|row| row["skipped"].as_array())
        .flatten()
        .collect();
    if skipped.is_empty() {
        say("nothing");
    }

    for one in skipped {
        let id = one["azure_id"]
            .as_u64()
            .map_or_else(String::new, |id| format!(" ({id})"));
        let test = one["test"].as_str().unwrap_or("a test");
        say(&format!(
            "{test}{id}: {}",
            one["reason"].as_str().unwrap_or("no reason given")
        ));
    }
}

/// File names, the same ones counted.
fn names(attachments: &[Attachment]) -> String {
    let names: Vec<&str> = attachments
        .iter()
        .map(|one| one.file_name.as_str())
        .collect();
    if names.is_empty() {
        "-".to_owned()
    } else {
        names.join(", ")
    }
}

fn first_line(text: Option<&str>) -> Option<String> {
    text.and_then(|text| text.lines().next())
        .map(|line| cut(line, 90))
}

fn cut(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }

    let head: String = text.chars().take(length - 1).collect();
    format!("{head}…")
}
