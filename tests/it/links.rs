//! Links of a run to a build and a release, from the project's file to the request.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use fake_ado::{Fault, FaultAction, Nth, Refusal, Release, Stage, TestRun, World};
use fake_katalon::{AzureSettings, SuiteRunWriter, Test};

use crate::support::katalonc::arguments;
use crate::support::{
    Machine, Output, PLAN, SUITE, TOKEN, closed_file, finish, finished, tc, world,
};

fn run() -> SuiteRunWriter {
    finished([Test::passed(&tc("Sign in"))])
}

/// The shop's world with builds of definition 12 and releases of definition 3.
fn linked_world() -> World {
    let stage = |id, name: &str, started: Option<&str>| Stage {
        id,
        name: name.to_owned(),
        status: "succeeded".to_owned(),
        started: started.map(|at| at.parse().unwrap()),
    };
    let release = |id, definition, status: &str, stages| Release {
        id,
        definition,
        name: format!("Release-{id}"),
        status: status.to_owned(),
        stages,
    };

    let stages = vec![
        stage(91, "QA", Some("2026-05-05T10:00:00Z")),
        stage(92, "Staging", Some("2026-05-06T10:00:00Z")),
        stage(93, "Production", None),
    ];
    let mut world = world()
        .build(635, 12, "20260505.1")
        .build(636, 12, "20260506.1")
        .build(637, 12, "20260506.2")
        .build(638, 99, "other")
        .release(release(4, 3, "active", vec![stage(41, "QA", None)]))
        .release(release(5, 3, "active", stages))
        .release(release(6, 3, "abandoned", vec![stage(61, "QA", None)]))
        .release(release(
            7,
            8,
            "active",
            vec![stage(71, "QA", None), stage(72, "Production", None)],
        ));

    let running = world
        .project_mut("Shop")
        .unwrap()
        .builds
        .iter_mut()
        .find(|build| build.id == 637)
        .unwrap();

    (running.status, running.result, running.finished) = ("inProgress".to_owned(), None, None);

    world
}

/// A machine with these definitions in the project, and its submitted run.
fn submitted(
    alter: impl FnOnce(&mut AzureSettings),
    more: &str,
    run: &SuiteRunWriter,
) -> (Machine, Output) {
    let machine = Machine::with(linked_world());
    machine.configure(more);
    let mut settings = machine.settings();
    alter(&mut settings);
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);
    let output = machine.submit(&shop, run);

    (machine, output)
}

fn build_of(run: &TestRun) -> Option<&str> {
    run.build.as_ref().map(|build| build.id.as_str())
}

/// Release and stage, by their ids.
fn release_of(run: &TestRun) -> Option<(&str, &str)> {
    let release = run
        .release_uri
        .as_deref()?
        .strip_prefix("vstfs:///ReleaseManagement/Release/")?;
    let stage = run
        .release_environment_uri
        .as_deref()?
        .strip_prefix("vstfs:///ReleaseManagement/Environment/")?;
    Some((release, stage))
}

#[test]
fn a_run_is_linked_with_the_latest_completed_build_of_the_definition() {
    let (machine, output) = submitted(|settings| settings.build_definition = 12, "", &run());

    assert_eq!(output.code, 0, "{output:?}");
    let run = machine.ado_run();
    assert_eq!(build_of(&run), Some("636"), "637 is still running");
    assert_eq!(release_of(&run), None, "637 is still running");
    assert!(
        run.comment
            .unwrap()
            .contains("\nLinked with build 20260506.1.")
    );
}

#[test]
fn a_run_is_linked_with_the_latest_release_in_the_stage_that_started_last() {
    for without_steps in [false, true] {
        let machine = Machine::with(
            linked_world().with(|set| set.release_list_without_steps = without_steps),
        );
        let settings = AzureSettings {
            release_definition: 3,
            ..machine.settings()
        };
        let shop = machine.shop_with(settings, &[("Sign in", "1001")]);

        let output = machine.submit(&shop, &run());

        assert_eq!(output.code, 0, "{output:?}");
        let run = machine.ado_run();
        assert_eq!(build_of(&run), None, "6 is abandoned");
        assert_eq!(release_of(&run), Some(("5", "92")), "6 is abandoned");
        assert!(
            run.comment
                .unwrap()
                .contains("\nLinked with release Release-5 in stage Staging.")
        );
    }
}

