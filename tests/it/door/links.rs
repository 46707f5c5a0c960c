//! Links and pipes, put in place before kado looks or flipped while it does, and folders that are
//! made anew: as Unix has them.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fake_katalon::{CollectionWriter, ProjectWriter, TestCaseFile};

use super::*;
use crate::support::{Output, start_of, wipe};

const SETTINGS: &str = "settings/external/com.kms.katalon.integration.azure.properties";
const FILES_OF_PROJECT: [&str; 5] = [
    SETTINGS,
    "kado.toml",
    "console.properties",
    "Test Cases/Pay.tc",
    "Test Suites/Smoke.ts",
];
const FILES_OF_RUN: [&str; 5] = [
    "execution0.log",
    "execution.properties",
    "execution.uuid",
    "testCaseBinding",
    "JUnit_Report.xml",
];

/// `Reports`, the session, the suite and the run folder.
fn way_down(shop: &Path, run_folder: &Path) -> Vec<PathBuf> {
    let mut way: Vec<PathBuf> = run_folder
        .ancestors()
        .take_while(|above| *above != shop)
        .map(Path::to_owned)
        .collect();
    way.reverse();
    way
}

/// Moves something aside and puts a link to it in its place.
fn replace_by_link(path: &Path, machine: &Machine) {
    let away = machine.root().join("away");
    fs::rename(path, &away).unwrap();
    symlink(away, path).unwrap();
}

/// Everything that commands say of a shop and its run, after that was submitted.
fn told(machine: &Machine, shop: &Path, folder: &Path) -> String {
    let mut told = String::new();
    let shop = shop.to_str().unwrap();
    let folder = folder.to_str().unwrap();
    for arguments in [
        &["submit", folder][..],
        &["inspect", folder],
        &["check", "--offline", shop],
        &["why", folder],
        &["runs", "--json"],
    ] {
        let Output { out, err, .. } = machine.kado(arguments);
        told.push_str(&out);
        told.push_str(&err);
    }
    told
}

#[test]
fn what_lies_behind_a_link_in_place_of_a_submitted_runs_folder_is_not_sent() {
    for depth in 0..4 {
        assert_left_alone(
            "is a link, and links inside a project",
            |machine, folder| {
                let shop = machine.work().join("Shop");
                let link = way_down(&shop, folder).remove(depth);
                let elsewhere = machine.root().join("elsewhere");
                lay_secrets(&elsewhere.join(folder.strip_prefix(&link).unwrap()));
                fs::rename(&link, machine.root().join("moved")).unwrap();
                symlink(&elsewhere, &link).unwrap();
            },
        );
    }
}

// The new folder may have the number of the old one here, which NTFS gives no second time.
#[test]
fn a_folder_made_anew_under_the_name_of_a_submitted_runs_gets_no_late_reports() {
    assert_left_alone("is not the folder any more", |_, folder| {
        wipe(folder);
        lay_secrets(folder);
    });
}

/// Submits a run again and again.
fn submit_often(machine: &Machine, folder: &Path) {
    for _ in 0..40 {
        machine.kado(&["submit", "--again", folder.to_str().unwrap()]);
    }
}

/// Does something while a path is exchanged for a link, and back, again and again.
fn while_flipping<T>(path: &Path, target: &Path, aside: &Path, work: impl FnOnce() -> T) -> T {
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // Each time it stays a little longer, so that now a look and now an upload meets the
            // link.
            let mut pause = 0;
            while !is_done.load(Ordering::Relaxed) {
                fs::rename(path, aside).unwrap();
                symlink(target, path).unwrap();
                thread::sleep(Duration::from_millis(2));
                fs::remove_file(path).unwrap();
                fs::rename(aside, path).unwrap();
                pause = (pause + 1) % 40;
                thread::sleep(Duration::from_millis(pause));
            }
        });

        let done = work();
        is_done.store(true, Ordering::Relaxed);
        done
    })
}

/// A project of somebody else outside of the watched folder, with another token and plan, and a run
/// that lies there as one of the shop does; gives its root.
fn lay_other_project(machine: &Machine) -> PathBuf {
    let other = machine.root().join("other");
    let base = machine.fake.base_url();
    let settings = AzureSettings {
        sending: Sending::All,
        ..AzureSettings::connected(&base, "a-token-of-another-project", "Shop", (19, "Other"))
    };
    let mut project = ProjectWriter::new(&other).azure(settings);
    for (name, ids) in CASES {
        project = project.test_case(TestCaseFile::new(&tc(name)).azure(ids));
    }
    project.write().unwrap();

    let tests = [
        Test::passed(&tc("Sign in")),
        Test::failed(&tc("Pay"), SECRET).screenshot(),
    ];
    let folder = finished(tests).reports(&["html"]).write_in(&other).unwrap();
    for name in crate::support::files(&folder) {
        if [".html", ".png"].iter().any(|end| name.ends_with(end)) {
            fs::write(folder.join(name), SECRET).unwrap();
        }
    }
    age(&folder);
    other
}

