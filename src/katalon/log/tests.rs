//! The streamed rules against the rules as they are written down, and logs that no Katalon wrote.

#[cfg(test)]
use std::io::BufReader;

use proptest::prelude::*;

use super::*;
use crate::katalon::damage::DamageKind;

fn record(level: &str, method: &str, properties: &str) -> String {
    format!(
        "<record><millis>1</millis><level>{level}</level><method>{method}</method><message>m</message>\
         <nestedLevel>1</nestedLevel><escapedJava>false</escapedJava>{properties}</record>\n"
    )
}

fn has_warning(summary: &LogSummary, text: &str) -> bool {
    summary
        .warnings
        .iter()
        .any(|warning| warning.contains(text))
}

fn read(log: &[u8]) -> LogSummary {
    let mut reader = LogReader::new(FolderNames::default());
    reader.feed("execution0.log", log).unwrap();
    reader.finish()
}

/// A node of a log, kept whole as Katalon keeps it.
#[derive(Clone, Debug)]
enum Node {
    Message(&'static str),
    Step { ignored: bool, children: Vec<Node> },
    Test { optional: bool, children: Vec<Node> },
}

impl Node {
    fn write(&self, log: &mut String) {
        match self {
            Self::Message(level) => log.push_str(&record(level, "logMessage", "")),
            Self::Step { ignored, children } => {
                let property = format!("<property name=\"isIgnoredIfFailed\">{ignored}</property>");
                log.push_str(&record("START", "startKeyword", &property));
                children.iter().for_each(|child| child.write(log));
                log.push_str(&record("END", "endKeyword", ""));
            }
            Self::Test { optional, children } => {
                let properties = format!(
                    "<property name=\"id\">Test Cases/T</property><property name=\"isOptional\">{optional}</property>"
                );
                log.push_str(&record("START", "startTest", &properties));
                children.iter().for_each(|child| child.write(log));
                log.push_str(&record("END", "endTest", ""));
            }
        }
    }

    /// Rules 2 to 4 of Katalon, word by word, on the whole tree.
    fn status(&self) -> &'static str {
        let (children, is_test) = match self {
            Self::Message(level) => return level,
            Self::Step { children, .. } => (children, false),
            Self::Test { children, .. } => (children, true),
        };
        let own = children.iter().rev().find_map(|child| match child {
            Self::Message(level @ ("ERROR" | "FAILED" | "INCOMPLETE" | "PASSED" | "SKIPPED")) => {
                Some(*level)
            }
            _ => None,
        });
        let first_bad = children.iter().find_map(|child| match child {
            Self::Message(_) | Self::Test { optional: true, .. } => None,
            Self::Test { .. } if is_test => None,
            node => Some(node.status())
                .filter(|status| ["ERROR", "FAILED", "INCOMPLETE"].contains(status)),
        });
        let status = own.or(first_bad).unwrap_or("PASSED");

        match self {
            Self::Step { children, .. }
                if matches!(children.as_slice(), [Self::Message("NOT_RUN")]) =>
            {
                "NOT_RUN"
            }
            Self::Step { ignored: true, .. } => "PASSED",
            _ => status,
        }
    }
}

fn message() -> impl Strategy<Value = Node> {
    let levels = vec![
        "PASSED",
        "FAILED",
        "ERROR",
        "INCOMPLETE",
        "SKIPPED",
        "NOT_RUN",
        "WARNING",
        "INFO",
    ];
    prop::sample::select(levels).prop_map(Node::Message)
}

fn children() -> impl Strategy<Value = Vec<Node>> {
    let node = message().prop_recursive(4, 24, 4, |inner| {
        let children = prop::collection::vec(inner, 0..4);
        prop_oneof![
            (any::<bool>(), children.clone())
                .prop_map(|(ignored, children)| Node::Step { ignored, children }),
            (any::<bool>(), children)
                .prop_map(|(optional, children)| Node::Test { optional, children }),
        ]
    });
    prop::collection::vec(node, 0..6)
}

