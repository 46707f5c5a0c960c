//! The servers, as their last answers left them.

use askama::Template;

use crate::config::Config;
use crate::connect::ConnectedServer;
use crate::page::html::time::LocalClock;
use crate::page::html::{Fact, Piece, fact, shown, time_fact};
use crate::page::seen::Seen;
use crate::plural::span;
use crate::server::Server;

/// Milliseconds by which two clocks may differ before it is worth a word: servers tell whole
/// seconds, and answers are under way.
const ALIKE: u64 = 2000;

/// The section.
#[derive(Template)]
#[template(path = "servers.html", config = "src/page/askama.toml")]
pub(super) struct Servers {
    servers: Vec<ServerRow>,
}

struct ServerRow {
    url: String,
    /// The class of its state in the style sheet.
    class: &'static str,
    state: &'static str,
    facts: Vec<Fact>,
}

pub(super) fn of(seen: &Seen, clock: &LocalClock<'_>) -> Servers {
    let mut servers = Vec::new();
    for server in &seen.service.servers {
        servers.push(row(server, seen, clock));
    }

    let asked: Vec<_> = seen
        .service
        .servers
        .iter()
        .map(|server| server.state.server.clone())
        .collect();
    for url in configured(&seen.config) {
        if !asked.contains(&url) {
            servers.push(ServerRow {
                url: shown(&url),
                class: "still",
                state: "not asked yet",
                facts: Vec::new(),
            });
        }
    }
    Servers { servers }
}

/// The servers of kado.toml, each once.
fn configured(config: &Config) -> Vec<String> {
    let tables = config.projects.iter().map(|project| &project.tables);
    let mut servers = Vec::new();
    for tables in std::iter::once(&config.machine).chain(tables) {
        let Some(url) = &tables.overrides.server_url else {
            continue;
        };
        if let Ok(server) = Server::parse(url)
            && !servers.iter().any(|known| known == server.base())
        {
            servers.push(server.base().to_owned());
        }
    }
    servers
}

fn row(server: &ConnectedServer, seen: &Seen, clock: &LocalClock<'_>) -> ServerRow {
    let state = &server.state;
    let (class, word) = if state.refused.is_some() {
        ("bad", "refuses the token")
    } else if state.pause.is_some() {
        ("busy", "asked for a pause")
    } else if state.last_good.is_some() {
        ("good", "answers")
    } else {
        ("busy", "no answer yet")
    };

    let token = format!("{} ({})", server.source, state.credential);
    let mut facts = vec![
        fact("Token", Some(token)),
        fact("Who it is", state.account.as_ref()),
        fact("It ends", end_of_token(&state.server, seen)),
        fact("Refused", state.refused.as_ref()),
        time_fact("Last good answer", state.last_good, clock),
        fact(
            "Pause",
            state
                .pause
                .map(|left| format!("{} left", span(left.as_secs()))),
        ),
        fact("Proxy", state.proxy.as_ref()),
        fact("API version", state.version.as_ref()),
        fact("Clock", state.clock_ahead.map(difference)),
    ];
    // What is well by being nothing has no line.
    facts.retain(|fact| {
        fact.value != Piece::Unknown || !matches!(fact.name, "Refused" | "Pause" | "It ends")
    });

    ServerRow {
        url: shown(&state.server),
        class,
        state: word,
        facts,
    }
}

/// The last day of the token for a server, or of the certificate that gets one, as far as that is
/// known.
fn end_of_token(server: &str, seen: &Seen) -> Option<String> {
    for end in &seen.overview.token_ends {
        if end.server.as_deref() == Some(server) {
            return Some(end.day.to_string());
        }
    }
    None
}

/// How this machine's clock differs from the server's, in milliseconds.
fn difference(ahead: i64) -> String {
    let by = ahead.unsigned_abs();
    if by < ALIKE {
        return "as the server's".to_owned();
    }
    let direction = if ahead > 0 { "ahead of" } else { "behind" };
    format!("{} {direction} the server's", span(by / 1000))
}
