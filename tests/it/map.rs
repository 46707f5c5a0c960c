//! `kado map`: ids are shown, entered, taken away and proposed, and of a project only the element
//! of the Azure integration changes.

#![expect(clippy::disallowed_methods, reason = "tests read and change files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};

use fake_ado::World;
use fake_katalon::{AzureSettings, Test, TestCaseFile};
use serde_json::{Value, json};

use crate::support::katalonc::{self, Katalonc};
use crate::support::{Machine, Output, PLAN, SUITE, TOKEN, finish, finished, tc, world};

/// The file of a test case.
fn file(project: &Path, name: &str) -> PathBuf {
    project.join(format!("{}.tc", tc(name)))
}

fn text(project: &Path, name: &str) -> String {
    fs::read_to_string(file(project, name)).unwrap()
}

/// The file of a test case as Katalon writes it.
fn katalons(name: &str, ids: Option<&str>) -> String {
    let case = TestCaseFile::new(&tc(name));
    match ids {
        Some(ids) => case.azure(ids).to_xml(),
        None => case.to_xml(),
    }
}

fn json_of(output: &Output) -> Value {
    serde_json::from_str(&output.out).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// What people read, without the blanks at the ends of lines.
fn readable(machine: &Machine, text: &str) -> String {
    let lines: Vec<String> = machine
        .readable(text)
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n")
}

/// A shop whose plan has test cases with these titles, from 2001 on, each with a point.
fn titled(titles: &[&str]) -> World {
    let mut world = World::new("acme")
        .token(TOKEN)
        .project("Shop")
        .configuration(1, "Windows 10")
        .plan(PLAN, "Release 1")
        .suite(21, "Account");
    for (id, title) in (2001..).zip(titles) {
        world = world.test_case(id, title).point(id - 1000, 21, id, 1);
    }
    world
}

#[test]
fn every_test_case_is_listed_with_its_ids_and_what_is_missing() {
    let machine = Machine::with(world().work_item(3001, "Bug", "Broken"));
    machine.shop(&[
        ("Sign in", "1001"),
        ("Pay", "1002, 3001,x"),
        ("Lost", "4711"),
        ("Free", ""),
        ("Each", "${ado_id}"),
    ]);

    let listed = machine.kado(&["map", "list"]);
    let scripts = json_of(&machine.kado(&["map", "list", "--json"]));

    assert_eq!(listed.code, 0, "{listed:?}");
    insta::assert_snapshot!(readable(&machine, &listed.out), @r#"
     TEST CASE           ID         TITLE      STATE   POINTS  FROM         PROBLEM
     Test Cases/Each     ${ado_id}  -          -       -       integration  each run gives it
     Test Cases/Free     -          -          -       -       -            no id
     Test Cases/Lost     4711       -          -       -       integration  work item 4711 does not exist, or this token cannot see it
     Test Cases/Pay      1002       Case 1002  Design  18: 12  integration  -
                         3001       Broken     Design  -       integration  work item 3001 is a Bug, not a test case
                         x          -          -       -       integration  it is not a number; write the ids of test case work items, separated by commas
     Test Cases/Sign in  1001       Case 1001  Design  18: 11  integration  -

    4 of 5 test cases have ids, 2 have something that is wrong
    `kado map suggest --project "[temp]/work/Shop"` proposes ids for those without
    "#);
    assert_eq!(
        scripts[4],
        json!({"test_case": "Test Cases/Sign in", "source": "integration", "ids": [
            {"id": 1001, "title": "Case 1001", "state": "Design", "problem": null,
             "points": [{"plan_id": 18, "point_id": 11, "configuration_id": 1}]}]})
    );
    assert_eq!(
        scripts[1],
        json!({"test_case": "Test Cases/Free", "ids": [], "source": null})
    );
}

#[test]
fn ids_are_verified_all_at_once_and_the_exit_code_says_whether_all_are_right() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001"), ("Lost", "4711"), ("Free", "")]);

    let wrong = machine.kado(&["map", "verify", "--json"]);
    fs::remove_file(file(&shop, "Lost")).unwrap();
    let right = machine.kado(&["map", "verify"]);

    assert_eq!(wrong.code, 1, "{wrong:?}");
    assert_eq!(json_of(&wrong).as_array().unwrap().len(), 2);
    assert_eq!(
        json_of(&wrong)[0]["ids"][0]["problem"],
        "work item 4711 does not exist, or this token cannot see it"
    );
    assert_eq!(right.code, 0, "{right:?}");
}

#[test]
fn an_id_is_entered_as_katalon_enters_it() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "")]);

    let set = machine.kado(&["map", "set", "Test Cases/Sign in", "1001, 01002"]);

    assert_eq!(set.code, 0, "{set:?}");
    assert_eq!(
        text(&shop, "Sign in"),
        katalons("Sign in", Some("1001,1002"))
    );
    insta::assert_snapshot!(readable(&machine, &set.out), @r"
    1001 is `Case 1001` (Design)
    1002 is `Case 1002` (Design)
    changed `Test Cases/Sign in.tc`: none → 1001,1002
    1 file changed
    ");
}

