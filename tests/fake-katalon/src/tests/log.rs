//! The log, its pictures, and how a run is written step by step.

use std::fs;
use std::path::Path;

use super::{attributes, mixed, text, tree};
use crate::*;

#[test]
fn every_record_of_every_generation_is_xml_of_its_own() {
    for generation in [
        Generation::V8,
        Generation::V9,
        Generation::V10,
        Generation::V11,
    ] {
        let root = tempfile::tempdir().unwrap();

        let folder = mixed(generation).write_in(root.path()).unwrap();

        let log = text(&folder, "execution0.log");
        assert!(log.starts_with(record::HEADER) && log.ends_with("</record>\n</log>\n"));
        let records: Vec<&str> = log.split("<record>").skip(1).collect();
        for record in &records {
            let record = format!("<record>{}", record.trim_end().trim_end_matches("</log>"));
            attributes(&record, "record", "none");
        }
        assert_eq!(log.contains("<nanos>"), generation != Generation::V8);
        assert_eq!(
            folder.join("console0.log").exists(),
            generation >= Generation::V10
        );
        assert_eq!(
            records.last().map(|record| record.contains("endSuite")),
            Some(true)
        );
    }
}

#[test]
fn messages_are_escaped_twice_and_properties_once() {
    let root = tempfile::tempdir().unwrap();

    let log = text(
        &mixed(Generation::V9).write_in(root.path()).unwrap(),
        "execution0.log",
    );

    assert!(
        log.contains("<message>Start Test Case : Test Cases/Two &amp;apos;x&amp;apos;</message>")
    );
    assert!(log.contains("<property name=\"name\">Test Cases/Two &apos;x&apos;</property>"));
    assert!(
        log.contains("<property name=\"failed.exception.message\">is &lt;wrong&gt; &amp; &quot;bad&quot;</property>")
    );
}

#[test]
fn written_live_a_run_is_the_same_as_written_at_once() {
    let root = tempfile::tempdir().unwrap();

    let folder = mixed(Generation::V8).write_in(root.path()).unwrap();

    let first = tree(&folder);
    fs::remove_dir_all(&folder).unwrap();
    let mut live = mixed(Generation::V8).live(&folder);
    let mut last = String::new();
    while let Some(step) = live.perform_next().unwrap() {
        if let Write::File(name, _) = step.write {
            last = name;
        }
    }
    assert!(first == tree(&folder));
    assert_eq!(last, "JUnit_Report.xml");
}

#[test]
fn live_steps_follow_each_other_in_time() {
    for generation in [Generation::V8, Generation::V11] {
        let steps: Vec<LiveStep> = mixed(generation).live(Path::new("x")).collect();

        assert!(
            steps
                .windows(2)
                .all(|pair| pair[0].millis <= pair[1].millis && pair[0].phase <= pair[1].phase)
        );
    }
}

#[test]
fn reports_come_before_the_end_up_to_10_1_and_after_it_from_10_2() {
    let order = |generation| {
        let steps: Vec<LiveStep> = mixed(generation).live(Path::new("x")).collect();
        let html = steps.iter().position(
            |step| matches!(&step.write, Write::File(name, _) if name.ends_with(".html")),
        );
        let end = steps.iter().position(|step| {
            matches!(&step.write, Write::Append(name, bytes) if name == "execution0.log" && String::from_utf8_lossy(bytes).contains("endSuite"))
        });
        html < end
    };

    assert!(order(Generation::V9));
    assert!(!order(Generation::V10));
}

#[test]
fn pictures_are_files_that_a_step_refers_to() {
    let root = tempfile::tempdir().unwrap();

    let folder = mixed(Generation::V11).write_in(root.path()).unwrap();

    let log = text(&folder, "execution0.log");
    let pictures: Vec<String> = tree(&folder)
        .into_keys()
        .filter(|name| name.ends_with(".png"))
        .collect();
    assert_eq!(pictures.len(), 2);
    for name in pictures {
        assert!(log.contains(&format!("<property name=\"attachment\">{name}</property>")));
        assert_eq!(name.len(), "1778055302117.png".len());
    }
}

