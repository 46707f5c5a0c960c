//! Notifications: who is told of what, how often, and what a kill or a receiver that fails changes.

use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::Test;
use jiff::SignedDuration;

use crate::support::{
    Machine, Receiver, Reply, Service, TOKEN, age, finished, now, tc, wait_until,
};
use crate::watching::Clock;

/// A machine that tells a receiver, with these lines in `[notify]` besides.
fn told_by(receiver: &Receiver, more: &str) -> Machine {
    let machine = Machine::new();
    configure(&machine, receiver, more);
    machine
}

fn configure(machine: &Machine, receiver: &Receiver, more: &str) {
    let url = receiver.url();
    machine.configure(&format!(
        "history = \"all\"\n[notify]\nwebhook = \"{url}\"\n{more}\n"
    ));
}

/// Writes a run that is over, so many seconds from now, into a project: of a test that is parked
/// for want of a point, or of one that arrives.
fn write_run(project: &std::path::Path, seconds: i64, test: &str) {
    let run = finished([Test::passed(&tc(test))]);
    let start = now() + SignedDuration::from_secs(seconds);
    age(&run.start(start).write_in(project).unwrap());
}

const PARKED: &str = "Without a point";
const GOOD: &str = "Sign in";

fn shop(machine: &Machine) -> PathBuf {
    machine.shop(&[(PARKED, "1099"), (GOOD, "1001")])
}

/// Waits until so many rows of the outbox are as this says.
pub(crate) fn wait_for_count(machine: &Machine, count: i64, rows: &str) {
    wait_until(rows, || {
        let database = rusqlite::Connection::open(machine.state().join("kado.db")).unwrap();
        let sql = format!("SELECT count(*) FROM {rows}");
        match database.query_row(&sql, [], |row| row.get::<_, i64>(0)) {
            Ok(found) if found == count => Ok(()),
            found => Err(format!("{found:?} instead of {count}")),
        }
    });
}

/// Waits until so many messages are recorded as delivered to the webhook.
fn wait_for_delivered(machine: &Machine, count: i64) {
    let rows = "message WHERE state = 'delivered' AND way = 'webhook'";
    wait_for_count(machine, count, rows);
}

/// Lets a minute and more go by for a service.
fn later(clock: &Clock, minutes: i64) {
    clock.set(SignedDuration::from_secs(minutes * 60 + 5));
}

#[test]
fn a_parked_run_is_told_once_and_once_when_it_is_over() {
    let receiver = Receiver::new();
    let machine = told_by(&receiver, "");
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    let shop = shop(&machine);
    let service = clock.start(&machine);

    write_run(&shop, 0, PARKED);
    let begun = receiver.wait_for(1);
    wait_for_delivered(&machine, 1);
    machine.kado(&["runs", "forget", "1"]);
    later(&clock, 1);
    let over = receiver.wait_for(2);
    wait_for_delivered(&machine, 2);
    service.stop_cleanly();

    assert_eq!(begun.told(), ["parked begun"]);
    assert_eq!(over.told(), ["parked over"]);
    let begun = &begun.body["notifications"][0];
    assert_eq!(begun["cause"], over.body["notifications"][0]["cause"]);
    assert_eq!(begun["project"], "Shop");
    assert_eq!(begun["suite"], "Test Suites/Smoke");
    let text = begun["text"].as_str().unwrap();
    assert!(
        text.contains("1099 has no test point in test plan 18"),
        "{text}"
    );
}

#[test]
fn a_restart_tells_nothing_a_second_time() {
    let receiver = Receiver::new();
    let machine = told_by(&receiver, "");
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    let shop = shop(&machine);
    let service = clock.start(&machine);
    write_run(&shop, 0, PARKED);
    receiver.wait_for(1);
    wait_for_delivered(&machine, 1);
    service.stop_cleanly();

    later(&clock, 1);
    let service = clock.start(&machine);
    write_run(&shop, -100, PARKED);
    let second = receiver.wait_for(2);
    service.stop_cleanly();

    assert_eq!(second.told(), ["parked begun"]);
    let text = second.body["notifications"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("run 2 "), "{text}");
}