#[test]
fn ids_that_are_taken_away_leave_the_file_as_it_was() {
    let machine = Machine::new();
    let shop = machine.project(
        "Shop",
        machine.settings(),
        [
            TestCaseFile::new(&tc("Sign in")),
            TestCaseFile::new(&tc("Pay")).azure("1002"),
        ],
    );
    let before = text(&shop, "Sign in");
    machine.kado(&["map", "set", "Sign in", "1001"]);

    let cleared = machine.kado(&["map", "clear", "Sign in", "Pay.tc"]);
    let again = machine.kado(&["map", "clear", "Sign in"]);

    assert_eq!(cleared.code, 0, "{cleared:?}");
    assert_eq!(text(&shop, "Sign in"), before);
    assert_eq!(text(&shop, "Pay"), katalons("Pay", None));
    assert_eq!(again.code, 0, "{again:?}");
}

#[test]
fn an_id_that_ado_does_not_have_is_not_entered_unless_forced() {
    let machine = Machine::with(world().work_item(3001, "Bug", "Broken"));
    let shop = machine.shop(&[("Sign in", "")]);

    let refused = machine.kado(&["map", "set", "Sign in", "1001,4711,3001"]);
    let unchanged = text(&shop, "Sign in");
    let forced = machine.kado(&["map", "set", "Sign in", "4711", "--force"]);

    assert_eq!(refused.code, 1, "{refused:?}");
    assert_eq!(unchanged, katalons("Sign in", None));
    insta::assert_snapshot!(readable(&machine, &refused.err), @"error: work item 4711 does not exist, or this token cannot see it; work item 3001 is a Bug, not a test case; nothing was written; `--force` writes it all the same");
    assert_eq!(forced.code, 0, "{forced:?}");
    assert_eq!(text(&shop, "Sign in"), katalons("Sign in", Some("4711")));
}

#[test]
fn where_nobody_can_be_asked_that_is_said_and_the_id_entered() {
    let machine = Machine::new();
    let nowhere = AzureSettings::connected(
        "http://127.0.0.1:1/acme",
        TOKEN,
        "Shop",
        (PLAN, "Release 1"),
    );
    let shop = machine.shop_with(nowhere, &[("Sign in", "")]);

    let set = machine.kado(&["map", "set", "Sign in", "4711"]);

    assert_eq!(set.code, 0, "{set:?}");
    assert!(
        set.err
            .contains("Azure DevOps was not asked whether it has these ids"),
        "{set:?}"
    );
    assert_eq!(text(&shop, "Sign in"), katalons("Sign in", Some("4711")));
}

