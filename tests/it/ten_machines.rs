//! What a stranger learns who has only the page, only the terminal, or only the numbers of a
//! machine, and what was told without anybody asking: ten machines, each with something else.
//!
//! A snapshot has the views of one machine side by side, for a person to read: what is wrong, and
//! what to do, has to stand in each. Of the numbers it has those that are not 0, and the alert that
//! they fire.

#![expect(clippy::disallowed_methods, reason = "tests read documents")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::Test;
use jiff::SignedDuration;
use regex::Regex;

use crate::disk::Disk;
use crate::katalon_submits::{NAME, upload};
use crate::notifications::wait_for_count;
use crate::page::{get, port};
use crate::support::{Machine, Receiver, Service, age, finish, finished, now, tc, wait_until};
use crate::watching::Clock;

const GOOD: &str = "Sign in";
const PARKED: &str = "Without a point";
const PAGE: &str = "[status_page]\nlisten = \"127.0.0.1:0\"\n";

/// A machine with a page, whose people are told by a receiver.
fn machine(receiver: &Receiver, history: &str) -> (Machine, PathBuf) {
    let machine = Machine::new();
    configure(&machine, receiver, history);
    let shop = machine.shop(&[(PARKED, "1099"), (GOOD, "1001")]);
    (machine, shop)
}

fn configure(machine: &Machine, receiver: &Receiver, history: &str) {
    let url = receiver.url();
    machine.configure(&format!(
        "history = \"{history}\"\n{PAGE}[notify]\nwebhook = \"{url}\"\n"
    ));
}

/// Writes a run that is over, so many seconds from now.
fn write_run(shop: &Path, seconds: i64, test: &str) -> PathBuf {
    let run = finished([Test::passed(&tc(test))]);
    let start = now() + SignedDuration::from_secs(seconds);
    let folder = run.start(start).write_in(shop).unwrap();
    age(&folder);

    folder
}

/// The text of a page from its sentence to the end of what needs a person, a line for each block.
fn page_text(html: &str) -> String {
    let from = html.find("<div id=\"sentence\"").unwrap();
    let problems = html.find("<section id=\"problems\"").unwrap();
    let behind = html[problems..].find("</section>").unwrap();
    let counters = html.find("<section id=\"counters\"").unwrap_or(problems);
    let html = format!(
        "{}{}",
        &html[from..counters.min(problems)],
        &html[problems..problems + behind]
    );

    let tags = Regex::new("<[^>]*>").unwrap();
    let mut text = String::new();
    for line in html.replace("<p class=\"hint\">", "\n  ").lines() {
        let plain = tags.replace_all(line, "");
        if !plain.trim().is_empty() {
            text.push_str(&format!("{}\n", plain.trim_end()));
        }
    }
    for (escaped, letter) in [
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
    ] {
        text = text.replace(escaped, letter);
    }
    text
}

/// The page of a service, once its sentence says this.
fn page(service: &Service, sentence: &str) -> String {
    let port = port(service);
    wait_until(&format!("a page that says `{sentence}`"), || {
        let text = page_text(&get(port, "/").1);
        if text
            .lines()
            .next()
            .is_some_and(|line| line.contains(sentence))
        {
            Ok(text)
        } else {
            Err(text)
        }
    })
}

/// The numbers that say something, and of each alert that they fire what it tells.
fn numbers(text: &str, alerts: &[&str]) -> String {
    let mut told = String::new();
    for line in text.lines() {
        let is_told = ["kado_problems", "kado_notes", "kado_runs"]
            .iter()
            .any(|name| line.starts_with(name) && !line.ends_with(" 0.0"));
        if is_told || line.starts_with("kado_service_running") {
            told.push_str(&format!("{line}\n"));
        }
    }

    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/monitoring/kado.rules.yml");
    let rules = fs::read_to_string(rules).unwrap();
    for alert in alerts {
        let (_, rule) = rules.split_once(&format!("- alert: {alert}\n")).unwrap();
        let rule = rule.split("\n\n").next().unwrap();
        let (_, words) = rule.split_once("annotations:").unwrap();
        let (summary, description) = words.split_once("description: >-").unwrap();
        let summary = summary.replace("summary:", "");
        told.push_str(&format!(
            "{alert}: {}\n  → {}\n",
            in_one_line(&summary).trim_matches('"'),
            in_one_line(description)
        ));
    }
    told
}

