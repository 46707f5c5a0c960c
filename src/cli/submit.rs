//! `kado submit`: run folders on a person's word. Beside a running service the request goes through the database and
//! the service carries it out; without one the command does it itself.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tracing_subscriber::filter::LevelFilter;

use crate::cli::table::plain;
use crate::cli::{dry_run, outcome, runtime};
use crate::config::Config;
use crate::daemon;
use crate::exit::Exit;
use crate::outbox::Outbox;
use crate::outbox::intake::{Cause, SubmissionState};
use crate::outbox::lock::StateLock;
use crate::outbox::request::{Answer, Request};
use crate::outbox::row::Row;
use crate::submit::Attempt;
use crate::{clock, telemetry};

/// How often the answer of a service is looked for.
const LOOK: Duration = Duration::from_millis(200);
/// How long a service may take to answer a request.
const ANSWER: Duration = Duration::from_secs(60);
/// How long `kado submit` waits for the service to send.
const SENT: Duration = Duration::from_secs(15 * 60);

/// Arguments of `kado submit`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Run folders
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// Print the plan and send nothing that writes
    #[arg(long)]
    dry_run: bool,
    /// Submit once more what was submitted already
    #[arg(long, conflicts_with = "dry_run")]
    again: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Submits run folders.
pub fn submit(arguments: &Arguments, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let _guard = telemetry::start(LevelFilter::WARN, None);
    let runtime = runtime()?;
    if arguments.dry_run {
        return runtime.block_on(dry_run::dry_run(&arguments.folders, arguments.json, config, out));
    }
    let folder = config.state_dir.display();
    let lock = StateLock::take(&config.state_dir).with_context(|| format!("state folder `{folder}` cannot be used"))?;
    let outbox = Outbox::open(&config.state_dir)?;
    let done = match &lock {
        Some(_lock) => runtime.block_on(alone(arguments, config, &outbox)),
        None => runtime.block_on(beside(arguments, &outbox)),
    }?;
    report(arguments.json, &done, out)?;
    Ok(done.exit)
}

#[derive(Default)]
struct Done {
    rows: Vec<Row>,
    notes: Vec<String>,
    exit: Exit,
}

impl Done {
    /// Takes in an answer; gives the submissions that were taken on.
    fn answer(&mut self, folder: &Path, answer: Answer) -> Vec<i64> {
        match answer {
            Answer::Taken { submissions, note } => {
                self.notes.extend(note);
                submissions
            }
            Answer::Refused(reason) => {
                self.notes.push(format!("`{}` is not submitted: {reason}", folder.display()));
                self.exit = self.exit.and(Exit::NotDone);
                Vec::new()
            }
        }
    }
}

async fn alone(arguments: &Arguments, config: &Config, outbox: &Outbox) -> anyhow::Result<Done> {
    let mut done = Done::default();
    let mut ids = Vec::new();
    for folder in &arguments.folders {
        let folder = std::path::absolute(folder)?;
        let answer = daemon::record_folder(outbox, config, &folder, arguments.again).await?;
        ids.extend(done.answer(&folder, answer));
    }
    let attempts = daemon::send(outbox, config, &ids).await?;
    done.rows = outbox.with(move |store| store.rows(Some(&ids))).await?;
    done.exit = done.exit.and(outcome::exit(&done.rows, &attempts));
    Ok(done)
}

async fn beside(arguments: &Arguments, outbox: &Outbox) -> anyhow::Result<Done> {
    let mut done = Done::default();
    let mut ids = Vec::new();
    let mut fresh = Vec::new();
    for folder in &arguments.folders {
        let folder = std::path::absolute(folder)?;
        let request = Request::Submit { folder: folder.to_string_lossy().into_owned(), again: arguments.again };
        let asked = outbox.with(move |store| store.ask(&request, clock::now())).await?;
        let answer = wait_for_answer(outbox, asked).await?;
        let known = matches!(&answer, Answer::Taken { note: Some(_), .. });
        let taken = done.answer(&folder, answer);
        fresh.extend(taken.iter().filter(|_| !known).copied());
        ids.extend(taken);
    }
    done.rows = wait_until_sent(outbox, &ids).await?;
    let attempts: Vec<_> = done.rows.iter().filter(|row| fresh.contains(&row.id)).filter_map(attempt_of).collect();
    let exit = outcome::exit(&done.rows, &attempts);
    done.exit = done.exit.and(exit);
    Ok(done)
}

/// The answer of the service to a request.
pub(super) async fn wait_for_answer(outbox: &Outbox, request: i64) -> anyhow::Result<Answer> {
    let until = clock::now().plus(ANSWER);
    loop {
        if let Some(answer) = outbox.with(move |store| store.answer_to(request)).await? {
            return Ok(answer);
        }
        if clock::now() > until {
            anyhow::bail!("the running service did not answer in {} seconds; look at its log", ANSWER.as_secs());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until nothing of these is under way, or until it failed once and waits.
pub(super) async fn wait_until_sent(outbox: &Outbox, ids: &[i64]) -> anyhow::Result<Vec<Row>> {
    let until = clock::now().plus(SENT);
    loop {
        let ids = ids.to_vec();
        let rows = outbox.with(move |store| store.rows(Some(&ids))).await?;
        let under_way = |row: &Row| {
            matches!(row.state, SubmissionState::Pending | SubmissionState::Submitting) && row.next_attempt.is_none()
        };
        if !rows.iter().any(under_way) || clock::now() > until {
            return Ok(rows);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What a row says of the attempt of a service.
pub(super) fn attempt_of(row: &Row) -> Option<(i64, Attempt)> {
    let attempt = match row.state {
        SubmissionState::Submitted => Attempt::Submitted,
        SubmissionState::Parked => Attempt::Parked,
        SubmissionState::Ignored => return None,
        SubmissionState::Pending | SubmissionState::Submitting => {
            let cause = row.cause.unwrap_or(Cause::Unreachable);
            Attempt::Waits { cause, until: row.next_attempt? }
        }
    };
    Some((row.id, attempt))
}

fn report(json: bool, done: &Done, out: &mut dyn Write) -> anyhow::Result<()> {
    for note in &done.notes {
        eprintln!("{}", plain(note));
    }
    if json {
        serde_json::to_writer_pretty(&mut *out, &done.rows)?;
        writeln!(out)?;
        return Ok(());
    }
    for row in &done.rows {
        people(row, out)?;
    }
    Ok(())
}

/// What became of one submission, for people.
pub(super) fn people(row: &Row, out: &mut dyn Write) -> anyhow::Result<()> {
    let plan = row.plan_id.map(|plan| format!(" (test plan {plan})")).unwrap_or_default();
    let suite = plain(&row.suite);
    let error = plain(row.error.as_deref().unwrap_or_default());
    match row.state {
        SubmissionState::Submitted => writeln!(
            out,
            "{suite}{plan}: submitted as test run {} with {} results and {} attachments\n    {}",
            row.ado_run_id.unwrap_or_default(),
            row.results,
            row.attachments,
            plain(row.url.as_deref().unwrap_or_default())
        )?,
        SubmissionState::Parked => writeln!(out, "{suite}{plan}: parked: {error}")?,
        SubmissionState::Ignored => writeln!(out, "{suite}{plan}: ignored: {error}")?,
        SubmissionState::Pending | SubmissionState::Submitting => writeln!(out, "{suite}{plan}: waits: {error}")?,
    }
    for left_out in &row.skipped {
        writeln!(out, "    left out: {}", plain(&left_out.to_string()))?;
    }
    Ok(())
}
