//! What needs a person: one place for each kind, with its words and its way out.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::config::Config;
use crate::config::expiry::{EndPhase, TokenEnd};
use crate::moment::Moment;
use crate::outbox::lock::{NextTry, ServiceMark, ServiceState};
use crate::outbox::notification::Undelivered;
use crate::outbox::submission::{ServerWithoutToken, SubmissionSummary};
use crate::overview::disk::{DiskFault, make_room};
use crate::overview::live_suites::AbandonedSuite;
use crate::plural::{counted, form, span};
use crate::record::Unreadable;
use crate::shell_word::shell_word;
use crate::spool::Spool;
use crate::watch::ToldWatchProblem;

/// Free bytes below which a person should make room.
const LITTLE: u64 = 100 << 20;
/// What the problem of the disk is about: there is one of the state folder.
pub(crate) const DISK: &str = "disk";

/// What becomes of what waits where no service runs.
const NOBODY_TRIES: &str = "no service runs, so nothing is tried until one does (`kado service \
     start` or `kado run`); `kado run --once` tries once, `kado check` asks the server";

/// Something that needs a person.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    pub kind: ProblemKind,
    /// What is wrong.
    pub text: String,
    /// What mends it, where the text does not say so already.
    pub hint: Option<String>,
    /// What it is about, apart from its words; no script sees this.
    #[serde(skip)]
    pub about: About,
}

/// What a problem is about: by this it is known again while its words change, and this may be told
/// outside of the machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    /// Which one of its kind it is: a submission, a server, a folder.
    pub subject: String,
    /// How bad it is, from 0; what gets worse is another piece of news.
    pub stage: u8,
    /// The Katalon project and the suite, of a single run.
    pub project: Option<String>,
    pub suite: Option<String>,
    /// How many runs wait for it.
    pub runs: usize,
    /// Where a person sees it in Azure DevOps.
    pub url: Option<String>,
}

impl About {
    pub(super) fn subject(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            ..Self::default()
        }
    }
}

/// Kinds of problems. Scripts rely on the words, which `docs/json.md` lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProblemKind {
    /// The service was killed or failed, or a part of it, or this account may not look at it.
    Service,
    /// The disk of the state folder has no room or is read-only.
    Disk,
    /// The database cannot be read.
    Outbox,
    /// A server has no usable token, and runs wait for one; or what stands in the place of a token
    /// is none.
    Credentials,
    /// A part of the watched folders is not seen.
    Folder,
    /// Folders are polled instead of watched.
    Polled,
    /// A run needs a person.
    Parked,
    /// Runs wait with an error.
    Waiting,
    /// A suite has a live run, and nobody is left who would submit it.
    Live,
    /// A member of a collection is kept and cannot be read.
    Member,
    /// No Katalon run was seen for long.
    Silence,
    /// Nobody gets the notifications.
    Notification,
    /// Azure DevOps holds other results than were sent.
    Different,
    /// Katalon submitted runs that kado had sent.
    Double,
    /// Run folders vanished before their runs were recorded.
    Lost,
    /// A `kado exec` made no run, or its run was aborted.
    Exec,
    /// Runs from before the history are left alone.
    Older,
    /// Something that another version stored, beside the runs, cannot be read.
    Unreadable,
}

impl ProblemKind {
    /// What is told as a note: it may be as it should be.
    pub(crate) const NOTES: [Self; 7] = [
        Self::Silence,
        Self::Different,
        Self::Double,
        Self::Lost,
        Self::Exec,
        Self::Older,
        Self::Unreadable,
    ];

    /// All kinds of what needs a person.
    pub(crate) const ALL: [Self; 12] = [
        Self::Service,
        Self::Disk,
        Self::Outbox,
        Self::Credentials,
        Self::Folder,
        Self::Polled,
        Self::Parked,
        Self::Waiting,
        Self::Live,
        Self::Member,
        Self::Silence,
        Self::Notification,
    ];

