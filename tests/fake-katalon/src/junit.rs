//! `JUnit_Report.xml`, the last file of a finished run.

use std::path::Path;

use crate::generation::Generation;
use crate::json::Json;
use crate::log::{Executed, Script};
use crate::model::Status;
use crate::moments;
use crate::run::SuiteRunWriter;
use crate::text::{attribute, cdata, hash_map_order};

/// How many final attempts ended how.
pub(crate) struct Counts {
    pub total: usize,
    pub passed: usize,
    pub failed: usize,
    pub error: usize,
    pub incomplete: usize,
    pub skipped: usize,
}

impl Counts {
    /// Counts the attempts that count.
    pub(crate) fn of(script: &Script) -> Self {
        let count = |status| {
            script
                .executed
                .iter()
                .filter(|done| done.last && done.status == status)
                .count()
        };
        Self {
            total: script.executed.iter().filter(|done| done.last).count(),
            passed: count(Status::Passed),
            failed: count(Status::Failed),
            error: count(Status::Error),
            incomplete: count(Status::Incomplete),
            skipped: count(Status::Skipped),
        }
    }

    /// Status of the whole suite.
    pub(crate) fn status(&self) -> Status {
        match (self.incomplete, self.error, self.failed) {
            (0, 0, 0) => Status::Passed,
            (0, 0, _) => Status::Failed,
            (0, _, _) => Status::Error,
            _ => Status::Incomplete,
        }
    }

    /// The counters of `testsuites` in 11.1.3.
    pub(crate) fn modern(&self) -> String {
        format!(
            "tests=\"{}\" passed=\"{}\" failures=\"{}\" errors=\"{}\" incompleted=\"{}\" skipped=\"{}\"",
            self.total, self.passed, self.failed, self.error, self.incomplete, self.skipped
        )
    }
}

/// The text of the file.
pub(crate) fn junit(run: &SuiteRunWriter, script: &Script, folder: &Path) -> String {
    let counts = Counts::of(script);
    let time = moments::seconds(script.end - run.start);
    let name = attribute(run.suite_name());
    let short = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\"",
        counts.total, counts.failed, counts.error
    );
    let head = if run.generation >= Generation::V11 {
        counts.modern()
    } else {
        short
    };

    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{name}\" time=\"{time}\" {head}>\n{}</testsuites>\n",
        suite(run, script, folder)
    )
}

/// The `testsuite` element, which collections repeat.
pub(crate) fn suite(run: &SuiteRunWriter, script: &Script, folder: &Path) -> String {
    let counts = Counts::of(script);
    let cases: String = script
        .executed
        .iter()
        .filter(|done| done.last)
        .map(|done| case(run, done))
        .collect();
    let summary = format!(
        "{} - [TEST_SUITE][{}] - {}: null",
        report_time(run, run.start),
        counts.status().word(),
        run.suite_name()
    );

    format!(
        "{}{}{cases}      <system-out>{}</system-out>\n      <system-err>{}</system-err>\n   </testsuite>\n",
        suite_head(run, script, &counts),
        properties(run, script, folder),
        cdata(&summary),
        cdata("")
    )
}

fn suite_head(run: &SuiteRunWriter, script: &Script, counts: &Counts) -> String {
    let name = attribute(run.suite_name());
    let time = moments::seconds(script.end - run.start);
    let ids = format!(
        "timestamp=\"{}\" hostname=\"{}\" id=\"{}\"",
        time_stamp(run),
        attribute(&run.host_name()),
        attribute(&run.suite)
    );

    if run.generation >= Generation::V11 {
        let status = counts.status().word();
        return format!(
            "   <testsuite name=\"{name}\" {} time=\"{time}\" {ids} status=\"{status}\">\n",
            counts.modern()
        );
    }

    format!(
        "   <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{time}\" skipped=\"{}\" {ids}>\n",
        counts.total, counts.failed, counts.error, counts.skipped
    )
}

/// The suite's `timestamp`: three forms in four generations.
fn time_stamp(run: &SuiteRunWriter) -> String {
    match run.generation {
        Generation::V8 => moments::local(run.start, &run.zone, "%Y-%m-%d %H:%M:%S"),
        Generation::V9 => moments::local(run.start, &run.zone, "%d-%m-%YT%H:%M:%S"),
        Generation::V10 | Generation::V11 => moments::instant(run.start, 0),
    }
}

