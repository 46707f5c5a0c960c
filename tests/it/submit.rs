//! `kado submit`: a finished run becomes one ADO test run with everything in it.

use fake_katalon::{Attempt, AzureSettings, Ending, Generation, Status, Test, Variable};
use jiff::{SignedDuration, Timestamp};

use crate::support::{Machine, PLAN, SUITE, finished, start_of, tc};

/// A run in which every status occurs.
fn every_status() -> [Test; 5] {
    [
        Test::passed(&tc("Sign in")),
        Test::failed(
            &tc("Add to cart"),
            "Actual text 'Cart (0)' and expected text 'Cart (1)' are different",
        ),
        Test::error(
            &tc("Pay by card"),
            "No such property: cardNumber for class: Pay by card",
        ),
        Test::skipped(&tc("Track parcel")),
        Test::passed(&tc("Subscribe")),
    ]
}

const CASES: [(&str, &str); 5] = [
    ("Sign in", "1001"),
    ("Add to cart", "1002"),
    ("Pay by card", "1003"),
    ("Track parcel", "1004"),
    ("Subscribe", ""),
];

#[test]
fn a_finished_run_becomes_one_completed_test_run_with_all_results() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let submitted = machine.submit(&shop, &finished(every_status()));

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let run = machine.ado_run();
    assert_eq!(run.state.as_str(), "Completed");
    assert_eq!(run.plan_id, Some(PLAN));
    assert!(run.automated);
    assert_eq!(run.name, "Run by Katalon Studio");
    let outcomes: Vec<_> = run
        .results
        .iter()
        .map(|result| {
            (
                result.point_id,
                result.state.as_str(),
                result.outcome.as_str(),
            )
        })
        .collect();
    let expected = [
        (Some(11), "Completed", "Passed"),
        (Some(12), "Completed", "Failed"),
        (Some(13), "Completed", "Error"),
        (Some(14), "Completed", "NotExecuted"),
    ];
    assert_eq!(outcomes, expected);
}

#[test]
fn people_read_what_was_submitted_and_where() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let submitted = machine.submit(&shop, &finished(every_status()));

    insta::assert_snapshot!(machine.readable(&submitted.out));
    assert_eq!(submitted.err, "");
}

#[test]
fn a_result_says_what_went_wrong_where_and_when() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let stack = "java.lang.AssertionError: the cart is empty\n\tat Script1.run(Script1:18)";
    let test = Test::failed(&tc("Add to cart"), "the cart is empty").stack(stack);

    assert_eq!(
        machine
            .submit(&shop, &finished([test]).host("agent-07"))
            .code,
        0
    );
    let run = machine.ado_run();
    let result = run.result_of_point(12).unwrap();
    let message = result.error_message.as_deref().unwrap();
    assert!(message.contains("the cart is empty"), "{message}");
    assert!(
        result
            .stack_trace
            .as_deref()
            .unwrap()
            .contains("at Script1.run(Script1:18)"),
        "{result:?}"
    );
    assert!(
        result
            .computer_name
            .as_deref()
            .unwrap()
            .ends_with("agent-07"),
        "{:?}",
        result.computer_name
    );
    assert_eq!(result.automated_test_name.as_deref(), Some("Add to cart"));
    assert_eq!(
        result.automated_test_storage.as_deref(),
        Some("Test Cases/Add to cart")
    );
    assert_eq!(result.comment.as_deref(), Some("Katalon: FAILED"));
    let (started, completed) = (result.started.unwrap(), result.completed.unwrap());
    assert!(
        start_of() < started && started < completed,
        "{started} {completed}"
    );
    assert_eq!(
        result.duration_ms,
        Some(completed.duration_since(started).as_millis() as f64)
    );
}

#[test]
fn a_passed_result_has_neither_message_nor_stack_trace() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    assert_eq!(
        machine
            .submit(&shop, &finished([Test::passed(&tc("Sign in"))]))
            .code,
        0
    );
    let run = machine.ado_run();
    let result = run.result_of_point(11).unwrap();
    assert_eq!(result.error_message.as_deref(), None);
    assert_eq!(result.stack_trace.as_deref(), None);
}

