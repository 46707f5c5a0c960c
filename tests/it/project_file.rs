//! The project's own `kado.toml` beside its `.prj`: what it may say, and what it may not.

#![expect(clippy::disallowed_methods, reason = "tests lay out files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::PathBuf;

use fake_katalon::{SuiteRunWriter, Test};

use crate::support::{Machine, age, finished, now, tc};

fn run() -> SuiteRunWriter {
    finished([Test::passed(&tc("Sign in"))])
}

/// A machine with a shop that has this file.
fn with_file(text: &str) -> (Machine, PathBuf) {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    fs::write(shop.join("kado.toml"), text).unwrap();

    (machine, shop)
}

#[test]
fn the_projects_file_is_stronger_than_katalons_settings_and_weaker_than_the_machines() {
    let own = "[submit]\ntest_plans = [19]\ntest_run_name = \"{suite} of the project\"\ntags = [\"shop\"]\n";
    let (machine, shop) = with_file(own);

    assert_eq!(machine.submit(&shop, &run()).code, 0);
    let first = machine.ado_run();
    assert_eq!(first.plan_id, Some(19));
    assert_eq!(first.name.as_str(), "Smoke of the project");
    assert_eq!(first.tags, ["shop"]);
    machine.configure("[submit]\ntest_plans = [18]\n");
    assert_eq!(machine.submit(&shop, &run().start(now())).code, 0);
    let second = machine.ado_runs().pop().unwrap();
    assert_eq!(second.plan_id, Some(18));
    assert_eq!(second.name.as_str(), "Smoke of the project");
}

#[test]
fn a_project_table_of_the_machine_is_stronger_as_well() {
    let (machine, shop) = with_file("[submit]\ntest_plans = [19]\n");
    machine.configure(&format!(
        "[[project]]\npath = {shop:?}\nsubmit.test_plans = [18]\n"
    ));

    assert_eq!(machine.submit(&shop, &run()).code, 0);
    assert_eq!(machine.ado_run().plan_id, Some(18));
}

#[test]
fn the_project_can_choose_the_version_that_its_server_is_spoken_to_with() {
    let (machine, shop) = with_file("[azure]\napi_version = \"7.0\"\n");

    assert_eq!(machine.submit(&shop, &run()).code, 0);
    let spoken = machine.fake.requests();
    assert!(
        spoken
            .iter()
            .all(|request| request.api_version.as_deref() == Some("7.0")),
        "{spoken:#?}"
    );
}

#[test]
fn nothing_in_it_sends_a_token_elsewhere() {
    let theirs = Machine::new();
    let url = theirs.fake.base_url();
    let text = format!(
        "[azure]\nserver_url = {url:?}\ntoken_file = \"/etc/hostname\"\nproxy = \"http://{}\"\nallow_http = true\n",
        theirs.fake.address()
    );
    let (machine, shop) = with_file(&text);

    assert_eq!(machine.submit(&shop, &run()).code, 0);
    assert_eq!(machine.ado_run().state, "Completed");
    assert_eq!(theirs.fake.requests().len(), 0);

    let checked = machine.kado(&["check", "--offline"]);

    assert!(
        checked
            .out
            .contains("`azure.server_url` is not read from a project's `kado.toml`"),
        "{checked:?}"
    );
}

#[test]
fn it_cannot_read_the_environment_of_the_service() {
    let (machine, shop) = with_file("[submit]\ntest_run_name = \"{suite} {env:HOME}\"\n");

    assert_eq!(machine.submit(&shop, &run()).code, 0);
    assert_eq!(machine.ado_run().name, "Smoke {env:HOME}");
}

#[test]
fn a_broken_file_parks_the_run_until_it_is_corrected() {
    let (machine, shop) = with_file("[submit]\ntest_plans = [nineteen]\nattach = \"never\"\n");

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(
        machine.ado_runs().len(),
        0,
        "it does not fall back to another plan"
    );
    let row = machine.row();
    assert_eq!(row["state"], "parked");
    assert!(
        row["error"]
            .as_str()
            .unwrap()
            .contains("the `kado.toml` of the project cannot be used: line 2"),
        "{row}"
    );
    fs::write(shop.join("kado.toml"), "[submit]\ntest_plans = [19]\n").unwrap();
    assert_eq!(machine.kado(&["runs", "retry", "1"]).code, 0);
    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(machine.ado_run().plan_id, Some(19));
}