#[test]
fn a_rotated_log_holds_the_same_records_newest_part_first() {
    let root = tempfile::tempdir().unwrap();

    let whole = text(
        &mixed(Generation::V11).write_in(root.path()).unwrap(),
        "execution0.log",
    );

    let run = mixed(Generation::V11).rotate_after(10).rotate_after(20);
    let folder = run.write_in(&root.path().join("other")).unwrap();
    let parts: Vec<String> = (0..3)
        .rev()
        .map(|part| text(&folder, &format!("execution{part}.log")))
        .collect();
    assert!(
        parts
            .iter()
            .all(|part| part.starts_with(record::HEADER) && part.ends_with("</log>\n"))
    );
    assert_eq!(parts[0].matches("<record>").count(), 10);
    let count: usize = parts
        .iter()
        .map(|part| part.matches("<record>").count())
        .sum();
    assert_eq!(count, whole.matches("<record>").count());
    assert!(parts[0].contains("startSuite") && parts[2].contains("endSuite"));
}

#[test]
fn an_incomplete_test_leaves_the_log_open_and_later_tests_unstarted() {
    let root = tempfile::tempdir().unwrap();
    let run = SuiteRunWriter::new("Test Suites/S")
        .test(Test::incomplete("Test Cases/A"))
        .test(Test::passed("Test Cases/B"));
    let folder = run.write_in(root.path()).unwrap();

    assert!(!text(&folder, "execution0.log").contains("endSuite"));
    assert_eq!(text(&folder, "testCaseBinding").lines().count(), 2);
    assert_eq!(
        attributes(&text(&folder, "JUnit_Report.xml"), "testcase", "status"),
        ["INCOMPLETE"]
    );
}

#[test]
fn endings_stop_where_they_say() {
    let files = |ending| {
        let root = tempfile::tempdir().unwrap();
        let folder = mixed(Generation::V11)
            .ending(ending)
            .write_in(root.path())
            .unwrap();
        let log = fs::read_to_string(folder.join("execution0.log")).unwrap_or_default();
        (
            log.contains("endSuite"),
            log.ends_with("</log>\n"),
            folder.join("JUnit_Report.xml").exists(),
        )
    };

    assert_eq!(files(Ending::Normal), (true, true, true));
    assert_eq!(files(Ending::WithoutReports), (true, true, false));
    assert_eq!(files(Ending::Crashed), (false, true, true));
    assert_eq!(files(Ending::Aborted), (false, false, false));
    assert_eq!(files(Ending::Queued), (false, false, false));
}

#[test]
fn damage_leaves_what_it_says() {
    let damaged = |damage| {
        let root = tempfile::tempdir().unwrap();
        let folder = mixed(Generation::V9)
            .damage(damage)
            .write_in(root.path())
            .unwrap();
        text(&folder, "execution0.log")
    };

    let cut = damaged(Damage::CutLastRecord);
    assert!(cut.rfind("<record>") > cut.rfind("</record>"));
    assert_eq!(
        damaged(Damage::SecondDocument)
            .matches("</log>\n<?xml")
            .count(),
        1
    );
    assert_eq!(
        damaged(Damage::SecondDocumentOnSameLine)
            .matches("</log><?xml")
            .count(),
        1
    );
    assert_eq!(
        damaged(Damage::StrayDoctype)
            .matches("</record>\n<!DOCTYPE log SYSTEM \"logger.dtd\">\n<record>")
            .count(),
        1
    );
    assert!(damaged(Damage::NoFooter).ends_with("</record>\n"));
}

#[test]
fn masked_values_never_reach_the_log() {
    let root = tempfile::tempdir().unwrap();

    let folder = mixed(Generation::V11).write_in(root.path()).unwrap();

    assert!(!text(&folder, "execution0.log").contains("hidden"));
    assert!(!text(&folder, "JUnit_Report.xml").contains("hidden"));
}
