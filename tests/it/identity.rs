//! A run met twice is one run, wherever its folder lies and whatever became of kado's memory.

#![expect(clippy::disallowed_methods, reason = "tests copy folders")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};

use fake_ado::{Fault, FaultAction, Nth, Refusal};
use fake_katalon::{SuiteRunWriter, Test};
use jiff::SignedDuration;

use crate::filling::begin_run;
use crate::support::{Machine, finish, finished, now, start_of, tc, wait_until, world};

fn run() -> SuiteRunWriter {
    finished([Test::failed(&tc("Sign in"), "no").screenshot()])
}

/// A machine with the shop and one run in it.
fn with_run() -> (Machine, PathBuf, PathBuf) {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let folder = run().write_in(&shop).unwrap();

    (machine, shop, folder)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn the_same_folder_twice_is_said_to_be_submitted_already() {
    let (machine, _, folder) = with_run();

    assert_eq!(machine.submit_folder(&folder).code, 0);
    machine.fake.clear_requests();
    let second = machine.submit_folder(&folder);
    assert_eq!(second.code, 0, "{second:?}");
    insta::assert_snapshot!(machine.readable_briefly(&format!("{}{}", second.err, second.out)));
    assert_eq!(machine.ado_run().state, "Completed");
    assert_eq!(machine.writes(), [""; 0]);
    assert_eq!(machine.rows().len(), 1);
}

#[test]
fn a_run_copied_elsewhere_is_submitted_once() {
    let (machine, shop, folder) = with_run();
    let copied = shop.join("Reports/archive/another name");
    copy(&folder, &copied);

    assert_eq!(machine.submit_folder(&folder).code, 0);
    let second = machine.submit_folder(&copied);
    assert_eq!(second.code, 0, "{second:?}");
    assert!(
        second
            .err
            .contains("already; `--again` submits it once more"),
        "{second:?}"
    );
    machine.ado_run();
}

#[test]
fn a_uuid_that_comes_late_does_not_make_another_run() {
    let (machine, _, folder) = with_run();

    let uuid = fs::read(folder.join("execution.uuid")).unwrap();

    fs::remove_file(folder.join("execution.uuid")).unwrap();
    assert_eq!(machine.submit_folder(&folder).code, 0);
    fs::write(folder.join("execution.uuid"), uuid).unwrap();
    assert_eq!(machine.submit_folder(&folder).code, 0);
    machine.ado_run();
}

#[test]
fn two_uuids_that_differ_are_two_runs() {
    let (machine, shop, folder) = with_run();
    let other = shop.join("Reports/other/20260506_081459");
    run()
        .uuid("11111111-2222-4333-8444-555555555555")
        .write_all(&other)
        .unwrap();

    assert_eq!(machine.submit_folder(&folder).code, 0);
    assert_eq!(machine.submit_folder(&other).code, 0);
    let runs = machine.ado_runs();
    assert_eq!(runs.len(), 2);
    assert_ne!(
        runs[0].comment, runs[1].comment,
        "they have keys of their own"
    );
}

#[test]
fn a_later_run_of_the_same_suite_is_another_run() {
    let (machine, shop, folder) = with_run();
    let later = run()
        .start(start_of() + SignedDuration::from_millis(1))
        .write_all(&shop.join("Reports/later"));
    later.unwrap();

    assert_eq!(machine.submit_folder(&folder).code, 0);
    assert_eq!(machine.submit_folder(&shop.join("Reports/later")).code, 0);
    assert_eq!(machine.ado_runs().len(), 2);
}

#[test]
fn again_submits_a_second_run_with_a_key_of_its_own() {
    let (machine, _, folder) = with_run();

    assert_eq!(machine.submit_folder(&folder).code, 0);

    let again = machine.kado(&["submit", "--again", &folder.to_string_lossy()]);

    assert_eq!(again.code, 0, "{again:?}");
    let keys: Vec<_> = machine
        .rows()
        .iter()
        .map(|row| row["key"].clone())
        .collect();
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0], keys[1]);
    let runs = machine.ado_runs();
    assert_eq!(runs.len(), 2);
    assert!(
        runs.iter()
            .all(|run| run.state == "Completed" && run.results[0].outcome == "Failed")
    );
}

