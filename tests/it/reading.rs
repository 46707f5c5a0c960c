//! Synthetic projects and runs in `tests/fixtures`, one claim per tree: see the README there.

use std::path::{Path, PathBuf};

use kado::katalon::damage::DamageKind;
use kado::katalon::run::junit::Junit;
use kado::katalon::run::{FileKind, SuiteRun, VariableValue};
use kado::katalon::status::Status;
use kado::workspace::{self, JunitState};

/// The folder of a fixture.
pub(crate) fn fixture(path: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::path::absolute(fixtures.join(path)).expect("the path is not empty")
}

fn run(path: &str) -> SuiteRun {
    workspace::read_run(&fixture("shop/Reports").join(path)).expect("the fixture is a run folder")
}

/// Name and status of each test.
fn results(run: &SuiteRun) -> Vec<(&str, Status)> {
    run.tests
        .iter()
        .map(|test| (test.name(), test.status()))
        .collect()
}

fn plain(text: &str) -> VariableValue {
    VariableValue::Plain(text.to_owned())
}

#[test]
fn every_status_rule_holds() {
    let run = run("20240105_100000/Statuses/20240105_100000");

    assert_eq!(
        results(&run),
        [
            ("Login", Status::Passed),
            ("Add to cart", Status::Failed),
            ("Bad id", Status::Error),
            ("Cart helper", Status::Passed),
            ("Secret id", Status::Skipped),
            ("Gone", Status::Error),
        ]
    );
    assert_eq!(run.status, Status::Error);
    assert!(
        run.ended.is_some() && run.warnings.is_empty(),
        "{:?}",
        run.warnings
    );
}

#[test]
fn the_message_is_that_of_the_deciding_record() {
    let run = run("20240105_100000/Statuses/20240105_100000");
    let texts: Vec<(Option<&str>, bool)> = run
        .tests
        .iter()
        .map(|test| {
            (
                test.last().message.as_deref(),
                test.last().stack_trace.is_some(),
            )
        })
        .collect();

    assert_eq!(
        texts,
        [
            (None, false),
            (Some("Unable to click on 'buy'"), true),
            (Some("No such property: x"), true),
            (None, false),
            (Some("This test case was skipped in @BeforeTestCase"), false),
            (Some("the run was aborted"), false),
        ]
    );
}

#[test]
fn attachments_of_called_tests_and_of_absolute_paths_belong_to_the_test() {
    let run = run("20240105_100000/Statuses/20240105_100000");
    let attempt = run.tests[1].last();

    assert_eq!(
        attempt.attachments,
        [
            "1704448800900.png",
            "keyes/keyes-cart.png",
            "1704448800901.png"
        ]
    );
    assert_eq!(attempt.foreign_attachments, [""; 0]);
    let kinds: Vec<(&str, FileKind)> = run
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.kind))
        .collect();
    assert!(kinds.contains(&("keyes/keyes-cart.png", FileKind::Png)));
    assert!(kinds.contains(&("execution0.log", FileKind::Log)));
    assert!(kinds.contains(&("console0.log", FileKind::Other)));
    assert!(kinds.contains(&("execution0.log.lck", FileKind::Other)));
}

#[test]
fn the_environment_comes_from_both_files() {
    let environment = run("20240105_100000/Statuses/20240105_100000").environment;

    assert_eq!(environment.machine(), Some("PC7"));
    assert_eq!(environment.os.as_deref(), Some("Windows 11 64bit"));
    assert_eq!(
        environment.browser.as_deref(),
        Some("Chrome 120.0.6099.110")
    );
    assert_eq!(environment.profile.as_deref(), Some("qa"));
    assert_eq!(environment.katalon_version.as_deref(), Some("10.1.0"));
    assert_eq!(environment.driver.as_deref(), Some("CHROME_DRIVER"));
}

#[test]
fn iterations_get_their_values_by_position() {
    let run = run("20240106_100000/Data driven/20240106_100000");
    let numbers: Vec<Option<u32>> = run
        .tests
        .iter()
        .map(|test| test.iteration.as_ref().map(|iteration| iteration.number))
        .collect();

    assert_eq!(numbers, [Some(1), Some(2), Some(3), None, Some(4)]);
    let ids: Vec<Option<&VariableValue>> = run
        .tests
        .iter()
        .map(|test| test.variables.get("ado_id"))
        .collect();
    let expression = VariableValue::Expression("GlobalVariable.id".to_owned());
    let expected = [plain("2001"), plain("2002.0"), plain("2003"), expression];
    assert_eq!(
        ids,
        [
            Some(&expected[0]),
            Some(&expected[1]),
            Some(&expected[2]),
            None,
            Some(&expected[3])
        ]
    );
    assert_eq!(
        run.tests[0].iteration.as_ref().unwrap().value.as_deref(),
        Some("card-1")
    );
    assert_eq!(
        run.tests[0].iteration.as_ref().unwrap().variable.as_deref(),
        Some("card")
    );
}

