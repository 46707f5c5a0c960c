//! Automation fields of test case work items, from the project's file to the request.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::PathBuf;

use fake_ado::{Fault, FaultAction, Nth, Refusal};
use fake_katalon::{AzureSettings, SuiteRunWriter, Test, TestCaseFile};

use crate::support::{Machine, finished, tc};

const CASES: [(&str, &str); 3] = [
    ("Web/Sign in", "1001"),
    ("Add to cart", "1002"),
    ("Free", ""),
];

fn run() -> SuiteRunWriter {
    finished([
        Test::passed(&tc("Web/Sign in")),
        Test::failed(&tc("Add to cart"), "no"),
        Test::passed(&tc("Free")),
    ])
}

/// A machine with a shop whose setting is this; `None` is a Katalon before 10.3.
fn with_setting(setting: Option<bool>) -> (Machine, PathBuf) {
    let machine = Machine::new();
    let settings = AzureSettings {
        override_automation_fields: setting,
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &CASES);

    (machine, shop)
}

/// The last parts of the names of the automation fields, with their values, and the revision.
fn fields(machine: &Machine, id: u32) -> String {
    let world = machine.fake.world();
    let item = world.find_work_item(id).unwrap();
    let names = [
        "AutomationStatus",
        "AutomatedTestName",
        "AutomatedTestStorage",
        "AutomatedTestType",
    ];
    let value = |name: &&str| {
        item.fields
            .get(&format!("Microsoft.VSTS.TCM.{name}"))
            .and_then(|value| value.as_str())
    };
    let values: Vec<&str> = names
        .iter()
        .map(|name| value(name).unwrap_or("-"))
        .collect();

    format!("{} at revision {}", values.join(" | "), item.rev)
}

/// Sets automation fields as somebody else would.
fn set(machine: &Machine, id: u32, values: &[(&str, &str)]) {
    let mut world = machine.fake.world();
    let item = world.work_item_mut(id).unwrap();

    for (name, value) in values {
        item.fields
            .insert(format!("Microsoft.VSTS.TCM.{name}"), (*value).into());
    }
}

fn updates(machine: &Machine) -> usize {
    machine
        .fake
        .requests()
        .iter()
        .filter(|request| request.path.contains("/wit/workitems/"))
        .count()
}

#[test]
fn empty_fields_are_filled_in_where_the_project_has_the_setting() {
    for setting in [true, false] {
        let (machine, shop) = with_setting(Some(setting));
        // As Azure DevOps has it of every test case that nobody automated.
        set(&machine, 1002, &[("AutomationStatus", "Not Automated")]);

        let submitted = machine.submit(&shop, &run());

        assert_eq!(submitted.code, 0, "{submitted:?}");
        let signed_in = "Automated | Sign in | Test Cases/Web/Sign in | Katalon at revision 2";
        assert_eq!(fields(&machine, 1001), signed_in, "{setting}");
        assert_eq!(
            fields(&machine, 1002),
            "Automated | Add to cart | Test Cases/Add to cart | Katalon at revision 2"
        );
        assert_eq!(
            fields(&machine, 1003),
            "- | - | - | - at revision 1",
            "it had no result"
        );
        let result = machine.ado_run().result_of_point(11).unwrap().clone();
        assert_eq!(
            result.automated_test_storage.as_deref(),
            Some("Test Cases/Web/Sign in")
        );
    }
}

#[test]
fn without_the_setting_no_work_item_is_touched() {
    let (machine, shop) = with_setting(None);

    assert_eq!(machine.submit(&shop, &run()).code, 0);
    assert_eq!(fields(&machine, 1001), "- | - | - | - at revision 1");
    assert!(
        !machine
            .fake
            .requests()
            .iter()
            .any(|request| request.path.contains("/_apis/wit/"))
    );
}

#[test]
fn what_somebody_else_set_stays_unless_the_project_overrides() {
    for (setting, wanted) in [
        (false, "Planned | Old | old.dll | Katalon at revision 2"),
        (
            true,
            "Automated | Sign in | Test Cases/Web/Sign in | Katalon at revision 2",
        ),
    ] {
        let (machine, shop) = with_setting(Some(setting));
        let theirs = [
            ("AutomationStatus", "Planned"),
            ("AutomatedTestName", "Old"),
            ("AutomatedTestStorage", "old.dll"),
        ];
        set(&machine, 1001, &theirs);

        assert_eq!(machine.submit(&shop, &run()).code, 0);
        assert_eq!(fields(&machine, 1001), wanted);
    }
}

