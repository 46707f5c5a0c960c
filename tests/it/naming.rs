//! Names of runs with placeholders, and tags.

use std::process::Command;

use fake_ado::Flavour;
use fake_katalon::{AzureSettings, CollectionWriter, SuiteRunWriter, Test};

use crate::support::{Machine, Output, finish, finished, start_of, tc, world};

const CASES: [(&str, &str); 2] = [("Sign in", "1001"), ("Free", "")];

fn run() -> SuiteRunWriter {
    finished([Test::passed(&tc("Sign in"))])
        .host("agent-07")
        .user("tina")
        .os("Windows 11 64bit")
        .profile("staging")
}

/// Submits a run under this name, in an environment with these variables.
fn named(machine: &Machine, name: &str, variables: &[(&str, &str)]) -> Output {
    machine.configure(&format!("[submit]\ntest_run_name = {name:?}\n"));
    let settings = AzureSettings {
        build_definition: 12,
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &CASES);
    let folder = run().write_in(&shop).unwrap();
    let mut command: Command = machine.command(&["submit", &folder.to_string_lossy()]);
    command.envs(variables.iter().copied());

    finish(command)
}

#[test]
fn every_placeholder_is_filled_in() {
    let machine = Machine::with(world().build(640, 12, "20260506.3"));
    let pattern =
        "{suite}|{collection}|{host}|{os}|{browser}|{profile}|{started}|{build}|{katalon}";
    let submitted = named(&machine, pattern, &[]);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(
        machine.ado_run().name,
        "Smoke||agent-07|Windows 11 64bit|Chrome 148.0.7778.97|staging|2026-05-06T08:15:02.117Z|20260506.3|11.1.3"
    );
}

#[test]
fn a_member_of_a_collection_can_be_named_after_it() {
    let machine = Machine::new();
    machine.configure("[submit]\ntest_run_name = \"{collection}: {suite}\"\n");
    let shop = machine.shop(&CASES);
    let collection = CollectionWriter::new("Test Suites/All/Nightly", start_of(), vec![run()]);
    collection.write_start(&shop).unwrap();

    let folder = collection.members()[0].write_in(&shop).unwrap();

    let submitted = machine.submit_folder(&folder);
    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().name, "All/Nightly: Smoke");
}

#[test]
fn environment_variables_of_the_process_are_filled_in() {
    let machine = Machine::with(world().build(640, 12, "1"));
    let variables = [
        ("BUILD_SOURCEBRANCHNAME", "main"),
        ("AGENT_NAME", "Agent 7"),
    ];
    let submitted = named(
        &machine,
        "{env:BUILD_SOURCEBRANCHNAME} on {env:AGENT_NAME}{env:NOT_SET_ANYWHERE}",
        &variables,
    );

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().name, "main on Agent 7");
}

#[test]
fn a_variable_that_looks_like_a_secret_reaches_neither_ado_nor_the_state() {
    let machine = Machine::with(world().build(640, 12, "1"));
    let variables = [
        ("DEPLOY_PASSWORD", "hunter2"),
        ("HARMLESS", "dkry7gnu3cjqx6fmt2bipw5els"),
    ];
    let submitted = named(
        &machine,
        "{suite} {env:DEPLOY_PASSWORD} {env:HARMLESS}",
        &variables,
    );

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(
        machine.ado_run().name,
        "Smoke {env:DEPLOY_PASSWORD} {env:HARMLESS}"
    );

    let shown = machine.kado(&["runs", "show", "1", "--json"]);

    for said in [&submitted.out, &submitted.err, &shown.out] {
        assert!(
            !said.contains("hunter2") && !said.contains("dkry7"),
            "{said}"
        );
    }
}

#[test]
fn an_unknown_placeholder_stays_and_is_told() {
    let machine = Machine::with(world().build(640, 12, "1"));
    let submitted = named(&machine, "{suite} {Suite} {branch}", &[]);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().name, "Smoke {Suite} {branch}");

    let checked = machine.kado(&["check", "--offline"]);

    for placeholder in ["{Suite}", "{branch}"] {
        let told = format!(
            "`{placeholder}` in `submit.test_run_name` is not a placeholder and stays as it is"
        );

        assert!(checked.out.contains(&told), "{checked:?}");
    }

    let service = machine.start();
    service.wait_for_log("is not a placeholder and stays as it is");
}

#[test]
fn a_run_has_the_tags_of_the_configuration() {
    let machine = Machine::new();
    machine.configure("[submit]\ntags = [\"katalon\", \"Nightly2\", \"KATALON\"]\n");
    let shop = machine.shop(&CASES);

    assert_eq!(machine.submit(&shop, &run()).code, 0);
    assert_eq!(machine.ado_run().tags, ["katalon", "Nightly2"]);
}

#[test]
fn a_server_that_knows_no_tags_gets_none_and_the_run_says_so() {
    let machine = Machine::with(world().flavour(Flavour::Server2019Update1));
    machine.configure("[submit]\ntags = [\"katalon\"]\n");
    let shop = machine.shop(&CASES);

    let submitted = machine.submit(&shop, &run());

    assert_eq!(
        submitted.code, 0,
        "what only an old server lacks is no failure: {submitted:?}"
    );
    assert!(machine.ado_run().tags.is_empty());

    let shown = machine.kado(&["runs", "show", "1"]);

    assert!(
        shown
            .out
            .contains("the run has no tags: they need Azure DevOps Server 2020 or later"),
        "{shown:?}"
    );
}

#[test]
fn tags_that_azure_devops_would_refuse_are_refused_when_the_configuration_is_read() {
    let machine = Machine::new();

    for tags in [
        "[\"no blanks\"]",
        "[\"\"]",
        "[\"a23456789012345678901234567890\"]",
        "[\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]",
    ] {
        machine.configure(&format!("[submit]\ntags = {tags}\n"));

        let refused = machine.kado(&["runs"]);

        assert_eq!(refused.code, 2, "{tags} {refused:?}");
        assert!(refused.err.contains("`submit.tags`"), "{refused:?}");
    }
}

#[test]
fn test_cases_without_ids_are_counted_or_fail_the_submission() {
    let test = || finished([Test::passed(&tc("Sign in")), Test::passed(&tc("Free"))]);

    for (word, code, told) in [("ignore", 0, 0), ("fail", 1, 1)] {
        let machine = Machine::new();
        machine.configure(&format!("[submit]\nunmapped = {word:?}\n"));
        let shop = machine.shop(&CASES);

        let submitted = machine.submit(&shop, &test());

        assert_eq!(submitted.code, code, "{submitted:?}");
        let run = machine.ado_run();
        assert_eq!(run.state.as_str(), "Completed");
        assert_eq!(run.results.len(), 1);
        let comment = run.comment.unwrap();
        assert!(comment.contains("1 without ADO ids"), "{comment}");
        assert_eq!(
            comment
                .matches("Test Cases/Free: the test case has no ADO id")
                .count(),
            told,
            "{comment}"
        );
        assert_eq!(
            submitted
                .out
                .matches("Test Cases/Free: the test case has no ADO id")
                .count(),
            told
        );
        let kinds = machine.row()["skipped"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|item| item["kind"] == "no-id")
            .count();
        assert_eq!(kinds, told);
    }
}