    /// The word in JSON and in metrics.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Disk => "disk",
            Self::Outbox => "outbox",
            Self::Credentials => "credentials",
            Self::Folder => "folder",
            Self::Polled => "polled",
            Self::Parked => "parked",
            Self::Waiting => "waiting",
            Self::Live => "live",
            Self::Member => "member",
            Self::Silence => "silence",
            Self::Notification => "notification",

            // Only ever notes.
            Self::Different => "different",
            Self::Double => "double",
            Self::Lost => "lost",
            Self::Exec => "exec",
            Self::Older => "older",
            Self::Unreadable => "unreadable",
        }
    }
}

impl Problem {
    fn new(kind: ProblemKind, text: String) -> Self {
        Self {
            kind,
            text,
            hint: None,
            about: About::default(),
        }
    }

    pub(super) fn about(self, about: About) -> Self {
        Self { about, ..self }
    }

    pub(super) fn with_hint(kind: ProblemKind, text: String, hint: String) -> Self {
        Self {
            hint: Some(hint),
            ..Self::new(kind, text)
        }
    }

    /// A service that was killed watches nothing, and nobody asked it to end; one that nobody may
    /// look at is not known to run.
    pub(super) fn of_service(config: &Config, service: ServiceState) -> Option<Self> {
        let (text, hint) = match service {
            ServiceState::Running | ServiceState::NotRunning => return None,
            ServiceState::Failed => {
                let text = "the service did not end by itself, it was killed or it failed, and it \
                            does not run";
                let hint = format!(
                    "look at its log, then start it with `kado service start` or `kado run` \
                     (where no service is wanted any more, remove `{}`)",
                    ServiceMark::path(&config.state_dir).display()
                );

                (text.to_owned(), hint)
            }

            ServiceState::Unknown => {
                let text = format!(
                    "this account may not look into the state folder `{}`, so nothing is known of \
                     the service and of what waits",
                    config.state_dir.display()
                );
                let hint = "ask with the account of the service or as a member of its group";

                (text, hint.to_owned())
            }
        };

        Some(Self::with_hint(ProblemKind::Service, text, hint))
    }

    /// A part of the service failed, and the service goes on without it.
    pub(super) fn of_failed_part(part: &str) -> Self {
        let text = format!("{part} failed, and the service goes on without it");
        let hint = "`kado service restart` starts all of it anew; its log says what failed, which \
                    is a defect to report";
        Self::with_hint(ProblemKind::Service, text, hint.to_owned())
            .about(About::subject(format!("part {part}")))
    }

    /// What is wrong with the disk of the state folder, on which so much is free: nothing is sent
    /// that cannot be recorded.
    pub(super) fn of_disk(state_dir: &Path, free: Option<u64>) -> Option<Self> {
        let (text, hint) = match (DiskFault::with_room(state_dir, free), free) {
            (Some(fault), _) => (fault.text(state_dir), fault.hint()),
            (None, Some(free)) if free < LITTLE => {
                let text = format!(
                    "only {} MiB are free where the state folder `{}` lies; nothing is sent \
                     without room",
                    free >> 20,
                    state_dir.display()
                );
                (text, Some(make_room()))
            }
            (None, _) => return None,
        };

        Some(Self {
            hint,
            ..Self::new(ProblemKind::Disk, text).about(About::subject(DISK))
        })
    }

    /// The database cannot be read: `error` says why, and what to do.
    pub(super) fn of_outbox(error: String) -> Self {
        Self::new(ProblemKind::Outbox, error)
    }

