//! Files of a run or project that cannot be read as they are: what can be read of them counts, and
//! where something decisive is lost, nothing is guessed.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]
#![expect(clippy::disallowed_methods, reason = "tests damage files")]

use std::fs;
use std::path::{Path, PathBuf};

use fake_katalon::{SuiteRunWriter, Test};

use crate::support::{Machine, Output, PLAN, finished, tc};

/// A run of katalonc; the project says plan 18.
fn run() -> SuiteRunWriter {
    finished([Test::passed(&tc("Sign in"))]).console()
}

/// A machine with a project and a run of it in a folder.
fn with_run(run: &SuiteRunWriter) -> (Machine, PathBuf) {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let folder = run.write_in(&shop).unwrap();
    (machine, folder)
}

/// Changes the bytes of a file.
fn damage(file: &Path, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let whole = fs::read(file).unwrap();
    fs::write(file, change(whole)).unwrap();
}

/// Replaces a text, which has to be there, by bytes.
fn replaced(whole: &[u8], text: &str, bytes: &[u8]) -> Vec<u8> {
    let at = find(whole, text);
    [&whole[..at], bytes, &whole[at + text.len()..]].concat()
}

fn find(whole: &[u8], text: &str) -> usize {
    let mut windows = whole.windows(text.len());
    windows
        .position(|window| window == text.as_bytes())
        .unwrap_or_else(|| panic!("{text} is there"))
}

/// Asserts that the run is parked, because of this, and that nothing was sent.
fn assert_parked(machine: &Machine, submitted: &Output, reason: &str) {
    assert_eq!(submitted.code, 1, "{submitted:?}");
    let row = machine.row();
    assert_eq!(row["state"], "parked", "{row:#}");
    let error = row["error"].as_str().unwrap();
    assert!(error.contains(reason), "{error}");
    assert!(error.contains("--plan PLAN"), "{error}");
    assert_eq!(machine.ado_runs().len(), 0);
}

#[test]
fn what_is_damaged_beside_the_plan_option_costs_only_itself() {
    let description = "\"description\" : \"";
    let damages: [(&str, &[u8]); 3] = [
        ("a byte of Latin-1", b"\"description\" : \"caf\xE9"),
        ("a bad escape", b"\"description\" : \"D:\\katalon"),
        ("half of a character", b"\"description\" : \"\\ud83d"),
    ];

    for (what, bytes) in damages {
        let (machine, folder) = with_run(&run().info("adoPlanId", "19"));
        damage(&folder.join("execution.properties"), |whole| {
            replaced(&whole, description, bytes)
        });

        let submitted = machine.submit_folder(&folder);

        assert_eq!(submitted.code, 0, "{what} {submitted:?}");
        assert_eq!(machine.ado_run().plan_id, Some(19), "{what}");
    }
}

#[test]
fn an_end_that_is_cut_off_behind_the_plan_option_costs_only_itself() {
    let (machine, folder) = with_run(&run().info("adoPlanId", "19"));
    damage(&folder.join("execution.properties"), |whole| {
        let end = find(&whole, "\"testops\"");
        whole[..end].to_vec()
    });

    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().plan_id, Some(19));
}

#[test]
fn a_run_whose_plan_option_may_be_lost_is_parked() {
    type Change = fn(Vec<u8>) -> Vec<u8>;
    let damages: [(&str, Change); 5] = [
        ("its end is missing", |whole| {
            whole[..whole.len() / 2].to_vec()
        }),
        // The plan would be 1.
        ("its end is missing", |whole| {
            let plan = find(&whole, "\"19\"");
            whole[..plan + 2].to_vec()
        }),
        ("is empty", |_| Vec::new()),
        ("zero bytes", |whole| vec![0; whole.len()]),
        ("conflict markers", |whole| {
            [b"<<<<<<< HEAD\n".to_vec(), whole].concat()
        }),
    ];

    for (reason, change) in damages {
        let (machine, folder) = with_run(&run().info("adoPlanId", "19"));
        damage(&folder.join("execution.properties"), change);

        let submitted = machine.submit_folder(&folder);

        assert_parked(&machine, &submitted, reason);
    }
}

