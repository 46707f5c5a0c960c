//! `kado exec` in a job of Azure Pipelines: links with the job's build or release, and the job's
//! token.

use std::path::{Path, PathBuf};

use fake_ado::{TestRun, World};
use fake_katalon::AzureSettings;
use serde_json::json;

use crate::support::katalonc::arguments;
use crate::support::{Machine, Output, SUITE, finish, world};

/// A token that only the job has.
const JOB_TOKEN: &str = "job-token-0123456789";

/// The shop's world with the builds of a pipeline.
fn pipeline_world() -> World {
    world()
        .token(JOB_TOKEN)
        .build(636, 12, "20260506.2")
        .build(637, 12, "20260506.3")
}

/// The variables of a YAML pipeline's job.
fn variables(machine: &Machine) -> Vec<(&'static str, String)> {
    let own = [
        ("TF_BUILD", "True"),
        ("SYSTEM_TEAMPROJECT", "Shop"),
        ("BUILD_BUILDID", "636"),
        ("BUILD_BUILDNUMBER", "20260506.2"),
        ("SYSTEM_STAGENAME", "Test"),
        ("SYSTEM_STAGEATTEMPT", "2"),
        ("SYSTEM_PHASENAME", "katalon"),
        ("SYSTEM_PHASEATTEMPT", "1"),
        ("SYSTEM_JOBNAME", "__default"),
        ("SYSTEM_JOBATTEMPT", "1"),
    ];

    let collection = (
        "SYSTEM_COLLECTIONURI",
        format!("{}/", machine.fake.base_url()),
    );
    own.map(|(name, value)| (name, value.to_owned()))
        .into_iter()
        .chain([collection])
        .collect()
}

