//! Texts that are longer than ADO takes, and characters that it counts twice.

#![expect(clippy::disallowed_methods, reason = "tests change files")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;

use fake_ado::{Attachment, TestResult};
use fake_katalon::{AzureSettings, Test, TestCaseFile};

use crate::support::{Machine, finished, tc};

/// Length as ADO counts it.
fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn text_of(attachment: &Attachment) -> String {
    String::from_utf8(attachment.bytes.clone()).unwrap()
}

/// The result of a test that failed with this message.
fn failed_with(machine: &Machine, settings: AzureSettings, message: &str) -> TestResult {
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);

    let submitted = machine.submit(&shop, &finished([Test::failed(&tc("Sign in"), message)]));

    assert_eq!(submitted.code, 0, "{submitted:?}");
    machine.ado_run().results[0].clone()
}

/// What was cut stands whole in a file of the result.
fn assert_cut_and_attached(result: &TestResult, cut: &str, name: &str) {
    assert!(
        units(cut) <= 4000 && units(cut) >= 3999,
        "{} units",
        units(cut)
    );
    let file = result
        .attachments
        .iter()
        .find(|file| file.file_name.contains(name));
    let whole = text_of(file.unwrap_or_else(|| {
        panic!(
            "no {name}: {:?}",
            crate::support::names(&result.attachments)
        )
    }));
    assert!(units(&whole) > 4000);
    assert!(
        whole.starts_with(cut),
        "the file does not begin as the text does"
    );
}

#[test]
fn a_long_error_message_is_cut_and_attached_whole() {
    let machine = Machine::new();
    let message = format!("the cart is empty {} the end", "x".repeat(5000));
    let result = failed_with(&machine, machine.settings(), &message);

    assert_cut_and_attached(
        &result,
        result.error_message.as_deref().unwrap(),
        "error-message",
    );
    assert!(
        result
            .attachments
            .iter()
            .any(|file| text_of(file).contains("the end"))
    );
}

#[test]
fn a_long_stack_trace_is_cut_and_attached_whole() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);

    let lines: String = (0..200)
        .map(|n| format!("\tat com.example.Frame{n}.call(Frame.java:{n})\n"))
        .collect();

    let test = Test::failed(&tc("Sign in"), "no").stack(&format!("java.lang.Error: no\n{lines}"));
    assert_eq!(machine.submit(&shop, &finished([test])).code, 0);
    let result = machine.ado_run().results[0].clone();
    assert_cut_and_attached(
        &result,
        result.stack_trace.as_deref().unwrap(),
        "stack-trace",
    );
}

#[test]
fn a_character_that_counts_twice_is_never_halved() {
    for offset in 0..2 {
        let machine = Machine::new();
        let message = format!("{}{}", "x".repeat(offset), "🔑".repeat(2500));
        let result = failed_with(&machine, machine.settings(), &message);
        let cut = result.error_message.clone().unwrap();

        assert_cut_and_attached(&result, &cut, "error-message");
        assert!(cut.ends_with('🔑'), "{offset}");
    }
}

#[test]
fn a_long_message_is_cut_and_not_attached_where_attachments_are_off() {
    let machine = Machine::new();
    let settings = AzureSettings {
        attachments: false,
        ..machine.settings()
    };
    let result = failed_with(&machine, settings, &"x".repeat(5000));

    assert_eq!(units(result.error_message.as_deref().unwrap()), 4000);
    assert!(result.attachments.is_empty());
}

#[test]
fn a_message_within_the_limit_is_neither_cut_nor_attached() {
    let machine = Machine::new();
    let short = failed_with(&machine, machine.settings(), &"x".repeat(3000));

    assert_eq!(crate::support::names(&short.attachments), [""; 0]);
}

#[test]
fn a_long_run_name_is_cut_at_a_character() {
    let machine = Machine::new();
    let settings = AzureSettings {
        run_name: format!("{}🔑🔑", "n".repeat(255)),
        ..machine.settings()
    };
    let shop = machine.shop_with(settings, &[("Sign in", "1001")]);

    assert_eq!(
        machine
            .submit(&shop, &finished([Test::passed(&tc("Sign in"))]))
            .code,
        0
    );
    assert_eq!(machine.ado_run().name, "n".repeat(255));
}

#[test]
fn a_long_host_name_is_cut() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);

    assert_eq!(
        machine
            .submit(
                &shop,
                &finished([Test::passed(&tc("Sign in"))]).host(&"h".repeat(400))
            )
            .code,
        0
    );
    assert_eq!(
        units(
            machine.ado_run().results[0]
                .computer_name
                .as_deref()
                .unwrap()
        ),
        256
    );
}

#[test]
fn letters_of_all_scripts_arrive_as_they_are() {
    let machine = Machine::new();
    let message = "Erwartet „Öl & Wasser“ <1>, war 東京 — Привет 🔑";
    let shop = machine.shop(&[("Zahlung per Überweisung", "1001")]);
    let name = tc("Zahlung per Überweisung");

    assert_eq!(
        machine
            .submit(&shop, &finished([Test::failed(&name, message)]))
            .code,
        0
    );
    let result = machine.ado_run().results[0].clone();
    assert!(
        result.error_message.as_deref().unwrap().contains(message),
        "{:?}",
        result.error_message
    );
    assert_eq!(
        result.automated_test_name.as_deref(),
        Some("Zahlung per Überweisung")
    );
}