#[test]
fn a_run_folder_that_flips_while_it_is_submitted_never_sends_what_the_link_leads_to() {
    let machine = Machine::new();
    let folder = run().write_in(&shop(&machine)).unwrap();
    age(&folder);
    let other = lay_other_project(&machine);
    let foreign = other.join(run().relative_folder());
    assert!(foreign.is_dir(), "{foreign:?}");
    let aside = machine.root().join("aside");

    while_flipping(&folder, &foreign, &aside, || {
        submit_often(&machine, &folder);
    });

    assert_eq!(leaked(&machine), [""; 0]);
    let runs = machine.ado_runs();
    let results = runs.iter().flat_map(|run| &run.results);
    let errors: Vec<_> = results
        .filter_map(|result| result.error_message.as_deref())
        .collect();
    assert!(
        !errors.iter().any(|error| error.contains(SECRET)),
        "{errors:?}"
    );
}

#[test]
fn a_project_that_flips_while_its_run_is_submitted_is_never_taken_for_another() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let folder = run().write_in(&shop).unwrap();
    age(&folder);
    let other = lay_other_project(&machine);
    let aside = machine.root().join("aside");

    while_flipping(&shop, &other, &aside, || submit_often(&machine, &folder));

    assert_eq!(leaked(&machine), [""; 0]);
    let runs = machine.ado_runs();
    assert!(runs.iter().all(|run| run.plan_id == Some(18)), "{runs:?}");
    let requests = machine.fake.requests();
    let tokens: BTreeSet<_> = requests
        .iter()
        .map(|request| request.authorization.as_deref())
        .collect();
    assert!(tokens.len() <= 1, "a token of another project");
}

/// A shop with everything that kado reads of a project, and a run of it that was started on the
/// command line.
fn whole_shop(machine: &Machine) -> (PathBuf, PathBuf) {
    let shop = shop(machine);
    fs::write(shop.join("kado.toml"), "").unwrap();
    fs::write(shop.join("console.properties"), "retry=0\n").unwrap();
    fs::create_dir_all(shop.join("Test Suites")).unwrap();
    fs::write(shop.join("Test Suites/Smoke.ts"), "<TestSuiteEntity/>").unwrap();
    fs::create_dir_all(shop.join("Profiles")).unwrap();
    fs::write(shop.join("Profiles/default.glbl"), "").unwrap();

    let folder = run().console().uuid("4d2").write_in(&shop).unwrap();
    age(&folder);
    (shop, folder)
}

#[test]
fn a_link_in_place_of_a_file_or_folder_of_the_project_is_told() {
    let folders = ["settings", "settings/external", "Test Cases", "Profiles"];
    for place in folders.into_iter().chain(FILES_OF_PROJECT) {
        let machine = Machine::new();
        let (shop, folder) = whole_shop(&machine);
        replace_by_link(&shop.join(place), &machine);

        let told = told(&machine, &shop, &folder);

        let link = format!("`{place}` is a link, and links inside a project are not followed");
        assert!(told.contains(&link), "{place}: {told}");
    }
}

#[test]
fn a_link_in_place_of_a_file_of_the_run_is_told() {
    for place in FILES_OF_RUN {
        let machine = Machine::new();
        let (shop, folder) = whole_shop(&machine);
        replace_by_link(&folder.join(place), &machine);

        let told = told(&machine, &shop, &folder);

        let link = format!("`{place}` is a link, and links inside a project are not followed");
        assert!(told.contains(&link), "{place}: {told}");
    }
}

#[test]
fn a_pipe_in_place_of_a_file_is_told_at_once() {
    for place in FILES_OF_PROJECT.into_iter().chain(FILES_OF_RUN) {
        let machine = Machine::new();
        let (shop, folder) = whole_shop(&machine);
        let of_run = folder.join(place);
        let pipe = if of_run.exists() {
            of_run
        } else {
            shop.join(place)
        };
        fs::remove_file(&pipe).unwrap();
        let made = Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());

        let told = told(&machine, &shop, &folder);

        assert!(told.contains("it is not a regular file"), "{place}: {told}");
    }
}

#[test]
fn settings_behind_a_link_are_read_for_no_run_and_the_service_tells_it() {
    for place in ["settings", "settings/external", SETTINGS] {
        let machine = Machine::new();
        let (shop, _) = whole_shop(&machine);
        replace_by_link(&shop.join(place), &machine);
        machine.configure("history = \"all\"\n");

        let once = machine.kado(&["run", "--once"]);

        assert_eq!(once.code, 1, "{once:?}");
        assert!(
            once.err.contains(&format!("`{place}` is a link")),
            "{once:?}"
        );
        assert_eq!(machine.fake.requests().len(), 0);
    }
}

#[test]
fn a_run_whose_log_is_a_link_is_not_read_and_the_service_tells_it() {
    let machine = Machine::new();
    let (_, folder) = whole_shop(&machine);
    replace_by_link(&folder.join("execution0.log"), &machine);
    machine.configure("history = \"all\"\n");

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 1, "{once:?}");
    assert!(once.err.contains("`execution0.log` is a link"), "{once:?}");
    assert_eq!(machine.ado_runs().len(), 0);
}

#[test]
fn a_link_in_place_of_the_report_of_a_collection_is_told() {
    let machine = Machine::new();
    let shop = shop(&machine);
    let members = vec![run()];
    let collection = CollectionWriter::new("Test Suites/All", start_of(), members);
    let folders = collection.write_in(&shop).unwrap();
    let own = collection.folder_in(&shop);
    let report = crate::support::files(&own)
        .into_iter()
        .find(|name| name.ends_with(".rp"))
        .unwrap();
    replace_by_link(&own.join(&report), &machine);

    let told = told(&machine, &shop, &folders[0]);

    let link = format!("{report}` is a link, and links inside a project are not followed");
    assert!(told.contains(&link), "{told}");
}