#[test]
fn the_run_has_start_and_end_of_the_suite() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    assert_eq!(machine.submit(&shop, &finished(every_status())).code, 0);
    let run = machine.ado_run();
    let row = machine.row();
    let ended: Timestamp = row["ended"].as_str().unwrap().parse().unwrap();
    assert_eq!(run.started, Some(start_of()));
    assert_eq!(run.completed, Some(ended));
    assert!(ended.duration_since(start_of()) > SignedDuration::ZERO);
    let last = run
        .results
        .iter()
        .filter_map(|result| result.completed)
        .max()
        .unwrap();
    assert!(last <= ended, "{last} is after {ended}");
}

#[test]
fn the_comment_begins_with_the_key_and_describes_the_run() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let run = finished(every_status())
        .user("tina")
        .host("agent-07")
        .profile("staging")
        .generation(Generation::V10);

    assert_eq!(machine.submit(&shop, &run).code, 0);
    let comment = machine.ado_run().comment.unwrap();
    let key = machine.row()["key"].as_str().unwrap().to_owned();
    assert!(comment.starts_with(&format!("kado:{key}  \n")), "{comment}");
    // Two blanks end a line in Markdown, and nobody sees them elsewhere.
    let lines = comment.replace(&key, "[key]").replace("  \n", "\n");
    insta::assert_snapshot!(lines, @r"
    kado:[key]
    Test Suites/Smoke on agent-07, Windows 11 64bit, Chrome 148.0.7778.97, profile staging, Katalon 10.4.3
    5 tests: 2 PASSED, 1 SKIPPED, 1 FAILED, 1 ERROR; 4 results; 1 without ADO ids
    ");
}

#[test]
fn a_run_torn_off_counts_its_open_tests_as_aborted() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let tests = [
        Test::passed(&tc("Sign in")),
        Test::incomplete(&tc("Add to cart")),
    ];

    let submitted = machine.submit(&shop, &finished(tests).ending(Ending::Crashed));

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let run = machine.ado_run();
    assert_eq!(run.state, "Completed");
    let outcomes: Vec<_> = run
        .results
        .iter()
        .map(|result| result.outcome.as_str())
        .collect();
    assert_eq!(outcomes, ["Passed", "Aborted"]);
    let open = run.result_of_point(12).unwrap();
    assert!(open.completed.unwrap() >= open.started.unwrap());
    assert!(run.comment.unwrap().contains("1 INCOMPLETE"));
}

#[test]
fn outcomes_follow_the_mapping_of_the_project() {
    let machine = Machine::new();
    let mut settings = machine.settings();
    settings.status_mappings = [("FAILED", "Blocked"), ("SKIPPED", "NotApplicable")]
        .map(|(katalon, azure)| (katalon.to_owned(), azure.to_owned()))
        .to_vec();
    let shop = machine.shop_with(settings, &CASES);

    assert_eq!(machine.submit(&shop, &finished(every_status())).code, 0);
    let outcomes: Vec<_> = machine
        .ado_run()
        .results
        .into_iter()
        .map(|result| result.outcome)
        .collect();
    assert_eq!(outcomes, ["Passed", "Blocked", "Error", "NotApplicable"]);
}

/// Katalon's five statuses, in the order of the tests of [`with_mapping`].
const STATUSES: [&str; 5] = ["PASSED", "FAILED", "ERROR", "SKIPPED", "INCOMPLETE"];

