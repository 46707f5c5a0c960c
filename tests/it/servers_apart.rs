//! A server that hangs holds up only its own runs.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use fake_ado::{FakeAdo, Fault, FaultAction, Nth, World};
use fake_katalon::{AzureSettings, Test, TestCaseFile};

use crate::support::{Machine, TOKEN, age, finished, now, tc, wait_until};

/// Test plans of the server that hangs, each with a run that waits for it.
const PLANS: u32 = 20;

/// A machine whose own server hangs at every request, with a run for each of its plans; and another
/// server, with a project whose run is in the last folder.
fn machine() -> (Machine, FakeAdo, Vec<PathBuf>) {
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

    let machine = Machine::with(world);
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

fn completed(ado: &FakeAdo) -> usize {
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
