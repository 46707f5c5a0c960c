//! The page of a test run, for whoever opens the address that kado prints: what arrived, and the
//! files.
//!
//! It is the fake's own and says so; Azure DevOps shows the same things in its own way, and asks
//! for a sign-in first. Looking at it is no request of the log, and no fault touches it.

use std::fmt::Write as _;

use hyper::Method;
use hyper::http::request::Parts;

use crate::answer::Answer;
use crate::query::{Query, decode};
use crate::runs_model::{Attachment, SubResult, TestResult, TestRun};
use crate::server::{Shared, lock};
use crate::world::World;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;color:#222;background:#fff}\
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.4rem .6rem;text-align:left;vertical-align:top}\
pre{white-space:pre-wrap;margin:.2rem 0}.fake{background:#fff4ce;padding:.4rem .8rem}\
.Passed{color:#0a6b0a}.Failed,.Error{color:#b3140f}ul{margin:.2rem 0;padding-left:1.2rem}";

/// The page of a path below the organization, such as `/Shop/_testManagement/runs`; `None` where it
/// is not that of a page.
pub(crate) fn answer(shared: &Shared, parts: &Parts, path: &str) -> Option<Answer> {
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(decode)
        .collect();
    let [project, area, runs] = segments.as_slice() else {
        return None;
    };
    let is_page = area.eq_ignore_ascii_case("_testManagement") && runs.eq_ignore_ascii_case("runs");
    if !is_page || parts.method != Method::GET {
        return None;
    }

    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let world = lock(&shared.world);
    let Some(id) = query.get("runId") else {
        return Some(html(200, &list(&world, project)));
    };

    let run = world
        .runs()
        .iter()
        .find(|run| run.id.to_string() == id && run.project.eq_ignore_ascii_case(project));

    Some(match run {
        Some(run) => html(200, &page(&world, run)),
        None => html(
            404,
            &document("No such test run", &format!("<p>{}</p>", escape(id))),
        ),
    })
}

/// The bytes of an attachment, whatever it hangs on; `None` where there is none, or it was too
/// large to be kept.
pub(crate) fn attachment(world: &World, id: &str) -> Option<Answer> {
    let found = every_attachment(world).find(|one| one.id.to_string() == id)?;
    if found.bytes.is_empty() && found.size > 0 {
        return None;
    }

    let kind = match found.file_name.rsplit('.').next().unwrap_or_default() {
        "png" => "image/png",
        "html" => "text/html; charset=utf-8",
        "pdf" => "application/pdf",
        "log" | "txt" | "csv" | "xml" | "json" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };

    // A report is a page of somebody else's: it may show itself, and run nothing.
    Some(
        Answer::new(200, kind, found.bytes.clone())
            .with("content-security-policy", "sandbox")
            .with("x-content-type-options", "nosniff"),
    )
}

fn every_attachment(world: &World) -> impl Iterator<Item = &Attachment> {
    world.runs().iter().flat_map(|run| {
        let of_results = run.results.iter().flat_map(|result| {
            let of_subs = result.sub_results.iter().flat_map(|sub| &sub.attachments);
            result.attachments.iter().chain(of_subs)
        });
        run.attachments.iter().chain(of_results)
    })
}

/// The runs of a project, newest first.
fn list(world: &World, project: &str) -> String {
    let mut items = String::new();
    for run in world.runs().iter().rev() {
        if run.project.eq_ignore_ascii_case(project) {
            let _ = write!(
                items,
                "<li><a href=\"?runId={}\">{} {}</a> ({}, {} results)</li>",
                run.id,
                run.id,
                escape(&run.name),
                escape(&run.state),
                run.results.len()
            );
        }
    }

    document(
        &format!("Test runs of {}", escape(project)),
        &format!("<ul>{items}</ul>"),
    )
}

fn page(world: &World, run: &TestRun) -> String {
    let mut body = format!(
        "<table><tr><th>State</th><td>{}</td></tr><tr><th>Test plan</th><td>{}</td></tr>\
         <tr><th>Comment</th><td><pre>{}</pre></td></tr><tr><th>Files</th><td>{}</td></tr></table>",
        escape(&run.state),
        run.plan_id
            .map_or_else(|| "none".to_owned(), |id| id.to_string()),
        escape(run.comment.as_deref().unwrap_or_default()),
        files(&run.attachments)
    );

    let _ = write!(
        body,
        "<h2>{} results</h2><table><tr><th>Test case</th><th>Configuration</th><th>Point</th>\
         <th>Outcome</th><th>Files</th></tr>",
        run.results.len()
    );
    for result in &run.results {
        body.push_str(&row(world, run, result));
    }

    body.push_str("</table>");

    document(
        &format!("Test run {}: {}", run.id, escape(&run.name)),
        &body,
    )
}

fn row(world: &World, run: &TestRun, result: &TestResult) -> String {
    let configuration = world
        .find_project(&run.project)
        .into_iter()
        .flat_map(|project| &project.configurations)
        .find(|one| Some(one.id) == result.configuration_id)
        .map_or("", |one| one.name.as_str());

    let mut subs = String::new();
    for sub in &result.sub_results {
        subs.push_str(&sub_result(sub));
    }

    format!(
        "<tr><td>{} {}{}<ul>{subs}</ul></td><td>{}</td><td>{}</td><td class=\"{outcome}\">{outcome}</td>\
         <td>{}</td></tr>",
        result.test_case_id.unwrap_or_default(),
        escape(&result.title),
        error(result.error_message.as_deref()),
        escape(configuration),
        result.point_id.unwrap_or_default(),
        files(&result.attachments),
        outcome = escape(&result.outcome),
    )
}

fn sub_result(sub: &SubResult) -> String {
    format!(
        "<li><span class=\"{outcome}\">{outcome}</span> {}{}{}</li>",
        escape(sub.display_name.as_deref().unwrap_or_default()),
        error(sub.error_message.as_deref()),
        files(&sub.attachments),
        outcome = escape(&sub.outcome),
    )
}

fn error(message: Option<&str>) -> String {
    message.map_or_else(String::new, |message| {
        format!("<pre>{}</pre>", escape(message))
    })
}

fn files(attachments: &[Attachment]) -> String {
    let mut items = String::new();
    for one in attachments {
        let _ = write!(
            items,
            "<li><a href=\"/_fake/attachments/{}\">{}</a>, {} bytes</li>",
            one.id,
            escape(&one.file_name),
            one.size
        );
    }

    if items.is_empty() {
        items
    } else {
        format!("<ul>{items}</ul>")
    }
}

/// A whole page; the title is escaped already.
fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style>\
         <p class=\"fake\">This is fake-ado, which plays Azure DevOps on this machine. It shows what it was sent.</p>\
         <h1>{title}</h1>{body}</html>"
    )
}

fn html(status: u16, text: &str) -> Answer {
    Answer::new(status, "text/html; charset=utf-8", text.to_owned()).with(
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'",
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