#[test]
fn a_masked_variable_stays_masked_though_the_binding_has_it_in_clear() {
    let run = run("20240106_100000/Data driven/20240106_100000");
    assert_eq!(run.tests[3].variables["card"], VariableValue::Masked);
}

#[test]
fn options_of_the_project_count_in_console_mode_only() {
    assert_eq!(
        run("20240106_100000/Data driven/20240106_100000")
            .options
            .plan
            .as_deref(),
        Some("77")
    );
    assert_eq!(
        run("20240105_100000/Statuses/20240105_100000").options.plan,
        None
    );
}

#[test]
fn immediate_retries_are_attempts_of_one_result() {
    let run = run("20260107_100000/Retries/20260107_100000");
    let attempts: Vec<Vec<Status>> = run
        .tests
        .iter()
        .map(|test| test.attempts.iter().map(|attempt| attempt.status).collect())
        .collect();

    assert_eq!(
        attempts,
        [
            vec![Status::Failed, Status::Failed, Status::Passed],
            vec![Status::Passed],
            vec![Status::Failed, Status::Passed]
        ]
    );
    assert_eq!(run.tests[0].attempts[1].attachments, ["2.png"]);
    assert_eq!(run.status, Status::Passed);
}

#[test]
fn katalon_11_pairs_iterations_by_execution_id() {
    let run = run("20260107_100000/Retries/20260107_100000");

    assert_eq!(run.tests[0].variables["ado_id"], plain("3001"));
    assert_eq!(run.tests[2].variables["ado_id"], plain("3002"));
    assert_eq!(
        run.tests[2].iteration.as_ref().unwrap().value.as_deref(),
        Some("3002")
    );
    assert_eq!(run.options.plan.as_deref(), Some("21"));
    assert_eq!(run.options.build_definition.as_deref(), Some("12"));
}

#[test]
fn rotated_logs_are_read_from_the_highest_number_on() {
    let run = run("20240108_100000/Rotated/20240108_100000");

    assert_eq!(
        results(&run),
        [("Login", Status::Passed), ("Add to cart", Status::Failed)]
    );
    assert!(run.warnings.is_empty(), "{:?}", run.warnings);
    assert_eq!(run.damage, []);
    assert_eq!(run.differences, []);
}

#[test]
fn a_log_without_its_beginning_gives_what_it_has() {
    let run = run("20240108_110000/Headless/20240108_110000");

    assert_eq!(results(&run), [("Add to cart", Status::Failed)]);
    assert_eq!(run.suite, "Test Suites/Headless");
    assert!(run.ended.is_some());
    assert_eq!(run.damage[0].kind, DamageKind::BeginsLate);
    assert_eq!(run.damage[0].file, "execution0.log");
}

#[test]
fn open_tests_of_a_crashed_run_are_incomplete_and_keep_their_screenshots() {
    let folder = fixture("shop/Reports/20240109_100000/Crashed/20240109_100000");
    let run = workspace::read_run(&folder).unwrap();

    assert_eq!(
        results(&run),
        [
            ("Login", Status::Passed),
            ("Add to cart", Status::Incomplete)
        ]
    );
    assert_eq!(run.ended, None);
    assert_eq!(run.status, Status::Incomplete);
    let open = run.tests[1].last();
    assert_eq!(open.ended, None);
    assert_eq!(open.message.as_deref(), None);
    assert_eq!(open.attachments, ["open.png"]);
    assert_eq!(workspace::read_junit(&folder), JunitState::Complete);
}

#[test]
fn a_record_that_was_cut_is_left_out() {
    let folder = fixture("shop/Reports/20240110_100000/Aborted/20240110_100000");
    let run = workspace::read_run(&folder).unwrap();

    assert_eq!(
        results(&run),
        [
            ("Login", Status::Passed),
            ("Add to cart", Status::Incomplete)
        ]
    );
    assert_eq!(
        run.warnings,
        ["records of the log that are cut and were left out: 1"]
    );
    assert_eq!(workspace::read_junit(&folder), JunitState::Missing);
}

#[test]
fn a_queued_run_has_no_tests_and_no_time() {
    let run = run("20240111_100000/Queued/20240111_100000");

    assert_eq!(run.started, None);
    assert_eq!(run.tests.len(), 0);
    assert_eq!(run.suite, "Test Suites/Queued");
}

#[test]
fn a_damaged_log_gives_all_its_whole_records() {
    let run = run("20240112_100000/Damaged/20240112_100000");

    assert_eq!(run.suite, "Test Suites/Damaged");
    assert_eq!(
        results(&run),
        [("Login", Status::Passed), ("Add to cart", Status::Failed)]
    );
    assert_eq!(run.tests[1].last().message.as_deref(), Some("a & b"));
    assert!(run.ended.is_some() && run.last_record == run.ended);
}

#[test]
fn a_member_of_a_collection_is_known_as_such() {
    assert!(run("20240113_100000/Smoke/20240113_100001").in_collection);
    assert!(!run("20240112_100000/Damaged/20240112_100000").in_collection);
    assert!(!workspace::is_run_folder(&fixture(
        "shop/Reports/20240113_100000/Nightly/20240113_100000"
    )));
}