#[test]
fn what_gives_no_result_is_warned_of() {
    let machine = Machine::with(world().test_case(1011, "Not planned"));
    machine.shop(&[("Sign in", "")]);

    let set = machine.kado(&["map", "set", "Sign in", "1011,${x}"]);

    assert_eq!(set.code, 0, "{set:?}");
    insta::assert_snapshot!(readable(&machine, &set.err), @r"
    warning: `Test Cases/Sign in` has no variable `x`; add it, or no run gives an id for it
    warning: test case 1011 has no test point in test plan 18, so nothing is submitted for it; add it to a suite of the plan
    ");
}

#[test]
fn what_is_no_id_and_no_test_case_is_refused_with_the_way_out() {
    let machine = Machine::new();
    machine.shop(&[("Sign in", "1001")]);

    let no_id = machine.kado(&["map", "set", "Sign in", "TC-5,0,12345678901"]);
    let no_case = machine.kado(&["map", "set", "Sing in", "1001"]);

    assert_eq!((no_id.code, no_case.code), (2, 1));
    insta::assert_snapshot!(no_id.err + &no_case.err, @r"
    error: `TC-5`: it is not a number; write the ids of test case work items, separated by commas; `0`: 0 is no id; write the id of a test case work item; `12345678901`: it is too large for an id; write the id of a test case work item
    error: the project has no test case `Sing in`; is it `Test Cases/Sign in`?
    ");
}

#[test]
fn a_dry_run_shows_the_change_and_makes_none() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "")]);

    let shown = machine.kado(&["map", "set", "Sign in", "1001", "--dry-run"]);

    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(
        shown
            .out
            .contains("would change `Test Cases/Sign in.tc`: none → 1001"),
        "{shown:?}"
    );
    assert_eq!(text(&shop, "Sign in"), katalons("Sign in", None));
}

#[test]
fn an_id_that_would_not_count_is_not_entered() {
    for (from, case) in [
        ("[\"tag\"]", TestCaseFile::new(&tc("Pay"))),
        (
            "[\"tag\", \"integration\"]",
            TestCaseFile::new(&tc("Pay")).tag("ado:1002"),
        ),
    ] {
        let machine = Machine::new();
        machine.configure(&format!("[submit]\nids_from = {from}\n"));
        let shop = machine.project("Shop", machine.settings(), [case]);
        let before = text(&shop, "Pay");

        let set = machine.kado(&["map", "set", "Pay", "1001"]);

        assert_eq!(set.code, 1, "{set:?}");
        assert!(set.err.contains("submit.ids_from"), "{set:?}");
        assert_eq!(text(&shop, "Pay"), before);
    }
}

#[test]
fn where_the_tab_is_not_read_nothing_is_applied_or_imported() {
    let machine = Machine::with(titled(&["Pay"]));
    machine.configure("[submit]\nids_from = [\"tag\"]\n");
    let shop = machine.shop(&[("Pay", "")]);
    let table = machine.root().join("ids.csv");
    fs::write(&table, "test_case,ids\nPay,2001\n").unwrap();

    let applied = machine.kado(&["map", "suggest", "--apply"]);
    let imported = machine.kado(&["map", "import", table.to_str().unwrap()]);

    for refused in [applied, imported] {
        assert_eq!(refused.code, 1, "{refused:?}");
        assert_eq!(
            refused.err,
            "error: ids on the Integration tab do not count in this project: `submit.ids_from` is \
             [\"tag\"]; write them there, or add \"integration\" to it\n"
        );
    }
    assert_eq!(text(&shop, "Pay"), katalons("Pay", None));
}

#[test]
fn a_server_that_refuses_or_is_away_ends_a_list_with_its_exit_code() {
    let machine = Machine::new();
    machine.shop(&[("Sign in", "1001")]);

    machine.fake.world().set_tokens(&[]);
    let refused = machine.kado(&["map", "list"]);
    machine.fake.fault(fake_ado::Fault::new(
        "*",
        "",
        fake_ado::Nth::Every,
        fake_ado::FaultAction::DropBefore,
    ));
    let away = machine.kado(&["map", "suggest"]);

    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("Work Items (read)"), "{refused:?}");
    assert_eq!(away.code, 4, "{away:?}");
}

