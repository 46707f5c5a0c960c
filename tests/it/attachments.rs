//! Files of a run: which are sent, to what, how often, and what is said of those that are not.

#![expect(clippy::disallowed_methods, reason = "tests lay out files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};

use fake_katalon::{AzureSettings, Sending, SuiteRunWriter, Test};
use serde_json::Value;

use crate::support::{Machine, finished, names, tc};

const CASES: [(&str, &str); 2] = [("Sign in", "1001"), ("Add to cart", "1002")];

/// A failed test with a screenshot, and one that passed.
fn failed_run() -> SuiteRunWriter {
    finished([
        Test::passed(&tc("Sign in")),
        Test::failed(&tc("Add to cart"), "the cart is empty").screenshot(),
    ])
    .reports(&["html", "csv", "pdf"])
}

fn passed_run() -> SuiteRunWriter {
    finished([Test::passed(&tc("Sign in"))])
}

/// A shop whose settings were altered.
fn shop(machine: &Machine, alter: impl FnOnce(&mut AzureSettings)) -> PathBuf {
    let mut settings = machine.settings();
    alter(&mut settings);
    machine.shop_with(settings, &CASES)
}

/// Lets the log name the only screenshot a second time, as Katalon does when a listener logs it
/// too.
fn name_screenshot_twice(folder: &Path) -> String {
    let path = folder.join("execution0.log");
    let log = fs::read_to_string(&path).unwrap();
    let (before, _) = log
        .split_once("<property name=\"attachment\">")
        .expect("the log names a screenshot");
    let start = before.rfind("<record>").unwrap();
    let end = start + log[start..].find("</record>\n").unwrap() + "</record>\n".len();
    let record = &log[start..end];
    fs::write(&path, format!("{}{record}{}", &log[..end], &log[end..])).unwrap();
    let (_, name) = record.split_once("<property name=\"attachment\">").unwrap();

    name.split('<').next().unwrap().to_owned()
}