#[test]
fn a_run_of_katalon_studios_window_has_no_option_to_lose() {
    let (machine, folder) = with_run(&finished([Test::passed(&tc("Sign in"))]));
    damage(&folder.join("execution.properties"), |whole| {
        let end = find(&whole, "\"testops\"");
        whole[..end].to_vec()
    });

    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().plan_id, Some(PLAN));
}

#[test]
fn a_person_sends_a_run_whose_options_are_lost_to_the_projects_plan_or_another() {
    for (more, plan) in [(&[][..], PLAN), (&["--plan", "19"], 19)] {
        let (machine, folder) = with_run(&run());
        fs::write(folder.join("execution.properties"), "").unwrap();
        machine.submit_folder(&folder);
        let id = machine.row()["id"].to_string();

        let retried = machine.kado(&[&["runs", "retry", &id], more].concat());

        assert_eq!(retried.code, 0, "{retried:?}");
        assert_eq!(machine.ado_run().plan_id, Some(plan));
    }
}

#[test]
fn nobody_decides_by_trying_all_runs_again() {
    let (machine, folder) = with_run(&run());
    fs::write(folder.join("execution.properties"), "").unwrap();
    machine.submit_folder(&folder);

    machine.kado(&["runs", "retry", "--failed"]);

    assert_eq!(machine.row()["state"], "parked");
    assert_eq!(machine.ado_runs().len(), 0);
}

#[test]
fn the_service_parks_a_run_whose_options_are_lost() {
    let (machine, folder) = with_run(&run());
    fs::write(folder.join("execution.properties"), [0; 700]).unwrap();
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");

    let once = machine.kado(&["run", "--once"]);

    assert_parked(&machine, &once, "`execution.properties` holds zero bytes");
}

#[test]
fn a_console_properties_without_its_content_parks_the_runs_of_katalonc() {
    for (bytes, reason) in [
        (&b""[..], "`console.properties` is empty"),
        (&[0; 90], "`console.properties` holds zero bytes"),
    ] {
        let (machine, folder) = with_run(&run());
        fs::write(machine.work().join("Shop/console.properties"), bytes).unwrap();

        let submitted = machine.submit_folder(&folder);

        assert_parked(&machine, &submitted, reason);
    }
}

#[test]
fn a_bad_byte_in_console_properties_costs_only_itself() {
    let (machine, folder) = with_run(&run());
    let bytes = b"# caf\xE9 \\u12\nadoPlanId=19\nadoTestRunName=Pr\xC3\xBCfung \xFC\n";
    fs::write(machine.work().join("Shop/console.properties"), bytes).unwrap();

    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().plan_id, Some(19));
    assert_eq!(machine.ado_run().name, "Prüfung ü");
}