/// Runs the suite in a job with these changes to its variables.
fn in_job(
    machine: &Machine,
    shop: &Path,
    more: &[&str],
    changes: &[(&'static str, &str)],
) -> Output {
    let mut command = machine.exec(&["--strict"], &arguments(shop, SUITE, more));
    command
        .envs(variables(machine))
        .envs(changes.iter().copied());
    finish(command)
}

fn shop(machine: &Machine) -> PathBuf {
    machine.shop(&[("Sign in", "1001")])
}

fn build_of(run: &TestRun) -> Option<&str> {
    run.build.as_ref().map(|build| build.id.as_str())
}

#[test]
fn a_run_is_linked_with_the_build_of_its_job_and_its_place_in_the_pipeline() {
    let machine = Machine::with(pipeline_world());
    let shop = shop(&machine);
    let done = in_job(&machine, &shop, &[], &[]);

    assert_eq!(done.code, 0, "{done:?}");
    let run = machine.ado_run();
    assert_eq!(
        build_of(&run),
        Some("636"),
        "the job's own build, and not the latest one"
    );
    let place = json!({
        "pipelineId": 636,
        "stageReference": {"stageName": "Test", "attempt": 2},
        "phaseReference": {"phaseName": "katalon", "attempt": 1},
        "jobReference": {"jobName": "__default", "attempt": 1},
    });
    assert_eq!(run.pipeline_reference, Some(place));
    let comment = run.comment.unwrap();
    assert!(comment.contains("build 20260506.2"), "{comment}");
    let page = format!(
        "Build: {}/Shop/_build/results?buildId=636",
        machine.fake.base_url()
    );
    assert!(comment.contains(&page), "{comment}");
    assert!(!comment.contains("Made by"), "the job is the build");
}

#[test]
fn the_build_of_the_job_stands_before_the_projects_definition_and_behind_that_of_the_run() {
    let machine = Machine::with(pipeline_world().build(700, 30, "30.1"));
    let settings = AzureSettings {
        build_definition: 12,
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);

    assert_eq!(in_job(&machine, &shop, &[], &[]).code, 0);
    assert_eq!(
        in_job(&machine, &shop, &["--info", "-adoBuildDefId=30"], &[]).code,
        0
    );
    let mut builds: Vec<_> = machine
        .ado_runs()
        .iter()
        .map(|run| build_of(run).map(str::to_owned))
        .collect();
    builds.sort();
    assert_eq!(builds, [Some("636".to_owned()), Some("700".to_owned())]);
    let with_place = machine
        .ado_runs()
        .iter()
        .filter(|run| run.pipeline_reference.is_some())
        .count();
    assert_eq!(
        with_place, 1,
        "the place in the pipeline belongs to the job's build"
    );
}

#[test]
fn a_run_that_goes_to_another_project_is_submitted_without_the_link_and_says_so() {
    let machine = Machine::with(pipeline_world());
    let shop = shop(&machine);
    let done = in_job(&machine, &shop, &[], &[("SYSTEM_TEAMPROJECT", "Warehouse")]);

    assert_eq!(done.code, 0, "{done:?}");
    let run = machine.ado_run();
    assert_eq!(build_of(&run), None);
    assert_eq!(run.pipeline_reference.as_ref(), None);

    let shown = machine.kado(&["runs", "show", &machine.row()["id"].to_string()]);

    assert!(
        shown.out.contains("the job belongs to project Warehouse"),
        "{shown:?}"
    );
}

#[test]
fn outside_of_a_pipeline_nothing_is_linked() {
    let machine = Machine::with(pipeline_world());
    let shop = shop(&machine);
    let done = in_job(&machine, &shop, &[], &[("TF_BUILD", "False")]);

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(build_of(&machine.ado_run()), None);
}

#[test]
fn a_classic_release_links_its_release_and_stage() {
    let machine = Machine::with(pipeline_world());
    let shop = shop(&machine);
    let release = [
        ("RELEASE_RELEASEID", "3"),
        ("RELEASE_RELEASENAME", "Release-3"),
        ("RELEASE_ENVIRONMENTID", "9"),
    ];

    assert_eq!(in_job(&machine, &shop, &[], &release).code, 0);
    let run = machine.ado_run();
    assert_eq!(
        run.release_uri.as_deref(),
        Some("vstfs:///ReleaseManagement/Release/3")
    );
    assert_eq!(
        run.release_environment_uri.as_deref(),
        Some("vstfs:///ReleaseManagement/Environment/9")
    );
    assert_eq!(build_of(&run), None);
    assert_eq!(run.pipeline_reference.as_ref(), None);
}

#[test]
fn the_token_of_the_job_is_sent_as_bearer_to_the_jobs_own_server() {
    let machine = Machine::with(pipeline_world());
    let settings = AzureSettings {
        token: None,
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);
    let done = in_job(&machine, &shop, &[], &[("SYSTEM_ACCESSTOKEN", JOB_TOKEN)]);

    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(machine.ado_run().state, "Completed");
    let sent: Vec<_> = machine
        .fake
        .requests()
        .into_iter()
        .filter_map(|request| request.authorization)
        .collect();
    assert!(
        !sent.is_empty()
            && sent
                .iter()
                .all(|sent| *sent == format!("Bearer {JOB_TOKEN}")),
        "{sent:?}"
    );
    assert!(
        !done.err.contains(JOB_TOKEN) && !done.out.contains(JOB_TOKEN),
        "{done:?}"
    );
}

#[test]
fn the_token_of_the_job_goes_to_no_other_server() {
    let machine = Machine::with(pipeline_world());
    let settings = AzureSettings {
        token: None,
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);
    let elsewhere = [
        ("SYSTEM_ACCESSTOKEN", JOB_TOKEN),
        ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/acme/"),
    ];
    let done = in_job(&machine, &shop, &[], &elsewhere);

    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.err.contains("no token"), "{done:?}");
    assert_eq!(machine.fake.requests().len(), 0);
}

#[test]
fn a_job_whose_command_cannot_be_started_tells_its_later_steps() {
    let machine = Machine::with(pipeline_world());
    let shop = shop(&machine);
    let mut command = machine.exec_program(&[], Path::new("no-such-katalonc"));
    command
        .arg(format!("-projectPath={}", shop.display()))
        .envs(variables(&machine));

    let done = finish(command);

    assert_eq!(done.code, 2, "{done:?}");
    let outcome = "variable=kadoOutcome;isOutput=true]not-submitted";
    assert!(done.err.contains(outcome), "{done:?}");
    let warning = "##vso[task.logissue type=warning]`no-such-katalonc` cannot be started";
    assert!(done.err.contains(warning), "{done:?}");
}

#[test]
fn a_job_that_hands_over_no_token_is_told_how_it_would() {
    let machine = Machine::with(pipeline_world());
    let settings = AzureSettings {
        token: None,
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);

    let done = in_job(&machine, &shop, &[], &[]);

    assert_eq!(done.code, 1, "{done:?}");
    let way_out = "map `SYSTEM_ACCESSTOKEN: $(System.AccessToken)` into the `env` of its step";
    assert!(done.err.contains(way_out), "{done:?}");
}

#[test]
fn a_refused_token_of_the_job_is_said_to_be_the_jobs() {
    let machine = Machine::with(pipeline_world());
    let shop = shop(&machine);

    let wrong = [("SYSTEM_ACCESSTOKEN", "another-token")];
    let done = in_job(&machine, &shop, &[], &wrong);

    assert_eq!(done.code, 3, "{done:?}");
    let whose = "is that of the job (`SYSTEM_ACCESSTOKEN`)";
    assert!(done.err.contains(whose), "{done:?}");
}

#[test]
fn beside_a_service_the_run_is_linked_and_the_token_stays_with_exec() {
    let machine = Machine::with(pipeline_world());
    let shop = shop(&machine);

    let service = machine.start();
    service.wait_for_log("found a Katalon project");

    let done = in_job(&machine, &shop, &[], &[("SYSTEM_ACCESSTOKEN", JOB_TOKEN)]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(build_of(&machine.ado_run()), Some("636"));
    let sent: Vec<_> = machine
        .fake
        .requests()
        .into_iter()
        .filter_map(|request| request.authorization)
        .collect();
    assert!(
        sent.iter().all(|sent| !sent.contains(JOB_TOKEN)),
        "{sent:?}"
    );

    service.stop_cleanly();
}

#[test]
fn a_build_that_azure_devops_does_not_take_costs_the_link_and_not_the_run() {
    let machine = Machine::with(pipeline_world());
    let shop = shop(&machine);
    let done = in_job(&machine, &shop, &[], &[("BUILD_BUILDID", "99999")]);

    assert_eq!(done.code, 1, "--strict, and a link is missing: {done:?}");
    let run = machine.ado_run();
    assert_eq!(run.state.as_str(), "Completed");
    assert_eq!(build_of(&run), None);
    assert_eq!(run.results.len(), 1);
    assert!(run.comment.is_some_and(|comment| {
        comment.contains("the run is not linked with its build or release")
    }));
}