#[test]
fn the_first_stage_counts_where_none_has_started() {
    let (machine, output) = submitted(|settings| settings.release_definition = 8, "", &run());

    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(release_of(&machine.ado_run()), Some(("7", "71")));
}

#[test]
fn the_stage_can_be_named() {
    let more = "[submit]\nrelease_stage = \"production\"\n";
    let (machine, output) = submitted(|settings| settings.release_definition = 3, more, &run());

    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(release_of(&machine.ado_run()), Some(("5", "93")));
}

#[test]
fn a_stage_that_the_release_does_not_have_costs_the_link_and_is_told() {
    let more = "[submit]\nrelease_stage = \"Preview\"\n";
    let (machine, output) = submitted(|settings| settings.release_definition = 3, more, &run());

    assert_eq!(output.code, 1, "{output:?}");
    let run = machine.ado_run();
    assert_eq!(run.state.as_str(), "Completed");
    assert_eq!(release_of(&run), None);
    let reason = "the run is not linked with the latest release of definition 3: release Release-5 has no stage `Preview`, \
                  only `QA`, `Staging`, `Production`";
    assert!(run.comment.unwrap().contains(reason));
    let skipped = &machine.row()["skipped"][0];
    assert_eq!(skipped["kind"].as_str(), Some("link"));
    assert_eq!(skipped["reason"].as_str(), Some(reason));
}

#[test]
fn minus_one_is_no_definition_and_nothing_is_looked_up() {
    let (machine, output) = submitted(|_| (), "", &run());

    assert_eq!(output.code, 0, "{output:?}");
    let run = machine.ado_run();
    assert_eq!(build_of(&run), None);
    assert_eq!(release_of(&run), None);
    let looks_up = |path: &str| path.contains("/build/") || path.contains("/release/");
    assert!(
        !machine
            .fake
            .requests()
            .iter()
            .any(|request| looks_up(&request.path)),
        "nothing is looked up"
    );
}

#[test]
fn the_obsolete_definition_counts_only_where_there_is_no_newer_one() {
    for (newer, linked) in [
        (None, Some("636")),
        (Some(-1), None),
        (Some(99), Some("638")),
    ] {
        let machine = Machine::with(linked_world());
        let shop = machine.shop(&[("Sign in", "1001")]);
        let project = fake_katalon::ProjectWriter::new(&shop).azure(machine.settings());
        let key = "submitOptions.buildDefinitionId";
        let newer = newer.map(|id| format!("{key}={id}\n")).unwrap_or_default();
        rewrite(
            &project.azure_path(),
            |line| !line.starts_with(key),
            &format!("{newer}submitOptions.definitionId=12\n"),
        );

        let output = machine.submit(&shop, &run());

        assert_eq!(output.code, 0, "{output:?}");
        assert_eq!(build_of(&machine.ado_run()), linked, "{newer}");
    }
}

/// Keeps some lines of a settings file and adds others.
#[expect(clippy::disallowed_methods, reason = "tests lay out files")]
fn rewrite(file: &std::path::Path, keep: impl Fn(&str) -> bool, more: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    let kept: String = text
        .lines()
        .filter(|line| keep(line))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(file, kept + more).unwrap();
}

#[test]
fn definitions_of_kado_beat_those_of_the_project_and_can_switch_them_off() {
    let alter = |settings: &mut AzureSettings| {
        (settings.build_definition, settings.release_definition) = (12, 3);
    };
    let (machine, _) = submitted(
        alter,
        "[submit]\nbuild_definition = 99\nrelease_definition = 8\n",
        &run(),
    );
    let linked = machine.ado_run();

    assert_eq!(build_of(&linked), Some("638"));
    assert_eq!(release_of(&linked), Some(("7", "71")));
    let (machine, output) = submitted(
        alter,
        "[submit]\nbuild_definition = -1\nrelease_definition = -1\n",
        &run(),
    );
    assert_eq!(output.code, 0, "{output:?}");
    let plain = machine.ado_run();
    assert_eq!(build_of(&plain), None);
    assert_eq!(release_of(&plain), None);
}