/// The outcomes that arrive of a run in which every status occurs, torn off at its end, in a
/// project with this mapping.
fn with_mapping(mapping: &[(&str, &str)]) -> Vec<String> {
    let machine = Machine::new();
    let status_mappings = mapping
        .iter()
        .map(|(katalon, azure)| ((*katalon).to_owned(), (*azure).to_owned()))
        .collect();
    let cases = CASES.map(|(name, id)| (name, if id.is_empty() { "1005" } else { id }));
    let shop = machine.shop_with(
        AzureSettings {
            status_mappings,
            ..machine.settings()
        },
        &cases,
    );
    let [passed, failed, error, skipped, _] = every_status();
    let tests = [
        passed,
        failed,
        error,
        skipped,
        Test::incomplete(&tc("Subscribe")),
    ];

    let submitted = machine.submit(&shop, &finished(tests).ending(Ending::Crashed));

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let run = machine.ado_run();
    assert!(
        run.results.iter().all(|result| result.state == "Completed"),
        "{run:?}"
    );
    run.results
        .into_iter()
        .map(|result| result.outcome)
        .collect()
}

#[test]
fn every_status_becomes_any_word_of_ados_that_the_mapping_gives_it() {
    // `TestOutcome` in Microsoft's reference, whole.
    let words = [
        ["Unspecified", "None", "Passed", "Failed", "Inconclusive"],
        ["Timeout", "Aborted", "Blocked", "NotExecuted", "Warning"],
        [
            "Error",
            "NotApplicable",
            "Paused",
            "InProgress",
            "NotImpacted",
        ],
    ];

    for words in words {
        let mapping: Vec<_> = STATUSES.into_iter().zip(words).collect();
        assert_eq!(with_mapping(&mapping), words);
    }
}

#[test]
fn a_status_without_a_mapping_has_katalons_default() {
    assert_eq!(
        with_mapping(&[]),
        ["Passed", "Failed", "Error", "NotExecuted", "Aborted"]
    );
}

#[test]
fn tests_that_never_started_because_too_many_failed_have_no_result() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let tests = every_status();

    let folder = finished(tests[..2].to_vec()).write_in(&shop).unwrap();
    // With `-maxFailedTests` Katalon plans all of them and ends the suite early.
    let planned = finished(tests)
        .write_in(&machine.root().join("planned"))
        .unwrap()
        .join("testCaseBinding");

    std::fs::copy(planned, folder.join("testCaseBinding")).unwrap();
    let submitted = machine.submit_folder(&folder);
    assert_eq!(submitted.code, 0, "{submitted:?}");
    let run = machine.ado_run();
    let points: Vec<_> = run
        .results
        .iter()
        .map(|result| (result.point_id, result.outcome.as_str()))
        .collect();
    assert_eq!(points, [(Some(11), "Passed"), (Some(12), "Failed")]);
    assert!(
        run.comment
            .unwrap()
            .contains("2 tests: 1 PASSED, 1 FAILED; 2 results")
    );

    let shown = machine.kado(&["runs", "show", "1"]);

    assert!(
        shown
            .out
            .contains("3 of 5 planned tests never started, so they have no result"),
        "{shown:?}"
    );
}

#[test]
fn the_name_of_the_run_is_exactly_as_configured_in_the_project() {
    for name in ["Nightly {suite} (é, \"quoted\")", " Run of the night "] {
        let machine = Machine::new();
        let shop = machine.shop_with(
            AzureSettings {
                run_name: name.to_owned(),
                ..machine.settings()
            },
            &CASES,
        );

        assert_eq!(machine.submit(&shop, &finished(every_status())).code, 0);
        assert_eq!(machine.ado_run().name, name);
    }
}

#[test]
fn placeholders_are_filled_in_names_of_kado() {
    let machine = Machine::new();
    machine.configure("[submit]\ntest_run_name = \"{suite} on {os}, {profile}\"\n");
    let shop = machine.shop(&CASES);
    let run = finished(every_status())
        .os("Windows 11 64bit")
        .profile("staging");

    assert_eq!(machine.submit(&shop, &run).code, 0);
    assert_eq!(machine.ado_run().name, "Smoke on Windows 11 64bit, staging");
}