    pub(super) fn of_credentials(
        server: &ServerWithoutToken,
        next_try: NextTry,
        config: &Config,
    ) -> Self {
        let name = if server.server.is_empty() {
            "a server"
        } else {
            &server.server
        };
        let since = match server.since {
            Some(since) => format!(" since {since}"),
            None => String::new(),
        };

        let text = format!(
            "no usable token for {name}{since}; {} {}: {}",
            counted(server.waiting, "run"),
            form(server.waiting, "waits", "wait"),
            server.reason
        );
        // Reasons of a source that holds no token name it, with what puts one there.
        let hint = if next_try == NextTry::Never && config.watch.is_empty() {
            "`kado check PROJECT` says where the token comes from and tries it; no service runs, so \
             nothing is sent by itself, `kado runs retry --failed` sends once"
        } else if next_try == NextTry::Never {
            "`kado check` says where the token comes from and tries it; a new one is handed over \
             with `kado setup`; no service runs, so nothing is sent until one does (`kado service \
             start` or `kado run`), `kado run --once` sends once"
        } else {
            "`kado check` says where the token comes from and tries it; a new one is handed over \
             with `kado setup`, and then the runs are sent by themselves"
        };

        Self::with_hint(ProblemKind::Credentials, text, hint.to_owned()).about(About {
            runs: server.waiting,
            ..About::subject(&server.server)
        })
    }

    pub(super) fn of_folder(unseen: &ToldWatchProblem) -> Self {
        Self::with_hint(
            ProblemKind::Folder,
            unseen.text.clone(),
            unseen.hint.clone(),
        )
        .about(About::subject(&unseen.about))
    }

    /// What stands in the place of a token is none: `error` says where, and what to do.
    pub(super) fn of_token(error: String) -> Self {
        let about = About::subject(format!("token {error}"));
        Self::new(ProblemKind::Credentials, error).about(about)
    }

    /// A token whose end is near or over; `None` for one that is good for long.
    pub(super) fn of_end(end: &TokenEnd) -> Option<Self> {
        let stage = match end.phase {
            EndPhase::Far => return None,
            EndPhase::Near(4..) => 1,
            EndPhase::Near(1..) => 2,
            EndPhase::Near(_) => 3,
            EndPhase::Over => 4,
        };

        let problem = Self::with_hint(ProblemKind::Credentials, end.to_string(), end.remedy());
        Some(problem.about(About {
            stage,
            ..About::subject(format!("end {}", end.key))
        }))
    }

    /// No Katalon run was seen since then, for so long.
    pub(super) fn of_silence(since: Moment, silent_for: Duration) -> Self {
        let text = format!(
            "no Katalon run was seen for {} (since {since})",
            span(silent_for.as_secs())
        );
        let hint = "look whether the tests of this machine still run; `kado why FOLDER` says what \
                    became of a run folder, and `notify.silence_after` how long is too long";
        Self::with_hint(ProblemKind::Silence, text, hint.to_owned())
    }

    /// Nobody gets the messages of a way; `reason` names where they go.
    pub(super) fn of_undelivered(stuck: &Undelivered) -> Self {
        let text = format!(
            "notifications do not arrive since {}: {}",
            stuck.since, stuck.reason
        );
        let hint = "`kado notify test` sends one by each way".to_owned();
        Self::with_hint(ProblemKind::Notification, text, hint)
    }

    /// Folders are polled, for this reason, which says what mends it.
    pub(super) fn of_polling(reason: &str) -> Self {
        let text = format!("folders are polled, so runs are found later: {reason}");
        Self::new(ProblemKind::Polled, text)
    }

    pub(super) fn of_member(member: &Unreadable, spool: &Spool) -> Self {
        let hint = member.way_out(spool);
        Self::with_hint(ProblemKind::Member, member.to_string(), hint)
    }

    pub(super) fn of_parked(row: &SubmissionSummary) -> Self {
        let id = row.id;
        let text = format!("run {id} ({}) is parked: {}", row.suite, reason(row));

        let way_out = if row.needs_plan {
            // Without a test plan it is parked again.
            format!("`kado runs retry {id} --plan PLAN` submits it, `kado list plans` lists them")
        } else {
            format!("then `kado runs retry {id}` submits it")
        };
        let hint = format!(
            "{way_out}; `kado runs show {id}` shows all of it, `kado runs forget {id}` gives it up"
        );

        Self::with_hint(ProblemKind::Parked, text, hint).about(About {
            project: Some(row.project.clone()),
            suite: Some(row.suite.clone()),
            runs: 1,
            url: row.url.clone(),
            ..About::subject(id.to_string())
        })
    }