fn report_time(run: &SuiteRunWriter, millis: i64) -> String {
    let format = if run.generation.year_first() {
        "%Y-%m-%d %H:%M:%S"
    } else {
        "%d-%m-%YT%H:%M:%S"
    };
    moments::local(millis, &run.zone, format)
}

fn properties(run: &SuiteRunWriter, script: &Script, folder: &Path) -> String {
    let (_, report) = run.recorded_folders(folder);
    let separator = if report.contains('\\') { "\\" } else { "/" };
    let inside = |name: &str| format!("{report}{separator}{name}");
    let mut logs: Vec<String> = (0..=run.rotation.len())
        .map(|part| inside(&format!("execution{part}.log")))
        .collect();
    if run.generation.is_10_2() {
        logs.push(inside("console0.log"));
    }

    let pictures: Vec<String> = script
        .entries
        .iter()
        .filter_map(|entry| Some(inside(&entry.picture.as_ref()?.0)))
        .collect();
    let mut run_data = script.run_data.clone();
    hash_map_order(&mut run_data);
    let platform = if run.generation.year_first() {
        " value=\"\""
    } else {
        ""
    };
    let mut out = format!(
        "      <properties>\n         <property name=\"deviceName\" value=\"\"/>\n         <property name=\"devicePlatform\"{platform}/>\n"
    );
    let fixed = [
        ("logFolder", report.clone()),
        ("logFiles", logs.join(", ")),
        ("attachments", pictures.join(", ")),
    ];
    for (name, value) in fixed {
        out.push_str(&property(name, &value.replace('\\', "\\\\")));
    }

    for (name, value) in &run_data {
        out.push_str(&property(name, value));
    }

    out.push_str("      </properties>\n");

    out
}

fn property(name: &str, value: &str) -> String {
    format!(
        "         <property name=\"{}\" value=\"{}\"/>\n",
        attribute(name),
        attribute(value)
    )
}

fn case(run: &SuiteRunWriter, done: &Executed) -> String {
    let id = attribute(&run.tests[done.test].id);
    let status = done.status.word();
    let time = if done.status == Status::Incomplete {
        String::new()
    } else {
        format!(" time=\"{}\"", moments::seconds(done.end - done.start))
    };
    let text = attribute(done.text.as_deref().unwrap_or_default());
    let result = match done.status {
        Status::Failed => format!("         <failure type=\"{status}\" message=\"{text}\"/>\n"),
        Status::Error => format!("         <error type=\"{status}\" message=\"{text}\"/>\n"),
        Status::Skipped => "         <skipped/>\n".to_owned(),
        Status::Passed | Status::Incomplete => String::new(),
    };
    let failed = matches!(done.status, Status::Failed | Status::Error);
    let failure = if failed {
        report_line(run, done)
    } else {
        String::new()
    };

    format!(
        "      <testcase name=\"{id}\"{time} classname=\"{id}\" status=\"{status}\">\n{}{result}         <system-out>{}</system-out>\n         <system-err>{}</system-err>\n      </testcase>\n",
        data_binding(run, done),
        cdata(&report_lines(run, done)),
        cdata(&failure)
    )
}

/// The bound values, from 10.1 on.
fn data_binding(run: &SuiteRunWriter, done: &Executed) -> String {
    let variables = &run.tests[done.test].variables;
    if variables.is_empty() || !run.generation.is_10_2() {
        return String::new();
    }

    let values = variables
        .iter()
        .map(|one| (one.name.clone(), Json::text(one.shown())))
        .collect();
    let text = cdata(&Json::Object(values).jackson_line());

    format!(
        "         <properties>\n            <property name=\"data_binding\">{text}</property>\n         </properties>\n"
    )
}

fn report_line(run: &SuiteRunWriter, done: &Executed) -> String {
    let id = &run.tests[done.test].id;
    let text = done.text.as_deref().unwrap_or("null").trim_end();
    format!(
        "{} - [TEST_CASE][{}] - {id}: {text}",
        report_time(run, done.start),
        done.status.word()
    )
}

fn report_lines(run: &SuiteRunWriter, done: &Executed) -> String {
    let mut lines = vec![report_line(run, done)];
    for step in &done.steps {
        let time = report_time(run, step.start);
        lines.push(format!(
            "{time} - [TEST_STEP][{}] - {}: {}",
            step.status.word(),
            step.action,
            step.message
        ));
    }

    lines.join("\n\n")
}
