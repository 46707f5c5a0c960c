//! How things stand as numbers, for a Prometheus: the names that the product contract lists in
//! section 10, which `docs/monitoring.md` explains.
//!
//! What the database says everybody can tell who may read it; what only the running service counts
//! is added by the service alone. What is not known is left out, because a 0 would be a statement.
//! Nothing in here fails for what it shows, and no label takes more values than there are servers,
//! states and kinds.

mod exposition;

use std::fmt;
use std::time::Duration;

use prometheus_client::registry::Unit;

use exposition::{Exposition, Family, Labels, label};

use crate::clock;
use crate::config::Config;
use crate::measures::Measures;
use crate::moment::Moment;
use crate::outbox::lock::ServiceState;
use crate::outbox::submission::SubmissionState;
use crate::overview::{Overview, ProblemKind};
use crate::spool::Spool;

/// How the text looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TextForm {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus' text format 0.0.4, which everybody reads.
    Prometheus,
}

impl TextForm {
    /// What an answer calls it.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// What everybody can tell who may read the database.
///
/// # Errors
/// When a family cannot be written, which no value brings about.
pub(crate) fn of_database(overview: &Overview, config: &Config) -> Result<String, fmt::Error> {
    let mut metrics = Exposition::new();
    add_gauges(&mut metrics, overview, config);
    metrics.text(TextForm::Prometheus)
}

/// The same with what the service counted since it began.
///
/// # Errors
/// As [`of_database`].
pub(crate) fn of_service(
    overview: &Overview,
    config: &Config,
    measures: &Measures,
    form: TextForm,
) -> Result<String, fmt::Error> {
    let mut metrics = Exposition::new();
    add_gauges(&mut metrics, overview, config);
    add_measures(&mut metrics, measures);
    metrics.text(form)
}

fn add_gauges(metrics: &mut Exposition, overview: &Overview, config: &Config) {
    add_program(metrics, overview);
    add_runs(metrics, overview, clock::now());

    // Whoever may not look into the folder does not know.
    let spool = Spool::new(&config.state_dir, config.spool_limit);
    metrics.gauge(
        Family {
            name: "spool",
            unit: Some(Unit::Bytes),
            help: "Size of the copies of files of runs that are not sent yet",
        },
        spool.bytes().map(number),
    );
    metrics.gauge(
        Family {
            name: "projects",
            unit: None,
            help: "Katalon projects that the last sweep found",
        },
        overview.swept_projects.map(|count| number(count as u64)),
    );

    add_problems(metrics, overview);
    add_token_ends(metrics, overview);
}

/// Which kado it is, and whether its service runs.
fn add_program(metrics: &mut Exposition, overview: &Overview) {
    let version = vec![("version", label(&overview.status.version))];
    metrics.gauges(
        Family {
            name: "build_info",
            unit: None,
            help: "Version of the running service, else of this program; always 1",
        },
        [(version, 1.0)],
    );

    let running = match overview.service {
        ServiceState::Running => Some(1.0),
        ServiceState::NotRunning | ServiceState::Failed => Some(0.0),
        ServiceState::Unknown => None,
    };
    metrics.gauge(
        Family {
            name: "service_running",
            unit: None,
            help: "Whether the service runs",
        },
        running,
    );
}

/// What the outbox says of runs.
fn add_runs(metrics: &mut Exposition, overview: &Overview, now: Moment) {
    let status = &overview.status;

    // All of them or none: of an outbox that cannot be read nothing is known.
    if status.pending.is_some() {
        metrics.gauges(
            Family {
                name: "runs",
                unit: None,
                help: "Runs by what became of them, one for each test plan",
            },
            SubmissionState::ALL.map(|state| {
                let count = overview.rows.iter().filter(|row| row.state == state);
                (with("state", state.word()), number(count.count() as u64))
            }),
        );

        let oldest = status
            .oldest_pending
            .map_or(0.0, |oldest| now.since(oldest).as_secs_f64());
        metrics.gauge(
            Family {
                name: "oldest_pending",
                unit: Some(Unit::Seconds),
                help: "Time since the end of the run that waits longest, 0 when none waits",
            },
            Some(oldest),
        );
    }

    let times = [
        (
            "last_success_timestamp",
            "When a run was submitted last",
            status.last_success,
        ),
        (
            "last_run_seen_timestamp",
            "When the Katalon run ended that ended last of those that were seen",
            status.last_run_seen,
        ),
        (
            "first_look_timestamp",
            "When kado looked at this machine first",
            overview.first_look,
        ),
    ];
    for (name, help, time) in times {
        metrics.gauge(
            Family {
                name,
                unit: Some(Unit::Seconds),
                help,
            },
            time.map(seconds),
        );
    }
}

/// Every kind, so that one that is over is a 0 and not a gap.
fn add_problems(metrics: &mut Exposition, overview: &Overview) {
    let problems = &overview.status.problems;
    metrics.gauges(
        Family {
            name: "problems",
            unit: None,
            help: "Problems that need a person, by kind, as kado status lists them",
        },
        ProblemKind::ALL.map(|kind| {
            let count = problems.iter().filter(|problem| problem.kind == kind);
            (with("kind", kind.word()), number(count.count() as u64))
        }),
    );

    let notes = &overview.status.notes;
    metrics.gauges(
        Family {
            name: "notes",
            unit: None,
            help: "What is worth a look and may be as it should be, by kind, as kado status lists it",
        },
        ProblemKind::NOTES.map(|kind| {
            let count = notes.iter().filter(|note| note.kind == kind);
            (with("kind", kind.word()), number(count.count() as u64))
        }),
    );
}

/// The first end of the tokens of each server, as far as they are known.
fn add_token_ends(metrics: &mut Exposition, overview: &Overview) {
    let mut ends: Vec<(&str, Moment)> = Vec::new();
    for end in &overview.token_ends {
        let ended = clock::end_of(end.day);
        let server = end.server.as_deref().unwrap_or_default();
        match ends.iter_mut().find(|(known, _)| *known == server) {
            Some((_, first)) => *first = ended.min(*first),
            None => ends.push((server, ended)),
        }
    }

    metrics.gauges(
        Family {
            name: "token_expires_timestamp",
            unit: Some(Unit::Seconds),
            help: "When the token of a server ends, where that is known",
        },
        ends.into_iter()
            .map(|(server, end)| (with("server", &label(server)), seconds(end))),
    );
}

/// What the running service counted since it began.
fn add_measures(metrics: &mut Exposition, measures: &Measures) {
    let mut requests = Vec::new();
    let mut throttled = Duration::ZERO;
    for (server, counted) in measures.servers() {
        throttled += counted.throttled();
        for (result, count) in counted.requests() {
            let labels = vec![
                ("server", label(&server)),
                ("result", result.word().to_owned()),
            ];
            requests.push((labels, number(count)));
        }
    }
    metrics.counters(
        Family {
            name: "requests",
            unit: None,
            help: "Requests to Azure DevOps, by server and how they ended",
        },
        requests,
    );

    metrics.histogram(
        Family {
            name: "request",
            unit: Some(Unit::Seconds),
            help: "Time from a request to the end of its answer",
        },
        measures.request_seconds(),
    );
    metrics.counters(
        Family {
            name: "uploaded",
            unit: Some(Unit::Bytes),
            help: "Bytes of attachments that were handed to the network",
        },
        [(Labels::new(), number(measures.uploaded_bytes()))],
    );
    metrics.counters(
        Family {
            name: "throttle_wait",
            unit: Some(Unit::Seconds),
            help: "Time for which servers asked kado to leave them alone",
        },
        [(Labels::new(), throttled.as_secs_f64())],
    );
    metrics.gauge(
        Family {
            name: "sweep",
            unit: Some(Unit::Seconds),
            help: "How long the last sweep over the watched folders took",
        },
        measures.last_sweep().map(|sweep| sweep.took.as_secs_f64()),
    );
}

/// One label whose value needs no escape.
fn with(name: &'static str, value: &str) -> Labels {
    vec![(name, value.to_owned())]
}

/// A count as metrics have it; beyond 2^53 it is rounded.
fn number(count: u64) -> f64 {
    count as f64
}

/// Seconds since 1970.
fn seconds(moment: Moment) -> f64 {
    moment.millis() as f64 / 1000.0
}
