//! ADO ids in the tag, name or description of a test case (`submit.ids_from`), for whoever has no
//! licence that shows the integration tab.

#![expect(clippy::disallowed_methods, reason = "tests change files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};

use fake_katalon::{Test, TestCaseFile};
use serde_json::Value;

use crate::support::{Machine, Output, finished, tc};

/// A machine that looks for ids in these places, with other keys of `[submit]`.
fn machine(from: &str, more: &str) -> Machine {
    let machine = Machine::new();
    machine.configure(&format!("[submit]\nids_from = {from}\n{more}\n"));
    machine
}

/// A project with one test case, and a passed run of it.
fn written(machine: &Machine, case: TestCaseFile) -> (PathBuf, PathBuf) {
    let id = case.id.clone();
    let shop = machine.project("Shop", machine.settings(), [case]);
    let folder = finished([Test::passed(&id)]).write_in(&shop).unwrap();
    (shop, folder)
}

fn submit(machine: &Machine, case: TestCaseFile) -> Output {
    let (_, folder) = written(machine, case);
    machine.submit_folder(&folder)
}

fn points(machine: &Machine) -> Vec<u32> {
    let results = machine.ado_run().results;
    results
        .iter()
        .filter_map(|result| result.point_id)
        .collect()
}

fn json(machine: &Machine, arguments: &[&str]) -> Value {
    let output = machine.kado(arguments);
    serde_json::from_str(&output.out).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_tag_a_name_and_a_description_hold_ids_in_each_form() {
    for (from, case) in [
        (
            "[\"tag\"]",
            TestCaseFile::new(&tc("Pay")).tag("smoke, ado:1002"),
        ),
        ("[\"name\"]", TestCaseFile::new(&tc("Pay @TC1002"))),
        (
            "[\"description\"]",
            TestCaseFile::new(&tc("Pay")).description("[1002] pays & leaves"),
        ),
    ] {
        let machine = machine(from, "");

        let submitted = submit(&machine, case);

        assert_eq!(submitted.code, 0, "{from}: {submitted:?}");
        assert_eq!(points(&machine), [12], "{from}");
    }
}

#[test]
fn without_the_setting_only_the_integration_tab_counts() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");

    let submitted = submit(&machine, TestCaseFile::new(&tc("Pay")).tag("ado:1002"));

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.row()["state"], "ignored");
}

#[test]
fn the_first_place_that_holds_an_id_counts() {
    let both = || TestCaseFile::new(&tc("Pay")).azure("1001").tag("ado:1002");

    for (from, case, point) in [
        ("[\"integration\", \"tag\"]", both(), 11),
        ("[\"tag\", \"integration\"]", both(), 12),
        (
            "[\"integration\", \"tag\"]",
            TestCaseFile::new(&tc("Pay")).azure("").tag("ado:1002"),
            12,
        ),
        (
            "[\"integration\", \"tag\", \"description\"]",
            TestCaseFile::new(&tc("Pay"))
                .tag("smoke")
                .description("[1003]"),
            13,
        ),
    ] {
        let machine = machine(from, "");

        submit(&machine, case);

        assert_eq!(points(&machine), [point], "{from}");
    }
}

#[test]
fn the_groups_of_a_pattern_are_the_ids() {
    let machine = machine("[\"tag\"]", "ids_pattern = 'TC-(\\d+)(?:/(\\d+))?'");

    submit(
        &machine,
        TestCaseFile::new(&tc("Pay")).tag("TC-1001/1002, [1003]"),
    );

    assert_eq!(points(&machine), [11, 12]);
}

#[test]
fn a_pattern_that_is_none_is_a_configuration_error_with_its_value() {
    for (pattern, problem) in [
        ("TC-(", "unclosed group"),
        ("TC-[0-9]+", "it has no group"),
        (r"(?:\p{L}{1,500}){1,50}([0-9]+)", "larger than 128 KiB"),
        (r"[\p{L}\p{N}]{1000}([0-9]+)", "larger than 128 KiB"),
    ] {
        let machine = machine("[\"tag\"]", &format!("ids_pattern = '{pattern}'"));

        let refused = machine.kado(&["run", "--once"]);

        assert_eq!(refused.code, 2, "{refused:?}");
        let said = &refused.err;
        assert!(said.contains("`submit.ids_pattern`"), "{said}");
        assert!(said.contains(&format!("`{pattern}`")), "{said}");
        assert!(said.contains(problem), "{said}");
    }
}