#[test]
fn a_cucumber_scenario_is_part_of_its_test() {
    let run = run("20240114_100000/Cucumber/20240114_100000");

    assert_eq!(results(&run), [("Login", Status::Failed)]);
    assert_eq!(run.tests[0].last().message.as_deref(), Some("no cart"));
}

#[test]
fn logs_of_old_versions_are_java_escaped() {
    let folder = fixture("shop-old/Reports/Old suite/20180510_111617");
    let run = workspace::read_run(&folder).unwrap();
    let attempt = run.tests[0].last();

    assert_eq!(
        attempt.message.as_deref(),
        Some("Unable to set text 'C:\\new' of object \"ราคา\"")
    );
    assert_eq!(attempt.attachments, ["1525947377500.png"]);
    assert_eq!(run.environment.katalon_version.as_deref(), Some("5.4.1.1"));
    let unknown =
        workspace::read_run(&fixture("shop-old/Reports/No version/20180511_111617")).unwrap();
    assert_eq!(unknown.environment.katalon_version, None);
}

#[test]
fn every_report_of_the_fixtures_agrees() {
    let mut compared = 0;
    let mut folders = vec![fixture("")];

    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).unwrap().map(Result::unwrap);
        folders.extend(
            entries
                .filter(|entry| entry.path().is_dir())
                .map(|entry| entry.path()),
        );
        let Ok(bytes) = std::fs::read(folder.join("JUnit_Report.xml")) else {
            continue;
        };
        let report = Junit::read(&bytes).unwrap();
        let run = workspace::read_run(&folder).unwrap();
        let ours: Vec<(&str, Option<&str>)> = run
            .tests
            .iter()
            .map(|test| (test.id.as_str(), Some(test.status().word())))
            .collect();
        let theirs: Vec<(&str, Option<&str>)> = report.suites[0]
            .cases
            .iter()
            .map(|case| (case.name.as_str(), case.status.as_deref()))
            .collect();
        assert_eq!(ours, theirs, "{}", folder.display());
        // Where the two differ the report counts, so that they agree afterwards shows nothing.
        assert_eq!(run.differences, [], "{}", folder.display());
        compared += 1;
    }

    assert_eq!(compared, 8);
}

#[test]
fn a_project_is_read_with_its_settings_and_test_cases() {
    let project = workspace::read_project(&fixture("shop")).unwrap();

    assert_eq!(project.name, "Shop & Co");
    assert!(project.settings.enabled);
    assert_eq!(project.settings.token.word(), "set");
    let ids: Vec<(&str, Option<&str>)> = project
        .test_cases
        .iter()
        .map(|case| (case.id.as_str(), case.azure_ids.as_deref()))
        .collect();
    assert_eq!(
        ids,
        [
            ("Test Cases/Bad id", Some("12, abc, ${missing}")),
            ("Test Cases/Cart/Add to cart", Some("545, 8562\n")),
            ("Test Cases/Cart/Cart helper", None),
            ("Test Cases/Checkout", Some("${ado_id}")),
            ("Test Cases/Login", Some("1001")),
            ("Test Cases/Other product", None),
            ("Test Cases/Secret id", Some("${card}")),
            ("Test Cases/Without value", None),
        ]
    );
    assert_eq!(project.warnings, [""; 0]);
}

#[test]
fn the_project_of_a_run_is_found_above_its_reports() {
    let run = fixture("shop/Reports/20240113_100000/Smoke/20240113_100001");

    assert_eq!(workspace::find_project_root(&run), Some(fixture("shop")));
    assert_eq!(
        workspace::find_project_root(&fixture("shop")),
        Some(fixture("shop"))
    );
    assert_eq!(
        workspace::read_project(&fixture("shop-old")).unwrap().name,
        "shop"
    );
}

#[test]
fn an_id_that_leads_out_of_the_project_has_no_test_case() {
    for id in [
        "../shop/Test Cases/Login",
        "/etc/passwd",
        "Test Cases/../../shop/Test Cases/Login",
        "C:\\x",
    ] {
        assert!(
            workspace::read_test_case(&fixture("shop"), id)
                .unwrap()
                .is_none(),
            "{id}"
        );
    }
    assert!(
        workspace::read_test_case(&fixture("shop"), "Test Cases/Login")
            .unwrap()
            .is_some()
    );
}

#[cfg(unix)]
#[test]
fn no_link_in_a_run_folder_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(
        fixture("shop/Reports/20240113_100000/Smoke/20240113_100001/execution0.log"),
        folder.path().join("execution0.log"),
    )
    .unwrap();
    for (target, name) in [
        ("/etc/hostname", "a.png"),
        ("/etc", "etc"),
        ("/etc/hostname", "execution1.log"),
    ] {
        std::os::unix::fs::symlink(target, folder.path().join(name)).unwrap();
    }
    let run = workspace::read_run(folder.path()).unwrap();
    let paths: Vec<&str> = run.files.iter().map(|file| file.path.as_str()).collect();

    assert_eq!(paths, ["execution0.log"]);
    assert_eq!(run.suite, "Test Suites/Smoke");
}