#[test]
fn fields_that_are_so_already_are_not_written_again() {
    let (machine, shop) = with_setting(Some(true));

    assert_eq!(machine.submit(&shop, &run()).code, 0);
    assert_eq!(updates(&machine), 2);

    let later = run().start(crate::support::now());

    assert_eq!(machine.submit(&shop, &later).code, 0);
    assert_eq!(updates(&machine), 2, "the second run changes nothing");
}

#[test]
fn kado_can_switch_it_on_and_off() {
    for (word, setting, wanted) in [
        ("off", Some(true), "- | Old | - | - at revision 1"),
        (
            "fill",
            None,
            "Automated | Old | Test Cases/Web/Sign in | Katalon at revision 2",
        ),
        (
            "override",
            Some(false),
            "Automated | Sign in | Test Cases/Web/Sign in | Katalon at revision 2",
        ),
    ] {
        let (machine, shop) = with_setting(setting);
        machine.configure(&format!("[submit]\nautomation_fields = {word:?}\n"));
        set(&machine, 1001, &[("AutomatedTestName", "Old")]);

        assert_eq!(machine.submit(&shop, &run()).code, 0);
        assert_eq!(fields(&machine, 1001), wanted, "{word}");
    }
}

#[test]
fn several_test_cases_of_one_id_do_not_take_turns() {
    let machine = Machine::new();
    let settings = AzureSettings {
        override_automation_fields: Some(true),
        ..machine.settings()
    };
    let cases = ["A", "B"].map(|name| TestCaseFile::new(&tc(name)).azure("1001"));
    let shop = machine.project("Shop", settings, cases);
    let both =
        |one: &str, other: &str| finished([Test::passed(&tc(one)), Test::passed(&tc(other))]);

    assert_eq!(machine.submit(&shop, &both("A", "B")).code, 0);
    assert_eq!(
        fields(&machine, 1001),
        "Automated | A | Test Cases/A | Katalon at revision 2"
    );
    assert_eq!(
        machine
            .submit(&shop, &both("B", "A").start(crate::support::now()))
            .code,
        0
    );
    assert_eq!(
        fields(&machine, 1001),
        "Automated | A | Test Cases/A | Katalon at revision 2"
    );
}

#[test]
fn a_work_item_that_somebody_else_changes_meanwhile_is_read_again() {
    let (machine, shop) = with_setting(Some(false));
    machine.fake.world().settings.rival_edits = 2;

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 0, "{submitted:?}");
    // Two edits of somebody else, then ours.
    assert_eq!(
        fields(&machine, 1001),
        "Automated | Sign in | Test Cases/Web/Sign in | Katalon at revision 4"
    );
    let refused = machine
        .fake
        .requests()
        .iter()
        .filter(|request| request.status == 412)
        .count();
    assert_eq!(refused, 2);
}

#[test]
fn a_work_item_that_is_changed_again_and_again_costs_only_itself() {
    let (machine, shop) = with_setting(Some(false));
    machine.fake.world().settings.rival_edits = 3;

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(machine.ado_run().state, "Completed");
    let told = "the automation fields of test case 1001 are not set: somebody else changed the work item at the same time, \
                3 times";
    assert!(submitted.out.contains(told), "{submitted:?}");
    assert!(machine.ado_run().comment.unwrap().contains(told));
    assert!(
        fields(&machine, 1002).starts_with("Automated | Add to cart"),
        "the other one is set"
    );
    assert_eq!(machine.row()["skipped"][0]["kind"], "automation-fields");
}

#[test]
fn a_refused_update_costs_only_itself() {
    let (machine, shop) = with_setting(Some(false));
    let refusal = FaultAction::error(
        400,
        "RuleValidationException",
        "TF401320: Rule Error for field Automation status.",
    );
    machine.fake.fault(Fault::new(
        "PATCH",
        "/wit/workitems/1001",
        Nth::Every,
        refusal,
    ));

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert!(
        submitted.out.contains(
            "test case 1001 are not set: Azure DevOps refused the request (400): TF401320"
        )
    );
    assert!(fields(&machine, 1002).starts_with("Automated | Add to cart"));
    assert_eq!(machine.ado_run().state.as_str(), "Completed");
    assert_eq!(machine.row()["state"].as_str(), Some("submitted"));
}