/// Submits a run of a test that is well and of one that failed, whose `.tc` was changed so.
fn submit_with_case(change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> (Machine, Output) {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001"), ("Pay", "1002")]);
    damage(&shop.join("Test Cases/Pay.tc"), change);

    let submitted = machine.submit(&shop, &with_failed_test());
    (machine, submitted)
}

fn with_failed_test() -> SuiteRunWriter {
    finished([
        Test::passed(&tc("Sign in")),
        Test::failed(&tc("Pay"), "no money"),
    ])
}

fn points(machine: &Machine) -> Vec<u32> {
    let results = &machine.ado_run().results;
    results
        .iter()
        .filter_map(|result| result.point_id)
        .collect()
}

/// The element that holds the ids of a test case.
fn entity(case: &[u8]) -> String {
    let (start, end) = ("<integratedEntity>", "</integratedEntity>");
    let range = find(case, start)..find(case, end) + end.len();
    String::from_utf8(case[range].to_vec()).unwrap()
}

/// The lines that a merge leaves of two versions.
fn conflict(ours: &str, theirs: &str) -> String {
    format!("\n<<<<<<< HEAD\n{ours}\n=======\n{theirs}\n>>>>>>> theirs\n")
}

fn utf16(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(text.to_vec()).unwrap();
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    [0xFF, 0xFE].into_iter().chain(units).collect()
}

#[test]
fn damage_beside_the_ids_of_a_test_case_costs_nothing() {
    type Change = fn(Vec<u8>) -> Vec<u8>;
    const DESCRIPTION: &str = "<description></description>";
    let changes: [(&str, Change); 6] = [
        ("a raw &", |case| {
            replaced(
                &case,
                DESCRIPTION,
                b"<description>cash & card</description>",
            )
        }),
        ("a raw <", |case| {
            replaced(&case, DESCRIPTION, b"<description>1 < 2</description>")
        }),
        ("Latin-1", |case| {
            replaced(&case, DESCRIPTION, b"<description>caf\xE9</description>")
        }),
        ("UTF-16", |case| utf16(&case)),
        ("a conflict", |case| {
            let versions = conflict("<description>a</description>", DESCRIPTION);
            replaced(&case, DESCRIPTION, versions.as_bytes())
        }),
        ("a missing end", |case| {
            let end = find(&case, "<comment>");
            case[..end].to_vec()
        }),
    ];

    for (what, change) in changes {
        let (machine, submitted) = submit_with_case(change);

        assert_eq!(submitted.code, 0, "{what} {submitted:?}");
        assert_eq!(points(&machine), [11, 12], "{what}");
    }
}

#[test]
fn a_test_whose_ids_cannot_be_known_is_left_out_by_name() {
    type Change = fn(Vec<u8>) -> Vec<u8>;
    let changes: [(&str, Change); 5] = [
        (
            "`Test Cases/Pay.tc` cannot be read: the XML is damaged",
            |case| {
                let end = find(&case, "</integratedEntity>");
                case[..end].to_vec()
            },
        ),
        ("`Test Cases/Pay.tc` is empty", |_| Vec::new()),
        ("`Test Cases/Pay.tc` holds zero bytes", |case| {
            vec![0; case.len()]
        }),
        ("`Test Cases/Pay.tc` holds conflict markers", |case| {
            let ours = entity(&case);
            let versions = conflict(&ours, &ours.replace("1002", "1003"));
            replaced(&case, &ours, versions.as_bytes())
        }),
        ("`Test Cases/Pay.tc` holds conflict markers", |case| {
            let ours = entity(&case);
            replaced(&case, &ours, conflict(&ours, "").as_bytes())
        }),
    ];

    for (reason, change) in changes {
        let (machine, submitted) = submit_with_case(change);

        assert_eq!(submitted.code, 1, "{reason} {submitted:?}");
        assert_eq!(points(&machine), [11], "{reason}");
        let left_out = machine.row()["skipped"][0].clone();
        assert_eq!(left_out["test"], "Test Cases/Pay", "{left_out:#}");
        assert_eq!(left_out["kind"], "unreadable-test-case", "{left_out:#}");
        let said = left_out["reason"].as_str().unwrap();
        assert!(said.contains(reason), "{said}");
        let comment = machine.ado_run().comment.unwrap();
        assert!(
            comment.contains(&format!("Test Cases/Pay: {said}")),
            "{comment}"
        );
        assert!(!comment.contains("without ADO ids"), "{comment}");
    }
}

#[test]
fn a_test_case_that_is_a_folder_is_left_out_by_name() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    fs::create_dir(shop.join("Test Cases/Pay.tc")).unwrap();

    let submitted = machine.submit(&shop, &with_failed_test());

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(machine.row()["skipped"][0]["kind"], "unreadable-test-case");
}

#[test]
fn a_mended_test_case_is_submitted_with_the_whole_run() {
    let (machine, _) = submit_with_case(|_| Vec::new());
    let shop = machine.shop(&[("Sign in", "1001"), ("Pay", "1002")]);
    let folder = with_failed_test().folder_in(&shop);

    let again = machine.kado(&["submit", "--again", &folder.to_string_lossy()]);

    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(machine.ado_runs()[1].results.len(), 2);
}

#[test]
fn a_check_names_a_test_case_whose_ids_cannot_be_known() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001"), ("Pay", "1002")]);
    fs::write(shop.join("Test Cases/Pay.tc"), "").unwrap();

    let checked = machine.kado(&["check", "--offline", &shop.to_string_lossy()]);

    assert_eq!(checked.code, 1, "{checked:?}");
    let said = "`Test Cases/Pay.tc` is empty; its ADO ids cannot be known";
    assert!(checked.out.contains(said), "{checked:?}");
}