#[test]
fn a_kill_before_the_answer_sends_the_same_message_again_and_no_other() {
    let receiver = Receiver::new();
    receiver.reply(&[Reply::Silence]);
    let machine = told_by(&receiver, "");
    let shop = shop(&machine);
    let service = machine.start();
    write_run(&shop, 0, PARKED);
    let first = receiver.wait_for(1);

    service.kill();
    let service = machine.start();
    let again = receiver.wait_for(2);
    wait_for_delivered(&machine, 1);
    service.stop_cleanly();

    assert_eq!(again.id(), first.id());
    assert_eq!(again.body, first.body);
    assert_eq!(receiver.received().len(), 2);
}

#[test]
fn a_receiver_that_is_down_gets_the_message_when_it_is_up() {
    let receiver = Receiver::new();
    receiver.reply(&[Reply::Status(503), Reply::Status(503)]);
    let machine = told_by(&receiver, "");
    let shop = shop(&machine);
    let service = machine.start();

    write_run(&shop, 0, PARKED);
    receiver.wait_for(3);
    wait_for_delivered(&machine, 1);
    service.wait_for_log("notifications arrive again");

    let ids: Vec<String> = receiver.received().iter().map(|one| one.id()).collect();
    assert_eq!(ids, vec![ids[0].clone(); 3]);
    let log = service.log();
    assert!(
        log.contains("`127.0.0.1` does not take it (status 503)"),
        "{log}"
    );
    assert!(!log.contains("hunter2secret"), "{log}");
}

#[test]
fn what_comes_within_a_minute_is_one_message_that_counts() {
    let receiver = Receiver::new();
    let machine = told_by(&receiver, "");
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    let shop = shop(&machine);
    let service = clock.start(&machine);
    write_run(&shop, 0, PARKED);
    receiver.wait_for(1);
    wait_for_delivered(&machine, 1);

    write_run(&shop, -100, PARKED);
    write_run(&shop, -200, PARKED);
    machine.wait_for_rows("three parked runs", |rows| rows.len() == 3);
    let waiting = "notice WHERE way = 'webhook' AND message IS NULL";
    wait_for_count(&machine, 2, waiting);
    assert_eq!(receiver.received().len(), 1, "the minute is not over");
    later(&clock, 1);
    let both = receiver.wait_for(2);
    service.stop_cleanly();

    assert_eq!(both.body["begun"], 2);
    let text = both.body["text"].as_str().unwrap();
    assert!(text.ends_with(": 2 things need somebody"), "{text}");
}

#[test]
fn a_redirect_is_not_followed() {
    let receiver = Receiver::new();
    receiver.reply(&[Reply::Status(307)]);
    let machine = told_by(&receiver, "");
    let shop = shop(&machine);
    let service = machine.start();

    write_run(&shop, 0, PARKED);

    service.wait_for_log("sends on to another address (status 307)");
}

#[test]
fn a_table_that_is_added_later_tells_of_what_is_there() {
    let receiver = Receiver::new();
    let machine = Machine::new();
    machine.configure("history = \"all\"\n");
    let shop = shop(&machine);
    let _service = machine.start();
    write_run(&shop, 0, PARKED);
    machine.wait_for_rows("a parked run", |rows| rows.len() == 1);

    configure(&machine, &receiver, "");

    assert_eq!(receiver.wait_for(1).told(), ["parked begun"]);
}

#[test]
fn a_pass_that_a_timer_starts_tells_as_well() {
    let receiver = Receiver::new();
    let machine = told_by(&receiver, "");
    let shop = shop(&machine);
    write_run(&shop, 0, PARKED);

    machine.kado(&["run", "--once"]);
    machine.kado(&["run", "--once"]);

    let received = receiver.received();
    assert_eq!(received.len(), 1, "{received:#?}");
    assert_eq!(received[0].told(), ["parked begun"]);
}

