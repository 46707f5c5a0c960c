//! `kado inspect` for people.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Write};

use super::views::{ProjectView, RunView, SettingsView, TestView};
use crate::cli::plan_tables::with_source;
use crate::cli::table::{plain, table};
use crate::katalon::id_source::IdSource;
use crate::katalon::run::FileKind;
use crate::katalon::status::Status;

/// Lines of an error message that are shown; the rest is in the JSON.
const MESSAGE_LINES: usize = 6;

/// A run: what it was, its tests, what failed, its files, and the warnings.
pub(super) fn run(view: &RunView, out: &mut dyn Write) -> io::Result<()> {
    let state = match view.katalon_status {
        Some(status) => format!("{}, {status}", view.state),
        None => view.state.to_string(),
    };

    line(out, "Suite", Some(&view.suite))?;
    line(out, "State", Some(&state))?;
    line(out, "Started", view.started.as_ref())?;
    line(out, "Ended", view.ended.as_ref())?;
    line(out, "Host", view.host.as_ref())?;
    line(out, "System", view.os.as_ref())?;
    line(out, "Browser", view.browser.as_ref())?;
    line(out, "Profile", view.profile.as_ref())?;
    line(out, "Katalon", view.katalon_version.as_ref())?;
    line(out, "Execution", view.execution_uuid.as_ref())?;

    print_tests(&view.tests, out)?;
    for test in &view.tests {
        if test.status != Status::Passed {
            print_failure(test, out)?;
        }
    }
    print_files(view, out)?;
    print_warnings(&view.warnings, out)
}

/// A project: its settings, its mapped test cases, and the warnings.
pub(super) fn project(view: &ProjectView, out: &mut dyn Write) -> io::Result<()> {
    line(out, "Project", Some(&view.name))?;
    line(out, "Folder", Some(&view.path))?;
    print_settings(&view.settings, out)?;

    // Only mapped ones: a project has hundreds of test cases, and the rest is never submitted.
    let mut mapped = table(["Test case", "ADO ids"]);
    for case in &view.test_cases {
        if !case.azure_ids.is_empty() {
            mapped.add_row([plain(&case.id), ids(&case.azure_ids, case.source)]);
        }
    }
    let count = mapped.row_count();
    let test_cases = format!("{}, {count} of them with ADO ids", view.test_cases.len());
    line(out, "Test cases", Some(&test_cases))?;
    if count > 0 {
        writeln!(out, "\n{}", mapped.trim_fmt())?;
    }

    let of_cases = view.test_cases.iter().flat_map(|case| &case.warnings);
    print_warnings(view.warnings.iter().chain(of_cases), out)
}

fn print_settings(settings: &SettingsView, out: &mut dyn Write) -> io::Result<()> {
    let mut plans = Vec::new();
    for plan in &settings.test_plans {
        plans.push(match &plan.name {
            Some(name) => format!("{} ({name})", plan.id),
            None => plan.id.to_string(),
        });
    }
    let plans = (!plans.is_empty()).then(|| plans.join(", "));
    let project = settings.project.as_ref().map(|project| &project.name);

    line(out, "Integration", Some(&on_or_off(settings.enabled)))?;
    line(out, "Server", settings.server_url.as_ref())?;
    line(out, "Token", Some(&settings.token))?;
    line(out, "ADO project", project)?;
    line(out, "Test plans", plans.as_ref())?;
    line(out, "Submits", settings.auto_submit.map(on_or_off).as_ref())
}

const fn on_or_off(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

fn print_tests(tests: &[TestView], out: &mut dyn Write) -> io::Result<()> {
    if tests.is_empty() {
        return writeln!(out, "\nNo test has a result.");
    }

    let mut rows = table(["Status", "Test", "Duration", "ADO ids"]);
    for test in tests {
        let duration = test.duration_ms.map_or_else(|| "open".to_owned(), duration);
        rows.add_row([
            test.status.to_string(),
            plain(&title(test)),
            duration,
            ids(&test.azure_ids, test.source),
        ]);
    }
    writeln!(out, "\n{}", rows.trim_fmt())
}

/// The id of a test, with its iteration and its attempts where there is more than one.
fn title(test: &TestView) -> String {
    let mut title = test.id.clone();
    if let Some(number) = test.iteration {
        title.push_str(&format!(", iteration {number}"));
    }
    if test.attempts > 1 {
        title.push_str(&format!(", {} attempts", test.attempts));
    }
    title
}

fn print_failure(test: &TestView, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{} {}", test.status, plain(&title(test)))?;

    let message = test.message.as_deref().unwrap_or("(no message)");

    // Katalon puts whole stack traces into messages.
    for line in message.lines().take(MESSAGE_LINES) {
        writeln!(out, "    {}", plain(line))?;
    }
    if message.lines().count() > MESSAGE_LINES {
        writeln!(out, "    …")?;
    }
    Ok(())
}

/// How many files there are of each kind, and their sizes.
fn print_files(view: &RunView, out: &mut dyn Write) -> io::Result<()> {
    let mut kinds: BTreeMap<FileKind, (usize, u64)> = BTreeMap::new();
    for file in &view.files {
        let (count, bytes) = kinds.entry(file.kind).or_default();
        *count += 1;
        *bytes += file.size;
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

fn print_warnings<'a>(
    warnings: impl IntoIterator<Item = &'a String>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (index, warning) in warnings.into_iter().enumerate() {
        if index == 0 {
            writeln!(out)?;
        }
        writeln!(out, "warning: {}", plain(warning))?;
    }
    Ok(())
}

/// A line with a name; none without a value.
fn line(out: &mut dyn Write, name: &str, value: Option<&impl Display>) -> io::Result<()> {
    match value {
        Some(value) => writeln!(out, "{name:<12} {}", plain(&value.to_string())),
        None => Ok(()),
    }
}

/// Ids, with where they stand if that is not the integration tab.
fn ids(ids: &[u32], source: Option<IdSource>) -> String {
    with_source(&numbers(ids), source.unwrap_or_default())
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
