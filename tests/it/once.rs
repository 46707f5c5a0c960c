//! `kado run --once` and the exit codes that scripts rely on.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::{AzureSettings, Ending, Sending, Test, Token};

use crate::support::{Machine, age, finished, now, tc, world};

/// A server on whose port nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9/acme";

/// A machine that takes all runs, whenever they ended, with one finished run in the shop.
fn machine(alter: impl FnOnce(&mut AzureSettings)) -> Machine {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let mut settings = machine.settings();
    alter(&mut settings);
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);
    age(&finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap());

    machine
}

#[test]
fn what_is_finished_is_submitted_with_exit_0() {
    let machine = machine(|_| {});

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(machine.ado_run().state, "Completed");
    assert_eq!(machine.row()["state"], "submitted");

    let again = machine.kado(&["run", "--once"]);

    assert_eq!(again.code, 0, "{again:?}");
    machine.ado_run();
}

#[test]
fn the_last_line_says_that_files_were_added_to_a_run_that_was_submitted_before() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let settings = AzureSettings {
        sending: Sending::All,
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);
    let run = finished([Test::passed(&tc("Sign in"))]).start(now());
    let folder = run.write_in(&shop).expect("a run");
    age(&folder);
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    std::fs::write(folder.join("late.pdf"), "%PDF").expect("the folder is there");
    age(&folder);

    let again = machine.kado(&["run", "--once"]);

    assert_eq!(
        again.out.lines().next_back(),
        Some("1 run folder: 1 submitted before; files added to 1 run submitted before"),
        "{again:?}"
    );
}

#[test]
fn a_machine_without_runs_is_exit_0() {
    let machine = Machine::new();

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
}

#[test]
fn a_parked_run_is_exit_1_in_the_call_that_parks_it_and_afterwards_a_problem_of_status() {
    let machine = machine(|settings| settings.plans.clear());

    let parking = machine.kado(&["run", "--once"]);
    let again = machine.kado(&["run", "--once"]);

    assert_eq!(parking.code, 1, "{parking:?}");
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(machine.kado(&["status"]).code, 1);
    assert_eq!(machine.row()["state"], "parked");
    assert!(
        machine.row()["error"]
            .as_str()
            .unwrap()
            .contains("no test plan"),
        "{}",
        machine.row()
    );
}

#[test]
fn a_left_out_id_is_exit_1_only_in_the_invocation_that_submitted_its_run() {
    let machine = Machine::with(world().test_case(1099, "Not in the plan"));
    machine.configure("history = \"all\"\n");
    let shop = machine.shop(&[("Sign in", "1001"), ("Gone", "1099")]);

    age(
        &finished([Test::passed(&tc("Sign in")), Test::passed(&tc("Gone"))])
            .write_in(&shop)
            .unwrap(),
    );

    let submitting = machine.kado(&["run", "--once"]);
    let again = machine.kado(&["run", "--once"]);

    assert_eq!(submitting.code, 1, "{submitting:?}");
    insta::assert_snapshot!(machine.readable(&submitting.out));
    assert_eq!(again.code, 0, "{again:?}");
    assert!(!again.out.contains("left out"), "{again:?}");
}

#[test]
fn a_wrong_token_is_exit_3_and_the_run_stays_listed() {
    let machine =
        machine(|settings| settings.token = Some(Token::Clear("another-token".to_owned())));

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 3, "{once:?}");
    let row = machine.row();
    assert_eq!(row["state"], "pending", "{row}");
    assert!(
        row["error"]
            .as_str()
            .unwrap()
            .contains("refused the credentials"),
        "{row}"
    );
    assert!(row["next_attempt"].is_string(), "{row}");
    assert_eq!(machine.ado_runs().len(), 0);
}

#[test]
fn a_new_token_is_all_that_a_refused_run_needs() {
    let machine = machine(|settings| settings.token = Some(Token::Clear("new-token".to_owned())));

    assert_eq!(machine.kado(&["run", "--once"]).code, 3);

    machine.fake.world().set_tokens(&["new-token"]);

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(machine.ado_run().state, "Completed");
}

#[test]
fn a_server_where_nobody_listens_is_exit_4_and_the_run_stays_listed() {
    let machine = machine(|settings| settings.server_url = NOWHERE.to_owned());

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 4, "{once:?}");
    let row = machine.row();
    assert_eq!(row["state"], "pending", "{row}");
    assert!(
        row["error"].as_str().unwrap().contains("cannot be reached"),
        "{row}"
    );
}