#[test]
fn what_people_do_not_want_to_hear_is_not_told() {
    let receiver = Receiver::new();
    let machine = told_by(&receiver, "on = [\"silence\"]");
    let shop = shop(&machine);
    write_run(&shop, 0, PARKED);

    machine.kado(&["run", "--once"]);

    assert_eq!(receiver.received().len(), 0);
}

#[test]
fn nothing_shows_the_address_but_its_host() {
    let receiver = Receiver::new();
    receiver.reply(&[Reply::Status(404); 9]);
    let machine = told_by(&receiver, "");
    let shop = shop(&machine);
    write_run(&shop, 0, PARKED);

    let mut said = Vec::new();
    for command in [
        &["run", "--once"][..],
        &["notify", "test"],
        &["status"],
        &["status", "--json"],
        &["check"],
        &["inspect", &shop.to_string_lossy()],
    ] {
        let output = machine.kado(command);
        said.push(format!("{}{}", output.out, output.err));
    }

    let said = said.join("\n");
    assert!(
        said.contains("webhook 127.0.0.1: `127.0.0.1` does not take it"),
        "{said}"
    );
    assert!(!said.contains("hunter2secret"), "{said}");
}

/// A program that appends what it is told to a file, and ends with this code.
#[cfg(unix)]
fn teller(machine: &Machine, code: u8) -> (PathBuf, PathBuf) {
    use std::os::unix::fs::PermissionsExt as _;

    let heard = machine.root().join("heard");
    let program = machine.root().join("tell");
    let script = format!(
        "#!/bin/sh\nenv >>{0}.env\ncat >>{0}\necho \"no mail today\" >&2\nexit {code}\n",
        heard.display()
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    (program, heard)
}

#[cfg(unix)]
#[test]
fn a_command_gets_the_text_on_its_input_and_nothing_that_is_meant_for_kado() {
    let machine = Machine::new();
    let (program, heard) = teller(&machine, 0);
    machine.configure(&format!(
        "history = \"all\"\n[notify]\ncommand = [{program:?}]\n"
    ));
    let shop = shop(&machine);
    write_run(&shop, 0, PARKED);

    let mut once = machine.command(&["run", "--once"]);
    once.env("KADO_LOG", "kado=info");
    crate::support::finish(once);

    let text = fs::read_to_string(&heard).unwrap();
    let mut lines = text.lines();
    let headline = lines.next().unwrap();
    assert!(headline.ends_with(": 1 thing needs somebody"), "{text}");
    assert_eq!(lines.next(), Some(""));
    let what = lines.next().unwrap();
    assert!(
        what.starts_with("Shop: run 1 (Test Suites/Smoke) is parked: "),
        "{text}"
    );
    let way_out = lines.next().unwrap();
    assert!(
        way_out.starts_with("  → `kado runs show 1` shows all of it"),
        "{text}"
    );
    let environment = fs::read_to_string(heard.with_extension("env")).unwrap();
    assert!(!environment.contains("KADO_"), "{environment}");
}

#[cfg(unix)]
#[test]
fn a_command_that_fails_is_tried_again_and_a_problem_of_the_status() {
    let machine = Machine::new();
    let (program, heard) = teller(&machine, 3);
    machine.configure(&format!(
        "history = \"all\"\n[notify]\ncommand = [{program:?}]\n"
    ));
    let shop = shop(&machine);
    let service = machine.start();
    write_run(&shop, 0, PARKED);

    service.wait_for_log("a notification does not arrive; it is tried again");
    let problem = wait_until("a problem of the status", || {
        let said = machine.kado(&["status", "--json"]).out;
        let status: serde_json::Value = serde_json::from_str(&said).unwrap();
        let problems = status["problems"].as_array().unwrap().clone();
        let found = problems
            .into_iter()
            .find(|one| one["kind"] == "notification");
        found.ok_or(said)
    });

    let text = problem["text"].as_str().unwrap();
    assert!(
        text.contains("ended with exit status: 3: no mail today"),
        "{text}"
    );
    assert!(
        fs::read_to_string(heard)
            .unwrap()
            .matches("1 thing needs")
            .count()
            >= 3
    );
}

#[test]
fn a_test_arrives_by_each_way() {
    let receiver = Receiver::new();
    let machine = told_by(&receiver, "");

    let done = machine.kado(&["notify", "test"]);

    assert_eq!(done.code, 0, "{done:?}");
    assert!(
        done.out.contains("webhook 127.0.0.1: arrived\n"),
        "{done:?}"
    );
    let message = receiver.wait_for(1);
    assert_eq!(message.body["test"], true);
    let text = message.body["text"].as_str().unwrap();
    assert!(text.contains("this is a test"), "{text}");
}

#[test]
fn a_test_that_does_not_arrive_says_what_is_wrong_and_what_mends_it() {
    let receiver = Receiver::new();
    receiver.reply(&[Reply::Status(410)]);
    let machine = told_by(&receiver, "");
    let refused = machine.kado(&["notify", "test"]);

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    machine.configure(&format!(
        "[notify]\nwebhook = \"http://{address}/hunter2secret\"\n"
    ));
    let unreachable = machine.kado(&["notify", "test"]);

    machine.configure("");
    let nobody = machine.kado(&["notify", "test"]);

    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused
            .out
            .contains("(status 410)\n  → make the webhook anew"),
        "{refused:?}"
    );
    assert_eq!(unreachable.code, 4, "{unreachable:?}");
    assert!(
        unreachable.out.contains("cannot be reached"),
        "{unreachable:?}"
    );
    assert!(
        !format!("{unreachable:?}").contains("hunter2secret"),
        "{unreachable:?}"
    );
    assert_eq!(nobody.code, 2, "{nobody:?}");
    assert!(
        nobody.err.contains("kado.toml has no table `[notify]`"),
        "{nobody:?}"
    );
}