#[test]
fn a_new_machine_adopts_the_run_that_carries_its_key() {
    let (machine, _, folder) = with_run();

    assert_eq!(machine.submit_folder(&folder).code, 0);
    let before = machine.ado_run();
    fs::remove_dir_all(machine.state()).unwrap();
    let second = machine.submit_folder(&folder);
    assert_eq!(second.code, 0, "{second:?}");
    let after = machine.ado_run();
    assert_eq!(after.id, before.id);
    assert_eq!(after.state.as_str(), "Completed");
    assert_eq!(machine.row()["ado_run_id"], before.id);
}

#[test]
fn a_run_adopted_whole_gets_nothing_twice() {
    let (machine, _, folder) = with_run();

    assert_eq!(machine.submit_folder(&folder).code, 0);
    let before = machine.ado_run();
    fs::remove_dir_all(machine.state()).unwrap();
    assert_eq!(machine.submit_folder(&folder).code, 0);
    let after = machine.ado_run();
    assert_eq!(
        crate::support::names(&after.attachments),
        crate::support::names(&before.attachments)
    );
    let files = |run: &fake_ado::TestRun| crate::support::names(&run.results[0].attachments);
    assert_eq!(files(&after), files(&before));
    assert_eq!(
        after.results[0].sub_results.len(),
        before.results[0].sub_results.len()
    );
}

#[test]
fn a_lost_ledger_doubles_nothing_however_many_runs_there_are_where_lists_have_no_comments() {
    const RUNS: i64 = 25;
    let machine = Machine::with(world().with(|settings| settings.run_list_without_comments = true));
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");
    let shop = machine.shop(&[("Sign in", "1001")]);

    for number in 0..RUNS {
        let start = now() - SignedDuration::from_secs(60 * (RUNS - number));
        crate::support::age(&run().start(start).write_in(&shop).unwrap());
    }
    for _ in 0..2 {
        let once = machine.kado(&["run", "--once"]);

        assert_eq!(once.code, 0, "{once:?}");
        assert_eq!(machine.ado_runs().len(), 25);
        fs::remove_dir_all(machine.state()).unwrap();
    }
}

/// Copies a state folder, as a backup does.
fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for path in walk(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&path, target).unwrap();
    }
}

#[test]
fn a_state_folder_restored_from_the_middle_of_a_submission_doubles_nothing() {
    for (method, stopped_at) in [
        ("GET", "results$"),
        ("PATCH", "results$"),
        ("POST", "attachments$"),
        ("PATCH", "runs/150$"),
    ] {
        let (machine, _, folder) = with_run();
        // What is stored when this request is refused is what a backup of that moment holds.
        machine.fake.fault(Fault::new(
            method,
            stopped_at,
            Nth::Only(1),
            FaultAction::Refused(Refusal::Empty401),
        ));
        let first = machine.submit_folder(&folder);

        assert_eq!(first.code, 3, "{stopped_at} {first:?}");
        let backup = machine.root().join("backup");
        copy_folder(&machine.state(), &backup);
        let second = machine.submit_folder(&folder);
        assert_eq!(second.code, 0, "{stopped_at} {second:?}");
        let before = machine.ado_run();
        fs::remove_dir_all(machine.state()).unwrap();
        copy_folder(&backup, &machine.state());
        let restored = machine.submit_folder(&folder);
        assert_eq!(restored.code, 0, "{stopped_at} {restored:?}");
        let after = machine.ado_run();
        assert_eq!(after.comment, before.comment, "{stopped_at}");
        let names = crate::support::names;
        assert_eq!(
            names(&after.attachments),
            names(&before.attachments),
            "{stopped_at}"
        );
        for (now, then) in after.results.iter().zip(&before.results) {
            assert_eq!(
                names(&now.attachments),
                names(&then.attachments),
                "{stopped_at}"
            );
            assert_eq!(
                now.sub_results.len(),
                then.sub_results.len(),
                "{stopped_at}"
            );
        }
    }
}

