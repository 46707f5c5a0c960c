//! Which causes are there, from how things stand. Pure.
//!
//! What is said of a cause may go to a chat of people elsewhere, so it is made here, of little:
//! names of project and suite, a count, a reason without what `[redact]` hides, a link into Azure
//! DevOps, and commands of kado. Paths of a mending command stay on the machine, where `kado
//! status` tells them.

use std::time::Duration;

use url::Url;

use crate::config::Config;
use crate::config::notify::{NotificationKind, NotifyRules};
use crate::katalon::masked::MaskedValues;
use crate::katalon::redaction::{RedactPattern, Redaction};
use crate::notifications::decide::{FoundCause, FoundCauses};
use crate::outbox::notification::{Account, CauseKey};
use crate::outbox::submission::HeldUpServer;
use crate::overview::{Overview, Problem, ProblemKind};
use crate::plan::text;
use crate::plural::{counted, form};

/// How long a part of the watched folders is not seen before that is told: a workspace that is
/// wiped and made again, or a share that is away for a moment, is no news.
const FOLDER_PATIENCE: Duration = Duration::from_secs(2 * 60);
/// Where the way out stands that is not told elsewhere.
const STATUS: &str = "`kado status` says what mends it";

/// All causes of which people want to be told.
pub(super) fn causes(overview: &Overview, config: &Config, rules: &NotifyRules) -> FoundCauses {
    let mut found = FoundCauses::new();
    for problem in &overview.status.problems {
        if let Some(kind) = kind_of(problem.kind) {
            let key = CauseKey {
                kind,
                subject: problem.about.subject.clone(),
            };
            found.insert(key, of_problem(problem, &config.redact));
        }
    }

    for server in &overview.held_up {
        let key = CauseKey {
            kind: NotificationKind::Waiting,
            subject: server.server.clone(),
        };
        found.insert(key, of_server(server, rules.waiting_after, &config.redact));
    }

    found.retain(|key, _| rules.on.contains(&key.kind));
    found
}

/// As what a problem is told; `None` for one that is not, because it costs no run or ends by
/// itself.
const fn kind_of(problem: ProblemKind) -> Option<NotificationKind> {
    match problem {
        ProblemKind::Parked => Some(NotificationKind::Parked),
        ProblemKind::Credentials => Some(NotificationKind::Credentials),
        ProblemKind::Folder => Some(NotificationKind::Folder),
        ProblemKind::Silence => Some(NotificationKind::Silence),
        // Without room nothing is sent, whatever server it is for.
        ProblemKind::Disk => Some(NotificationKind::Waiting),

        // Runs that wait are told by their servers, and only after a while.
        ProblemKind::Waiting
        // These say that kado itself does not work, which it cannot tell.
        | ProblemKind::Service
        | ProblemKind::Live
        | ProblemKind::Outbox
        | ProblemKind::Notification
        | ProblemKind::Polled
        | ProblemKind::Member
        // Notes, which may be as they should be.
        | ProblemKind::Different
        | ProblemKind::Double
        | ProblemKind::Lost
        | ProblemKind::Exec
        | ProblemKind::Older
        | ProblemKind::Unreadable => None,
    }
}

fn of_problem(problem: &Problem, redact: &[RedactPattern]) -> FoundCause {
    let about = &problem.about;
    let hint = match problem.kind {
        ProblemKind::Parked => format!(
            "`kado runs show {id}` shows all of it; when it is mended, `kado runs retry {id}` \
             submits it",
            id = about.subject
        ),
        ProblemKind::Silence => "look whether the tests of this machine still run".to_owned(),
        _ => STATUS.to_owned(),
    };

    FoundCause {
        stage: about.stage,
        patience: match problem.kind {
            ProblemKind::Folder => FOLDER_PATIENCE,
            _ => Duration::ZERO,
        },
        not_before: None,
        account: Account {
            text: told(&problem.text, redact),
            hint: Some(hint),
            project: about.project.as_deref().map(|name| told(name, redact)),
            suite: about.suite.as_deref().map(|name| told(name, redact)),
            runs: about.runs,
            url: about.url.clone().filter(|url| is_page(url)),
        },
    }
}

/// Nothing gets through to a server.
fn of_server(server: &HeldUpServer, patience: Duration, redact: &[RedactPattern]) -> FoundCause {
    let name = match server.server.as_str() {
        "" => "a server that is not known",
        name => name,
    };
    let text = format!(
        "nothing could be sent to {name}; {} {}: {}",
        counted(server.waiting, "run"),
        form(server.waiting, "waits", "wait"),
        server.reason
    );

    FoundCause {
        stage: 0,
        patience,
        not_before: server.last_success,
        account: Account {
            text: told(&text, redact),
            hint: Some(STATUS.to_owned()),
            runs: server.waiting,
            ..Account::default()
        },
    }
}

/// Whether a URL is a page of the web, and nothing that a reader would carry out.
fn is_page(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// A text as it leaves the machine: without what is hidden, in one line, at most 300 characters.
fn told(text: &str, redact: &[RedactPattern]) -> String {
    let nothing = MaskedValues::default();
    let clean = Redaction::new(redact, &nothing).text(text).into_owned();
    text::reason(&clean).replace(['\n', '\r', '\t'], " ")
}