/// What each of the machines of issue 14 gives notice of, as `kind event`.
fn notices_of(service: &Service, receiver: &Receiver, machine: &Machine) -> Vec<String> {
    let first = receiver.wait_for(1);
    wait_for_delivered(machine, 1);
    assert_eq!(receiver.received().len(), 1, "{}", service.log());
    first.told()
}

#[test]
fn a_token_that_is_refused_is_told_once_whatever_waits_for_it() {
    let receiver = Receiver::new();
    let machine = told_by(&receiver, "");
    let shop = shop(&machine);
    machine.fake.world().set_tokens(&["another"]);
    let service = machine.start();

    write_run(&shop, 0, GOOD);
    write_run(&shop, -100, GOOD);

    assert_eq!(
        notices_of(&service, &receiver, &machine),
        ["credentials begun"]
    );
    let body = receiver.wait_for(1).body.to_string();
    assert!(!body.contains(TOKEN), "{body}");
}

#[test]
fn a_token_that_is_taken_again_ends_it() {
    let receiver = Receiver::new();
    let machine = told_by(&receiver, "");
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    let shop = shop(&machine);
    machine.fake.world().set_tokens(&["another"]);
    let service = clock.start(&machine);
    write_run(&shop, 0, GOOD);
    receiver.wait_for(1);
    wait_for_delivered(&machine, 1);

    machine.fake.world().set_tokens(&[TOKEN]);
    later(&clock, 2);
    // Somebody who mended it does not wait for the next attempt, unless the token was refused this
    // very moment.
    sleep(Duration::from_secs(4));
    machine.kado(&["runs", "retry", "1"]);
    let over = receiver.wait_for(2);
    service.stop_cleanly();

    assert_eq!(over.told(), ["credentials over"]);
}