proptest! {
    #[test]
    fn the_streamed_status_is_that_of_the_whole_tree(tests in prop::collection::vec(children(), 1..4)) {
        let tests: Vec<Node> = tests.into_iter().map(|children| Node::Test { optional: false, children }).collect();
        let mut log = record("START", "startSuite", "<property name=\"id\">Test Suites/S</property>");
        tests.iter().for_each(|test| test.write(&mut log));
        log.push_str(&record("END", "endSuite", ""));

        let summary = read(log.as_bytes());

        let ours: Vec<&str> = summary.tests.iter().map(|test| test.status().word()).collect();
        let theirs: Vec<&str> = tests.iter().map(Node::status).collect();
        prop_assert_eq!(&ours, &theirs);
        let worst = ["INCOMPLETE", "ERROR", "FAILED"].into_iter().find(|bad| theirs.contains(bad)).unwrap_or("PASSED");
        prop_assert_eq!(summary.status.unwrap().word(), worst);
        prop_assert!(summary.ended.is_some() && summary.warnings.is_empty());
    }

    #[test]
    fn a_log_cut_anywhere_gives_the_results_before_the_cut(tests in prop::collection::vec(children(), 1..4), cut in any::<prop::sample::Index>()) {
        let mut log = record("START", "startSuite", "");
        for children in tests {
            Node::Test { optional: false, children }.write(&mut log);
        }
        let cut = cut.index(log.len());

        let whole = read(log.as_bytes());
        let part = read(&log.as_bytes()[..cut]);

        prop_assert!(part.ended.is_none());
        prop_assert!(part.tests.len() <= whole.tests.len());
        for (part, whole) in part.tests.iter().zip(&whole.tests) {
            prop_assert!(part == whole || part.status() == Status::Incomplete);
        }
    }

    #[test]
    fn it_does_not_matter_how_the_input_is_chunked(children in children(), size in 1..200_usize) {
        let mut log = record("START", "startSuite", "");
        Node::Test { optional: false, children }.write(&mut log);
        let mut reader = LogReader::new(FolderNames::default());
        reader.feed("execution0.log", BufReader::with_capacity(size, log.as_bytes())).unwrap();
        prop_assert_eq!(reader.finish(), read(log.as_bytes()));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read(&bytes);
    }

    #[test]
    fn no_mixture_of_tags_makes_the_reader_panic(
        parts in prop::collection::vec(prop::sample::select(&[
            "<record>", "</record>", "<level>START</level>", "<level>END</level>", "<level>FAILED</level>",
            "<method>startTest</method>", "<method>endSuite</method>", "<method>startSuite</method>", "<millis>",
            "<message>", "</message>", "<exception>", "</exception>", "<property name=\"id\">", "</property>", "x",
            "<property name=\"attachment\">a</property>", "<log>", "<", ">", "/>", "&amp;amp;",
        ][..]), 0..60),
    ) {
        read(parts.concat().as_bytes());
    }
}

#[test]
fn an_exception_in_a_record_does_not_hide_its_message() {
    let exception = "<exception><message>other</message><frame><class>c</class><method>startTest</method></frame></exception>";
    let log = record("START", "startSuite", "")
        + &record(
            "START",
            "startTest",
            "<property name=\"id\">Test Cases/T</property>",
        )
        + &record("FAILED", "logMessage", "")
            .replace("</message>", &format!("</message>{exception}"))
        + &record("END", "endTest", "");

    let summary = read(log.as_bytes());

    assert_eq!(summary.tests[0].attempts[0].message.as_deref(), Some("m"));
}

#[test]
fn steps_that_are_never_closed_do_not_fill_the_memory() {
    let mut log = record("START", "startSuite", "")
        + &record("START", "startTest", "<property name=\"id\">T</property>");
    log += &record("START", "startKeyword", "").repeat(3000);
    log += &record("FAILED", "logMessage", "").repeat(3000);
    log += &record("END", "endKeyword", "").repeat(3000);
    log += &(record("PASSED", "logMessage", "") + &record("END", "endTest", ""));

    let summary = read(log.as_bytes());

    assert_eq!(summary.tests[0].status(), Status::Passed);
    assert!(has_warning(&summary, "nested too deep"));
}

#[test]
fn the_end_of_a_test_closes_it_where_the_end_of_a_step_in_it_is_lost() {
    let log = record("START", "startSuite", "")
        + &record("START", "startTest", "<property name=\"id\">T</property>")
        + &record("START", "startKeyword", "")
        + &record("END", "endTest", "")
        + &record("END", "endSuite", "");

    let summary = read(log.as_bytes());

    assert_eq!(summary.ended, Some(Moment::from_millis(1)));
    assert_eq!(summary.tests[0].status(), Status::Passed);
    assert_eq!(summary.status, Some(Status::Passed));
}