fn in_one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// Everything that a person may look at.
struct Views<'a> {
    machine: &'a Machine,
    /// That of the service, where it has another one than this machine.
    clock: Option<&'a Clock>,
    /// The alerts that its numbers fire; `tests/it/monitoring` proves that of each.
    alerts: &'a [&'a str],
}

impl Views<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.machine.command(arguments);
        if let Some(clock) = self.clock {
            clock.give_to(&mut command);
        }
        command
    }

    /// All views, where this is the text of the page, and this is the code of `kado status`.
    fn told(&self, page: &str, code: i32, receiver: &Receiver) -> String {
        let status = finish(self.command(&["status"]));
        let metrics = finish(self.command(&["metrics"]));

        assert_eq!(status.code, code, "{status:?}");
        let from = status.out.find("Waiting").unwrap_or_default();
        let service = status.out.lines().next().unwrap_or_default();
        let told = told_by(receiver);
        let all = format!(
            "PAGE\n{page}\nTERMINAL, exit code {code}\n{service}\n{}\nNUMBERS\n{}\nNOTIFICATION\n{told}",
            &status.out[from..],
            numbers(&metrics.out, self.alerts),
        );
        self.machine.readable(&all)
    }
}

/// Each notification that came, with its text and what it says to do.
fn told_by(receiver: &Receiver) -> String {
    let mut told = String::new();
    for message in receiver.received() {
        let notifications = message.body["notifications"].as_array().unwrap().clone();
        for (kind, one) in message.told().iter().zip(notifications) {
            let text = one["text"].as_str().unwrap_or_default();
            let hint = one["hint"].as_str().unwrap_or_default();
            told.push_str(&format!("{kind}: {text}\n  → {hint}\n"));
        }
    }
    if told.is_empty() {
        "none\n".to_owned()
    } else {
        told
    }
}

/// Asserts what a stranger reads, without what differs from time to time.
fn assert_told(name: &str, told: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path("snapshots/ten_machines");

    for (varies, word) in [
        (
            r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?[+-]\d\d:\d\d|Z)",
            "[time]",
        ),
        (
            r"(since|again at|at) (\d{4}-\d\d-\d\d )?\d\d:\d\d\b",
            "$1 [time]",
        ),
        (r"arrived \d+ \w+ ago", "arrived [span] ago"),
        (
            r"(running|unknown).* for [^,]* as \S+, version \S+",
            "$1 for [span] as [account], version [version]",
        ),
        (r"\d{8}_\d{6}", "[run]"),
        (r"u:[\w.-]+:rX", "u:[account]:rX"),
        (
            r"`[\w.-]+`, which kado runs as",
            "`[account]`, which kado runs as",
        ),
    ] {
        settings.add_filter(varies, word);
    }

    settings.bind(|| insta::assert_snapshot!(name, told));
}

#[test]
fn all_well() {
    let receiver = Receiver::new();
    let (machine, shop) = machine(&receiver, "all");
    let service = machine.start();
    write_run(&shop, 0, GOOD);
    machine.wait_for_completed(1);

    let page = page(&service, "All sent");

    let views = Views {
        machine: &machine,
        clock: None,
        alerts: &[],
    };
    assert_told("all_well", &views.told(&page, 0, &receiver));
}

#[test]
fn the_token_is_refused() {
    let receiver = Receiver::new();
    let (machine, shop) = machine(&receiver, "all");
    machine.fake.world().set_tokens(&["another"]);
    let service = machine.start();
    write_run(&shop, 0, GOOD);
    write_run(&shop, -100, GOOD);

    let page = page(&service, "2 runs wait");

    receiver.wait_for(1);
    let views = Views {
        machine: &machine,
        clock: None,
        alerts: &["KadoCredentials"],
    };
    assert_told("token_refused", &views.told(&page, 1, &receiver));
}

#[cfg(target_os = "linux")]
#[test]
fn a_watched_folder_is_closed() {
    use crate::support::{ClosedFolder, as_ordinary_account};

    let receiver = Receiver::new();
    let (machine, _) = machine(&receiver, "all");
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    let mut start = machine.command(&["run"]);
    clock.give_to(&mut start);
    let Some(start) = as_ordinary_account(&start) else {
        return;
    };
    let _closed = ClosedFolder::new(&machine.work());
    let service = machine.start_as(start);

    wait_for_count(&machine, 1, "cause WHERE kind = 'folder'");
    clock.set(SignedDuration::from_secs(185));
    receiver.wait_for(1);
    let page = page(&service, "is closed");

    let views = Views {
        machine: &machine,
        clock: Some(&clock),
        alerts: &["KadoCannotWork"],
    };
    assert_told("folder_closed", &views.told(&page, 1, &receiver));
}

