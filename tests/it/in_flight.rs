//! Work in flight: what a run was when it finished counts, whatever happens to the project
//! afterwards.

use std::fs;
use std::path::PathBuf;

use fake_ado::{Fault, FaultAction, Nth, Refusal};
use fake_katalon::{AzureSettings, Test, TestCaseFile};

use crate::support::{Machine, TOKEN, age, finished, names, now, tc};

/// A machine whose first submission was refused at the request that contains `at`.
fn refused_at(method: &str, at: &str) -> (Machine, PathBuf) {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    machine.fake.fault(Fault::new(
        method,
        at,
        Nth::Every,
        FaultAction::Refused(Refusal::Json401),
    ));

    let submitted = machine.submit(&shop, &finished([Test::passed(&tc("Sign in"))]));

    assert_eq!(submitted.code, 3, "{submitted:?}");
    machine.fake.clear_faults();
    (machine, shop)
}

/// Another plan, run name and id in the project.
fn edit(machine: &Machine) {
    let settings = AzureSettings {
        plans: vec![(19, "Release 2".to_owned())],
        run_name: "edited".to_owned(),
        ..machine.settings()
    };
    machine.shop_with(settings, &[("Sign in", "1005")]);
}

#[test]
fn edits_of_the_project_do_not_change_a_run_that_waits_for_its_plan() {
    let (machine, _) = refused_at("*", "");
    edit(&machine);

    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    let run = machine.ado_run();
    assert_eq!(run.plan_id, Some(18));
    assert_eq!(run.name.as_str(), "Run by Katalon Studio");
    assert_eq!(run.results[0].point_id, Some(11));
}

#[test]
fn edits_of_the_project_do_not_change_a_plan_that_is_being_carried_out() {
    let (machine, _) = refused_at("PATCH", "/results");
    edit(&machine);

    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    let run = machine.ado_run();
    assert_eq!(run.plan_id, Some(18));
    assert_eq!(run.name.as_str(), "Run by Katalon Studio");
    assert_eq!(run.results[0].point_id, Some(11));
}

#[test]
fn settings_that_katalon_has_half_written_are_waited_for_and_park_no_run() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let file = shop.join("settings/external/com.kms.katalon.integration.azure.properties");
    let whole = fs::read_to_string(&file).unwrap();
    let service = machine.start_in_detail();

    service.wait_for_log("found a Katalon project");
    // As it is while Katalon writes key after key: what follows is not there yet, and the last
    // value has no end.
    fs::write(&file, &whole[..whole.len() / 3]).unwrap();
    age(&finished([Test::passed(&tc("Sign in"))])
        .start(now())
        .write_in(&shop)
        .unwrap());
    service.wait_for_log("waits for the project's settings, which are being written");

    assert_eq!(
        machine.states(),
        [""; 0],
        "half a file was believed: {}",
        service.log()
    );

    fs::write(&file, &whole).unwrap();

    machine.wait_for_completed(1);
    service.stop_cleanly();

    assert_eq!(machine.ado_run().plan_id, Some(18));
}

/// A project that attaches nothing, and its settings.
fn shop_without_attachments(machine: &Machine) -> (PathBuf, PathBuf, String) {
    let settings = AzureSettings {
        attachments: false,
        file_types: Some(vec!["CSV".to_owned()]),
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);
    let file = shop.join("settings/external/com.kms.katalon.integration.azure.properties");
    let whole = fs::read_to_string(&file).unwrap();
    (shop, file, whole)
}

/// The beginning of settings, up to the middle of the key that says whether files are attached.
fn up_to_a_key(whole: &str) -> &str {
    let key = "submitOptions.enableInc";
    &whole[..whole.find(key).unwrap() + key.len()]
}

