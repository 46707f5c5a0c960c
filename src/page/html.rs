//! What the page shows, in words: from what was seen to templates (`templates/`), which escape
//! every text of others by themselves. Pure.
//!
//! A page is a frame around sections. Each section is rendered for itself, because a browser that
//! listens is sent only those that changed. Only what came out of a template is put into another
//! one as it is.

mod machine;
mod problems;
mod projects;
mod run;
mod runs;
mod sentence;
mod servers;
mod time;

use askama::Template;

use crate::foreign;
use crate::moment::Moment;
use crate::overview::run_details::RunDetails;
use crate::page::seen::Seen;

use time::{LocalClock, Time};

/// The style sheet of all pages.
pub(super) const STYLE: &str = include_str!("templates/style.css");
/// The one script: it has the page follow what happens, and sends what its buttons say.
pub(super) const SCRIPT: &str = include_str!("templates/page.js");

/// A part of a page that changes as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct PageSection {
    /// The id of its element.
    pub id: &'static str,
    pub html: String,
}

impl PageSection {
    /// # Errors
    /// When the template cannot be filled, which no text of others brings about.
    fn of(id: &'static str, template: &impl Template) -> Result<Self, askama::Error> {
        let html = template.render()?;
        Ok(Self { id, html })
    }
}

/// A page as it was at some moment, without the frame that is another one for each answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct PageParts {
    title: String,
    /// The first of them stands in the head of the page.
    pub sections: Vec<PageSection>,
    /// Where its changes are told.
    events: String,
    /// When it was so.
    at: Time,
    /// The commands that show the same.
    commands: Vec<String>,
}

impl PageParts {
    /// Tells this state of the page from any other one.
    pub(super) fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for section in &self.sections {
            hasher.update(blake3::hash(section.html.as_bytes()).as_bytes());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }
}

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

/// What stands in a place: a text, or something that is more than one.
#[derive(Clone, PartialEq, Eq, Debug, Template)]
#[template(path = "piece.html", config = "src/page/askama.toml")]
enum Piece {
    /// Nothing is known.
    Unknown,
    Text(String),
    Time(Time),
}

/// A value with its name.
struct Fact {
    name: &'static str,
    value: Piece,
}

#[derive(Template)]
#[template(path = "frame.html", config = "src/page/askama.toml")]
struct Frame<'a> {
    page: &'a PageParts,
    digest: String,
    /// This answer's: only a script that has it runs.
    nonce: &'a str,
}

/// The first page.
///
/// # Errors
/// When a template cannot be filled, which no text of others brings about.
pub(super) fn overview(seen: &Seen) -> Result<PageParts, askama::Error> {
    let clock = LocalClock::new(seen.at, &seen.zone);
    let sentence = sentence::of(seen, &clock);

    Ok(PageParts {
        title: sentence.text.clone(),
        sections: vec![
            PageSection::of("sentence", &sentence)?,
            PageSection::of("counters", &sentence::counters(seen, &clock))?,
            PageSection::of("problems", &problems::of(seen, &clock))?,
            PageSection::of("servers", &servers::of(seen, &clock))?,
            PageSection::of("projects", &projects::of(seen, &clock))?,
            PageSection::of("runs", &runs::of(seen, &clock))?,
            PageSection::of("machine", &machine::of(seen, &clock))?,
            PageSection::of("configuration", &machine::configuration(seen))?,
            PageSection::of("warnings", &machine::warnings(seen, &clock))?,
        ],
        events: "/events".to_owned(),
        at: clock.time(seen.at),
        commands: vec!["kado status".to_owned(), "kado runs".to_owned()],
    })
}

/// The page of one run, as it is now.
///
/// # Errors
/// As [`overview`].
pub(super) fn run(details: &RunDetails, seen: &Seen) -> Result<PageParts, askama::Error> {
    let clock = LocalClock::new(seen.at, &seen.zone);
    let id = details.row.id;

    Ok(PageParts {
        title: format!("run {id}, {}", shown(&details.row.suite)),
        sections: vec![
            PageSection::of("sentence", &run::head(details, seen.buttons, &clock))?,
            PageSection::of("facts", &run::facts(details, &clock))?,
            PageSection::of("tests", &run::tests(details))?,
            PageSection::of("files", &run::files(details))?,
            PageSection::of("remarks", &run::remarks(details))?,
        ],
        events: format!("/runs/{id}/events"),
        at: clock.time(seen.at),
        commands: vec![format!("kado runs show {id}")],
    })
}

/// A page in its frame.
///
/// # Errors
/// As [`overview`].
pub(super) fn framed(page: &PageParts, nonce: &str) -> Result<String, askama::Error> {
    let digest = page.digest();
    Frame {
        page,
        digest,
        nonce,
    }
    .render()
}

/// An address of an answer, if a browser may be sent there: a page, and no script.
fn link(url: Option<&str>) -> Option<String> {
    let url = url?;
    let parsed = url::Url::parse(url).ok()?;
    matches!(parsed.scheme(), "https" | "http").then(|| url.to_owned())
}

fn fact<T: std::fmt::Display>(name: &'static str, value: Option<T>) -> Fact {
    let value = match value {
        Some(value) => Piece::Text(shown(&value.to_string())),
        None => Piece::Unknown,
    };
    Fact { name, value }
}

fn time_fact(name: &'static str, at: Option<Moment>, clock: &LocalClock<'_>) -> Fact {
    Fact {
        name,
        value: clock.piece(at),
    }
}

fn or_dash<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| shown(&value.to_string()))
}

/// A text without controls: in a browser they would show it in another order than it has.
fn shown(text: &str) -> String {
    foreign::lines(text).into_owned()
}

/// A size as people say it.
fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{} KiB", count >> 10),
        1_048_576..10_737_418_240 => format!("{} MiB", count >> 20),
        _ => format!("{} GiB", count >> 30),
    }
}