#[test]
fn a_file_in_another_encoding_is_told_with_the_way_out() {
    let (machine, shop) = with_file("");
    let utf16: Vec<u8> = "[submit]\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(
        shop.join("kado.toml"),
        [b"\xff\xfe".as_slice(), &utf16].concat(),
    )
    .unwrap();

    assert_eq!(machine.submit(&shop, &run()).code, 1);
    insta::assert_snapshot!(machine.readable(machine.row()["error"].as_str().unwrap()), @"the `kado.toml` of the project cannot be used: save it as UTF-8, which it is not; correct it, then `kado runs retry 1` submits the run");
}

#[cfg(unix)]
#[test]
fn a_linked_file_is_told_not_to_be_followed() {
    let (machine, shop) = with_file("");
    fs::remove_file(shop.join("kado.toml")).unwrap();
    let file = machine.root().join("shared.toml");
    fs::write(&file, "[submit]\ntest_plans = [19]\n").unwrap();
    std::os::unix::fs::symlink(&file, shop.join("kado.toml")).unwrap();

    assert_eq!(machine.submit(&shop, &run()).code, 1);
    insta::assert_snapshot!(machine.readable(machine.row()["error"].as_str().unwrap()), @"the `kado.toml` of the project cannot be used: `[temp]/work/Shop/kado.toml` cannot be read: `kado.toml` is a link, and links inside a project are not followed; correct it, then `kado runs retry 1` submits the run");
}

#[test]
fn a_wrong_value_parks_the_run_and_check_says_so() {
    let (machine, shop) = with_file("[submit]\ntest_plans = [0]\n");

    assert_eq!(machine.submit(&shop, &run()).code, 1);
    assert_eq!(machine.row()["state"], "parked");

    let checked = machine.kado(&["check", "--offline"]);

    assert_eq!(checked.code, 1, "{checked:?}");
    assert!(
        checked
            .out
            .contains("`submit.test_plans` holds `0`; an item must be a positive number"),
        "{checked:?}"
    );
}

#[test]
fn an_unknown_key_is_told_and_the_rest_counts() {
    let (machine, shop) = with_file("[submit]\ntest_plans = [19]\nfrom_the_future = true\n");

    let submitted = machine.submit(&shop, &run());

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(machine.ado_run().plan_id, Some(19));

    let checked = machine.kado(&["check", "--offline"]);

    assert!(
        checked
            .out
            .contains("line 3: `submit.from_the_future` is not read"),
        "{checked:?}"
    );

    let inspected = machine.kado(&["inspect", &shop.to_string_lossy()]);

    assert!(
        inspected
            .out
            .contains("`submit.from_the_future` is not read"),
        "{inspected:?}"
    );
}

#[test]
fn the_configuration_of_the_machine_may_lie_in_a_project() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let config = shop.join("kado.toml");
    let (work, state) = (machine.work(), machine.state());
    let name = "test_run_name = \"{env:AGENT_NAME}\"";
    fs::write(
        &config,
        format!("watch = [{work:?}]\nstate_dir = {state:?}\n[submit]\n{name}\n"),
    )
    .unwrap();
    let folder = run().write_in(&shop).unwrap();
    let mut command = machine.command_with(&config, &["submit", &folder.to_string_lossy()]);
    command.env("AGENT_NAME", "Agent 7");

    let submitted = crate::support::finish(command);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(
        machine.ado_run().name,
        "Agent 7",
        "as the machine's file it may show the environment"
    );
}

#[test]
fn the_service_reads_it_with_each_run() {
    let (machine, shop) = with_file("[submit]\ntest_plans = [19]\n");
    age(&shop);
    machine.configure("history = \"all\"\n");

    age(&run().write_in(&shop).unwrap());

    assert_eq!(machine.kado(&["run", "--once"]).code, 0);
    assert_eq!(machine.ado_run().plan_id, Some(19));
}
