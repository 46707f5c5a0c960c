//! CSV, HTML, PDF and `console0.log` of a run.

use crate::json::Json;
use crate::junit::Counts;
use crate::log::{Executed, Script};
use crate::model::Status;
use crate::moments;
use crate::run::SuiteRunWriter;
use crate::text::xml;

/// The bytes of a report of this kind (`csv`, `html`, `pdf`).
pub(crate) fn report(run: &SuiteRunWriter, script: &Script, kind: &str) -> Vec<u8> {
    match kind {
        "csv" => csv(run, script).into_bytes(),
        "pdf" => pdf(run, script),
        _ => html(run, script).into_bytes(),
    }
}

fn csv(run: &SuiteRunWriter, script: &Script) -> String {
    let mut out = String::from(
        "Suite/Test/Step Name,Browser,Description,Tag,Start time,End time,Duration,Status\r\n",
    );
    let status = Counts::of(script).status();
    out.push_str(&row(run, run.suite_name(), (run.start, script.end), status));

    for done in script.executed.iter().filter(|done| done.last) {
        out.push_str(",,,,,,,\r\n");
        let id = &run.tests[done.test].id;
        out.push_str(&row(run, id, (done.start, done.end), done.status));
        out.push_str(&binding_row(run, done));
        for step in &done.steps {
            let times = (step.start, step.end);
            out.push_str(&row(run, &step.action, times, step.status));
        }
    }

    out
}

fn row(run: &SuiteRunWriter, name: &str, times: (i64, i64), status: Status) -> String {
    let format = if run.generation.year_first() {
        "%Y-%m-%d %H:%M:%S"
    } else {
        "%d-%m-%Y %H:%M:%S"
    };
    let start = moments::local(times.0, &run.zone, format);
    let end = moments::local(times.1, &run.zone, format);
    let duration = moments::csv_duration(times.1 - times.0);
    let opened = !run.configuration.is_empty();
    let browser = if opened {
        cell(&run.browser)
    } else {
        String::new()
    };
    let (name, status) = (cell(name), status.word());

    format!("{name},{browser},,,{start},{end},{duration},{status}\r\n")
}

fn binding_row(run: &SuiteRunWriter, done: &Executed) -> String {
    let variables = &run.tests[done.test].variables;
    if variables.is_empty() || !run.generation.is_10_2() {
        return String::new();
    }

    let values = variables
        .iter()
        .map(|one| (one.name.clone(), Json::text(one.shown())))
        .collect();

    format!(
        "{},,,,,,,\r\n",
        cell(&format!(
            "DATA BINDING - {}",
            Json::Object(values).jackson_line()
        ))
    )
}

fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn html(run: &SuiteRunWriter, script: &Script) -> String {
    let rows: String = script
        .executed
        .iter()
        .filter(|done| done.last)
        .map(|done| {
            format!(
                "<tr><td>{}</td><td>{}</td></tr>\n",
                xml(&run.tests[done.test].id),
                done.status.word()
            )
        })
        .collect();

    let name = xml(run.suite_name());
    format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"UTF-8\"><title>{name}</title></head>\n<body><h1>{name}</h1>\n<table>\n{rows}</table>\n</body></html>\n"
    )
}

/// A page with the suite's name; enough for a viewer.
fn pdf(run: &SuiteRunWriter, script: &Script) -> Vec<u8> {
    let name: String = run
        .suite_name()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let text = format!(
        "BT /F1 18 Tf 40 780 Td ({name}: {}) Tj ET",
        Counts::of(script).status().word()
    );
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];

    let mut out = String::from("%PDF-1.4\n");
    let mut offsets = Vec::new();

    for (at, object) in objects.iter().enumerate() {
        offsets.push(format!("{:010} 00000 n \n", out.len()));
        out.push_str(&format!("{} 0 obj\n{object}\nendobj\n", at + 1));
    }

    let start = out.len();
    out.push_str(&format!(
        "xref\n0 6\n0000000000 65535 f \n{}",
        offsets.concat()
    ));
    out.push_str(&format!(
        "trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    ));

    out.into_bytes()
}

/// A line of `console0.log` for a record that says something to people.
pub(crate) fn console_line(
    run: &SuiteRunWriter,
    millis: i64,
    method: &str,
    message: &str,
) -> Option<String> {
    let (logger, text) = match method {
        "startSuite" => (
            "c.k.katalon.core.main.TestSuiteExecutor ",
            format!("START {}", run.suite),
        ),
        "endSuite" => (
            "c.k.katalon.core.main.TestSuiteExecutor ",
            format!("END {}", run.suite),
        ),
        "startTest" => (
            "c.k.katalon.core.main.TestCaseExecutor  ",
            message.replacen("Start Test Case :", "START", 1),
        ),
        "endTest" => (
            "c.k.katalon.core.main.TestCaseExecutor  ",
            message.replacen("End Test Case :", "END", 1),
        ),
        _ => return None,
    };

    let date = moments::local(millis, &run.zone, "%Y-%m-%d %H:%M:%S");
    Some(format!(
        "{date}.{:03} INFO  {logger} - {text}\n",
        millis.rem_euclid(1000)
    ))
}