#[test]
fn settings_that_end_within_a_key_or_behind_a_line_are_waited_for() {
    let machine = Machine::new();
    let (shop, file, whole) = shop_without_attachments(&machine);
    let service = machine.start_in_detail();
    service.wait_for_log("found a Katalon project");
    let waits = "waits for the project's settings, which are being written";

    fs::write(&file, up_to_a_key(&whole)).unwrap();
    age(&finished([Test::failed(&tc("Sign in"), "no").screenshot()])
        .start(now())
        .write_in(&shop)
        .unwrap());
    service.wait_for_logs(4, waits);
    let line = whole.find("submitOptions.enableInc").unwrap();
    fs::write(&file, &whole[..line]).unwrap();
    service.wait_for_logs(8, waits);

    assert_eq!(machine.states(), [""; 0], "{}", service.log());
    fs::write(&file, &whole).unwrap();
    machine.wait_for_completed(1);
    service.stop_cleanly();
    let run = machine.ado_run();
    assert_eq!(names(&run.attachments), [""; 0]);
    assert_eq!(names(&run.results[0].attachments), [""; 0]);
}

#[test]
fn settings_that_stay_cut_park_the_run_until_they_are_whole() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let (shop, file, whole) = shop_without_attachments(&machine);
    fs::write(&file, up_to_a_key(&whole)).unwrap();
    let folder = finished([Test::failed(&tc("Sign in"), "no").screenshot()])
        .write_in(&shop)
        .unwrap();
    age(&shop);

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 1, "{once:?}");
    assert_eq!(machine.row()["state"], "parked", "{once:?}");
    insta::assert_snapshot!(machine.readable(machine.row()["error"].as_str().unwrap()), @"`settings/external/com.kms.katalon.integration.azure.properties` lacks its end: it ends with `submitOptions.enableInc`, which has no value; save the settings again in Katalon, then `kado runs retry 1` submits the run");
    let submitted = machine.submit_folder(&folder);
    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(machine.ado_runs().len(), 0, "{submitted:?}");

    fs::write(&file, &whole).unwrap();
    assert_eq!(machine.kado(&["runs", "retry", "1"]).code, 0);
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    let run = machine.ado_run();
    assert_eq!(names(&run.attachments), [""; 0]);
    assert_eq!(names(&run.results[0].attachments), [""; 0]);
}

#[test]
fn settings_that_lack_their_end_are_told_by_check() {
    let machine = Machine::new();
    let (_, file, whole) = shop_without_attachments(&machine);
    let about_settings = |output: &str| {
        let readable = machine.readable(output);
        let told: Vec<&str> = readable
            .lines()
            .filter(|line| line.contains("lack its end") || line.contains("lacks its end"))
            .collect();
        told.join("\n")
    };

    fs::write(&file, up_to_a_key(&whole)).unwrap();
    let cut = machine.kado(&["check", "--offline", "--problems"]);
    fs::write(
        &file,
        &whole[..whole.find("submitOptions.enableInc").unwrap()],
    )
    .unwrap();
    let doubted = machine.kado(&["check", "--offline"]);
    fs::write(&file, &whole).unwrap();
    let sound = machine.kado(&["check", "--offline"]);

    assert_eq!(cut.code, 1, "{cut:?}");
    insta::assert_snapshot!(about_settings(&cut.out), @"WRONG  settings: `settings/external/com.kms.katalon.integration.azure.properties` lacks its end: it ends with `submitOptions.enableInc`, which has no value");
    assert_eq!(doubted.code, 0, "{doubted:?}");
    insta::assert_snapshot!(about_settings(&doubted.out), @"note   settings: `settings/external/com.kms.katalon.integration.azure.properties` may lack its end: it has no `submitOptions.attachmentSendingType`, which Katalon always writes");
    assert_eq!(about_settings(&sound.out), "");
}