#[test]
fn runs_that_wait_for_a_server_that_is_down_are_told_after_an_hour_as_one() {
    let receiver = Receiver::new();
    let machine = told_by(&receiver, "");
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    let shop = shop(&machine);
    let down = FaultAction::organization_stopped();
    machine.fake.fault(Fault::new("*", "", Nth::Every, down));
    let service = clock.start(&machine);
    for seconds in 0..5 {
        write_run(&shop, -100 * seconds, GOOD);
    }
    wait_for_count(&machine, 1, "cause WHERE kind = 'waiting'");
    assert_eq!(receiver.received().len(), 0, "the hour is not over");

    later(&clock, 61);
    let begun = receiver.wait_for(1);
    wait_for_delivered(&machine, 1);
    machine.fake.clear_faults();
    later(&clock, 90);
    let over = receiver.wait_for(2);
    service.stop_cleanly();

    assert_eq!(begun.told(), ["waiting begun"]);
    let text = begun.body["notifications"][0]["text"].as_str().unwrap();
    assert!(text.contains("nothing could be sent to"), "{text}");
    assert_eq!(over.told(), ["waiting over"]);
}

#[test]
fn a_folder_that_is_gone_is_told_when_it_stays_away() {
    let receiver = Receiver::new();
    let machine = told_by(&receiver, "");
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    let service = clock.start(&machine);

    fs::remove_dir_all(machine.work()).unwrap();
    later(&clock, 1);
    wait_for_count(&machine, 1, "cause WHERE kind = 'folder'");
    later(&clock, 4);
    let begun = receiver.wait_for(1);
    wait_for_delivered(&machine, 1);
    fs::create_dir_all(machine.work()).unwrap();
    later(&clock, 6);
    let over = receiver.wait_for(2);
    service.stop_cleanly();

    assert_eq!(begun.told(), ["folder begun"]);
    assert_eq!(over.told(), ["folder over"]);
}

#[test]
fn a_machine_that_is_silent_for_two_days_is_told_and_so_is_the_next_run() {
    let receiver = Receiver::new();
    let machine = told_by(&receiver, "");
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    let shop = shop(&machine);
    let service = clock.start(&machine);
    write_run(&shop, 0, GOOD);
    machine.wait_for_completed(1);

    later(&clock, 48 * 60);
    let begun = receiver.wait_for(1);
    wait_for_delivered(&machine, 1);
    let mut status = machine.command(&["status", "--json"]);
    clock.give_to(&mut status);
    let status = crate::support::finish(status);
    later(&clock, 48 * 60 + 2);
    write_run(&shop, 48 * 3600, GOOD);
    let over = receiver.wait_for(2);
    service.stop_cleanly();

    assert_eq!(begun.told(), ["silence begun"]);
    assert_eq!(status.code, 1, "{status:?}");
    assert!(status.out.contains("\"kind\": \"silence\""), "{status:?}");
    assert_eq!(over.told(), ["silence over"]);
}

#[test]
fn a_silence_that_nobody_asked_about_is_a_note_and_no_failure() {
    let machine = Machine::new();
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    let service = clock.start(&machine);
    service.stop_cleanly();

    later(&clock, 48 * 60);
    let mut status = machine.command(&["status"]);
    clock.give_to(&mut status);
    let status = crate::support::finish(status);

    assert_eq!(status.code, 0, "{status:?}");
    assert!(
        status
            .out
            .contains("note: no Katalon run was seen for 2 days"),
        "{status:?}"
    );
}

#[test]
fn a_machine_on_which_all_is_well_tells_nothing() {
    let receiver = Receiver::new();
    let machine = told_by(&receiver, "");
    let shop = shop(&machine);
    write_run(&shop, 0, GOOD);

    let once = machine.kado(&["run", "--once"]);

    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(receiver.received().len(), 0);
}

#[test]
fn runs_that_are_older_than_the_history_are_no_news() {
    let receiver = Receiver::new();
    let machine = Machine::new();
    let url = receiver.url();
    machine.configure(&format!("[notify]\nwebhook = \"{url}\"\n"));
    let shop = shop(&machine);
    write_run(&shop, -9000, PARKED);

    machine.kado(&["run", "--once"]);

    assert_eq!(receiver.received().len(), 0);
}