#[test]
fn a_list_that_does_not_fit_into_the_comment_is_attached_whole() {
    let machine = Machine::new();
    let name = |n: u32| format!("Not in the plan {n:02}");
    let cases = (0..30).map(|n| TestCaseFile::new(&tc(&name(n))).azure(&(9000 + n).to_string()));
    let cases = cases.chain([TestCaseFile::new(&tc("Sign in")).azure("1001")]);
    let shop = machine.project("Shop", machine.settings(), cases);
    let tests = (0..30)
        .map(|n| Test::passed(&tc(&name(n))))
        .chain([Test::passed(&tc("Sign in"))]);

    let submitted = machine.submit(&shop, &finished(tests));

    assert_eq!(submitted.code, 1, "{submitted:?}");
    let run = machine.ado_run();
    let comment = run.comment.unwrap();
    assert!(units(&comment) <= 1000, "{} units", units(&comment));
    assert!(comment.starts_with("kado:"), "{comment}");
    let shown = comment
        .lines()
        .filter(|line| line.starts_with("- "))
        .count();
    assert!(shown > 0, "{comment}");
    assert!(
        comment.ends_with(&format!("… and {} more, see kado-left-out.txt", 30 - shown)),
        "{comment}"
    );
    let list = text_of(
        run.attachments
            .iter()
            .find(|file| file.file_name == "kado-left-out.txt")
            .unwrap(),
    );
    for n in 0..30 {
        assert!(
            list.contains(&name(n)) && list.contains(&(9000 + n).to_string()),
            "{list}"
        );
    }
}

#[test]
fn the_list_of_what_was_left_out_is_attached_even_where_attachments_are_off() {
    let machine = Machine::new();
    let settings = AzureSettings {
        attachments: false,
        ..machine.settings()
    };
    let cases = (0..30)
        .map(|n| TestCaseFile::new(&tc(&format!("Case {n}"))).azure(&(9000 + n).to_string()));
    let cases = cases.chain([TestCaseFile::new(&tc("Sign in")).azure("1001")]);
    let shop = machine.project("Shop", settings, cases);
    let tests = (0..30)
        .map(|n| Test::passed(&tc(&format!("Case {n}"))))
        .chain([Test::passed(&tc("Sign in"))]);

    assert_eq!(machine.submit(&shop, &finished(tests)).code, 1);
    let run = machine.ado_run();
    assert!(
        run.comment
            .unwrap()
            .ends_with("more, see kado-left-out.txt")
    );
    assert_eq!(
        crate::support::names(&run.attachments),
        ["kado-left-out.txt"]
    );
}

#[test]
fn a_message_of_a_megabyte_is_attached_whole() {
    let machine = Machine::new();
    let message = format!("{}the end", "0123456789abcde ".repeat(64 * 1024));

    let result = failed_with(&machine, machine.settings(), &message);

    let file = result
        .attachments
        .iter()
        .find(|file| file.file_name == "error-message.txt")
        .unwrap();
    assert_eq!(text_of(file), message);
}

/// Submits a failed run whose log was changed.
fn submit_changed(machine: &Machine, change: impl FnOnce(String) -> String) -> i32 {
    let shop = machine.shop(&[("Sign in", "1001")]);
    let test = Test::failed(&tc("Sign in"), "it is RED or so").screenshot();
    let folder = finished([test]).write_in(&shop).unwrap();

    let log = folder.join("execution0.log");
    let text = fs::read_to_string(&log).unwrap();
    let changed = change(text.clone());
    assert_ne!(changed, text);
    fs::write(&log, changed).unwrap();

    machine.submit_folder(&folder).code
}

#[test]
fn terminal_sequences_are_removed_whole() {
    let machine = Machine::new();
    let colours = "&#27;[1;31mred&#27;[0m &#27;]8;;https://example.com&#7;(link)&#27;]8;;&#7;";

    let code = submit_changed(&machine, |log| log.replace("RED", colours));

    assert_eq!(code, 0);
    let message = machine.ado_run().results[0].error_message.clone().unwrap();
    assert_eq!(message, "it is red (link) or so");
}

/// Lets the log name something else in place of its only screenshot.
fn with_attachment(log: &str, attachment: &str) -> String {
    let begin = "<property name=\"attachment\">";
    let (before, after) = log.split_once(begin).unwrap();
    let (_, after) = after.split_once('<').unwrap();
    format!("{before}{begin}{attachment}<{after}")
}

/// The reasons of the only run.
fn reasons(machine: &Machine) -> Vec<String> {
    let row = machine.row();
    let skipped = row["skipped"].as_array().unwrap().iter();
    skipped
        .map(|one| one["reason"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_data_uri_of_100_kb_is_not_whole_in_a_reason() {
    let machine = Machine::new();
    let uri = format!("data:image/png;base64,{}", "iVBORw0K".repeat(12_500));

    let code = submit_changed(&machine, |log| with_attachment(&log, &uri));

    assert_eq!(code, 1);
    let reasons = reasons(&machine);
    assert!(reasons[0].chars().count() <= 300, "{reasons:?}");
    assert!(reasons[0].contains("data:image/png"), "{reasons:?}");
    assert!(reasons[0].contains("outside the run folder"), "{reasons:?}");
}

#[test]
fn the_signature_of_a_link_is_in_no_reason_and_no_comment() {
    let machine = Machine::new();
    let link = "https://store.example.com/a.png?sv=1&amp;sig=s3cr3t";

    let code = submit_changed(&machine, |log| with_attachment(&log, link));

    assert_eq!(code, 1);
    let comment = machine.ado_run().comment.unwrap();
    for text in reasons(&machine).iter().chain([&comment]) {
        assert!(text.contains("https://store.example.com/a.png"), "{text}");
        assert!(!text.contains("s3cr3t"), "{text}");
    }
}
