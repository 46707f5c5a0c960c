//! What the page shows, in words: from what was seen to templates (`templates/`), which escape
//! every text of others by themselves. Pure.

use askama::Template;

use crate::connect::ConnectedServer;
use crate::foreign;
use crate::measures::UploadMeasures;
use crate::moment::Moment;
use crate::outbox::submission::{SubmissionState, SubmissionSummary};
use crate::overview::run_details::{RunDetails, TestDetails};
use crate::overview::{Overview, Problem, ProblemKind};
use crate::page::lookout::Seen;
use crate::plural::{counted, form, span};

/// The style sheet of all pages.
pub(super) const STYLE: &str = include_str!("templates/style.css");

/// Runs that the first page lists; `kado runs` lists all.
const MOST_RUNS: usize = 500;
/// Problems that the first page lists one by one.
const MOST_PROBLEMS: usize = 100;

/// How things stand, for a glance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Level {
    Good,
    /// Something is on its way, or waits.
    Busy,
    /// Somebody is needed.
    Bad,
}

impl Level {
    /// The class in the style sheet.
    const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Busy => "busy",
            Self::Bad => "bad",
        }
    }
}

/// A value with its name.
struct Fact {
    name: &'static str,
    value: String,
}

/// A run in the list.
struct RunRow {
    id: i64,
    state: &'static str,
    class: &'static str,
    suite: String,
    project: String,
    plan: String,
    results: usize,
    files: usize,
    left_out: usize,
    ended: String,
    next_attempt: String,
    reason: String,
    link: Option<String>,
    ado_run: String,
}

/// A problem, and what mends it.
struct ProblemRow {
    text: String,
    hint: String,
}

/// A server that the service speaks to.
struct ServerRow {
    url: String,
    facts: Vec<Fact>,
}

#[derive(Template)]
#[template(path = "overview.html", config = "src/page/askama.toml")]
struct OverviewPage {
    level: &'static str,
    sentence: String,
    counters: Vec<Fact>,
    problems: Vec<ProblemRow>,
    more_problems: usize,
    runs: Vec<RunRow>,
    all_runs: usize,
    servers: Vec<ServerRow>,
    uploads: Vec<String>,
    machine: Vec<Fact>,
    warnings: Vec<String>,
    recent: Vec<String>,
    at: String,
}

#[derive(Template)]
#[template(path = "run.html", config = "src/page/askama.toml")]
struct RunPage {
    run: RunRow,
    facts: Vec<Fact>,
    tests: Vec<TestRow>,
    left_out: Vec<String>,
    warnings: Vec<String>,
}

/// A test of a run.
struct TestRow {
    test: String,
    status: String,
    ids: String,
    arrived: Vec<String>,
    why: String,
}

/// The first page.
///
/// # Errors
/// When a template cannot be filled, which no text of others brings about.
pub(super) fn overview(seen: &Seen) -> Result<String, askama::Error> {
    let overview = &seen.overview;
    let (level, sentence) = sentence(overview, seen.at);
    let problems = &overview.status.problems;

    OverviewPage {
        level: level.class(),
        sentence,
        counters: counters(overview, seen.at),
        problems: problems.iter().take(MOST_PROBLEMS).map(problem).collect(),
        more_problems: problems.len().saturating_sub(MOST_PROBLEMS),
        runs: overview.rows.iter().take(MOST_RUNS).map(run_row).collect(),
        all_runs: overview.rows.len(),
        servers: seen.service.servers.iter().map(server).collect(),
        uploads: seen
            .service
            .uploads
            .iter()
            .map(|file| upload(file))
            .collect(),
        machine: machine(overview, seen),
        warnings: seen
            .config
            .warnings
            .iter()
            .map(|text| shown(text))
            .collect(),
        recent: recent(seen),
        at: seen.at.to_string(),
    }
    .render()
}

