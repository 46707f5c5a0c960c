//! `kado inspect` for people.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Write};

use super::views::{ProjectView, RunView, SettingsView, TestView};
use crate::cli::table::{plain, table};
use crate::katalon::run::FileKind;
use crate::katalon::status::Status;

/// Lines of an error message that are shown; the rest is in the JSON.
const MESSAGE_LINES: usize = 6;

/// A run: what it was, its tests, what failed, its files, and the warnings.
pub(super) fn run(view: &RunView, out: &mut dyn Write) -> io::Result<()> {
    let status = view
        .katalon_status
        .map(|status| format!(", {status}"))
        .unwrap_or_default();
    line(out, "Suite", Some(&view.suite))?;
    line(out, "State", Some(&format!("{}{status}", view.state)))?;
    line(out, "Started", view.started.as_ref())?;
    line(out, "Ended", view.ended.as_ref())?;
    line(out, "Host", view.host.as_ref())?;
    line(out, "System", view.os.as_ref())?;
    line(out, "Browser", view.browser.as_ref())?;
    line(out, "Profile", view.profile.as_ref())?;
    line(out, "Katalon", view.katalon_version.as_ref())?;
    line(out, "Execution", view.execution_uuid.as_ref())?;
    tests(&view.tests, out)?;
    for test in view
        .tests
        .iter()
        .filter(|test| test.status != Status::Passed)
    {
        failure(test, out)?;
    }
    files(view, out)?;
    warnings(&view.warnings, out)
}

/// A project: its settings, its mapped test cases, and the warnings.
pub(super) fn project(view: &ProjectView, out: &mut dyn Write) -> io::Result<()> {
    line(out, "Project", Some(&view.name))?;
    line(out, "Folder", Some(&view.path))?;
    settings(&view.settings, out)?;
    let mapped: Vec<_> = view
        .test_cases
        .iter()
        .filter(|case| !case.azure_ids.is_empty())
        .collect();
    line(
        out,
        "Test cases",
        Some(&format!(
            "{}, {} of them with ADO ids",
            view.test_cases.len(),
            mapped.len()
        )),
    )?;
    let mut table = table(["Test case", "ADO ids"]);
    for case in &mapped {
        table.add_row([plain(&case.id), numbers(&case.azure_ids)]);
    }
    if !mapped.is_empty() {
        writeln!(out, "\n{}", table.trim_fmt())?;
    }
    let of_cases = view.test_cases.iter().flat_map(|case| &case.warnings);
    warnings(
        &view
            .warnings
            .iter()
            .chain(of_cases)
            .cloned()
            .collect::<Vec<_>>(),
        out,
    )
}

fn settings(settings: &SettingsView, out: &mut dyn Write) -> io::Result<()> {
    let on = |on: bool| if on { "on" } else { "off" };
    let plans = settings.test_plans.iter().map(|plan| match &plan.name {
        Some(name) => format!("{} ({name})", plan.id),
        None => plan.id.to_string(),
    });
    let plans = plans.collect::<Vec<_>>().join(", ");
    line(out, "Integration", Some(&on(settings.enabled)))?;
    line(out, "Server", settings.server_url.as_ref())?;
    line(out, "Token", Some(&settings.token))?;
    line(
        out,
        "ADO project",
        settings.project.as_ref().map(|project| &project.name),
    )?;
    line(
        out,
        "Test plans",
        Some(&plans).filter(|plans| !plans.is_empty()),
    )?;
    line(out, "Submits", settings.auto_submit.map(on).as_ref())
}

fn tests(tests: &[TestView], out: &mut dyn Write) -> io::Result<()> {
    if tests.is_empty() {
        return writeln!(out, "\nNo test has a result.");
    }
    let mut table = table(["Status", "Test", "Duration", "ADO ids"]);
    for test in tests {
        let duration = test.duration_ms.map_or_else(|| "open".to_owned(), duration);
        table.add_row([
            test.status.to_string(),
            plain(&title(test)),
            duration,
            numbers(&test.azure_ids),
        ]);
    }
    writeln!(out, "\n{}", table.trim_fmt())
}

fn title(test: &TestView) -> String {
    let iteration = test
        .iteration
        .map(|number| format!(", iteration {number}"))
        .unwrap_or_default();
    let attempts = if test.attempts > 1 {
        format!(", {} attempts", test.attempts)
    } else {
        String::new()
    };
    format!("{}{iteration}{attempts}", test.id)
}

fn failure(test: &TestView, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{} {}", test.status, plain(&title(test)))?;
    let message = test.message.as_deref().unwrap_or("(no message)");
    for line in message.lines().take(MESSAGE_LINES) {
        writeln!(out, "    {}", plain(line))?;
    }
    if message.lines().count() > MESSAGE_LINES {
        writeln!(out, "    …")?;
    }
    Ok(())
}

fn files(view: &RunView, out: &mut dyn Write) -> io::Result<()> {
    let mut kinds: BTreeMap<FileKind, (usize, u64)> = BTreeMap::new();
    for file in &view.files {
        let (count, size) = kinds.entry(file.kind).or_default();
        *count += 1;
        *size += file.size;
    }
    let parts: Vec<String> = kinds
        .iter()
        .map(|(kind, (count, bytes))| {
            format!("{count} {} ({})", kind.word().to_lowercase(), size(*bytes))
        })
        .collect();
    writeln!(out)?;
    line(out, "Files", Some(&parts.join(", ")))
}

fn warnings(warnings: &[String], out: &mut dyn Write) -> io::Result<()> {
    if !warnings.is_empty() {
        writeln!(out)?;
    }
    for warning in warnings {
        writeln!(out, "warning: {}", plain(warning))?;
    }
    Ok(())
}

fn line(out: &mut dyn Write, name: &str, value: Option<&impl Display>) -> io::Result<()> {
    match value {
        Some(value) => writeln!(out, "{name:<12} {}", plain(&value.to_string())),
        None => Ok(()),
    }
}

fn numbers(ids: &[u32]) -> String {
    ids.iter()
        .map(u32::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn duration(millis: u64) -> String {
    let seconds = millis / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, _) => format!("{}.{:03} s", seconds, millis % 1000),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

fn size(bytes: u64) -> String {
    const KIB: u64 = 1024;
    match bytes {
        0..KIB => format!("{bytes} B"),
        KIB..1_048_576 => format!("{} KiB", bytes / KIB),
        _ => format!("{}.{} MiB", bytes / KIB / KIB, bytes / KIB % KIB * 10 / KIB),
    }
}