#[test]
fn options_of_the_run_beat_both_in_every_spelling() {
    for option in [
        "adoDefinitionID",
        "adoBuildDefId",
        "adoBuildDefID",
        "ADOBUILDDEFID",
    ] {
        let run = run().info(option, "99").info("adoReleaseDefID", "8");
        let (machine, output) = submitted(|settings| settings.build_definition = 12, "", &run);

        assert_eq!(output.code, 0, "{option} {output:?}");
        let run = machine.ado_run();
        assert_eq!(build_of(&run), Some("638"), "{option}");
        assert_eq!(release_of(&run), Some(("7", "71")), "{option}");
    }
}

#[test]
fn definitions_behind_info_on_the_command_line_count() {
    for option in ["-adoDefinitionID", "-adoBuildDefId"] {
        let machine = Machine::with(linked_world());
        let settings = AzureSettings {
            build_definition: 12,
            ..machine.settings()
        };
        let shop = machine.shop_with(settings, &[("Sign in", "1001")]);
        let (build, info) = (format!("{option}=99"), "--info");
        let more = [info, &build, info, "-adoReleaseDefID=8"];

        let done = finish(machine.exec(&["--strict"], &arguments(&shop, SUITE, &more)));

        assert_eq!(done.code, 0, "{option} {done:?}");
        let run = machine.ado_run();
        assert_eq!(build_of(&run), Some("638"), "{option}");
        assert_eq!(release_of(&run), Some(("7", "71")), "{option}");
    }
}

#[test]
fn the_obsolete_build_number_of_a_run_links_nothing_and_is_no_mistake() {
    let (machine, output) = submitted(|_| (), "", &run().info("adoBuildNumber", "20260506.1"));

    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(build_of(&machine.ado_run()), None);
    let (machine, output) = submitted(
        |settings| settings.build_definition = 12,
        "",
        &run().info("adoBuildNumber", "other"),
    );
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(
        build_of(&machine.ado_run()),
        Some("636"),
        "that of the definition"
    );
}

#[test]
fn an_invalid_definition_of_the_run_costs_the_link_and_never_falls_back() {
    let run = run().info("adoBuildDefId", "nightly");
    let (machine, output) = submitted(|settings| settings.build_definition = 12, "", &run);

    assert_eq!(output.code, 1, "{output:?}");
    let run = machine.ado_run();
    assert_eq!(run.state.as_str(), "Completed");
    assert_eq!(build_of(&run), None);
    assert!(
        run.comment
            .unwrap()
            .contains("build definition `nightly`, which is not an id")
    );
    assert!(output.out.contains("nightly"), "{output:?}");
}