#[test]
fn a_run_that_another_machine_began_to_fill_is_found_where_lists_have_no_comments() {
    let machine = Machine::with(world().with(|settings| settings.run_list_without_comments = true));
    machine.configure("history = \"all\"\n");
    let begun = begin_run(&machine).to_string();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let elsewhere = machine.root().join("elsewhere");
    copy_folder(&shop, &elsewhere);
    let another = machine.root().join("another.toml");
    let text = format!(
        "watch = [{elsewhere:?}]\nstate_dir = {:?}\n[status_page]\nlisten = \"\"\n[submit]\n\
         katalon_wait = \"0s\"\n",
        machine.root().join("another")
    );
    fs::write(&another, text).unwrap();
    let start = now() - SignedDuration::from_secs(600);
    let second = run().start(start);

    // The service asks for the run that a manager began while nothing of kado's stands in it.
    let _service = machine.start();
    crate::support::age(&run().write_in(&shop).unwrap());
    machine.wait_for_completed(1);
    let folder = second.write_in(&elsewhere).unwrap();
    crate::support::age(&folder);
    let fill = ["submit", &folder.to_string_lossy(), "--into", &begun];
    let filled = finish(machine.command_with(&another, &fill));
    crate::support::age(&second.write_in(&shop).unwrap());
    machine.wait_for_rows("the second run to be decided", |states| {
        let is_open = |state: &String| state.contains("pending") || state.contains("submitting");
        states.len() == 2 && !states.iter().any(is_open)
    });

    assert_eq!(filled.code, 0, "{filled:?}");
    assert_eq!(machine.ado_runs().len(), 2, "{:?}", machine.states());
}

#[test]
fn a_lost_database_is_an_incident_and_not_a_new_start() {
    let (machine, _, folder) = with_run();

    assert_eq!(machine.submit_folder(&folder).code, 0);
    for file in crate::support::files(&machine.state())
        .iter()
        .filter(|name| name.starts_with("kado.db"))
    {
        fs::remove_file(machine.state().join(file)).unwrap();
    }
    let second = machine.submit_folder(&folder);
    assert_ne!(second.code, 0, "{second:?}");
    assert!(second.err.contains("nothing is submitted"), "{second:?}");
    machine.ado_run();
}

#[test]
fn an_empty_or_foreign_file_in_place_of_the_database_is_an_incident() {
    for content in [
        "",
        "this is no database, whatever its name says; it only lies where one should be",
    ] {
        let (machine, _, folder) = with_run();

        assert_eq!(machine.submit_folder(&folder).code, 0);
        for file in crate::support::files(&machine.state())
            .iter()
            .filter(|name| name.starts_with("kado.db"))
        {
            fs::remove_file(machine.state().join(file)).unwrap();
        }
        fs::write(machine.state().join("kado.db"), content).unwrap();
        let second = machine.submit_folder(&folder);
        assert_ne!(second.code, 0, "{second:?}");
        assert!(second.err.contains("nothing is submitted"), "{second:?}");
        machine.ado_run();
    }
}

#[test]
fn submitting_writes_nothing_into_the_project() {
    let (machine, shop, folder) = with_run();

    let list = |folder: &Path| {
        let mut all: Vec<_> = walk(folder)
            .into_iter()
            .map(|path| (fs::read(&path).unwrap(), path))
            .collect();
        all.sort();
        all
    };
    let before = list(&shop);

    assert_eq!(machine.submit_folder(&folder).code, 0);
    assert!(before == list(&shop), "the project was changed");
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(walk(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }

    found
}

#[test]
fn a_new_machine_completes_a_run_that_another_one_began_and_sends_nothing_twice() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let tests = [
        Test::failed(&tc("Sign in"), "no").screenshot(),
        Test::passed(&tc("Sign in")),
    ];

    let folder = finished(tests).write_in(&shop).unwrap();

    let refused = FaultAction::Refused(Refusal::Expired401);
    machine
        .fake
        .fault(Fault::new("POST", "attachments", Nth::From(2), refused));
    assert_eq!(machine.submit_folder(&folder).code, 3);
    assert_eq!(machine.ado_run().state, "InProgress");
    machine.fake.clear_faults();
    fs::remove_dir_all(machine.state()).unwrap();
    let second = machine.submit_folder(&folder);
    assert_eq!(second.code, 0, "{second:?}");
    let run = machine.ado_run();
    let sent = run.attachments.len() + run.results[0].attachments.len();
    assert_eq!(run.state.as_str(), "Completed");
    assert_eq!(run.results[0].sub_results.len(), 2);
    assert_eq!(sent, 3);
}