/// The page of one run.
///
/// # Errors
/// As [`overview`].
pub(super) fn run(details: &RunDetails) -> Result<String, askama::Error> {
    let snapshot = &details.submission.snapshot;

    RunPage {
        run: run_row(&details.row),
        facts: run_facts(details),
        tests: details.tests.iter().map(test_row).collect(),
        left_out: details
            .row
            .skipped
            .iter()
            .map(|left_out| shown(&left_out.to_string()))
            .collect(),
        warnings: snapshot
            .run
            .warnings
            .iter()
            .map(|text| shown(text))
            .collect(),
    }
    .render()
}

/// How things stand in one sentence: what needs somebody before what waits, that before what is on
/// its way.
fn sentence(overview: &Overview, now: Moment) -> (Level, String) {
    let status = &overview.status;
    let (Some(pending), Some(submitting), Some(parked)) =
        (status.pending, status.submitting, status.parked)
    else {
        return (Level::Bad, "Nothing is known of the runs.".to_owned());
    };

    for problem in &status.problems {
        if problem.kind != ProblemKind::Parked {
            return (Level::Bad, capitalized(&shown(&problem.text)));
        }
    }
    if parked > 0 {
        let needs = form(parked, "needs", "need");
        return (
            Level::Bad,
            format!("{} {needs} you.", counted(parked, "run")),
        );
    }

    let waiting = pending + submitting;
    if waiting > 0 {
        let is = form(waiting, "is", "are");
        let text = format!("{} {is} on the way.", counted(waiting, "run"));
        return (Level::Busy, text);
    }
    match status.last_success {
        Some(last) => {
            let ago = span(now.since(last).as_secs());
            (
                Level::Good,
                format!("All sent. The last run arrived {ago} ago."),
            )
        }
        None => (Level::Good, "All well. No run was sent yet.".to_owned()),
    }
}

fn counters(overview: &Overview, now: Moment) -> Vec<Fact> {
    let status = &overview.status;
    let day_ago = now.minus(std::time::Duration::from_secs(86_400));
    let of_a_day = overview
        .rows
        .iter()
        .filter(|row| row.state == SubmissionState::Submitted)
        .filter(|row| row.ended.is_some_and(|ended| ended >= day_ago))
        .count();

    vec![
        fact("Waiting", status.pending),
        fact("Sending", status.submitting),
        fact("Need a person", status.parked),
        fact("Sent, of the last 24 h", Some(of_a_day)),
        fact(
            "Oldest waits for",
            status
                .oldest_pending
                .map(|since| span(now.since(since).as_secs())),
        ),
    ]
}

fn machine(overview: &Overview, seen: &Seen) -> Vec<Fact> {
    let status = &overview.status;
    let folders: Vec<String> = seen
        .config
        .watch
        .iter()
        .map(|folder| folder.display().to_string())
        .collect();

    vec![
        fact("Machine", Some(&status.host)),
        fact("Version", Some(&status.version)),
        fact("Account", status.account.as_ref()),
        fact("Up for", status.uptime_s.map(span)),
        fact("Watches", Some(folders.join(", "))),
        fact("Run folders", overview.run_folders.as_ref()),
        fact("Last run seen", status.last_run_seen),
        fact(
            "Last sweep",
            seen.service.last_sweep.as_ref().map(|sweep| {
                let projects = counted(sweep.projects.len(), "project");
                let took = sweep.took.as_millis();
                format!("{} ({projects}, {took} ms)", sweep.ended)
            }),
        ),
        fact("State folder", Some(status.state_dir.display())),
        fact(
            "Free there",
            overview.free.map(|free| format!("{} MiB", free >> 20)),
        ),
        fact(
            "Configuration",
            status.config.as_ref().map(|file| file.display()),
        ),
    ]
}

/// What is known of a server, after what was said to it last.
fn server(server: &ConnectedServer) -> ServerRow {
    let state = &server.state;
    let token = format!("{} ({})", server.source, state.credential);

    ServerRow {
        url: shown(&state.server),
        facts: vec![
            fact("Token", Some(token)),
            fact("Account", state.account.as_ref()),
            fact("Refused", state.refused.as_ref()),
            fact("Last good answer", state.last_good),
            fact("Pause", state.pause.map(|pause| span(pause.as_secs()))),
            fact("Proxy", state.proxy.as_ref()),
            fact("API version", state.version.as_ref()),
            fact(
                "This clock is ahead by",
                state.clock_ahead.map(|ahead| format!("{ahead} ms")),
            ),
        ],
    }
}

