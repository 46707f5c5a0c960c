//! A server that hangs holds up only its own runs, and a project whose uploads do only its own.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use fake_ado::{FakeAdo, Fault, FaultAction, Nth, World};
use fake_katalon::{AzureSettings, Test, TestCaseFile};

use crate::support::{Machine, TOKEN, age, finished, now, tc, wait_until};

/// Test plans of the server that hangs, each with a run that waits for it.
const PLANS: u32 = 20;

/// A server with all the test plans.
fn world_of_plans() -> World {
    let mut world = World::new("acme")
        .token(TOKEN)
        .project("Shop")
        .configuration(1, "Any")
        .test_case(1001, "Sign in");
    for plan in 0..PLANS {
        world = world.plan(100 + plan, "P").suite(500 + plan, "S").point(
            1000 + plan,
            500 + plan,
            1001,
            1,
        );
    }
    world
}

/// A machine whose own server hangs at every request, with a run for each of its plans; and another
/// server, with a project whose run is in the last folder.
fn machine() -> (Machine, FakeAdo, Vec<PathBuf>) {
    let machine = Machine::with(world_of_plans());
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");
    machine
        .fake
        .fault(Fault::new("*", "", Nth::Every, FaultAction::Hang));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let other = FakeAdo::start_blocking(address, crate::support::world()).unwrap();
    let mut settings: Vec<AzureSettings> = (0..PLANS)
        .map(|plan| AzureSettings {
            plans: vec![(100 + plan, "P".to_owned())],
            ..machine.settings()
        })
        .collect();
    settings.push(AzureSettings::connected(
        &other.base_url(),
        TOKEN,
        "Shop",
        (18, "Release 1"),
    ));
    let folders = settings.into_iter().enumerate().map(|(number, settings)| {
        let case = TestCaseFile::new(&tc("Sign in")).azure("1001");
        let shop = machine.project(&format!("Shop {number}"), settings, [case]);
        let start =
            now() - jiff::SignedDuration::from_secs(1000 - i64::try_from(number).unwrap_or(0));
        let folder = finished([Test::failed(&tc("Sign in"), "no").screenshot()])
            .start(start)
            .write_in(&shop)
            .unwrap();
        age(&folder);
        folder
    });

    let folders = folders.collect();

    (machine, other, folders)
}

pub(crate) fn completed(ado: &FakeAdo) -> usize {
    ado.world()
        .runs()
        .iter()
        .filter(|run| run.state == "Completed")
        .count()
}

#[test]
fn a_hanging_server_with_many_runs_holds_up_no_run_of_another_server() {
    let (machine, other, _) = machine();

    let service = machine.start();
    wait_until("requests that hang", || {
        if machine.fake.in_flight() > 0 {
            Ok(())
        } else {
            Err(service.log())
        }
    });
    wait_until("the other server's run", || {
        if completed(&other) == 1 {
            Ok(())
        } else {
            Err(service.log())
        }
    });

    let hanging = machine.fake.requests();
    assert!(
        !hanging.is_empty() && hanging.iter().all(|request| request.status == 0),
        "it hangs: {hanging:?}"
    );
    let (one, two) = (machine.fake.peak_connections(), other.peak_connections());
    assert!(
        one <= 4 && one + two <= 8,
        "{one} and {two} requests were under way at once"
    );

    service.stop_cleanly();
}

#[test]
fn uploads_of_one_project_that_hang_hold_up_no_run_of_another_one() {
    let machine = Machine::with(world_of_plans());
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");
    let uploads = Fault::new("POST", "attachments", Nth::Every, FaultAction::Hang);
    machine.fake.fault(uploads);
    let run_of = |name: &str, plans: Range<u32>, test: Test, minutes: i64| {
        let settings = AzureSettings {
            plans: plans.map(|plan| (100 + plan, "P".to_owned())).collect(),
            ..machine.settings()
        };
        let case = TestCaseFile::new(&tc("Sign in")).azure("1001");
        let project = machine.project(name, settings, [case]);
        let folder = finished([test])
            .start(now() - jiff::SignedDuration::from_mins(minutes))
            .write_in(&project)
            .expect("a run can be written");
        age(&folder);
    };
    let with_file = Test::failed(&tc("Sign in"), "no").screenshot();
    run_of("Shop", 0..12, with_file, 60);
    run_of("Bank", 12..13, Test::passed(&tc("Sign in")), 10);

    let service = machine.start();
    wait_until("the run of the other project", || {
        if completed(&machine.fake) == 1 {
            Ok(())
        } else {
            Err(service.log())
        }
    });

    let mut uploads = machine.fake.requests();
    uploads.retain(|request| request.path.contains("attachments"));
    assert!(
        !uploads.is_empty() && uploads.iter().all(|request| request.status == 0),
        "they hang: {uploads:?}"
    );
    service.stop_cleanly();
}

/// A server that answers each connection with provisional answers, and with nothing else: its
/// address, and what says of each connection that it is there.
fn server_without_a_final_answer() -> (SocketAddr, Receiver<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is to be had");
    let address = listener.local_addr().expect("it is bound");
    let (connected, connections) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("it listens as long as the test runs");
            // Who asked for one does not want to know of others.
            let _ = connected.send(());
            thread::spawn(move || {
                let answers = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000);
                // Until the other side has enough of it.
                while stream.write_all(&answers).is_ok() {}
            });
        }
    });
    (address, connections)
}

#[test]
fn a_server_that_sends_provisional_answers_without_end_holds_up_no_other() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");
    let (address, connections) = server_without_a_final_answer();
    let url = format!("http://{address}/acme");
    let settings = AzureSettings::connected(&url, TOKEN, "Shop", (18, "Release 1"));
    let case = || TestCaseFile::new(&tc("Sign in")).azure("1001");
    let endless = machine.project("Endless", settings, [case()]);
    let shop = machine.project("Shop", machine.settings(), [case()]);
    let run = finished([Test::passed(&tc("Sign in"))]);
    age(&run
        .clone()
        .write_in(&endless)
        .expect("a run can be written"));

    let service = machine.start();
    wait_until("a connection to the server without an end", || {
        connections.try_recv().map_err(|_| service.log())
    });
    age(&run
        .start(now())
        .write_in(&shop)
        .expect("a run can be written"));

    machine.wait_for_completed(1);
    service.stop_cleanly();
}

#[test]
fn a_single_sweep_sends_to_the_server_that_answers_and_says_which_one_does_not() {
    let (machine, other, _) = machine();

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 4, "{once:?}");
    assert_eq!(completed(&other), 1, "{once:?}");
    let waiting = machine
        .rows()
        .iter()
        .filter(|row| row["state"] == "pending")
        .count();
    assert_eq!(waiting, PLANS as usize);
}