#[test]
fn ids_are_proposed_with_reason_and_score_and_nothing_is_written() {
    let machine = Machine::with(titled(&[
        "Sign in",
        "check-out: with card",
        "Orders are shown",
        "Orders are shown",
        "Pay with a card that is valid",
    ]));
    let shop = machine.shop(&[
        ("Sign in", ""),
        ("CheckOut with Card", ""),
        ("Orders are shown", ""),
        ("Pay with a card that is invalid", ""),
        ("Zebra", ""),
    ]);

    let proposed = machine.kado(&["map", "suggest"]);
    let scripts = json_of(&machine.kado(&["map", "suggest", "--json"]));

    assert_eq!(proposed.code, 0, "{proposed:?}");
    insta::assert_snapshot!(readable(&machine, &proposed.out), @r"
     TEST CASE                                   ID    TITLE                          SCORE  WHY                                                              DECISION
     Test Cases/CheckOut with Card               2002  check-out: with card           0.97   the same title but for punctuation and case                      chosen
     Test Cases/Orders are shown                 2003  Orders are shown               0.99   the same title                                                   none: 2003 and 2004 fit equally
                                                 2004  Orders are shown               0.99   the same title
     Test Cases/Pay with a card that is invalid  2005  Pay with a card that is valid  0.94   the titles are alike, but one may say the opposite of the other  none: not sure enough
     Test Cases/Sign in                          2001  Sign in                        0.99   the same title                                                   chosen
     Test Cases/Zebra                            -     -                              -      -                                                                none: nothing is near

    2 of 5 test cases without ids would get one; nothing was written
    `--apply` writes what is chosen; `kado map set` gives the others their ids
    ");
    assert_eq!(
        scripts[3],
        json!({"test_case": "Test Cases/Sign in", "chosen": 2001, "candidates": [
            {"id": 2001, "title": "Sign in", "score": 0.99, "reason": "the same title"}]})
    );
    assert_eq!(text(&shop, "Sign in"), katalons("Sign in", None));
}

#[test]
fn what_is_chosen_is_written_and_the_next_run_submits_it() {
    let machine = Machine::with(titled(&["Sign in", "Pay", "Pay"]));
    let shop = machine.shop(&[("Sign in", ""), ("Pay", "")]);

    let applied = machine.kado(&["map", "suggest", "--apply"]);
    let submitted = machine.submit(
        &shop,
        &finished([Test::passed(&tc("Sign in")), Test::passed(&tc("Pay"))]),
    );

    assert_eq!(applied.code, 0, "{applied:?}");
    assert_eq!(text(&shop, "Sign in"), katalons("Sign in", Some("2001")));
    assert_eq!(text(&shop, "Pay"), katalons("Pay", None));
    let said: Vec<&str> = applied.out.lines().rev().take(3).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    the next run submits results of 1 of 2 test cases to test plan 18; 1 has no id
    1 file changed
    changed `Test Cases/Sign in.tc`: none → 2001
    ");
    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().results[0].point_id, Some(1001));
}

#[test]
fn that_the_integration_is_switched_off_is_said_when_ids_are_written() {
    let machine = Machine::with(titled(&["Sign in"]));
    let settings = AzureSettings {
        enabled: false,
        ..machine.settings()
    };
    machine.shop_with(settings, &[("Sign in", "")]);

    let applied = machine.kado(&["map", "suggest", "--apply"]);

    assert_eq!(applied.code, 0, "{applied:?}");
    assert!(
        applied.out.contains(
            "so no run is submitted; once it is on, the next run submits results of 1 of 1 test \
             case to test plan 18"
        ),
        "{applied:?}"
    );
}

#[test]
fn of_the_whole_project_also_test_cases_outside_of_the_plan_are_paired() {
    let machine = Machine::with(titled(&["Sign in"]).test_case(5000, "Pay later"));
    machine.shop(&[("Pay later", "")]);

    let in_plan = json_of(&machine.kado(&["map", "suggest", "--json"]));
    let of_all = json_of(&machine.kado(&["map", "suggest", "--all", "--json"]));

    assert_eq!(in_plan[0]["chosen"], Value::Null);
    assert_eq!(of_all[0]["chosen"], 5000);
}

#[test]
fn six_hundred_test_cases_are_asked_for_in_a_few_requests() {
    let titles: Vec<String> = (0..600).map(|number| format!("Case {number}")).collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let machine = Machine::with(titled(&titles));
    let cases: Vec<(&str, &str)> = titles.iter().map(|title| (*title, "")).collect();
    machine.shop(&cases);

    let proposed = json_of(&machine.kado(&["map", "suggest", "--json"]));

    let chosen = proposed
        .as_array()
        .unwrap()
        .iter()
        .filter(|pairing| pairing["chosen"].is_u64());
    assert_eq!(chosen.count(), 600);
    let requests = machine.fake.requests().len();
    assert!(requests <= 12, "{requests} requests");
}

