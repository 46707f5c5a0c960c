//! `kado runs verify`: what Azure DevOps holds today of runs that were sent, compared with what was
//! planned. Reads the outbox and the server, and writes to neither.

use serde::Serialize;

use super::filter::Since;
use crate::ado::{AdoError, Missing};
use crate::cli::json::{self, OutputForm};
use crate::cli::plain::or_dash;
use crate::cli::runtime::runtime;
use crate::cli::terminal::{Piece, Screen, Tone, always, table, weighing};
use crate::config::Config;
use crate::connect::Connections;
use crate::error_chain::chain;
use crate::exit::Exit;
use crate::outbox::submission::{SubmissionSummary, SubmittedBy};
use crate::outbox::{Store, StoreError};
use crate::plan::recount::Recount;
use crate::submit::recount;

/// A run that was compared, as scripts see it.
#[derive(Debug, Serialize)]
struct VerifiedRun {
    id: i64,
    suite: String,
    plan_id: Option<u32>,
    ado_run_id: Option<u32>,
    url: Option<String>,
    /// Whether Azure DevOps does not have the test run any more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    gone: bool,
    #[serde(flatten)]
    recount: Recount,
    /// What it means for the exit code of the command.
    #[serde(skip)]
    exit: Exit,
}

/// What comparing one run came to.
struct Comparison {
    recount: Recount,
    gone: bool,
    exit: Exit,
}

impl Comparison {
    fn of(recount: Recount) -> Self {
        let exit = if recount.is_different() {
            Exit::NotDone
        } else {
            Exit::Done
        };
        Self {
            recount,
            gone: false,
            exit,
        }
    }

    fn none(row: &SubmissionSummary, reason: &str, exit: Exit) -> Self {
        Self {
            recount: Recount::uncompared(row.results, reason),
            gone: false,
            exit,
        }
    }

    /// ADO gives no results, for this reason. That it does not have the run is a finding; that
    /// nobody could look is none.
    fn without_results(row: &SubmissionSummary, error: &AdoError) -> Self {
        let gone = matches!(
            error,
            AdoError::Gone {
                what: Missing::Object,
                ..
            }
        );
        Self {
            gone,
            ..Self::none(row, &chain(error), error.exit())
        }
    }
}

/// Compares one run, or those that ended since then.
pub(super) fn verify(
    id: Option<i64>,
    since: &Since,
    form: OutputForm,
    config: &Config,
    out: &mut Screen<'_>,
) -> anyhow::Result<Exit> {
    let mut verified = Vec::new();
    if let Some(store) = Store::open_to_read(&config.state_dir)? {
        let rows = chosen(&store, id, since, out)?;
        let connections = Connections::default();
        let runtime = runtime()?;

        // One after the other: nobody waits for it as for a submission.
        for row in rows {
            let compared = runtime.block_on(compared(&store, &row, config, &connections));
            verified.push(compared);
        }
    } else if let Some(id) = id {
        return Err(StoreError::UnknownSubmission(id).into());
    }

    let exit = verified
        .iter()
        .fold(Exit::Done, |exit, run| exit.and(run.exit));
    if form == OutputForm::Json {
        json::print(&verified, out)?;
    } else if verified.is_empty() {
        out.sentence(
            0,
            "kado submitted no run since then; `--since` looks back further.",
        )?;
    } else {
        print(&verified, out)?;
    }
    Ok(exit)
}

/// The rows to compare, the newest first: what kado itself has sent whole.
fn chosen(
    store: &Store,
    id: Option<i64>,
    since: &Since,
    out: &Screen<'_>,
) -> anyhow::Result<Vec<SubmissionSummary>> {
    let Some(id) = id else {
        let mut rows = store.summaries(None)?;
        since.retain(&mut rows, out.terminal().times())?;
        rows.retain(is_sent);
        return Ok(rows);
    };

    let rows = store.summaries(Some(&[id]))?;
    match rows.first() {
        None => Err(StoreError::UnknownSubmission(id).into()),
        Some(row) if is_sent(row) => Ok(rows),
        Some(row) if row.submitted_by == Some(SubmittedBy::Katalon) => anyhow::bail!(
            "run {id} was submitted by Katalon itself; kado knows only what it sent itself"
        ),
        Some(row) => anyhow::bail!(
            "run {id} is {}; only what is submitted can be compared",
            row.state.word()
        ),
    }
}