#[test]
fn a_token_that_may_not_write_work_items_is_told_once_and_submits_all_the_rest() {
    for refusal in [Refusal::Forbidden403, Refusal::Empty401] {
        let (machine, shop) = with_setting(Some(false));
        machine.fake.fault(Fault::new(
            "PATCH",
            "/wit/workitems/",
            Nth::Every,
            FaultAction::Refused(refusal),
        ));

        let submitted = machine.submit(&shop, &run());

        assert_eq!(submitted.code, 1, "{submitted:?}");
        assert_eq!(
            submitted.out.matches("are not set").count(),
            1,
            "{submitted:?}"
        );
        assert!(
            submitted
                .out
                .contains("the token needs the scope Work Items (read & write)"),
            "{submitted:?}"
        );
        let run = machine.ado_run();
        assert_eq!(run.state.as_str(), "Completed");
        assert_eq!(run.attachments.len(), 2);
        assert_eq!(updates(&machine), 2);
    }
}

#[test]
fn a_work_item_in_an_area_that_the_token_may_not_write_costs_only_itself() {
    let (machine, shop) = with_setting(Some(false));
    let refusal = FaultAction::Refused(Refusal::Forbidden403);
    machine.fake.fault(Fault::new(
        "PATCH",
        "/wit/workitems/1001",
        Nth::Every,
        refusal,
    ));

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert!(
        submitted
            .out
            .contains("the automation fields of test case 1001 are not set"),
        "{submitted:?}"
    );
    assert!(fields(&machine, 1002).starts_with("Automated | Add to cart"));
}

#[test]
fn work_items_that_do_not_answer_for_a_while_are_waited_for() {
    let (machine, shop) = with_setting(Some(false));
    let away = FaultAction::unavailable();
    machine.fake.fault(Fault::new(
        "PATCH",
        "/wit/workitems/1001",
        Nth::First(4),
        away,
    ));

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert!(fields(&machine, 1001).starts_with("Automated | Sign in"));
    assert!(fields(&machine, 1002).starts_with("Automated | Add to cart"));
    assert_eq!(machine.ado_runs().len(), 1);
}

#[test]
fn an_update_whose_answer_got_lost_is_not_made_twice() {
    let (machine, shop) = with_setting(Some(true));
    machine.fake.fault(Fault::new(
        "PATCH",
        "/wit/workitems/1001",
        Nth::Only(1),
        FaultAction::DropAfter,
    ));

    assert_eq!(machine.submit(&shop, &run()).code, 0);
    assert_eq!(
        fields(&machine, 1001),
        "Automated | Sign in | Test Cases/Web/Sign in | Katalon at revision 2"
    );
}

#[test]
fn a_result_that_was_refused_leaves_its_test_case_alone() {
    let (machine, shop) = with_setting(Some(true));
    let refusal = || FaultAction::error(400, "ArgumentException", "no");
    // The batch, and of its halves the first.
    machine
        .fake
        .fault(Fault::new("PATCH", "/results", Nth::First(2), refusal()));

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(fields(&machine, 1001), "- | - | - | - at revision 1");
    assert!(fields(&machine, 1002).starts_with("Automated | Add to cart"));
}

#[test]
fn an_update_that_is_refused_although_it_was_made_is_not_called_refused() {
    let (machine, shop) = with_setting(Some(false));
    let refusal = FaultAction::error(400, "ArgumentException", "no").behind();
    machine
        .fake
        .fault(Fault::new("PATCH", "workitems", Nth::Every, refusal));

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert!(!submitted.out.contains("left out"), "{submitted:?}");
}

#[test]
fn an_update_whose_every_answer_gets_lost_is_made_once_and_not_named() {
    let (machine, shop) = with_setting(Some(false));
    machine.fake.fault(Fault::new(
        "PATCH",
        "workitems",
        Nth::Every,
        FaultAction::DropAfter,
    ));

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert!(!submitted.out.contains("left out"), "{submitted:?}");
}
