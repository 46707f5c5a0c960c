//! `kado inspect` as a program: offline, without a configuration, JSON on standard output.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use fake_katalon::{AzureSettings, ConfigurationRow, Test, TestCaseFile, Token};
use serde_json::{Value, json};

use crate::support::{Machine, Output, TOKEN, finished, tc};

fn inspect(machine: &Machine, path: &std::path::Path) -> Value {
    let (view, err) = inspect_aloud(machine, path);

    assert_eq!(err, "");
    view
}

/// The same, and what was said on standard error.
fn inspect_aloud(machine: &Machine, path: &std::path::Path) -> (Value, String) {
    let inspected = machine.kado(&["inspect", "--json", &path.to_string_lossy()]);

    assert_eq!(inspected.code, 0, "{inspected:?}");
    assert_eq!(machine.fake.requests().len(), 0, "inspect is offline");
    (serde_json::from_str(&inspected.out).unwrap(), inspected.err)
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

#[test]
fn a_run_has_the_members_of_the_contract() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001,1002"), ("Voucher", "1003")]);
    let run = finished([
        Test::failed(&tc("Sign in"), "no").screenshot(),
        Test::passed(&tc("Voucher")).variable("code", "A"),
        Test::passed(&tc("Voucher")).variable("code", "B"),
    ]);
    let folder = run.write_in(&shop).unwrap();

    let view = inspect(&machine, &folder);

    let members = "browser ended execution_uuid files host katalon_status katalon_version kind os profile started state \
         suite tests warnings";
    assert_eq!(keys(&view).join(" "), members);
    assert_eq!(&view["kind"], &json!("run"));
    assert_eq!(&view["state"], &json!("finished"));
    assert!(
        view["host"].as_str().unwrap().ends_with("AGENT-01"),
        "{}",
        view["host"]
    );
    assert_eq!(view["katalon_version"], "11.1.3");
    let tests = view["tests"].as_array().unwrap();
    let members = "attachments attempts azure_ids duration_ms ended id iteration message stack_trace started status";
    assert!(
        tests.iter().all(|test| keys(test).join(" ") == members),
        "{:?}",
        keys(&tests[0])
    );
    let short: Vec<_> = tests
        .iter()
        .map(|test| json!([test["id"], test["iteration"], test["azure_ids"]]))
        .collect();
    assert_eq!(
        short,
        [
            json!(["Test Cases/Sign in", null, [1001, 1002]]),
            json!(["Test Cases/Voucher", 1, [1003]]),
            json!(["Test Cases/Voucher", 2, [1003]]),
        ]
    );
    assert_eq!(keys(&view["files"][0]).join(" "), "path size type");
}

#[test]
fn a_project_has_the_members_of_the_contract() {
    let machine = Machine::new();
    let cases = [
        TestCaseFile::new(&tc("Sign in")).azure("1001"),
        TestCaseFile::new(&tc("Bad")).azure("x1,1002"),
    ];
    let shop = machine.project("Shop", machine.settings(), cases);

    let view = inspect(&machine, &shop);

    assert_eq!(
        keys(&view).join(" "),
        "kind name path settings test_cases warnings"
    );
    assert_eq!(&view["kind"], &json!("project"));
    assert_eq!(&view["name"], &json!("Shop"));
    assert_eq!(view["path"], *shop.to_string_lossy());
    let cases = view["test_cases"].as_array().unwrap();
    let short: Vec<_> = cases
        .iter()
        .map(|case| {
            json!([
                case["id"],
                case["azure_ids"],
                case["warnings"].as_array().unwrap().len()
            ])
        })
        .collect();
    assert_eq!(
        short,
        [
            json!(["Test Cases/Bad", [1002], 1]),
            json!(["Test Cases/Sign in", [1001], 0])
        ]
    );
}

#[test]
fn a_token_is_told_as_one_of_three_words() {
    let machine = Machine::new();
    let tokens = [
        (Some(Token::Clear(TOKEN.to_owned())), "set"),
        (None, "unset"),
        (
            Some(Token::Encrypted("bm90IGEgdG9rZW4=".to_owned())),
            "undecryptable",
        ),
    ];

    for (token, word) in tokens {
        let shop = machine.shop_with(
            AzureSettings {
                token,
                ..machine.settings()
            },
            &[],
        );

        let view = inspect(&machine, &shop);

        assert_eq!(view["settings"]["token"], word);

        let people = machine.kado(&["inspect", &shop.to_string_lossy()]);

        for said in [view.to_string(), people.out] {
            assert!(!said.contains(TOKEN), "{said}");
        }
    }
}

#[test]
fn scripts_get_everything_that_the_dialog_holds() {
    let machine = Machine::new();
    let rows = vec![
        ConfigurationRow::new("Windows", "Chrome", 1),
        ConfigurationRow::any(2),
    ];
    let settings = AzureSettings {
        configuration_rows: rows,
        build_definition: 12,
        ..machine.settings()
    };

    let mut view = inspect(&machine, &machine.shop_with(settings, &[]));

    let id = view["settings"]["project"]["id"].take();
    assert!(id.is_string(), "{view}");
    let wanted = json!({
        "enabled": true, "server_url": machine.fake.base_url(), "token": "set",
        "project": {"id": null, "name": "Shop"}, "test_plans": [{"id": 18, "name": "Release 1"}],
        "configurations": [
            {"os": "Windows", "platform": "Chrome", "profile": null, "configuration_id": 1},
            {"os": null, "platform": null, "profile": null, "configuration_id": 2},
        ],
        "status_mappings": {
            "PASSED": "Passed", "FAILED": "Failed", "INCOMPLETE": "Aborted", "ERROR": "Error", "SKIPPED": "NotExecuted",
        },
        "auto_submit": true, "multiple_points": false, "override_automation_fields": null,
        "test_run_name": "Run by Katalon Studio", "build_definition": 12, "release_definition": null,
        "include_attachments": true, "attach": "failed", "attachments": [],
    });
    assert_eq!(view["settings"], wanted);
}

#[test]
fn a_broken_configuration_does_not_keep_anybody_from_looking() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    machine.configure_only("this is no toml");
    let (view, err) = inspect_aloud(&machine, &shop);

    assert_eq!(view["kind"], "project");
    assert!(
        err.starts_with("warning: configuration `") && err.contains("`abort_after`"),
        "{err}"
    );
}

#[test]
fn a_path_that_is_neither_run_nor_project_is_exit_1() {
    let machine = Machine::new();

    for path in [machine.work(), machine.root().join("missing")] {
        let Output { code, out, err } = machine.kado(&["inspect", &path.to_string_lossy()]);

        assert_eq!(code, 1, "{err}");
        assert_eq!(out.as_str(), "", "{err}");
        assert!(err.contains(&*path.to_string_lossy()), "{err}");
    }
}
