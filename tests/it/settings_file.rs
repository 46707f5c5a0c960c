//! The project's settings file as Katalon writes it, from its bytes to what arrives in Azure
//! DevOps.

#![expect(clippy::disallowed_methods, reason = "tests lay out files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use fake_katalon::{AzureSettings, ConfigurationRow, SuiteRunWriter, Test, Token};
use serde_json::Value;

use crate::support::{Machine, Service, age, finished, now, tc, world};

const CASES: [(&str, &str); 3] = [("Sign in", "1001"), ("Pay", "1002"), ("Browse", "1003")];

fn run() -> SuiteRunWriter {
    finished([Test::passed(&tc("Sign in"))])
}

fn file_of(shop: &Path) -> PathBuf {
    shop.join("settings/external/com.kms.katalon.integration.azure.properties")
}

/// Writes the settings of a project anew.
fn rewrite(shop: &Path, change: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(file_of(shop)).unwrap();
    let changed = change(text.clone());

    assert_ne!(changed, text, "nothing was changed");
    fs::write(file_of(shop), changed).unwrap();
}

/// What a test makes of the text of a file.
type Change = fn(String) -> String;

/// Only the lines of which this is true.
fn only(text: &str, keep: impl Fn(&str) -> bool) -> String {
    text.lines()
        .filter(|line| keep(line))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Synthetic tokens of the shapes that Azure DevOps gives out, each with what Katalon stores for
/// it.
fn encrypted_tokens() -> Vec<(String, String)> {
    let vectors: Value =
        serde_json::from_str(include_str!("../fixtures/crypto-vectors.json")).unwrap();
    let tokens = vectors["vectors"].as_array().unwrap().iter();
    let tokens = tokens.filter(|vector| {
        vector["note"]
            .as_str()
            .unwrap()
            .contains("personal access token")
    });
    let text = |value: &Value| value.as_str().unwrap().to_owned();

    tokens
        .map(|vector| (text(&vector["plain"]), text(&vector["encrypted"])))
        .collect()
}

#[test]
fn a_token_that_katalon_encrypted_reaches_azure_devops_in_clear() {
    let tokens = encrypted_tokens();

    assert_eq!(tokens.len(), 2, "the older shape and the newer one");

    for (plain, encrypted) in tokens {
        let machine = Machine::with(world().token(&plain));
        let settings = AzureSettings {
            token: Some(Token::Encrypted(encrypted)),
            ..machine.settings()
        };

        let submitted = machine.submit(&machine.shop_with(settings, &CASES), &run());

        assert_eq!(submitted.code, 0, "{submitted:?}");
        assert_eq!(machine.ado_run().state, "Completed");
        let sent = format!(
            "Basic {}",
            base64::engine::general_purpose::STANDARD.encode(format!(":{plain}"))
        );
        let requests = machine.fake.requests();
        assert!(
            requests
                .iter()
                .all(|request| request.authorization.as_deref() == Some(&*sent)),
            "{requests:#?}"
        );
    }
}

#[test]
fn keys_that_are_not_there_have_katalons_defaults() {
    let (plain, encrypted) = encrypted_tokens().remove(0);
    let machine = Machine::with(world().token(&plain).point(7, 22, 1003, 2));
    machine.configure("history = \"all\"\n");
    let settings = AzureSettings {
        token: Some(Token::Encrypted(encrypted)),
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &CASES);
    let needed = [
        "enableIntegration",
        "serverUrl",
        "token",
        "integratedProject",
        "submitOptions.testPlans",
    ];
    rewrite(&shop, |text| {
        only(&text, |line| {
            needed
                .iter()
                .any(|key| line.starts_with(&format!("{key}=")))
        })
    });
    let failed = [
        Test::failed(&tc("Pay"), "declined").screenshot(),
        Test::passed(&tc("Browse")),
    ];

    let folder = finished(failed)
        .reports(&["html", "csv", "pdf"])
        .write_in(&shop)
        .unwrap();
    age(file_of(&shop).parent().unwrap());
    age(&folder);
    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 1, "test case 1003 has two test points: {once:?}");
    let reason = machine.row()["skipped"][0]["reason"].to_string();
    assert!(reason.contains("multiple Test Points"), "{once:?}");
    let run = machine.ado_run();
    assert_eq!(run.name.as_str(), "Run by Katalon Studio");
    assert_eq!(run.build.as_ref(), None);
    assert_eq!(run.release_uri.as_deref(), None);
    assert_eq!(run.results.len(), 1);
    assert_eq!(run.results[0].outcome.as_str(), "Failed");
    let mut files = crate::support::names(&run.attachments);
    files.extend(crate::support::names(&run.results[0].attachments));
    let mut kinds: Vec<&str> = files
        .iter()
        .filter_map(|name| name.rsplit('.').next())
        .collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["html", "log", "pdf", "png"]);
    let writes = machine.writes();
    let is_of_item = |write: &&String| write.contains("/wit/workitems/");
    assert_eq!(writes.iter().find(is_of_item), None);
}