#[test]
fn a_table_that_is_exported_and_imported_changes_no_byte() {
    let machine = Machine::new();
    let shop = machine.shop(&[
        ("Sign in", "1001, 1002\n"),
        ("Formula", "=cmd()"),
        ("Free", ""),
        ("A, b", "1003"),
    ]);
    let names = ["Sign in", "Formula", "Free", "A, b"];
    let before = names.map(|name| text(&shop, name));
    let table = machine.root().join("ids.csv");
    let table = table.to_str().unwrap();

    let exported = machine.kado(&["map", "export", table]);
    let imported = machine.kado(&["map", "import", table]);

    assert_eq!(exported.code, 0, "{exported:?}");
    insta::assert_snapshot!(fs::read_to_string(table).unwrap(), @r#"
    test_case,ids
    "Test Cases/A, b",1003
    Test Cases/Formula,'=cmd()
    Test Cases/Free,
    Test Cases/Sign in,"1001, 1002"
    "#);
    assert_eq!(imported.code, 0, "{imported:?}");
    assert_eq!(names.map(|name| text(&shop, name)), before);
}

#[test]
fn a_table_with_an_error_changes_nothing_and_names_each_with_its_line() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", ""), ("Pay", ""), ("Twice", ""), ("Odd", "")]);
    let table = machine.root().join("ids.csv");
    fs::write(
        &table,
        "\u{feff}ids;test_case\r\n1001;Test Cases/Sign in\r\n4711;Test Cases/Pay\r\n\
         1002;Test Cases/Nowhere\r\n1003;Test Cases/Twice\r\n1004;Test Cases/Twice\r\n\
         TC-5;Test Cases/Odd\r\n",
    )
    .unwrap();
    let table = table.to_str().unwrap();

    let refused = machine.kado(&["map", "import", table]);
    let unchanged = text(&shop, "Sign in");
    let rest = machine.kado(&["map", "import", table, "--skip-errors"]);

    assert_eq!(refused.code, 1, "{refused:?}");
    insta::assert_snapshot!(readable(&machine, &refused.err), @r"
    error: `[temp]/ids.csv` line 3: work item 4711 does not exist, or this token cannot see it
    error: `[temp]/ids.csv` line 4: the project has no test case `Test Cases/Nowhere`; `kado map list` shows all of them
    error: `[temp]/ids.csv` line 6: `Test Cases/Twice` stands on line 5 already; keep one of them
    error: `[temp]/ids.csv` line 7: `TC-5`: it is not a number; write the ids of test case work items, separated by commas
    error: 4 errors in the table, so nothing was written; `--skip-errors` writes the rest
    ");
    assert_eq!(unchanged, katalons("Sign in", None));
    assert_eq!(rest.code, 1, "{rest:?}");
    assert_eq!(text(&shop, "Sign in"), katalons("Sign in", Some("1001")));
    assert_eq!(text(&shop, "Twice"), katalons("Twice", None));
}

#[test]
fn a_table_with_wrong_columns_is_refused() {
    let machine = Machine::new();
    machine.shop(&[("Sign in", "")]);
    let table = machine.root().join("ids.csv");
    fs::write(&table, "name,id\nSign in,1001\n").unwrap();

    let refused = machine.kado(&["map", "import", table.to_str().unwrap()]);

    assert_eq!(refused.code, 1, "{refused:?}");
    insta::assert_snapshot!(readable(&machine, &refused.err), @"error: `[temp]/ids.csv`: line 1: there is no column `test_case`, only `name`, `id`; the first line has to name the columns `test_case` and `ids`");
}

#[test]
fn a_row_without_ids_leaves_the_ids_of_its_test_case() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let table = machine.root().join("ids.csv");
    fs::write(&table, "test_case,ids\nTest Cases/Sign in,\n").unwrap();

    let imported = machine.kado(&["map", "import", table.to_str().unwrap()]);

    assert_eq!(imported.code, 0, "{imported:?}");
    assert!(imported.out.contains("1 row without ids"), "{imported:?}");
    assert_eq!(text(&shop, "Sign in"), katalons("Sign in", Some("1001")));
}

