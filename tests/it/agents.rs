//! What the agent of a pipeline is told: variables, a summary, warnings, and where a run came from;
//! and that nothing but kado tells it anything.

#![expect(clippy::disallowed_methods, reason = "tests read and lay out files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use fake_katalon::Test;
use serde_json::Value;

use crate::support::katalonc::arguments;
use crate::support::{Machine, Output, SUITE, finish, finished, tc};

/// What the agent of Azure Pipelines sets.
fn azure_job(machine: &Machine, command: &mut Command) {
    let temp = machine.root().join("agent-temp");
    fs::create_dir_all(&temp).unwrap();
    command
        .env("TF_BUILD", "True")
        .env("SYSTEM_COLLECTIONURI", "https://dev.azure.com/acme/")
        .env("SYSTEM_TEAMPROJECT", "Shop")
        .env("BUILD_BUILDID", "636")
        .env("BUILD_BUILDNUMBER", "20260506.2")
        .env("AGENT_TEMPDIRECTORY", temp);
}

/// What the runner of GitHub Actions sets, with its two files.
fn github_job(machine: &Machine, command: &mut Command) -> [PathBuf; 2] {
    let files = ["output", "summary"].map(|name| machine.root().join(name));
    for file in &files {
        fs::write(file, "before\n").unwrap();
    }
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_SERVER_URL", "https://github.example")
        .env("GITHUB_REPOSITORY", "acme/shop")
        .env("GITHUB_RUN_ID", "15000000001")
        .env("GITHUB_RUN_NUMBER", "42")
        .env("GITHUB_WORKFLOW", "Smoke")
        .env("GITHUB_OUTPUT", &files[0])
        .env("GITHUB_STEP_SUMMARY", &files[1]);
    files
}

fn shop(machine: &Machine) -> PathBuf {
    machine.shop(&[("Sign in", "1001")])
}

fn exec(machine: &Machine, shop: &std::path::Path, options: &[&str]) -> Command {
    machine.exec(options, &arguments(shop, SUITE, &[]))
}

/// The commands of Azure Pipelines that an agent finds in what was written.
fn commands(done: &Output) -> Vec<&str> {
    let lines = done.out.lines().chain(done.err.lines());
    lines.filter(|line| line.contains("##vso[")).collect()
}

#[test]
fn later_steps_of_azure_pipelines_find_the_run_and_people_its_summary() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let mut command = exec(&machine, &shop, &[]);
    azure_job(&machine, &mut command);

    let done = finish(command);

    assert_eq!(done.code, 0, "{done:?}");
    let row = machine.row();
    let url = row["url"].as_str().unwrap();
    let told = commands(&done);
    let variable = |name: &str, value: &str| {
        format!("##vso[task.setvariable variable={name};isOutput=true]{value}")
    };
    let id = row["ado_run_id"].to_string();
    assert_eq!(
        told[..5],
        [
            variable("kadoRunId", &id),
            variable("kadoRunUrl", url),
            variable("kadoOutcome", "passed"),
            variable("kadoRunIds", &id),
            variable("kadoRunUrls", url),
        ]
    );
    let summary = told[5].strip_prefix("##vso[task.uploadsummary]").unwrap();
    let summary = fs::read_to_string(summary).unwrap();
    assert!(
        summary.contains(&format!("| {SUITE} | 18 | [{id}](<{url}>) | 1 | 0 | 0 |")),
        "{summary}"
    );
    assert_eq!(told.len(), 6, "{told:?}");
}

#[test]
fn a_document_of_json_stays_one_in_a_pipeline() {
    let machine = Machine::new();
    let run = finished([Test::failed(&tc("Sign in"), "no")])
        .write_in(&shop(&machine))
        .unwrap();
    let mut command = machine.command(&["submit", "--json", &run.to_string_lossy()]);
    azure_job(&machine, &mut command);

    let done = finish(command);

    let rows: Vec<Value> = serde_json::from_str(&done.out).unwrap();
    assert_eq!(rows.len(), 1);
    assert!(
        done.err
            .contains("variable=kadoOutcome;isOutput=true]failed\n"),
        "{done:?}"
    );
}