#[test]
fn options_of_katalonc_beat_project_and_configuration() {
    let machine = Machine::new();
    machine.configure("[submit]\ntest_run_name = \"kado's\"\n");
    let shop = machine.shop(&CASES);
    let run = finished([Test::passed(&tc("Sign in"))])
        .info("adoPlanId", "19")
        .info("adoTestRunName", "Release night");

    assert_eq!(machine.submit(&shop, &run).code, 0);
    let run = machine.ado_run();
    assert_eq!(run.plan_id, Some(19));
    assert_eq!(run.name.as_str(), "Release night");
    assert_eq!(run.results[0].point_id, Some(91));
}

#[test]
fn an_invalid_plan_option_parks_the_run_and_never_falls_back() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let submitted = machine.submit(
        &shop,
        &finished([Test::passed(&tc("Sign in"))]).info("adoPlanId", "eighteen"),
    );

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(machine.ado_runs().len(), 0);
    assert_eq!(machine.row()["state"], "parked");
    assert!(submitted.out.contains("eighteen"), "{submitted:?}");
}

#[test]
fn a_run_of_every_generation_of_katalon_arrives() {
    for generation in [
        Generation::V8,
        Generation::V9,
        Generation::V10,
        Generation::V11,
    ] {
        let machine = Machine::new();
        let shop = machine.shop(&CASES);

        let submitted = machine.submit(&shop, &finished(every_status()).generation(generation));

        assert_eq!(submitted.code, 0, "{generation:?} {submitted:?}");
        let run = machine.ado_run();
        let outcomes: Vec<_> = run
            .results
            .iter()
            .map(|result| result.outcome.as_str())
            .collect();
        assert_eq!(
            outcomes,
            ["Passed", "Failed", "Error", "NotExecuted"],
            "{generation:?}"
        );
        assert!(
            run.comment.unwrap().contains(&generation.version()[..3]),
            "{generation:?}"
        );
        assert_eq!(run.started, Some(start_of()), "{generation:?}");
    }
}

#[test]
fn a_log_in_several_parts_is_read_whole() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    assert_eq!(
        machine
            .submit(
                &shop,
                &finished(every_status()).rotate_after(12).rotate_after(31)
            )
            .code,
        0
    );
    let run = machine.ado_run();
    assert_eq!(run.results.len(), 4);
    let logs = run
        .attachments
        .iter()
        .filter(|file| file.file_name.ends_with(".log"))
        .count();
    assert_eq!(logs, 3);
}

#[test]
fn a_called_test_case_is_no_result_of_its_own() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let call = fake_katalon::Step::calls(
        &tc("Sign in"),
        vec![fake_katalon::Step::passed("click()", "clicked")],
    );

    assert_eq!(
        machine
            .submit(
                &shop,
                &finished([Test::passed(&tc("Add to cart")).step(call)])
            )
            .code,
        0
    );
    let points: Vec<_> = machine
        .ado_run()
        .results
        .iter()
        .map(|result| result.point_id)
        .collect();
    assert_eq!(points, [Some(12)]);
}

#[test]
fn a_masked_value_reaches_no_text_of_the_run() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let test = || {
        Test::passed(&tc("Sign in"))
            .with_variable(Variable::new("password", "hunter2hunter2").masked())
    };
    let failed = Attempt::new(Status::Failed, "wrong password");

    assert_eq!(
        machine
            .submit(
                &shop,
                &finished([test().iteration("one"), test().after(failed)])
            )
            .code,
        0
    );
    let run = format!("{:?}", machine.ado_run());
    assert!(!run.contains("hunter2"), "{run}");
}

#[test]
fn several_folders_are_submitted_by_one_command() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let second = finished([Test::passed(&tc("Add to cart"))])
        .start(start_of() + SignedDuration::from_hours(1));

    let folders = [
        finished(every_status()).write_in(&shop).unwrap(),
        second.write_in(&shop).unwrap(),
    ];
    let submitted = machine.kado(&[
        "submit",
        &folders[0].to_string_lossy(),
        &folders[1].to_string_lossy(),
    ]);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_runs().len(), 2);
    assert_eq!(submitted.out.matches(SUITE).count(), 2, "{submitted:?}");
}