#[test]
fn the_end_of_another_test_closes_nothing() {
    let end = record("END", "endTest", "").replace(">m<", ">End Test Case : Test Cases/U<");
    let log = record("START", "startSuite", "")
        + &record(
            "START",
            "startTest",
            "<property name=\"id\">Test Cases/T</property>",
        )
        + &end
        + &record("END", "endSuite", "");

    let summary = read(log.as_bytes());

    assert_eq!(summary.tests[0].id, "Test Cases/T");
    assert_eq!(summary.tests[0].status(), Status::Incomplete);
    assert_eq!(summary.ended, Some(Moment::from_millis(1)));
}

#[test]
fn records_behind_the_end_of_the_suite_mean_nothing() {
    let log = record("START", "startSuite", "") + &record("END", "endSuite", "");
    let appended = record("START", "startTest", "") + &record("FAILED", "x", "");

    let longer = read((log.clone() + &appended).as_bytes());
    let twice = read((log.clone() + &log).as_bytes());

    assert_eq!(longer, read(log.as_bytes()));
    assert_eq!(
        twice.warnings,
        ["further suites in this log, of which only the first one counts: 1"]
    );
}

#[test]
fn many_long_error_texts_are_cut_shorter_and_said_to_be_so() {
    let long = format!(
        "<property name=\"failed.exception.message\">{}</property>",
        "x".repeat(300_000)
    );
    let test = record("START", "startTest", "<property name=\"id\">T</property>")
        + &record("FAILED", "logMessage", &long)
        + &record("END", "endTest", "");

    let summary = read((record("START", "startSuite", "") + &test.repeat(60)).as_bytes());

    let texts: usize = summary
        .tests
        .iter()
        .map(|test| test.attempts[0].message.as_ref().unwrap().len())
        .sum();
    assert!(texts < 9 * 1024 * 1024, "{texts}");
    assert!(has_warning(&summary, "error texts that were cut"));
}

/// A log of one test, of which one record says that it failed; `</record>` of that may be missing.
fn log_with_failure(closing: &str) -> String {
    let failed = record("FAILED", "logMessage", "");
    let failed = failed.replace("</record>", closing);
    [
        record("START", "startSuite", ""),
        record("START", "startTest", ""),
        failed,
        record("PASSED", "logMessage", ""),
        record("END", "endTest", ""),
        record("END", "endSuite", ""),
    ]
    .concat()
}

#[test]
fn a_record_that_is_cut_before_others_is_a_damage() {
    let whole = read(log_with_failure("</record>").as_bytes());
    let cut = read(log_with_failure("").as_bytes());

    assert_eq!(whole.damage, []);
    let damage = Damage::of("execution0.log", DamageKind::CutRecords { count: 1 });
    assert_eq!(cut.damage, [damage]);
}

#[test]
fn a_log_that_is_torn_off_or_has_half_a_record_behind_its_end_is_not_damaged() {
    let whole = log_with_failure("</record>");
    let torn = &whole[..whole.len() - 20];
    let behind = format!(
        "{whole}<record><millis>1{}",
        record("INFO", "logMessage", "")
    );

    assert_eq!(read(torn.as_bytes()).damage, []);
    assert_eq!(read(behind.as_bytes()).damage, []);
}

#[test]
fn results_beyond_those_that_are_read_are_a_damage() {
    let test = "<record><level>START</level><method>startTest</method></record>\
                <record><level>END</level><method>endTest</method></record>";
    let log = record("START", "startSuite", "") + &test.repeat(100_002);

    let summary = read(log.as_bytes());

    assert_eq!(summary.tests.len(), 100_000);
    let damage = summary.damage[0].to_string();
    assert!(damage.contains("2 more results than are read"), "{damage}");
}

#[test]
fn a_name_of_megabytes_is_kept_in_part() {
    let id = format!("<property name=\"id\">{}</property>", "x".repeat(100_000));
    let log = record("START", "startSuite", "")
        + &record("START", "startTest", &id)
        + &record("END", "endTest", "");

    let summary = read(log.as_bytes());

    assert_eq!(summary.tests[0].id.len(), 4096);
}