#[test]
fn without_a_failure_the_default_sends_no_file() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    rewrite(&shop, |text| only(&text, |line| !line.contains("ttach")));

    assert_eq!(machine.submit(&shop, &run()).code, 0);
    assert!(machine.ado_run().attachments.is_empty());
}

#[test]
fn no_file_and_an_empty_one_of_a_project_without_ids_are_an_integration_that_is_off() {
    let without_ids = CASES.map(|(name, _)| (name, ""));
    for (text, cases, reason) in [
        (Some(""), without_ids, "switched off"),
        (None, CASES, "is missing"),
    ] {
        let machine = Machine::new();
        let shop = machine.shop(&cases);
        match text {
            Some(text) => fs::write(file_of(&shop), text).unwrap(),
            None => fs::remove_file(file_of(&shop)).unwrap(),
        }

        let refused = machine.submit(&shop, &run());

        assert_eq!(refused.code, 1, "{text:?} {refused:?}");
        assert!(refused.err.contains(reason), "{text:?} {refused:?}");
        assert_eq!(machine.fake.requests().len(), 0, "{text:?}");
    }
}

#[test]
fn a_file_that_lost_its_switch_is_no_decision_and_parks_the_run() {
    for keep in ["", "submitOptions.testPlan", "serverUrl"] {
        let machine = Machine::new();
        let shop = machine.shop(&CASES);
        rewrite(&shop, |text| {
            only(&text, |line| !keep.is_empty() && line.starts_with(keep))
        });

        let check = machine.kado(&["check", "--offline", &shop.to_string_lossy()]);
        let submitted = machine.submit(&shop, &run());
        let status = machine.kado(&["status"]);

        assert!(check.out.contains("lacks its end"), "{keep}: {check:?}");
        assert_eq!(check.code, 1, "{keep}: {check:?}");
        assert!(submitted.out.contains("parked"), "{keep}: {submitted:?}");
        assert_eq!(submitted.code, 1, "{keep}: {submitted:?}");
        assert!(status.out.contains("lacks its end"), "{keep}: {status:?}");
        assert_eq!(machine.fake.requests().len(), 0, "{keep}");
    }
}

#[test]
fn a_file_cut_behind_its_server_names_its_missing_end_beside_what_it_lacks() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    rewrite(&shop, |text| {
        only(&text, |line| {
            line.starts_with("enableIntegration") || line.starts_with("serverUrl")
        })
    });

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert!(
        submitted.out.contains(
            "it has no `submitOptions.attachmentSendingType`, which Katalon always writes"
        ),
        "{submitted:?}"
    );
}

#[test]
fn the_file_is_read_in_every_form_that_katalon_gives_it() {
    let forms: [(&str, Change); 6] = [
        ("a date of 8.x", |text| {
            format!("#Mon Jan 05 10:00:00 ICT 2026\n{text}")
        }),
        ("lines of Windows", |text| text.replace('\n', "\r\n")),
        ("another order", |text| {
            text.lines().rev().map(|line| format!("{line}\n")).collect()
        }),
        ("letters as they are", |text| text.replace("\\\\u00E9", "é")),
        ("a mark at its beginning", |text| format!("\u{feff}{text}")),
        ("a key of the future", |text| {
            format!("{text}submitOptions.future=\"{{}}\"\n")
        }),
    ];

    for (form, change) in forms {
        let machine = Machine::new();
        let shop = machine.shop_with(
            AzureSettings {
                run_name: "Soirée: #1".to_owned(),
                ..machine.settings()
            },
            &CASES,
        );
        rewrite(&shop, change);

        let submitted = machine.submit(&shop, &run());

        assert_eq!(submitted.code, 0, "{form}: {submitted:?}");
        assert_eq!(machine.ado_run().name, "Soirée: #1", "{form}");
    }
}

