//! Real projects through the whole program: those of the corpus that are integrated with Azure
//! DevOps are checked against a fake that has their plan, configurations and test cases, and their
//! finished runs are submitted.
//!
//! Their tokens are not in the corpus; the machine's own takes their place. Skipped without
//! `../shared`.

#![expect(
    clippy::disallowed_methods,
    reason = "the corpus is copied to where kado may watch it"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use fake_ado::World;
use kado::katalon::azure_ids;
use kado::katalon::project::Project;
use kado::katalon::run::SuiteRun;
use kado::katalon::status::Status;
use kado::workspace;

use crate::support::{Machine, TOKEN, closed_file};

fn corpus() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }

    Some(folder)
}

/// Projects whose integration is switched on and complete but for the token.
fn integrated() -> Vec<PathBuf> {
    let Some(corpus) = corpus() else {
        return Vec::new();
    };
    let mut roots: Vec<PathBuf> = fs::read_dir(corpus)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    roots.sort();
    roots.retain(|root| {
        let settings = workspace::read_azure_settings(root);
        settings.is_ok_and(|settings| {
            settings.enabled && settings.project.is_some() && !settings.test_plans.is_empty()
        })
    });

    roots
}

fn mapped(project: &Project) -> BTreeSet<u32> {
    let of = |case| azure_ids::variables(None, Some(case));
    let cases = project
        .test_cases
        .iter()
        .filter_map(|case| Some((case, case.azure_ids.as_ref()?)));
    cases
        .flat_map(|(case, raw)| azure_ids::resolve(raw, &of(case)).ids)
        .collect()
}

/// A world that has what the project refers to: for each id one point in its first configuration.
fn world(project: &Project) -> World {
    let settings = &project.settings;
    let name = &settings.project.as_ref().unwrap().name;
    let mut world = World::new("org").token(TOKEN).project(name);
    let configurations: BTreeSet<u32> = settings
        .configuration_rows
        .iter()
        .map(|row| row.configuration_id)
        .collect();
    for id in &configurations {
        world = world.configuration(*id, &format!("Configuration {id}"));
    }

    if configurations.is_empty() {
        world = world.configuration(1, "Default");
    }

    world = world
        .plan(settings.test_plans[0].id, "Plan")
        .suite(7, "Suite");
    let configuration = configurations.first().copied().unwrap_or(1);

    for id in mapped(project) {
        world =
            world
                .test_case(id, &format!("Case {id}"))
                .point(10_000_000 + id, 7, id, configuration);
    }

    world
}

/// A machine that watches a copy of the project and has a token for its server.
fn machine(root: &Path) -> (Machine, Project, PathBuf) {
    let project = workspace::read_project(root).unwrap();
    let machine = Machine::with(world(&project));
    let copy = machine.work().join("project");
    copy_tree(root, &copy);
    let token = closed_file(&machine.root().join("token"), TOKEN);
    let base = machine.fake.base_url();

    // The folders are not in the order in which their runs ended.
    machine.configure(&format!(
        "runs_from = \"any\"\nlate = \"send\"\n[azure]\nserver_url = {base:?}\ntoken_file = {token:?}\n"
    ));

    (machine, project, copy)
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::write(&target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

fn run_folders(folder: &Path, found: &mut Vec<PathBuf>) {
    if workspace::is_run_folder(folder) {
        found.push(folder.to_owned());
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            run_folders(&entry.path(), found);
        }
    }
}

#[test]
fn every_integrated_project_of_the_corpus_passes_the_check() {
    let mut checked = 0;

    for root in integrated() {
        let (machine, project, copy) = machine(&root);
        if mapped(&project).is_empty() {
            continue;
        }

        let output = machine.kado(&["check", &copy.to_string_lossy()]);

        let wrong: Vec<&str> = output
            .out
            .lines()
            .filter(|line| line.starts_with("WRONG"))
            .collect();
        // The literal that took the token's place in the corpus is no token; all else has to be as
        // it should be.
        let expected = |line: &&str| line.contains("token of the project: cannot be decrypted");
        assert!(
            wrong.iter().all(expected),
            "{}: {}",
            root.display(),
            output.out
        );
        checked += 1;
    }

    println!("checked {checked} projects");
    assert!(
        corpus().is_none() || checked >= 8,
        "only {checked} projects were checked"
    );
}

#[test]
fn finished_runs_of_the_corpus_arrive_with_every_outcome_and_error_text() {
    let (mut runs, mut results) = (0, 0);

    for root in integrated() {
        let (machine, project, copy) = machine(&root);
        let mut folders = Vec::new();
        run_folders(&copy.join("Reports"), &mut folders);

        for folder in folders {
            let run = workspace::read_run(&folder).unwrap();
            let expected = expected(&project, &run);
            if run.ended.is_none() || expected.is_empty() {
                continue;
            }
            let output = machine.submit_folder(&folder);
            assert!(
                matches!(output.code, 0 | 1),
                "{}: {output:?}",
                folder.display()
            );
            let ado_runs = machine.ado_runs();
            let arrived = ado_runs.last().unwrap();
            assert_eq!(arrived.state, "Completed", "{}", folder.display());
            let got: BTreeMap<u32, String> = arrived
                .results
                .iter()
                .map(|result| (result.test_case_id.unwrap_or(0), result.outcome.clone()))
                .collect();
            assert_eq!(got, expected, "{}", folder.display());
            for result in arrived
                .results
                .iter()
                .filter(|result| result.outcome == "Failed")
            {
                assert!(
                    result
                        .error_message
                        .as_ref()
                        .is_some_and(|text| !text.is_empty()),
                    "{}",
                    folder.display()
                );
            }
            runs += 1;
            results += got.len();
        }

        assert_eq!(
            machine.ado_runs().len(),
            distinct(&machine),
            "one test run for each suite run"
        );
    }

    println!("submitted {runs} runs with {results} results");
    assert!(
        corpus().is_none() || (runs >= 5 && results >= 10),
        "only {runs} runs with {results} results"
    );
}

fn distinct(machine: &Machine) -> usize {
    machine
        .rows()
        .iter()
        .filter(|row| row["state"] == "submitted")
        .count()
}

/// The outcome of each mapped id, by an evaluation of its own: the worst status of all tests that
/// have the id.
fn expected(project: &Project, run: &SuiteRun) -> BTreeMap<u32, String> {
    let mut worst: BTreeMap<u32, Status> = BTreeMap::new();
    for test in &run.tests {
        let Some(case) = project.test_cases.iter().find(|case| case.id == test.id) else {
            continue;
        };
        let Some(raw) = &case.azure_ids else { continue };
        for id in azure_ids::resolve(raw, &azure_ids::variables(Some(test), Some(case))).ids {
            let status = worst.entry(id).or_insert(Status::Passed);
            *status = (*status).min(test.status());
        }
    }

    let word = |status: Status| {
        let mapped = project
            .settings
            .status_mappings
            .iter()
            .find(|(from, _)| *from == status);
        let default = match status {
            Status::Passed => "Passed",
            Status::Failed => "Failed",
            Status::Error => "Error",
            Status::Incomplete => "Aborted",
            Status::Skipped => "NotExecuted",
        };
        mapped.map_or(default, |(_, to)| to.as_str()).to_owned()
    };

    worst
        .into_iter()
        .map(|(id, status)| (id, word(status)))
        .collect()
}