/// A file that is being sent.
fn upload(file: &UploadMeasures) -> String {
    let sent = file.sent() >> 10;
    let size = file.size >> 10;
    shown(&format!(
        "run {}: {}, {sent} of {size} KiB",
        file.submission, file.name
    ))
}

/// The last warnings, the newest first.
fn recent(seen: &Seen) -> Vec<String> {
    let newest_first = seen.service.warnings.iter().rev();
    newest_first
        .map(|warning| format!("{} {}: {}", warning.at, warning.level, warning.text))
        .collect()
}

fn run_facts(details: &RunDetails) -> Vec<Fact> {
    let row = &details.row;
    let known = [
        ("Project", Some(shown(&row.project))),
        ("Folder", Some(shown(&row.folder))),
        ("Started", row.started.map(|at| at.to_string())),
        ("Ended", row.ended.map(|at| at.to_string())),
        ("Test plan", Some(plan(row))),
        (
            "Options of katalonc",
            details.ado_options().map(|text| shown(&text)),
        ),
        ("Mapping row", details.mapping_row.as_deref().map(shown)),
        ("Test run", row.ado_run_id.map(|id| id.to_string())),
        ("Next try", row.next_attempt.map(|at| at.to_string())),
        ("Key", Some(row.key.clone())),
    ];

    // What is not known has no line.
    let mut facts = Vec::new();
    for (name, value) in known {
        if let Some(value) = value {
            facts.push(Fact { name, value });
        }
    }
    facts
}

fn run_row(row: &SubmissionSummary) -> RunRow {
    let class = match row.state {
        SubmissionState::Submitted => "good",
        SubmissionState::Parked => "bad",
        SubmissionState::Pending | SubmissionState::Submitting => "busy",
        SubmissionState::Ignored => "still",
    };

    RunRow {
        id: row.id,
        state: row.state.word(),
        class,
        suite: shown(&row.suite),
        project: shown(&row.project),
        plan: plan(row),
        results: row.results,
        files: row.attachments,
        left_out: row.skipped.len(),
        ended: or_dash(row.ended),
        next_attempt: or_dash(row.next_attempt),
        reason: row.error.as_deref().map(shown).unwrap_or_default(),
        link: row.url.clone().filter(|url| is_link(url)),
        ado_run: or_dash(row.ado_run_id),
    }
}

/// Whether an address of an answer is one that a browser may be sent to: a page, and no script.
fn is_link(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "https" | "http"))
}

fn test_row(test: &TestDetails) -> TestRow {
    let mut arrived = Vec::new();
    for result in &test.results {
        arrived.push(shown(&format!(
            "{} as {} (point {}, result {})",
            result.azure_id,
            result.outcome,
            result.point_id,
            or_dash(result.result_id)
        )));
    }

    TestRow {
        test: shown(&test.test),
        status: shown(&test.status),
        ids: or_dash(test.ids_as_written.as_ref()),
        arrived,
        why: test
            .why_left_out()
            .map(|why| shown(&why))
            .unwrap_or_default(),
    }
}

fn problem(problem: &Problem) -> ProblemRow {
    ProblemRow {
        text: shown(&problem.text),
        hint: problem.hint.as_deref().map(shown).unwrap_or_default(),
    }
}

/// The test plan, or what the settings say of it as long as nobody asked ADO.
fn plan(row: &SubmissionSummary) -> String {
    or_dash(
        row.plan_id
            .map(|plan| plan.to_string())
            .or_else(|| row.wanted_plan.clone()),
    )
}

fn fact<T: std::fmt::Display>(name: &'static str, value: Option<T>) -> Fact {
    Fact {
        name,
        value: or_dash(value),
    }
}

fn or_dash<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| shown(&value.to_string()))
}

/// A text without controls: in a browser they would show it in another order than it has.
fn shown(text: &str) -> String {
    foreign::lines(text).into_owned()
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}