#[test]
fn a_folder_that_is_no_run_is_refused_and_the_others_go_on() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let folder = finished(every_status()).write_in(&shop).unwrap();
    let submitted = machine.kado(&[
        "submit",
        &shop.join("Profiles").to_string_lossy(),
        &folder.to_string_lossy(),
    ]);

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert!(submitted.err.contains("Profiles"), "{submitted:?}");
    assert_eq!(machine.ado_run().state, "Completed");
}

#[test]
fn of_a_passed_run_it_is_told_that_files_go_only_with_failed_ones() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001"), ("Pay", "1002")]);
    machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));
    let failed = finished([Test::failed(&tc("Pay"), "no")]);
    machine.submit(
        &shop,
        &failed.start(start_of() + SignedDuration::from_secs(90)),
    );

    let of_passed = machine.kado(&["runs", "show", "1"]);
    let of_failed = machine.kado(&["runs", "show", "2"]);

    let words = "files are sent only of runs in which a test did not pass";
    assert!(of_passed.out.contains(words), "{of_passed:?}");
    assert!(!of_failed.out.contains(words), "{of_failed:?}");
}

#[test]
fn scripts_get_the_rows_as_json() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let folder = finished(every_status()).write_in(&shop).unwrap();
    let submitted = machine.kado(&["submit", "--json", &folder.to_string_lossy()]);

    let rows: serde_json::Value = serde_json::from_str(&submitted.out).unwrap();
    assert_eq!(rows, serde_json::Value::Array(machine.rows()));
    let row = &rows[0];
    assert_eq!(row["state"], "submitted");
    assert_eq!(row["results"], 4);
    assert_eq!(row["plan_id"], 18);
    assert_eq!(row["ado_run_id"], machine.ado_run().id);
    assert_eq!(row["folder"], *folder.to_string_lossy());
    assert_eq!(row["started"], "2026-05-06T08:15:02.117Z");
}

#[test]
fn a_folder_can_be_named_relative_to_where_one_stands() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let folder = finished(every_status()).write_in(&shop).unwrap();
    let mut command = machine.command(&["submit", "."]);
    command.current_dir(&folder);
    let submitted = crate::support::finish(command);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.row()["folder"], *folder.to_string_lossy());
}

#[test]
fn a_run_that_was_only_queued_is_refused() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let folder = finished(every_status())
        .ending(Ending::Queued)
        .write_in(&shop)
        .unwrap();

    crate::support::age(&folder);
    let refused = machine.submit_folder(&folder);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert_eq!(refused.out.as_str(), "", "{refused:?}");
    assert_eq!(machine.rows().len(), 0, "{refused:?}");
    assert!(
        refused.err.contains(&*folder.to_string_lossy()),
        "{refused:?}"
    );
}

#[test]
fn what_a_project_lacks_is_said_and_nothing_is_sent() {
    let machine = Machine::new();
    let server = AzureSettings {
        server_url: String::new(),
        ..machine.settings()
    };
    let project = AzureSettings {
        project: None,
        ..machine.settings()
    };
    let plan = AzureSettings {
        plans: Vec::new(),
        ..machine.settings()
    };
    let token = AzureSettings {
        token: None,
        ..machine.settings()
    };

    for (hours, (settings, word)) in [
        (server, "server url"),
        (project, "ADO project"),
        (plan, "test plan"),
        (token, "token"),
    ]
    .into_iter()
    .enumerate()
    {
        let shop = machine.shop_with(settings, &CASES);
        let later = start_of() + SignedDuration::from_hours(hours as i64);

        let submitted = machine.submit(&shop, &finished(every_status()).start(later));

        assert_eq!(submitted.code, 1, "{word}: {submitted:?}");
        assert!(
            submitted.out.contains(&format!("no {word}")),
            "{word}: {submitted:?}"
        );
    }

    assert_eq!(machine.fake.requests().len(), 0);
    assert_eq!(machine.rows().len(), 4);
}