fn extensions(names: &[String]) -> Vec<String> {
    names
        .iter()
        .map(|name| name.rsplit('.').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn screenshots_go_to_the_result_and_logs_and_reports_to_the_run() {
    let machine = Machine::new();
    let shop = shop(&machine, |settings| {
        settings.file_types = types(&["LOG", "PNG", "HTML", "PDF", "CSV"]);
    });

    let folder = failed_run().write_in(&shop).unwrap();

    assert_eq!(machine.submit_folder(&folder).code, 0);
    let run = machine.ado_run();
    assert_eq!(
        extensions(&names(&run.attachments)),
        ["csv", "html", "pdf", "log"]
    );
    assert!(run.result_of_point(11).unwrap().attachments.is_empty());
    let screenshots = &run.result_of_point(12).unwrap().attachments;
    assert_eq!(extensions(&names(screenshots)), ["png"]);

    let sent = fs::read(folder.join(&screenshots[0].file_name)).unwrap();

    assert_eq!(screenshots[0].bytes, sent);
    let log = run
        .attachments
        .iter()
        .find(|file| file.file_name == "execution0.log")
        .unwrap();
    assert_eq!(log.bytes, fs::read(folder.join("execution0.log")).unwrap());
}

#[test]
fn a_screenshot_that_the_log_names_twice_is_sent_once() {
    let machine = Machine::new();
    let shop = shop(&machine, |_| {});

    let folder = failed_run().write_in(&shop).unwrap();

    let name = name_screenshot_twice(&folder);
    assert_eq!(machine.submit_folder(&folder).code, 0);
    let run = machine.ado_run();
    assert_eq!(names(&run.result_of_point(12).unwrap().attachments), [name]);
    assert!(
        !names(&run.attachments)
            .iter()
            .any(|name| name.ends_with(".png"))
    );
}

#[test]
fn a_screenshot_goes_to_each_point_of_its_test() {
    let machine = Machine::with(crate::support::world().point(52, 22, 1002, 2));
    let shop = shop(&machine, |settings| settings.multiple_points = true);

    assert_eq!(machine.submit(&shop, &failed_run()).code, 0);
    let run = machine.ado_run();
    for point in [12, 52] {
        assert_eq!(
            extensions(&names(&run.result_of_point(point).unwrap().attachments)),
            ["png"],
            "{point}"
        );
    }
}

#[test]
fn a_screenshot_of_a_test_that_is_not_submitted_is_not_sent() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001"), ("Add to cart", "")]);

    assert_eq!(machine.submit(&shop, &failed_run()).code, 0);
    let run = machine.ado_run();
    assert!(
        run.results
            .iter()
            .all(|result| result.attachments.is_empty())
    );
    assert!(
        !names(&run.attachments)
            .iter()
            .any(|name| name.ends_with(".png")),
        "{:?}",
        names(&run.attachments)
    );
}

#[test]
fn a_png_that_no_test_names_goes_to_the_run() {
    let machine = Machine::new();
    let shop = shop(&machine, |_| {});

    let folder = failed_run().write_in(&shop).unwrap();

    fs::create_dir(folder.join("keyes")).unwrap();
    fs::write(folder.join("keyes/diff.png"), fake_katalon::png(7)).unwrap();
    assert_eq!(machine.submit_folder(&folder).code, 0);
    assert!(names(&machine.ado_run().attachments).contains(&"diff.png".to_owned()));
}

#[test]
fn working_files_of_katalon_are_never_sent() {
    let machine = Machine::new();
    let shop = shop(&machine, |settings| {
        settings.sending = Sending::All;
        settings.file_types = types(&["LOG", "PNG", "HTML", "PDF", "CSV"]);
    });

    let folder = failed_run().write_in(&shop).unwrap();

    fs::write(folder.join("core.dump"), "memory").unwrap();
    let there = crate::support::files(&folder);
    for name in [
        "console0.log",
        "execution.properties",
        "testCaseBinding",
        "execution.uuid",
        "JUnit_Report.xml",
    ] {
        assert!(
            there.contains(&name.to_owned()),
            "{name} is missing in {there:?}"
        );
    }
    assert_eq!(machine.submit_folder(&folder).code, 0);
    let run = machine.ado_run();
    let mut sent = names(&run.attachments);
    sent.extend(
        run.results
            .iter()
            .flat_map(|result| names(&result.attachments)),
    );
    assert_eq!(sent.len(), 5, "{sent:?}");
    assert!(
        sent.iter()
            .all(|name| name == "execution0.log" || !name.ends_with(".log")),
        "{sent:?}"
    );
}

#[test]
fn a_run_that_passed_sends_files_only_when_all_runs_do() {
    for (sending, count) in [(Sending::IfFails, 0), (Sending::All, 2)] {
        let machine = Machine::new();
        let shop = shop(&machine, |settings| settings.sending = sending);

        assert_eq!(machine.submit(&shop, &passed_run()).code, 0);
        assert_eq!(machine.ado_run().attachments.len(), count, "{sending:?}");
    }
}

#[test]
fn a_test_that_was_skipped_broke_or_never_ended_counts_as_one_that_did_not_pass() {
    let name = tc("Sign in");
    let torn_off = finished([Test::incomplete(&name)]).ending(fake_katalon::Ending::Crashed);

    for run in [
        finished([Test::skipped(&name)]),
        finished([Test::error(&name, "no such property")]),
        torn_off,
    ] {
        let machine = Machine::new();
        let shop = shop(&machine, |_| {});

        assert_eq!(machine.submit(&shop, &run).code, 0);
        assert_eq!(
            extensions(&names(&machine.ado_run().attachments)),
            ["html", "log"]
        );
    }
}

#[test]
fn attachments_that_are_switched_off_are_not_sent() {
    let machine = Machine::new();
    let shop = shop(&machine, |settings| settings.attachments = false);

    assert_eq!(machine.submit(&shop, &failed_run()).code, 0);
    assert_eq!(sent(&machine), [""; 0]);
}

#[test]
fn an_empty_list_of_kado_sends_no_files() {
    let machine = Machine::new();
    machine.configure("[submit]\nattachments = []\n");
    let shop = shop(&machine, |settings| settings.sending = Sending::All);

    assert_eq!(machine.submit(&shop, &failed_run()).code, 0);
    assert_eq!(sent(&machine), [""; 0]);
}

#[test]
fn kado_overrides_which_files_are_sent_and_when() {
    let machine = Machine::new();
    machine.configure("[submit]\nattachments = [\"CSV\"]\nattach = \"all\"\n");
    let shop = shop(&machine, |settings| settings.attachments = false);

    assert_eq!(machine.submit(&shop, &passed_run()).code, 0);
    assert_eq!(sent(&machine), ["csv"]);
}

#[test]
fn each_file_type_is_sent_by_its_own_word() {
    for (word, extension) in [
        ("LOG", "log"),
        ("PNG", "png"),
        ("HTML", "html"),
        ("PDF", "pdf"),
        ("CSV", "csv"),
    ] {
        let machine = Machine::new();
        let shop = shop(&machine, |settings| settings.file_types = types(&[word]));

        assert_eq!(machine.submit(&shop, &failed_run()).code, 0);
        assert_eq!(sent(&machine), [extension], "{word}");
    }
}

#[test]
fn without_a_choice_in_the_project_all_but_csv_are_sent() {
    for chosen in [None, types(&[])] {
        let machine = Machine::new();
        let shop = shop(&machine, |settings| settings.file_types = chosen);

        assert_eq!(machine.submit(&shop, &failed_run()).code, 0);
        assert_eq!(sent(&machine), ["html", "log", "pdf", "png"]);
    }
}

#[test]
fn a_file_over_the_limit_is_named_and_not_sent() {
    let machine = Machine::new();
    machine.configure("[azure]\nmax_attachment = \"100 KiB\"\n");
    let shop = shop(&machine, |_| {});

    let folder = failed_run().write_in(&shop).unwrap();

    fs::write(folder.join("film.png"), vec![7; 100 * 1024 + 1]).unwrap();
    let submitted = machine.submit_folder(&folder);
    assert_eq!(submitted.code, 1, "{submitted:?}");
    let run = machine.ado_run();
    assert_eq!(run.state, "Completed");
    assert!(!names(&run.attachments).contains(&"film.png".to_owned()));
    assert!(
        run.comment.as_deref().unwrap().contains("film.png"),
        "{:?}",
        run.comment
    );
    assert!(submitted.out.contains("film.png"), "{submitted:?}");
    let skipped = &machine.row()["skipped"];
    assert!(
        skipped[0]["reason"].as_str().unwrap().contains("film.png"),
        "{skipped}"
    );
    assert_eq!(&skipped[0]["test"], &Value::Null);
    assert_eq!(&skipped[0]["azure_id"], &Value::Null);
}

#[test]
fn a_file_that_azure_devops_refuses_is_named_and_the_run_is_completed() {
    let machine = Machine::with(
        crate::support::world().with(|settings| settings.max_attachment_bytes = 64 * 1024),
    );
    let shop = shop(&machine, |_| {});

    let folder = failed_run().write_in(&shop).unwrap();

    fs::write(folder.join("film.png"), vec![7; 64 * 1024 + 1]).unwrap();
    let submitted = machine.submit_folder(&folder);
    assert_eq!(submitted.code, 1, "{submitted:?}");
    let run = machine.ado_run();
    assert_eq!(run.state, "Completed");
    assert!(
        run.comment.as_deref().unwrap().contains("film.png"),
        "{:?}",
        run.comment
    );
    assert!(submitted.out.contains("film.png"), "{submitted:?}");
}

#[test]
fn a_screenshot_that_is_gone_is_named() {
    let machine = Machine::new();
    let shop = shop(&machine, |_| {});

    let folder = failed_run().write_in(&shop).unwrap();

    let screenshot = crate::support::files(&folder)
        .into_iter()
        .find(|name| name.ends_with(".png"))
        .unwrap();
    fs::remove_file(folder.join(&screenshot)).unwrap();
    let submitted = machine.submit_folder(&folder);
    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert!(machine.ado_run().comment.unwrap().contains(&screenshot));
}

#[cfg(unix)]
#[test]
fn no_link_leads_out_of_the_run_folder() {
    let machine = Machine::new();
    let shop = shop(&machine, |settings| settings.sending = Sending::All);

    let folder = failed_run().write_in(&shop).unwrap();
    let secret = machine.root().join("secret.txt");
    fs::write(&secret, "a private key").unwrap();
    std::os::unix::fs::symlink(&secret, folder.join("innocent.html")).unwrap();
    let screenshot = crate::support::files(&folder)
        .into_iter()
        .find(|name| name.ends_with(".png"))
        .unwrap();
    fs::remove_file(folder.join(&screenshot)).unwrap();
    std::os::unix::fs::symlink(&secret, folder.join(&screenshot)).unwrap();
    machine.submit_folder(&folder);

    let run = machine.ado_run();
    let all = run
        .results
        .iter()
        .flat_map(|result| &result.attachments)
        .chain(&run.attachments);
    let leaked: Vec<_> = all
        .filter(|file| file.bytes == b"a private key")
        .map(|file| &file.file_name)
        .collect();
    assert_eq!(leaked, [""; 0]);
}

fn types(words: &[&str]) -> Option<Vec<String>> {
    Some(words.iter().map(|word| (*word).to_owned()).collect())
}

/// Extensions of all files in ADO, sorted.
fn sent(machine: &Machine) -> Vec<String> {
    let run = machine.ado_run();
    let mut names = names(&run.attachments);
    names.extend(
        run.results
            .iter()
            .flat_map(|result| crate::support::names(&result.attachments)),
    );
    let mut found = extensions(&names);
    found.sort();

    found
}

#[test]
fn names_of_files_arrive_as_they_are() {
    let machine = Machine::new();
    let shop = shop(&machine, |_| {});

    let folder = failed_run().write_in(&shop).unwrap();

    fs::write(folder.join("Größe & Länge #1 (東京).html"), "<p>").unwrap();
    assert_eq!(machine.submit_folder(&folder).code, 0);
    let names = names(&machine.ado_run().attachments);
    assert!(
        names.contains(&"Größe & Länge #1 (東京).html".to_owned()),
        "{names:?}"
    );
}

#[test]
fn two_files_of_one_name_can_be_told_apart() {
    let machine = Machine::new();
    let shop = shop(&machine, |_| {});

    let folder = failed_run().write_in(&shop).unwrap();

    for place in ["before", "after"] {
        fs::create_dir(folder.join(place)).unwrap();
        fs::write(folder.join(place).join("page.html"), place).unwrap();
    }
    assert_eq!(machine.submit_folder(&folder).code, 0);
    let run = machine.ado_run();
    let pages: Vec<_> = run
        .attachments
        .iter()
        .filter(|file| file.file_name.contains("page.html"))
        .collect();
    assert_eq!(pages.len(), 2);
    assert_ne!(pages[0].file_name, pages[1].file_name);
}

/// A run whose only screenshot was moved to another place, or is called otherwise, or both.
fn run_with_moved_screenshot(shop: &Path, on_disk: &Path, logged: &str) -> PathBuf {
    let folder = failed_run().write_in(shop).unwrap();
    let screenshot = crate::support::files(&folder)
        .into_iter()
        .find(|name| name.ends_with(".png"))
        .unwrap();

    let target = folder.join(on_disk);
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    fs::rename(folder.join(&screenshot), target).unwrap();
    let log = folder.join("execution0.log");
    let text = fs::read_to_string(&log).unwrap();
    let begin = "<property name=\"attachment\">";
    let old = format!("{begin}{screenshot}<");
    assert!(text.contains(&old));
    fs::write(&log, text.replace(&old, &format!("{begin}{logged}<"))).unwrap();
    folder
}

/// The screenshots of the test that took one.
fn screenshots(machine: &Machine) -> Vec<String> {
    names(&machine.ado_run().results[1].attachments)
}

#[test]
fn a_screenshot_in_the_project_goes_to_the_result_of_its_test() {
    let machine = Machine::new();
    let shop = shop(&machine, |_| {});
    let on_disk = shop.join("Screenshot/Fails/A.png");
    let folder = run_with_moved_screenshot(&shop, &on_disk, "Screenshot/Fails/A.png");

    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    assert_eq!(screenshots(&machine), ["A.png"]);
}

#[cfg(unix)]
#[test]
fn no_link_in_the_project_leads_to_a_screenshot() {
    let machine = Machine::new();
    let shop = shop(&machine, |_| {});
    let elsewhere = machine.root().join("elsewhere");
    let on_disk = elsewhere.join("A.png");
    let folder = run_with_moved_screenshot(&shop, &on_disk, "Screenshot/A.png");
    std::os::unix::fs::symlink(&elsewhere, shop.join("Screenshot")).unwrap();

    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 1, "{submitted:?}");
    assert_eq!(screenshots(&machine), [""; 0]);
}

