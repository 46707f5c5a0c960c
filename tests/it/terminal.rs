//! What people see at a terminal, and what scripts get in its place.

use std::process::Command;

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::{SuiteRunWriter, Test};
use regex::Regex;
use unicode_width::UnicodeWidthStr as _;

use crate::support::{Machine, Terminal, age, finish, start_of, tc};

/// A run that started so many hours before the others' time.
fn run(suite: &str, case: &str, hours: i64) -> SuiteRunWriter {
    let start = start_of() - jiff::Span::new().hours(hours);
    SuiteRunWriter::new(suite)
        .start(start)
        .pace(20)
        .test(Test::passed(&tc(case)))
}

/// A machine with a run that arrived, one that needs a person, and one with a Japanese name.
fn machine() -> Machine {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001"), ("Lost", "1099")]);

    // The oldest first: a newer one that is sent overtakes it else.
    let japanese = run("Test Suites/決済/クレジットカード", "Sign in", 2);
    machine.submit(&shop, &japanese);
    machine.submit(&shop, &run("Test Suites/Bad", "Lost", 1));
    machine.submit(&shop, &run("Test Suites/Good", "Sign in", 0));
    machine
}

/// What a command writes to a terminal with so many columns and this environment.
fn seen(machine: &Machine, columns: u16, variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let mut command = machine.command(arguments);
    set(&mut command, variables);

    let (_, screen) = Terminal::start_with(command, columns).ends_as_written();
    screen.replace("\r\n", "\n")
}

/// Leaves nothing of what the tests themselves were started with.
fn set(command: &mut Command, variables: &[(&str, &str)]) {
    for name in [
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "COLUMNS",
        "FORCE_HYPERLINK",
        "LC_ALL",
        "LC_CTYPE",
        "NO_COLOR",
        "TERM_PROGRAM",
        "VTE_VERSION",
    ] {
        command.env_remove(name);
    }
    command
        .env("TERM", "xterm")
        .env("LANG", "C.UTF-8")
        .envs(variables.iter().copied());
}

const PLAIN: &[(&str, &str)] = &[("NO_COLOR", "1")];

#[test]
fn a_list_fits_the_terminal_and_leaves_out_what_has_no_room() {
    let machine = machine();

    let screen = seen(&machine, 80, PLAIN, &["runs"]);

    insta::assert_snapshot!(machine.readable(&screen), @r"
     Id  State      Project  Suite                     Plan  ADO run  Passed  Failed
     3   submitted  Shop     Test Suites/Good          18    151      1       0
     2   parked     Shop     Test Suites/Bad           18    -        0       0
     1   submitted  Shop     Test Suites/決済/         18    150      1       0
                             クレジットカード
     (no room for: Started, Results, Files, Left out)
    2 parked: no result can be submitted: test case 1099 has no test point in test
      plan 18; add it to a suite of the plan, or correct the id
    ");
}

#[test]
fn no_line_of_any_command_is_wider_than_the_terminal() {
    let machine = machine();
    let shop = machine.work().join("Shop");
    let shop = shop.to_str().unwrap();

    for columns in [60, 80, 120, 200] {
        for arguments in [
            &["runs"][..],
            &["runs", "show", "1"],
            &["status"],
            &["inspect", shop],
            &["list", "test-cases", shop],
            &["map", "list", "--project", shop],
        ] {
            let screen = seen(&machine, columns, PLAIN, arguments);

            for line in screen.lines() {
                // A path or a command is not broken: whoever copies it wants all of it.
                let has_long_word = line.split_whitespace().any(|word| word.width() > 30);
                assert!(
                    line.width() <= usize::from(columns) || has_long_word || line.contains('`'),
                    "{columns} {arguments:?}: {line}"
                );
            }
        }
    }
}

#[test]
fn whoever_waits_for_a_service_that_sends_sees_how_many_bytes_are_sent() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let hang = FaultAction::Hang;
    machine
        .fake
        .fault(Fault::new("POST", "attachments", Nth::From(2), hang));
    let service = machine.start();
    let failed = Test::failed(&tc("Sign in"), "no").screenshot();
    let folder = SuiteRunWriter::new("Test Suites/Bad")
        .pace(20)
        .test(failed)
        .write_in(&shop)
        .unwrap();
    age(&folder);

    let submit = machine.command(&["submit", &folder.to_string_lossy()]);
    let mut waiting = Terminal::start(submit);
    waiting.meets("1 of ");

    let seen = waiting.text();
    let bytes = Regex::new(r"1 of \d+ files sent \([0-9.]+ (B|KiB) of [0-9.]+ (B|KiB)\)").unwrap();
    assert!(bytes.is_match(&seen), "{seen}");
    waiting.interrupts();
    waiting.ends();
    service.kill();
}