#[test]
fn the_project_of_the_working_folder_is_meant_and_several_watched_ones_are_named() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    machine.project("Bank", machine.settings(), [TestCaseFile::new(&tc("Pay"))]);

    let unclear = machine.kado(&["map", "list"]);
    let mut here = machine.command(&["map", "list", "--json"]);
    here.current_dir(shop.join("Test Cases"));
    let here = finish(here);

    assert_eq!(unclear.code, 2, "{unclear:?}");
    insta::assert_snapshot!(readable(&machine, &unclear.err), @"error: no project is named, and several are watched: `[temp]/work/Bank`, `[temp]/work/Shop`; name one with `--project`");
    assert_eq!(json_of(&here)[0]["test_case"], "Test Cases/Sign in");
}

#[test]
fn while_katalon_works_on_the_project_nothing_is_written_unless_forced() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "")]);
    let working = Katalonc::start(&machine.root(), &katalonc::arguments(&shop, SUITE, &[]));

    let refused = machine.kado(&["map", "set", "Sign in", "1001"]);
    let unchanged = text(&shop, "Sign in");
    let forced = machine.kado(&["map", "set", "Sign in", "1001", "--force"]);
    working.kill();

    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.err.contains("Katalon works on this project"),
        "{refused:?}"
    );
    assert_eq!(unchanged, katalons("Sign in", None));
    assert_eq!(forced.code, 0, "{forced:?}");
}

#[test]
fn a_damaged_file_keeps_the_files_of_one_command_as_they_are() {
    let machine = Machine::with(titled(&["Sign in", "Pay"]));
    let shop = machine.shop(&[("Sign in", ""), ("Pay", "")]);
    let damaged = text(&shop, "Pay").replace("<tag></tag>", "<tag>a & b</tag>");
    fs::write(file(&shop, "Pay"), &damaged).unwrap();

    let applied = machine.kado(&["map", "suggest", "--apply"]);

    assert_eq!(applied.code, 1, "{applied:?}");
    assert!(applied.err.contains("nothing was written"), "{applied:?}");
    assert_eq!(text(&shop, "Sign in"), katalons("Sign in", None));
    assert_eq!(text(&shop, "Pay"), damaged);
}

#[test]
fn settings_that_cannot_be_read_are_not_called_missing() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let settings = "settings/external/com.kms.katalon.integration.azure.properties";
    fs::remove_file(shop.join(settings)).unwrap();
    fs::create_dir(shop.join(settings)).unwrap();

    for command in [["map", "suggest"], ["list", "plans"]] {
        let told = machine.kado(&command);

        assert_eq!(told.code, 1, "{told:?}");
        assert!(told.err.contains("cannot be read"), "{told:?}");
        assert!(told.err.contains(settings), "{told:?}");
    }
}

#[test]
fn what_misses_ids_names_the_command_that_proposes_them() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let shop = machine.shop(&[("Sign in", "")]);
    let run = finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();
    let command = format!("`kado map suggest --project \"{}\"`", shop.display());

    let why = machine.kado(&["why", &run.to_string_lossy()]);
    let check = machine.kado(&["check", &shop.to_string_lossy()]);

    assert!(why.out.contains(&command), "{why:?}");
    assert!(check.out.contains(&command), "{check:?}");
}

#[cfg(unix)]
mod on_unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_read_only_file_is_left_and_the_command_for_it_said() {
        let machine = Machine::new();
        let shop = machine.shop(&[("Sign in", "")]);
        let path = file(&shop, "Sign in");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();

        let refused = machine.kado(&["map", "set", "Sign in", "1001"]);

        assert_eq!(refused.code, 1, "{refused:?}");
        insta::assert_snapshot!(readable(&machine, &refused.err), @"error: `[temp]/work/Shop/Test Cases/Sign in.tc` is read-only; `chmod u+w '[temp]/work/Shop/Test Cases/Sign in.tc'` makes it writable, unless version control keeps it so; nothing was written");
        assert_eq!(text(&shop, "Sign in"), katalons("Sign in", None));
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let machine = Machine::new();
        let shop = machine.shop(&[("Sign in", "")]);
        let outside = machine.root().join("outside");
        fs::rename(shop.join("Test Cases"), &outside).unwrap();
        symlink(&outside, shop.join("Test Cases")).unwrap();

        let refused = machine.kado(&["map", "set", "Sign in", "1001"]);

        assert_eq!(refused.code, 1, "{refused:?}");
        assert_eq!(
            fs::read_to_string(outside.join("Sign in.tc")).unwrap(),
            katalons("Sign in", None)
        );
    }
}