#[test]
fn a_token_that_cannot_be_decrypted_is_exit_1_and_the_run_stays_listed() {
    let machine =
        machine(|settings| settings.token = Some(Token::Encrypted("bm90IGEgdG9rZW4=".to_owned())));

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 1, "{once:?}");
    let row = machine.row();
    assert_eq!(row["state"], "pending", "{row}");
    assert!(
        row["error"]
            .as_str()
            .unwrap()
            .contains("cannot be decrypted"),
        "{row}"
    );
    assert_eq!(
        machine.fake.requests().len(),
        0,
        "nothing is sent without a token"
    );
}

#[test]
fn of_several_reasons_refused_credentials_come_before_an_unreachable_server() {
    let machine = Machine::new();
    let unreachable = AzureSettings {
        server_url: NOWHERE.to_owned(),
        ..machine.settings()
    };
    let refused = AzureSettings {
        token: Some(Token::Clear("another-token".to_owned())),
        ..machine.settings()
    };
    let case = || [fake_katalon::TestCaseFile::new(&tc("Sign in")).azure("1001")];
    let projects = [
        machine.project("One", unreachable, case()),
        machine.project("Two", refused, case()),
    ];
    let run = finished([Test::passed(&tc("Sign in"))]);

    let folders = projects.map(|project| {
        run.write_in(&project)
            .unwrap()
            .to_string_lossy()
            .into_owned()
    });
    for (order, code) in [([0, 1], 3), ([1, 0], 3), ([0, 0], 4), ([1, 1], 3)] {
        let folders = order.map(|at| folders[at].as_str());

        let planned = machine.kado(&["submit", "--dry-run", folders[0], folders[1]]);

        assert_eq!(planned.code, code, "{planned:?}");
    }
}

#[test]
fn a_run_that_is_still_going_is_left_alone() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let shop = machine.shop(&[("Sign in", "1001")]);
    for ending in [Ending::Aborted, Ending::Queued] {
        let run = finished([Test::passed(&tc("Sign in"))])
            .ending(ending)
            .host(&format!("{ending:?}"));
        run.write_all(&shop.join("Reports").join(format!("{ending:?}")))
            .unwrap();
    }

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(machine.rows().len(), 0);
    assert_eq!(machine.fake.requests().len(), 0);
}

#[test]
fn a_configuration_that_is_missing_is_exit_2() {
    let machine = Machine::new();
    std::fs::remove_file(machine.config_file()).unwrap();

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 2, "{once:?}");
    assert!(once.err.contains("kado.toml"), "{once:?}");
}

#[test]
fn a_question_about_usage_is_exit_2_and_help_is_exit_0() {
    let machine = Machine::new();

    assert_eq!(machine.kado(&["submit"]).code, 2);
    assert_eq!(machine.kado(&["frobnicate"]).code, 2);

    let help = machine.kado(&["submit", "--help"]);

    assert_eq!(help.code, 0);
    assert!(
        help.out.contains("--dry-run") && help.out.contains("--again"),
        "{}",
        help.out
    );
}

#[test]
fn a_short_failure_of_the_server_is_waited_out() {
    let machine = machine(|_| {});
    machine.fake.fault(Fault::new(
        "*",
        "",
        Nth::Only(1),
        FaultAction::organization_stopped(),
    ));

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(machine.ado_run().state, "Completed");
}

#[test]
fn a_run_that_a_single_pass_parks_is_named_with_its_id_and_the_next_command() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let shop = machine.shop(&[("Pay", "1099")]);
    let folder = finished([Test::passed(&tc("Pay"))])
        .write_in(&shop)
        .expect("it is written");
    age(&folder);

    let once = machine.kado(&["run", "--once"]);
    let again = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 1, "{once:?}");
    assert!(once.out.contains("parked: no result can be"), "{once:?}");
    assert!(once.out.contains("`kado runs retry 1`"), "{once:?}");
    assert!(!again.out.contains("kado runs retry"), "{again:?}");
}

#[test]
fn a_single_pass_does_not_say_that_it_waits_for_katalon() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n[submit]\nkatalon_wait = \"10m\"\n");
    let shop = machine.shop(&[("Sign in", "1001")]);
    let run = finished([Test::passed(&tc("Sign in"))]).start(now());
    run.write_in(&shop).expect("it is written");

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(machine.ado_run().state, "Completed", "{once:?}");
    assert!(once.err.contains("suite run is over"), "{once:?}");
    assert!(!once.err.contains("Katalon time"), "{once:?}");
    assert!(!once.err.contains("Katalon has time"), "{once:?}");
}

#[test]
fn the_address_of_a_run_that_is_not_whole_is_told_once() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let shop = machine.shop(&[("Sign in", "1001"), ("Pay", "1099")]);
    let run = finished([Test::passed(&tc("Sign in")), Test::passed(&tc("Pay"))]);
    age(&run.write_in(&shop).expect("it is written"));

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 1, "{once:?}");
    assert_eq!(
        once.out.matches("_TestManagement/Runs").count(),
        1,
        "{once:?}"
    );
}