/// A plan as Katalon stores it.
fn plan(id: u32) -> String {
    format!(
        "{{\\\\n  \\\\\"id\\\\\"\\: {id},\\\\n  \\\\\"name\\\\\"\\: \\\\\"Release 2\\\\\"\\\\n}}"
    )
}

#[test]
fn a_plan_of_an_older_katalon_does_not_count_beside_a_list_of_plans() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    rewrite(&shop, |text| {
        format!("{text}submitOptions.testPlan=\"{}\"\n", plan(19))
    });

    assert_eq!(machine.submit(&shop, &run()).code, 0);
    assert_eq!(machine.ado_run().plan_id, Some(18));

    // And it counts without that list.
    let machine = Machine::new();
    let shop = machine.shop(&CASES);
    let without = |text: String| only(&text, |line| !line.starts_with("submitOptions.testPlans"));

    rewrite(&shop, |text| {
        format!("{}submitOptions.testPlan=\"{}\"\n", without(text), plan(19))
    });

    assert_eq!(machine.submit(&shop, &run()).code, 0);
    assert_eq!(machine.ado_run().plan_id, Some(19));
}

#[test]
fn what_the_dialogs_fetched_last_is_not_used() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    rewrite(&shop, |text| {
        let rest = only(&text, |line| !line.starts_with("fetched"));
        format!(
            "fetchedProjectList=\"[{0}]\"\nfetchedTestPlanList=\"[{0}]\"\n{rest}",
            plan(19)
        )
    });
    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let run = machine.ado_run();
    assert_eq!(run.project.as_str(), "Shop");
    assert_eq!(run.plan_id, Some(18));
}

#[test]
fn the_profile_of_a_row_counts_under_any_key_that_speaks_of_a_profile() {
    for key in [
        "profile",
        "executionProfile",
        "Execution Profile",
        "PROFILE_NAME",
    ] {
        let machine = Machine::with(world().point(201, 22, 1001, 2));
        let staging = ConfigurationRow {
            profile: Some("staging".to_owned()),
            ..ConfigurationRow::any(2)
        };
        let rows = vec![ConfigurationRow::any(1), staging];
        let shop = machine.shop_with(
            AzureSettings {
                configuration_rows: rows,
                ..machine.settings()
            },
            &CASES,
        );
        if key != "profile" {
            rewrite(&shop, |text| {
                text.replace("\\\"profile\\", &format!("\\\"{key}\\"))
            });
        }

        assert_eq!(
            machine.submit(&shop, &run().profile("staging")).code,
            0,
            "{key}"
        );
        assert_eq!(
            machine.ado_run().results[0].configuration_id,
            Some(2),
            "{key}"
        );
    }
}

/// Lets a run end under a running service, and waits for it.
fn end_a_run(machine: &Machine, shop: &Path, service: &Service, count: usize) {
    service.wait_for_log("found a Katalon project");
    age(&run().start(now()).write_in(shop).unwrap());
    machine.wait_for_completed(count);
}

#[test]
fn each_run_is_submitted_with_the_settings_of_its_end() {
    let machine = Machine::new();
    let shop = machine.shop(&CASES);

    let service = machine.start();
    end_a_run(&machine, &shop, &service, 1);
    let edited = AzureSettings {
        run_name: "edited".to_owned(),
        plans: vec![(19, "P".to_owned())],
        ..machine.settings()
    };
    machine.shop_with(edited, &CASES);
    end_a_run(&machine, &shop, &service, 2);
    service.stop_cleanly();

    let seen: Vec<_> = machine
        .ado_runs()
        .into_iter()
        .map(|run| (run.plan_id, run.name))
        .collect();
    assert_eq!(
        seen,
        [
            (Some(18), "Run by Katalon Studio".to_owned()),
            (Some(19), "edited".to_owned())
        ]
    );
}
