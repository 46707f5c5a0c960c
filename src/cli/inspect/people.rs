//! `kado inspect` for people.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use super::views::{ProjectView, RunView, SettingsView, TestView};
use crate::cli::facts::{fact, fact_if_known};
use crate::cli::plan_tables::{self, with_source};
use crate::cli::terminal::{Piece, Screen, always, table, weighing};
use crate::katalon::id_source::IdSource;
use crate::katalon::run::FileKind;
use crate::katalon::status::Status;

/// Lines of an error message that are shown; the rest is in the JSON.
const MESSAGE_LINES: usize = 6;

/// A run: what it was, its tests, what failed, its files, and the warnings.
pub(super) fn run(view: &RunView, out: &mut Screen<'_>) -> io::Result<()> {
    let state = match view.katalon_status {
        Some(status) => format!("{}, {status}", view.state),
        None => view.state.to_string(),
    };

    let times = out.terminal().times().clone();
    fact(out, "Suite", &*view.suite)?;
    fact(out, "State", state)?;
    fact_if_known(out, "Started", view.started.map(|at| times.told(at)))?;
    fact_if_known(out, "Ended", view.ended.map(|at| times.told(at)))?;
    fact_if_known(out, "Host", view.host.as_ref())?;
    fact_if_known(out, "System", view.os.as_ref())?;
    fact_if_known(out, "Browser", view.browser.as_ref())?;
    fact_if_known(out, "Profile", view.profile.as_ref())?;
    fact_if_known(out, "Katalon", view.katalon_version.as_ref())?;
    fact_if_known(out, "Execution", view.execution_uuid.as_ref())?;

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
pub(super) fn project(view: &ProjectView, out: &mut Screen<'_>) -> io::Result<()> {
    fact(out, "Project", &*view.name)?;
    fact(out, "Folder", &*view.path)?;
    print_settings(&view.settings, out)?;

    // Only mapped ones: a project has hundreds of test cases, and the rest is never submitted.
    let mut mapped = table([always("Test case"), always("ADO ids")]);
    for case in &view.test_cases {
        if !case.azure_ids.is_empty() {
            mapped.add_row([case.id.clone(), ids(&case.azure_ids, case.source)]);
        } else if let Some(written) = &case.given_by_run {
            let source = case.source.unwrap_or_default();
            mapped.add_row([case.id.clone(), with_source(written, source)]);
        }
    }
    let count = mapped.len();
    let test_cases = format!("{}, {count} of them with ADO ids", view.test_cases.len());
    fact(out, "Test cases", test_cases)?;
    if count > 0 {
        writeln!(out)?;
        out.table(&mapped)?;
    }

    let of_cases = view.test_cases.iter().flat_map(|case| &case.warnings);
    print_warnings(view.warnings.iter().chain(of_cases), out)
}

fn print_settings(settings: &SettingsView, out: &mut Screen<'_>) -> io::Result<()> {
    let mut plans = Vec::new();
    for plan in &settings.test_plans {
        plans.push(match &plan.name {
            Some(name) => format!("{} ({name})", plan.id),
            None => plan.id.to_string(),
        });
    }
    let plans = (!plans.is_empty()).then(|| plans.join(", "));
    let project = settings.project.as_ref().map(|project| &project.name);

    fact(out, "Integration", on_or_off(settings.enabled))?;
    fact_if_known(out, "Server", settings.server_url.as_ref())?;
    fact(out, "Token", settings.token.to_string())?;
    fact_if_known(out, "ADO project", project)?;
    fact_if_known(out, "Test plans", plans.as_ref())?;
    fact_if_known(out, "Submits", settings.auto_submit.map(on_or_off))
}

const fn on_or_off(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

fn print_tests(tests: &[TestView], out: &mut Screen<'_>) -> io::Result<()> {
    if tests.is_empty() {
        return writeln!(out, "\nNo test has a result.");
    }

    let mut rows = table([
        always("Status"),
        always("Test"),
        weighing(1, "Duration"),
        weighing(2, "ADO ids"),
    ]);
    for test in tests {
        let duration = test.duration_ms.map_or_else(|| "open".to_owned(), duration);
        rows.add_row([
            plan_tables::status(test.status.word()),
            Piece::new(title(test)),
            Piece::new(duration),
            Piece::new(ids(&test.azure_ids, test.source)),
        ]);
    }
    writeln!(out)?;
    out.table(&rows)
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

fn print_failure(test: &TestView, out: &mut Screen<'_>) -> io::Result<()> {
    let status = plan_tables::status(test.status.word());
    writeln!(out)?;
    out.line(4, &[status, format!(" {}", title(test)).into()])?;

    let message = test.message.as_deref().unwrap_or("(no message)");

    // Katalon puts whole stack traces into messages.
    for line in message.lines().take(MESSAGE_LINES) {
        out.line(4, &[format!("    {line}").into()])?;
    }
    if message.lines().count() > MESSAGE_LINES {
        out.sentence(4, "    …")?;
    }
    Ok(())
}

/// How many files there are of each kind, and their sizes.
fn print_files(view: &RunView, out: &mut Screen<'_>) -> io::Result<()> {
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
    fact(out, "Files", parts.join(", "))
}

fn print_warnings<'a>(
    warnings: impl IntoIterator<Item = &'a String>,
    out: &mut Screen<'_>,
) -> io::Result<()> {
    for (index, warning) in warnings.into_iter().enumerate() {
        if index == 0 {
            writeln!(out)?;
        }
        out.line(4, &[format!("warning: {warning}").into()])?;
    }
    Ok(())
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