#[test]
fn the_service_is_dead() {
    let receiver = Receiver::new();
    let (machine, _) = machine(&receiver, "all");
    let service = machine.start();
    service.wait_for_log("found a Katalon project");
    service.kill();

    let views = Views {
        machine: &machine,
        clock: None,
        alerts: &["KadoDown"],
    };
    let told = views.told("nobody answers\n", 1, &receiver);

    assert_told("service_dead", &told);
}

#[test]
fn a_run_is_parked_for_a_missing_point() {
    let receiver = Receiver::new();
    let (machine, shop) = machine(&receiver, "all");
    let service = machine.start();
    write_run(&shop, 0, PARKED);

    let page = page(&service, "1 run needs you");

    receiver.wait_for(1);
    let views = Views {
        machine: &machine,
        clock: None,
        alerts: &["KadoRunParked"],
    };
    assert_told("run_parked", &views.told(&page, 1, &receiver));
}

#[test]
fn fifty_runs_wait_for_a_server_that_is_down() {
    let receiver = Receiver::new();
    let (machine, shop) = machine(&receiver, "all");
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    let down = FaultAction::organization_stopped();
    machine.fake.fault(Fault::new("*", "", Nth::Every, down));
    for number in 0..50 {
        write_run(&shop, -100 * number, GOOD);
    }
    let service = clock.start(&machine);

    machine.wait_for_rows("50 runs", |rows| rows.len() == 50);
    wait_for_count(&machine, 1, "cause WHERE kind = 'waiting'");
    clock.set(SignedDuration::from_secs(61 * 60));
    receiver.wait_for(1);
    let page = page(&service, "50 runs wait");

    let views = Views {
        machine: &machine,
        clock: Some(&clock),
        alerts: &["KadoBacklog"],
    };
    assert_told("server_down", &views.told(&page, 1, &receiver));
}

#[test]
fn the_disk_is_full() {
    let receiver = Receiver::new();
    let (machine, _) = machine(&receiver, "all");
    let Some(disk) = Disk::mount(&machine.state()) else {
        return;
    };
    // There is little room from the beginning, and of that nobody is to be told here.
    machine.configure(&format!("history = \"all\"\n{PAGE}"));
    let service = machine.start();
    let port = port(&service);
    get(port, "/");
    disk.fill();
    configure(&machine, &receiver, "all");

    receiver.wait_for(1);
    let page = page(&service, "no room");

    let views = Views {
        machine: &machine,
        clock: None,
        alerts: &["KadoCannotWork"],
    };
    assert_told("disk_full", &views.told(&page, 1, &receiver));
}

#[test]
fn no_run_was_seen_for_two_days() {
    let receiver = Receiver::new();
    let (machine, shop) = machine(&receiver, "all");
    let Some(clock) = Clock::new(&machine) else {
        return;
    };
    let service = clock.start(&machine);
    write_run(&shop, 0, GOOD);
    machine.wait_for_completed(1);

    clock.set(SignedDuration::from_secs(48 * 3600 + 5));
    receiver.wait_for(1);
    let page = page(&service, "No Katalon run was seen");

    let views = Views {
        machine: &machine,
        clock: Some(&clock),
        alerts: &["KadoSilent"],
    };
    assert_told("silent", &views.told(&page, 1, &receiver));
}

#[test]
fn katalon_submits_as_well() {
    let receiver = Receiver::new();
    let (machine, shop) = machine(&receiver, "all");
    let service = machine.start();
    let first = write_run(&shop, -100, GOOD);
    machine.wait_for_completed(1);
    let upload = upload(&machine, &first, NAME, Some);
    machine.fake.world().add_katalon_upload(upload);
    // kado looks at what is there when it sends the next one.
    write_run(&shop, 0, GOOD);

    let page = page(&service, "Katalon submits as well");

    let views = Views {
        machine: &machine,
        clock: None,
        alerts: &["KadoDouble"],
    };
    assert_told("katalon_submits_as_well", &views.told(&page, 0, &receiver));
}

#[test]
fn runs_from_before_kado_are_left() {
    let receiver = Receiver::new();
    let (machine, shop) = machine(&receiver, "new");
    for number in 1..=3 {
        write_run(&shop, -9000 * number, GOOD);
    }
    let service = machine.start();

    let page = page(&service, "3 runs from before kado are left");

    let views = Views {
        machine: &machine,
        clock: None,
        alerts: &[],
    };
    assert_told("older_runs", &views.told(&page, 0, &receiver));
}
