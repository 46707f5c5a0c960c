//! A backlog: what waits costs for each run the same, however many there are, and nothing of it is
//! taken for granted that another machine or a person may have changed meanwhile.

#![expect(
    clippy::disallowed_methods,
    reason = "a test lays out folders and acts meanwhile"
)]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::Path;
use std::thread::{scope, sleep};
use std::time::Duration;

use fake_ado::{Fault, FaultAction, Nth, TestRun, World};
use fake_katalon::Test;
use jiff::{SignedDuration, Timestamp};

use crate::support::{Machine, PLAN, age, finished, start_of, tc, world};

/// Runs on a page of a list.
const PAGE: usize = 20;
/// How long the creation of the first run takes while somebody acts.
const MEANWHILE: u64 = 2_000;

fn machine(world: World) -> Machine {
    let machine = Machine::with(world);
    machine.configure(
        "history = \"all\"\nruns_from = \"any\"\nlate = \"send\"\n[submit]\n\
         katalon_submits = \"never\"\n",
    );
    machine
}

/// So many runs of months ago, a minute apart.
fn write_runs(shop: &Path, count: i64) {
    for number in 0..count {
        let start = start_of() + SignedDuration::from_mins(number);
        let run = finished([Test::passed(&tc("Sign in"))]).start(start);
        age(&run.write_in(shop).unwrap());
    }
}

/// A run that another machine made of another suite run.
fn foreign_run(number: u32) -> TestRun {
    let made = Timestamp::now() - SignedDuration::from_hours(24 * 60);
    TestRun {
        project: "Shop".to_owned(),
        name: "Run by Katalon Studio".to_owned(),
        plan_id: Some(PLAN),
        state: "Completed".to_owned(),
        comment: Some(format!("kado:{number:032x}  \nTest Suites/Other")),
        created: made,
        updated: made,
        ..TestRun::default()
    }
}

/// How many requests a backlog of so many runs takes, and how many of them list runs, in a plan
/// that holds ten pages of runs already.
fn requests_of(count: i64) -> (usize, usize) {
    let machine = machine(world().with(|settings| settings.most_on_a_page = PAGE));
    for number in 0..200 {
        machine.fake.world().add_run(foreign_run(number));
    }
    write_runs(&machine.shop(&[("Sign in", "1001")]), count);

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(machine.ado_runs().len(), 200 + count as usize);
    let requests = machine.fake.requests();
    let is_list = |path: &str, query: &str| path.ends_with("test/runs") && query.contains("lan");
    let lists = requests
        .iter()
        .filter(|request| request.method == "GET" && is_list(&request.path, &request.query))
        .count();
    (requests.len(), lists)
}

#[test]
fn each_run_of_a_backlog_takes_as_many_requests_however_many_wait() {
    let (few, _) = requests_of(2);
    let (some, _) = requests_of(4);

    let (many, lists) = requests_of(40);

    // Two looks for each, one before its creation and one after it; a page may have to be turned
    // for those that were changed in the last seconds.
    let each = (some - few) / 2;
    assert!(many <= few + 38 * (each + 2), "{few}, {some}, {many}");
    assert!(lists <= 11 + 40 * 4, "{lists}");
}

/// The shop with two runs that wait, and the test run that the second one gets when another machine
/// submits it.
fn two_runs() -> (Machine, TestRun) {
    let machine = machine(world());
    let shop = machine.shop(&[("Sign in", "1001")]);
    write_runs(&shop, 2);
    let second = kado::watch::find_runs(&shop).pop().unwrap();
    assert_eq!(machine.submit_folder(&second).code, 0);

    // As if nobody had.
    let theirs = machine.ado_run();
    machine.fake.world().delete_run(theirs.id);
    fs::remove_dir_all(machine.state()).unwrap();
    machine.fake.clear_requests();
    (machine, theirs)
}

/// How many test runs have the comment of this one.
fn like(machine: &Machine, theirs: &TestRun) -> usize {
    let runs = machine.ado_runs();
    runs.iter()
        .filter(|run| run.comment == theirs.comment)
        .count()
}

/// Submits both runs; while the first one is being made, somebody does something to the server.
fn submit_while(machine: &Machine, act: impl FnOnce(&mut World) + Send) {
    machine.fake.fault(Fault::new(
        "POST",
        "test/runs$",
        Nth::Only(1),
        FaultAction::Delay(MEANWHILE),
    ));

    scope(|scope| {
        scope.spawn(|| {
            let is_being_made = || {
                let requests = machine.fake.requests();
                requests
                    .iter()
                    .any(|request| request.method == "POST" && request.path.ends_with("test/runs"))
            };
            while !is_being_made() {
                sleep(Duration::from_millis(5));
            }
            act(&mut machine.fake.world());
        });
        let once = machine.kado(&["run", "--once"]);
        assert_eq!(once.code, 0, "{once:?}");
    });
}

#[test]
fn a_run_of_another_machine_that_appears_between_two_runs_of_a_backlog_is_found() {
    let (machine, theirs) = two_runs();
    let made = TestRun {
        updated: Timestamp::now(),
        ..theirs.clone()
    };

    submit_while(&machine, |world| {
        world.add_run(made);
    });

    assert_eq!(machine.ado_runs().len(), 2);
    assert_eq!(like(&machine, &theirs), 1);
    assert!(
        machine
            .states()
            .iter()
            .all(|state| state.ends_with("submitted"))
    );
}

#[test]
fn a_run_that_somebody_deleted_since_it_was_listed_is_made_anew() {
    let (machine, theirs) = two_runs();
    let listed = machine.fake.world().add_run(theirs.clone());

    submit_while(&machine, |world| world.delete_run(listed));

    let runs = machine.ado_runs();
    assert_eq!(runs.len(), 2, "{runs:?}");
    assert!(runs.iter().all(|run| run.id != listed));
    assert_eq!(like(&machine, &theirs), 1);
}

#[test]
fn a_run_that_lost_its_key_since_it_was_listed_is_not_adopted() {
    let (machine, theirs) = two_runs();
    let listed = machine.fake.world().add_run(theirs.clone());

    // As a preview does when its suite is given up; not even the time of its change says so.
    submit_while(&machine, |world| {
        let run = world.run_mut(listed).unwrap();
        run.comment = Some("given up".to_owned());
    });

    assert_eq!(machine.ado_runs().len(), 3);
    assert_eq!(like(&machine, &theirs), 1);
}