#[cfg(unix)]
#[test]
fn a_screenshot_is_found_by_another_spelling_of_its_name() {
    for (on_disk, logged) in [
        ("Pru\u{308}fung.png", "Pr\u{fc}fung.png"),
        ("shot.PNG", "Shot.png"),
        (" a.png", " a.png"),
        ("a: b.png", "a: b.png"),
    ] {
        let machine = Machine::new();
        let shop = shop(&machine, |_| {});
        let folder = run_with_moved_screenshot(&shop, Path::new(on_disk), logged);

        let submitted = machine.submit_folder(&folder);

        assert_eq!(submitted.code, 0, "{on_disk} {submitted:?}");
        assert_eq!(screenshots(&machine).len(), 1, "{on_disk}");
    }
}

#[test]
fn shadow_files_are_never_sent() {
    let machine = Machine::new();
    let shop = shop(&machine, |settings| settings.sending = Sending::All);
    let folder = failed_run().write_in(&shop).unwrap();
    for name in [
        "._page.html",
        "~$page.html",
        "page.html.tmp",
        "page.html.lck",
    ] {
        fs::write(folder.join(name), "shadow").unwrap();
    }

    assert_eq!(machine.submit_folder(&folder).code, 0);
    let names = names(&machine.ado_run().attachments);
    assert!(!names.iter().any(|name| name.contains("page")), "{names:?}");
}