#[test]
fn what_was_left_out_is_a_warning_and_no_name_of_it_is_a_command() {
    let machine = Machine::new();
    let name = "##vso[task.setvariable variable=PATH]x";
    let shop = machine.shop(&[("Sign in", "1001"), (name, "9999")]);
    let run = finished([Test::passed(&tc("Sign in")), Test::passed(&tc(name))])
        .write_in(&shop)
        .unwrap();
    let mut command = machine.command(&["submit", &run.to_string_lossy()]);
    azure_job(&machine, &mut command);

    let done = finish(command);

    assert_eq!(done.code, 1, "{done:?}");
    let told = commands(&done);
    let own = [
        "setvariable variable=kado",
        "uploadsummary]",
        "logissue type=warning]",
    ];
    for line in &told {
        let begins = own
            .iter()
            .any(|own| line.starts_with(&format!("##vso[task.{own}")));
        assert!(begins, "{line}");
    }
    let warnings: Vec<_> = told
        .iter()
        .filter(|line| line.contains("logissue"))
        .collect();
    assert_eq!(warnings.len(), 1, "{told:?}");
    assert!(warnings[0].contains("variable=PATH%5Dx"), "{warnings:?}");
}

#[test]
fn no_listing_holds_a_command_of_an_agent() {
    let machine = Machine::new();
    let name = "##vso[task.complete]x";
    let shop = machine.shop(&[("Sign in", "1001"), (name, "9999")]);
    let run = finished([Test::passed(&tc("Sign in")), Test::passed(&tc(name))])
        .write_in(&shop)
        .unwrap();
    machine.submit_folder(&run);

    let id = machine.row()["id"].to_string();
    for arguments in [
        &["runs", "show", &id][..],
        &["runs", "--json"],
        &["inspect", &run.to_string_lossy()],
        &["why", &run.to_string_lossy()],
    ] {
        let done = machine.kado(arguments);

        assert!(done.out.contains("task.complete") || arguments[0] == "why");
        assert_eq!(commands(&done), [""; 0], "{arguments:?}");
    }
}

#[test]
fn github_gets_its_variables_and_summary_in_its_files() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let mut command = exec(&machine, &shop, &[]);
    let [output, summary] = github_job(&machine, &mut command);

    let done = finish(command);

    assert_eq!(done.code, 0, "{done:?}");
    let output = fs::read_to_string(output).unwrap();
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines[0], "before");
    let mark = lines[1].strip_prefix("kadoRunId<<").unwrap();
    assert_eq!(lines[2], machine.row()["ado_run_id"].to_string());
    assert_eq!(lines[3], mark);
    assert!(output.contains("\npassed\n"), "{output}");
    let summary = fs::read_to_string(summary).unwrap();
    assert!(summary.starts_with("before\n### Katalon runs"), "{summary}");
    assert_eq!(commands(&done), [""; 0]);
}

#[test]
fn elsewhere_no_agent_is_told_anything() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let mut command = exec(&machine, &shop, &[]);
    let [output, summary] = github_job(&machine, &mut command);
    command.env("GITHUB_ACTIONS", "false");

    let done = finish(command);

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(commands(&done), [""; 0]);
    assert_eq!(fs::read_to_string(output).unwrap(), "before\n");
    assert_eq!(fs::read_to_string(summary).unwrap(), "before\n");
}

#[test]
fn a_summary_that_cannot_be_written_is_said_and_changes_no_exit_code() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let mut command = exec(&machine, &shop, &["--strict"]);
    github_job(&machine, &mut command);
    command.env("GITHUB_STEP_SUMMARY", machine.root().join("none/summary"));

    let done = finish(command);

    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.err.contains("agent cannot be told"), "{done:?}");
}

#[test]
fn the_comment_leads_to_the_job_that_made_the_run_and_to_its_report() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let report = "https://ci.example/shop/report.html?run=7";
    let mut command = exec(&machine, &shop, &["--report-url", report]);
    github_job(&machine, &mut command);

    let done = finish(command);

    assert_eq!(done.code, 0, "{done:?}");
    let comment = machine.ado_run().comment.unwrap();
    assert!(
        comment.contains(
            "Made by run 42 of Smoke: \
             https://github.example/acme/shop/actions/runs/15000000001/attempts/1"
        ),
        "{comment}"
    );
    assert!(comment.contains(&format!("Report: {report}")), "{comment}");
}
