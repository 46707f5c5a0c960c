//! `[redact] patterns`, and what Katalon masks: neither is stored, shown or sent.

#![expect(clippy::disallowed_methods, reason = "tests lay out run folders")]
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::fs;
use std::path::{Path, PathBuf};

use fake_ado::{Fault, FaultAction, Nth};
use fake_katalon::{SuiteRunWriter, Test, TestCaseFile};

use crate::support::{Machine, files_that_reveal, finished, reveals, tc};

/// What a pattern hides.
const CUSTOMER: &str = "customer-4711";
/// A value that is bound to a masked variable in place of its default.
const BOUND: &str = "bound-and-masked";
/// The default of a variable that Katalon masks.
const PASSWORD: &str = "Tr0ub4dor-and-3";

const CONFIGURATION: &str = "\
[redact]
patterns = ['customer-\\d+', '(?i)\\biban:? \\w+']
[submit]
test_run_name = \"Run for customer-4711 on {browser}\"
";

/// A run whose texts and names hold both.
fn run() -> SuiteRunWriter {
    let message = format!(
        "{CUSTOMER} cannot sign in with {PASSWORD} or {BOUND}, IBAN DE02120300000000202051"
    );
    let failed = Test::failed(&tc("Sign in"), &message)
        .stack(&format!(
            "java.lang.Error: {message}\n\tat a.B.c(B.java:1)\n"
        ))
        .iteration(CUSTOMER)
        .variable("pin", BOUND)
        .screenshot();
    let again = Test::failed(&tc("Sign in"), &message).iteration("another");
    finished([failed, again]).profile(&format!("of {CUSTOMER}"))
}

fn machine_and_run() -> (Machine, PathBuf) {
    let machine = Machine::new();
    machine.configure(CONFIGURATION);
    let case = TestCaseFile::new(&tc("Sign in"))
        .azure("1001")
        .masked_variable("password", PASSWORD)
        .masked_variable("pin", "unused");
    let shop = machine.project("Shop", machine.settings(), [case]);
    let folder = run().write_in(&shop).unwrap();
    fs::write(
        folder.join(format!("report of {CUSTOMER}.html")),
        "<p>none</p>",
    )
    .unwrap();
    (machine, folder)
}

#[test]
fn what_is_hidden_reaches_no_text_and_no_name_in_azure_devops() {
    let (machine, folder) = machine_and_run();

    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 0, "{submitted:?}");
    let mut run = machine.ado_run();
    assert_eq!(run.name.split(" on ").next(), Some("Run for ***"));
    let message = run.results[0].error_message.clone().unwrap();
    assert_eq!(message, "*** cannot sign in with *** or ***, ***");
    assert!(
        run.comment.as_ref().unwrap().contains(r"profile of \*\*\*"),
        "{run:?}"
    );
    let names: Vec<&str> = run
        .attachments
        .iter()
        .map(|file| file.file_name.as_str())
        .collect();
    assert!(names.contains(&"report of ___.html"), "{names:?}");

    // The content of files is sent as Katalon wrote it.
    let of_results = run
        .results
        .iter_mut()
        .flat_map(|result| &mut result.attachments);
    for attachment in run.attachments.iter_mut().chain(of_results) {
        attachment.bytes.clear();
    }
    for secret in [CUSTOMER, PASSWORD, BOUND, "DE02120300000000202051"] {
        assert_eq!(
            reveals(format!("{run:?}").as_bytes(), secret),
            None,
            "{run:?}"
        );
    }
}

#[test]
fn what_is_hidden_is_neither_stored_nor_shown() {
    let (machine, folder) = machine_and_run();
    let path = folder.to_string_lossy();

    let outputs = [
        machine.kado(&["submit", "--dry-run", &path]),
        machine.kado(&["inspect", &path, "--json"]),
        machine.kado(&["inspect", &path]),
        machine.kado(&["submit", &path]),
        machine.kado(&["runs", "show", "1", "--json"]),
        machine.kado(&["why", &path]),
        machine.kado(&["status", "--json"]),
    ];

    for output in outputs {
        for secret in [PASSWORD, BOUND, "DE02120300000000202051"] {
            let said = format!("{}{}", output.out, output.err);
            assert_eq!(reveals(said.as_bytes(), secret), None, "{output:?}");
        }
    }
    for secret in [PASSWORD, BOUND, "DE02120300000000202051"] {
        let stored = without_copies(files_that_reveal(&machine.state(), secret));
        assert_eq!(stored, [], "{secret}");
    }
}