fn is_sent(row: &SubmissionSummary) -> bool {
    row.submitted_by == Some(SubmittedBy::Kado)
}

async fn compared(
    store: &Store,
    row: &SubmissionSummary,
    config: &Config,
    connections: &Connections,
) -> VerifiedRun {
    let comparison = comparison(store, row, config, connections).await;

    VerifiedRun {
        id: row.id,
        suite: row.suite.clone(),
        plan_id: row.plan_id,
        ado_run_id: row.ado_run_id,
        url: row.url.clone(),
        gone: comparison.gone,
        recount: comparison.recount,
        exit: comparison.exit,
    }
}

/// What ADO holds of a run, and what that means for the exit code. What hinders one run hinders no
/// other one.
async fn comparison(
    store: &Store,
    row: &SubmissionSummary,
    config: &Config,
    connections: &Connections,
) -> Comparison {
    let submission = match store.load(row.id) {
        Ok(submission) => submission,
        Err(error) => return Comparison::none(row, &chain(&error), Exit::NotDone),
    };
    let client = match connections.for_run(config, &submission.snapshot) {
        Ok(client) => client,
        Err(error) => return Comparison::none(row, &chain(&error), error.exit()),
    };

    match recount::of_results(&client, &submission).await {
        Ok(recount) => Comparison::of(recount),
        Err(error) => Comparison::without_results(row, &error),
    }
}

fn print(verified: &[VerifiedRun], out: &mut Screen<'_>) -> anyhow::Result<()> {
    let mut list = table([
        always("Id"),
        always("Suite"),
        weighing(1, "Plan"),
        weighing(2, "ADO run"),
        weighing(3, "Sent"),
        weighing(4, "In ADO"),
        always("Compared"),
    ]);
    for run in verified {
        list.add_row([
            Piece::new(run.id.to_string()),
            Piece::new(&run.suite),
            Piece::new(or_dash(run.plan_id)),
            Piece::new(or_dash(run.ado_run_id)).at(run.url.as_deref()),
            Piece::new(run.recount.planned.to_string()),
            Piece::new(or_dash(run.recount.in_ado)),
            verdict(run),
        ]);
    }
    out.table(&list)?;

    // What differs is too long for a column.
    for run in verified {
        for line in run.recount.lines() {
            out.sentence(4, &format!("{}: {line}", run.id))?;
        }
    }
    for (reason, ids) in uncompared_runs(verified) {
        let runs = match ids.as_slice() {
            [one] => one.to_string(),
            several => format!("{} runs", several.len()),
        };
        out.sentence(4, &format!("{runs}: {reason}"))?;
    }
    Ok(())
}

/// The runs that were not compared, by why: a server that is away says the same of each.
fn uncompared_runs(verified: &[VerifiedRun]) -> Vec<(&str, Vec<i64>)> {
    let mut by_reason: Vec<(&str, Vec<i64>)> = Vec::new();
    for run in verified {
        let Some(reason) = &run.recount.uncompared else {
            continue;
        };
        match by_reason.iter_mut().find(|(known, _)| known == reason) {
            Some((_, ids)) => ids.push(run.id),
            None => by_reason.push((reason, vec![run.id])),
        }
    }
    by_reason
}

fn verdict(run: &VerifiedRun) -> Piece {
    let recount = &run.recount;

    if run.gone {
        Piece::toned(Tone::Bad, "gone")
    } else if recount.uncompared.is_some() {
        Piece::toned(Tone::Open, "not compared")
    } else if recount.is_different() {
        let differ = match recount.different {
            1 => "1 differs".to_owned(),
            several => format!("{several} differ"),
        };
        Piece::toned(Tone::Bad, differ)
    } else {
        Piece::toned(Tone::Good, "as sent")
    }
}