#[test]
fn two_machines_at_the_same_moment_make_one_run_with_results() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    machine.configure("runs_from = \"any\"\n[submit]\nkatalon_wait = \"0s\"\n");
    let other = machine.root().join("other.toml");
    let text = fs::read_to_string(machine.config_file())
        .unwrap()
        .replace("/state\"", "/state-2\"");
    fs::write(&other, text).unwrap();
    // Both have looked, and found nothing, before the first run is there.
    machine.fake.fault(Fault::new(
        "POST",
        "test/runs$",
        Nth::Every,
        FaultAction::Delay(3000),
    ));

    let services = [
        machine.start(),
        machine.start_as(machine.command_with(&other, &["run"])),
    ];
    services
        .iter()
        .for_each(|service| service.wait_for_log("found a Katalon project"));
    crate::support::age(&run().start(now()).write_in(&shop).unwrap());
    wait_until("a completed run", || {
        if machine
            .ado_runs()
            .iter()
            .any(|run| run.state == "Completed")
        {
            Ok(())
        } else {
            Err(services.each_ref().map(|service| service.log()).join("\n"))
        }
    });
    wait_until("one of the two to give way", || {
        let told = services.iter().filter(|service| {
            service
                .log()
                .contains("another kado is submitting this suite run")
        });
        if told.count() == 1 {
            Ok(())
        } else {
            Err(services.each_ref().map(|service| service.log()).join("\n"))
        }
    });

    let runs = machine.ado_runs();
    let states: Vec<_> = runs
        .iter()
        .map(|run| (run.id, run.state.as_str(), run.results.len()))
        .collect();
    assert_eq!(states, [(150, "Completed", 1), (151, "Aborted", 0)]);
    assert!(
        runs[1]
            .comment
            .as_ref()
            .is_some_and(|comment| comment.starts_with("Ended: test run 150 is the one"))
    );
}

#[test]
fn a_run_that_another_machine_is_filling_is_left_to_it_until_it_is_done_or_forsaken() {
    let (machine, _, folder) = with_run();
    machine.fake.fault(Fault::new(
        "PATCH",
        "results$",
        Nth::Only(1),
        FaultAction::Refused(Refusal::Empty401),
    ));

    assert_eq!(machine.submit_folder(&folder).code, 3);

    fs::remove_dir_all(machine.state()).unwrap();
    machine.configure("history = \"all\"\n");
    crate::support::age(&folder);

    let service = machine.start();
    service.wait_for_log("another kado is submitting this suite run, as test run 150");
    service.stop_cleanly();

    assert_eq!(machine.ado_run().state, "InProgress");

    machine.fake.world().run_mut(150).unwrap().updated -= SignedDuration::from_mins(10);

    let retried = machine.kado(&["runs", "retry", "1"]);

    assert_eq!(retried.code, 0, "{retried:?}");
    assert_eq!(machine.ado_run().state, "Completed");
}

#[test]
fn two_machines_on_one_share_make_one_run() {
    let (machine, _, folder) = with_run();
    let other = machine.root().join("other.toml");
    let text = format!(
        "watch = [{:?}]\nstate_dir = {:?}\n",
        machine.work(),
        machine.root().join("state-2")
    );
    fs::write(&other, text).unwrap();

    assert_eq!(machine.submit_folder(&folder).code, 0);

    let second = crate::support::finish(
        machine.command_with(&other, &["submit", &folder.to_string_lossy()]),
    );

    assert!(second.out.contains("submitted as test run"), "{second:?}");
    machine.ado_run();
}