#[test]
fn file_types_that_cannot_be_read_attach_nothing_and_that_is_told() {
    let machine = Machine::new();
    let settings = AzureSettings {
        file_types: Some(vec!["CSV".to_owned()]),
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);
    let file = shop.join("settings/external/com.kms.katalon.integration.azure.properties");
    let whole = fs::read_to_string(&file).unwrap();
    let damaged = whole.replace("CSV", "ZIP");
    assert_ne!(damaged, whole);
    fs::write(&file, damaged).unwrap();

    let run = finished([Test::failed(&tc("Sign in"), "no").screenshot()]);
    let submitted = machine.submit(&shop, &run);

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert!(
        submitted
            .out
            .contains("names no file type that can be read, so no file is to be attached"),
        "{submitted:?}"
    );
    let run = machine.ado_run();
    assert_eq!(names(&run.attachments), [""; 0]);
    assert_eq!(names(&run.results[0].attachments), [""; 0]);
}

#[test]
fn a_run_whose_project_is_gone_waits_for_a_token_of_the_machine() {
    let (machine, shop) = refused_at("*", "");
    fs::remove_dir_all(&shop).unwrap();

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 1, "{once:?}");
    let row = machine.row();
    assert_eq!(row["state"], "pending", "{row}");
    assert!(
        row["error"].as_str().unwrap().contains("token_file"),
        "{row}"
    );

    machine.configure(&format!(
        "[azure]\nserver_url = \"{}\"\n",
        machine.fake.base_url()
    ));
    let mut command = machine.command(&["run", "--once"]);
    command.env("KADO_TOKEN", TOKEN);

    let once = crate::support::finish(command);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(machine.ado_run().state, "Completed");
}

#[test]
fn a_file_that_is_gone_by_the_time_it_is_sent_is_sent_from_kados_copy_or_named() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    machine.fake.fault(Fault::new(
        "PATCH",
        "/results",
        Nth::Every,
        FaultAction::Refused(Refusal::Json401),
    ));

    let folder = finished([Test::failed(&tc("Sign in"), "no").screenshot()])
        .write_in(&shop)
        .unwrap();

    assert_eq!(machine.submit_folder(&folder).code, 3);

    machine.fake.clear_faults();
    fs::remove_file(folder.join("execution0.log")).unwrap();

    let once = machine.kado(&["run", "--once"]);

    let run = machine.ado_run();
    assert_eq!(run.state.as_str(), "Completed");
    assert_eq!(run.results[0].outcome.as_str(), "Failed");
    let sent = names(&run.attachments).contains(&"execution0.log".to_owned());
    let named = run.comment.unwrap().contains("execution0.log");
    assert!(sent != named, "sent: {sent}, named: {named}");
    assert_eq!(once.code, i32::from(named), "{once:?}");
}

#[test]
fn fifty_tests_with_five_screenshots_take_few_requests_and_connections() {
    let world = (0..50).fold(crate::support::world(), |world, n| {
        world
            .test_case(5000 + n, "Many")
            .point(7000 + n, 22, 5000 + n, 1)
    });
    let machine = Machine::with(world);
    let name = |n: u32| tc(&format!("Many {n}"));
    let cases = (0..50).map(|n| TestCaseFile::new(&name(n)).azure(&(5000 + n).to_string()));
    let shop = machine.project("Shop", machine.settings(), cases);
    let test = |n| {
        if n < 5 {
            Test::failed(&name(n), "no").screenshot()
        } else {
            Test::passed(&name(n))
        }
    };

    assert_eq!(
        machine
            .submit(&shop, &finished((0..50).map(test)).start(now()))
            .code,
        0
    );
    let run = machine.ado_run();
    assert_eq!(
        run.results
            .iter()
            .map(|result| result.attachments.len())
            .sum::<usize>(),
        5
    );
    let requests = machine.fake.requests();
    let listed: Vec<_> = requests
        .iter()
        .map(|request| format!("{} {}", request.method, request.path))
        .collect();
    let files = listed
        .iter()
        .filter(|request| request.ends_with("attachments"));
    assert_eq!(
        requests.len() - files.count(),
        8,
        "plan, points, two looks, creation, results read and written, completion: {listed:#?}"
    );
    assert!(
        machine.fake.peak_connections() <= 8,
        "{}",
        machine.fake.peak_connections()
    );
}