/// Without the copies of Katalon's own files, which are what they are.
fn without_copies(found: Vec<(PathBuf, String)>) -> Vec<(PathBuf, String)> {
    let mut others = Vec::new();
    for (path, encoding) in found {
        if !path.components().any(|part| part.as_os_str() == "spool") {
            others.push((path, encoding));
        }
    }
    others
}

#[test]
fn patterns_are_counted_by_check_and_repeated_nowhere() {
    let machine = Machine::new();
    machine.configure("[redact]\npatterns = ['hunter2', 'hunter3']\n");
    machine.shop(&[("Sign in", "1001")]);

    let checked = machine.kado(&["check"]);

    assert!(
        checked.out.contains("2 patterns of `redact.patterns`"),
        "{checked:?}"
    );
    assert_eq!(reveals(checked.out.as_bytes(), "hunter2"), None);
    for bad in [
        "['hunter2(']",
        "['ok', '(hunter2)*']",
        "'hunter2'",
        "['hunter2', 3]",
    ] {
        machine.configure(&format!("[redact]\npatterns = {bad}\n"));

        let refused = machine.kado(&["runs"]);

        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(
            refused.err.contains("line 4: `redact.patterns`"),
            "{refused:?}"
        );
        assert_eq!(
            reveals(refused.err.as_bytes(), "hunter2"),
            None,
            "{refused:?}"
        );
    }
}

#[test]
fn a_mistyped_key_of_redact_is_told_with_the_one_that_is_meant() {
    let machine = Machine::new();
    machine.configure("[redact]\npattern = ['x']\n");

    let refused = machine.kado(&["runs"]);

    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains("did you mean `redact.patterns`"),
        "{refused:?}"
    );
}

#[test]
fn a_project_cannot_make_kado_look_for_patterns_of_its_own() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    fs::write(
        Path::new(&shop).join("kado.toml"),
        "[redact]\npatterns = ['x']\n",
    )
    .unwrap();

    let checked = machine.kado(&["check"]);

    assert!(
        checked
            .out
            .contains("`redact` is not read from a project's"),
        "{checked:?}"
    );
}

#[test]
fn a_run_is_the_same_run_whatever_is_hidden_of_it() {
    let machine = Machine::new();
    let shop = machine.shop(&[("Sign in", "1001")]);
    let folder = finished([Test::passed(&tc("Sign in"))])
        .write_in(&shop)
        .unwrap();
    assert_eq!(machine.submit_folder(&folder).code, 0);
    machine.configure("[redact]\npatterns = ['\\w+']\n");

    let again = machine.submit_folder(&folder);

    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(machine.ado_runs().len(), 1);
}

#[test]
fn what_is_hidden_is_not_repeated_with_the_reason_why_something_was_left_out() {
    // An id and a value that are none, a line of the binding that is none, and a file that is
    // refused.
    let machine = Machine::new();
    machine.configure(CONFIGURATION);
    let cases = [
        TestCaseFile::new(&tc("Sign in")).azure("1001"),
        TestCaseFile::new(&tc("Pay")).azure(CUSTOMER),
        TestCaseFile::new(&tc("Ship")).azure("${pin}"),
    ];
    let shop = machine.project("Shop", machine.settings(), cases);
    let failed = Test::failed(&tc("Sign in"), "no");
    let others = [
        Test::passed(&tc("Pay")),
        Test::passed(&tc("Ship")).variable("pin", CUSTOMER),
    ];
    let run = finished([failed].into_iter().chain(others));
    let folder = run.write_in(&shop).unwrap();
    fs::write(folder.join(format!("of {CUSTOMER}.html")), "<p>none</p>").unwrap();
    let refused = FaultAction::error(400, "InvalidName", &format!("{CUSTOMER} is no name"));
    machine
        .fake
        .fault(Fault::new("POST", "attachments", Nth::Every, refused));

    let submitted = machine.submit_folder(&folder);

    assert_eq!(submitted.code, 1, "{submitted:?}");
    let run = machine.ado_run();
    let comment = run.comment.clone().unwrap_or_default();
    assert!(comment.contains("***"), "{comment}");
    assert_eq!(
        reveals(format!("{run:?}").as_bytes(), CUSTOMER),
        None,
        "{run:?}"
    );
}
