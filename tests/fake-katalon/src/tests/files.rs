//! Every file but the log.

use std::fs;

use super::{attributes, mixed, text, tree};
use crate::*;

#[test]
fn junit_has_the_statuses_that_were_asked_for() {
    for generation in [
        Generation::V8,
        Generation::V9,
        Generation::V10,
        Generation::V11,
    ] {
        let root = tempfile::tempdir().unwrap();

        let folder = mixed(generation).write_in(root.path()).unwrap();

        let junit = text(&folder, "JUnit_Report.xml");
        let statuses = attributes(&junit, "testcase", "status");
        assert_eq!(
            statuses,
            ["PASSED", "FAILED", "ERROR", "PASSED", "PASSED", "SKIPPED"]
        );
        assert_eq!(attributes(&junit, "testsuites", "tests"), ["6"]);
        assert_eq!(attributes(&junit, "testsuite", "failures"), ["1"]);
    }
}

#[test]
fn the_same_description_gives_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();

    let folder = mixed(Generation::V11).write_in(root.path()).unwrap();
    let first = tree(&folder);
    fs::remove_dir_all(&folder).unwrap();
    mixed(Generation::V11).write_in(root.path()).unwrap();

    assert!(first == tree(&folder));
}

#[test]
fn execution_properties_are_one_json_object_in_every_generation() {
    for (generation, lines) in [
        (Generation::V8, 1),
        (Generation::V10, 1),
        (Generation::V11, 60),
    ] {
        let root = tempfile::tempdir().unwrap();
        let run = mixed(generation)
            .info("adoBuildDefId", "12")
            .recorded_project_dir("C:\\agent\\Shop");

        let file = text(&run.write_in(root.path()).unwrap(), "execution.properties");

        let value: serde_json::Value = serde_json::from_str(&file).unwrap();
        assert_eq!(value["adoBuildDefId"], "12");
        assert_eq!(value["host"]["hostName"], "tester - AGENT-01");
        let folder = value["execution"]["general"]["report"]["reportFolder"]
            .as_str()
            .unwrap();
        assert!(
            folder.starts_with("C:\\agent\\Shop\\Reports\\2026") && folder.contains("\\A\\B & C\\")
        );
        assert!(file.lines().count() >= lines);
    }
}

#[test]
fn the_binding_has_a_json_line_for_each_planned_test() {
    let root = tempfile::tempdir().unwrap();

    let folder = sample::run().write_in(root.path()).unwrap();

    let binding = text(&folder, "testCaseBinding");
    let rows: Vec<serde_json::Value> = binding
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 11);
    assert_eq!(
        rows[5]["testCaseName"],
        "Test Cases/Checkout/Apply voucher - Iteration 2"
    );
    assert_eq!(rows[5]["bindedValues"]["code"], "'SUMMER20'");
    assert!(binding.contains("\\u0027SUMMER20\\u0027"));
    assert!(
        text(&folder, "execution0.log").contains(rows[5]["testCaseExecutionId"].as_str().unwrap())
    );
}

#[test]
fn settings_read_back_through_another_reader_of_java_properties() {
    let settings = AzureSettings {
        run_name: "Läufe: \"alles\" #1 = \\gut\\!".to_owned(),
        configuration_rows: vec![ConfigurationRow::new("Windows", "Chrome", 36)],
        file_types: Some(vec!["LOG".to_owned(), "PNG".to_owned()]),
        ..AzureSettings::connected(
            "https://dev.azure.com/org",
            "tok=en+/",
            "Shop & Söhne",
            (8, "Plan 'A'"),
        )
    };
    let file = settings.to_properties();

    let map = java_properties::read(file.as_bytes()).unwrap();

    assert_eq!(map["enableIntegration"], "true");
    assert_eq!(map["enableAuthenticationEncryption"], "false");
    assert_eq!(map["submitOptions.buildDefinitionId"], "-1");
    // The quoted text is a JSON string literal as well.
    let quoted = |key: &str| serde_json::from_str::<String>(&map[key]).unwrap();
    assert_eq!(quoted("serverUrl"), "https://dev.azure.com/org");
    assert_eq!(quoted("token"), "tok=en+/");
    assert_eq!(
        quoted("submitOptions.testRunName"),
        "Läufe: \"alles\" #1 = \\gut\\!"
    );
    let json = |key: &str| serde_json::from_str::<serde_json::Value>(&quoted(key)).unwrap();
    assert_eq!(json("integratedProject")["name"], "Shop & Söhne");
    assert_eq!(json("submitOptions.testPlans")[0]["name"], "Plan 'A'");
    assert_eq!(
        json("testConfigurationMappings")[0]["azureTestConfigurationId"],
        36
    );
    assert_eq!(json("submitOptions.attachFileTypes")[1], "PNG");
    assert!(file.contains("\\\\n  {\\\\n    \\\\\"os\\\\\"\\: \\\\\"Windows\\\\\""));
}

#[test]
fn the_sample_project_has_its_files_where_katalon_has_them() {
    let root = tempfile::tempdir().unwrap();
    sample::project(root.path(), "http://127.0.0.1:1/demo-org")
        .write()
        .unwrap();

    for path in [
        "Shop.prj",
        "console.properties",
        "Test Suites/Smoke/Checkout.ts",
        "Test Cases/Account/Sign in.tc",
    ] {
        assert!(root.path().join(path).is_file(), "{path}");
    }
    let case = text(root.path(), "Test Cases/Checkout/Choose delivery.tc");
    attributes(&case, "TestCaseEntity", "none");
    assert!(case.contains("<key>azure.testcase.ids</key>\n            <value>${ado_id}</value>"));
}

#[test]
fn a_collection_lists_its_members_and_they_share_session_and_uuid() {
    let root = tempfile::tempdir().unwrap();

    let session = "2026-05-06T08:00:00Z".parse().unwrap();
    let member = || SuiteRunWriter::new("Test Suites/S").test(Test::passed("Test Cases/A"));
    let collection = CollectionWriter::new("Test Suites/All", session, vec![member(), member()]);
    let folders = collection.write_in(root.path()).unwrap();

    assert_eq!(
        folders[0],
        root.path()
            .join("Reports/20260506_080000/S/20260506_080000")
    );
    assert_ne!(folders[0], folders[1]);
    assert_eq!(
        text(&folders[0], "execution.uuid"),
        text(&folders[1], "execution.uuid")
    );
    let rp = text(&collection.folder_in(root.path()), "20260506_080000.rp");
    assert_eq!(rp.matches("<ReportItemDescription>").count(), 2);
    attributes(
        &text(&collection.folder_in(root.path()), "JUnit_Report.xml"),
        "testsuite",
        "id",
    );
}
