//! One server with many names, each in a project of its own: whoever writes projects chooses them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use fake_ado::{FakeAdo, Fault, FaultAction, Nth};
use fake_katalon::{AzureSettings, Test, TestCaseFile};

use crate::servers_apart::completed;
use crate::support::{Machine, Service, TOKEN, age, finished, now, tc, wait_until};

/// A server with many names: all of 127.0.0.0/8 is this machine, as all names below a wildcard of a
/// DNS are one.
fn server_with_many_names() -> FakeAdo {
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    FakeAdo::start_blocking(everywhere, crate::support::world()).expect("a port is to be had")
}

/// Makes projects with a run each, which go to a server by as many names.
fn run_by_names(machine: &Machine, server: &FakeAdo, names: u8) {
    let address = server.base_url();
    let (_, port) = address.rsplit_once(':').expect("a server has a port");
    for name in 2..2 + names {
        let url = format!("http://127.0.0.{name}:{port}");
        let settings = AzureSettings::connected(&url, TOKEN, "Shop", (18, "Release 1"));
        let case = TestCaseFile::new(&tc("Sign in")).azure("1001");
        let project = machine.project(&format!("Name {name}"), settings, [case]);
        run(&project, 60 + i64::from(name));
    }
}

/// A run of a project that began so many minutes ago.
fn run(project: &Path, minutes: i64) -> PathBuf {
    let folder = finished([Test::passed(&tc("Sign in"))])
        .start(now() - jiff::SignedDuration::from_mins(minutes))
        .write_in(project)
        .expect("a run can be written");
    age(&folder);
    folder
}

fn wait_for_runs(service: &Service, server: &FakeAdo, count: usize) {
    wait_until("runs that are completed", || {
        if completed(server) == count {
            Ok(())
        } else {
            Err(service.log())
        }
    });
}

#[test]
fn a_hanging_server_with_many_names_holds_up_no_run_of_a_server_that_answers() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");
    let shop = machine.shop(&[("Sign in", "1001")]);
    let first = machine.submit_folder(&run(&shop, 900));
    assert_eq!(first.code, 0, "{first:?}");
    let hanging = server_with_many_names();
    hanging.fault(Fault::new("*", "", Nth::Every, FaultAction::Hang));
    run_by_names(&machine, &hanging, 40);

    let service = machine.start();
    wait_until("requests that hang", || match hanging.in_flight() {
        4.. => Ok(()),
        _ => Err(service.log()),
    });
    run(&shop, 10);
    wait_for_runs(&service, &machine.fake, 2);

    let requests = hanging.requests();
    assert!(
        requests.iter().all(|request| request.status == 0),
        "it hangs: {requests:?}"
    );
    let peak = hanging.peak_connections();
    assert!(peak <= 5, "{peak} requests were under way at once");
    service.stop_cleanly();
}

#[test]
fn a_pause_outlives_any_number_of_other_servers() {
    let machine = Machine::new();
    machine.configure("history = \"all\"\nruns_from = \"any\"\n");
    let shop = machine.shop(&[("Sign in", "1001")]);
    let throttled = FaultAction::throttled(Some(3000));
    machine
        .fake
        .fault(Fault::new("*", "", Nth::Every, throttled));
    run(&shop, 900);
    let service = machine.start();
    wait_until("an attempt that is throttled", || {
        match machine.fake.requests().len() {
            1.. => Ok(()),
            0 => Err(service.log()),
        }
    });

    let others = server_with_many_names();
    run_by_names(&machine, &others, 70);
    wait_for_runs(&service, &others, 70);
    let before = machine.fake.requests().len();
    run(&shop, 10);
    wait_until("an attempt that waits", || {
        let rows = machine.rows();
        let tried = rows.iter().filter(|row| row["error"].is_string()).count();
        if tried == 2 {
            Ok(())
        } else {
            Err(service.log())
        }
    });

    assert_eq!(machine.fake.requests().len(), before);
    service.stop_cleanly();
}