    /// It was submitted before its suite ended.
    pub(super) fn of_gone_on(row: &SubmissionSummary) -> Self {
        let text = format!(
            "run {} ({}) was submitted before its suite ended, and what came later is not in Azure \
             DevOps",
            row.id, row.suite
        );
        let hint = format!(
            "`kado submit --again {}` submits all of it, to a test run of its own",
            shell_word(&row.folder)
        );

        Self::with_hint(ProblemKind::Parked, text, hint).about(About {
            project: Some(row.project.clone()),
            suite: Some(row.suite.clone()),
            runs: 1,
            url: row.url.clone(),
            ..About::subject(format!("{} went on", row.id))
        })
    }

    /// No service runs that would submit it.
    pub(super) fn of_abandoned(abandoned: &AbandonedSuite) -> Self {
        let AbandonedSuite { suite, folder } = abandoned;
        let text = format!(
            "{} of `{}` is shown in Azure DevOps as running (test run {} in test plan {}), but its \
             `kado exec` was killed and no service runs, so nobody submits it",
            suite.suite, suite.project, suite.ado_run_id, suite.plan_id
        );
        let hint = format!(
            "when the suite has ended, `kado submit {}` submits it, or `kado run --once` where its \
             project is watched",
            shell_word(folder)
        );

        Self::with_hint(ProblemKind::Live, text, hint).about(About {
            project: Some(suite.project.clone()),
            suite: Some(suite.suite.clone()),
            runs: 1,
            url: suite.url.clone(),
            ..About::subject(&suite.key)
        })
    }

    /// Runs of which nothing went wrong but that whoever sent them is gone, as a command that was
    /// killed; `None` without any.
    pub(super) fn of_left(rows: &[&SubmissionSummary], config: &Config) -> Option<Self> {
        let first = rows.first()?;
        let text = match rows {
            [row] => format!(
                "run {} ({}) waits, and nobody is there to send it",
                row.id, row.suite
            ),
            rows => format!("{} runs wait, and nobody is there to send them", rows.len()),
        };

        // Nothing went wrong with them, so `--failed` leaves them out.
        let hint = without_a_service(config, &format!("kado runs retry {}", first.id));
        Some(Self::with_hint(ProblemKind::Waiting, text, hint))
    }

    /// These runs wait for the same reason.
    pub(super) fn of_waiting(
        reason: &str,
        rows: &[&SubmissionSummary],
        next_try: NextTry,
        config: &Config,
    ) -> Self {
        let text = match rows {
            [row] => format!("run {} ({}) waits: {reason}", row.id, row.suite),
            rows => format!("{} runs wait: {reason}", rows.len()),
        };
        let hint = if next_try == NextTry::Never {
            without_a_service(config, "kado runs retry --failed")
        } else {
            "kado tries again by itself and loses nothing; `kado runs` says when, `kado check` \
             asks the server"
                .to_owned()
        };

        Self::with_hint(ProblemKind::Waiting, text, hint)
    }
}

/// What becomes of what waits where no service runs; `by_hand` is a command that sends it.
fn without_a_service(config: &Config, by_hand: &str) -> String {
    // Where nothing is watched `kado run` does not start.
    if config.watch.is_empty() {
        return format!(
            "no service runs, so nothing is tried again by itself; `{by_hand}` tries once"
        );
    }
    NOBODY_TRIES.to_owned()
}

/// Why a run waits or is parked.
pub(super) fn reason(row: &SubmissionSummary) -> &str {
    row.error.as_deref().unwrap_or("no reason is known")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_one_word_in_json_and_in_metrics() {
        for kind in ProblemKind::ALL.into_iter().chain(ProblemKind::NOTES) {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        }
    }
}