#[test]
fn what_is_said_beside_the_results_breaks_at_words_and_has_the_letters_of_the_terminal() {
    let machine = Machine::new();

    let screen = seen(&machine, 60, &[("LANG", "C")], &["notify", "test"]);
    let piped = machine.kado(&["notify", "test"]);

    insta::assert_snapshot!(screen, @r#"
    error: nobody is told of anything: kado.toml has no table
      `[notify]`; write one with `webhook = "https://..."` or
      `command = ["PROGRAM"]`
    "#);
    assert_eq!(piped.err.lines().count(), 1, "{piped:?}");
    assert!(piped.err.contains('…'), "{piped:?}");
}

#[test]
fn in_a_pipe_every_run_is_one_line_with_every_column() {
    let machine = machine();
    let mut command = machine.command(&["runs"]);
    set(&mut command, &[("COLUMNS", "60"), ("WT_SESSION", "1")]);

    let listed = finish(command);

    insta::assert_snapshot!(machine.readable(&listed.out));
}

#[test]
fn states_are_coloured_for_people_who_want_that() {
    let machine = machine();
    let red = "\u{1b}[1m\u{1b}[31mparked";

    assert!(seen(&machine, 200, &[], &["runs"]).contains(red));
    for plain in [PLAIN, &[("TERM", "dumb")], &[("CLICOLOR", "0")]] {
        assert!(
            !seen(&machine, 200, plain, &["runs"]).contains('\u{1b}'),
            "{plain:?}"
        );
    }
}

#[test]
fn the_id_of_a_test_run_is_a_link_where_the_terminal_knows_links() {
    let machine = machine();
    let link = format!("\u{1b}]8;;{}", machine.fake.base_url());

    let with_links = seen(&machine, 200, &[("TERM_PROGRAM", "vscode")], &["runs"]);
    let without = seen(&machine, 200, &[], &["runs"]);

    assert!(with_links.contains(&link), "{with_links}");
    assert!(!without.contains("\u{1b}]8"), "{without}");
}

#[test]
fn a_name_that_would_colour_or_link_does_neither() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let name = "Test Suites/\u{1b}[31mred\u{1b}]8;;http://evil.example\u{1b}\\x";
    machine.submit(&shop, &run(name, "Sign in", 1));
    machine.submit(&shop, &run("Test Suites/Good", "Sign in", 0));

    let screen = seen(&machine, 200, &[("FORCE_HYPERLINK", "1")], &["runs"]);

    assert!(!screen.contains("evil.example\u{1b}"), "{screen:?}");
    assert!(!screen.contains("\u{1b}[31mred"), "{screen:?}");
}

#[test]
fn times_are_those_of_the_wall_and_in_json_those_of_utc() {
    let machine = machine();
    let in_tokyo = |arguments: &[&str]| {
        let mut command = machine.command(arguments);
        command.env("TZ", "Asia/Tokyo");
        finish(command).out
    };

    assert!(in_tokyo(&["runs"]).contains("2026-05-06T17:15:02+09:00"));
    assert!(in_tokyo(&["runs", "--utc"]).contains("2026-05-06T08:15:02+00:00"));
    assert!(in_tokyo(&["runs", "--json"]).contains("2026-05-06T08:15:02.117Z"));
}

#[test]
fn arrows_are_letters_that_the_terminal_has() {
    let machine = machine();

    let in_unicode = seen(&machine, 200, &[("LANG", "ja_JP.UTF-8")], &["status"]);
    let in_ascii = seen(&machine, 200, &[("LANG", "C")], &["status"]);

    assert!(in_unicode.contains("→ then"), "{in_unicode}");
    assert!(in_ascii.contains("-> then"), "{in_ascii}");
}

#[test]
fn a_watched_list_shows_a_change_and_ends_well() {
    let machine = machine();
    let mut command = machine.command(&["runs", "--watch", "--state", "ignored"]);
    set(&mut command, &[]);

    let mut terminal = Terminal::start_with(command, 120);
    terminal.meets("No run is like that");
    assert_eq!(machine.kado(&["runs", "forget", "2"]).code, 0);
    terminal.meets("Test Suites/Bad");
    terminal.interrupts();

    let (code, _) = terminal.ends();
    assert_eq!(code, 0);
}

/// The suites that a list holds.
fn suites(machine: &Machine, options: &[&str]) -> Vec<String> {
    let listed = machine.kado(&[&["runs", "--json"], options].concat());
    let rows: Vec<serde_json::Value> = serde_json::from_str(&listed.out).expect("the list is JSON");
    rows.iter()
        .map(|row| row["suite"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_list_is_narrowed_for_people_and_scripts_alike() {
    let machine = machine();

    assert_eq!(
        suites(&machine, &["--state", "parked"]),
        ["Test Suites/Bad"]
    );
    assert_eq!(suites(&machine, &["--suite", "gOOd"]), ["Test Suites/Good"]);
    assert_eq!(
        suites(&machine, &["--project", "shop", "--limit", "1"]),
        ["Test Suites/Good"]
    );
    assert_eq!(suites(&machine, &["--project", "other"]), [""; 0]);
    assert_eq!(
        suites(&machine, &["--since", "2026-05-06T07:30:00Z"]),
        ["Test Suites/Good"]
    );
    assert_eq!(suites(&machine, &["--since", "2026-05-07"]), [""; 0]);
    assert_eq!(suites(&machine, &["--since", "3d"]), [""; 0]);
}

#[test]
fn an_option_of_the_list_is_refused_where_it_would_count_for_nothing() {
    let machine = Machine::new();

    let refused = machine.kado(&["runs", "--state", "parked", "show", "1"]);

    assert_eq!(refused.code, 2);
    insta::assert_snapshot!(refused.err);
}

#[test]
fn passed_and_failed_tests_are_counted() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001"), ("Pay", "1002"), ("Ship", "1003")]);
    let run = run("Test Suites/Good", "Sign in", 0)
        .test(Test::failed(&tc("Pay"), "no"))
        .test(Test::passed(&tc("Ship")));

    machine.submit(&shop, &run);

    let row = machine.row();
    assert_eq!(
        [&row["passed"], &row["failed"], &row["other"]],
        [&2, &1, &0]
    );
}