#[test]
fn texts_that_cost_too_much_to_look_through_lose_their_ids_and_others_do_not() {
    // Each place is found only after a look at all that follows.
    let machine = machine(
        "[\"description\"]",
        r"ids_pattern = '([0-9])(?:[a-z0-9]*\w\w!)?|\[([0-9]+)\]'",
    );
    let dear = TestCaseFile::new(&tc("Dear")).description(&"1".repeat(60_000));
    let cheap = TestCaseFile::new(&tc("Cheap")).description("[1002]");
    let shop = machine.project("Shop", machine.settings(), [dear, cheap]);
    let folder = finished([Test::passed(&tc("Dear")), Test::passed(&tc("Cheap"))])
        .write_in(&shop)
        .unwrap();

    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(points(&machine), [12]);
    assert!(
        submitted.out.contains("left out: Test Cases/Dear"),
        "{submitted:?}"
    );
    assert!(
        submitted.out.contains("`submit.ids_pattern`"),
        "{submitted:?}"
    );
}

#[test]
fn a_project_says_for_itself_where_its_ids_stand() {
    let machine = Machine::new();
    let (shop, folder) = written(&machine, TestCaseFile::new(&tc("Pay")).tag("ado:1002"));
    fs::write(shop.join("kado.toml"), "[submit]\nids_from = [\"tag\"]\n").unwrap();

    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(points(&machine), [12]);
}

#[test]
fn a_table_of_the_machine_says_it_for_one_project() {
    let machine = Machine::new();
    let path = machine.work().join("Shop");
    machine.configure(&format!(
        "[[project]]\npath = '{}'\nsubmit.ids_from = [\"tag\"]\n",
        path.display()
    ));

    let submitted = submit(&machine, TestCaseFile::new(&tc("Pay")).tag("ado:1002"));

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(points(&machine), [12]);
}

#[test]
fn ids_are_those_of_the_moment_when_the_run_was_finished() {
    let machine = machine("[\"tag\"]", "");
    let (shop, folder) = written(&machine, TestCaseFile::new(&tc("Pay")).tag("ado:1002"));
    machine.fake.world().set_tokens(&["another-token"]);
    machine.submit_folder(&folder);

    let case = TestCaseFile::new(&tc("Pay")).tag("ado:1003");
    fs::write(shop.join("Test Cases/Pay.tc"), case.to_xml()).unwrap();
    machine.fake.world().set_tokens(&[crate::support::TOKEN]);
    let sent = machine.kado(&["run", "--once"]);

    assert_eq!(sent.code, 0, "{sent:?}");
    assert_eq!(points(&machine), [12]);
}

#[test]
fn an_id_of_a_tag_without_a_point_is_reported() {
    let machine = machine("[\"tag\"]", "");

    let submitted = submit(
        &machine,
        TestCaseFile::new(&tc("Pay")).tag("ado:1001 ado:77"),
    );

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(points(&machine), [11]);
    assert_eq!(machine.row()["skipped"][0]["azure_id"], 77);
}

#[test]
fn a_file_whose_tags_cannot_be_known_costs_its_test_by_name() {
    let machine = machine("[\"integration\", \"tag\"]", "");
    let (shop, _) = written(&machine, TestCaseFile::new(&tc("Pay")));
    fs::write(
        shop.join("Test Cases/Pay.tc"),
        "<TestCaseEntity>\n<<<<<<< ours\n<tag>ado:1002</tag>\n=======\n<tag>ado:1003</tag>\n\
         >>>>>>> theirs\n</TestCaseEntity>\n",
    )
    .unwrap();
    fs::write(
        shop.join("Test Cases/Sign in.tc"),
        TestCaseFile::new(&tc("Sign in")).tag("ado:1001").to_xml(),
    )
    .unwrap();
    let both = finished([
        Test::failed(&tc("Pay"), "the card was refused"),
        Test::passed(&tc("Sign in")),
    ]);
    let folder = both
        .start(crate::support::start_of() + jiff::SignedDuration::from_secs(60))
        .write_in(&shop)
        .unwrap();

    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(points(&machine), [11]);
    let skipped = machine.row()["skipped"].clone();
    assert_eq!(skipped[0]["test"], "Test Cases/Pay", "{skipped}");
}

#[test]
fn inspect_check_and_the_dry_run_say_where_an_id_stands() {
    let machine = machine("[\"integration\", \"tag\"]", "");
    let (shop, folder) = written(&machine, TestCaseFile::new(&tc("Pay")).tag("ado:1002"));

    let project = json(&machine, &["inspect", text(&shop), "--json"]);
    let run = json(&machine, &["inspect", text(&folder), "--json"]);
    let dry = json(&machine, &["submit", text(&folder), "--dry-run", "--json"]);
    let table = machine.kado(&["submit", text(&folder), "--dry-run"]).out;
    let check = machine.kado(&["check", text(&shop)]).out;

    assert_eq!(project["test_cases"][0]["source"], "tag", "{project}");
    assert_eq!(
        project["test_cases"][0]["azure_ids"],
        serde_json::json!([1002])
    );
    assert_eq!(run["tests"][0]["source"], "tag", "{run}");
    assert_eq!(dry[0]["points"][0]["source"], "tag", "{dry}");
    assert!(table.contains("1002 (tag)"), "{table}");
    assert!(check.contains("1 of them by its tag"), "{check}");
}
