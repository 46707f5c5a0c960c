//! From what stands in a `.tc` to ids of ADO test cases.

#![expect(clippy::disallowed_methods, reason = "tests change files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;

use fake_katalon::{Test, TestCaseFile, Variable};

use crate::support::{Machine, Output, finished, tc};

/// Submits one run of these tests with these test cases.
fn submit(machine: &Machine, cases: Vec<TestCaseFile>, tests: Vec<Test>) -> Output {
    let shop = machine.project("Shop", machine.settings(), cases);
    machine.submit(&shop, &finished(tests))
}

/// Submits a passed test whose `.tc` holds this text as ids.
fn submit_ids(machine: &Machine, ids: &str) -> Output {
    submit(
        machine,
        vec![TestCaseFile::new(&tc("Sign in")).azure(ids)],
        vec![Test::passed(&tc("Sign in"))],
    )
}

fn points(machine: &Machine) -> Vec<u32> {
    machine
        .ado_run()
        .results
        .iter()
        .filter_map(|result| result.point_id)
        .collect()
}

fn reasons(machine: &Machine) -> Vec<String> {
    let row = machine.row();
    let skipped = row["skipped"].as_array().unwrap().iter();
    skipped
        .map(|one| one["reason"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_list_with_blanks_zeros_and_duplicates_gives_a_result_for_each_id() {
    let machine = Machine::new();
    let submitted = submit_ids(&machine, " 1003, 01001,,1003 ,\t001002 ,1001,");

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(points(&machine), [13, 11, 12]);
    assert!(
        machine
            .ado_run()
            .results
            .iter()
            .all(|result| result.sub_results.is_empty())
    );
}

#[test]
fn the_file_of_a_test_case_may_spell_its_name_in_another_unicode_form() {
    // As macOS writes it to the disk, and as Katalon's log has it.
    let (apart, together) = ("Bestellung pru\u{308}fen", "Bestellung pr\u{fc}fen");

    for (file, log) in [(apart, together), (together, apart)] {
        let machine = Machine::new();

        let submitted = submit(
            &machine,
            vec![TestCaseFile::new(&tc(file)).azure("1001")],
            vec![Test::passed(&tc(log))],
        );

        assert_eq!(submitted.code, 0, "{submitted:?}");
        assert_eq!(points(&machine), [11]);
    }
}

#[test]
fn an_invalid_id_is_reported_and_the_others_are_submitted() {
    for invalid in ["abc", "#1002", "0", "99999999999", "10 02"] {
        let machine = Machine::new();
        let submitted = submit_ids(&machine, &format!("1001,{invalid},1003"));

        assert_eq!(submitted.code, 1, "{invalid} {submitted:?}");
        assert_eq!(points(&machine), [11, 13], "{invalid}");
        let skipped = machine.row()["skipped"].clone();
        assert_eq!(skipped[0]["test"], "Test Cases/Sign in");
        assert_eq!(skipped[0]["azure_id"], serde_json::Value::Null);
        let reason = skipped[0]["reason"].as_str().unwrap();
        assert!(submitted.out.contains(reason), "{submitted:?}");
        assert!(
            machine.ado_run().comment.unwrap().contains(reason),
            "{reason}"
        );
    }
}

#[test]
fn a_reason_names_the_text_that_is_no_id() {
    let machine = Machine::new();
    submit_ids(&machine, "1001,ABC-17");
    let reasons = reasons(&machine);

    assert!(reasons[0].contains("ABC-17"), "{reasons:?}");
}

#[test]
fn a_variable_gives_each_iteration_its_own_id() {
    let machine = Machine::new();
    let case = TestCaseFile::new(&tc("Choose delivery"))
        .azure("${ado_id}")
        .variable("ado_id", "");
    let tests = vec![
        Test::passed(&tc("Choose delivery")).variable("ado_id", "1001"),
        Test::failed(&tc("Choose delivery"), "no shop near").variable("ado_id", "1002"),
    ];

    let submitted = submit(&machine, vec![case], tests);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let run = machine.ado_run();
    let outcomes: Vec<_> = run
        .results
        .iter()
        .map(|result| (result.point_id, result.outcome.as_str()))
        .collect();
    assert_eq!(outcomes, [(Some(11), "Passed"), (Some(12), "Failed")]);
    assert!(
        run.results
            .iter()
            .all(|result| result.sub_results.is_empty())
    );
}

#[test]
fn a_default_of_the_test_case_counts_where_nothing_is_bound() {
    let machine = Machine::new();
    let case = TestCaseFile::new(&tc("Sign in"))
        .azure("${ado_id}, 1002")
        .variable("ado_id", "1004");

    let submitted = submit(&machine, vec![case], vec![Test::passed(&tc("Sign in"))]);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(points(&machine), [14, 12]);
}

#[test]
fn a_variable_that_nobody_knows_is_reported() {
    let machine = Machine::new();
    let submitted = submit_ids(&machine, "${ado_id},1001");

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(points(&machine), [11]);
    assert!(
        reasons(&machine)[0].contains("ado_id"),
        "{:?}",
        reasons(&machine)
    );
}

#[test]
fn a_masked_variable_gives_no_id_and_is_reported_without_its_value() {
    let machine = Machine::new();
    let case = TestCaseFile::new(&tc("Sign in"))
        .azure("${ado_id},1001")
        .masked_variable("ado_id", "");
    let test = Test::passed(&tc("Sign in")).with_variable(Variable::new("ado_id", "1002").masked());

    let submitted = submit(&machine, vec![case], vec![test]);

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(points(&machine), [11]);
    assert!(
        reasons(&machine)[0].contains("masked"),
        "{:?}",
        reasons(&machine)
    );
    assert!(!submitted.out.contains("1002"), "{submitted:?}");
}

#[test]
fn a_test_whose_file_is_gone_is_named_and_makes_exit_1() {
    let machine = Machine::new();
    let case = TestCaseFile::new(&tc("Sign in")).azure("1001");

    let submitted = submit(
        &machine,
        vec![case],
        vec![Test::passed(&tc("Sign in")), Test::passed(&tc("Renamed"))],
    );

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(points(&machine), [11]);
    insta::assert_snapshot!(
        reasons(&machine).join("\n"),
        @"the project has no file `Test Cases/Renamed.tc` any more, so its ADO ids are unknown; was the test case renamed or deleted?"
    );
}

#[test]
fn test_cases_without_ids_are_counted_and_do_not_make_exit_1() {
    let machine = Machine::new();
    let cases = vec![
        TestCaseFile::new(&tc("Sign in")).azure("1001"),
        TestCaseFile::new(&tc("Open shop")),
    ];

    let submitted = submit(
        &machine,
        cases,
        vec![Test::passed(&tc("Sign in")), Test::passed(&tc("Open shop"))],
    );

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(points(&machine), [11]);
    assert!(
        machine
            .ado_run()
            .comment
            .unwrap()
            .contains("1 without ADO ids")
    );
    assert_eq!(reasons(&machine), [""; 0]);
}

#[test]
fn an_empty_link_is_no_id_and_no_mistake() {
    let machine = Machine::new();
    let cases = vec![
        TestCaseFile::new(&tc("Sign in")).azure("1001"),
        TestCaseFile::new(&tc("Open shop")).azure(""),
    ];

    let submitted = submit(
        &machine,
        cases,
        vec![Test::passed(&tc("Sign in")), Test::passed(&tc("Open shop"))],
    );

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert!(
        machine
            .ado_run()
            .comment
            .unwrap()
            .contains("1 without ADO ids")
    );
}

#[test]
fn a_run_without_any_id_is_ignored_and_says_where_ids_are_entered() {
    let machine = Machine::new();

    let submitted = submit(
        &machine,
        vec![TestCaseFile::new(&tc("Sign in"))],
        vec![Test::passed(&tc("Sign in"))],
    );

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_runs().len(), 0);
    insta::assert_snapshot!(
        machine.states().join("\n"),
        @"Test Suites/Smoke ignored no test of this run has an Azure DevOps test case id; `kado map suggest` proposes ids, and the Integration tab of a test case takes them; then `kado runs retry 1`"
    );
}

#[test]
fn ids_of_other_products_are_not_taken_for_azures() {
    let machine = Machine::new();
    let mut jira = TestCaseFile::new(&tc("Open shop"));
    jira.other_links.push((
        "JIRA".to_owned(),
        "azure.testcase.ids".to_owned(),
        "1002".to_owned(),
    ));
    let cases = vec![TestCaseFile::new(&tc("Sign in")).azure("1001"), jira];

    let submitted = submit(
        &machine,
        cases,
        vec![Test::passed(&tc("Sign in")), Test::passed(&tc("Open shop"))],
    );

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(points(&machine), [11]);
}

#[test]
fn test_case_ids_are_matched_exactly() {
    let machine = Machine::new();
    let cases = vec![
        TestCaseFile::new(&tc("a/Login")).azure("1001"),
        TestCaseFile::new(&tc("b/Login")).azure("1002"),
    ];
    let tests = vec![
        Test::passed(&tc("a/Login")),
        Test::failed(&tc("b/Login"), "no"),
    ];

    assert_eq!(submit(&machine, cases, tests).code, 0);
    let run = machine.ado_run();
    assert_eq!(run.result_of_point(11).unwrap().outcome, "Passed");
    assert_eq!(run.result_of_point(12).unwrap().outcome, "Failed");
    assert_eq!(
        run.result_of_point(12)
            .unwrap()
            .automated_test_storage
            .as_deref(),
        Some("Test Cases/b/Login")
    );
}

#[test]
fn a_character_that_nobody_sees_is_named() {
    let machine = Machine::new();

    let submitted = submit_ids(&machine, "1001,1002\u{200b}");

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(points(&machine), [11]);
    let reasons = reasons(&machine);
    assert!(reasons[0].contains("U+200B"), "{reasons:?}");
}

#[test]
fn half_of_a_character_in_a_value_is_told_as_that() {
    let machine = Machine::new();
    let case = TestCaseFile::new(&tc("Sign in"))
        .azure("${ado_id}")
        .variable("ado_id", "");
    let shop = machine.project(
        "Shop",
        machine.settings(),
        [case, TestCaseFile::new(&tc("Pay")).azure("1002")],
    );
    let tests = [
        Test::passed(&tc("Sign in")).variable("ado_id", "10HALF01"),
        Test::passed(&tc("Pay")),
    ];
    let folder = finished(tests).write_in(&shop).unwrap();
    for name in ["testCaseBinding", "execution0.log"] {
        let file = folder.join(name);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains("HALF"), "{name}");
        fs::write(&file, text.replace("HALF", r"\ud83d")).unwrap();
    }

    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 1, "{submitted:?}");
    let reasons = reasons(&machine);
    assert!(reasons[0].contains("half of a character"), "{reasons:?}");
}