#[test]
fn a_definition_without_a_completed_build_costs_only_the_link() {
    let alter = |settings: &mut AzureSettings| {
        (settings.build_definition, settings.release_definition) = (555, 556);
    };
    let (machine, output) = submitted(alter, "", &run());

    assert_eq!(output.code, 1, "{output:?}");
    insta::assert_snapshot!(machine.readable(&output.out), @r"
    Test Suites/Smoke (test plan 18): submitted as test run 150 with 1 result and 0 attachments
        [server]/Shop/_TestManagement/Runs?runId=150&_a=runCharts
        left out: the run is not linked with the latest build of definition 555: there is no completed build of it in this project
        left out: the run is not linked with the latest release of definition 556: there is no active release of it in this project
    Test Plans > Runs in Azure DevOps shows manual runs of the past 7 days at first: set its filter `Run type` to `Automated` to find these there.
    ");
    assert_eq!(machine.ado_run().state, "Completed");
}

#[test]
fn a_token_that_may_not_read_builds_still_submits_the_run() {
    for refusal in [
        Refusal::Forbidden403,
        Refusal::Empty401,
        Refusal::SignInPage203,
    ] {
        let machine = Machine::with(linked_world());
        machine.fake.fault(Fault::new(
            "GET",
            "/_apis/build/",
            Nth::Every,
            FaultAction::Refused(refusal),
        ));
        let settings = AzureSettings {
            build_definition: 12,
            ..machine.settings()
        };
        let shop = machine.shop_with(settings, &[("Sign in", "1001")]);

        let output = machine.submit(&shop, &run());

        assert_eq!(output.code, 1, "{refusal:?} {output:?}");
        let run = machine.ado_run();
        assert_eq!(run.state.as_str(), "Completed", "{refusal:?}");
        assert_eq!(build_of(&run), None, "{refusal:?}");
        assert!(
            output
                .out
                .contains("is not linked with the latest build of definition 12"),
            "{output:?}"
        );
    }
}

#[test]
fn a_hiccup_of_the_look_up_does_not_cost_the_link() {
    let machine = Machine::with(linked_world());
    let down = || FaultAction::error(503, "X", "busy");
    machine
        .fake
        .fault(Fault::new("GET", "/_apis/build/", Nth::Only(1), down()));
    let settings = AzureSettings {
        build_definition: 12,
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);

    assert_eq!(machine.submit(&shop, &run()).code, 0);
    assert_eq!(build_of(&machine.ado_run()), Some("636"));
}

#[test]
fn the_link_is_looked_up_once_and_stored_with_the_plan() {
    let machine = Machine::with(linked_world());
    let down = || FaultAction::error(503, "X", "busy");
    machine
        .fake
        .fault(Fault::new("POST", "test/runs$", Nth::First(1), down()));
    let settings = AzureSettings {
        build_definition: 12,
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);
    let folder = run().write_in(&shop).unwrap();

    machine.submit_folder(&folder);

    let looked = || {
        machine
            .fake
            .requests()
            .iter()
            .filter(|request| request.path.contains("/build/"))
            .count()
    };
    assert_eq!(looked(), 1);
    assert_eq!(build_of(&machine.ado_run()), Some("636"));
}

#[test]
fn releases_of_services_lie_on_their_fixed_host_and_everything_else_does_not() {
    for server in ["http://dev.azure.com/acme", "http://acme.visualstudio.com"] {
        let machine = Machine::with(linked_world());
        let settings = AzureSettings {
            build_definition: 12,
            release_definition: 3,
            ..AzureSettings::connected(server, TOKEN, "Shop", (PLAN, "Release 1"))
        };
        let shop = machine.shop_with(settings, &[("Sign in", "1001")]);
        let token = closed_file(&machine.root().join("token"), TOKEN);
        // Nobody answers to these names; the fake stands in for the proxy and gets the whole
        // address.
        machine.configure(&format!(
            "[azure]\nserver_url = {server:?}\ntoken_file = {token:?}\nallow_http = true\nproxy = \"http://{}\"\n",
            machine.fake.address()
        ));

        let output = machine.submit(&shop, &run());

        assert_eq!(output.code, 0, "{server} {output:?}");
        let run = machine.ado_run();
        assert_eq!(build_of(&run), Some("636"), "{server}");
        assert_eq!(release_of(&run), Some(("5", "92")), "{server}");
        for request in machine.fake.requests() {
            let of_release = request.path.contains("/_apis/release/");
            assert_eq!(
                request.host == "vsrm.dev.azure.com",
                of_release,
                "{request:?}"
            );
        }
    }
}

#[test]
fn a_dry_run_shows_what_the_run_would_be_linked_with() {
    let machine = Machine::with(linked_world());
    let settings = AzureSettings {
        build_definition: 12,
        release_definition: 3,
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);
    let folder = run().write_in(&shop).unwrap();

    let planned = machine.kado(&["submit", "--dry-run", "--json", &folder.to_string_lossy()]);

    assert_eq!(planned.code, 0, "{planned:?}");
    let plans: serde_json::Value = serde_json::from_str(&planned.out).unwrap();
    assert_eq!(plans[0]["build"]["id"], 636);
    assert_eq!(plans[0]["release"]["stage"], "Staging");
    assert_eq!(machine.writes(), [""; 0]);
}
