//! Ten machines, and what the first sentence and the list below it say of each: what is wrong, and
//! what to do. A stranger has nothing but the page.

use std::path::Path;

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::Test;
use jiff::SignedDuration;

use crate::katalon_submits::{NAME, submit_beside, upload};
use crate::page::{get, machine_with_page, port};
use crate::support::{Machine, Service, finished, start_of, tc, wait_until};

/// Waits for a page whose first sentence holds a text; gives the sentence, and the whole page as it
/// reads.
fn page_with(machine: &Machine, text: &str) -> (String, String) {
    let service = machine.start();
    page_of(&service, text)
}

/// The same of a service that runs.
fn page_of(service: &Service, text: &str) -> (String, String) {
    let port = port(service);
    wait_until(&format!("a page that says `{text}`"), || {
        let (_, page) = get(port, "/");
        let plain = page.replace("&#39;", "'").replace("&#34;", "\"");
        let (_, behind) = plain.split_once("<h1>").unwrap_or_default();
        let sentence = behind.split("</h1>").next().unwrap_or_default();
        if sentence.contains(text) {
            Ok((sentence.to_owned(), plain.clone()))
        } else {
            Err(plain)
        }
    })
}

fn with_run(machine: &Machine, id: &str) {
    let shop = machine.shop(&[("Sign in", id)]);
    finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();
}

#[test]
fn all_is_well() {
    let machine = machine_with_page();
    with_run(&machine, "1001");

    let (sentence, page) = page_with(&machine, "All sent");

    assert!(
        sentence.starts_with("All sent. The last run arrived"),
        "{sentence}"
    );
    assert!(!page.contains("What needs a person"), "{page}");
}

#[test]
fn a_token_is_refused() {
    let machine = machine_with_page();
    let refused = FaultAction::error(401, "UnauthorizedException", "the token has expired");
    machine.fake.fault(Fault::new("*", "", Nth::Every, refused));
    with_run(&machine, "1001");

    let (sentence, page) = page_with(&machine, "usable token");

    assert!(
        sentence.starts_with("1 run waits: there is no usable token for "),
        "{sentence}"
    );
    assert!(page.contains("refuses the token"), "{page}");
}

#[test]
fn a_run_is_parked_for_a_missing_point() {
    let machine = machine_with_page();
    with_run(&machine, "1099");

    let (sentence, page) = page_with(&machine, "needs you");

    assert_eq!(sentence, "1 run needs you.");
    assert!(page.contains("`kado runs retry 1` submits it"), "{page}");
    assert!(page.contains("1099"), "{page}");
}

#[test]
fn a_watched_folder_is_gone() {
    let machine = machine_with_page();
    let service = machine.start();
    let folder = machine.work();
    std::fs::remove_dir_all(&folder).unwrap();

    let (sentence, page) = page_of(&service, &folder.display().to_string());

    assert!(page.contains("What needs a person"), "{page}");
    assert!(!sentence.starts_with("All"), "{sentence}");
}

#[test]
fn older_runs_are_left() {
    let machine = Machine::new();
    machine.configure("[status_page]\nlisten = \"127.0.0.1:0\"\n");
    with_run(&machine, "1001");

    let (sentence, page) = page_with(&machine, "from before kado");

    assert_eq!(
        sentence,
        "All well. No run was sent yet, and 1 run from before kado is left."
    );
    assert!(page.contains("`history = \"all\"`"), "{page}");
}

#[test]
fn many_runs_wait_for_a_server_that_is_down() {
    let machine = machine_with_page();
    let down = FaultAction::unavailable();
    machine.fake.fault(Fault::new("*", "", Nth::Every, down));
    let shop = machine.shop(&[("Sign in", "1001")]);
    for minutes in 0..12 {
        finished([Test::passed(&tc("Sign in"))])
            .start(start_of() + SignedDuration::from_mins(minutes))
            .write_in(&shop)
            .unwrap();
    }

    let (sentence, page) = page_with(&machine, "12 runs wait");

    assert!(sentence.starts_with("12 runs wait: "), "{sentence}");
    assert!(page.contains("Next try"), "{page}");
}

#[test]
fn katalon_submits_as_well() {
    let (machine, _) = submit_beside(|machine: &Machine, folder: &Path| {
        upload(machine, folder, NAME, Some).first(1)
    });
    machine.configure("[status_page]\nlisten = \"127.0.0.1:0\"\n");

    let (sentence, page) = page_with(&machine, "Katalon submits as well");

    assert_eq!(sentence, "Katalon submits as well: 1 run arrived twice.");
    assert!(page.contains("`submit.katalon_wait`"), "{page}");
}
